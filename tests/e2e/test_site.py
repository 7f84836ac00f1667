# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster looks like after site.yml: the document's own checks, on the real parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sandbox
import snippets


@pytest.fixture(scope="module", name="pod")
def _pod() -> str:
    """Name the registry's pod."""
    pods = sandbox.pods("-n", "default", "-l", "docker-registry=default")
    assert len(pods) == 1, [pod["metadata"]["name"] for pod in pods]
    return pods[0]["metadata"]["name"]


def test_one_rollout_named_as_the_document_says(pod: str) -> None:
    (config,) = sandbox.objects("deploymentconfigs", "-n", "default")
    assert config["metadata"]["name"] == "docker-registry"
    assert config["status"]["latestVersion"] == 1
    controllers = sandbox.objects("replicationcontrollers", "-n", "default")
    assert [controller["metadata"]["name"] for controller in controllers] == ["docker-registry-1"]
    assert re.fullmatch(r"docker-registry-1-[a-z0-9]{5}", pod)


def test_the_service_has_the_address_that_was_asked_for() -> None:
    (service,) = [
        item for item in sandbox.objects("services", "-n", "default") if item["metadata"]["name"] == "docker-registry"
    ]
    assert service["spec"]["clusterIP"] == sandbox.SERVICE_IP
    assert service["spec"]["sessionAffinity"] == "ClientIP"


def test_the_log_says_tls(pod: str) -> None:
    log = sandbox.kubectl("logs", "-n", "default", pod)
    assert re.search(r"listening on \S*:5000, tls", log), log


def test_the_secret_is_linked_to_the_service_account() -> None:
    account = sandbox.kubectl("get", "serviceaccount", "registry", "-n", "default", "-o", "jsonpath={.secrets[*].name}")
    assert "registry-secret" in account.split()


def test_the_route_is_admitted() -> None:
    (route,) = sandbox.objects("routes", "-n", "default")
    assert route["spec"]["tls"]["termination"] == "passthrough"
    conditions = {
        item["type"]: item["status"] for ingress in route["status"]["ingress"] for item in ingress["conditions"]
    }
    assert conditions["Admitted"] == "True"


def test_the_registry_s_files_are_where_the_document_finds_them(pod: str) -> None:
    """``docker ps`` and ``docker exec … find /registry`` on the node that runs the pod.

    The kubelet starts containers by image id, so docker shows the pod's name, not the image's, as on later 3.x.
    """
    node = sandbox.kubectl("get", "pod", pod, "-n", "default", "-o", "jsonpath={.spec.nodeName}")
    container = sandbox.on(node, "docker ps | grep k8s_registry_docker-registry | cut -d' ' -f1").stdout.strip()
    found = sandbox.on(node, f"docker exec {container} find /registry").stdout.splitlines()
    assert "/registry/docker/registry/v2/blobs/sha256" in found
    assert any(
        re.search(r"/repositories/test/[^/]+/_manifests/revisions/sha256/[0-9a-f]{64}/link$", line) for line in found
    )


@pytest.mark.parametrize("endpoint", sandbox.ENDPOINTS)
@pytest.mark.parametrize("node", sandbox.NODES)
def test_docker_pulls_through_every_name_and_only_by_the_ca(node: str, endpoint: str) -> None:
    """The pull is verified: without the CA in certs.d the same pull fails with x509, with no restart in between."""
    token = (sandbox.STATE / "tokens/alice").read_text().strip()
    image = f"{endpoint}/{_probe_image()}"
    directory = f"/etc/docker/certs.d/{endpoint}"
    login = f"docker login -u alice --password-stdin {endpoint} <<< '{token}'"
    pull = f"docker pull {image}"
    try:
        sandbox.on(node, f"{login} && {pull} && docker rmi {image}")
        sandbox.on(node, f"mv {directory}/ca.crt {directory}/ca.moved")
        refused = sandbox.on(node, pull, check=False)
    finally:
        sandbox.on(
            node,
            f"mv {directory}/ca.moved {directory}/ca.crt; docker logout {endpoint}; rm -rf /root/.docker",
            check=False,
        )
    assert refused.returncode != 0
    assert "x509: certificate signed by unknown authority" in refused.stderr


def _probe_image() -> str:
    """Name the image that site.yml's proof left in the registry, as project/name:tag."""
    pod = sandbox.kubectl(
        "get", "pods", "-n", "default", "-l", "docker-registry=default", "-o", "jsonpath={.items[0].metadata.name}"
    )
    found = sandbox.kubectl(
        "exec", "-n", "default", pod, "--", "find", "/registry/docker/registry/v2/repositories/test", "-name", "current"
    )
    name, tag = re.search(r"/repositories/(test/[^/]+)/_manifests/tags/([^/]+)/current", found).groups()
    return f"{name}:{tag}"


@pytest.mark.parametrize("node", sandbox.NODES)
def test_docker_was_restarted_at_most_once_in_all_runs(node: str) -> None:
    """Over check, apply, check, apply, by systemd's own journal."""
    assert sandbox.docker_starts(node, sandbox.first_run("site")) <= 1


def test_the_node_that_runs_the_registry_was_restarted_last(pod: str) -> None:
    """By systemd's own clock: when each node's docker was started for the last time."""
    home = sandbox.kubectl("get", "pod", pod, "-n", "default", "-o", "jsonpath={.spec.nodeName}")
    shown = 'date -d "$(systemctl show docker -p ActiveEnterTimestamp --value)" +%s'
    starts = {node: int(sandbox.on(node, shown).stdout) for node in sandbox.NODES}
    assert max(starts, key=lambda node: starts[node]) == home, starts


def test_the_files_announced_are_the_files_that_are_there() -> None:
    """What the first check run said of each node's files is what lies there now, and the CA is the cluster's."""
    announced = {
        f"{line['host']}:{path}"
        for line in sandbox.records("site")
        if line["type"] == "task" and line["run"] == sandbox.converge_runs("site")[0] and line["host"] in sandbox.NODES
        for path in line["data"].get("files", [])
    }
    there = sandbox.node_files()
    assert announced == {path for path in there if path.endswith("/ca.crt")}
    assert len({there[path] for path in announced}) == 1


@pytest.mark.parametrize("node", sandbox.NODES)
def test_the_sysconfig_file_differs_by_this_registry_s_flags_alone(node: str) -> None:
    """Comments are as they were; the rest is the seeded file less our flags, but for the white space beside them."""
    (old_comments, seeded), (comments, now) = _parts(sandbox.seed(node)), _parts(sandbox.sysconfig(node))
    names = "|".join(re.escape(endpoint) for endpoint in sandbox.ENDPOINTS)
    wanted = re.sub(rf"--insecure-registry(?:=|\s+)(?:{names})(?![\w.:])", "", seeded)
    assert wanted != seeded
    assert comments == old_comments
    assert _squeezed(now) == _squeezed(wanted)


def _parts(text: str) -> tuple[list[str], str]:
    """Split a file into its comment lines and the rest."""
    lines = text.splitlines(keepends=True)
    comments = [line for line in lines if line.lstrip().startswith(("#", ";"))]
    return comments, "".join(line for line in lines if line not in comments)


def _squeezed(text: str) -> str:
    """Take out all white space and continued line ends."""
    return re.sub(r"\\\n|\s", "", text)


PIECES = snippets.snippets("check.md")


@pytest.mark.parametrize("name", PIECES)
def test_the_playbooks_of_the_page_on_checks(name: str, tmp_path: Path) -> None:
    """From here, names of the cluster cannot be reached, which is told; a user without rights is refused."""
    text = snippets.adapted(PIECES[name], {f"/root/{user}": f"{sandbox.STATE}/tokens/{user}" for user in TOKENS})
    played = snippets.play(text.replace(".token'", "'"), tmp_path)
    assert (played.code, played.changed) == (0, name == "project"), played.output
    shown = re.sub(r"\s+", " ", played.output)
    for said in SAID[name]:
        assert re.search(said, shown), f"{said}: {played.output}"


TOKENS = ("alice", "bob")
_TIMES = r"(?: +\d+\.\d\d){12}"
SAID = {
    "project": [],
    "validate": [
        *(rf"{node} +docker +{re.escape(name)}{_TIMES}" for node in sandbox.NODES for name in sandbox.ENDPOINTS),
        *(rf"localhost: {re.escape(name)} cannot be reached from here" for name in sandbox.ENDPOINTS),
    ],
    "logs": [r"listening on \S*:5000, tls"],
    "state": [rf"{re.escape(sandbox.ENDPOINTS[0])}/{name}/okd-registry-probe" for name in ("registry-probe", "test")],
}


def test_another_proof_leaves_the_storage_as_it_is() -> None:
    """Not a file more, but for uploads that docker begins and leaves, which the registry removes after a week."""

    def stored() -> dict[str, int]:
        found = sandbox.module(
            "localhost", "registry_storage_info", {"kubeconfig": str(sandbox.STATE / "admin.kubeconfig")}
        )
        assert not found["failed"], found["msg"]
        return {key: number for key, number in found["totals"].items() if "upload" not in key}

    before = stored()
    assert before["tags"] >= 2
    done = sandbox.playbook("check.yml")
    assert done.code == 0, done.output
    assert stored() == before


def test_check_runs_write_nothing_and_the_apply_writes_what_was_announced() -> None:
    """By the audit log: no write in a check run nor in the second apply; each object once in the first."""
    check, apply, again_check, _ = [sandbox.rfc3339(sandbox.started(run)) for run in sandbox.converge_runs("site")]
    written = sandbox.writes()
    times = [event["requestReceivedTimestamp"] for event in written]
    assert [time for time in times if check <= time < apply] == []
    assert [time for time in times if again_check <= time < sandbox.recorded("site")] == []
    applied = [event for event in written if apply <= event["requestReceivedTimestamp"] < again_check]
    # The write probe of the claim is made and taken away within the run.
    probes = [event["verb"] for event in applied if event["objectRef"]["resource"] == "jobs"]
    assert probes == ["create", "delete"]
    objects = [
        (event["objectRef"]["resource"], event["objectRef"].get("name"))
        for event in applied
        if event["objectRef"]["resource"] != "jobs"
    ]
    announced = {
        (resource["kind"].lower(), resource["name"])
        for line in sandbox.records("site")
        if line["type"] == "task" and line["run"] == sandbox.converge_runs("site")[0]
        for resource in line["data"].get("resources", [])
        if resource["action"] != "unchanged"
    }
    assert len(objects) == len(announced), (objects, announced)
    assert {(resource.rstrip("s"), name) for resource, name in objects} == {(k.rstrip("s"), n) for k, n in announced}
