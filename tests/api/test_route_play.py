# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks' part of exposing, on a real API server: what is refused before all else, and a generated host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import registry_info, registry_route, registry_service

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[2]
ROUTE = "route.openshift.io/v1"
HOST = {"registry_route_host": "r.example.com"}
REENCRYPT = {"registry_route_termination": "reencrypt"}
PAIR = {"cert_path": "/nowhere.crt", "key_path": "/nowhere.key"}
Play = Callable[..., tuple[int, str]]
Object = dict[str, Any]

#: What each set of variables is refused with.
WRONG: list[tuple[Object, str]] = [
    ({**HOST, "registry_route_timeout": "5 minutes"}, "timeout: '5 minutes' is no"),
    ({**HOST, "registry_route_allow_ips": ["10.0.0.1/8"]}, "allow_ips: '10.0.0.1/8' is no address or network"),
    ({**HOST, "registry_route_certificate": PAIR}, "certificate: ['cert_path', 'key_path'] is for a router that"),
    ({**HOST, **REENCRYPT, "registry_route_certificate": PAIR}, "/nowhere.crt cannot be read"),
    ({**HOST, "registry_route_kind": "ingress", "registry_route_ingress_class": "x"}, "there is no IngressClass x"),
    ({"registry_route_kind": "ingress"}, "route_host: None is required for an Ingress"),
    ({**HOST, "registry_route_termination": "edge"}, "registry_route_termination: edge lets the router speak plain"),
    ({"registry_route_host": "no-such.invalid", "registry_route_dns": "fail"}, "no-such.invalid does not resolve"),
    ({"registry_route_generated": True, "registry_route_annotations": {"a": None}}, "annotations.a: None is no text"),
]  # fmt: skip
FINE: list[Object] = [{}, {"registry_route_host": ""}, HOST, {"registry_route_generated": True}]


def book_of(folder: Path, *names: str) -> Path:
    """One playbook of several of the collection's."""
    steps = [{"ansible.builtin.import_playbook": str(ROOT / "playbooks" / f"{name}.yml")} for name in names]
    (folder / "book.yml").write_text(yaml.safe_dump(steps))
    return folder / "book.yml"


@pytest.fixture
def play(kubeconfig: str, namespace: str, tmp_path: Path) -> Play:
    """Runs a playbook on the API server; gives its status, and what it printed in one line."""
    known = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
        "registry_kubeconfig": kubeconfig, "registry_namespace": namespace, "registry_secret_name": "registry-secret",
        "registry_image": "registry:3", "registry_storage": {"kind": "ephemeral"},
        "registry_ca": {"cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"), "create": True},
    }  # fmt: skip
    groups = {"registry_control": {"hosts": {"localhost": {}}}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump({"all": {"vars": known, "children": groups}}))

    def run(book: Path | str, *arguments: str, **variables: Any) -> tuple[int, str]:
        path = book if isinstance(book, Path) else ROOT / "playbooks" / book
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, "-i", "inventory.yml", str(path), *arguments]
        done = subprocess.run(
            [*command, "-e", json.dumps(variables)],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run


def routes(admin: Api, namespace: str) -> list[Object]:
    return admin.list(ROUTE, "Route", namespace)


def test_what_the_way_in_would_be_refused_for_is_found_before_anything_is_touched(
    play: Play, admin: Api, namespace: str, tmp_path: Path
) -> None:
    """The preflight includes this plan; here with one set of variables after another, in one run."""
    plan = {"name": "okd.registry.registry_route", "tasks_from": "plan"}
    tasks = [
        {
            "block": [{"ansible.builtin.include_role": plan, "vars": v}],
            "rescue": [{"ansible.builtin.set_fact": {f"said_{n}": "{{ ansible_failed_result.msg }}"}}],
        }
        for n, v in enumerate([*(wrong for wrong, _ in WRONG), *FINE])
    ]
    found = "{{ vars | dict2items | selectattr('key', 'match', 'said_') | items2dict | to_json }}"
    out = {"ansible.builtin.copy": {"content": found, "dest": str(tmp_path / "said.json")}}
    book = tmp_path / "book.yml"
    book.write_text(yaml.safe_dump([{"hosts": "registry_control", "gather_facts": False, "tasks": [*tasks, out]}]))
    code, output = play(book)
    assert code == 0, output
    said = json.loads((tmp_path / "said.json").read_text())
    assert set(said) == {f"said_{n}" for n in range(len(WRONG))}, said
    for n, (_, text) in enumerate(WRONG):
        assert text in said[f"said_{n}"]
    assert routes(admin, namespace) == []


def test_the_preflight_tells_it(play: Play, admin: Api, namespace: str) -> None:
    wrong, text = WRONG[0]
    code, output = play("preflight.yml", "-e", json.dumps({"registry_route_dns": "ignore"}), **wrong)
    assert code != 0
    assert text in output
    assert admin.get(ObjectRef("v1", "Service", "docker-registry", namespace)) is None


def test_an_empty_host_is_none_and_an_ingress_without_one_is_told(play: Play, admin: Api, namespace: str) -> None:
    code, output = play("expose.yml", registry_route_host="")
    assert code == 0, output
    assert routes(admin, namespace) == []
    code, output = play("expose.yml", registry_route_kind="ingress")
    assert code != 0
    assert "route_host: None is required for an Ingress" in output


@pytest.mark.usefixtures("router")
def test_a_generated_host_is_in_the_certificate_from_the_beginning(
    play: Play, admin: Api, run: Any, namespace: str, tmp_path: Path
) -> None:
    book = book_of(tmp_path, "address", "certificate", "expose")
    asked = {"registry_route_generated": True, "registry_route_dns": "ignore"}
    code, planned = play(book, "--check", "--diff", **asked)
    assert code == 0, planned
    assert routes(admin, namespace) == []
    code, output = play(book, **asked)
    assert code == 0, output
    assert "does not cover" not in output
    (route,) = routes(admin, namespace)
    info = run(registry_info)
    assert route["spec"]["host"] in info["certificate"]["sans"]
    assert route["spec"]["host"] in info["registry"]["endpoints"]
    code, output = play(book, **asked)
    assert code == 0, output
    assert "changed=0" in output


@pytest.mark.usefixtures("router")
def test_a_change_of_the_termination_is_no_reason_for_a_certificate(
    play: Play, admin: Api, run: Any, namespace: str, tmp_path: Path
) -> None:
    """The Route passes TLS through while the certificate is judged, and ends it in the router the next time."""
    book = book_of(tmp_path, "address", "certificate", "expose")
    asked: Object = {**HOST, "registry_route_dns": "ignore"}
    code, output = play(book, **asked)
    assert code == 0, output
    before = run(registry_info)["certificate"]
    assert HOST["registry_route_host"] in before["sans"]
    code, output = play(book, **asked, **REENCRYPT)
    assert code == 0, output
    (route,) = routes(admin, namespace)
    assert route["spec"]["tls"]["termination"] == "reencrypt"
    code, output = play(book, **asked, **REENCRYPT)
    assert code == 0, output
    assert "changed=0" in output
    assert run(registry_info)["certificate"] == before
    # The next one that is issued is without it.
    code, output = play(book, **asked, **REENCRYPT, registry_extra_hosts=["more.example.com"])
    assert code == 0, output
    after = run(registry_info)["certificate"]["sans"]
    assert ("more.example.com" in after, HOST["registry_route_host"] in after) == (True, False)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "registry_route_host says nothing"),
        ({**HOST, **REENCRYPT}, "registry_route_termination say route and reencrypt"),
        ({**HOST, "registry_route_name": "registry"}, "registry_route_name says registry: one Route of a fixed name"),
        (HOST, "There is no registry"),
        ({**HOST, "registry_route_name": ""}, "There is no registry"),
    ],
)
def test_a_change_of_the_host_that_cannot_be_is_refused(
    play: Play, admin: Api, namespace: str, variables: Object, said: str
) -> None:
    code, output = play("change_route_host.yml", "--tags", "change_host", **variables)
    assert code != 0
    assert said in output
    assert routes(admin, namespace) == []


@pytest.mark.usefixtures("router")
def test_a_change_of_the_host_that_would_open_the_new_one_to_everybody_is_refused(
    play: Play, run: Any, namespace: str
) -> None:
    """The old Route's rules are somebody's, and in no variable."""
    run(registry_service)
    rules = {"allow_ips": ["10.0.0.0/8"], "timeout": "5m"}
    made = run(registry_route, route_host="old.example.com", secret_name="none", dns="ignore", wait=False, **rules)
    assert made["changed"], made
    asked = {"registry_route_host": "new.example.com", "registry_route_timeout": "1m"}
    code, output = play("change_route_host.yml", "--tags", "change_host", **asked)
    assert code != 0
    assert "say registry_route_allow_ips, where the old Route has 10.0.0.0/8" in output
    assert "registry_route_timeout, where" not in output


@pytest.mark.usefixtures("router")
def test_with_an_empty_name_the_old_route_stays_beside_the_new_one(
    play: Play, admin: Api, run: Any, namespace: str
) -> None:
    """As without a name. By the old Route alone, nobody would reach the registry by the old host from then on."""
    old, new = f"old-{namespace}.example.com", f"new-{namespace}.example.com"
    run(registry_service)
    made = run(registry_route, route_host=old, secret_name="none", dns="ignore", wait=False)
    assert made["changed"], made
    asked = {"registry_route_host": new, "registry_secret_name": "none", "registry_route_dns": "ignore"}
    code, output = play("expose.yml", registry_route_name="", **asked)
    assert code == 0, output
    assert {one["spec"]["host"] for one in routes(admin, namespace)} == {old, new}
