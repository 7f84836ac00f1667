# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The short way to the API server: the plain connection, without the kubernetes library, whose import takes 0.3 s.

Plain is one kubeconfig file, or host and credentials as options, with certificates or a token and no proxy. For
anything else, and anything broken, ``plain`` gives None, and ``_kube`` takes the library's way: so errors are the
library's, and what is understood here comes out as it does there (``test_kubeconfig.py`` compares the two).
"""

from __future__ import annotations

import base64
import importlib.util
import os
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.okd.registry.plugins.module_utils import _basicauth
from ansible_collections.okd.registry.plugins.module_utils._node import tls
from ansible_collections.okd.registry.plugins.module_utils._node.bearer import Proxy

# Names as in kubernetes.core's AUTH_ARG_MAP.
_BY_FILE = {"kubeconfig", "context", "verify_ssl", "persist_config"}
_BY_HOST = {"host", "api_key", "ssl_ca_cert", "cert_file", "key_file", "verify_ssl", "persist_config"}
_BARE = {"host", "ssl_ca_cert", "verify_ssl", "persist_config", "proxy", "no_proxy", "proxy_headers"}
# What a cluster and a user of a kubeconfig may hold. The library looks at no extensions either.
_CLUSTER = {
    "server",
    "certificate-authority",
    "certificate-authority-data",
    "insecure-skip-tls-verify",
    "extensions",
}
_USER = {"client-certificate", "client-certificate-data", "client-key", "client-key-data", "token", "extensions"}


class _UnusualError(Exception):
    """Not for the short way."""


@dataclass(frozen=True)
class Plain:
    """A connection that needs no more than ssl and urllib3.

    :param host: URL of the API server, https, without a slash at its end.
    :param ca: path of a file, or its bytes; None where the machine's own CAs count. Same for ``cert`` and ``key``.
    :param authorization: the header's value.
    :param auth: the options that were given, as kubernetes.core names them.
    :param context: all of these certificates, loaded.
    """

    host: str
    ca: str | bytes | None
    cert: str | bytes | None
    key: str | bytes | None = field(repr=False)
    authorization: str | None = field(repr=False)
    verify: bool
    auth: Mapping[str, Any] = field(repr=False)
    context: ssl.SSLContext = field(repr=False, compare=False)

    def pool(self) -> Any:
        """The urllib3 pool that the library would make for it."""
        import urllib3

        urllib3.disable_warnings()  # as kubernetes.core does
        return urllib3.PoolManager(ssl_context=self.context, cert_reqs=self.context.verify_mode)


def plain(params: Mapping[str, Any], names: Mapping[str, str]) -> Plain | None:
    """The connection that is asked for, if it is a plain one.

    :param params: the module's options.
    :param names: kubernetes.core's AUTH_ARG_MAP (the library's name of a setting -> name of the option).
    """
    try:
        auth = given(params, names)
        if any(name != "no" for name in urllib.request.getproxies()):
            return None
        if not all(map(importlib.util.find_spec, ("kubernetes", "urllib3"))):  # _kube says that the library is missing
            return None
        return _by_host(auth) if auth.get("host") else _by_file(auth)
    except Exception:  # whatever is wrong, the library's way finds it again, and has the words for it
        return None


def bare(params: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    """What is said about a connection, where that is an address without credentials; else None."""
    try:
        auth = given(params, names)
    except _UnusualError:
        return None
    return auth if auth.get("host") and auth.keys() <= _BARE else None


def bare_proxy(auth: Mapping[str, Any]) -> Proxy | None:
    """The proxy that belongs to what ``bare`` gives, or that the environment names."""
    import urllib3

    known = urllib.request.getproxies()
    told = _basicauth.for_make_headers(auth.get("proxy_headers") or {})
    return proxy(
        auth["host"],
        auth.get("proxy") or known.get("https"),
        auth.get("no_proxy") or known.get("no"),
        urllib3.util.make_headers(**told),
    )


def proxy(host: str, url: str | None, no_proxy: str | None, headers: Mapping[str, str] | None) -> Proxy | None:
    """The proxy on the way to an API server; None where it is reached directly.

    :param host: URL of the API server.
    :param url: of the proxy.
    :param no_proxy: hosts that are reached directly, with commas between.
    :param headers: what the proxy is sent.
    """
    bypasses = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # unknown to typeshed
    past = bypasses(urlsplit(host).netloc, {"no": no_proxy or ""})
    return None if past or not url else Proxy(url, dict(headers or {}))


def given(params: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What the options and ``K8S_AUTH_*`` variables say about a connection, as kubernetes.core takes them."""
    auth = {}
    for name, option in names.items():
        value = params.get(option)
        if value is None:
            value = os.getenv(f"K8S_AUTH_{option.upper()}") or os.getenv(f"K8S_AUTH_{name.upper()}")
            if value is not None and name in ("verify_ssl", "persist_config"):
                value = value.lower() not in ("0", "false", "no")
        if value is not None:
            auth[name] = value
    for name in ("impersonate_user", "impersonate_groups"):  # not in the map, since they become headers
        if params.get(name) or (params.get(name) is None and os.getenv(f"K8S_AUTH_{name.upper()}")):
            raise _UnusualError
    if any(name.startswith("K8S_AUTH_PROXY_HEADERS_") for name in os.environ):
        raise _UnusualError
    return auth


def _by_host(auth: Mapping[str, Any]) -> Plain:
    if not auth.keys() <= _BY_HOST or not (auth.get("api_key") or auth.get("cert_file")):
        raise _UnusualError
    api_key = f"Bearer {_text(auth['api_key'])}" if "api_key" in auth else None
    ca, cert, key = (_file(auth[name]) if name in auth else None for name in ("ssl_ca_cert", "cert_file", "key_file"))
    return _made(_text(auth["host"]), ca, cert, key, api_key, auth.get("verify_ssl", True), auth)


def _by_file(auth: Mapping[str, Any]) -> Plain:
    if not auth.keys() <= _BY_FILE:
        raise _UnusualError
    if not (auth.get("kubeconfig") or auth.get("context")) and os.environ.get("KUBERNETES_SERVICE_HOST"):
        raise _UnusualError  # in a pod its service account comes first
    default = os.environ.get("KUBECONFIG", "~/.kube/config")
    path = Path(_text(auth.get("kubeconfig", default))).expanduser()
    if os.pathsep in str(path):
        raise _UnusualError
    import yaml

    with path.open() as stream:  # in the encoding that the library takes
        config = yaml.safe_load(stream)
    context = _named(config, "contexts", auth["context"] if "context" in auth else config["current-context"])
    cluster = _known(_named(config, "clusters", context["cluster"]), _CLUSTER)
    user = _known(_named(config, "users", context["user"]), _USER)
    folder = path.parent.absolute()
    token = f"Bearer {_text(user['token'])}" if "token" in user else None
    verify = auth.get("verify_ssl", not _flag(cluster.get("insecure-skip-tls-verify", False)))
    ca = _file_or_data(cluster, "certificate-authority", folder)
    cert, key = (_file_or_data(user, name, folder) for name in ("client-certificate", "client-key"))
    return _made(_text(cluster["server"]), ca, cert, key, token, verify, auth)


def _made(
    host: str,
    ca: str | bytes | None,
    cert: str | bytes | None,
    key: str | bytes | None,
    authorization: str | None,
    verify: Any,
    auth: Mapping[str, Any],
) -> Plain:
    if not host.startswith("https://") or (cert is None) != (key is None):
        raise _UnusualError
    with ExitStack() as stack:
        files = [stack.enter_context(_memory(one)) if isinstance(one, bytes) else one for one in (ca, cert, key)]
        context = tls_context(*files, verify=_flag(verify))
    return Plain(host.rstrip("/"), ca, cert, key, authorization, verify, auth, context)


def tls_context(
    ca: str | None, cert: str | None, key: str | None, *, verify: bool, ca_data: str | bytes | None = None
) -> ssl.SSLContext:
    """What TLS to the API server goes by; all but ``ca_data`` are paths."""
    context = tls.default_context(cafile=ca or None, cadata=ca_data or None)
    if not (ca or ca_data):
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if cert:
        context.load_cert_chain(cert, key or None)
    return context


@contextmanager
def _memory(data: bytes) -> Iterator[str]:
    """A path by which ssl, which reads keys from files only, finds these bytes; they are on no disk at any time.

    Raises where there is no such thing (no Linux, no /proc).
    """
    number = os.memfd_create("okd.registry")
    try:
        with open(number, "wb", closefd=False) as stream:
            stream.write(data)
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


# ---- each gives what the library makes of a value, or raises ---------------------------------------------------------


def _named(config: Mapping[str, Any], kind: str, name: Any) -> Mapping[str, Any]:
    """A context, cluster or user by its name, which no other may have."""
    entries = config[kind]
    if not isinstance(entries, list) or len({entry["name"] for entry in entries}) != len(entries):
        raise _UnusualError
    (found,) = (entry for entry in entries if entry["name"] == _text(name))
    body = found[kind[:-1]]
    if not isinstance(body, dict):
        raise _UnusualError
    return body


def _known(body: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    if not body.keys() <= keys:
        raise _UnusualError
    return body


def _file_or_data(body: Mapping[str, Any], name: str, folder: Path) -> str | bytes | None:
    """A path, or what the kubeconfig holds itself, which comes first."""
    if f"{name}-data" in body:
        data = base64.standard_b64decode(_text(body[f"{name}-data"]))
        if not data:
            raise _UnusualError
        return data
    return _file(os.path.normpath(folder / _text(body[name]))) if name in body else None


def _file(path: Any) -> str:
    if not Path(_text(path)).is_file():
        raise _UnusualError
    return str(path)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _UnusualError
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _UnusualError
    return value
