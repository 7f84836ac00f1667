# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment is going to change, kept as it was, so that it can be put back however the run ends.

It lies in the Secret ``<name>-before`` from before the first write until the new pods serve. A run that finds the
Secret of one that was killed adds to it: the state to go back to is the last one that served.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _wait
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import rbac, secrets
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._companion import Companion
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import Live, own_http_secret, wanted
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us, plan

KEY = "objects.json.gz"
Object = dict[str, Any]


@dataclass(frozen=True)
class Before:
    """One object as it was.

    :param owner: see ``_plan.annotation_for``; "" for objects of this registry alone.
    :param object: None where there was none.
    """

    ref: ObjectRef
    owner: str
    object: Object | None


def ref_of(registry: Registry) -> ObjectRef:
    """Where a registry's former state is kept."""
    return ObjectRef("v1", "Secret", f"{registry.name}-before", registry.namespace)


def read(registry: Registry, api: Api) -> Object | None:
    """The Secret of a run that has not ended well; None where there is none, or it is not ours."""
    found = api.get(ref_of(registry))
    return found if found is not None and owned_by_us(found) else None


def entries(secret: Object | None) -> list[Before]:
    """What is kept, in the order in which it was to be written. Nothing where it cannot be read."""
    try:
        text = base64.b64decode(((secret or {}).get("data") or {}).get(KEY) or "", validate=True)
        content = json.loads(gzip.decompress(text)) if text else []
        return [Before(ObjectRef(**one["ref"]), one["owner"], one["object"]) for one in content]
    except (binascii.Error, OSError, EOFError, ValueError, KeyError, TypeError):
        return []


def about_to_change(beside: Iterable[Companion], there: Mapping[ObjectRef, Object | None]) -> list[Before]:
    """The objects beside the workload that are going to be written, as they are."""
    found = []
    for one in beside:
        live = there.get(one.ref)
        if plan(live, one.desired(live), owner=one.owner).changed:
            found.append(Before(one.ref, one.owner, live))
    return found


def merged(kept: Iterable[Before], now: Iterable[Before]) -> list[Before]:
    """What is to be kept: what an earlier run kept goes before what this one found, which may be half-written."""
    first = list(kept)
    known = {one.ref for one in first}
    return [*first, *(one for one in now if one.ref not in known)]


def still_counts(kept: Iterable[Before], workload: Object | None, *, serves: bool) -> bool:
    """Whether a kept state is still the last one that served.

    It is not where the workload was written since, and what was written serves.
    """
    then = next((one.object for one in kept if workload and one.ref == ObjectRef.of(workload)), None)
    written = then is None or then.get("spec") != (workload or {}).get("spec")
    return not (serves and written)


def keep_what_changes(
    spec: DeploySpec,
    live: Live,
    beside: list[Companion],
    there: Mapping[ObjectRef, Object | None],
    past: Object | None,
    api: Api,
) -> Object | None:
    """Keep what is going to change as it is, before anything is written. The Secret; None where there is none.

    :param past: the Secret of an earlier run.
    """
    known = secrets.http_identity(live.http_secret)
    want = wanted(spec, live, known if own_http_secret(spec, live) else None)
    if not plan(live.workload, build.desired(want, live.workload)).changed:
        return past
    workload = build.ref(live.kind, spec.registry.name, spec.registry.namespace)
    budget = [Before(live.disruption.ref, "", live.disruption.live)] if live.disruption.ref else []
    now = [*about_to_change(beside, there), *budget, Before(workload, "", live.workload)]
    kept = entries(past)
    serves = live.workload is not None and _wait.settled(live.workload) is not None
    # A migration makes the registry read-only on its way: that it serves so makes nothing obsolete.
    if live.migration is None and not still_counts(kept, live.workload, serves=serves):
        kept = []
    keep(spec.registry, merged(kept, now), api)
    return read(spec.registry, api)


def keep(registry: Registry, what: Iterable[Before], api: Api) -> None:
    """Write it down. Nothing of it ever shows."""
    content = [
        {"ref": vars(one.ref), "owner": one.owner, "object": _without_history(one.object)} for one in what
    ]  # fmt: skip
    data = gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0)
    ref = ref_of(registry)
    ensure(
        api, ref,
        {
            "apiVersion": ref.api_version, "kind": ref.kind,
            "metadata": {
                "name": ref.name, "namespace": ref.namespace,
                "annotations": {rbac.CREATED_FOR: str(registry)},
            },
            "type": "Opaque",
            "data": {KEY: base64.b64encode(data).decode("ascii")},
        },
        check_mode=False,
    )  # fmt: skip


def forget(registry: Registry, api: Api) -> None:
    """Take it away, if it is ours."""
    ensure_absent(api, ref_of(registry), check_mode=False, keep=lambda live: None if owned_by_us(live) else "")


def _without_history(obj: Object | None) -> Object | None:
    """Without what nobody needs and may be large."""
    if obj is None:
        return None
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}
