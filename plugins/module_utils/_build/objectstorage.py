# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in object storage: the driver's parameters as a Secret and as variables, and which place they name. Pure.

Names and which of them are required: the CNCF distribution's documentation of its storage drivers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.part import Mount
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import value

DRIVER_ENV = "REGISTRY_STORAGE"
#: Parameters without which a driver does not start.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "s3": ("region", "bucket"),
    "azure": ("accountname", "container"),
    "gcs": ("bucket",),
    "swift": ("authurl", "username", "password", "container"),
}
#: Parameters that say where images are; another value is another place. The rest is how to get there.
LOCATION = ("bucket", "container", "rootdirectory", "prefix", "accountname", "regionendpoint", "authurl", "tenant")
#: Parameters that may show in output. Everything else counts as a credential.
HARMLESS = frozenset({*LOCATION, "region", "realm", "chunksize", "encrypt", "secure", "v4auth", "skipverify"}) | {
    "forcepathstyle", "maxconcurrency", "storageclass", "insecureskipverify", "loglevel", "usedualstack", "accelerate",
    "authversion", "username", "tenantid", "tenantdomain", "tenantdomainid", "domain", "domainid", "trustid",
    "endpointtype", "tempurlmethods", "keyid", "objectacl", "objectownership", "useragent", "multipartcopychunksize",
    "multipartcopymaxconcurrency", "multipartcopythresholdsize",
}  # fmt: skip
#: Of a Google service account: its content is mounted as a file.
KEY_FILE = "keyfile"
KEY_FILE_PATH = "/etc/registry-storage"
KEY_FILE_VOLUME = "registry-storage-key"
PARAMETER = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_VARIABLE = re.compile(r"REGISTRY_STORAGE_([A-Z0-9]+)(?:_(.+))?")
#: What stands beside the driver in the section ``storage`` of a registry's configuration.
_NO_DRIVER = frozenset({"DELETE", "CACHE", "MAINTENANCE", "REDIRECT", "TAG"})

Object = Mapping[str, Any]


@dataclass(frozen=True)
class ObjectStorage:
    """A bucket or container of a provider.

    :param driver: a key of :data:`REQUIRED`.
    :param parameters: by the driver's own names, nested ones joined by ``_``; kept in a Secret of ours.
    :param secret_name: of an existing Secret with (more) parameters under the same names.
    :param secret_keys: what that Secret has.
    """

    driver: str
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_name: str | None = None
    secret_keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = [self.parameters[name] for name in ("bucket", "container") if name in self.parameters]
        return f"{self.driver} storage {where[0]}" if where else f"{self.driver} storage"

    def env(self, own_secret: str) -> dict[str, Any]:
        """The variables that choose the driver; values come from the Secrets."""
        found: dict[str, Any] = {DRIVER_ENV: self.driver}
        for name, secret in self._where(own_secret).items():
            variable = f"{DRIVER_ENV}_{self.driver}_{name}".upper()
            if name == KEY_FILE:
                found[variable] = f"{KEY_FILE_PATH}/{KEY_FILE}"
            else:
                found[variable] = {"secretKeyRef": {"name": secret, "key": name}}
        return found

    def mounts(self, own_secret: str) -> tuple[Mount, ...]:
        """The key file, where there is one."""
        secret = self._where(own_secret).get(KEY_FILE)
        if not secret:
            return ()
        source = {"secret": {"secretName": secret, "items": [{"key": KEY_FILE, "path": KEY_FILE}]}}
        return (Mount(KEY_FILE_PATH, source, KEY_FILE_VOLUME, read_only=True),)

    def _where(self, own_secret: str) -> dict[str, str]:
        """Each parameter's Secret."""
        found = {key: self.secret_name or "" for key in self.secret_keys if PARAMETER.fullmatch(key)}
        found.update(dict.fromkeys(self.parameters, own_secret))
        return dict(sorted(found.items()))

    def missing(self) -> list[str]:
        """Required parameters that neither the parameters nor the Secret have."""
        there = {*self.parameters, *self.secret_keys}
        return [name for name in REQUIRED[self.driver] if name not in there]


def decoded(secret: Object | None) -> dict[str, bytes]:
    """A Secret's values; what is no base64, or empty, is left out."""
    found = {key: value(secret, key) for key in (secret or {}).get("data") or {}}
    return {key: content for key, content in found.items() if content is not None}


# ---- what a live registry uses ---------------------------------------------------------------------------------------


def driver_of(variable: str) -> str | None:
    """The driver (lower case) that a variable sets a parameter of; None where it is none."""
    found = _VARIABLE.fullmatch(variable)
    return found[1].lower() if found and found[1] not in _NO_DRIVER else None


def used(env: Object) -> str | None:
    """The driver that an environment chooses, other than the file system; None where it does not say.

    :param env: entries by name.
    """
    chosen = str((env.get(DRIVER_ENV) or {}).get("value") or "").lower()
    if chosen:
        return None if chosen == "filesystem" else chosen
    drivers = sorted({d for d in map(driver_of, env) if d and d != "filesystem"})
    return drivers[0] if drivers else None


def secrets_of(workload: Object | None) -> set[str]:
    """The Secrets that say where a workload's images are."""
    env, found = layout.env(workload), set()
    driver = used(env)
    for name in LOCATION if driver else ():
        entry = env.get(f"{DRIVER_ENV}_{driver}_{name}".upper()) or {}
        ref = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
        if ref.get("name"):
            found.add(ref["name"])
    return found


def location(
    workload: Object | None,
    secrets: Mapping[str, Object | None],
    *,
    driver: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> tuple[str, ...] | None:
    """Which bucket a workload uses: driver and location parameters; None where it uses none.

    Variables win over the configuration file, one by one, as they do in the registry.

    :param secrets: by name, as read; a value that is in none of them counts as the reference to it.
    :param driver: which the workload's configuration file names.
    :param parameters: of that driver there.
    """
    env = layout.env(workload)
    filed, chosen = driver, used(env)
    if chosen is None and not (env.get(DRIVER_ENV) or {}).get("value") and filed != "filesystem":
        chosen = filed
    if chosen is None:
        return None
    driver, told = chosen, (parameters or {}) if chosen == filed else {}
    place = [driver]
    for name in LOCATION:
        entry = env.get(f"{DRIVER_ENV}_{driver}_{name}".upper()) or {}
        ref = (entry.get("valueFrom") or {}).get("secretKeyRef") or {}
        text = str(entry.get("value") or "") if entry else told.get(name, "")
        if ref:
            known = decoded(secrets.get(ref.get("name", ""))).get(ref.get("key", ""))
            text = known.decode("utf-8", "replace") if known is not None else f"<{ref.get('name')}/{ref.get('key')}>"
        place.append(f"{name}={text.strip('/')}" if text.strip("/") else "")
    return tuple(part for part in place if part)


def location_text(place: Iterable[str]) -> str:
    """A location for people."""
    driver, *rest = place
    return f"{driver} storage ({', '.join(rest)})" if rest else f"{driver} storage"
