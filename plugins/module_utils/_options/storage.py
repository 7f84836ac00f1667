# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``storage`` (documented in the fragment of this name) as a checked value. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import objectstorage
from ansible_collections.okd.registry.plugins.module_utils._build.claim import NewClaim
from ansible_collections.okd.registry.plugins.module_utils._build.objectstorage import (
    HARMLESS,
    KEY_FILE,
    PARAMETER,
    REQUIRED,
    ObjectStorage,
)
from ansible_collections.okd.registry.plugins.module_utils._build.storage import (
    DEFAULT_PATH,
    DEFAULT_VOLUME,
    HostPath,
    Nfs,
    Storage,
)
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._fields import quantity
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name
from ansible_collections.okd.registry.plugins.module_utils._options.checks import container_path

#: Guards that ``ignore_guards`` may name: what each stands for is in the module's documentation.
GUARDS = ("replicas", "strategy", "claim", "node", "groups", "port", "drain", "probe")
_MODES = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]

SPEC: dict[str, Any] = {
    "storage": {
        "type": "dict",
        "options": {
            "kind": {
                "type": "str",
                "choices": ["ephemeral", "pvc", "nfs", "host_path", "s3", "azure", "gcs", "swift"],
                "default": "ephemeral",
            },
            "claim_name": {"type": "str"},
            "size": {"type": "str"},
            "storage_class": {"type": "str"},
            "access_modes": {"type": "list", "elements": "str", "choices": _MODES},
            "server": {"type": "str"},
            "path": {"type": "str"},
            "options": {"type": "list", "elements": "str"},
            "node": {"type": "str"},
            "parameters": {"type": "dict", "no_log": True},
            "secret_name": {"type": "str", "no_log": False},
            "mount_path": {"type": "path"},
            "volume_name": {"type": "str"},
        },
    },
    "migrate": {"type": "bool", "default": False},
    "allow_data_loss": {"type": "bool", "default": False},
    "ignore_guards": {"type": "list", "elements": "str", "default": []},
    "probe_storage": {"type": "bool", "default": True},
    "helper_image": {"type": "str"},
}
#: Which options belong to which kinds; those in neither list belong to all.
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "claim_name": ("pvc", "nfs"),
    "size": ("pvc", "nfs"),
    "storage_class": ("pvc",),
    "access_modes": ("pvc",),
    "server": ("nfs",),
    "path": ("nfs", "host_path"),
    "options": ("nfs",),
    "node": ("host_path",),
    "parameters": tuple(REQUIRED),
    "secret_name": tuple(REQUIRED),
    "mount_path": ("ephemeral", "pvc", "nfs", "host_path"),
    "volume_name": ("ephemeral", "pvc", "nfs", "host_path"),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {"nfs": ("server", "path"), "host_path": ("path",)}
#: What NFS does not look at, but a volume must say.
_ANY_SIZE = "100Gi"
#: Values that are hidden only where the name says that they are a credential: else they would be blotted out of
#: versions and addresses too.
_PLAIN = re.compile(r"\d{1,5}|true|false", re.IGNORECASE)
_CREDENTIAL = re.compile(r"key|secret|token|pass")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?")


def from_params(params: Mapping[str, Any]) -> Storage:
    """Raises OptionError, naming the option, for values that cannot work."""
    given = {name: value for name, value in (params.get("storage") or {}).items() if value is not None}
    kind = given.get("kind") or "ephemeral"
    for name, kinds in _OF_KIND.items():
        if name in given and kind not in kinds:
            said = " or ".join(kinds)
            raise OptionError(
                f"storage.{name}", _shown(name, given), f"has no place beside kind: {kind}; it goes with {said}"
            )
    for name in _NEEDED.get(kind, ()):
        if not given.get(name):
            raise OptionError(f"storage.{name}", given.get(name), f"is required with kind: {kind}")
    name = params["name"]
    secret = f"{name}-storage"
    common: dict[str, Any] = {
        "mount_path": container_path("storage.mount_path", given.get("mount_path") or DEFAULT_PATH),
        "volume_name": dns_name("storage.volume_name", given.get("volume_name") or DEFAULT_VOLUME),
        "path_told": "mount_path" in given,
        "name_told": "volume_name" in given,
        "secret": secret,
    }
    if kind in REQUIRED:
        return Storage(objects=_objects(kind, given, params, secret), **common)
    if kind == "pvc":
        return Storage(**_claim(given, secret), **common)
    if kind == "nfs":
        return Storage(**_nfs(given, params, secret), **common)
    if kind == "host_path":
        return Storage(host_path=_host_path(given, params), **common)
    return Storage(**common)


def guards(params: Mapping[str, Any]) -> frozenset[str]:
    """The guards that are not to count. Raises OptionError for a name that none has."""
    for name in params.get("ignore_guards") or []:
        if name == "volume":
            raise OptionError("ignore_guards", name, "has an option of its own: allow_data_loss: true")
        if name not in GUARDS:
            raise OptionError("ignore_guards", name, f"is no guard; there are {', '.join(GUARDS)}")
    return frozenset(params.get("ignore_guards") or [])


def harmless_values(params: Mapping[str, Any]) -> set[str]:
    """The values of parameters, as text, that may show: those that say where images are, and how fast to go."""
    everything = _parameters((params.get("storage") or {}).get("parameters") or {})
    return {value for _name, value in everything} - secret_values(params)


def secret_values(params: Mapping[str, Any]) -> set[str]:
    """The values of parameters, as text, that must not show in any output."""
    everything = _parameters((params.get("storage") or {}).get("parameters") or {})
    hidden = [one for one in everything if one[0] not in HARMLESS]
    return {value for name, value in hidden if value and (_CREDENTIAL.search(name) or not _PLAIN.fullmatch(value))}


def show_harmless(module: Any) -> None:
    """Of the parameters, hide credentials only: Ansible would blot out the bucket's name wherever it is."""
    params, spec = module.params, module.argument_spec.items()
    others = {str(params.get(name)) for name, option in spec if option.get("no_log")}
    module.no_log_values.difference_update(harmless_values(params) - others)


def _shown(name: str, given: Mapping[str, Any]) -> Any:
    return sorted(given[name]) if name == "parameters" else given[name]


# ---- volumes ---------------------------------------------------------------------------------------------------------


def _claim(given: Mapping[str, Any], default: str) -> dict[str, Any]:
    """A claim: with ``size`` one to be made."""
    size = given.get("size")
    if size is None:
        if not given.get("claim_name"):
            raise OptionError("storage.claim_name", None, "is required with kind: pvc, or size, for a claim to be made")
        for name in ("storage_class", "access_modes"):
            if name in given:
                raise OptionError(f"storage.{name}", given[name], "is for a claim that is to be made: say size too")
        return {"claim_name": dns_name("storage.claim_name", given["claim_name"])}
    modes = tuple(given.get("access_modes") or ())
    if "ReadOnlyMany" in modes and len(modes) == 1:
        raise OptionError("storage.access_modes", list(modes), "would not let the registry write")
    storage_class = given.get("storage_class")
    made = NewClaim(
        size=_size(size),
        storage_class=dns_name("storage.storage_class", storage_class) if storage_class else storage_class,
        access_modes=modes or None,
    )
    return {"claim_name": dns_name("storage.claim_name", given.get("claim_name") or default), "new_claim": made}


def _size(value: str) -> str:
    number = quantity(value)
    if number is None or number <= 0:
        raise OptionError("storage.size", value, "is no size, such as 20Gi")
    return value


def _nfs(given: Mapping[str, Any], params: Mapping[str, Any], default: str) -> dict[str, Any]:
    """An export, mounted by the pod itself; with options through a volume and a claim of our own."""
    server = given["server"].strip()
    if not _HOST.fullmatch(server.strip("[]")):
        raise OptionError("storage.server", given["server"], "is no host name or address (the path goes into path)")
    options = tuple(given.get("options") or ())
    for option in options:
        if not option or re.search(r"[\s,]", option):
            raise OptionError("storage.options", option, "is not one mount option; give each as an element of the list")
    nfs = Nfs(server, _directory("storage.path", given["path"]), options)
    if not options:
        for name in ("claim_name", "size"):
            if name in given:
                raise OptionError(f"storage.{name}", given[name], "has no place beside kind: nfs without options")
        return {"nfs": nfs}
    claim = dns_name("storage.claim_name", given.get("claim_name") or default)
    made = NewClaim(
        size=_size(given.get("size") or _ANY_SIZE),
        storage_class="",
        access_modes=("ReadWriteMany",),
        volume=f"{params['namespace']}-{claim}",
    )
    return {"nfs": nfs, "claim_name": claim, "new_claim": made}


def _host_path(given: Mapping[str, Any], params: Mapping[str, Any]) -> HostPath:
    node = given.get("node")
    if not node and not params.get("node_selector"):
        raise OptionError(
            "storage.node", node,
            "is required with kind: host_path, or node_selector: without either the pod may start on a node that has"
            " none of the images",
        )  # fmt: skip
    path = _directory("storage.path", given["path"])
    if path == "/":
        raise OptionError("storage.path", given["path"], "is the whole node; give the registry a directory of its own")
    return HostPath(path, dns_name("storage.node", node) if node else None)


def _directory(option: str, value: str) -> str:
    path = value.rstrip("/") or "/"
    if not value.startswith("/") or ".." in path.split("/"):
        raise OptionError(option, value, "must be an absolute path without ..")
    return path


# ---- object storage --------------------------------------------------------------------------------------------------


def _objects(kind: str, given: Mapping[str, Any], params: Mapping[str, Any], own_secret: str) -> ObjectStorage:
    values = dict(_parameters(given.get("parameters") or {}))
    for name, value in values.items():
        if not PARAMETER.fullmatch(name):
            raise OptionError("storage.parameters", name, "is no parameter's name (lower case letters and digits)")
        if name == KEY_FILE and not _is_json_map(value):
            raise OptionError(
                "storage.parameters", KEY_FILE,
                "must have the content of the JSON key file, not its path: {{ lookup('file', 'key.json') }}",
            )  # fmt: skip
    secret = given.get("secret_name")
    if secret == own_secret:
        raise OptionError("storage.secret_name", secret, "is the name of the Secret that is made here; use another")
    found = ObjectStorage(kind, values, dns_name("storage.secret_name", secret) if secret else None)
    if not secret and found.missing():
        raise OptionError(
            "storage.parameters", sorted(values), f"lacks {' and '.join(found.missing())}, which {kind} requires"
        )
    for variable, value in (params.get("env") or {}).items():
        if value is not None and objectstorage.driver_of(str(variable)) not in (None, kind):
            raise OptionError(
                f"env.{variable}", "…", f"would be a second storage driver beside storage.kind: {kind}; a registry"
                " with two does not start",
            )  # fmt: skip
    return found


def _parameters(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Parameters as text by their full names; null is the same as leaving one out."""
    for name, value in values.items():
        full = f"{prefix}{name}"
        if isinstance(value, Mapping) and full == KEY_FILE:
            yield full, json.dumps(value)
        elif isinstance(value, Mapping):
            yield from _parameters(value, f"{full}_")
        elif isinstance(value, list):
            raise OptionError(f"storage.parameters.{full}", "…", "must be one text, number or truth value")
        elif value is not None:
            yield full, str(value).lower() if isinstance(value, bool) else str(value)


def _is_json_map(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
