# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of causes: what is printed can be typed as it stands, by whoever ran it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.filter.registry_findings_table import FilterModule

table = FilterModule().filters()["registry_findings_table"]
TRUST = "ansible-playbook okd.registry.trust --limit node2"
FOUND: dict[str, Any] = {
    "name": "node_lacks_ca",
    "severity": "error",
    "title": "a node lacks the CA",
    "host": "node2",
    "object": None,
    "endpoints": ["172.30.1.1:5000"],
    "evidence": ["no CA"],
    "fix": "place it",
    "command": TRUST,
}


def printed(command: str | None, *inventory: str) -> list[str]:
    """The commands in the table of a cause that one mends."""
    lines = table({"findings": [{**FOUND, "command": command}]}, list(inventory))
    return [line.partition("run:  ")[2] for line in lines if "run:" in line]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which Ansible runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_cause_with_what_was_seen_and_what_mends_it() -> None:
    assert table({"findings": [FOUND], "unread": ["Routes may not be read"]}) == [
        "       CAUSE          WHERE  SEEN, AND WHAT MENDS IT",
        "ERROR  node_lacks_ca  node2  a node lacks the CA: 172.30.1.1:5000",
        "                             seen: no CA",
        "                             fix:  place it",
        f"                             run:  {TRUST}",
        "not judged: Routes may not be read",
    ]
    assert table({"findings": []}, ["/etc/hosts.yml"]) == ["Nothing is wrong."]
    assert printed(None, "/etc/hosts.yml") == []


def test_playbooks_run_with_the_inventory_of_this_run(here: Path) -> None:
    sources = [str(here / "registry-inventory"), "/srv/it is/hosts.yml", "node1,node2"]
    (said,) = printed(TRUST, *sources)
    options = "-i registry-inventory -i '/srv/it is/hosts.yml' -i node1,node2"
    assert said == f"ansible-playbook {options} okd.registry.trust --limit node2"
    assert shlex.split(said)[1:7] == ["-i", "registry-inventory", "-i", sources[1], "-i", sources[2]]


@pytest.mark.parametrize(
    ("source", "named"),
    [("{}/../x", "{}/../x"), ("{}/-x", "{}/-x"), ("{}", "."), ("{}/a/b.yml", "a/b.yml"), ("{}2/a", "{}2/a"), ("/", "/"),
     ("{}/a,", "{}/a,")],
)  # fmt: skip
def test_a_path_is_shown_as_it_is_called_here_where_that_says_the_same(here: Path, source: str, named: str) -> None:
    where = str(here)
    assert shlex.split(printed(TRUST, source.format(where))[0])[2] == named.format(where)


def test_every_playbook_of_a_command_and_nothing_else() -> None:
    kubectl = "kubectl delete service docker-registry -n default"
    deploy = "ansible-playbook {}okd.registry.deploy -e registry_cluster_ip=172.30.9.9"
    book = f"{kubectl} && {deploy} && ansible-playbook {{}}okd.registry.trust"
    assert printed(book.format("", ""), "/etc/i.yml") == [book.format("-i /etc/i.yml ", "-i /etc/i.yml ")]
    assert printed(kubectl, "/etc/i.yml") == [kubectl]
