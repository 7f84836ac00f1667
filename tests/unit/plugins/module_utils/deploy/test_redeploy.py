# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New rollouts: one when asked for, one for an image or a certificate, none for a scale."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build.workload import API_VERSIONS
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from test_deploy import claim, deploy, ready_cluster, serving

RESTARTED = "okd.registry/restarted-at"
CLAIM = {"kind": "pvc", "claim_name": "registry-claim"}


@pytest.fixture
def cluster():
    made = ready_cluster()
    made.put(claim())
    return made


def run(cluster, kind="DeploymentConfig", check=False, **options):
    return deploy(cluster, check=check, **{"kind": kind, "storage": CLAIM, **options})


def template(cluster, kind):
    return cluster.find(API_VERSIONS[kind], kind, "docker-registry")["spec"]["template"]


@pytest.mark.parametrize("kind", API_VERSIONS)
class TestRedeployed:
    def replicas(self, kind):
        return {"replicas": None} if kind == "DaemonSet" else {}

    def test_one_write_each_time_and_nothing_but_the_time(self, cluster, kind):
        run(cluster, kind, **self.replicas(kind))
        before = template(cluster, kind)
        for _ in range(2):
            result = run(cluster, kind, state="redeployed", **self.replicas(kind))
            assert (result["changed"], result["workload"]["rolls"]) == (True, True)
            assert len(cluster.writes()) == 1
            now = template(cluster, kind)
            assert now["metadata"]["annotations"].pop(RESTARTED) > "2026"
            assert now == before

    def test_the_next_present_leaves_it_alone(self, cluster, kind):
        run(cluster, kind, **self.replicas(kind))
        run(cluster, kind, state="redeployed", **self.replicas(kind))
        assert not run(cluster, kind, **self.replicas(kind))["changed"]
        when = template(cluster, kind)["metadata"]["annotations"][RESTARTED]
        run(cluster, kind, env={"A": "b"}, **self.replicas(kind))
        assert template(cluster, kind)["metadata"]["annotations"][RESTARTED] == when

    def test_check_mode_says_so(self, cluster, kind):
        run(cluster, kind, **self.replicas(kind))
        planned = run(cluster, kind, check=True, state="redeployed", **self.replicas(kind))
        assert cluster.writes() == []
        assert f"{RESTARTED}: {KNOWN_AFTER_APPLY}" in planned["diff"][-1]["after"]
        assert planned["actions"] == run(cluster, kind, state="redeployed", **self.replicas(kind))["actions"]

    def test_where_there_is_none_it_is_made(self, cluster, kind):
        result = run(cluster, kind, state="redeployed", **self.replicas(kind))
        assert result["resources"][-1]["action"] == "created"
        assert RESTARTED not in template(cluster, kind)["metadata"]["annotations"]


class TestGuards:
    def test_images_in_the_pods_are_not_thrown_away(self, cluster):
        run(cluster, storage=None)
        serving(cluster)
        with pytest.raises(RefusedError, match=r"emptyDir.*allow_data_loss: true"):
            run(cluster, storage=None, state="redeployed")
        assert cluster.writes() == []
        assert run(cluster, storage=None, state="redeployed", allow_data_loss=True)["changed"]


class TestOneWrite:
    def test_a_scale_is_no_rollout(self, cluster):
        run(cluster)
        result = run(cluster, replicas=3)
        assert (len(cluster.writes()), result["workload"]["rolls"]) == (1, False)

    def test_scale_and_image_and_variables_are_one_rollout(self, cluster):
        run(cluster)
        result = run(cluster, replicas=3, image="other:1", env={"A": "b"}, tls_secret=None)
        writes = [w for w in cluster.writes() if "deploymentconfigs" in w]
        assert (len(writes), result["workload"]["rolls"]) == (1, True)
