# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration file, proxy, further CAs, credentials: what is made of them, refused, and never shown."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build import config as configs
from ansible_collections.okd.registry.plugins.module_utils._build import proxy as proxies
from ansible_collections.okd.registry.plugins.module_utils._build import salted
from ansible_collections.okd.registry.plugins.module_utils._errors import NotFoundError, OptionError
from ansible_collections.okd.registry.plugins.module_utils._options import settings
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from test_deploy import checksum, claim, deploy, ready_cluster, workload

FILE = {
    "version": 0.1,
    "storage": {"filesystem": {"rootdirectory": "/registry"}, "delete": {"enabled": True}},
    "notifications": {"endpoints": [{"name": "n", "headers": {"Authorization": ["Bearer hidden-bearer"]}}]},
    "redis": {"password": "hidden-redis"},
}
PROXY = {"http": "http://proxy.example.com:3128", "https": None, "no_proxy": []}
SECRET_PROXY = {"http": None, "https": "http://user:hidden-pass@proxy.example.com:3128", "no_proxy": []}

PEM = """-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIULPa7jdaLHMoyU8DVPUbOkbhmFvUwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGZ29sZGVuMCAXDTI2MTEyNDE0MTEzMloYDzIxMjYxMDMxMTQx
MTMyWjARMQ8wDQYDVQQDDAZnb2xkZW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAR+c3PkfKoxBLMVGrVoCzofwWCALrWVAe5lMCeDGb7h8lDYTZHAX2CXMgxZEjXG
Nlqp4rMro7I9L1JiMSurVOAso1MwUTAdBgNVHQ4EFgQURImN/HldSgaHOvo1jOf1
K+IHbJUwHwYDVR0jBBgwFoAURImN/HldSgaHOvo1jOf1K+IHbJUwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAmq7JGXbdQoBFS2c2vs+NX84ZtLG0
JW584+uP5ddq4qQCIQCV65UO5STmw3Pkfmh0LTk5+NltBwjmZVSBSQuiDt42Hw==
-----END CERTIFICATE-----
"""


@pytest.fixture
def cluster():
    made = ready_cluster()
    made.put(claim())
    return made


def run(cluster, check=False, **options):
    return deploy(cluster, check=check, storage={"kind": "pvc", "claim_name": "registry-claim"}, **options)


def given_config(**fields):
    return {"content": None, "config_map": None, "secret": None, "key": "config.yml", **fields}


def given_ca(**fields):
    return {"content": None, "config_map": None, "secret": None, "key": "ca.crt", **fields}


def pod(cluster):
    return workload(cluster)["spec"]["template"]["spec"]


def env(cluster):
    return {e["name"]: e for e in pod(cluster)["containers"][0]["env"]}


def mounts(cluster):
    return {m["mountPath"]: m for m in pod(cluster)["containers"][0]["volumeMounts"]}


def volumes(cluster):
    return {v["name"]: v for v in pod(cluster)["volumes"]}


def text_of(cluster, name, key):
    return base64.b64decode(cluster.find("v1", "Secret", name)["data"][key]).decode()


def put(cluster, kind, name, **data):
    data = {k.replace("__", "."): v for k, v in data.items()}
    if kind == "Secret":
        data = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
    cluster.put({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "default"}, "data": data})


@pytest.fixture(scope="session")
def ca_pem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ca")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=extra -keyout key.pem -out ca.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return (folder / "ca.pem").read_text(), (folder / "key.pem").read_text()


class TestConfig:
    @pytest.mark.parametrize("content", [FILE, yaml.safe_dump(FILE)])
    def test_a_file_of_ours(self, cluster, content):
        run(cluster, config=given_config(content=content))
        assert yaml.safe_load(text_of(cluster, "docker-registry-config", "config.yml")) == FILE
        assert env(cluster)["REGISTRY_CONFIGURATION_PATH"]["value"] == "/etc/docker/registry/config.yml"
        mount = mounts(cluster)["/etc/docker/registry"]
        assert mount["readOnly"]
        assert volumes(cluster)[mount["name"]]["secret"] == {
            "secretName": "docker-registry-config", "items": [{"key": "config.yml", "path": "config.yml"}],
        }  # fmt: skip
        assert env(cluster)["REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY"]["value"] == "/registry"

    def test_again_writes_nothing_and_another_content_rolls(self, cluster):
        run(cluster, config=given_config(content=FILE))
        assert not run(cluster, config=given_config(content=FILE))["changed"]
        assert cluster.writes() == []
        before = checksum(cluster)
        planned = run(cluster, check=True, config=given_config(content={**FILE, "log": {"level": "debug"}}))
        done = run(cluster, config=given_config(content={**FILE, "log": {"level": "debug"}}))
        assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
        assert done["workload"]["rolls"]
        assert checksum(cluster) != before
        run(cluster, config=given_config(content=FILE))
        assert checksum(cluster) == before

    def test_the_checksum_cannot_be_guessed_from_the_content(self, cluster):
        run(cluster, config=given_config(content=FILE))
        other = ready_cluster()
        other.put(claim())
        run(other, config=given_config(content=FILE))
        assert checksum(cluster) != checksum(other)

    def test_check_mode_calls_what_it_cannot_know_so(self, cluster):
        run(cluster)
        planned = run(cluster, check=True, config=given_config(content=FILE))
        assert "okd.registry/checksum: (known after apply)" in planned["diff"][-1]["after"]
        assert planned["actions"] == run(cluster, config=given_config(content=FILE))["actions"]

    def test_no_credential_of_it_in_the_result(self, cluster):
        text = json.dumps(run(cluster, config=given_config(content=FILE)))
        assert "hidden" not in text
        assert text_of(cluster, "docker-registry-config", salted.SALT) not in text

    @pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
    def test_a_file_of_the_users(self, cluster, kind):
        put(cluster, kind, "mine", my__yml=yaml.safe_dump(FILE))
        option = given_config(key="my.yml", **{"config_map" if kind == "ConfigMap" else "secret": "mine"})
        run(cluster, config=option)
        assert env(cluster)["REGISTRY_CONFIGURATION_PATH"]["value"] == "/etc/docker/registry/my.yml"
        source = volumes(cluster)[mounts(cluster)["/etc/docker/registry"]["name"]]
        assert "mine" in str(source)
        assert not run(cluster, config=option)["changed"]
        put(cluster, kind, "mine", my__yml=yaml.safe_dump({**FILE, "log": {"level": "debug"}}))
        assert run(cluster, config=option)["workload"]["rolls"]
        own = cluster.find("v1", "Secret", "docker-registry-config")
        assert (own is None) if kind == "ConfigMap" else (set(own["data"]) == {salted.SALT})

    def test_a_users_file_that_is_not_there(self, cluster):
        option = given_config(config_map="mine")
        with pytest.raises(NotFoundError, match=r"ConfigMap default/mine, which config\.config_map names"):
            run(cluster, config=option)
        assert cluster.writes() == []
        planned = run(cluster, check=True, config=option)
        assert any("does not exist yet" in action for action in planned["actions"])
        put(cluster, "ConfigMap", "mine", other="x")
        with pytest.raises(OptionError, match=r"has no text under config\.yml \(it has other\): say which by key"):
            run(cluster, config=option)

    def test_the_place_of_the_documents_own_file_is_taken_over(self, cluster):
        run(cluster)
        live = workload(cluster)
        container = live["spec"]["template"]["spec"]["containers"][0]
        container["volumeMounts"].append({"name": "volume-x", "mountPath": "/etc/docker/registry"})
        volume = {"name": "volume-x", "configMap": {"name": "registry-config", "defaultMode": 420}}
        live["spec"]["template"]["spec"]["volumes"].append(volume)
        cluster.put(live)
        run(cluster, config=given_config(content=FILE))
        assert set(volumes(cluster)["volume-x"]) == {"name", "secret"}

    def test_taken_away_again(self, cluster):
        run(cluster)
        before = pod(cluster)
        run(cluster, config=given_config(content=FILE))
        run(cluster)
        assert pod(cluster) == before

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("a: [hidden", r"config\.content: '\(not shown\)' is not YAML \(line 1, column 11\)"),
            ("- hidden", "must be a YAML map"),
            ("a: !!int hidden", "has a number or date that is none"),
            ("a: 2020-13-45", "has a number or date that is none"),
            ({"storage": {"filesystem": None}}, r"config\.content: version: None must be 0\.1"),
            ({"version": "0.2"}, r"version: '0\.2' must be 0\.1"),
            ({"version": 0.1}, "storage: None names no driver"),
            ({"version": 0.1, "storage": {"delete": {"enabled": True}}}, "names no driver"),
            ({"version": 0.1, "storage": {"s3": {}, "filesystem": {}}}, "names several drivers"),
            ({"version": 0.1, "storage": ["x"]}, "storage: .* must be a map"),
            ({"version": 0.1, "storage": {"s3": {}}}, "is another driver than storage.kind pvc needs"),
            (5, "config.content: 'int' must be a map or the text of the file"),
        ],
    )
    def test_refused_before_any_request(self, cluster, content, text):
        with pytest.raises(OptionError, match=text) as caught:
            run(cluster, config=given_config(content=content))
        assert "hidden" not in str(caught.value)
        assert cluster.requests == []

    def test_another_directory_than_the_option_says(self, cluster):
        storage = {"kind": "pvc", "claim_name": "registry-claim", "mount_path": "/data"}
        with pytest.raises(OptionError, match=r"'/registry' is another directory than storage\.mount_path /data"):
            deploy(cluster, storage=storage, config=given_config(content=FILE))

    def test_a_certificate_in_the_file_alone(self, cluster):
        content = {**FILE, "http": {"tls": {"certificate": "/x"}}}
        with pytest.raises(OptionError, match="names a certificate, but tls_secret does not"):
            run(cluster, tls_secret=None, config=given_config(content=content))
        run(cluster, config=given_config(content=content))

    def test_a_variable_that_is_a_map_is_refused_unseen(self, cluster):
        with pytest.raises(OptionError, match=r"env\.X_PASSWORD: .* must be one text") as caught:
            run(cluster, env={"X_PASSWORD": {"a": "hidden"}})
        assert "hidden" not in str(caught.value)

    def test_the_variable_beside_it(self, cluster):
        with pytest.raises(OptionError, match="has no place beside config"):
            run(cluster, config=given_config(content=FILE), env={"REGISTRY_CONFIGURATION_PATH": "/x"})

    def test_a_driver_of_the_files_own_is_left_alone(self):
        cluster = ready_cluster()
        deploy(cluster, config=given_config(content={"version": "0.1", "storage": {"inmemory": None}}))
        assert "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY" not in env(cluster)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["version", "storage", "http", "tls", "filesystem", "x"]), inner)
            ),
            max_leaves=9,
        )
    )
    def test_whatever_it_is_it_is_told_or_refused(self, content):
        try:
            text = configs.as_text("config.content", content)
            facts = configs.facts("config.content", text)
        except OptionError:
            return
        assert isinstance(facts, configs.Facts)
        assert yaml.safe_load(text) is not None

    @given(st.text(max_size=40))
    def test_whatever_text_it_is_too(self, text):
        with contextlib.suppress(OptionError):
            configs.facts("config.content", text)


class TestProxy:
    def test_variables(self, cluster):
        option = {**PROXY, "no_proxy": ["*.example.org", "10.0.0.0/8"]}
        run(cluster, egress_proxy=option, route_host="r.apps.example.com")
        assert env(cluster)["HTTP_PROXY"]["value"] == PROXY["http"]
        assert "HTTPS_PROXY" not in env(cluster)
        assert env(cluster)["NO_PROXY"]["value"].split(",") == [
            ".example.org", "10.0.0.0/8", "localhost", "127.0.0.1", ".svc", ".cluster.local",
            "$(KUBERNETES_SERVICE_HOST)", "172.30.124.220", "r.apps.example.com",
        ]  # fmt: skip
        assert not run(cluster, egress_proxy=option, route_host="r.apps.example.com")["changed"]
        run(cluster)
        assert not {"HTTP_PROXY", "NO_PROXY"} & set(env(cluster))

    def test_credentials_are_in_a_secret(self, cluster):
        result = run(cluster, egress_proxy=SECRET_PROXY)
        ref = {"secretKeyRef": {"name": "docker-registry-proxy", "key": "HTTPS_PROXY"}}
        assert env(cluster)["HTTPS_PROXY"]["valueFrom"] == ref
        assert text_of(cluster, "docker-registry-proxy", "HTTPS_PROXY") == SECRET_PROXY["https"]
        assert "hidden-pass" not in json.dumps(result)
        assert "hidden-pass" not in json.dumps(workload(cluster))
        before = checksum(cluster)
        run(cluster, egress_proxy={**SECRET_PROXY, "https": "http://user:hidden-new@proxy.example.com:3128"})
        assert checksum(cluster) != before

    def test_the_users_variable_wins(self, cluster):
        run(cluster, egress_proxy=PROXY, env={"NO_PROXY": "mine"})
        assert env(cluster)["NO_PROXY"]["value"] == "mine"

    @pytest.mark.parametrize(
        "url",
        ["proxy:3128", "ftp://p:1", "http://", "http://p:0", "http://p:x", "http://p:1/path", "http://u:hid,den@p:1"],
    )
    def test_what_is_no_proxy(self, cluster, url):
        with pytest.raises(OptionError, match=r"egress_proxy\.http: .*(is not a proxy|has a space)") as caught:
            run(cluster, egress_proxy={**PROXY, "http": url})
        assert "hid" not in str(caught.value)
        assert cluster.requests == []

    @pytest.mark.parametrize("entry", ["http://x", "a b", "", "10.0.0.0/99", "x_y"])
    def test_what_is_no_exception(self, cluster, entry):
        with pytest.raises(OptionError, match=r"egress_proxy\.no_proxy"):
            run(cluster, egress_proxy={**PROXY, "no_proxy": [entry]})

    def test_exceptions_to_nothing(self, cluster):
        with pytest.raises(OptionError, match="means nothing without"):
            run(cluster, egress_proxy={"http": None, "https": None, "no_proxy": ["x"]})

    HOST = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){0,3}", fullmatch=True)

    @given(st.lists(HOST | HOST.map(".".__add__) | st.just("fd00::1"), max_size=6), st.lists(HOST, max_size=6))
    def test_nothing_is_lost_and_nothing_is_there_twice(self, given, own):
        entries = [proxies.exception("proxy.no_proxy", text) for text in given]
        found = proxies.exceptions(entries, own, "cluster.local")
        assert len(found) == len(set(found))
        assert set(entries) <= set(found)
        for host in [*own, "a.b.svc", "a.b.svc.cluster.local"]:
            assert any(host == entry or (entry.startswith(".") and host.endswith(entry)) for entry in found)


class TestExtraCa:
    def test_among_the_systems_own(self, cluster, ca_pem):
        run(cluster, extra_ca=given_ca(content=ca_pem[0]))
        assert cluster.find("v1", "ConfigMap", "docker-registry-extra-ca")["data"] == {"ca.crt": ca_pem[0]}
        mount = mounts(cluster)["/etc/ssl/certs/okd-registry-extra-ca.crt"]
        assert (mount["subPath"], mount["readOnly"]) == ("ca.crt", True)
        assert volumes(cluster)[mount["name"]]["configMap"] == {"name": "docker-registry-extra-ca"}
        assert not run(cluster, extra_ca=given_ca(content=ca_pem[0]))["changed"]
        before = checksum(cluster)
        run(cluster, extra_ca=given_ca(content=ca_pem[0] * 2))
        assert checksum(cluster) != before

    def test_in_a_secret_of_the_users(self, cluster, ca_pem):
        put(cluster, "Secret", "cas", bundle=ca_pem[0])
        run(cluster, extra_ca=given_ca(secret="cas", key="bundle"))
        mount = mounts(cluster)["/etc/ssl/certs/okd-registry-extra-ca.crt"]
        assert volumes(cluster)[mount["name"]]["secret"] == {"secretName": "cas"}
        put(cluster, "Secret", "cas", bundle="nothing")
        with pytest.raises(OptionError, match=r"extra_ca\.secret: .* has no certificate"):
            run(cluster, extra_ca=given_ca(secret="cas", key="bundle"))

    def test_what_is_no_ca(self, cluster, ca_pem):
        broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        for content, text in (
            ("nothing", "has no certificate in PEM form"),
            (ca_pem[0] + ca_pem[1], "has a private key in it"),
            (ca_pem[0] + broken, "certificate number 2 in it cannot be read"),
        ):
            with pytest.raises(OptionError, match=text):
                run(cluster, extra_ca=given_ca(content=content))
            assert cluster.requests == []


def kubeconfig(tmp_path, *, user=None, cluster=None, **fields):
    def data(text):
        return base64.b64encode(text.encode()).decode()

    cluster = cluster or {"server": "https://master:8443", "certificate-authority-data": data("CA")}
    user = user or {"client-certificate-data": data("CERT"), "client-key-data": data("hidden-key")}
    content = {
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x", **fields,
    }  # fmt: skip
    path = tmp_path / "registry.kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return str(path)


class TestCredentials:
    def test_variables_from_a_secret(self, cluster, tmp_path):
        result = run(cluster, credentials=kubeconfig(tmp_path))
        values = {
            name: text_of(cluster, "docker-registry-credentials", name) for name in env(cluster) if "OPENSHIFT" in name
        }
        assert values == {
            "OPENSHIFT_MASTER": "https://master:8443", "OPENSHIFT_CA_DATA": "CA", "OPENSHIFT_CERT_DATA": "CERT",
            "OPENSHIFT_KEY_DATA": "hidden-key", "OPENSHIFT_INSECURE": "false",
        }  # fmt: skip
        assert env(cluster)["OPENSHIFT_KEY_DATA"]["valueFrom"]["secretKeyRef"]["name"] == "docker-registry-credentials"
        assert "hidden-key" not in json.dumps(result)
        assert not run(cluster, credentials=kubeconfig(tmp_path))["changed"]

    def test_values_in_clear_of_oadm_are_replaced(self, cluster, tmp_path):
        run(cluster)
        live = workload(cluster)
        live["spec"]["template"]["spec"]["containers"][0]["env"].append(
            {"name": "OPENSHIFT_KEY_DATA", "value": "hidden-old"}
        )
        cluster.put(live)
        result = run(cluster, credentials=kubeconfig(tmp_path))
        assert "value" not in env(cluster)["OPENSHIFT_KEY_DATA"]
        assert "hidden" not in json.dumps(result)

    def test_files_beside_it(self, cluster, tmp_path):
        for name in ("cert", "key"):
            (tmp_path / f"{name}.pem").write_text(name.upper())
        user = {"client-certificate": "cert.pem", "client-key": str(tmp_path / "key.pem")}
        run(cluster, credentials=kubeconfig(tmp_path, user=user))
        assert text_of(cluster, "docker-registry-credentials", "OPENSHIFT_CERT_DATA") == "CERT"
        assert text_of(cluster, "docker-registry-credentials", "OPENSHIFT_KEY_DATA") == "KEY"

    def test_insecure_needs_nothing_more(self, cluster, tmp_path):
        insecure = {"server": "https://m", "insecure-skip-tls-verify": True}
        run(cluster, credentials=kubeconfig(tmp_path, cluster=insecure, user={"x": 1}))
        assert text_of(cluster, "docker-registry-credentials", "OPENSHIFT_INSECURE") == "true"

    def test_what_lacks(self, cluster, tmp_path):
        for options, text in (
            ({"user": {"token": "hidden"}}, r"has no client certificate and key for user u \(it has a token"),
            ({"cluster": {"certificate-authority-data": "QQ=="}}, "has no server in cluster c"),
            ({"cluster": {"server": "https://m"}}, "has no certificate authority for cluster c"),
            ({"current-context": None}, "names no current-context"),
            ({"current-context": "y"}, "has no context y"),
            ({"users": []}, "has no user u"),
            ({"user": {"client-certificate-data": "!", "client-key-data": "!"}}, "that is not a PEM text in base64"),
            ({"user": {"client-certificate": "gone", "client-key": "gone"}}, "cannot be read on the host"),
        ):
            path = kubeconfig(tmp_path, **options)
            with pytest.raises(OptionError, match=text) as caught:
                run(cluster, credentials=path)
            assert "hidden" not in str(caught.value)
            assert cluster.requests == []
        with pytest.raises(OptionError, match="cannot be read on the host where the module runs: No such file"):
            run(cluster, credentials="/nowhere")

    def test_quota(self, cluster):
        name = "REGISTRY_MIDDLEWARE_REPOSITORY_OPENSHIFT_ENFORCEQUOTA"
        for value in (True, False):
            run(cluster, enforce_quota=value)
            assert env(cluster)[name]["value"] == str(value).lower()
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        cluster.put(live)
        run(cluster)
        assert env(cluster)[name]["value"] == "false"


class TestWhatMayShow:
    def shown(self, **params):
        class Module:
            no_log_values = set()
            argument_spec = settings.SPEC

        made = Module()
        made.params = {"env": None, "config": None, "egress_proxy": None, **params}
        made.no_log_values = {str(v) for _, v in settings._leaves(made.params)}
        return made, settings.show_harmless(made)

    @pytest.mark.parametrize("content", [FILE, yaml.safe_dump(FILE)])
    def test_a_file(self, content):
        module, params = self.shown(config=given_config(content=content))
        assert {"hidden-redis", "Bearer hidden-bearer"} <= module.no_log_values
        assert not {"/registry", "config.yml", "True", "0.1"} & module.no_log_values
        assert module.params["config"]["content"] == "(not shown)"
        assert params["config"]["content"] == content
        if isinstance(content, str):
            assert content in module.no_log_values

    def test_a_proxy(self):
        module, _ = self.shown(egress_proxy={**PROXY, "https": SECRET_PROXY["https"]})
        assert module.no_log_values == {SECRET_PROXY["https"]}


class TestTogether:
    def test_golden(self, tmp_path):
        """All settings at once, as the pod gets them."""
        cluster = ready_cluster()
        put(cluster, "ConfigMap", "cas", **{"ca.crt": PEM})
        deploy(
            cluster, config=given_config(content=FILE), egress_proxy=SECRET_PROXY, extra_ca=given_ca(config_map="cas"),
            credentials=kubeconfig(tmp_path), enforce_quota=False, env={"REGISTRY_LOG_LEVEL": "debug"},
        )  # fmt: skip
        template = workload(cluster)["spec"]["template"]
        template["metadata"]["annotations"]["okd.registry/checksum"] = "(of this run)"
        path = Path(__file__).parent / "golden" / "settings.yml"
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(yaml.safe_dump(template, sort_keys=False))
        assert template == yaml.safe_load(path.read_text())

    @settings_of_hypothesis(max_examples=30)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["registry-secret", "second", None]),
                st.sampled_from(["/etc/secrets", "/certs"]),
                st.sampled_from([None, given_config(content=FILE)]),
            ),
            min_size=2,
            max_size=4,
        )
    )
    def test_tls_is_there_as_a_whole_or_not_at_all(self, steps):
        """Whatever was there before: mount, both variables and both probes, or none of them."""
        cluster = ready_cluster()
        cluster.put(claim())
        second = cluster.find("v1", "Secret", "registry-secret")
        cluster.put({**second, "metadata": {"name": "second", "namespace": "default"}})
        for tls, path, config in steps:
            run(cluster, tls_secret=tls, tls_mount_path=path, config=config)
            container = pod(cluster)["containers"][0]
            schemes = {container[probe]["httpGet"]["scheme"] for probe in ("livenessProbe", "readinessProbe")}
            names = {name for name in env(cluster) if "_TLS_" in name}
            mounted = [m["mountPath"] for m in container["volumeMounts"] if "certificates" in m["name"]]
            secrets = [v["secret"]["secretName"] for v in pod(cluster)["volumes"] if "certificates" in v["name"]]
            assert schemes == ({"HTTPS"} if tls else {"HTTP"})
            assert names == ({"REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"} if tls else set())
            assert (mounted, secrets) == (([path], [tls]) if tls else ([], []))
            links = [one["name"] for one in cluster.find("v1", "ServiceAccount", "registry").get("secrets") or []]
            assert links == ([tls] if tls else [])
            assert not run(cluster, tls_secret=tls, tls_mount_path=path, config=config)["changed"]


def test_a_file_that_is_part_of_itself_is_an_error_of_the_option():
    content = yaml.safe_load("version: 0.1\nstorage: &s\n  again: [*s]\n")
    with pytest.raises(OptionError, match="part of itself"):
        list(settings._leaves(content))
    twice = yaml.safe_load("one: &s {a: x}\ntwo: *s\n")
    assert list(settings._leaves(twice)) == [("a", "x"), ("a", "x")]
