# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's whole configuration file, mounted over that of its image. Pure.

Place and variable are those of OpenShift's documentation (``oc set volume … -m /etc/docker/registry/``,
``REGISTRY_CONFIGURATION_PATH``). Such files hold credentials, so ours is kept in a Secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import salted
from ansible_collections.okd.registry.plugins.module_utils._build.objectstorage import LOCATION
from ansible_collections.okd.registry.plugins.module_utils._build.part import Mount, Part
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

PATH_ENV = "REGISTRY_CONFIGURATION_PATH"
MOUNT_PATH = "/etc/docker/registry"
VOLUME = "registry-config"
DEFAULT_KEY = "config.yml"
#: What stands beside the driver in the section ``storage`` (distribution, configuration.go: Storage.Type).
NO_DRIVER = frozenset({"maintenance", "cache", "delete", "redirect", "tag"})
_VERSION = "0.1"


@dataclass(frozen=True)
class Facts:
    """What of a configuration file matters to the rest.

    :param driver: of storage; None where it names none.
    :param root: directory of the driver ``filesystem``; None where it does not say.
    :param tls: whether it names a certificate to serve.
    :param place: of another driver, the parameters that say where images are.
    :param auth: the access controller that it names; None where it names none, so that nobody is asked who he is.
    """

    driver: str | None = None
    root: str | None = None
    tls: bool = False
    place: Mapping[str, str] = field(default_factory=dict)
    auth: str | None = None


@dataclass(frozen=True)
class Config:
    """The file.

    :param text: of the file; None while it has not been read, or is not there yet (in check mode).
    :param config_map: the user's ConfigMap that has it.
    :param secret: the user's Secret that has it; without either, ours does.
    :param key: in that object, and so the file's name.
    """

    text: str | None = None
    config_map: str | None = None
    secret: str | None = None
    key: str = DEFAULT_KEY

    @property
    def option(self) -> str:
        """What the user has said, for errors."""
        return "config.config_map" if self.config_map else "config.secret" if self.secret else "config.content"

    @property
    def facts(self) -> Facts:
        """What the file says; nothing while it is not known. Raises OptionError where no registry could read it."""
        return Facts() if self.text is None else facts(self.option, self.text)

    def part(self, own_secret: str) -> Part:
        """The file, mounted and named to the registry."""
        items = [{"key": self.key, "path": self.key}]
        checksum: dict[str, str | None] = {}
        if self.config_map:
            source: dict[str, Any] = {"configMap": {"name": self.config_map, "items": items}}
            known = self.text is not None
            checksum["config"] = hashlib.sha256((self.text or "").encode()).hexdigest() if known else KNOWN_AFTER_APPLY
        else:
            source = {"secret": {"secretName": self.secret or own_secret, "items": items}}
        mount = Mount(MOUNT_PATH, source, VOLUME, read_only=True)
        return Part(env={PATH_ENV: f"{MOUNT_PATH}/{self.key}"}, mounts=(mount,), checksum=checksum)

    @property
    def values(self) -> dict[str, str] | None:
        """What our own Secret has beside the salt; None where none is needed."""
        return None if self.config_map else {} if self.secret else {self.key: self.text or ""}

    def identity(self, own: Mapping[str, Any]) -> str:
        """Of the file in a Secret: see ``salted.identity``."""
        if self.secret and self.text is None:
            return KNOWN_AFTER_APPLY
        return salted.identity(own, (self.text or "") if self.secret else "")


def facts(option: str, text: str) -> Facts:
    """What a configuration file says.

    :param option: where it comes from, for errors. None of them shows what is in the file.
    :raises OptionError: when it is none that a registry could read.
    """
    content = _parsed(option, text)
    if not isinstance(content, Mapping):
        raise OptionError(option, "(not shown)", "is not a registry's configuration: it must be a YAML map")
    version = content.get("version")
    if str(version) != _VERSION:
        raise OptionError(f"{option}: version", version, f"must be {_VERSION}: no registry reads another")
    storage = _section(option, content, "storage")
    drivers = sorted(str(name) for name in storage if name not in NO_DRIVER)
    if len(drivers) > 1:
        raise OptionError(f"{option}: storage", drivers, "names several drivers; a registry starts with one only")
    driver = drivers[0] if drivers else None
    parameters = _section(option, storage, driver) if driver else {}
    root, place = None, {}
    if driver == "filesystem":
        root = str(parameters.get("rootdirectory") or "").rstrip("/") or None
    else:
        place = {name: str(parameters[name]) for name in LOCATION if parameters.get(name) is not None}
    tls = _section(option, _section(option, content, "http"), "tls")
    auth = _controller(content.get("auth"))
    return Facts(driver, root, bool(tls.get("certificate") or tls.get("letsencrypt")), place, auth)


def _controller(auth: Any) -> str | None:
    """The name in a section ``auth``: its one key, or itself where there are no parameters."""
    named = next(iter(auth), None) if isinstance(auth, Mapping) else auth
    return str(named) if named else None


def _parsed(option: str, text: str) -> Any:
    import yaml  # where a module runs without its libraries, the sentence about kubernetes is to come first

    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        # The exception's own text quotes the line, which may hold a credential.
        mark = exc.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = (exc.problem or "").split("'")[0].strip()
        raise OptionError(option, "(not shown)", f"is not YAML{where}: {problem or 'it cannot be read'}") from None
    except yaml.YAMLError:
        raise OptionError(option, "(not shown)", "is not YAML: it has characters that YAML does not know") from None
    except ValueError:  # PyYAML's own parsers of numbers and dates; their texts quote what they were given
        raise OptionError(option, "(not shown)", "has a number or date that is none: put it in quotes") from None


def _section(option: str, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = content.get(name)
    if value is None:
        return {}
    if isinstance(value, str) and name == "storage":  # "storage: inmemory" is a driver without parameters
        return {value: {}}
    if not isinstance(value, Mapping):
        raise OptionError(f"{option}: {name}", "(not shown)", "must be a map")
    return value


def as_text(option: str, content: Any) -> str:
    """The file's text from a map or a text. Raises OptionError for anything else."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        import yaml

        return str(yaml.safe_dump(dict(content), sort_keys=False, default_flow_style=False))
    raise OptionError(option, type(content).__name__, "must be a map or the text of the file")
