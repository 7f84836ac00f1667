# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pods end: none that clients are still led to, none in the middle of a request, and what others said stays."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._build import ending
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._plan import plan

KINDS = ("DeploymentConfig", "Deployment", "DaemonSet")


def want(kind: str = "DeploymentConfig", strategy: str | None = None) -> build.Workload:
    return build.Workload(kind=kind, name="r", namespace="default", image="r:1", strategy=strategy)


def applied(live: dict[str, Any] | None, wanted: build.Workload) -> dict[str, Any]:
    after = plan(live, build.desired(wanted, live)).after
    assert isinstance(after, dict)
    return after


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = workload["spec"]["template"]["spec"]
    return found


def pre_stop(workload: dict[str, Any]) -> Any:
    return (pod(workload)["containers"][0].get("lifecycle") or {}).get("preStop")


@pytest.mark.parametrize("kind", KINDS)
def test_a_pod_serves_on_and_drains_within_its_time(kind: str) -> None:
    made = applied(None, want(kind, "Rolling"))
    assert pre_stop(made) == {"exec": {"command": ["sleep", "15"]}}
    variables = {one["name"]: one["value"] for one in pod(made)["containers"][0]["env"]}
    assert variables[ending.DRAIN_ENV] == "40s"
    assert pod(made)["terminationGracePeriodSeconds"] > ending.SERVES_ON + ending.DRAINS


def test_with_recreate_nothing_makes_the_gap_longer() -> None:
    assert pre_stop(applied(None, want(strategy="Recreate"))) is None
    assert pre_stop(applied(applied(None, want(strategy="Rolling")), want(strategy="Recreate"))) is None


def test_a_strategy_of_others_counts_before_the_first_run_and_rolls_nothing_out_later() -> None:
    theirs = {"metadata": {}, "spec": {"strategy": {"type": "Recreate"}}}
    assert ending.part(theirs, None).container == {}
    made = applied(None, want())
    made["spec"]["strategy"] = {"type": "Recreate"}
    assert not plan(made, build.desired(want(), made)).changed


def test_a_strategy_that_is_no_longer_said_is_no_longer_counted() -> None:
    made = applied(None, want(strategy="Recreate"))
    after = applied(made, want())
    assert "strategy" not in after["spec"]
    assert pre_stop(after) is not None


def test_what_others_do_before_the_end_stays() -> None:
    made = applied(None, want())
    bare = {"apiVersion": made["apiVersion"], "kind": made["kind"], "metadata": {"name": "r", "namespace": "default"}}
    theirs = {**bare, "spec": {**made["spec"]}}
    hook = {"httpGet": {"path": "/bye", "port": 5000}}
    pod(theirs)["containers"][0]["lifecycle"] = {"preStop": hook}
    pod(theirs)["terminationGracePeriodSeconds"] = 300
    after = applied(theirs, want())
    assert pre_stop(after) == hook
    assert pod(after)["terminationGracePeriodSeconds"] == 300


def test_a_shorter_time_is_made_long_enough() -> None:
    made = applied(None, want())
    pod(made)["terminationGracePeriodSeconds"] = 30
    assert pod(applied(made, want()))["terminationGracePeriodSeconds"] == ending.GRACE
