# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment keeps before it writes, and what is put back when it fails, wherever it was killed."""

from __future__ import annotations

import copy
import json

import memory_cluster
import pytest
from ansible_collections.okd.registry.plugins.module_utils import _before, _rollback
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._errors import ConflictError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import OWNED, owned_part, plan
from ansible_collections.okd.registry.plugins.plugin_utils import _rollout_wait
from test_deploy import DEFAULTS, claim, deploy, ready_cluster, settle, workload
from test_settings import FILE, given_config

CLAIM = {"kind": "pvc", "claim_name": "registry-claim"}
BEFORE = "docker-registry-before"
#: A change of nearly everything: a Secret changed, another made, the account's link, the workload.
CHANGE = {
    "image": "other:1", "tls_secret": "second-secret", "env": {"A": "b"}, "enforce_quota": True,
    "config": given_config(content={**FILE, "log": {"level": "debug"}}),
    "egress_proxy": {"http": "http://u:hidden-pass@p:1", "https": None, "no_proxy": []},
}  # fmt: skip
FIRST = {"config": given_config(content=FILE)}


class Killed(BaseException):
    """As kill -9: nothing of ours runs any more."""


@pytest.fixture
def cluster():
    return fresh()


def fresh(kind="DeploymentConfig"):
    made = ready_cluster()
    made.put(claim())
    second = made.find("v1", "Secret", "registry-secret")
    made.put({**second, "metadata": {"name": "second-secret", "namespace": "default"}})
    run(made, kind, **FIRST)
    settle(made, kind)
    assert not run(made, kind, **FIRST)["leftovers"]
    return made


def run(cluster, kind="DeploymentConfig", **options):
    return deploy(cluster, **{"kind": kind, "storage": CLAIM, "on_failure": "rollback", **options})


def unsettle(cluster):
    live = workload(cluster)
    if live:
        live["status"] = {"latestVersion": 5}
        cluster.put(live)


def back(cluster, check=False):
    cluster.requests.clear()
    return _rollback.run({**DEFAULTS, "state": "rolled_back"}, cluster.api(), check_mode=check)


def state(cluster):
    """All that people and we have written: without what the server counts and the controllers tell."""
    found = copy.deepcopy(cluster.objects)
    for obj in found.values():
        obj.pop("status", None)
        for name in ("resourceVersion", "generation", "uid"):
            obj["metadata"].pop(name, None)
    return found


class TestKeeps:
    def test_before_the_first_write_and_until_the_new_pods_serve(self, cluster):
        result = run(cluster, **CHANGE)
        assert cluster.writes()[0] == "POST /api/v1/namespaces/default/secrets"
        kept = _before.entries(cluster.find("v1", "Secret", BEFORE))
        assert {one.ref.kind for one in kept} == {"ServiceAccount", "Secret", "DeploymentConfig"}
        assert result["leftovers"]
        settle(cluster)
        again = run(cluster, **CHANGE)
        assert not again["leftovers"]
        assert cluster.find("v1", "Secret", BEFORE) is None
        assert [r["name"] for r in again["resources"] if r["action"] == "deleted"] == [BEFORE]
        assert not run(cluster, **CHANGE)["changed"]

    def test_nothing_of_it_shows(self, cluster):
        text = json.dumps(run(cluster, **CHANGE))
        kept = cluster.find("v1", "Secret", BEFORE)
        assert BEFORE not in text
        assert kept["data"][_before.KEY] not in text
        unsettle(cluster)
        text = json.dumps(back(cluster))
        assert "hidden" not in text

    @pytest.mark.parametrize("options", [{"on_failure": "keep"}, {"wait": False}])
    def test_not_without_being_asked(self, cluster, options):
        run(cluster, **CHANGE, **options)
        assert cluster.find("v1", "Secret", BEFORE) is None

    def test_not_when_nothing_changes_nor_in_check_mode(self, cluster):
        assert not run(cluster, **FIRST)["changed"]
        run(cluster, **CHANGE, check=True)
        assert cluster.writes() == []

    def test_one_that_cannot_be_read_is_nothing(self):
        for data in ({}, {_before.KEY: "!"}, {_before.KEY: "AAAA"}):
            assert _before.entries({"data": data}) == []


@pytest.mark.parametrize("kind", ["DeploymentConfig", "Deployment"])
class TestGoesBack:
    def test_every_object_is_as_it_was(self, kind):
        cluster = fresh(kind)
        before = state(cluster)
        run(cluster, kind, **CHANGE)
        assert state(cluster) != before
        planned = back(cluster, check=True)
        assert cluster.writes() == []
        done = back(cluster)
        assert planned["resources"] == done["resources"]
        assert state(cluster) == before
        assert done["workload"]["rolls"]
        assert not back(cluster)["changed"]
        assert not run(cluster, kind, **FIRST)["changed"]

    def test_what_was_not_there_goes(self, kind):
        cluster = ready_cluster()
        before = state(cluster)
        run(cluster, kind, storage=None, **FIRST)
        done = back(cluster)
        assert state(cluster) == before
        assert done["workload"] is None


class TestOthers:
    def test_what_they_wrote_in_between_into_shared_objects_stays(self, cluster):
        run(cluster, **CHANGE)
        account = cluster.find("v1", "ServiceAccount", "registry")
        account["secrets"].append({"name": "registry-dockercfg-x"})
        cluster.put(account)
        back(cluster)
        names = [one["name"] for one in cluster.find("v1", "ServiceAccount", "registry")["secrets"]]
        assert sorted(names) == ["registry-dockercfg-x", "registry-secret"]

    def test_a_claim_that_was_bound_meanwhile_stays(self):
        storage = {"kind": "pvc", "claim_name": "new-claim", "size": "1Gi"}
        empty = ready_cluster()
        meta = {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
        empty.put({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": meta})
        run(empty, storage=storage)
        made = empty.find("v1", "PersistentVolumeClaim", "new-claim")
        bound = copy.deepcopy(empty)
        back(empty)
        assert empty.find("v1", "PersistentVolumeClaim", "new-claim") is None
        bound.put({**made, "status": {"phase": "Bound"}})
        assert any("new-claim stays: it is bound" in action for action in back(bound)["actions"])
        assert bound.find("v1", "PersistentVolumeClaim", "new-claim")

    def test_something_of_somebody_elses_under_a_name_of_ours(self, cluster):
        run(cluster, **CHANGE)
        theirs = cluster.find("v1", "Secret", "docker-registry-proxy")
        theirs["metadata"]["annotations"] = {}
        cluster.put(theirs)
        assert any("somebody else has made it since" in action for action in back(cluster)["actions"])

    def test_nothing_to_put_back(self, cluster):
        result = back(cluster)
        assert (result["changed"], cluster.writes()) == (False, [])
        assert "nothing to put back" in result["actions"][0]

    def test_somebody_writes_at_the_same_time(self, cluster):
        before = state(cluster)
        run(cluster, **CHANGE)
        other = workload(cluster)
        other["metadata"]["labels"]["theirs"] = "x"
        cluster.before_write = lambda: cluster.put(other)
        back(cluster)
        assert state(cluster) == before

    def test_one_who_never_stops(self, cluster):
        run(cluster, **CHANGE)

        def again():
            cluster.put(workload(cluster))
            cluster.put(cluster.find("v1", "Secret", "docker-registry-config"))
            cluster.before_write = again

        cluster.before_write = again
        with pytest.raises(ConflictError, match="kept changing while it was to be put back"):
            back(cluster)
        cluster.before_write = None
        back(cluster)


def kill_at(cluster, number):
    """Make the cluster's write of that number the last one before the kill: it is carried out."""
    api, seen = cluster.send, [0]

    def send(method, url, body, content_type):
        answer = api(method, url, body, content_type)
        seen[0] += method != "GET"
        if method != "GET" and seen[0] == number:
            raise Killed
        return answer

    cluster.send = send
    return lambda: setattr(cluster, "send", api)


class TestKilled:
    def writes(self, cluster):
        run(cluster, **CHANGE)
        return len(cluster.writes())

    @pytest.fixture
    def count(self):
        return self.writes(fresh())

    def test_at_every_write_the_next_run_goes_on_and_a_failing_one_goes_back_to_what_served(self, count):
        assert count >= 5
        for number in range(1, count + 1):
            for fails in (False, True):
                cluster = fresh()
                before = state(cluster)
                revive = kill_at(cluster, number)
                with pytest.raises(Killed):
                    run(cluster, **CHANGE)
                revive()
                run(cluster, **CHANGE)
                if fails:
                    unsettle(cluster)
                    back(cluster)
                    assert state(cluster) == before, number
                else:
                    settle(cluster)
                    run(cluster, **CHANGE)
                    assert not run(cluster, **CHANGE)["changed"], number
                    assert cluster.find("v1", "Secret", BEFORE) is None

    def test_another_wish_after_the_kill_goes_back_to_what_served_too(self, count):
        for number in range(1, count + 1):
            cluster = fresh()
            before = state(cluster)
            revive = kill_at(cluster, number)
            with pytest.raises(Killed):
                run(cluster, **CHANGE)
            revive()
            unsettle(cluster) if number == count else None
            run(cluster, **{**CHANGE, "image": "third:1", "egress_proxy": None})
            back(cluster)
            assert state(cluster) == before, number

    def test_a_state_that_has_served_since_is_the_one_to_go_back_to(self, cluster):
        run(cluster, **CHANGE)
        settle(cluster)
        second = {k: v for k, v in state(cluster).items() if not k.endswith(BEFORE)}
        run(cluster, **{**CHANGE, "image": "third:1"})
        back(cluster)
        assert state(cluster) == second

    def test_in_the_middle_of_going_back(self):
        reference = fresh()
        run(reference, **CHANGE)
        back(reference)
        for number in range(1, len(reference.writes()) + 1):
            cluster = fresh()
            before = state(cluster)
            run(cluster, **CHANGE)
            revive = kill_at(cluster, number)
            with pytest.raises(Killed):
                back(cluster)
            revive()
            back(cluster)
            assert state(cluster) == before, number


class TestRestored:
    def live(self, **fields):
        meta = {"name": "x", "namespace": "n", "resourceVersion": "5", "uid": "u", **fields.pop("metadata", {})}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, **fields}

    def test_one_that_was_deleted_is_made_without_what_the_server_owns(self):
        change = _rollback.restored(None, self.live(data={"a": "b"}, metadata={"labels": {"l": "1"}}))
        assert change.after["metadata"] == {"name": "x", "namespace": "n", "labels": {"l": "1"}}

    def test_what_the_server_and_controllers_own_stays(self):
        revision = "deployment.kubernetes.io/revision"
        before = self.live(spec={"a": 1}, metadata={"annotations": {revision: "1", "k": "v"}})
        now = self.live(
            spec={"a": 2}, status={"s": 1},
            metadata={"resourceVersion": "9", "annotations": {revision: "2", OWNED: "{}"}},
        )  # fmt: skip
        after = _rollback.restored(now, before).after
        assert after["metadata"]["annotations"] == {revision: "2", "k": "v"}
        assert (after["metadata"]["resourceVersion"], after["status"], after["spec"]) == ("9", {"s": 1}, {"a": 1})
        assert not _rollback.restored(after, before).changed

    def test_the_own_part_of_a_shared_object(self):
        desired = {
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "namespace": "n"},
            "secrets": [{"name": "mine"}],
        }  # fmt: skip
        theirs = self.live(kind="ServiceAccount", secrets=[{"name": "theirs"}])
        now = plan(theirs, desired, owner="n/r").after
        assert owned_part(now, "n/r") == desired
        assert owned_part(theirs, "n/r") == {k: v for k, v in desired.items() if k != "secrets"}
        assert _rollback.restored(now, theirs, owner="n/r", shared=True).after == theirs


class TestResult:
    FAILED = {"failed": True, "msg": "X has failed.", "changed": True, "rollout": {"line": "l"}}

    def test_the_reason_stays(self):
        back = {"actions": ["Updated Y: spec."], "resources": [], "rollout": {"line": "r-1: 1/1 ready, done"}}
        told = _rollout_wait.after_rollback(self.FAILED, back)
        assert (
            told["msg"] == "X has failed. What it had changed is as it was before, and serves (r-1: 1/1 ready, done)."
        )
        assert (told["failed"], told["rollback"]["done"], told["rollout"]) == (True, True, {"line": "l"})

    def test_one_that_fails_too(self):
        told = _rollout_wait.after_rollback(self.FAILED, {"failed": True, "msg": "No."})
        assert "could not all be put back: No. Run again." in told["msg"]
        assert not told["rollback"]["done"]

    def test_nothing_was_changed(self):
        assert "nothing that had to be put back" in _rollout_wait.after_rollback(self.FAILED, {"actions": []})["msg"]

    def test_leftovers(self):
        done = {
            "changed": True,
            "workload": {"name": "r"},
            "resources": [1],
            "actions": ["a"],
            "diff": [],
            "leftovers": 1,
        }
        gone = [{"name": "r-config", "action": "deleted"}, {"name": "r-before", "action": "deleted"}]
        after = {
            "resources": [*gone, {"name": "x", "action": "unchanged"}],
            "actions": ["Deleted Secret n/r-config.", "Deleted Secret n/r-before."],
            "diff": [{"before_header": "v1 Secret n/r-config"}, {"before_header": "v1 Secret n/r-before"}],
        }
        told = _rollout_wait.with_leftovers_removed(done, after)
        assert told["resources"] == [1, gone[0]]
        assert told["actions"] == ["a", "Deleted Secret n/r-config."]
        assert len(told["diff"]) == 1
        failed = _rollout_wait.with_leftovers_removed(done, {"failed": True, "msg": "no"})
        assert "could not be taken away: no" in failed["msg"]


def test_kinds_are_those_of_workloads():
    assert set(API_VERSIONS) == {"DeploymentConfig", "Deployment", "DaemonSet"}


def test_a_budget_that_cannot_be_changed_is_made_anew(cluster):
    """Before Kubernetes 1.15 the API refuses a change of one, and the workload, which comes after it, would stay."""
    ref = ObjectRef("policy/v1beta1", "PodDisruptionBudget", "docker-registry", "default")

    def budget(number):
        meta = {"name": ref.name, "namespace": ref.namespace}
        return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": meta, "spec": {"minAvailable": number}}

    cluster.put(budget(2))
    run(cluster, image="other:1")
    settle(cluster)
    kept = _before.entries(cluster.find("v1", "Secret", BEFORE))
    _before.keep(Registry.from_params(DEFAULTS), [_before.Before(ref, "", budget(1)), *kept], cluster.api())
    planned = back(cluster, check=True)
    done = back(cluster)
    assert planned["resources"] == done["resources"]
    assert [one for one in cluster.writes() if "poddisruptionbudgets" in one] == [
        f"DELETE {ref.path}", f"POST {ref.path.rpartition('/')[0]}",
    ]  # fmt: skip
    assert cluster.find(ref.api_version, ref.kind, ref.name)["spec"] == {"minAvailable": 1}
    assert cluster.find("v1", "Secret", BEFORE) is None


@pytest.mark.parametrize(("code", "reason"), [(422, "Invalid"), (404, "NotFound")])
def test_a_patch_that_does_not_fit_any_more_is_planned_anew(cluster, code, reason):
    """The API refuses it before it looks at the resourceVersion; or the object has gone in between."""
    before = state(cluster)
    run(cluster, **CHANGE)
    answer, patch = memory_cluster._status(code, reason, "out of bounds", {"name": "docker-registry"}), cluster._patch

    def moved(path, live, steps):
        if path.endswith("/docker-registry"):
            cluster._patch = patch
            cluster.put(live)
            return answer
        return patch(path, live, steps)

    cluster._patch = moved
    back(cluster)
    assert state(cluster) == before


def test_one_that_somebody_makes_again_meanwhile_is_put_back_all_the_same(cluster):
    before = state(cluster)
    run(cluster, **CHANGE)
    lost = cluster.find("v1", "Secret", "docker-registry-config")
    del cluster.objects[ObjectRef.of(lost).path]
    cluster.before_write = lambda: cluster.put(lost)
    back(cluster)
    assert state(cluster) == before
