# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No right outlives its use: another service account, or no cluster role any more, killed anywhere or put back."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _rollback
from ansible_collections.okd.registry.plugins.module_utils._build import accounts
from memory_cluster import KUBERNETES
from test_deploy import DEFAULTS, RBAC, absent, claim, deploy, ready_cluster, settle, workload
from test_rollback import Killed, kill_at

CLAIM = {"kind": "pvc", "claim_name": "registry-claim"}


@pytest.fixture
def cluster():
    return ready()


def ready(groups=None, **options):
    """With a registry that serves."""
    made = ready_cluster(groups) if groups else ready_cluster()
    made.put(claim())
    run(made, **options)
    settle(made, kind(made))
    assert not run(made, **options)["leftovers"]
    return made


def run(cluster, check=False, **options):
    return deploy(cluster, check, storage=CLAIM, **options)


def kind(cluster):
    return "DeploymentConfig" if workload(cluster) else "Deployment"


def binding(cluster, account):
    return cluster.find(RBAC, "ClusterRoleBinding", f"{account}-registry-role", None)


def account(cluster, name):
    return cluster.find("v1", "ServiceAccount", name)


def there(cluster):
    """Of which accounts there is an object, and which have rights."""
    names = ("builder", "other", "registry")
    return [n for n in names if account(cluster, n)], [n for n in names if binding(cluster, n)]


def notes(cluster):
    return workload(cluster)["metadata"]["annotations"]


def running(cluster, name, phase="Running"):
    """A pod of the registry that runs as an account."""
    labels = workload(cluster)["spec"]["selector"]
    meta = {"name": f"{name}-pod", "namespace": "default", "labels": labels}
    spec = {"serviceAccountName": name, "containers": [{"name": "registry"}]}
    cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": phase}})


def theirs(cluster, name, sa):
    """A workload of somebody else's."""
    meta = {"name": name, "namespace": "default"}
    spec = {"template": {"spec": {"serviceAccountName": sa}}}
    cluster.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})


class TestAnotherAccount:
    def test_that_of_before_goes_once_the_new_pods_serve(self, cluster):
        assert run(cluster, service_account="builder")["leftovers"] is True
        assert there(cluster) == (["builder", "registry"], ["builder", "registry"])
        assert notes(cluster)[accounts.FORMER] == "registry"
        settle(cluster)
        done = run(cluster, service_account="builder")
        assert (done["leftovers"], done["workload"]["rolls"]) == (False, False)
        assert there(cluster) == (["builder"], ["builder"])
        assert accounts.FORMER not in notes(cluster)
        kinds = [r["kind"] for r in done["resources"] if r["action"] == "deleted"]
        assert kinds == ["ClusterRoleBinding", "ServiceAccount"]

    def test_then_there_is_nothing_to_do_and_nothing_of_it_is_looked_at(self, cluster):
        before = len(cluster.requests)
        run(cluster, service_account="builder")
        settle(cluster)
        run(cluster, service_account="builder")
        again = run(cluster, service_account="builder")
        assert (again["changed"], len(cluster.requests)) == (False, before)
        assert "registry-role" not in " ".join(p for _, p in cluster.requests if "builder" not in p)

    def test_a_check_run_announces_all_of_it(self, cluster):
        planned = run(cluster, check=True, service_account="builder")
        changes = [r for r in planned["resources"] if r["action"] != "unchanged"]
        first = run(cluster, service_account="builder")
        settle(cluster)
        then = run(cluster, service_account="builder")
        assert changes == [r for r in first["resources"] + then["resources"] if r["action"] != "unchanged"]

    @pytest.mark.parametrize(("phase", "goes"), [("Running", False), ("Failed", True), ("Succeeded", True)])
    def test_pods_that_still_run_as_it_keep_it(self, cluster, phase, goes):
        run(cluster, service_account="builder")
        settle(cluster)
        running(cluster, "registry", phase)
        assert run(cluster, service_account="builder")["leftovers"] is not goes
        assert there(cluster)[1] == (["builder"] if goes else ["builder", "registry"])

    def test_there_and_back_before_anything_served(self, cluster):
        run(cluster, service_account="builder")
        run(cluster, service_account="other")
        assert notes(cluster)[accounts.FORMER] == "builder,registry"
        run(cluster)
        settle(cluster)
        assert not run(cluster)["leftovers"]
        assert there(cluster) == (["registry"], ["registry"])

    def test_killed_anywhere_the_next_run_does_the_rest(self):
        def change(cluster):
            run(cluster, service_account="builder")
            settle(cluster)
            deploy(cluster, storage=CLAIM, service_account="builder")

        for number in range(1, 20):
            cluster = ready()
            revive = kill_at(cluster, number)
            try:
                change(cluster)
            except Killed:
                revive()
                change(cluster)
            else:
                assert number > 5
                break
            assert there(cluster) == (["builder"], ["builder"]), number
            assert accounts.FORMER not in notes(cluster)

    def test_going_back_finds_it(self, cluster):
        options = {"service_account": "builder", "on_failure": "rollback"}
        before = workload(cluster)["spec"]["template"]
        assert run(cluster, **options)["leftovers"] is True
        _rollback.run({**DEFAULTS, "state": "rolled_back"}, cluster.api(), check_mode=False)
        assert workload(cluster)["spec"]["template"] == before
        assert there(cluster) == (["registry"], ["registry"])
        assert accounts.FORMER not in notes(cluster)

    def test_it_goes_only_after_the_way_back_was_given_up(self, cluster):
        options = {"service_account": "builder", "on_failure": "rollback"}
        run(cluster, **options)
        settle(cluster)
        run(cluster, **options)
        gone = [path.rsplit("/", 1)[1] for path in cluster.writes() if path.startswith("DELETE")]
        assert gone == ["docker-registry-before", "registry-registry-role", "registry"]

    def test_one_that_others_made_loses_only_what_was_linked_to_it(self):
        cluster = ready_cluster()
        cluster.put(claim())
        meta = {"name": "registry", "namespace": "default"}
        cluster.put({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "secrets": [{"name": "theirs"}]})
        run(cluster)
        settle(cluster)
        assert {"name": "registry-secret"} in account(cluster, "registry")["secrets"]
        run(cluster, service_account="builder")
        settle(cluster)
        run(cluster, service_account="builder")
        assert account(cluster, "registry")["secrets"] == [{"name": "theirs"}]
        assert binding(cluster, "registry") is None

    def test_one_that_others_use_stays(self, cluster):
        theirs(cluster, "second", "registry")
        run(cluster, service_account="builder")
        settle(cluster)
        done = run(cluster, service_account="builder")
        assert there(cluster) == (["builder", "registry"], ["builder", "registry"])
        assert "Deployment default/second uses the account too" in " ".join(done["actions"])
        assert run(cluster, service_account="builder")["changed"] is False

    def test_a_binding_that_others_made_stays(self, cluster):
        theirs_now = binding(cluster, "registry")
        theirs_now["metadata"]["annotations"] = {}
        cluster.put(theirs_now)
        run(cluster, service_account="builder")
        settle(cluster)
        run(cluster, service_account="builder")
        assert there(cluster) == (["builder"], ["builder", "registry"])


class TestAbsent:
    @pytest.mark.parametrize("options", [{}, {"service_account": "builder"}])
    def test_both_accounts_go_in_the_middle_of_a_change(self, cluster, options):
        run(cluster, service_account="builder")
        assert absent(cluster, **options)["changed"]
        assert there(cluster) == ([], [])
        assert not absent(cluster, **options)["changed"]

    def test_the_account_that_the_option_does_not_name(self):
        cluster = ready(service_account="builder")
        absent(cluster)
        assert there(cluster) == ([], [])

    def test_rights_go_first_and_accounts_last(self, cluster):
        run(cluster, service_account="builder")
        absent(cluster)
        gone = [path.split("/")[-2] for path in cluster.writes() if path.startswith("DELETE")]
        assert gone[:2] == ["clusterrolebindings"] * 2
        assert gone[-2:] == ["serviceaccounts"] * 2

    def test_others_keep_what_they_use(self, cluster):
        theirs(cluster, "second", "registry")
        run(cluster, service_account="builder")
        absent(cluster, service_account="builder")
        assert there(cluster) == (["registry"], ["registry"])

    def test_the_account_of_a_workload_that_stays(self):
        cluster = ready(service_account="builder")
        live = workload(cluster)
        live["metadata"]["annotations"] = {}
        cluster.put(live)
        absent(cluster)
        assert there(cluster) == (["builder"], ["builder"])


class TestNoClusterRole:
    def test_the_binding_goes(self, cluster):
        done = run(cluster, cluster_role="")
        assert [r["kind"] for r in done["resources"] if r["action"] == "deleted"] == ["ClusterRoleBinding"]
        assert there(cluster) == (["registry"], [])
        assert run(cluster, cluster_role="")["changed"] is False

    def test_with_new_pods_only_once_they_serve(self, cluster):
        assert run(cluster, cluster_role="", image="other:1")["leftovers"] is True
        assert binding(cluster, "registry")
        settle(cluster)
        run(cluster, cluster_role="", image="other:1")
        assert binding(cluster, "registry") is None

    def test_where_no_role_is_bound_by_itself(self):
        cluster = ready(KUBERNETES, cluster_role="registry-reader")
        assert binding(cluster, "registry")
        run(cluster)
        assert binding(cluster, "registry") is None

    @pytest.mark.parametrize("whose", ["others", "shared"])
    def test_that_of_others_stays(self, cluster, whose):
        live = binding(cluster, "registry")
        if whose == "others":
            cluster.put({**live, "metadata": {"name": live["metadata"]["name"]}})
        else:
            theirs(cluster, "second", "registry")
        assert run(cluster, cluster_role="")["changed"] is False
        assert binding(cluster, "registry")

    @pytest.mark.parametrize("methods", [{"GET", "DELETE"}, {"DELETE"}], ids=["look", "take it away"])
    def test_who_may_not_binds_nothing_and_goes_on(self, cluster, monkeypatch, methods):
        send = cluster.send

        def refused(method, url, body, content_type):
            if "clusterrolebindings" not in url or method not in methods:
                return send(method, url, body, content_type)
            answer = send("GET", url, None, None)
            return type(answer)(403, b'{"kind": "Status", "reason": "Forbidden", "message": "no"}')

        monkeypatch.setattr(cluster, "send", refused)
        assert run(cluster, cluster_role="")["changed"] is False
