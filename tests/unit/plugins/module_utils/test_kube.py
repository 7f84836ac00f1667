# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection and the frame of the modules: where an address comes from, what is missing, what is left behind."""

from __future__ import annotations

import base64
import builtins
import contextlib
import io
import json
import socket
import ssl
import traceback
from pathlib import Path
from typing import Any

import pytest
import urllib3
from ansible_collections.okd.registry.plugins.module_utils import _kube
from ansible_collections.okd.registry.plugins.module_utils._api import Answer, Api
from ansible_collections.okd.registry.plugins.module_utils._args import COMMON, ENDPOINTS, argument_spec
from ansible_collections.okd.registry.plugins.module_utils._errors import ConfigurationError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

ENVIRONMENT = ("KUBERNETES_SERVICE_HOST", "KUBECONFIG", "K8S_AUTH_KUBECONFIG", "K8S_AUTH_CONTEXT", "K8S_AUTH_HOST")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("auth", "environment", "text"),
    [
        ({"kubeconfig": "/k"}, {}, "kubeconfig /k"),
        ({"kubeconfig": "/k", "context": "c"}, {}, "kubeconfig /k, context c"),
        ({"kubeconfig": {"users": ["secret"]}}, {}, "the kubeconfig given as a dictionary"),
        ({}, {}, "kubeconfig ~/.kube/config (the default)"),
        ({}, {"KUBECONFIG": "/e"}, "kubeconfig /e (the default)"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "the pod's own service account"),
        ({"host": "https://h:6443", "api_key": "secret"}, {}, "the option host (https://h:6443)"),
        ({"host": "https://h:6443"}, {}, "kubeconfig ~/.kube/config (the default), host https://h:6443"),
    ],
)
def test_where_the_address_comes_from_without_a_secret(
    auth: dict[str, Any], environment: dict[str, str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _kube.describe_source(auth) == text


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"kubeconfig": "/no/such"}, "There is no such file on .*: kubeconfig /no/such"),
        ({"host": "https://h", "api_key": "x", "ca_cert": "/no/ca"}, "ca_cert: there is no file /no/ca"),
        ({"host": "https://h", "client_cert": "/no/c", "client_key": "/no/k"}, "client_cert: there is no file /no/c"),
        ({"kubeconfig": {"a": 1}}, "cannot be worked out from the kubeconfig given as a dictionary.*current-context"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_sent(params: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        _kube.connect(params)


def test_the_variables_of_kubernetes_core_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "http://api.example.com:8080/")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "token")
    transport = _kube.connect({})
    assert transport.description.startswith("http://api.example.com:8080 (from the option host (http://api.")
    assert transport._headers()["authorization"] == "Bearer token"  # type: ignore[attr-defined]


def test_user_and_password_are_sent_where_there_is_no_token() -> None:
    transport: Any = _kube.connect({"host": "http://h", "username": "u", "password": "p"})
    assert transport._headers()["authorization"] == "Basic dTpw"


@pytest.mark.parametrize(("password", "raw"), [("p\xe4ss", b"u:p\xc3\xa4ss"), ("\u20ac", b"u:\xe2\x82\xac")])
def test_user_and_password_are_sent_as_utf_8(password: str, raw: bytes) -> None:
    transport: Any = _kube.connect({"host": "http://h", "username": "u", "password": password})
    assert transport._headers()["authorization"] == "Basic " + base64.b64encode(raw).decode()


@pytest.mark.parametrize("params", [{"api_key": "x"}, {}], ids=["library", "bare"])
def test_the_proxy_s_password_is_sent_as_utf_8(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"basic_auth": None, "proxy_basic_auth": "u:\u20ac", "user_agent": None}
    found = _kube.server({"host": "https://h", "proxy": "http://p:3128", "proxy_headers": told, **params})
    assert found.proxy is not None
    assert found.proxy.headers == {"proxy-authorization": "Basic " + base64.b64encode(b"u:\xe2\x82\xac").decode()}


def test_what_cannot_be_sent_is_not_repeated() -> None:
    transport: Any = _kube.connect({"host": "http://h", "username": "u", "password": "geheim\ud83d"})
    with pytest.raises(ConfigurationError, match="holds half a character") as refused:
        transport._headers()
    shown = "".join(traceback.format_exception(refused.value))
    assert "geheim" not in str(refused.value)
    assert "d83d" not in shown
    assert "d83d" not in _kube._first_line(UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"))


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("nonsense")
    with pytest.raises(ConfigurationError, match=r"certificates for https://h .* cannot be loaded"):
        _kube.connect({"host": "https://h", "api_key": "x", "ca_cert": str(tmp_path / "ca")})


def test_credentials_with_a_line_s_end_are_sent_without_and_others_not_repeated() -> None:
    """As a token is read from a file. The error of Python's own client has all of a header's value in it."""
    transport: Any = _kube.connect({"host": "http://127.0.0.1:1", "api_key": "geheim\n"})
    assert transport._headers()["authorization"] == "Bearer geheim"
    transport = _kube.connect({"host": "http://127.0.0.1:1", "api_key": "ge\nheim"})
    with pytest.raises(ConfigurationError, match="holds characters that no header can have") as refused:
        transport.send("GET", "/api", None, "")
    assert "heim" not in str(refused.value)


def test_a_header_that_cannot_be_is_not_repeated() -> None:
    transport: Any = _kube.connect({"host": "http://127.0.0.1:1", "api_key": "x", "impersonate_user": "ge\nheim"})
    with pytest.raises(_kube.LostError) as lost:
        transport.send("GET", "/api", None, "")
    assert "heim" not in f"{lost.value}{lost.value.advice}"
    assert "heim" not in "".join(traceback.format_exception(lost.value))
    assert "no header can have" in lost.value.advice


@pytest.mark.parametrize(
    ("proxy", "no_proxy", "through"),
    [("http://p:3128", None, True), ("http://p:3128", "example.com", False), ("http://p:3128", "*", False),
     ("http://p:3128", "other.example", True), (None, None, False)],
)  # fmt: skip
@pytest.mark.parametrize("credentials", [{}, {"api_key": "x"}])
def test_the_way_to_a_server_is_that_of_the_options(
    proxy: str | None, no_proxy: str | None, through: bool, credentials: dict[str, str]
) -> None:
    """With an address alone, as for OAuth, and by the library."""
    told = {"proxy": proxy, "no_proxy": no_proxy, "proxy_headers": {"proxy_basic_auth": "u:p"}}
    found = _kube.server({"host": "https://api.example.com:6443", **credentials, **told}).proxy
    assert (found is not None) == through
    if found:
        assert found == ("http://p:3128", {"proxy-authorization": "Basic dTpw"})


@pytest.mark.parametrize(
    ("error", "sent", "attempts", "advice"),
    [
        (urllib3.exceptions.SSLError("certificate verify failed"), False, 1, "certificate-authority-data"),
        (ssl.SSLError(1, "tlsv1 alert"), False, 1, "certificate-authority-data"),
        (urllib3.exceptions.NewConnectionError(None, "refused"), False, 3, "whether the API server runs"),  # type: ignore[arg-type]
        (urllib3.exceptions.ConnectTimeoutError("slow"), False, 1, "firewalls"),
        (urllib3.exceptions.ReadTimeoutError(None, "u", "slow"), True, 2, "firewalls"),  # type: ignore[arg-type]
        (urllib3.exceptions.ProxyError("no", OSError()), False, 1, "proxy"),
        (urllib3.exceptions.ProtocolError("reset"), True, 5, "run again"),
        (ConnectionResetError("reset"), True, 5, "run again"),
        (ValueError("no url"), False, 1, "no URL"),
    ],
)
def test_why_no_answer_came(error: Exception, sent: bool, attempts: int, advice: str) -> None:
    lost = _kube._lost(error)
    assert (lost.sent, lost.attempts) == (sent, attempts)
    assert advice in lost.advice


def test_requests_with_urllib3_1_26_which_lacks_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12 and RHEL 9 ship it, and the floor of ee-requirements.txt allows it."""
    monkeypatch.delattr(urllib3, "HTTPHeaderDict")
    monkeypatch.delattr(urllib3.exceptions, "NameResolutionError")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    transport = _kube.connect({"host": f"http://127.0.0.1:{port}", "api_key": "x"})
    with pytest.raises(_kube.LostError) as lost:
        transport.send("GET", "/api", None, "")
    assert "whether the API server runs" in lost.value.advice


def test_retry_after() -> None:
    assert _kube._seconds("7") == 7
    assert _kube._seconds(None) is _kube._seconds("Wed, 21 Oct 2015 07:28:00 GMT") is None


# ---- run_module ------------------------------------------------------------------------------------------------------


def outcome(work: Any, params: dict[str, Any], **options: Any) -> dict[str, Any]:
    from ansible.module_utils.testing import patch_module_args

    printed = io.StringIO()
    with patch_module_args(params), contextlib.redirect_stdout(printed), pytest.raises(SystemExit):
        _kube.run_module(work, argument_spec=argument_spec(COMMON, ENDPOINTS), **options)
    result: dict[str, Any] = json.loads(printed.getvalue())
    return result


class Quiet:
    """A connection that creates whatever it is given."""

    description = "test"

    def send(self, method: str, url: str, body: bytes | None, content_type: str) -> Answer:
        return Answer(200, body or b"{}")


def test_a_result_is_the_modules_exit() -> None:
    assert outcome(lambda _module, _api: {"changed": False, "x": 1}, {})["x"] == 1


def test_an_error_is_a_sentence_with_counts_and_whether_something_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kube, "connect", lambda _params: Quiet())

    def work(_module: Any, api: Api) -> dict[str, Any]:
        api.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "n", "namespace": "d"}})
        raise RefusedError("No.", option="x")

    result = outcome(work, {})
    assert (result["failed"], result["changed"], result["msg"], result["option"]) == (True, True, "No.", "x")
    assert result["api_requests"]["post"] == 1
    assert "exception" not in result


def test_the_path_of_a_kubeconfig_is_readable_in_errors() -> None:
    def work(_module: Any, api: Api) -> dict[str, Any]:
        return {"live": api.get(ObjectRef("v1", "Service", "n", "d"))}

    result = outcome(work, {"kubeconfig": "/no/such", "extra_hosts": ["a.b"]})
    assert result["msg"].endswith("kubeconfig /no/such.")
    secret = outcome(lambda module, _api: {"x": f"token {module.params['api_key']}"}, {"api_key": "geheimnis"})
    assert "geheimnis" not in json.dumps(secret)


def test_without_the_kubernetes_library(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "kubernetes":
            raise ImportError("No module named 'kubernetes'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    result = outcome(lambda _module, api: {"live": api.get(ObjectRef("v1", "Node", "n"))}, {})
    assert "Failed to import the required Python library (kubernetes)" in result["msg"]
    assert "to talk to the cluster" in result["msg"]
    assert (result["changed"], result["api_requests"]["post"]) == (False, 0)


def test_argument_specs_are_fresh_each_time() -> None:
    one = argument_spec(COMMON, x={"type": "str"})
    one["name"]["default"] = "changed"
    assert argument_spec(COMMON)["name"]["default"] == "docker-registry"
    assert {"kubeconfig", "impersonate_groups", "x"} <= one.keys()
