# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The short way to the API server yields what the library does, or hands over."""

from __future__ import annotations

import base64
import datetime as dt
import os
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.module_utils.k8s import client as core
from ansible_collections.okd.registry.plugins.module_utils import _kube, _kubeconfig, _x509
from ansible_collections.okd.registry.plugins.module_utils._args import auth_names
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)


def pair(name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    cert = _x509.self_signed_ca(key, name=name, now=NOW, days=3650)
    secret = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    return cert.public_bytes(ser.Encoding.PEM), secret


PAIRS = [pair("one"), pair("two")]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("K8S_AUTH_", "KUBE")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def library(params: dict[str, Any]) -> tuple[Any, ...]:
    """Host, CA, certificate, key, header and verification as the library has them."""
    import kubernetes

    shim = _kube._Params(params)
    kubernetes.client.Configuration.set_default(None)
    try:
        conf = core._create_configuration(core._create_auth_spec(shim))
        assert not core._create_headers(shim)
        assert not conf.proxy
        files = [Path(one).read_bytes() if one else None for one in (conf.ssl_ca_cert, conf.cert_file, conf.key_file)]
        verify = conf.verify_ssl  # before the next line, which forgets what the option says
        return (conf.host.rstrip("/"), *files, _kube._authorization(conf), verify)
    finally:
        sys.modules["kubernetes.config.kube_config"]._cleanup_temp_files()  # type: ignore[attr-defined]


def short(params: dict[str, Any]) -> tuple[Any, ...] | None:
    found = _kubeconfig.plain(params, auth_names())
    if found is None:
        return None
    files = [Path(one).read_bytes() if isinstance(one, str) else one for one in (found.ca, found.cert, found.key)]
    assert (found.context.verify_mode == ssl.CERT_REQUIRED) == found.verify == found.context.check_hostname
    return (found.host, *files, found.authorization, found.verify)


# ---- kubeconfigs -----------------------------------------------------------------------------------------------------


def held(name: str, content: bytes, number: int) -> st.SearchStrategy[dict[str, str]]:
    """One file of a kubeconfig's, as data, by a relative path or by both."""
    data = {f"{name}-data": base64.b64encode(content).decode()}
    path = {name: f"pki/../pki/{name}-{number}"}
    return st.sampled_from([data, path, {**path, **data}])


@st.composite
def clusters(draw: st.DrawFn, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"server": f"https://h{number}:6443" + draw(st.sampled_from(["", "/", "/k8s/c//"]))}
    if draw(st.booleans()):
        found |= draw(held("certificate-authority", PAIRS[number][0], number))
    if draw(st.booleans()):
        found["insecure-skip-tls-verify"] = draw(st.booleans())
    return found


@st.composite
def users(draw: st.DrawFn, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    kinds = draw(st.sampled_from([("cert",), ("token",), ("cert", "token")]))
    if "cert" in kinds:
        found |= draw(held("client-certificate", PAIRS[number][0], number))
        found |= draw(held("client-key", PAIRS[number][1], number))
    if "token" in kinds:
        found["token"] = f"token-{number}"
    return found


@st.composite
def kubeconfigs(draw: st.DrawFn) -> dict[str, Any]:
    """Two clusters, two users, and contexts that bring them together."""
    both = [(c, u) for c in (0, 1) for u in (0, 1)]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": f"c{n}", "cluster": draw(clusters(n))} for n in (0, 1)],
        "users": [{"name": f"u{n}", "user": draw(users(n))} for n in (0, 1)],
        "contexts": [{"name": f"x{c}{u}", "context": {"cluster": f"c{c}", "user": f"u{u}"}} for c, u in both],
        "current-context": draw(st.sampled_from([f"x{c}{u}" for c, u in both])),
    }


# What a cluster or a user may hold besides, and what may be broken about them.
UNUSUAL = [
    ("cluster", {"proxy-url": "http://p:1"}),
    ("cluster", {"tls-server-name": "other"}),
    ("cluster", {"server": "http://h:8080"}),
    ("cluster", {"server": None}),
    ("cluster", {"insecure-skip-tls-verify": "true"}),
    ("cluster", {"certificate-authority-data": ""}),
    ("cluster", {"certificate-authority-data": "bm9uc2Vuc2U="}),
    ("user", {"exec": {"command": "x"}}),
    ("user", {"auth-provider": {"name": "oidc"}}),
    ("user", {"username": "u", "password": "p"}),
    ("user", {"tokenFile": "t"}),
    ("user", {"token": 7}),
    ("user", {"token": ""}),
    ("user", {"as": "somebody"}),
    ("user", {"client-certificate-data": None}),
    ("user", {"client-key": "/no/such", "client-key-data": "!"}),
    ("user", {"something-new": 1}),
]


def write(config: Any) -> str:
    """The kubeconfig's path; its files lie beside it."""
    folder = Path(tempfile.mkdtemp(dir=Path.home()))
    (folder / "pki").mkdir()
    for number, (cert, key) in enumerate(PAIRS):
        for name, content in (("certificate-authority", cert), ("client-certificate", cert), ("client-key", key)):
            (folder / "pki" / f"{name}-{number}").write_bytes(content)
    (folder / "config").write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    return str(folder / "config")


def one(**more: dict[str, Any]) -> dict[str, Any]:
    """A kubeconfig of one context, with more in its cluster and user."""
    cert, key = (base64.b64encode(part).decode() for part in PAIRS[0])
    cluster = {"server": "https://h:6443", "certificate-authority-data": cert}
    user = {"client-certificate-data": cert, "client-key-data": key}
    return {
        "clusters": [{"name": "c", "cluster": {**cluster, **more.get("cluster", {})}}],
        "users": [{"name": "u", "user": {**user, **more.get("user", {})}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


@given(
    config=kubeconfigs(), context=st.sampled_from([None, "x00", "x01", "x10"]), verify=st.sampled_from([None, False])
)
def test_the_short_way_yields_what_the_library_does(
    config: dict[str, Any], context: str | None, verify: bool | None
) -> None:
    params = {"kubeconfig": write(config), "context": context, "validate_certs": verify}
    assert short(params) == library(params)
    assert short(params) is not None


@given(config=kubeconfigs(), unusual=st.sampled_from(UNUSUAL))
def test_unusual_things_are_for_the_library(config: dict[str, Any], unusual: tuple[str, dict[str, Any]]) -> None:
    where, what = unusual
    context = next(x["context"] for x in config["contexts"] if x["name"] == config["current-context"])
    body = next(entry[where] for entry in config[f"{where}s"] if entry["name"] == context[where])
    body.update(what)
    assert short({"kubeconfig": write(config)}) is None


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "a: [",
        {**one(), "current-context": "other"},
        {**one(), "users": []},
        {**one(), "users": one()["users"] * 2},
        {**one(), "clusters": [{"name": "c"}]},
        {**one(), "contexts": [{"name": "x", "context": {"cluster": "c"}}]},
    ],
)
def test_broken_files_are_for_the_library(config: Any) -> None:
    assert short({"kubeconfig": write(config)}) is None


@pytest.mark.parametrize(
    "more",
    [
        {"host": "https://other"},
        {"api_key": "x"},
        {"username": "u", "password": "p"},
        {"ca_cert": "/etc/hostname"},
        {"proxy": "http://p"},
        {"no_proxy": "a"},
        {"proxy_headers": {"basic_auth": "a:b"}},
        {"impersonate_user": "u"},
        {"impersonate_groups": ["g"]},
        {"context": ""},
        {"context": "other"},
        {"kubeconfig": ""},
        {"kubeconfig": "/a:/b"},
        {"kubeconfig": "/no/such"},
        {"kubeconfig": one()},
    ],
)
def test_unusual_options_are_for_the_library(more: dict[str, Any]) -> None:
    usual = {"kubeconfig": write(one()), "proxy": None, "impersonate_groups": None}
    assert short(usual) is not None
    assert short({**usual, **more}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://p"),
        ("https_proxy", "http://p"),
        ("ALL_PROXY", "socks5://p"),
        ("K8S_AUTH_PROXY", "http://p"),
        ("K8S_AUTH_HOST", "https://other"),
        ("K8S_AUTH_SSL_CA_CERT", "/etc/hostname"),
        ("K8S_AUTH_IMPERSONATE_USER", "u"),
        ("K8S_AUTH_IMPERSONATE_GROUPS", "a,b"),
        ("K8S_AUTH_PROXY_HEADERS_USER_AGENT", "x"),
    ],
)
def test_unusual_variables_are_for_the_library(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    params = {"kubeconfig": write(one())}
    monkeypatch.setenv("NO_PROXY", "a")  # says nothing where there is no proxy
    assert short(params) is not None
    monkeypatch.setenv(name, value)
    assert short(params) is None


def test_variables_and_the_default_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert short({}) is None
    path = Path(write(one()))
    (path.parents[1] / ".kube").symlink_to(path.parent)
    assert short({}) == library({}) != None  # noqa: E711 - one chain
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert short({}) is None
    assert short({"context": "x"}) == library({"context": "x"}) != None  # noqa: E711
    other = write(one(user={"token": "t"}))
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", other)
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "no")
    found = short({})
    assert found == library({})
    assert found
    assert found[-2:] == ("Bearer t", False)
    monkeypatch.delenv("K8S_AUTH_KUBECONFIG")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST")
    monkeypatch.setenv("KUBECONFIG", other)
    assert (short({}) or ("",))[-2] == "Bearer t"
    monkeypatch.setenv("KUBECONFIG", f"{other}:{path}")
    assert short({}) is None


@given(
    ca=st.booleans(), cert=st.booleans(), key=st.booleans(), token=st.booleans(), verify=st.sampled_from([None, False])
)
def test_options_yield_what_the_library_makes_of_them(
    ca: bool, cert: bool, key: bool, token: bool, verify: bool | None
) -> None:
    pki = Path(write({})).parent / "pki"
    params: dict[str, Any] = {"host": "https://h:6443/", "validate_certs": verify, "api_key": "t" if token else None}
    for option, name, asked in (
        ("ca_cert", "certificate-authority-0", ca),
        ("client_cert", "client-certificate-0", cert),
        ("client_key", "client-key-0", key),
    ):
        params[option] = str(pki / name) if asked else None
    found = short(params)
    assert (found is not None) == (cert == key and (token or cert))
    assert found is None or found == library(params)


def test_the_keys_of_the_options_and_a_file_that_is_none() -> None:
    assert short({"host": "http://h", "api_key": "t"}) is None
    assert short({"host": "https://h", "api_key": "t", "kubeconfig": "/x"}) is None
    assert short({"host": "https://h", "api_key": "t", "ca_cert": "/no/ca"}) is None
    assert short({"host": "https://h"}) is None


# ---- what is left behind, and what is loaded -------------------------------------------------------------------------

SCRIPT = """
import sys
from ansible_collections.okd.registry.plugins.module_utils import _kube
made = _kube.connect({"kubeconfig": sys.argv[1]})
loaded = [name for name in ("kubernetes", "pydantic", "requests") if name in sys.modules]
print(made.description, made._headers(), loaded)
"""


def test_the_library_is_not_loaded_and_no_key_touches_a_disk(tmp_path: Path) -> None:
    path, empty = write(one()), tmp_path / "tmp"
    empty.mkdir(mode=0o500)  # the library's way writes here
    environment = {**os.environ, "TMPDIR": str(empty)}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, path], env=environment, capture_output=True, text=True, check=True
    )
    headers = {"Accept": "application/json", "User-Agent": "okd.registry"}
    assert ran.stdout.strip() == f"https://h:6443 (from kubeconfig {path}) {headers} []"
    assert ran.stderr == ""


def test_open_files_are_closed_again_and_reprs_tell_no_secret() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    found = _kubeconfig.plain({"kubeconfig": write(one(user={"token": "geheimnis"}))}, auth_names())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert "geheimnis" not in repr(found)
    assert "PRIVATE" not in repr(found)


def test_where_no_files_are_in_memory_the_library_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert short({"kubeconfig": write(one())}) is None


def test_without_the_library_its_absence_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kubeconfig.importlib.util, "find_spec", lambda _name: None)
    assert short({"kubeconfig": write(one())}) is None


@pytest.mark.parametrize("missing", ["yaml", "urllib3"])
def test_without_what_the_library_needs_the_library_is_missing(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("kubernetes", missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)  # type: ignore[arg-type]
    with pytest.raises(_kube.MissingLibraryError, match="kubernetes"):
        _kube.connect({"kubeconfig": write(one())})


def test_certificates_are_refused_with_the_same_words() -> None:
    nonsense = {"certificate-authority-data": base64.b64encode(b"nonsense").decode()}
    with pytest.raises(_kube.ConfigurationError, match=r"certificates for https://h:6443 .* cannot be loaded"):
        _kube.connect({"kubeconfig": write(one(cluster=nonsense))})
