# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``storage`` as the image-registry operator understands it. Pure.

Drivers' parameters are called as in the registry's own configuration; the fields are those of the Go types in
github.com/openshift/api imageregistry/v1, the keys of credentials those that the operator's storage drivers read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.operator_config import CREDENTIALS
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name

_MIB = 1024 * 1024
#: Azure's clouds by the realm in which a driver looks for them.
_REALMS = {
    "core.windows.net": "AzurePublicCloud",
    "core.chinacloudapi.cn": "AzureChinaCloud",
    "core.usgovcloudapi.net": "AzureUSGovernmentCloud",
    "core.cloudapi.de": "AzureGermanCloud",
}
_NO_KIND = "make a PersistentVolume and a claim of it in namespace openshift-image-registry, and say kind: pvc"
_CHOICES = {
    "mount_path": ("/registry", "the operator has the volume at /registry"),
    "volume_name": ("registry-storage", "the operator calls the volume registry-storage"),
    "size": (None, f"make the claim in namespace {CREDENTIALS.namespace} first"),
    "storage_class": (None, f"make the claim in namespace {CREDENTIALS.namespace} first"),
    "access_modes": (None, f"make the claim in namespace {CREDENTIALS.namespace} first"),
}


@dataclass(frozen=True)
class OperatorStorage:
    """What ``spec.storage`` is to say, and the credentials that go with it.

    :param fields: None where nothing is said about storage.
    :param secret_given: the credentials are in a Secret that the user has made.
    """

    fields: Mapping[str, Any] | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_given: bool = False


def _text(option: str, value: Any) -> str:
    if isinstance(value, Mapping | list | bool) or str(value).strip() == "":
        raise OptionError(option, type(value).__name__, "must be a text")
    return str(value)


def _truth(option: str, value: Any) -> bool:
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise OptionError(option, value, "must be true or false")
    return found


def _mebibytes(option: str, value: Any) -> int:
    number = int(value) if str(value).isdigit() else 0
    if number % _MIB or not 5 <= number // _MIB <= 5120:
        raise OptionError(option, value, "must be whole MiB in bytes, 5 MiB at least and 5120 MiB at most")
    return number // _MIB


def _cloud(option: str, value: Any) -> str:
    if value not in _REALMS:
        raise OptionError(option, value, "is none of the realms the operator knows: " + ", ".join(_REALMS))
    return _REALMS[value]


def _not(option: str, value: Any) -> bool:
    return not _truth(option, value)


Field = tuple[str, Callable[[str, Any], Any]]
#: By kind: parameter of the driver -> field of the Config. The operator's further fields go by their own names.
_FIELDS: Mapping[str, Mapping[str, Field]] = {
    "s3": {
        "bucket": ("bucket", _text),
        "region": ("region", _text),
        "regionendpoint": ("regionEndpoint", _text),
        "encrypt": ("encrypt", _truth),
        "keyid": ("keyID", _text),
        "chunksize": ("chunkSizeMiB", _mebibytes),
        "virtualhostedstyle": ("virtualHostedStyle", _truth),
        "forcepathstyle": ("virtualHostedStyle", _not),
    },
    "azure": {
        "accountname": ("accountName", _text),
        "container": ("container", _text),
        "realm": ("cloudName", _cloud),
        "cloudname": ("cloudName", _text),
    },
    "gcs": {
        "bucket": ("bucket", _text),
        "region": ("region", _text),
        "projectid": ("projectID", _text),
        "keyid": ("keyID", _text),
    },
    "swift": {
        "authurl": ("authURL", _text),
        "authversion": ("authVersion", _text),
        "container": ("container", _text),
        "domain": ("domain", _text),
        "domainid": ("domainID", _text),
        "tenant": ("tenant", _text),
        "tenantid": ("tenantID", _text),
        "region": ("regionName", _text),
    },
}
#: By kind: parameters that are credentials. In the Secret they are called ``REGISTRY_STORAGE_<KIND>_<PARAMETER>``.
_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "s3": ("accesskey", "secretkey"),
    "azure": ("accountkey",),
    "gcs": ("keyfile",),
    "swift": (
        "username", "password", "applicationcredentialid", "applicationcredentialname", "applicationcredentialsecret",
    ),
}  # fmt: skip
#: Parameters that say no more than what the operator does by itself.
_HARMLESS: Mapping[str, Mapping[str, str]] = {
    "s3": {"secure": "true", "v4auth": "true", "skipverify": "false", "rootdirectory": "/"},
    "azure": {"rootdirectory": "/"},
    "gcs": {"rootdirectory": "/"},
    "swift": {},
}


def without_equal(storage: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What of the option the operator has no equal for: name, and why."""
    kind = storage.get("kind") or "ephemeral"
    if kind not in ("ephemeral", "pvc", *_FIELDS):
        yield f"storage.kind {kind}", _NO_KIND
        return
    for name, (harmless, why) in _CHOICES.items():
        if storage.get(name) not in (None, [], harmless):
            yield f"storage.{name}", why
    for name, value in (storage.get("parameters") or {}).items():
        known = str(name).lower() in {**_FIELDS.get(kind, {}), **dict.fromkeys(_CREDENTIALS.get(kind, ()))}
        if not known and str(value).lower() not in ("", _HARMLESS.get(kind, {}).get(str(name).lower())):
            yield f"storage.parameters.{name}", f"the operator has no field for it in spec.storage.{kind}"


def from_params(storage: Mapping[str, Any] | None) -> OperatorStorage:
    """Raises OptionError, naming the option, for values that cannot work."""
    if not storage:
        return OperatorStorage()
    kind = storage.get("kind") or "ephemeral"
    claim, secret = storage.get("claim_name"), storage.get("secret_name")
    if claim and kind != "pvc":
        raise OptionError("storage.claim_name", claim, f"has no place beside kind: {kind}; say kind: pvc to use it")
    if secret and secret != CREDENTIALS.name:
        raise OptionError(
            "storage.secret_name", secret, f"is not read by the operator, which knows {CREDENTIALS} only: call it so"
        )
    if kind == "ephemeral":
        return OperatorStorage({"emptyDir": {}})
    if kind == "pvc":
        return OperatorStorage({"pvc": {"claim": dns_name("storage.claim_name", claim)} if claim else {}})
    fields: dict[str, Any] = {}
    data: dict[str, str] = {}
    for name, value in (storage.get("parameters") or {}).items():
        key, option = str(name).lower(), f"storage.parameters.{name}"
        if value is not None and key in _CREDENTIALS[kind]:
            # Google's key file is JSON, which a template may have made a map of.
            text = json.dumps(value) if key == "keyfile" and isinstance(value, Mapping) else value
            data[f"REGISTRY_STORAGE_{kind.upper()}_{key.upper()}"] = _text(option, text)
        elif value is not None and key in _FIELDS[kind]:
            target, convert = _FIELDS[kind][key]
            fields[target] = convert(option, value)
    _check_credentials(kind, data, bool(secret))
    return OperatorStorage({kind: fields}, data, secret_given=bool(secret))


def _check_credentials(kind: str, data: Mapping[str, str], secret: bool) -> None:
    if data and secret:
        raise OptionError(
            "storage.secret_name", CREDENTIALS.name, "and credentials in storage.parameters exclude each other"
        )
    missing = missing_credentials(kind, data) if data else None
    if missing:
        raise OptionError("storage.parameters", sorted(data), f"lacks credentials: {missing}")


def missing_credentials(kind: str, keys: Mapping[str, Any]) -> str | None:
    """Which keys of the credentials' Secret the operator would miss; None when it has what it needs."""
    names = [f"REGISTRY_STORAGE_{kind.upper()}_{name.upper()}" for name in _CREDENTIALS[kind]]
    if kind == "swift":
        sets = [set(names[:2]), {names[2], names[4]}, {names[0], names[3], names[4]}]
        if any(one <= set(keys) for one in sets):
            return None
        return f"{' and '.join(names[:2])}, or an application credential with its secret"
    lacking = [name for name in names if name not in keys]
    return " and ".join(lacking) or None
