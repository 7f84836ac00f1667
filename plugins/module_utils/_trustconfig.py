# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_trust_config does: OpenShift 4's own configuration says whom its nodes trust, and the nodes follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, amend, ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build import trusted_ca as build
from ansible_collections.okd.registry.plugins.module_utils._build.trusted_ca import Wanted
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    CertificateError,
    NotFoundError,
    OptionError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import group_of
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_name, host_port
from ansible_collections.okd.registry.plugins.module_utils._patch import operations
from ansible_collections.okd.registry.plugins.module_utils._plan import UPDATED, Change, owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]


def execute(module: Any, api: Api) -> Object:
    """The module's work. Raises RegistryError."""
    params = module.params
    registry = str(Registry.from_params(params))
    images = _images(api, params["state"])
    if params["state"] == "absent":
        return _absent(registry, params, images, api, check_mode=module.check_mode)
    return _present(registry, params, images, api, check_mode=module.check_mode)


def node_ca(api: Api) -> bool:
    """Whether certs.d of the nodes belongs to the image-registry operator's DaemonSet node-ca.

    The operator has it whatever its Config says of the registry itself (pkg/operator/nodecadaemon.go).
    """
    return api.has(group_of(configs.API_VERSION)) and api.get(configs.REF) is not None


def refuse_node_writes(api: Api, option: str) -> None:
    """Refuse to write to nodes where that would be undone within a minute.

    :param option: which one allows it all the same.
    """
    if node_ca(api):
        raise RefusedError(
            f"{configs.REF} is there, so the operator's DaemonSet node-ca has certs.d of every node on this cluster,"
            " and takes every other directory away each minute. Let registry_trust_config tell the cluster whom to"
            f" trust instead, or say {option}: true where node-ca does not run."
        )


def _images(api: Api, state: str) -> Object | None:
    if not api.has(build.IMAGES.group):
        if state == "absent":
            return None
        raise RefusedError(
            f"The cluster has no {build.IMAGES.api_version}, so it is not OpenShift 4, and there is no configuration"
            " that its nodes take trust from: use registry_trust."
        )
    return api.get(build.IMAGES)


def _present(registry: str, params: Mapping[str, Any], images: Object | None, api: Api, *, check_mode: bool) -> Object:
    if images is None:
        raise NotFoundError(
            f"{build.IMAGES} ({build.IMAGES.api_version}) does not exist, though OpenShift 4 always has it: look"
            " whether its installation is finished.",
            status=404,
        )
    want, unsaid = _wanted(registry, params, images, check_mode=check_mode)
    live = api.get(want.ref)
    _refuse_others(want, live)
    result = Result(api)
    for endpoint in unsaid:
        result.note(f"{endpoint} is left out: no key of a ConfigMap can say an IPv6 address.")
    for key in build.others(live, want):
        result.note(f"{want.ref}: {key} has this CA already, and stays whose it is.")
    result.add(
        ensure(
            api, want.ref, lambda now: build.config_map(want, now), check_mode=check_mode, live=live, owner=registry,
        )
    )  # fmt: skip
    result.add(
        ensure(
            api, build.IMAGES, lambda now: build.images(want, now), check_mode=check_mode, live=images, owner=registry
        )
    )
    return _finish(result, params, want.name, sorted(want.values))


def _wanted(registry: str, params: Mapping[str, Any], images: Object, *, check_mode: bool) -> tuple[Wanted, list[str]]:
    """What is wanted, checked, and the endpoints that cannot be said."""
    known = []
    for endpoint in params["endpoints"]:
        if KNOWN_AFTER_APPLY not in endpoint:
            host_port("endpoints", endpoint)
            known.append(endpoint)
        elif not check_mode:
            raise OptionError("endpoints", endpoint, "is known only after apply, so only check mode takes it")
    values, unsaid = build.keys(known, _pem(params["trusted_ca"], check_mode=check_mode))
    name = build.named(images) or dns_name("config_map", params.get("config_map") or build.DEFAULT_NAME)
    return Wanted(registry, name, values), unsaid


def _pem(text: str, *, check_mode: bool) -> str:
    """Certificates and nothing else; in one form, so that they can be compared."""
    if text == KNOWN_AFTER_APPLY and check_mode:
        return text
    from ansible_collections.okd.registry.plugins.module_utils import _pem as pem

    if "PRIVATE KEY" in text:
        raise OptionError("trusted_ca", "(not shown)", "holds a private key; only certificates belong into a ConfigMap")
    return pem.pem_of(*dict.fromkeys(pem.parse_certificates(text.encode(), "trusted_ca")))


def _trusted(text: str) -> frozenset[str] | str:
    """The certificates of a PEM text by their fingerprints; of any other text, itself."""
    from ansible_collections.okd.registry.plugins.module_utils import _pem as pem

    try:
        return frozenset(pem.fingerprint(cert) for cert in pem.parse_certificates(text.encode(), "trusted_ca"))
    except CertificateError:
        return text


def _refuse_others(want: Wanted, live: Object | None) -> None:
    """Refuse where somebody else's key of the same name trusts something else."""
    for key, text in build.others(live, want).items():
        if _trusted(text) != _trusted(want.values[key]):
            whose = "another registry of yours" if build.is_another_registrys(live or {}, key) else "somebody else"
            raise RefusedError(
                f"{want.ref}: {key} is there already, written by {whose}, and trusts other certificates. Look who needs"
                " it, then remove that key and run again."
            )


def _absent(registry: str, params: Mapping[str, Any], images: Object | None, api: Api, *, check_mode: bool) -> Object:
    """Our keys go; with the last key of anybody, the ConfigMap that we made, after image.config lets go of it."""
    result = Result(api)
    if not api.has(build.IMAGES.group):  # no OpenShift 4, so nobody need be allowed to read that ConfigMap
        return _finish(result, params, build.DEFAULT_NAME, [])
    name = build.named(images) or build.DEFAULT_NAME
    want = Wanted(registry, name, {})
    live = api.get(want.ref)
    emptied = live is not None and not build.left(live, registry) and build.was_made_here(live)
    if images is not None and build.is_named_by_us(images) and emptied:
        result.add(_released(images, api, check_mode=check_mode))
    if live is not None and emptied:
        result.add(ensure_absent(api, want.ref, check_mode=check_mode, live=live))
    elif live is not None and owned_by_us(live, registry):
        empty = build.bare(want.ref)
        result.add(ensure(api, want.ref, empty, check_mode=check_mode, live=live, owner=registry))
    return _finish(result, params, name, [])


def _released(live: Object, api: Api, *, check_mode: bool) -> Outcome:
    """What becomes of image.config when it names no ConfigMap any more."""
    if not check_mode:
        return amend(api, build.IMAGES, build.released)
    after = build.released(live)
    fields = [step.field for step in operations(live, after)]
    return Outcome(build.IMAGES, Change(UPDATED, before=live, after=after, fields=fields), after)


def _finish(result: Result, params: Mapping[str, Any], name: str, keys: list[str]) -> Object:
    registry = {
        "name": params["name"],
        "namespace": params["namespace"],
        "endpoints": params["endpoints"] or [] if params["state"] == "present" else [],
    }
    return result.finish(registry=registry, config_map={"namespace": build.NAMESPACE, "name": name, "keys": keys})
