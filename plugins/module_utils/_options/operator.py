# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of registry_deploy as the image-registry operator understands them: each mapped, or refused. Pure.

What docs/operator.md tells in tables is decided here. Parameters are read as the module has them, since the checked
values of the other groups are made for a workload of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.operator_config import Wanted
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._fields import element_keys
from ansible_collections.okd.registry.plugins.module_utils._model import default_labels, labels
from ansible_collections.okd.registry.plugins.module_utils._options import operator_storage

_OUR_LABELS = default_labels("docker-registry")
#: Options that the operator has no equal for: values that ask for no more than it does by itself, and why no others.
_NO_EQUAL: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "kind": (("auto", "Deployment"), "the operator runs a Deployment"),
    "image": ((), "the operator runs the image of the cluster's release"),
    "image_component": (("docker-registry",), "the operator runs the image of the cluster's release"),
    "image_version": ((), "the operator runs the image of the cluster's release"),
    "latest_images": ((False,), "the operator runs the image of the cluster's release"),
    "port": ((5000,), "the operator's registry listens on port 5000"),
    "extra_ports": (([],), "the operator's registry has one port"),
    "labels": ((_OUR_LABELS, {}), "the operator gives the pods its own labels"),
    "selector": ((_OUR_LABELS, {}), "the operator selects the pods by its own labels"),
    "priority_class": (("system-cluster-critical",), "the operator's pods have the class system-cluster-critical"),
    "fs_group": ((), "the operator takes the group that the namespace is given"),
    "supplemental_groups": (([],), "the operator takes the group that the namespace is given"),
    "pull_secrets": (([],), "nodes pull the release's images with the cluster's own pull secret"),
    "pod_disruption_budget": (({},), "the operator makes one itself"),
    "service_account": (("registry",), "the operator's registry has an account of its own"),
    "cluster_role": (("system:registry",), "the operator gives its account the rights it needs"),
    "enforce_quota": ((True,), "the operator's registry always minds quotas"),
    "credentials": ((), "the operator's registry uses the token of its service account"),
    "tls_secret": ((), "the operator's registry serves the certificate that the service CA issues"),
    "tls_mount_path": (("/etc/secrets",), "the operator has its certificate at /etc/secrets"),
    "config": (({},), "the operator makes the configuration from its Config and reads no other"),
    "extra_ca": (({},), "name a ConfigMap in additionalTrustedCA of image.config.openshift.io/cluster instead"),
    "migrate": ((False,), "a change of the operator's storage moves nothing"),
    "on_failure": (("keep",), "the operator keeps the old pods until the new ones serve, and goes on trying"),
    "remove_claims": ((False,), "delete the claim yourself, once the operator has taken the registry away"),
    "helper_image": ((), "no storage is probed or moved where the operator has it"),
}
_READONLY = "REGISTRY_STORAGE_MAINTENANCE_READONLY"
#: Variables with a field of their own that is true or false.
_SWITCHES = {
    _READONLY: "readOnly",
    f"{_READONLY}_ENABLED": "readOnly",
    "REGISTRY_STORAGE_REDIRECT_DISABLE": "disableRedirect",
}
_REQUESTS = re.compile(r"REGISTRY_OPENSHIFT_REQUESTS_(READ|WRITE)_(MAXRUNNING|MAXINQUEUE|MAXWAITINQUEUE)")
_REQUEST_FIELDS = {"MAXRUNNING": "maxRunning", "MAXINQUEUE": "maxInQueue", "MAXWAITINQUEUE": "maxWaitInQueue"}
_LEVEL = "REGISTRY_LOG_LEVEL"
_LEVELS = ("debug", "info", "warn")
_PROXY = {"HTTP_PROXY": "egress_proxy.http", "HTTPS_PROXY": "egress_proxy.https", "NO_PROXY": "egress_proxy.no_proxy"}
#: Variables that the operator always sets so.
_ALWAYS = {"REGISTRY_STORAGE_DELETE_ENABLED": True, "REGISTRY_OPENSHIFT_QUOTA_ENABLED": True}
_YES_NO = {"true": True, "false": False, "{enabled: true}": True, "{enabled: false}": False}
_STRATEGIES = {"Rolling": "RollingUpdate", "RollingUpdate": "RollingUpdate", "Recreate": "Recreate"}


def from_params(params: Mapping[str, Any]) -> Wanted:
    """Raises RefusedError naming every option without an equal, OptionError for a value that cannot work."""
    refuse([*_without_equal(params), *operator_storage.without_equal(params.get("storage") or {})])
    replicas = params.get("replicas")
    if replicas is not None and replicas < 0:
        raise OptionError("replicas", replicas, "must not be negative")
    storage = operator_storage.from_params(params.get("storage"))
    return Wanted(
        replicas=replicas,
        fields={**_fields(params), **_env_fields(params.get("env") or {})},
        storage=storage.fields,
        credentials=storage.credentials,
        secret_given=storage.secret_given,
        log_level=_level((params.get("env") or {}).get(_LEVEL)),
        allow_data_loss=bool(params.get("allow_data_loss")),
    )


def check_removal(params: Mapping[str, Any]) -> None:
    """The same for state absent, where only what is to be removed counts."""
    refuse([(name, why) for name, why in _without_equal(params) if name == "remove_claims"])


def refuse(refused: Sequence[tuple[str, str]]) -> None:
    """Raises RefusedError for options that the operator has no equal for, each with the reason."""
    if refused:
        raise RefusedError(
            "The image-registry operator runs this registry (configs.imageregistry.operator.openshift.io/cluster), and"
            " has no equal for these options: " + "; ".join(f"{name}: {why}" for name, why in refused) + ". Leave them"
            " out; or, for a registry of its own beside the cluster's, say managed_by: self and give it a name and a"
            " namespace.",
            options=[name for name, _why in refused],
        )


def _without_equal(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, (harmless, why) in _NO_EQUAL.items():
        value = params.get(name)
        if value is not None and value != "" and value not in harmless:
            yield name, why
    for name, value in (params.get("env") or {}).items():
        refusal = _env_refused(str(name), value)
        if refusal:
            yield f"env.{name}", refusal


def _env_refused(name: str, value: Any) -> str | None:
    """Why a variable cannot be handed on; None where it can."""
    text, why = _text(value), "the operator sets the pods' variables itself and has no field for this one"
    fits = False
    if name in _PROXY:
        why = f"say {_PROXY[name]} instead"
    elif value is None:
        why = "the operator lets no variable be taken away"
    elif name in _SWITCHES:
        fits, why = _switch(text) is not None, "must be true or false"
    elif name == _LEVEL:
        fits, why = text in _LEVELS, f"the operator knows the levels {', '.join(_LEVELS)} only"
    elif name in _ALWAYS:
        fits, why = _switch(text) is _ALWAYS[name], f"the operator always sets it to {_text(_ALWAYS[name])}"
    elif _REQUESTS.fullmatch(name):
        fits, why = name.endswith("MAXWAITINQUEUE") or text.isdigit(), "must be a number"
    return None if fits else why


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _switch(text: str) -> bool | None:
    return _YES_NO.get(" ".join(text.lower().replace('"', "").split()).replace("{ ", "{").replace(" }", "}"))


def _level(value: Any) -> str | None:
    return None if value is None else str(value)


def _fields(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are fields of ``spec`` as they are, or nearly."""
    strategy, proxy = params.get("strategy"), params.get("egress_proxy") or {}
    no_proxy = proxy.get("no_proxy") or []
    proxied = {
        "http": proxy.get("http"),
        "https": proxy.get("https"),
        "noProxy": no_proxy if isinstance(no_proxy, str) else ",".join(no_proxy),
    }
    found = {
        "nodeSelector": labels("node_selector", params.get("node_selector") or {}),
        "tolerations": _each_once("tolerations", params.get("tolerations") or []),
        "affinity": params.get("affinity"),
        "resources": params.get("resources"),
        "rolloutStrategy": _STRATEGIES[strategy] if strategy else None,
        "proxy": {key: value for key, value in proxied.items() if value},
    }
    return {key: value for key, value in found.items() if value}


def _each_once(option: str, elements: list[Any]) -> list[Any]:
    """The elements of a list that merges by key. Raises OptionError where two are the same one."""
    keys = element_keys(option, elements) or []
    twice = [element for element, key in zip(elements, keys, strict=False) if keys.count(key) > 1]
    if twice:
        raise OptionError(option, twice[0], "is there twice")
    return elements


def _env_fields(env: Mapping[str, Any]) -> dict[str, Any]:
    """Variables that the operator has fields for."""
    found: dict[str, Any] = {}
    for name, value in env.items():
        request = _REQUESTS.fullmatch(str(name))
        if name in _SWITCHES:
            found[_SWITCHES[name]] = _switch(_text(value))
        elif request:
            limits = found.setdefault("requests", {}).setdefault(request[1].lower(), {})
            limits[_REQUEST_FIELDS[request[2]]] = _text(value) if request[2] == "MAXWAITINQUEUE" else int(value)
    return found
