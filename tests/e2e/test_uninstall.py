# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there after site.yml and uninstall.yml, beside what was there before them.

On node1 and node3 registry_trust has worked, on node2 an agent; node3 and a machine that is no node were clients. The
images are in a directory of node1.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
import sandbox
import surroundings

SERVICE = "Service default/docker-registry"
NODES = ("node1", "node3")
IMAGES = "/opt/registry"
#: Controllers have their own business with these, at any time; the registry's are looked at below.
PASSING = ("Pod ", "ReplicationController ", "Node ")


@pytest.fixture(scope="module", name="before")
def _before() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(surroundings.KEPT.read_text())
    return found


def test_of_all_objects_the_service_alone_is_new_and_none_is_gone_or_changed(before: dict[str, Any]) -> None:
    then = before["objects"]
    now = surroundings.objects()
    assert now[SERVICE]["spec"]["clusterIP"] == sandbox.SERVICE_IP
    differing = {name for name in then.keys() | now.keys() if then.get(name) != now.get(name)}
    assert {name for name in differing if not name.startswith(PASSING)} == {SERVICE}


def test_no_pod_of_the_registry_is_left() -> None:
    end = time.monotonic() + 30
    while left := sandbox.objects("pods,replicationcontrollers", "-n", "default", "-l", "docker-registry=default"):
        assert time.monotonic() < end, [one["metadata"]["name"] for one in left]
        time.sleep(0.5)


def test_the_images_are_still_there() -> None:
    found = sandbox.on("node1", f"find {IMAGES} -path '*/repositories/test/*' -name link").stdout
    assert found


def test_the_files_of_the_nodes_are_those_of_before_but_for_the_flags(before: dict[str, Any]) -> None:
    """And for the images; of the directory that the kubelet made for the agent, nothing is in it."""
    then, now = before["files"], surroundings.files()
    differing = {path for path in then.keys() | now.keys() if then.get(path) != now.get(path)}
    images = {path for path in differing if path.startswith(f"node1:{IMAGES}")}
    assert images
    # Its own, on a machine that it had not seen yet.
    ansible = {path for path in differing if ":/root/.ansible" in path}
    kubelet = "node2:/var/lib/okd-registry"
    flags = {f"{node}:/etc/sysconfig/docker" for node in NODES}
    assert differing - images - ansible == {kubelet, *flags}
    assert not [path for path in now if path.startswith(f"{kubelet}/")]
    assert any(path.endswith("certs.d/other.example:5000/ca.crt") for path in now)


def test_nothing_is_left_on_a_client_that_is_no_node() -> None:
    command = "find /etc/docker/certs.d /var/lib/okd-registry -mindepth 1 2>/dev/null; true"
    assert sandbox.in_container("infra", command).stdout == ""


def test_all_of_it_was_there() -> None:
    """What the check run announced, host by host: or the tests above could not fail."""
    check = sandbox.converge_runs("uninstall")[0]
    told = [one for one in sandbox.records("uninstall") if one["type"] == "task" and one["run"] == check]
    gone = {
        (resource["kind"], resource["name"])
        for one in told
        for resource in one["data"].get("resources") or []
        if resource["action"] == "deleted"
    }
    assert {("Service", "doors"), ("Route", "docker-registry"), ("DaemonSet", "docker-registry-trust-agent")} <= gone
    files = {(one["host"], action) for one in told for action in one["data"].get("actions") or []}
    for host, name in (("bastion", "registry"), ("bastion", "images"), ("node3", "images"), ("node1", "registry")):
        path = f"Remove /etc/docker/certs.d/{name}.apps.sandbox.test/ca.crt"
        assert [1 for where, what in files if where == host and what.startswith(path)], (host, path)


@pytest.mark.parametrize("node", sandbox.NODES)
def test_flags_are_away_or_back_and_docker_runs_as_its_files_say(node: str, before: dict[str, Any]) -> None:
    """What else stands in these files is the business of other tests."""
    stays = node != "node1"
    assert before["flags"][node]
    assert surroundings.flags(node) == (before["flags"][node] if stays else [])
    lines = [line for line in sandbox.sysconfig(node).splitlines() if not line.lstrip().startswith(("#", ";"))]
    names = "|".join(re.escape(endpoint) for endpoint in sandbox.ENDPOINTS)
    assert bool(re.search(rf"--insecure-registry[=\s]+({names})", "\n".join(lines))) == stays
    assert sandbox.docker_starts(node, sandbox.first_run("uninstall")) == (1 if node == "node3" else 0)
