# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's settings and the cluster: what of them lies in objects of the user's, and in objects of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.okd.registry.plugins.module_utils import _endpoints
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout, salted
from ansible_collections.okd.registry.plugins.module_utils._build.config import Config
from ansible_collections.okd.registry.plugins.module_utils._build.credentials import MASTER
from ansible_collections.okd.registry.plugins.module_utils._build.extraca import ExtraCa
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import value
from ansible_collections.okd.registry.plugins.module_utils._build.settings import Names, Settings
from ansible_collections.okd.registry.plugins.module_utils._companion import Companion
from ansible_collections.okd.registry.plugins.module_utils._errors import NotFoundError, OptionError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._options.settings import checked_certificates
from ansible_collections.okd.registry.plugins.module_utils._result import Result

# ---- what lies in objects of the user's ------------------------------------------------------------------------------


def resolve(settings: Settings, namespace: str, api: Api, result: Result, *, check_mode: bool) -> Settings:
    """The settings with the content of ConfigMaps and Secrets that they name.

    :raises NotFoundError: when one is not there; in check mode it may still be made.
    :raises OptionError: when its content cannot be used.
    """
    found = settings
    if settings.config and (settings.config.config_map or settings.config.secret):
        text = _content(settings.config, namespace, api, result, check_mode=check_mode)
        found = replace(found, config=replace(settings.config, text=text))
    if settings.extra_ca and (settings.extra_ca.config_map or settings.extra_ca.secret):
        text = _content(settings.extra_ca, namespace, api, result, check_mode=check_mode)
        if text is not None:
            checked_certificates(settings.extra_ca.option, text)
        found = replace(found, extra_ca=replace(settings.extra_ca, text=text))
    return found


def _content(source: Config | ExtraCa, namespace: str, api: Api, result: Result, *, check_mode: bool) -> str | None:
    kind, name = ("ConfigMap", source.config_map) if source.config_map else ("Secret", source.secret)
    ref = ObjectRef("v1", kind, name or "", namespace)
    found = api.get(ref)
    if found is None and check_mode:
        result.note(f"{ref}, which {source.option} names, does not exist yet; the run itself will need it.")
        return None
    if found is None:
        raise NotFoundError(f"{ref}, which {source.option} names, does not exist: create it first.", status=404)
    data = value(found, source.key) if kind == "Secret" else (found.get("data") or {}).get(source.key, "").encode()
    if not data:
        keys = sorted({**(found.get("data") or {}), **(found.get("binaryData") or {})})
        has = ", ".join(keys) or "nothing"
        raise OptionError(source.option, name, f"has no text under {source.key} (it has {has}): say which by key")
    return data.decode("utf-8", "replace")


def with_hosts(
    settings: Settings, service: Mapping[str, Any] | None, params: Mapping[str, Any], workload: Mapping[str, Any] | None
) -> Settings:
    """With the hosts that the registry must not ask for through a proxy: its own, and the API server it is told."""
    own = [endpoint.host for endpoint in _endpoints.from_service(service, params)]
    known = {MASTER: layout.env(workload).get(MASTER, {}).get("value"), **settings.credentials, **settings.env}
    master = urlsplit(known[MASTER] or "").hostname
    return replace(settings, hosts=tuple(dict.fromkeys([*own, *([master] if master else [])])))


# ---- what lies in objects of ours ------------------------------------------------------------------------------------


def companions(settings: Settings, registry: Registry, salt: str) -> list[Companion]:
    """The objects that these settings need.

    :param salt: for new Secrets; KNOWN_AFTER_APPLY in check mode.
    """
    names, namespace, found = settings.names, registry.namespace, []
    config, proxy = settings.config, settings.proxy
    if config and config.values is not None:
        found.append(_secret(names.config, namespace, config.values, salt, config))
    if settings.credentials:
        found.append(_secret(names.credentials, namespace, settings.credentials, salt))
    if proxy and proxy.values:
        found.append(_secret(names.proxy, namespace, proxy.values, salt))
    ours = settings.extra_ca.own(names.extra_ca, namespace) if settings.extra_ca else None
    if ours:
        found.append(Companion(ObjectRef.of(ours), lambda _live: ours))
    return found


def _secret(name: str, namespace: str, values: Mapping[str, str], salt: str, config: Config | None = None) -> Companion:
    return Companion(
        ObjectRef("v1", "Secret", name, namespace),
        lambda live: salted.secret(name, namespace, values, salt, live),
        identity=config.identity if config else salted.identity,
    )


def possible(registry: Registry) -> Iterable[ObjectRef]:
    """All objects that settings of a registry may have had: what is not wanted (any more) of these is taken away."""
    names = Names.of(registry.name)
    for name in (names.config, names.credentials, names.proxy):
        yield ObjectRef("v1", "Secret", name, registry.namespace)
    yield ObjectRef("v1", "ConfigMap", names.extra_ca, registry.namespace)
