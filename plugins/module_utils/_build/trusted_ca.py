# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust on OpenShift 4, where certs.d of the nodes follows a ConfigMap that image.config names. Pure.

The operator's DaemonSet node-ca makes certs.d from it, and clears away every other directory there each minute. The
ConfigMap is the administrator's as much as ours: each key belongs to whoever has written it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import rbac
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import OWNED, owned_by_anyone, owns

#: What tells the cluster's engines whom to trust; there is exactly one.
IMAGES = ObjectRef("config.openshift.io/v1", "Image", "cluster")
NAMESPACE = "openshift-config"
#: The ConfigMap's name where image.config names none yet.
DEFAULT_NAME = "okd-registry-trusted-ca"
_KEY = re.compile(r"[-._a-zA-Z0-9]+")

Object = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """The trust that is wanted.

    :param registry: ``namespace/name``, under which ours is noted.
    :param name: of the ConfigMap.
    :param values: PEM text by key; none with state absent.
    """

    registry: str
    name: str
    values: Mapping[str, str]

    @property
    def ref(self) -> ObjectRef:
        """The ConfigMap."""
        return ObjectRef("v1", "ConfigMap", self.name, NAMESPACE)


def key_of(endpoint: str) -> str | None:
    """An endpoint in docker's form as a key of the ConfigMap; None for an IPv6 address, which no key can say.

    The last colon becomes two dots, since a key may have no colon.
    """
    host, colon, port = endpoint.rpartition(":")
    key = f"{host}..{port}" if colon else endpoint
    return key if _KEY.fullmatch(key) else None


def named(images: Mapping[str, Any] | None) -> str | None:
    """The ConfigMap that image.config names."""
    return (((images or {}).get("spec") or {}).get("additionalTrustedCA") or {}).get("name") or None


def others(live: Mapping[str, Any] | None, want: Wanted) -> dict[str, str]:
    """Those of the wanted keys that are there and were written by somebody else, with their values."""
    data = (live or {}).get("data") or {}
    return {
        key: data[key] for key in want.values if key in data and not owns(live, "data", key, owner=want.registry)
    }  # fmt: skip


def is_another_registrys(live: Mapping[str, Any], key: str) -> bool:
    """Whether a key is ours for another registry of ours."""
    return owned_by_anyone(live, "data", key)


def config_map(want: Wanted, live: Mapping[str, Any] | None) -> Object:
    """The ConfigMap with our keys. What others have written under the same keys stays theirs."""
    theirs = others(live, want)
    obj: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": want.name, "namespace": NAMESPACE},
        "data": {key: text for key, text in want.values.items() if key not in theirs},
    }
    # One that was made here may be taken away again, once nobody has a key in it.
    return rbac.marked(obj, want.registry, live)


def was_made_here(live: Mapping[str, Any] | None) -> bool:
    """Whether the ConfigMap did not exist before a registry of ours needed it."""
    return rbac.CREATED_FOR in (((live or {}).get("metadata") or {}).get("annotations") or {})


def images(want: Wanted, live: Mapping[str, Any] | None) -> Object:
    """image.config with the ConfigMap named in it; where somebody else has named it, that stays theirs."""
    obj: Object = {"apiVersion": IMAGES.api_version, "kind": IMAGES.kind, "metadata": {"name": IMAGES.name}}
    if named(live) and not owns(live, "spec", "additionalTrustedCA", "name", owner=want.registry):
        return obj
    return {**obj, "spec": {"additionalTrustedCA": {"name": want.name}}}


def released(live: Object) -> Object:
    """image.config with no ConfigMap named, whichever registry of ours had named it, and without our notes.

    An empty ``spec`` stays: the API wants one.
    """
    after = deepcopy(live)
    after["spec"].pop("additionalTrustedCA", None)
    notes = {k: v for k, v in (after["metadata"].pop("annotations", None) or {}).items() if not k.startswith(OWNED)}
    if notes:
        after["metadata"]["annotations"] = notes
    return after


def is_named_by_us(live: Mapping[str, Any] | None) -> bool:
    """Whether it was for a registry of ours that image.config names a ConfigMap."""
    return live is not None and owned_by_anyone(live, "spec", "additionalTrustedCA", "name")


def left(live: Mapping[str, Any] | None, registry: str) -> list[str]:
    """The keys that would remain without those of one registry."""
    return sorted(key for key in (live or {}).get("data") or {} if not owns(live, "data", key, owner=registry))


def bare(ref: ObjectRef) -> Object:
    """An object of which nothing is wanted."""
    meta = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": meta}


def keys(endpoints: Iterable[str], pem: str) -> tuple[dict[str, str], list[str]]:
    """PEM text by key, and the endpoints that no key can say."""
    found = {endpoint: key_of(endpoint) for endpoint in endpoints}
    return {key: pem for key in found.values() if key}, [one for one, key in found.items() if not key]
