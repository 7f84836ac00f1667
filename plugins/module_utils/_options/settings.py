# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options on how the registry is configured (documented in the fragment of this name) as checked values.

Pure but for one file that is read: the kubeconfig of O(credentials).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import config as configs
from ansible_collections.okd.registry.plugins.module_utils._build import credentials as kubeconfigs
from ansible_collections.okd.registry.plugins.module_utils._build import extraca as cas
from ansible_collections.okd.registry.plugins.module_utils._build import proxy as proxies
from ansible_collections.okd.registry.plugins.module_utils._build.settings import Names, Settings
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name
from ansible_collections.okd.registry.plugins.module_utils._redact import shown

SPEC: dict[str, Any] = {
    "env": {"type": "dict", "no_log": True},
    "config": {
        "type": "dict",
        "no_log": True,
        "options": {
            "content": {"type": "raw"},
            "config_map": {"type": "str"},
            "secret": {"type": "str", "no_log": False},
            "key": {"type": "str", "default": configs.DEFAULT_KEY, "no_log": False},
        },
        "mutually_exclusive": [("content", "config_map", "secret")],
        "required_one_of": [("content", "config_map", "secret")],
    },
    "egress_proxy": {
        "type": "dict",
        "no_log": True,
        "options": {
            "http": {"type": "str"},
            "https": {"type": "str"},
            "no_proxy": {"type": "list", "elements": "str", "default": []},
        },
    },
    "extra_ca": {
        "type": "dict",
        "options": {
            "content": {"type": "str"},
            "config_map": {"type": "str"},
            "secret": {"type": "str", "no_log": False},
            "key": {"type": "str", "default": cas.DEFAULT_KEY, "no_log": False},
        },
        "mutually_exclusive": [("content", "config_map", "secret")],
        "required_one_of": [("content", "config_map", "secret")],
    },
    "credentials": {"type": "path"},
    "enforce_quota": {"type": "bool"},
}
#: Options that Ansible hides as a whole: of their values, only credentials stay hidden (see :func:`show_harmless`).
HIDDEN = ("env", "config", "egress_proxy")
NOT_SHOWN = "(not shown)"
ADDRESS_ENV = "REGISTRY_HTTP_ADDR"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def from_params(params: Mapping[str, Any]) -> Settings:
    """Raises OptionError, naming the option, for values that cannot work."""
    variables = env(params.get("env") or {})
    path = params.get("credentials") if params.get("state") != "absent" else None
    found = Settings(
        env=variables,
        config=_config(params),
        proxy=_proxy(params.get("egress_proxy")),
        extra_ca=_extra_ca(params.get("extra_ca")),
        credentials=_credentials(path) if path else {},
        enforce_quota=params.get("enforce_quota"),
        names=Names.of(params.get("name") or "docker-registry"),
        cluster_domain=(params.get("cluster_domain") or "cluster.local").lower(),
    )
    if found.config and configs.PATH_ENV in variables:
        raise OptionError(f"env.{configs.PATH_ENV}", variables[configs.PATH_ENV], "has no place beside config")
    _check_address(variables, 5000 if params.get("port") is None else params["port"])
    if params.get("state") != "absent":
        _check_names(found)
    return found


def _check_address(variables: Mapping[str, str | None], port: int) -> None:
    """The Service, the container's ports and the probes follow the option; a variable would leave them behind."""
    if ADDRESS_ENV not in variables:
        return
    told = variables[ADDRESS_ENV]
    if told is None or told.rpartition(":")[2] != str(port):
        raise OptionError(f"env.{ADDRESS_ENV}", told, f"does not fit port {port}: say the port by the option port")


def _check_names(settings: Settings) -> None:
    """Refuse objects of the user's under the names of ours: what is ours is written, and one day deleted."""
    names, made = settings.names, "is the name of an object that is made here; call yours otherwise"
    for source in (settings.config, settings.extra_ca):
        secret, config_map = (source.secret, source.config_map) if source else (None, None)
        if secret in (names.config, names.credentials, names.proxy) or config_map == names.extra_ca:
            raise OptionError(source.option if source else "", secret or config_map, made)


def env(values: Mapping[str, Any]) -> dict[str, str | None]:
    """Variables as text: YAML's ``true`` is ``"true"``, a number its digits; null stays (it removes the variable)."""
    found: dict[str, str | None] = {}
    for name, value in values.items():
        if not _VARIABLE.fullmatch(str(name)):
            raise OptionError("env", name, "is not the name of an environment variable")
        if isinstance(value, Mapping | list):
            raise OptionError(f"env.{name}", NOT_SHOWN, "must be one text, number or truth value, or null")
        found[str(name)] = None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return found


# ---- the file --------------------------------------------------------------------------------------------------------


def _config(params: Mapping[str, Any]) -> configs.Config | None:
    given = params.get("config")
    if not given:
        return None
    found = configs.Config(
        text=None if given.get("content") is None else configs.as_text("config.content", given["content"]),
        config_map=_name("config.config_map", given.get("config_map")),
        secret=_name("config.secret", given.get("secret")),
        key=_key("config.key", given.get("key") or configs.DEFAULT_KEY),
    )
    if params.get("state") != "absent":
        check_config(found, params)
    return found


def check_config(config: configs.Config, params: Mapping[str, Any]) -> None:
    """Refuse a file that no registry can read, and one that contradicts other options. Nothing if it is not known yet.

    Variables win over the file, so what is in both has to be the same.
    """
    facts, option = config.facts, config.option
    if config.text is None:
        return
    storage = params.get("storage") or {}
    kind = storage.get("kind") or "ephemeral"
    if facts.driver is None:
        raise OptionError(f"{option}: storage", None, "names no driver, without which no registry starts")
    wanted = kind if kind in ("s3", "azure", "gcs", "swift") else "filesystem"
    if facts.driver != wanted and kind != "ephemeral":
        raise OptionError(
            f"{option}: storage", facts.driver,
            f"is another driver than storage.kind {kind} needs ({wanted}): say the same in both, or leave storage out",
        )  # fmt: skip
    path = (storage.get("mount_path") or "").rstrip("/")
    if facts.root and path and facts.root != path:
        raise OptionError(
            f"{option}: storage.filesystem.rootdirectory", facts.root,
            f"is another directory than storage.mount_path {path}: say the same in both",
        )  # fmt: skip
    if facts.tls and not params.get("tls_secret"):
        raise OptionError(
            f"{option}: http.tls", NOT_SHOWN,
            "names a certificate, but tls_secret does not: name the Secret there, so that probes speak TLS too",
        )  # fmt: skip


def _name(option: str, value: str | None) -> str | None:
    return dns_name(option, value) if value else None


def _key(option: str, value: str) -> str:
    if not _KEY.fullmatch(value) or value in (".", ".."):
        raise OptionError(option, value, "is not a key of a ConfigMap or Secret (letters, digits, '-', '_', '.')")
    return value


# ---- proxy, CAs, credentials -----------------------------------------------------------------------------------------


def _proxy(given: Mapping[str, Any] | None) -> proxies.Proxy | None:
    if not given or not (given.get("http") or given.get("https")):
        if given and given.get("no_proxy"):
            why = "means nothing without egress_proxy.http or egress_proxy.https"
            raise OptionError("egress_proxy.no_proxy", given["no_proxy"], why)
        return None
    return proxies.Proxy(
        http=proxies.proxy_url("egress_proxy.http", given["http"]) if given.get("http") else None,
        https=proxies.proxy_url("egress_proxy.https", given["https"]) if given.get("https") else None,
        no_proxy=tuple(proxies.exception("egress_proxy.no_proxy", text) for text in given.get("no_proxy") or ()),
    )


def _extra_ca(given: Mapping[str, Any] | None) -> cas.ExtraCa | None:
    if not given:
        return None
    content = given.get("content")
    return cas.ExtraCa(
        text=None if content is None else checked_certificates("extra_ca.content", content),
        config_map=_name("extra_ca.config_map", given.get("config_map")),
        secret=_name("extra_ca.secret", given.get("secret")),
        key=_key("extra_ca.key", given.get("key") or cas.DEFAULT_KEY),
    )


def checked_certificates(option: str, text: str) -> str:
    """A PEM text with certificates in it and no private key. Raises OptionError."""
    if "PRIVATE KEY-----" in text:
        raise OptionError(option, NOT_SHOWN, "has a private key in it: give the CA's certificate alone")
    found = _CERTIFICATE.findall(text)
    if not found:
        raise OptionError(option, NOT_SHOWN, "has no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
    broken = [str(number) for number, one in enumerate(found, 1) if not _is_certificate(one)]
    if broken:
        raise OptionError(option, NOT_SHOWN, f"cannot be used: certificate number {broken[0]} in it cannot be read")
    return text


def _is_certificate(text: str) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _credentials(path: str) -> dict[str, str]:
    import yaml  # where a module runs without its libraries, the sentence about kubernetes is to come first

    try:
        content = yaml.safe_load(_read(path))
    except (yaml.YAMLError, ValueError):
        raise OptionError("credentials", path, "is not a kubeconfig: it is no YAML") from None
    base = Path(path).expanduser().parent
    return kubeconfigs.from_kubeconfig(path, content, lambda name: _read(str(base / name)))


def _read(path: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = getattr(exc, "strerror", None) or "it is no text"
        raise OptionError("credentials", path, f"cannot be read on the host where the module runs: {why}") from exc


# ---- what may show ---------------------------------------------------------------------------------------------------


def show_harmless(module: Any) -> dict[str, Any]:
    """Of the hidden options, hide credentials only: Ansible would blot out every C(true) and C(5000) in the output.

    A configuration file is nobody's business as a whole, so it is taken out of what the module tells of its options.

    :param module: the AnsibleModule.
    :returns: the options with everything in them.
    """
    params = dict(module.params)
    given = {name: params.get(name) or {} for name in HIDDEN}
    spec = module.argument_spec.items()
    others = {str(params.get(name)) for name, option in spec if option.get("no_log") and name not in HIDDEN}
    content = given["config"].get("content")
    secret = set(secret_values({**given, "config": _parsed(content)}))
    if isinstance(content, str):
        secret.add(content)
    module.no_log_values.difference_update(harmless_values({**given, "content": _parsed(content)}) - others)
    module.no_log_values.update(secret)
    if content is not None:
        module.params["config"] = {**given["config"], "content": NOT_SHOWN}
    return params


def _parsed(content: Any) -> Any:
    """A configuration file as a map, so that the credentials in it can be told; nothing where it is none."""
    if not isinstance(content, str):
        return content
    import yaml

    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, ValueError):
        return None


def _leaves(value: Any, name: str = "", within: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Each single value in a map or list, with the name of the field it is in.

    :param within: identities of the maps and lists around it.
    :raises OptionError: where one is part of itself, as YAML's aliases allow.
    """
    if id(value) in within:
        raise OptionError("config.content", name, "is part of itself (a YAML alias to what is around it): write it out")
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, str(key), (*within, id(value)))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item, name, (*within, id(value)))
    elif value not in (None, ""):
        yield name, value


def secret_values(values: Mapping[str, Any]) -> list[str]:
    """The values of variables or settings that hold credentials, as text: what must not show in any output."""
    entries = [{"name": name, "value": str(value)} for name, value in _leaves(values)]
    masked = shown({"metadata": {"name": "env"}, "spec": {"env": entries}})["spec"]["env"] if entries else []
    return [e["value"] for e, seen in zip(entries, masked, strict=True) if seen["value"] != e["value"]]


def harmless_values(values: Mapping[str, Any]) -> set[str]:
    """The values of variables or settings, as text, that may show: those of none that holds a credential."""
    return {str(value) for _name, value in _leaves(values)} - set(secret_values(values))
