# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of certificate and key as files, names that are certified only, and CAs that pods still need."""

from __future__ import annotations

import base64
import contextlib
import json
import os

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _pem, _served
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, OptionError
from certifying import files_of, signer, workload


@pytest.fixture
def asked(tmp_path):
    return {"cert_path": str(tmp_path / "out.crt"), "key_path": str(tmp_path / "out.key")}


def stored(cluster, key):
    return base64.b64decode(cluster.find("v1", "Secret", "registry-secret")["data"][key])


class TestCopies:
    def test_hold_what_is_in_the_secret(self, cluster, certify, asked, tmp_path):
        result = certify(**asked)
        assert (tmp_path / "out.crt").read_bytes() == stored(cluster, "registry.crt")
        assert (tmp_path / "out.key").read_bytes() == stored(cluster, "registry.key")
        assert (tmp_path / "out.key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "out.crt").stat().st_mode & 0o777 == 0o644
        assert result["actions"][-1] == f"Wrote {asked['key_path']}: it is not there."
        assert "PRIVATE KEY" not in json.dumps(result)

    def test_again_nothing_is_written(self, certify, asked, tmp_path):
        certify(**asked)
        before = (tmp_path / "out.key").stat().st_ino
        assert certify(**asked)["changed"] is False
        assert (tmp_path / "out.key").stat().st_ino == before

    def test_a_plan_writes_nothing_and_says_the_same(self, certify, asked, tmp_path):
        planned = certify(check=True, **asked)
        assert list(tmp_path.iterdir()) == []
        done = certify(**asked)
        assert [planned[k] for k in ("changed", "actions")] == [done[k] for k in ("changed", "actions")]
        assert [d["after_header"] for d in planned["diff"]] == [d["after_header"] for d in done["diff"]]

    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda path: path.write_text("other"), "it holds something else"),
            (lambda path: path.chmod(0o644), "its mode is 0644 instead of 0600"),
            (lambda path: os.chown(path, 12, 34), "it belongs to 12:34"),
        ],
    )
    def test_what_differs_is_written_again(self, certify, asked, tmp_path, spoil, why):
        if os.geteuid() != 0:
            pytest.skip("owners are given by root alone")
        asked = {**asked, "owner": "root", "group": "0"}
        certify(**asked)
        spoil(tmp_path / "out.key")
        result = certify(**asked)
        assert result["actions"] == [f"Wrote {asked['key_path']}: {why}."]
        state = (tmp_path / "out.key").stat()
        assert (state.st_mode & 0o777, state.st_uid, state.st_gid) == (0o600, 0, 0)
        assert certify(**asked)["changed"] is False

    def test_links_and_directories_stay(self, certify, asked, tmp_path):
        (tmp_path / "theirs").write_text("theirs")
        (tmp_path / "out.key").symlink_to(tmp_path / "theirs")
        with pytest.raises(CertificateError, match=r"out\.key is no regular file"):
            certify(**asked)
        assert (tmp_path / "theirs").read_text() == "theirs"

    def test_the_cas_own_files_are_never_overwritten(self, cluster, certify, ca, asked):
        certify()
        for options in ({"key_path": ca["key_path"]}, {"cert_path": ca["cert_path"]}):
            with pytest.raises(OptionError, match=r"is the file of ca\."):
                certify(**options)
        with pytest.raises(OptionError, match="is the file of cert_path"):
            certify(cert_path=asked["key_path"], key_path=asked["key_path"])
        with pytest.raises(OptionError, match="is not known"):
            certify(**asked, owner="nobody-of-that-name")

    def test_no_half_file_is_left(self, certify, asked, tmp_path, monkeypatch):
        def full(_handle):
            raise OSError(28, "No space left on device")

        certify()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(CertificateError, match=r"out\.crt cannot be written: No space left"):
            certify(**asked)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["ca.crt", "ca.key", "ca.serial.txt"]


class TestExtraNames:
    NAMES = ("*.apps.example.com", "10.1.2.3", "fd00::5", "registry.example.com")

    def test_are_certified_and_no_endpoints(self, certify):
        result = certify(extra_names=list(self.NAMES))
        assert set(self.NAMES) <= set(result["certificate"]["sans"])
        assert not any("example.com" in endpoint for endpoint in result["registry"]["endpoints"])
        assert certify(extra_names=["fd00:0::5", *reversed(self.NAMES)])["changed"] is False

    def test_one_more_or_less_is_a_reason(self, certify):
        certify(extra_names=list(self.NAMES))
        assert certify(extra_names=list(self.NAMES[1:]))["reason"].startswith("it still covers *.apps.example.com")

    def test_what_is_no_name_is_refused_first(self, cluster, certify):
        with pytest.raises(OptionError, match=r"extra_names: .*'a b' is neither a host name nor an IP address"):
            certify(extra_names=["a b"])
        assert cluster.requests == []


class TestStillServed:
    """A run was killed between the Secret and the rollout: the pods still serve the certificate of the old CA."""

    @pytest.fixture
    def killed(self, cluster, certify, tmp_path, monkeypatch):
        old, new = files_of(signer("old"), tmp_path), files_of(signer("new"), tmp_path)
        certify(ca=old)
        leaf = _pem.parse_certificates(stored(cluster, "registry.crt"), "x")[0]
        serving = {"sha256": _pem.fingerprint(leaf)}
        labels = {"docker-registry": "default"}
        made = workload()
        made["spec"] = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
        cluster.put(made)
        meta = {"name": "docker-registry-1", "namespace": "default", "labels": labels}
        cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": {"phase": "Running"}})
        monkeypatch.setattr(_served, "leaf_sha256", lambda *_args: serving["sha256"])
        certify(ca=new, ca_bundle="overlap", issue=False)
        certify(ca=new, ca_bundle="overlap")
        return new, serving

    def test_the_old_ca_stays_published_until_the_pods_serve_the_new_certificate(self, cluster, certify, killed):
        new, serving = killed
        result = certify(ca=new)
        assert [c["subject"] for c in result["ca"]] == ["CN=old", "CN=new"]
        assert result["changed"] is False
        assert result["actions"] == ["CN=old stays published: a pod does not serve the Secret's certificate."]
        serving["sha256"] = result["certificate"]["sha256"]
        assert [c["subject"] for c in certify(ca=new)["ca"]] == ["CN=new"]

    def test_a_pod_that_cannot_be_asked_counts_as_one_that_does_not(self, certify, killed, monkeypatch):
        new, _serving = killed

        def unreachable(*_args):
            raise OSError("no")

        monkeypatch.setattr(_served, "leaf_sha256", unreachable)
        assert len(certify(ca=new)["ca"]) == 2
        with contextlib.suppress(KeyError):
            assert len(certify(ca=new, allow_ca_change=True)["ca"]) == 1
