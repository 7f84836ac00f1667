# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the API server, and the frame of every API-side module.

The only importer of the kubernetes library and, but for the names of its options (``_args``), of kubernetes.core.
Authentication (kubeconfig, context, tokens, exec
plugins, in-cluster, proxies, impersonation, ``K8S_AUTH_*``) is theirs. The requests are ours, over the urllib3 pool
that their configuration makes: ``get_api_client`` costs a discovery request at each call and leaves a cache file with
a predictable name in the temporary directory, and its client cannot send a JSON Patch.

Importing the library takes longer than all of a task's requests. So the plain case goes without (``_kubeconfig``).
"""

from __future__ import annotations

import os
import ssl
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.okd.registry.plugins.module_utils import _basicauth, _kubeconfig
from ansible_collections.okd.registry.plugins.module_utils._api import Answer, Api, LostError, Transport
from ansible_collections.okd.registry.plugins.module_utils._args import auth_names
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ConfigurationError,
    MissingLibraryError,
    RegistryError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._node.bearer import UNFIT, Proxy
from ansible_collections.okd.registry.plugins.module_utils._status import Request, error_from

CONNECT_TIMEOUT = 10.0  # seconds until a connection must stand
READ_TIMEOUT = 60.0  # seconds without a byte of the answer; the API server's own limit for a request is 60 s


def connect(params: Mapping[str, Any]) -> Transport:
    """The connection that the authentication options and ``K8S_AUTH_*`` variables ask for.

    :param params: the module's options.
    :raises ConfigurationError: when the kubeconfig, context or credentials cannot be used; nothing is sent yet.
    """
    short = _kubeconfig.plain(params, auth_names())
    if short is not None:
        source = describe_source(short.auth)
        return KubeTransport(short.host, source, short.pool(), short.context, lambda: short.authorization)
    return _by_library(*_configured(params))


@dataclass(frozen=True)
class Server:
    """The API server that the options name, and the credentials that they have for it.

    :param url: without a slash at its end.
    :param ca: PEM text; None where the machine's own CAs count.
    :param authorization: value of the header; None for a client certificate, or nothing at all.
    :param proxy: the way to it; None where it is reached directly.
    """

    url: str
    ca: str | None
    verify: bool
    authorization: str | None = field(repr=False)
    source: str
    proxy: Proxy | None = field(default=None, repr=False)


def server(params: Mapping[str, Any]) -> Server:
    """Which API server :func:`connect` would ask, for those who ask it in another way. Raises as that does.

    Here the option host is enough; a kubeconfig of whoever runs this then counts for nothing.
    """
    bare = _kubeconfig.bare(params, auth_names())
    if bare is not None:
        source = f"the option host ({bare['host']})"
        url, ca = bare["host"].rstrip("/"), _pem(bare.get("ssl_ca_cert"))
        return Server(url, ca, bare.get("verify_ssl", True), None, source, _kubeconfig.bare_proxy(bare))
    short = _kubeconfig.plain(params, auth_names())
    if short is not None:
        source = describe_source(short.auth)
        return Server(short.host, _pem(short.ca), short.verify, short.authorization, source)
    configuration, _headers, source = _configured(params)
    found, ca = str(configuration.host).rstrip("/"), _pem(configuration.ssl_ca_cert)
    _remove_copies()
    way = _kubeconfig.proxy(
        found, configuration.proxy, getattr(configuration, "no_proxy", None), configuration.proxy_headers
    )
    return Server(found, ca, bool(configuration.verify_ssl), _authorization(configuration), source, way)


def _pem(ca: str | bytes | None) -> str | None:
    """The text of a CA of which the path or the bytes are given. Raises ConfigurationError."""
    try:
        raw = Path(ca).expanduser().read_bytes() if isinstance(ca, str) and ca else ca
    except OSError as exc:
        raise ConfigurationError(f"ca_cert: {exc.filename} cannot be read: {exc.strerror or exc}.") from exc
    return raw.decode("ascii", "replace") if isinstance(raw, bytes) and raw else None


def _configured(params: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any], str]:
    """The kubernetes library's configuration, more headers, and where both come from, in words."""
    try:
        import kubernetes
    except ImportError as exc:
        text = missing_required_lib("kubernetes", reason="to talk to the cluster")
        raise MissingLibraryError(text, exception=traceback.format_exc()) from exc
    from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core

    shim = _Params(params)
    auth = core._create_auth_spec(shim)
    source = describe_source(auth)
    _check_files(auth, source)
    auth["proxy_headers"] = _basicauth.for_make_headers(auth.get("proxy_headers") or {})
    kubernetes.client.Configuration.set_default(None)  # what another kubeconfig left there in this process
    try:
        configuration = core._create_configuration(auth)
        headers = core._create_headers(shim)
    except Exception as exc:  # the loaders raise whatever a broken file makes them raise
        raise ConfigurationError(
            f"The way to the API server cannot be worked out from {source}: {_first_line(exc)}. "
            "Name a working kubeconfig (option kubeconfig or variable K8S_AUTH_KUBECONFIG) or host and api_key."
        ) from exc
    return configuration, headers, source


class _Params:
    """The little of a module that kubernetes.core's helpers look at."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params


def describe_source(auth: Mapping[str, Any]) -> str:
    """Where the address and the credentials come from, in words, for messages. Never a secret."""
    kubeconfig, context, host = auth.get("kubeconfig"), auth.get("context"), auth.get("host")
    if host and (auth.get("api_key") or auth.get("username") or auth.get("cert_file")):
        return f"the option host ({host})"
    if isinstance(kubeconfig, dict):
        text = "the kubeconfig given as a dictionary"
    elif kubeconfig:
        text = f"kubeconfig {kubeconfig}"
    elif os.environ.get("KUBERNETES_SERVICE_HOST") and not context:
        return "the pod's own service account"
    else:
        text = f"kubeconfig {os.environ.get('KUBECONFIG') or '~/.kube/config'} (the default)"
    return text + (f", context {context}" if context else "") + (f", host {host}" if host else "")


def _check_files(auth: Mapping[str, Any], source: str) -> None:
    """Refuse a path that is not there: the library's own message does not name it."""
    here = os.uname().nodename
    kubeconfig = auth.get("kubeconfig")
    if isinstance(kubeconfig, str):
        paths = [Path(p).expanduser() for p in kubeconfig.split(os.pathsep) if p]
        if paths and not any(p.exists() for p in paths):
            raise ConfigurationError(f"There is no such file on {here}: {source}.")
    for option, key in (("ca_cert", "ssl_ca_cert"), ("client_cert", "cert_file"), ("client_key", "key_file")):
        path = auth.get(key)
        if path and not Path(path).expanduser().exists():
            raise ConfigurationError(f"{option}: there is no file {path} on {here}.")


def _first_line(exc: BaseException) -> str:
    # The text of an encoding's error shows the character, which may be a password's.
    said = exc.reason if isinstance(exc, UnicodeDecodeError | UnicodeEncodeError) else str(exc).strip()
    text = said or type(exc).__name__
    return text.splitlines()[0].rstrip(".")


def _by_library(configuration: Any, headers: Mapping[str, Any], source: str) -> KubeTransport:
    """The transport of the kubernetes library's configuration, over the urllib3 pool that it sets up for it."""
    from kubernetes.client.rest import RESTClientObject

    base = str(configuration.host).rstrip("/")
    if not base.startswith(("https://", "http://")):
        raise ConfigurationError(f"The server address {base!r} from {source} is no URL such as https://host:6443.")
    try:
        pool = RESTClientObject(configuration).pool_manager
        context = _tls(configuration, pool) if base.startswith("https:") else None
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"The certificates for {base} (from {source}) cannot be loaded: {_first_line(exc)}. Check the CA, "
            "client certificate and key that the kubeconfig or the options name."
        ) from exc
    return KubeTransport(
        base, source, pool, context, lambda: _authorization(configuration), headers, lambda: _proxy(configuration, base)
    )


def _tls(conf: Any, pool: Any) -> ssl.SSLContext:
    """Load certificates once, now, and take the library's temporary copies off the disk at once.

    The library writes inline kubeconfig certificates (and the client's key) to temporary files and leaves them
    to an exit handler, which a kill never runs.
    """
    data, keywords = getattr(conf, "ca_cert_data", None), pool.connection_pool_kw
    context = _kubeconfig.tls_context(
        conf.ssl_ca_cert, conf.cert_file, conf.key_file, verify=bool(conf.verify_ssl), ca_data=data
    )
    for name in ("ca_certs", "cert_file", "key_file", "ca_cert_data"):
        keywords.pop(name, None)
    keywords["ssl_context"] = context
    _remove_copies()
    return context


def _remove_copies() -> None:
    """Take away what the library wrote of an inline kubeconfig."""
    loader = sys.modules.get("kubernetes.config.kube_config")
    if loader is not None and hasattr(loader, "_cleanup_temp_files"):
        loader._cleanup_temp_files()


def _authorization(configuration: Any) -> str | None:
    """The header as the configuration has it now (exec plugins may renew it)."""
    for setting in configuration.auth_settings().values():
        if str(setting.get("key", "")).lower() == "authorization" and setting.get("value"):
            return str(setting["value"])
    if configuration.username and configuration.password:
        return _basicauth.header(configuration.username, configuration.password)
    return None


def _proxy(configuration: Any, base: str) -> dict[str, Any]:
    """The proxy, as the WebSocket library wants it told."""
    if not (configuration.proxy or configuration.proxy_headers):
        return {}
    from kubernetes.stream.ws_client import websocket_proxycare

    return dict(websocket_proxycare({}, configuration, base, {}))


class KubeTransport:
    """Sends requests through a urllib3 pool.

    :param base: URL of the API server.
    :param source: where that comes from, in words.
    :param authorization: gives the header's value, asked at each request.
    :param extra: more headers.
    :param proxy: gives the proxy's options for a WebSocket.
    """

    def __init__(
        self,
        base: str,
        source: str,
        pool: Any,
        context: ssl.SSLContext | None,
        authorization: Callable[[], str | None],
        extra: Mapping[str, Any] | None = None,
        proxy: Callable[[], dict[str, Any]] = dict,
    ) -> None:
        self.description = f"{base} (from {source})"
        self._base, self._pool, self._context = base, pool, context
        self._authorization, self._proxy = authorization, proxy
        self._extra = dict(extra or {})

    def _headers(self) -> dict[str, str]:
        """Raises ConfigurationError for credentials that no header can have: http.client's error would repeat them."""
        found = {"Accept": "application/json", "User-Agent": "okd.registry"}
        authorization = (self._authorization() or "").strip()
        if any(not " " <= character <= "~" for character in authorization):
            raise ConfigurationError(f"The token or password for {self.description} {UNFIT}.")
        return {**found, "authorization": authorization} if authorization else found

    def send(self, method: str, url: str, body: bytes | None, content_type: str) -> Answer:
        """One request, no retries, no redirects. Raises LostError when no answer comes."""
        import urllib3
        from urllib3._collections import HTTPHeaderDict  # public since urllib3 2

        headers = HTTPHeaderDict(self._headers())
        for name, value in self._extra.items():
            for one in value if isinstance(value, list) else [value]:
                headers.add(name, one)
        if body is not None:
            headers["Content-Type"] = content_type
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT)
        try:
            answer = self._pool.request(
                method, self._base + url, body=body, headers=headers, timeout=timeout, retries=False, redirect=False
            )
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise _lost(exc) from exc
        except ValueError as exc:
            raise _lost(exc) from None  # a header that is refused is in its words, which a shown traceback would have
        return Answer(answer.status, answer.data, _seconds(answer.headers.get("Retry-After")))

    def websocket(self, url: str, protocols: Sequence[str], request: Request, timeout: float) -> tuple[int, Any]:
        """(101, a connected WebSocket), or (HTTP status, body) where the server answers otherwise.

        :param url: path and query.
        :param protocols: offered, the best first.
        :raises UnreachableError: when no answer comes.
        """
        import websocket

        options = {"context": self._context} if self._context else None
        wire: Any = websocket.WebSocket(sslopt=options, skip_utf8_validation=True)
        # A kubelet answers 406 to a stream for which only JSON is accepted.
        lines = [f"{k}: {v}" for k, v in self._headers().items() if k != "Accept"]
        lines.append(f"sec-websocket-protocol: {', '.join(protocols)}")
        for name, value in self._extra.items():
            lines += [f"{name}: {one}" for one in (value if isinstance(value, list) else [value])]
        try:
            wire.connect(f"ws{self._base[4:]}{url}", header=lines, timeout=timeout, **self._proxy())
        except websocket.WebSocketBadStatusException as exc:
            return exc.status_code, exc.resp_body or b""
        except (websocket.WebSocketException, OSError) as exc:
            raise UnreachableError(f"No WebSocket through {self.description} for {request.what}: {exc}.") from exc
        return 101, wire

    @contextmanager
    def port_forward(self, path: str, port: int, request: Request, timeout: float) -> Iterator[Any]:
        """A socket to a pod's port, over a WebSocket to the API server (protocol ``v4.channel.k8s.io``)."""
        from kubernetes.stream.ws_client import PortForward

        status, wire = self.websocket(f"{path}?ports={port}", ["v4.channel.k8s.io"], request, timeout)
        if status != 101:
            raise error_from(status, wire, request)
        wire.settimeout(None)
        forward = PortForward(wire, [port])
        tunnel = forward.socket(port)
        tunnel.settimeout(timeout)
        try:
            yield tunnel
        except OSError as exc:  # also TLS errors; what the pod's side said tells more
            if not forward.error(port):
                raise
            raise UnreachableError(f"Port {port} of {request.what}: {forward.error(port).strip()}") from exc
        finally:
            forward.close()


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` in seconds; its date form, which Kubernetes never sends, counts as not given."""
    return float(value) if value and value.isdigit() else None


def _lost(exc: BaseException) -> LostError:
    """Why no answer came, and what to do about it."""
    from urllib3 import exceptions as lib

    text = _first_line(exc).split("Failed to establish a new connection: ")[-1]
    if isinstance(exc, ValueError) and not isinstance(exc, lib.HTTPError):
        text = "the request cannot be put together"  # such an error repeats what was put together
    # (kind of error, the request may have arrived, how often to try, advice); the first that fits counts
    table: list[tuple[Any, bool, int, str]] = [
        ((lib.SSLError, ssl.SSLError), False, 1, _ADVICE_TLS),
        (getattr(lib, "NameResolutionError", ()), False, 1, _ADVICE_NAME),  # urllib3 1.26 has no type of its own for it
        (lib.NewConnectionError, False, 3, "Check the server address and port, and whether the API server runs."),
        (lib.ProxyError, False, 1, "Check the proxy that the options or the environment name."),
        (lib.ConnectTimeoutError, False, 1, _ADVICE_TIMEOUT),
        (lib.ReadTimeoutError, True, 2, _ADVICE_TIMEOUT),
        (ValueError, False, 1, _ADVICE_VALUE),
    ]
    for kinds, sent, attempts, advice in table:
        if isinstance(exc, kinds):
            return LostError(text, sent=sent, attempts=attempts, advice=advice)
    return LostError(text, sent=True, attempts=5, advice="The connection broke; run again.")


_ADVICE_NAME = "Check the host name of the server address."
_ADVICE_TLS = (
    "Its certificate does not fit the CA or the name in use, or it refuses the client certificate: check "
    "certificate-authority-data (or ca_cert) and the server address, or whether this is the right cluster."
)
_ADVICE_VALUE = f"The server address is no URL such as https://host:6443, or what is sent with a request {UNFIT}."
_ADVICE_TIMEOUT = "Check firewalls and proxies between this machine and the API server, and its load."


def run_module(
    work: Callable[[Any, Api], Mapping[str, Any]], *, argument_spec: Mapping[str, Any], **options: Any
) -> NoReturn:
    """Be a module: parse options, call ``work(module, api)``, and exit with its dict or with the error as a sentence.

    :param options: more arguments for AnsibleModule (``required_if`` …). Check mode is supported by every module here.
    """
    run(AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, **options), work)


def run(module: Any, work: Callable[[Any, Api], Mapping[str, Any]]) -> NoReturn:
    """As :func:`run_module`, for a module that is there already."""
    kubeconfig = module.params.get("kubeconfig")
    if isinstance(kubeconfig, str) and "\n" not in kubeconfig:
        # kubernetes.core hides the option, since it may be a dictionary with keys in it. A path belongs into errors.
        module.no_log_values.discard(kubeconfig)
    api = Api(lambda: connect(module.params))
    try:
        result = dict(work(module, api))
    except RegistryError as exc:
        module.fail_json(msg=str(exc), changed=api.wrote, api_requests=api.counts(), **exc.details)
    module.exit_json(**result)
    raise SystemExit(1)  # not reached: both of Ansible's exits end the process
