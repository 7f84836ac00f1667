# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State absent takes away all that was made and nothing else, killed anywhere; so does a feature that is dropped."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from test_deploy import absent, claim, deploy, ready_cluster, service, workload
from test_rollback import Killed, kill_at, settle
from test_settings import FILE, ca_pem, given_ca, given_config, kubeconfig  # noqa: F401 - a fixture

RBAC = "rbac.authorization.k8s.io/v1"
SCC = "security.openshift.io/v1"


def ready(groups=("apps", "apps.openshift.io", "rbac.authorization.k8s.io", "security.openshift.io", "policy")):
    made = ready_cluster(groups)
    made.put({"apiVersion": SCC, "kind": "SecurityContextConstraints", "metadata": {"name": "privileged"}, "users": []})
    meta = {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    made.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta})
    return made


@pytest.fixture
def asked(tmp_path, ca_pem):  # noqa: F811
    """Everything that makes an object of its own."""
    return {
        "config": given_config(content=FILE), "extra_ca": given_ca(content=ca_pem[0]),
        "egress_proxy": {"http": "http://u:p@x:1", "https": None, "no_proxy": []},
        "credentials": kubeconfig(tmp_path), "storage": {"kind": "host_path", "path": "/data", "node": "n1"},
        "ignore_guards": ["probe"], "probe_storage": False,
    }  # fmt: skip


def names(cluster):
    return set(cluster.objects)


class TestAbsent:
    def test_everything_goes_that_was_made(self, asked):
        cluster = ready()
        before = names(cluster)
        deploy(cluster, **asked)
        assert (
            len(names(cluster) - before) == 8
        )  # account, binding, HTTP secret, file, credentials, proxy, CA, workload
        assert cluster.find(SCC, "SecurityContextConstraints", "privileged", None)["users"]
        planned = absent(cluster, check=True)
        done = absent(cluster)
        assert planned["resources"] == done["resources"]
        assert names(cluster) == before
        assert not cluster.find(SCC, "SecurityContextConstraints", "privileged", None).get("users")
        assert not absent(cluster)["changed"]

    def test_a_workload_that_was_never_ours_goes_only_by_its_kind(self):
        cluster = ready()
        deploy(cluster)
        theirs = workload(cluster)
        theirs["metadata"] = {**theirs["metadata"], "annotations": {}}
        cluster.put(theirs)
        done = absent(cluster)
        assert "has never written it. To delete it, name its kind in kind." in " ".join(done["actions"])
        assert workload(cluster) is not None
        gone = absent(cluster, kind=theirs["kind"])
        assert [r["kind"] for r in gone["resources"] if r["action"] == "deleted"] == [theirs["kind"]]

    def test_what_others_keep_in_the_http_secret_stays(self):
        cluster = ready()
        deploy(cluster)
        secret = cluster.find("v1", "Secret", "docker-registry-http-secret")
        cluster.put({**secret, "data": {**secret["data"], "theirs": "eA=="}})
        absent(cluster)
        assert cluster.find("v1", "Secret", "docker-registry-http-secret")["data"] == {"theirs": "eA=="}
        assert not absent(cluster)["changed"]

    def test_killed_anywhere_no_right_outlives_the_workload_and_the_next_run_does_the_rest(self, asked):
        reference = ready()
        deploy(reference, **asked)
        absent(reference)
        count = len(reference.writes())
        assert count >= 8
        for number in range(1, count + 1):
            cluster = ready()
            before = names(cluster)
            deploy(cluster, **asked)
            revive = kill_at(cluster, number)
            with pytest.raises(Killed):
                absent(cluster)
            revive()
            if workload(cluster) is None:
                assert not cluster.find(SCC, "SecurityContextConstraints", "privileged", None).get("users")
                assert cluster.find(RBAC, "ClusterRoleBinding", "registry-registry-role", None) is None
            absent(cluster)
            assert names(cluster) == before, number

    def test_what_others_made_under_our_names_stays(self):
        cluster = ready()
        meta = {"name": "docker-registry-config", "namespace": "default"}
        cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {}})
        deploy(cluster)
        absent(cluster)
        assert cluster.find("v1", "Secret", "docker-registry-config")

    def test_the_service_on_request(self):
        cluster = ready()
        deploy(cluster)
        assert absent(cluster)["registry"]["cluster_ip"] == "172.30.124.220"
        kept = absent(cluster, remove_service=True)
        assert any("has never written it" in action for action in kept["actions"])
        ours = service()
        ours["metadata"]["annotations"] = {"okd.registry/owned": "{}"}
        cluster.put(ours)
        gone = absent(cluster, remove_service=True)
        assert [r["kind"] for r in gone["resources"] if r["action"] == "deleted"] == ["Service"]
        assert gone["registry"]["cluster_ip"] is None

    def test_claims_that_were_made_on_request(self):
        cluster = ready()
        cluster.put(claim("other"))
        storage = {"kind": "pvc", "claim_name": "made", "size": "1Gi"}
        deploy(cluster, storage=storage)
        absent(cluster)
        assert cluster.find("v1", "PersistentVolumeClaim", "made")
        result = absent(cluster, remove_claims=True)
        assert [r["name"] for r in result["resources"] if r["action"] == "deleted"] == ["made"]
        assert cluster.find("v1", "PersistentVolumeClaim", "other")

    def test_killed_anywhere_no_volume_is_left_behind(self):
        storage = {"kind": "nfs", "server": "nfs.example.com", "path": "/r", "options": ["hard"]}
        before = names(ready())
        reference = ready()
        deploy(reference, storage=storage)
        absent(reference, remove_claims=True)
        assert names(reference) == before
        for number in range(1, len(reference.writes()) + 1):
            cluster = ready()
            deploy(cluster, storage=storage)
            revive = kill_at(cluster, number)
            with pytest.raises(Killed):
                absent(cluster, remove_claims=True)
            revive()
            absent(cluster, remove_claims=True)
            assert names(cluster) == before, number

    def test_a_kind_that_it_has_not_is_refused_before_anything_goes(self):
        cluster = ready()
        deploy(cluster)
        with pytest.raises(RefusedError, match=r"DeploymentConfig .* exists, but kind is Deployment"):
            absent(cluster, kind="Deployment")
        assert cluster.writes() == []
        assert absent(cluster, kind="DeploymentConfig")["changed"]

    def test_a_claim_of_others_is_refused_before_anything_goes(self):
        cluster = ready()
        cluster.put(claim())
        deploy(cluster, storage={"kind": "pvc", "claim_name": "registry-claim"})
        with pytest.raises(RefusedError, match="registry-claim was not made for this registry"):
            absent(cluster, remove_claims=True)
        assert cluster.writes() == []

    def test_credentials_that_are_gone_are_no_hindrance(self):
        cluster = ready()
        deploy(cluster)
        assert absent(cluster, credentials="/nowhere", config=given_config(content="- no"))["changed"]


class TestDropped:
    """A feature that is no longer asked for takes its own objects with it, once the pods do without them."""

    def test_not_before_the_new_pods_serve(self, asked):
        cluster = ready()
        cluster.put(claim())
        storage = {"kind": "pvc", "claim_name": "registry-claim"}
        options = {**asked, "storage": storage}
        deploy(cluster, wait=True, **options)
        settle(cluster)
        first = deploy(cluster, wait=True, storage=storage)
        assert first["leftovers"]
        assert cluster.find("v1", "Secret", "docker-registry-config")
        settle(cluster)
        after = deploy(cluster, wait=True, storage=storage)
        assert not after["leftovers"]
        gone = {r["name"] for r in after["resources"] if r["action"] == "deleted"}
        assert gone == {f"docker-registry-{x}" for x in ("config", "credentials", "proxy", "extra-ca")}
        assert not deploy(cluster, wait=True, storage=storage)["changed"]

    def test_check_mode_says_so(self, asked):
        cluster = ready()
        cluster.put(claim())
        storage = {"kind": "pvc", "claim_name": "registry-claim"}
        deploy(cluster, **{**asked, "storage": storage})
        settle(cluster)
        planned = deploy(cluster, check=True, storage=storage)
        assert cluster.writes() == []
        assert len([r for r in planned["resources"] if r["action"] == "deleted"]) == 4

    def test_without_the_wait_old_pods_keep_what_they_need_too(self, asked):
        cluster = ready()
        cluster.put(claim())
        storage = {"kind": "pvc", "claim_name": "registry-claim"}
        deploy(cluster, wait=False, **{**asked, "storage": storage})
        settle(cluster)
        for check in (True, False):
            done = deploy(cluster, check=check, wait=False, storage=storage)
            assert done["leftovers"]
            assert not [r for r in done["resources"] if r["action"] == "deleted"]
        settle(cluster)
        done = deploy(cluster, wait=False, storage=storage)
        assert (done["leftovers"], len([r for r in done["resources"] if r["action"] == "deleted"])) == (False, 4)

    def test_what_only_looks_like_ours_stays(self):
        cluster = ready()
        meta = {"name": "docker-registry-extra-ca", "namespace": "default"}
        cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {}})
        deploy(cluster, wait=False)
        assert cluster.find("v1", "ConfigMap", "docker-registry-extra-ca")
