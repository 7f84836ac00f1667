# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_cert on an API in memory: when it issues, what it writes, what it never shows."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _ca, _pem
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    CertificateError,
    NotFoundError,
    OptionError,
)
from ansible_collections.okd.registry.plugins.module_utils._options import certificate
from certifying import IP, service

NAMES = ["docker-registry.default.svc", "docker-registry.default.svc.cluster.local"]
UNKNOWN = "(known after apply)"


def secret(cluster, name="registry-secret"):
    found = cluster.find("v1", "Secret", name)
    return {k: base64.b64decode(v) for k, v in found["data"].items()}


class TestIssue:
    def test_secret_and_config_map(self, cluster, certify, ca):
        result = certify()
        data = secret(cluster)
        leaf, root = _pem.parse_certificates(data["registry.crt"], "x")
        assert _pem.signed_by(leaf, root)
        assert _pem.same_key(leaf, _pem.parse_key(data["registry.key"], "x"))
        assert cluster.find("v1", "Secret", "registry-secret")["type"] == "Opaque"
        public = cluster.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"]
        assert public == Path(ca["cert_path"]).read_text() == result["ca_cert"]
        assert result["certificate"]["sans"] == [*NAMES, IP]
        assert result["certificate"]["serial"] == "2"
        assert "there is no CA yet" in result["reason"]

    def test_config_map_is_written_before_the_secret(self, cluster, certify):
        certify()
        assert [w.rsplit("/", 1)[1] for w in cluster.writes()] == ["configmaps", "secrets"]

    def test_second_run_writes_nothing_and_burns_no_number(self, cluster, certify, ca):
        certify()
        before = Path(ca["serial_path"]).read_text()
        result = certify()
        assert (result["changed"], result["reason"], result["actions"], result["diff"]) == (False, None, [], [])
        assert cluster.writes() == []
        assert Path(ca["serial_path"]).read_text() == before

    def test_a_new_name_is_a_reason(self, certify, cluster):
        certify()
        result = certify(route_host="registry.apps.example.com")
        assert result["reason"] == "it does not cover registry.apps.example.com"
        assert result["certificate"]["serial"] == "3"
        assert [w.split()[0] for w in cluster.writes()] == ["PATCH"]

    def test_other_keys_in_the_secret_stay(self, cluster, certify):
        meta = {"name": "registry-secret", "namespace": "default"}
        data = {"extra": base64.b64encode(b"theirs").decode()}
        cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "custom/x", "data": data})
        certify()
        assert secret(cluster)["extra"] == b"theirs"
        assert set(secret(cluster)) == {"extra", "registry.crt", "registry.key"}
        assert cluster.find("v1", "Secret", "registry-secret")["type"] == "custom/x"

    def test_one_that_will_do_is_not_taken_over(self, cluster, certify):
        certify()
        live = cluster.find("v1", "Secret", "registry-secret")
        live["metadata"].pop("annotations")
        cluster.put(live)
        result = certify()
        assert (result["changed"], cluster.writes()) == (False, [])

    @pytest.mark.parametrize(
        ("broken", "reason"),
        [
            ({"registry.crt": b"garbage"}, "no PEM certificate"),
            ({"registry.key": b"garbage"}, "it is not a PEM private key"),
            ({"registry.key": None}, "the private key beside the certificate is not its key"),
        ],
    )
    def test_what_is_broken_is_replaced(self, cluster, certify, broken, reason):
        certify()
        live = cluster.find("v1", "Secret", "registry-secret")
        for key, value in broken.items():
            live["data"].pop(key)
            if value:
                live["data"][key] = base64.b64encode(value).decode()
        cluster.put(live)
        assert reason in certify()["reason"]
        assert certify()["reason"] is None

    def test_a_lost_config_map_comes_back_without_a_new_certificate(self, cluster, certify):
        certify()
        del cluster.objects["/api/v1/namespaces/default/configmaps/docker-registry-ca"]
        result = certify()
        assert (result["changed"], result["reason"]) == (True, None)
        assert [r["action"] for r in result["resources"]] == ["created", "unchanged"]

    def test_killed_between_config_map_and_secret(self, cluster, certify):
        def killed():
            cluster.before_write = lambda: (_ for _ in ()).throw(KeyboardInterrupt)

        cluster.before_write = killed
        with pytest.raises(KeyboardInterrupt):
            certify()
        assert cluster.find("v1", "Secret", "registry-secret") is None
        assert certify()["reason"] == "there is no certificate yet"
        assert certify()["changed"] is False

    def test_dual_stack_and_headless(self, cluster, certify):
        both = service()
        both["spec"]["clusterIPs"] = [IP, "fd00::10"]
        cluster.put(both)
        assert certify()["certificate"]["sans"] == [*NAMES, IP, "fd00::10"]
        cluster.put(service("None"))
        assert "no longer a name of the registry" in certify()["reason"]

    def test_somebody_else_was_faster(self, cluster, certify, ca):
        """Two runs at once: the second one's write fails, and the first one's certificate will do."""
        certify()
        good = cluster.find("v1", "Secret", "registry-secret")
        stale = {**good, "data": {}}
        cluster.put(stale)
        cluster.before_write = lambda: cluster.put(good)
        result = certify()
        assert cluster.find("v1", "Secret", "registry-secret")["data"] == good["data"]
        assert result["certificate"]["serial"] == "2"
        assert (result["reason"], [a for a in result["actions"] if "Issued" in a]) == (None, [])

    def test_what_others_have_in_a_secret_that_was_faster_stays_theirs(self, cluster, certify, ca):
        certify()
        good = cluster.find("v1", "Secret", "registry-secret")
        theirs = {**good, "data": {**good["data"], "other": "eA=="}, "metadata": {**good["metadata"]}}
        theirs["metadata"]["labels"] = {"theirs": "x"}
        cluster.put({**good, "data": {}})
        cluster.before_write = lambda: cluster.put(theirs)
        certify()
        noted = cluster.find("v1", "Secret", "registry-secret")["metadata"]["annotations"]["okd.registry/owned"]
        assert "registry.crt" in noted
        assert "theirs" not in noted
        assert "other" not in noted


class TestCheckMode:
    def test_empty_cluster(self, ca, certify, cluster, tmp_path):
        cluster.objects.clear()
        result = certify(check=True)
        assert (cluster.writes(), list(tmp_path.iterdir())) == ([], [])
        assert result["changed"]
        assert result["certificate"]["sans"] == [*NAMES, UNKNOWN]
        assert (result["certificate"]["sha256"], result["ca_cert"]) == (UNKNOWN, UNKNOWN)
        assert result["registry"]["endpoints"][0] == f"{UNKNOWN}:5000"

    def test_address_told(self, certify, cluster):
        cluster.objects.clear()
        assert certify(check=True, cluster_ip=IP)["certificate"]["sans"] == [*NAMES, IP]

    def test_foretells_what_is_then_done(self, certify):
        planned, done = certify(check=True), certify()
        for key in ("changed", "actions", "resources", "registry", "reason"):
            assert planned[key] == done[key], key
        assert certify(check=True)["changed"] is False
        planned, done = certify(check=True, extra_hosts=["r.example:8443"]), certify(extra_hosts=["r.example:8443"])
        for key in ("changed", "actions", "resources", "registry", "reason"):
            assert planned[key] == done[key], key

    def test_no_number_is_burnt(self, certify, ca):
        certify()
        before = Path(ca["serial_path"]).read_text()
        certify(check=True, route_host="r.apps.example.com")
        assert Path(ca["serial_path"]).read_text() == before


class TestRefuses:
    def test_no_service(self, cluster, certify, tmp_path):
        cluster.objects.clear()
        with pytest.raises(NotFoundError, match=r"docker-registry does not exist.*run registry_service"):
            certify()
        assert list(tmp_path.iterdir()) == []

    def test_bad_ca_before_any_request(self, cluster, certify, ca):
        Path(ca["cert_path"]).write_text("no")
        Path(ca["key_path"]).write_text("no")
        with pytest.raises(CertificateError, match=r"ca\.crt: no PEM certificate"):
            certify()
        assert cluster.requests == []

    def test_mismatched_ca_before_any_request(self, cluster, certify, ca):
        certify()
        Path(ca["key_path"]).write_bytes(_pem.key_to_pem(_pem.new_key("ECDSA", None)))
        with pytest.raises(CertificateError, match="is not the key of"):
            certify()
        assert cluster.requests == []

    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"validity_days": 0}, "validity_days: 0 must be at least 1"),
            ({"validity_days": 30}, "renew_before_days: 30 must be from 0 to less than validity_days"),
            ({"renew_before_days": -1}, "renew_before_days: -1"),
            ({"secret_name": "A_b"}, "secret_name: 'A_b'"),
            ({"cluster_ip": "x"}, "cluster_ip: 'x'"),
            ({"ca": None}, "ca: None is required"),
        ],
    )
    def test_options(self, cluster, certify, options, text):
        with pytest.raises(OptionError, match=text):
            certify(**options)
        assert cluster.requests == []


class TestSecrecy:
    def test_no_key_in_the_result(self, cluster, certify, ca):
        for options in ({}, {"route_host": "r.apps.example.com"}):
            text = json.dumps(certify(**options))
            for key in (secret(cluster)["registry.key"].decode(), Path(ca["key_path"]).read_text()):
                assert key.splitlines()[1] not in text
            assert "PRIVATE KEY" not in text

    def test_passphrase_is_no_log(self):
        assert certificate.SPEC["ca"]["options"]["passphrase"]["no_log"] is True
        own = certificate.SPEC["certificate"]["options"]
        assert {name for name, option in own.items() if option.get("no_log")} == {"key_content", "passphrase"}


class TestAbsent:
    def test_ours_go_and_the_ca_stays(self, cluster, certify, ca):
        certify()
        planned = certify(check=True, state="absent", ca=None)
        done = certify(state="absent", ca=None)
        assert planned["resources"] == done["resources"]
        assert {r["action"] for r in done["resources"]} == {"deleted"}
        assert list(cluster.objects) == ["/api/v1/namespaces/default/services/docker-registry"]
        assert _ca.load_ca(_ca.CaFiles(**ca), _now()) is not None
        assert certify(state="absent", ca=None)["changed"] is False

    def test_what_others_have_in_the_same_secret_stays(self, cluster, certify):
        certify()
        found = cluster.find("v1", "Secret", "registry-secret")
        cluster.put({**found, "data": {**found["data"], "theirs": "eA=="}})
        planned = certify(check=True, state="absent", ca=None)
        done = certify(state="absent", ca=None)
        assert planned["resources"] == done["resources"]
        assert cluster.find("v1", "Secret", "registry-secret")["data"] == {"theirs": "eA=="}
        assert cluster.find("v1", "ConfigMap", "docker-registry-ca") is None
        assert certify(state="absent", ca=None)["changed"] is False

    def test_others_stay(self, cluster, certify):
        meta = {"name": "registry-secret", "namespace": "default"}
        cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {}})
        result = certify(state="absent", ca=None)
        assert result["changed"] is False
        assert "Secret default/registry-secret stays: it is not ours." in result["actions"]


def _now():
    import datetime as dt

    return dt.datetime.now(dt.timezone.utc)
