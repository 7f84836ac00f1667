# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The play with which site.yml ends tells what the run knows, whatever that is, and asks nobody.

It is shown, too, where a step fails by which the run ends.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._build.layouts import ELSEWHERE
from collection import ROOT, load_yaml

sys.path.insert(0, str(ROOT / "tests/unit/plugins/module_utils/diagnose"))
from healthy import healthy

RAW = healthy()
READ = {"registry_cluster_read": {**RAW["info"], "served": []}}
NODE = {"__registry_check_node": RAW["hosts"]["node1"]["check"]}
PROOF = {"__registry_deploy_proof": RAW["info"]}
KNOWN = ROOT / "playbooks/report_known.yml"


def told(
    folder: Path, control: dict[str, Any], node: dict[str, Any], *arguments: str, book: Path = KNOWN
) -> tuple[str, dict[str, Any]]:
    """Run the play, or another one, with what hosts have registered; give what it printed, and the report."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {
        "registry_control": {"hosts": {"localhost": {**local, **control}}},
        "registry_nodes": {"hosts": {"node1": {**local, **node}, "node2": local}},
    }
    (folder / "inventory.yml").write_text(yaml.safe_dump(json.loads(json.dumps(inventory))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    report = folder / "report.json"
    done = subprocess.run(
        [program, "-i", str(folder / "inventory.yml"), str(book),
         "-e", f"registry_report_path={report}", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    return done.stdout, json.loads(report.read_text()) if report.exists() else {}


def test_of_all_steps(tmp_path: Path) -> None:
    output, report = told(tmp_path, {**READ, **PROOF}, {**READ, **NODE})
    states = {phase["name"]: phase["state"] for phase in report["phases"]}
    assert states == {**dict.fromkeys(states, "ok"), "storage": "unknown"}
    assert {one["host"] for one in report["matrix"]} == {"node1"}
    assert [one["where"] for one in report["certificates"]][-1] == "pod docker-registry-1-a"
    assert report["problems"] == []
    assert "Nothing is wrong." in output


@pytest.mark.parametrize("known", [{}, READ, PROOF], ids=["nothing", "read", "proof"])
def test_of_less(tmp_path: Path, known: dict[str, Any]) -> None:
    _output, report = told(tmp_path, known, {})
    assert report["problems"] == []
    assert bool(report["certificates"]) is bool(known)
    unseen = ["no step of this run has looked at the cluster"] if not known else []
    assert report["unread"] == [*unseen, "no step of this run has looked at hosts"]


def test_a_check_run_tells_it_and_writes_no_file(tmp_path: Path) -> None:
    _output, report = told(tmp_path, PROOF, READ, "--check")
    assert report == {}


def ended(folder: Path, step: str, *, by_site: bool) -> str:
    """Run a step that fails, for there is no kubeconfig, alone or as site.yml does; what was printed in one line."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {"registry_control": {"hosts": {"localhost": local}}, "registry_nodes": {"hosts": {"node1": local}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory))
    imports = {
        Path(str(one.get("ansible.builtin.import_playbook"))).stem: one
        for one in load_yaml(ROOT / "playbooks/site.yml")
    }
    asked = imports["deploy" if step in ("address", "certificate", "workload") else step].get("vars")
    book = [{"import_playbook": str(ROOT / f"playbooks/{step}.yml"), "vars": dict(asked or {}) if by_site else {}}]
    (folder / "book.yml").write_text(yaml.safe_dump(json.loads(json.dumps(book))))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    known = {
        "registry_kubeconfig": str(folder / "none"),
        "registry_image": "registry:3",
        "registry_storage": {"kind": "ephemeral"},
        "registry_ca": {"cert_path": "/none", "key_path": "/none"},
        "registry_route_host": "r.example.com",
    }
    done = subprocess.run(
        [program, "-i", str(folder / "inventory.yml"), str(folder / "book.yml"), "-e", json.dumps(known)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("step", ["address", "certificate", "workload", "expose", "trust", "check"])
def test_where_a_step_of_site_fails_the_report_is_shown(tmp_path: Path, step: str) -> None:
    said = ended(tmp_path, step, by_site=True)
    assert "HOSTS AND NAMES" in said
    assert "not judged: " in said, "the cluster could not be asked, either"
    failures = said.split("FAILED! => ")
    assert str(tmp_path / "none") in failures[1]
    assert str(tmp_path / "none") in failures[-1].partition("PLAY RECAP")[0], "why it failed comes last, too"


def test_a_step_alone_fails_without_a_report(tmp_path: Path) -> None:
    assert "HOSTS AND NAMES" not in ended(tmp_path, "address", by_site=False)


def role(folder: Path, tasks_from: str, *, then: Path | None = None) -> Path:
    """A playbook that runs a part of the report's role on the control host, and another one after it."""
    include = {"ansible.builtin.include_role": {"name": "okd.registry.registry_report", "tasks_from": tasks_from}}
    play = {"hosts": "registry_control", "gather_facts": False, "tasks": [include]}
    book = folder / "role.yml"
    book.write_text(json.dumps([play, *([{"import_playbook": str(then)}] if then else [])]))
    return book


class Refusing(BaseHTTPRequestHandler):
    """An API server without groups, at which nobody may read anything."""

    def do_GET(self) -> None:
        denied = {"kind": "Status", "reason": "Forbidden", "message": 'forbidden: User "u" cannot get it', "code": 403}
        status, answer = (200, {"kind": "APIGroupList", "groups": []}) if self.path == "/apis" else (403, denied)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_args: Any) -> None: ...


@pytest.fixture(name="cluster")
def _cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of a cluster that tells nothing."""
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    named = {"cluster": {"server": f"http://127.0.0.1:{server.server_port}"}, "user": {"token": "t"}}
    listed = {f"{kind}s": [{"name": "c", kind: value}] for kind, value in named.items()}
    contexts = {"contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}], "current-context": "c"}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **listed, **contexts}))
    yield path
    server.shutdown()
    server.server_close()


def failed(step: str, endpoint: str) -> dict[str, Any]:
    """What a host has registered whose check has failed at one step."""
    check = healthy()["hosts"]["node1"]["check"]
    for one in check["results"]:
        if (one["step"], one["endpoint"]) == (step, endpoint):
            one.update(ok=False, error="500 Internal Server Error", reason="other")
    return {"__registry_check_node": {**check, "failed": True, "changed": False, "msg": f"{endpoint}: {step}"}}


NAME = RAW["info"]["registry"]["endpoints"][1]


def test_what_mends_it_is_shown_with_the_inventory_of_the_run(tmp_path: Path) -> None:
    output, report = told(tmp_path, READ, {**READ, **failed("push", NAME)})
    assert f"ansible-playbook -i {tmp_path}/inventory.yml okd.registry.check" in " ".join(output.split())
    assert [one["command"] for one in report["problems"]] == ["ansible-playbook okd.registry.check"], "that is data"


@pytest.mark.parametrize("answers", [True, False], ids=["a cluster that answers", "none"])
@pytest.mark.parametrize("where", ["node1", "localhost"])
def test_where_the_proof_by_use_fails_the_report_has_what_hosts_found(
    tmp_path: Path, cluster: Path, where: str, *, answers: bool
) -> None:
    """Also where the cluster cannot be asked any more: by the rules, of what the steps before have read."""
    known = {**READ, "registry_kubeconfig": str(cluster if answers else tmp_path / "none")}
    # Of an earlier look of the same run, which is older than the check.
    older = {f"__registry_diagnose_{part}": RAW["hosts"]["node1"][part] for part in ("trust", "check")}
    hosts = {"localhost": known, "node1": {**NODE, **older}}
    hosts[where] = {**hosts[where], **failed("push", NAME)}
    output, report = told(tmp_path, hosts["localhost"], hosts["node1"], book=role(tmp_path, "ending"))
    (problem,) = report["problems"]
    assert (problem["name"], problem["host"], problem["endpoints"]) == ("push_failed", where, [NAME])
    assert "Nothing is wrong." not in output
    assert {one["host"] for one in report["matrix"]} == {"node1", where}
    bad = [(one["host"], one["endpoint"], one["error"]) for one in report["matrix"] if one["state"] != "ok"]
    assert bad == [(where, NAME, "push: 500 Internal Server Error")]
    states = {phase["name"]: phase["state"] for phase in report["phases"]}
    assert (states["trust"], states["check"]) == ("ok", "problem")
    assert bool(report["certificates"]) is not answers


def test_object_storage_is_not_looked_at(tmp_path: Path, cluster: Path) -> None:
    read = {**RAW["info"], "layout": {**RAW["info"]["layout"], "storage": "s3"}}
    control = {"registry_diagnose_read": read, "registry_kubeconfig": str(cluster)}
    output, report = told(tmp_path, control, {}, book=role(tmp_path, "collect", then=KNOWN))
    assert "List what is stored" not in output
    assert report["storage"] is None
    assert report["storage_unread"] == "images are kept in s3, which has no files to look at"
    assert report["storage_unread"] in output


def test_the_role_knows_all_kinds_of_storage_without_files() -> None:
    assert load_yaml(ROOT / "roles/registry_report/vars/main.yml")["__registry_report_elsewhere"] == list(ELSEWHERE)
