# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another CA: the nodes accept what is served before, while and after it comes, or nothing is done."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _cabundle, _pem
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from certifying import files_of, resigned, signer, workload
from plan import matches

NOW = dt.datetime.now(dt.timezone.utc)


@pytest.fixture
def serving(cluster, certify, old):
    """A registry that serves a certificate of the old CA."""
    certify(ca=old)
    cluster.put(workload())
    return cluster


def published(cluster):
    text = cluster.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"]
    return [_pem.name_text(c.subject).removeprefix("CN=") for c in _pem.parse_certificates(text.encode(), "x")]


def issuer(cluster):
    found = cluster.find("v1", "Secret", "registry-secret")["data"]["registry.crt"]
    return _pem.name_text(_pem.parse_certificates(base64.b64decode(found), "x")[0].issuer).removeprefix("CN=")


class TestRotation:
    def test_step_by_step(self, serving, certify, new):
        result = certify(ca=new, ca_bundle="overlap", issue=False)
        assert (published(serving), issuer(serving)) == (["old", "new"], "old")
        assert (result["issued"], "not by this CA (CN=new)" in result["reason"]) == (False, True)
        assert [(c["subject"], c["signs"]) for c in result["ca"]] == [("CN=old", True), ("CN=new", False)]
        assert result["ca_cert"] == serving.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"]

        result = certify(ca=new, ca_bundle="overlap")
        assert (published(serving), issuer(serving)) == (["old", "new"], "new")
        assert (result["issued"], [c["signs"] for c in result["ca"]]) == (True, [False, True])

        result = certify(ca=new)
        assert (published(serving), issuer(serving), result["issued"]) == (["new"], "new", False)
        assert [c["subject"] for c in result["ca"]] == ["CN=new"]

    def test_each_step_says_beforehand_what_it_does_and_again_does_nothing(self, serving, certify, new):
        for options in ({"ca_bundle": "overlap", "issue": False}, {"ca_bundle": "overlap"}, {}):
            planned, done = certify(check=True, ca=new, **options), certify(ca=new, **options)
            for key in ("changed", "actions", "resources", "reason", "issued", "ca", "ca_cert"):
                assert planned[key] == done[key], key
            assert done["changed"]
            assert certify(ca=new, **options)["changed"] is False
            assert serving.writes() == []

    def test_a_new_ca_that_is_made_for_it(self, serving, certify, ca):
        planned = certify(check=True, ca=ca, ca_bundle="overlap", issue=False)
        before = serving.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"]
        assert (planned["ca_cert"], planned["changed"]) == (before + "(known after apply)", True)
        result = certify(ca=ca, ca_bundle="overlap", issue=False)
        assert published(serving)[0] == "old"
        assert len(result["ca"]) == 2

    @pytest.mark.parametrize("made", [False, True])
    def test_the_whole_way_is_planned_before_any_of_it_is_done(self, serving, certify, new, ca, made):
        steps = [
            {"ca_bundle": "overlap", "issue": False},
            {"ca_bundle": "overlap", "placed": True},
            {"ca_bundle": "signer", "issue": False, "placed": True},
        ]
        signer_files = ca if made else new
        plans = [certify(check=True, ca=signer_files, **step) for step in steps]
        assert serving.writes() == []
        dones = [certify(ca=signer_files, **step) for step in steps]
        for planned, done in zip(plans, dones, strict=True):
            assert planned["changed"] is done["changed"] is True
            for key in ("actions", "resources", "issued", "diff"):
                assert matches(planned[key], done[key]), key
        assert [certify(ca=signer_files, **step)["changed"] for step in steps] == [False] * 3
        assert plans[2]["certificate"]["sha256"] == "(known after apply)"

    def test_renewal_is_planned_likewise(self, serving, certify, old):
        steps = [{"issue": False}, {"force": True, "placed": True}, {"issue": False, "placed": True}]
        plans = [certify(check=True, ca=old, **step) for step in steps]
        dones = [certify(ca=old, **step) for step in steps]
        assert [p["changed"] for p in plans] == [d["changed"] for d in dones] == [False, True, False]
        assert published(serving) == ["old"]

    def test_given_up_half_way(self, serving, certify, old, new):
        certify(ca=new, ca_bundle="overlap", issue=False)
        assert certify(ca=old)["issued"] is False
        assert (published(serving), issuer(serving)) == (["old"], "old")

    def test_a_third_ca_before_the_second_is_done(self, serving, certify, new, tmp_path):
        certify(ca=new, ca_bundle="overlap", issue=False)
        certify(ca=files_of(signer("third"), tmp_path), ca_bundle="overlap", issue=False)
        assert published(serving) == ["old", "new", "third"]

    def test_ca_that_is_not_published_is_taken_from_the_secret(self, serving, certify, new):
        del serving.objects["/api/v1/namespaces/default/configmaps/docker-registry-ca"]
        certify(ca=new, ca_bundle="overlap", issue=False)
        assert published(serving) == ["old", "new"]


class TestRefused:
    @pytest.mark.parametrize("check", [False, True])
    def test_a_plain_run_with_another_ca(self, serving, certify, new, check):
        with pytest.raises(RefusedError, match=r"of CN=old.*CN=new was given.*playbooks/rotate_certificates\.yml"):
            certify(check=check, ca=new)
        assert serving.writes() == []

    def test_a_plain_run_whose_ca_is_gone_makes_no_new_one(self, serving, certify, ca, tmp_path):
        with pytest.raises(RefusedError, match=r"a new CA \(.*ca\.crt is not there\)"):
            certify(ca=ca)
        assert not (tmp_path / "ca.crt").exists()
        assert serving.writes() == []

    def test_a_plain_run_while_nodes_may_not_trust_the_published_ca_yet(self, serving, certify, new):
        certify(ca=new, ca_bundle="overlap", issue=False)
        with pytest.raises(RefusedError, match="rotate_certificates"):
            certify(ca=new)
        assert published(serving) == ["old", "new"]

    def test_a_ca_that_signs_before_it_is_published(self, serving, certify, new):
        with pytest.raises(RefusedError, match=r"docker-registry-ca does not hold CN=new yet.*issue: false"):
            certify(ca=new, ca_bundle="overlap")
        assert serving.writes() == []

    def test_a_ca_that_is_dropped_while_its_certificate_stays(self, serving, certify, new):
        with pytest.raises(RefusedError, match="Say ca_bundle: overlap to publish both"):
            certify(ca=new, issue=False)
        assert serving.writes() == []

    def test_a_ca_that_nobody_has(self, serving, certify, new):
        live = serving.find("v1", "Secret", "registry-secret")
        leaf = base64.b64decode(live["data"]["registry.crt"]).split(b"-----END CERTIFICATE-----\n")[0]
        live["data"]["registry.crt"] = base64.b64encode(leaf + b"-----END CERTIFICATE-----\n").decode()
        serving.put(live)
        del serving.objects["/api/v1/namespaces/default/configmaps/docker-registry-ca"]
        with pytest.raises(RefusedError, match=r"CN=old\) is neither in ConfigMap .* nor beside it in the Secret"):
            certify(ca=new, ca_bundle="overlap", issue=False)
        with pytest.raises(RefusedError, match="rotate_certificates"):
            certify(ca=new)
        assert serving.writes() == []

    def test_a_secret_that_is_gone_does_not_hide_what_the_nodes_trust(self, serving, certify, new):
        del serving.objects["/api/v1/namespaces/default/secrets/registry-secret"]
        with pytest.raises(RefusedError, match="rotate_certificates"):
            certify(ca=new)


class TestAllowed:
    def test_when_it_is_said(self, serving, certify, new):
        assert certify(ca=new, allow_ca_change=True)["issued"]
        assert (published(serving), issuer(serving)) == (["new"], "new")

    def test_before_there_is_a_registry(self, cluster, certify, old, new):
        certify(ca=old)
        assert certify(ca=new)["issued"]
        assert published(cluster) == ["new"]

    def test_after_the_certificate_expired(self, serving, certify, new):
        self.put(serving, not_valid_before=NOW - dt.timedelta(days=9), not_valid_after=NOW - dt.timedelta(days=1))
        assert certify(ca=new)["issued"]

    def test_after_the_old_ca_expired(self, serving, certify, new):
        live = serving.find("v1", "ConfigMap", "docker-registry-ca")
        over = resigned(signer("old").cert, signer("old"), not_valid_after=NOW - dt.timedelta(minutes=1))
        live["data"]["ca.crt"] = _pem.pem_of(over)
        serving.put(live)
        assert certify(ca=new)["issued"]

    def test_the_same_ca_renewed_with_its_key(self, serving, certify, tmp_path):
        again = files_of(signer("old", 3650, key_of=signer("old")), tmp_path)
        result = certify(ca=again)
        assert (result["issued"], published(serving)) == (False, ["old"])
        assert certify(ca=again, force=True)["issued"]

    def test_another_ca_below_the_same_root(self, cluster, certify, tmp_path):
        root = signer("root")
        certify(ca=files_of(signer("first", above=root), tmp_path))
        cluster.put(workload())
        result = certify(ca=files_of(signer("second", above=root), tmp_path))
        assert (result["issued"], published(cluster)) == (True, ["second", "root"])

    @staticmethod
    def put(cluster, **changed):
        live = cluster.find("v1", "Secret", "registry-secret")
        leaf, *rest = _pem.parse_certificates(base64.b64decode(live["data"]["registry.crt"]), "x")
        text = _pem.pem_of(resigned(leaf, signer("old"), **changed), *rest).encode()
        live["data"]["registry.crt"] = base64.b64encode(text).decode()
        cluster.put(live)


class TestForce:
    def test_is_a_reason_and_says_so(self, certify, cluster, old):
        certify(ca=old)
        result = certify(ca=old, force=True)
        assert (result["reason"], result["issued"]) == ("a new one was asked for (force)", True)

    def test_any_other_reason_comes_first(self, certify, cluster, old):
        certify(ca=old)
        assert "does not cover" in certify(ca=old, force=True, route_host="r.apps.example.com")["reason"]


class TestOverlap:
    def test_what_is_over_goes_and_nothing_comes_twice(self):
        over = resigned(signer("old").cert, signer("old"), not_valid_after=NOW - dt.timedelta(minutes=1))
        old, new = signer("old").cert, signer("new").cert
        assert _cabundle.overlap([over, old, old], [new], NOW) == [old, new]
        assert _cabundle.overlap([new, old], [new], NOW) == [old, new]

    def test_once_more_is_the_same(self):
        live, signers = [signer("a").cert, signer("b").cert], [signer("c").cert, signer("a").cert]
        first = _cabundle.overlap(live, signers, NOW)
        assert _cabundle.overlap(first, signers, NOW) == first

    def test_trust_goes_by_way_of_the_chain(self):
        root = signer("root")
        below = signer("first", above=root)
        assert _cabundle.trusted(below.published(), [root.cert])
        assert _cabundle.trusted([below.cert], [root.cert])
        assert not _cabundle.trusted([root.cert], [below.cert])
        assert not _cabundle.trusted([], [root.cert])
        deep = signer("deep", above=below)
        assert _cabundle.trusted(deep.published(), [root.cert])
        assert not _cabundle.trusted([deep.cert], [root.cert])
