# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way on a node: CA in place, proven, flags away, docker restarted or put back; killed at every change."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import daemonjson, files, manifest, proof, tls
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError, RestartError, VerifyError
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import (
    FOREIGN,
    FakeNode,
    Hurried,
    Killer,
    Make,
)


def certs(node: FakeNode) -> list[str]:
    """List what is in certs.d, less the foreign entry."""
    folder = node.root / "etc/docker/certs.d"
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "foreign" not in str(path)
    )


def recorded(node: FakeNode) -> dict[str, Any]:
    """Read the manifest."""
    return json.loads((node.root / "var/lib/okd-registry/default_docker-registry.json").read_text())


# ---- trust without a restart


def test_the_ca_is_placed_and_proven_and_nothing_is_restarted(make: Make, names: list[str]) -> None:
    node = make()
    before = node.text()
    result = node.call()
    assert certs(node) == sorted(f"{name}/ca.crt" for name in names)
    assert [(found["ok"], found["engine"]) for found in result["verified"]] == [
        (True, "no proof: an insecure flag covers this name"),
        (True, "trusts it"),
    ]
    assert (result["changed"], result["restart_needed"], result["restarted"]) == (True, True, False)
    assert result["insecure"]["flags"] == [
        {"file": "/etc/sysconfig/docker", "line": 1, "variable": "OPTIONS", "value": names[0]}
    ]
    assert (node.text(), node.state["restarts"]) == (before, 0)


def test_a_second_run_changes_nothing_and_writes_nothing(make: Make) -> None:
    node = make()
    node.call()
    before = {path: path.stat().st_mtime_ns for path in node.root.rglob("*")}
    result = node.call()
    assert (result["changed"], result["actions"], result["diff"]) == (False, [], [])
    assert {path: path.stat().st_mtime_ns for path in node.root.rglob("*")} == before


def test_a_name_that_is_gone_goes_and_a_foreign_entry_stays(make: Make, names: list[str]) -> None:
    node = make()
    node.call()
    result = node.call(endpoints=names[1:])
    assert certs(node) == [f"{names[1]}/ca.crt"]
    assert not (node.root / f"etc/docker/certs.d/{names[0]}").exists()
    assert (node.root / FOREIGN).read_bytes() == b"somebody else's\n"
    assert f"Remove /etc/docker/certs.d/{names[0]}/ca.crt: no longer a name of this registry" in result["actions"]


def test_absent_leaves_etc_as_it_was(make: Make) -> None:
    node = make()
    before = node.tree()
    node.call()
    assert node.call(state="absent", endpoints=None, ca_cert=None)["changed"]
    assert node.tree() == before
    assert not (node.root / "var/lib/okd-registry").exists()
    assert not node.call(state="absent", endpoints=None, ca_cert=None)["changed"]


def test_absent_of_one_registry_leaves_what_another_needs(make: Make, names: list[str]) -> None:
    node = make()
    node.call()
    node.call(registry="other/registry", endpoints=names[:1])
    node.call(state="absent", endpoints=None, ca_cert=None)
    assert certs(node) == [f"{names[0]}/ca.crt"]
    node.call(registry="other/registry", state="absent", endpoints=None, ca_cert=None)
    assert certs(node) == []


def test_a_dangling_link_in_the_way_is_named_and_nothing_is_touched(make: Make, names: list[str]) -> None:
    node = make()
    path = node.root / f"etc/docker/certs.d/{names[1]}/ca.crt"
    path.parent.mkdir()
    path.symlink_to("/etc/rhsm/ca/redhat-uep.pem")
    before = node.tree()
    with pytest.raises(RefusedError, match=rf"{names[1]}/ca\.crt: is a link to /etc/rhsm/ca/redhat-uep\.pem"):
        node.call()
    assert node.tree() == before
    assert not (node.root / "var/lib/okd-registry").exists()


def test_a_foreign_ca_that_came_between_two_runs_is_not_lost(make: Make, names: list[str], stranger: Any) -> None:
    node = make()
    path = node.root / f"etc/docker/certs.d/{names[0]}/ca.crt"
    path.parent.mkdir()
    path.write_bytes(stranger.pem)
    with pytest.raises(RefusedError, match="trusts other certificates"):
        node.call()
    assert path.read_bytes() == stranger.pem


# ---- what is wrong is named, and flags stay meanwhile


@pytest.mark.parametrize("remove", [False, True])
def test_a_registry_that_cannot_be_trusted_keeps_its_flag(make: Make, stranger: Any, remove: bool) -> None:
    node = make()
    before = node.text()
    with pytest.raises(
        VerifyError, match=r"no insecure flag is touched: .*signed by unknown authority.*compare ca_cert"
    ):
        node.call(ca_cert=stranger.pem.decode(), remove_insecure=remove)
    assert (node.text(), node.state["restarts"]) == (before, 0)


@pytest.mark.parametrize(
    ("kind", "asked"), [("refused", 3), ("closed", 3), ("unknown_authority", 1), ("unresolved", 1)]
)
def test_what_may_pass_is_asked_again_and_what_will_not_is_not(
    make: Make, monkeypatch: pytest.MonkeyPatch, kind: str, asked: int
) -> None:
    node = make()
    check, times = tls.check, []

    def soon(*args: Any) -> tls.Verdict:
        times.append(args)
        return check(*args) if len(times) > 2 else tls.Verdict(False, kind, "not yet")

    monkeypatch.setattr(proof.tls, "check", soon)
    job = node.job(endpoints=node.names[:1], timeout=60)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    if asked > 1:
        assert job.run()["verified"][0]["ok"]
    else:
        with pytest.raises(VerifyError, match="not yet"):
            job.run()
    assert len(times) == asked


def test_a_registry_that_still_serves_http_keeps_its_flag(make: Make, serve: Any) -> None:
    node = make()
    with pytest.raises(VerifyError, match="HTTP is served instead of HTTPS"):
        node.call(endpoints=[serve()], remove_insecure=True)
    assert node.state["restarts"] == 0


def test_docker_alone_refusing_is_told_apart(make: Make, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    node = make("OPTIONS=-D\n")
    said = tls.Verdict(False, "proxy", "proxyconnect tcp: dial tcp 10.9.9.9:3128: connect: connection refused")
    job = node.job()
    monkeypatch.setattr(job._engine, "probe", lambda name: said, raising=False)
    with pytest.raises(VerifyError, match=r"docker says: proxyconnect .*add the endpoint to NO_PROXY"):
        job.run()


# ---- the flag goes


def test_the_flag_goes_docker_is_restarted_once_and_proves_it(make: Make, names: list[str]) -> None:
    node = make()
    result = node.call(remove_insecure=True)
    assert node.text() == "OPTIONS='--selinux-enabled -D'\n"
    assert (result["restarted"], result["restart_needed"], node.state["restarts"]) == (True, False, 1)
    assert {found["engine"] for found in result["verified"]} == {"trusts it"}
    assert f"Take --insecure-registry {names[0]} out of OPTIONS in /etc/sysconfig/docker" in result["actions"]
    again = node.call(remove_insecure=True)
    assert (again["changed"], again["restarted"], node.state["restarts"]) == (False, False, 1)


def test_only_lines_that_change_are_in_the_diff(make: Make) -> None:
    node = make("# password=secret\nOPTIONS='--insecure-registry={} -D'\n")
    shown = [entry for entry in node.call(remove_insecure=True)["diff"] if "sysconfig" in entry["after_header"]]
    assert [(entry["before"].count("\n"), entry["after"]) for entry in shown] == [(1, "OPTIONS='-D'\n")]


def test_nodes_without_the_flag_are_not_restarted(make: Make) -> None:
    node = make("OPTIONS='--insecure-registry=other.example.com:5000'\n")
    result = node.call(remove_insecure=True)
    assert (result["restarted"], node.state["restarts"]) == (False, 0)
    assert not node.call(remove_insecure=True)["changed"]


def test_a_file_that_others_changed_is_no_reason_to_restart(make: Make) -> None:
    node = make("OPTIONS=-D\n")
    node.write("/etc/sysconfig/docker", "OPTIONS='-D --debug'\n")
    assert not node.call(remove_insecure=True)["restarted"]


def test_docker_that_does_not_run_is_not_started(make: Make) -> None:
    node = make()
    node.stop_docker()
    result = node.call(remove_insecure=True)
    assert node.text() == "OPTIONS='--selinux-enabled -D'\n"
    assert "No restart: docker does not run here, or not with this flag" in result["actions"]
    assert {found["engine"] for found in result["verified"]} == {"not asked: docker does not run"}
    assert (result["restarted"], node.state["restarts"]) == (False, 0)


def test_a_node_without_systemd_is_edited_at_the_default_place_and_never_restarted(make: Make) -> None:
    node = make()
    (node.root / "run/systemd/system").rmdir()
    assert not node.call(remove_insecure=True)["restarted"]
    assert node.text() == "OPTIONS='--selinux-enabled -D'\n"


def test_a_run_that_ended_between_flag_and_restart_is_finished_by_the_next(make: Make) -> None:
    node = make()
    node.write("/etc/sysconfig/docker", "OPTIONS='--selinux-enabled -D'\n")
    assert node.call()["restart_needed"]
    assert node.call(remove_insecure=True)["restarted"]
    assert "--insecure-registry" not in " ".join(node.state["arguments"])


@pytest.fixture
def left_down(make: Make, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """Give a node on which a run was killed while docker was down, and on which the registry's pod ran."""
    node = make()
    tree = files.Tree(str(node.root))
    before, after = node.text().encode(), b"OPTIONS='--selinux-enabled -D'\n"
    manifest.Records(tree, "default/docker-registry").begin_restart(
        [manifest.Change("/etc/sysconfig/docker", before, after)]
    )
    tree.replace("/etc/sysconfig/docker", after)
    node.stop_docker()
    check = tls.check
    gone = tls.Verdict(False, "refused", "connection refused")
    monkeypatch.setattr(proof.tls, "check", lambda *args: check(*args) if node.state["active"] else gone)
    return node


def test_a_registry_that_is_down_because_docker_here_is_waits_until_docker_is_up(left_down: FakeNode) -> None:
    assert left_down.call(remove_insecure=True)["restarted"]
    assert not left_down.call(remove_insecure=True)["changed"]


def test_docker_that_was_left_down_is_said_to_need_its_restart_and_nothing_is_asked(left_down: FakeNode) -> None:
    """The first task of a run does not restart docker, and must not keep the second one from it."""
    result = left_down.call()
    assert (result["restart_needed"], result["restarted"], result["verified"]) == (True, False, [])
    assert "docker is down here since a run was killed" in left_down.warnings[0]
    assert left_down.call(remove_insecure=True)["restarted"]
    assert left_down.call()["verified"]
    assert left_down.warnings == []


def test_docker_that_somebody_stopped_is_no_reason_not_to_verify(make: Make, stranger: Any) -> None:
    node = make()
    node.stop_docker()
    with pytest.raises(VerifyError):
        node.call(ca_cert=stranger.pem.decode())


@pytest.mark.parametrize("remove", [False, True])
def test_a_file_that_cannot_be_edited_is_named_with_its_line_and_untouched(make: Make, remove: bool) -> None:
    node = make("A=1\nOPTIONS='--insecure-registry={} -D\n")
    before = node.text()
    if remove:
        with pytest.raises(RefusedError, match="/etc/sysconfig/docker: line 2: a quote is opened and never closed"):
            node.call(remove_insecure=True)
        assert certs(node) == []
    else:
        result = node.call()
        assert "line 2: a quote is opened" in result["insecure"]["problems"][0]
        assert result["restart_needed"]
    assert node.text() == before


# ---- networks


@pytest.mark.parametrize("remove", [False, True])
def test_a_network_that_covers_the_registry_is_reported_and_kept(make: Make, names: list[str], remove: bool) -> None:
    node = make("OPTIONS='--insecure-registry=127.0.0.0/16'\n")
    result = node.call(remove_insecure=remove)
    assert [(found["value"], found["endpoints"]) for found in result["insecure"]["networks"]] == [
        ("127.0.0.0/16", names)
    ]
    assert (result["restart_needed"], node.state["restarts"]) == (False, 0)
    assert {found["engine"] for found in result["verified"]} == {"no proof: an insecure flag covers this name"}


def test_a_network_is_removed_if_asked(make: Make) -> None:
    node = make("OPTIONS='--insecure-registry=127.0.0.0/16 --insecure-registry 10.0.0.0/8'\n")
    assert node.call(insecure_networks="remove")["restart_needed"]
    assert node.call(insecure_networks="remove", remove_insecure=True)["restarted"]
    assert node.text() == "OPTIONS='--insecure-registry 10.0.0.0/8'\n"


def test_a_network_is_refused_if_asked_before_anything_is_touched(make: Make) -> None:
    node = make("OPTIONS='--insecure-registry=127.0.0.0/16'\n")
    with pytest.raises(RefusedError, match=r"/etc/sysconfig/docker: line 1: the network 127\.0\.0\.0/16 covers"):
        node.call(insecure_networks="fail")
    assert certs(node) == []


# ---- what this version does not edit is said, not passed over


@pytest.mark.parametrize("restart", [False, True])
def test_an_entry_of_daemon_json_goes_with_a_reload(make: Make, names: list[str], restart: bool) -> None:
    node = make("OPTIONS=-D\n")
    node.configure([*names, "x:1"])
    result = node.call()
    assert [(found["file"], found["line"]) for found in result["insecure"]["flags"]] == [
        (daemonjson.PATH, line) for line in range(3, 3 + len(names))
    ]
    assert result["restart_needed"]
    assert set(names) <= set(node.engine().insecure())
    planned = node.call(check_mode=True, remove_insecure=True, restart=restart)
    done = node.call(remove_insecure=True, restart=restart)
    assert (planned["actions"], planned["diff"]) == (done["actions"], done["diff"])
    assert (done["changed"], done["restarted"], done["restart_needed"]) == (True, False, False)
    assert json.loads(node.text(daemonjson.PATH)) == {"insecure-registries": ["x:1"]}
    assert not set(names) & set(node.engine().insecure())
    assert (node.state["restarts"], node.state["reloads"]) == (0, 1)
    assert not node.call(remove_insecure=True, restart=restart)["changed"]


def test_daemon_json_is_put_back_where_the_reload_does_not_help(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node.configure(names)
    node._save(deaf=True)
    before = node.text(daemonjson.PATH)
    with pytest.raises(RestartError, match=r"has not taken notice of .* after a reload") as failed:
        node.call(remove_insecure=True, clock=Hurried())
    assert "docker runs on them again" in str(failed.value)
    assert node.text(daemonjson.PATH) == before


def test_a_reload_that_fails_again_is_told(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node.configure(names)
    node._save(deaf=True, no_reload=True)
    before = node.text(daemonjson.PATH)
    with pytest.raises(RestartError, match=r"a reload of docker on them fails too: systemctl reload") as failed:
        node.call(remove_insecure=True, clock=Hurried())
    assert "docker runs on them again" not in str(failed.value)
    assert node.text(daemonjson.PATH) == before


def test_a_run_killed_before_the_reload_is_finished(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node.configure([])
    node._save(configured=names)
    assert node.call()["restart_needed"]
    assert node.call(remove_insecure=True, restart=False)["changed"]
    assert not set(names) & set(node.engine().insecure())


def test_without_leave_to_restart_a_flag_stays(make: Make, names: list[str]) -> None:
    node = make(f"OPTIONS='--insecure-registry={names[0]}'\n")
    before = node.text()
    planned = node.call(remove_insecure=True, restart=False, check_mode=True)
    result = node.call(remove_insecure=True, restart=False)
    assert (planned["actions"], planned["restart_needed"]) == (result["actions"], True)
    assert (result["restart_needed"], result["restarted"], node.text()) == (True, False, before)
    assert node.call(remove_insecure=True)["restarted"]


def test_a_daemon_json_that_cannot_be_read_is_refused(make: Make, names: list[str]) -> None:
    node = make("OPTIONS=-D\n")
    node.write(daemonjson.PATH, '{"insecure-registries": [,]}')
    with pytest.raises(RefusedError, match="line 1"):
        node.call(remove_insecure=True)


def test_a_variable_that_is_one_argument_is_refused(make: Make) -> None:
    """Without its flag it would be an empty argument, with which dockerd does not start."""
    node = make("OPTIONS='--insecure-registry={}'\n")
    node._save(exec="/usr/bin/dockerd ${OPTIONS}")
    with pytest.raises(
        RefusedError, match=r"line 1: \$\{OPTIONS\} is one argument in ExecStart=.*write \$OPTIONS there"
    ):
        node.call(remove_insecure=True)


def test_a_flag_in_a_generated_file_is_named_with_its_source_and_refused(make: Make, names: list[str]) -> None:
    """Where no registries.service makes it, who does is not known."""
    node = make("OPTIONS=-D\n")
    node.write("/run/containers/registries.conf", f"\nREGISTRIES=--insecure-registry={names[0]}\n")
    node._save(more_files=["/run/containers/registries.conf"])
    node.call()
    assert "line 2" in node.warnings[0]
    with pytest.raises(RefusedError, match=r"/run/containers/registries\.conf: line 2: .* made anew at every start"):
        node.call(remove_insecure=True)


# ---- docker does not come back


def test_docker_that_does_not_start_without_the_flag_gets_it_back(make: Make, names: list[str]) -> None:
    node = make()
    before, arguments = node.text(), node.state["arguments"]
    node.break_docker(without=f"--insecure-registry={names[0]}")
    with pytest.raises(RestartError, match=r"(?s)failed.*docker runs on them again.*dockerd said why"):
        node.call(remove_insecure=True)
    assert (node.text(), node.state["arguments"], node.state["active"]) == (before, arguments, True)
    assert not list((node.root / "var/lib/okd-registry").glob("*.restart"))


def test_docker_that_starts_and_then_cannot_use_the_registry_gets_the_flag_back(
    make: Make, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make()
    before = node.text()
    job = node.job(remove_insecure=True)
    asked = job._engine.probe
    refusing = tls.Verdict(False, "unknown_authority", "x509: certificate signed by unknown authority")
    monkeypatch.setattr(
        job._engine, "probe", lambda name: refusing if node.state["restarts"] else asked(name), raising=False
    )
    with pytest.raises(
        RestartError, match=r"without the insecure flag cannot use the registry.*docker runs on them again"
    ):
        job.run()
    assert (node.text(), node.state["restarts"]) == (before, 2)


def test_a_registry_that_does_not_answer_after_the_restart_is_no_reason_to_restart_again(
    make: Make, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make()
    check = tls.check
    gone = tls.Verdict(False, "refused", "connection refused")
    monkeypatch.setattr(proof.tls, "check", lambda *args: gone if node.state["restarts"] else check(*args))
    with pytest.raises(VerifyError, match="Docker is up again without the insecure flag, but the registry"):
        node.call(remove_insecure=True)
    monkeypatch.undo()
    assert node.state["restarts"] == 1
    assert not node.call(remove_insecure=True)["changed"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("stuck", "docker still runs with --insecure-registry"),
        ("hangs", "dockerd does not answer 1 s after the restart began"),
    ],
)
def test_docker_that_is_not_as_it_must_be_after_the_restart_gets_the_flag_back(
    make: Make, fault: str, said: str
) -> None:
    node = make()
    before = node.text()
    node._save(**{fault: True})
    with pytest.raises(RestartError, match=f"{said}.*docker runs on them again"):
        node.call(remove_insecure=True)
    assert node.text() == before


def test_a_pod_that_is_not_back_yet_is_said_and_left_to_the_kubelet(make: Make) -> None:
    node = make()
    labels = {"io.kubernetes.pod.uid": "1", "io.kubernetes.container.name": "web"}
    labels |= {"io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.name": "web-1"}
    node._save(containers=[{"Id": "abc", "Names": ["/k8s_web"], "Labels": labels}])
    job = node.job(remove_insecure=True)
    listed = job._engine.running
    job._engine.running = lambda: [] if node.state["restarts"] else listed()
    assert job.run()["restarted"]
    assert job.warnings == ["not running again yet, which is for the kubelet: shop/web-1 (web)"]


# ---- check mode


@pytest.mark.parametrize("remove", [False, True])
def test_check_mode_touches_nothing_and_predicts_what_then_happens(make: Make, remove: bool) -> None:
    node = make()
    before = {path: path.stat().st_mtime_ns for path in node.root.rglob("*")}
    plan = node.call(remove_insecure=remove, check_mode=True)
    assert {path: path.stat().st_mtime_ns for path in node.root.rglob("*")} == before
    done = node.call(remove_insecure=remove)
    assert plan["verified"] == []
    assert {**plan, "verified": None} == {**done, "verified": None}


def test_what_is_known_after_apply_is_predicted_and_only_in_check_mode(make: Make, names: list[str]) -> None:
    node = make()
    node.call()
    unknown = "(known after apply):5000"
    plan = node.call(endpoints=[unknown, names[1]], ca_cert="(known after apply)", check_mode=True)
    assert f"Write /etc/docker/certs.d/{unknown}/ca.crt: CA for this name" in plan["actions"]
    assert not any(action.startswith("Remove") for action in plan["actions"])
    for options in ({"endpoints": [unknown]}, {"ca_cert": "(known after apply)"}):
        with pytest.raises(RefusedError, match="only check mode takes it"):
            node.call(**options)


def test_a_plan_of_two_tasks_announces_the_files_once(make: Make) -> None:
    """The first task of a run places the CA, the second takes the flags away: so do the results of a check run say."""
    node = make()
    first = node.call(check_mode=True)
    plan = node.call(remove_insecure=True, check_mode=True, placed=True)
    node.call()
    done = node.call(remove_insecure=True)
    assert first["actions"]
    for part in ("actions", "diff", "files", "restarted", "changed"):
        assert plan[part] == done[part]


# ---- killed at every change


def assert_whole(node: FakeNode, before: dict[str, bytes], flag: str) -> None:
    """Say that whatever is on the node is either as it was, or ours and on record; and no file is half written."""
    now = node.tree()
    assert now[FOREIGN] == before[FOREIGN]
    seeded = before["etc/sysconfig/docker"]
    assert now["etc/sysconfig/docker"] in (seeded, seeded.replace(flag.encode(), b""))
    path = node.root / "var/lib/okd-registry/default_docker-registry.json"
    known = json.loads(path.read_text())["files"] if path.exists() else {}
    for name in set(now) - set(before):
        assert "/" + name in known or name.endswith(".okd-registry"), f"{name} is on no record"
        if not name.endswith(".okd-registry"):
            assert now[name] == node.ca


def test_killed_before_any_of_its_changes_the_next_run_finishes(
    make: Make, killer: Killer, names: list[str], tmp_path: Path
) -> None:
    seeded = make()
    before = seeded.tree()
    change = 0
    while True:
        change += 1
        node = seeded.copy(tmp_path / f"killed{change}")
        killed = killer.kills(node, change, remove_insecure=True)
        assert_whole(node, before, f" --insecure-registry={names[0]}")
        result = node.call(remove_insecure=True)
        assert node.text() == "OPTIONS='--selinux-enabled -D'\n"
        assert "--insecure-registry" not in " ".join(node.state["arguments"])
        assert node.state["active"]
        assert {found["engine"] for found in result["verified"]} == {"trusts it"}
        assert all(entry["written"] for entry in recorded(node)["files"].values())
        assert not [path for path in node.root.rglob("*") if path.name.endswith((".okd-registry", ".restart"))]
        again = node.call(remove_insecure=True)
        assert (again["changed"], again["restarted"]) == (False, False)
        node.call(state="absent", endpoints=None, ca_cert=None)
        assert {**node.tree(), "etc/sysconfig/docker": b""} == {**before, "etc/sysconfig/docker": b""}
        if not killed:
            break
    assert change > 30


def test_killed_while_it_puts_files_back_the_next_run_leaves_docker_running(
    make: Make, killer: Killer, names: list[str], tmp_path: Path
) -> None:
    seeded = make()
    seeded.break_docker(without=f"--insecure-registry={names[0]}")
    seeded.call()
    before = seeded.tree()
    change = 0
    while True:
        change += 1
        node = seeded.copy(tmp_path / f"killed{change}")
        killed = killer.kills(node, change, remove_insecure=True)
        assert_whole(node, before, f" --insecure-registry={names[0]}")
        with pytest.raises(RestartError, match="docker runs on them again"):
            node.call(remove_insecure=True)
        assert node.tree() == before
        assert node.state["active"]
        if not killed:
            break
    assert change > 15


def test_two_runs_at_once_end_as_one(make: Make) -> None:
    node = make()
    records = manifest.Records(files.Tree(str(node.root)), "default/docker-registry")
    records.make_directory()
    other = node.job(remove_insecure=True)
    survey = other._survey
    calls: list[int] = []

    def overtaken() -> Any:
        calls.append(1)
        if len(calls) == 2:  # just after the first look, somebody else does all of it
            node.call(remove_insecure=True)
        return survey()

    other._survey = overtaken
    other._tree.lock = lambda *_args: contextlib.nullcontext()
    result = other.run()
    assert result["restarted"] is False
    assert [action for action in result["actions"] if "estart" in action] == []
    assert node.state["restarts"] == 1
