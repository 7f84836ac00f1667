# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of phases: its words and advice as pure functions, then the callback in real runs of ansible-playbook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.callback.phases import (
    Phase,
    duration,
    finish_hint,
    short_path,
    table,
    tags_left,
)


def phase(name: str, *tags: str, ok: str = "", changed: str = "", failed: str = "", seconds: float = 0) -> Phase:
    """A phase that has been, or, without any host, one that was not reached."""
    made = Phase(name, tags)
    made.hosts = set((ok + changed + failed).split())
    made.changed, made.failed = set(changed.split()), set(failed.split())
    made.started = bool(made.hosts)
    made.seconds = seconds
    return made


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (0.5, "0:01"),
        (59.4, "0:59"),
        (59.6, "1:00"),
        (754, "12:34"),
        (3599.9, "1:00:00"),
        (3723, "1:02:03"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_words_for_a_phase() -> None:
    assert phase("x", ok="a").result == "ok"
    assert phase("x", ok="a ", changed="b").result == "changed"
    assert phase("x", changed="a ", failed="b").result == "FAILED"
    assert phase("x").result == "not reached"
    skipped = phase("x")
    skipped.started = True
    assert skipped.result == "skipped"
    skipped.no_hosts = True
    assert skipped.result == "no hosts"


def test_hosts_that_could_not_be_reached_are_named_apart() -> None:
    lost = phase("x", ok="a ", failed="c ")
    lost.unreachable = {"b"}
    assert lost.note == "on c; unreachable: b"
    assert lost.result == "FAILED"


def test_the_table_is_aligned_and_counts_hosts() -> None:
    lines = table([phase("Address", ok="a", seconds=2), phase("Trust on nodes", ok="a b ", failed="c"), phase("Proof")])
    assert [line for line, _ in lines] == [
        "Address         1 host     ok              0:02",
        "Trust on nodes  3 hosts    FAILED          0:00  on c",
        "Proof                      not reached",
    ]
    assert [result for _, result in lines] == ["ok", "FAILED", "not reached"]


def test_tags_that_are_left_are_only_those_of_unfinished_phases() -> None:
    done, broken, open_ = phase("a", "deploy", ok="h"), phase("b", "trust", failed="h"), phase("c", "check")
    assert tags_left([done, broken, open_]) == ["trust", "check"]
    # One tag for several phases is named once; always and never are no choice.
    assert tags_left([done, broken, phase("d", "trust"), phase("e", "always", "check")]) == ["trust", "check"]


def test_a_tag_of_a_finished_phase_too_makes_the_choice_impossible() -> None:
    assert tags_left([phase("a", "trust", ok="h"), phase("b", "trust", failed="h")]) is None
    assert tags_left([phase("a", "trust", ok="h"), phase("b", failed="h")]) is None


def test_the_hint_repeats_what_is_no_secret() -> None:
    phases = [phase("a", "deploy", ok="h"), phase("b", "trust", failed="h")]
    options = {
        "args": ("playbooks/site.yml",),
        "inventory": ("my hosts.yml",),
        "subset": "node2",
        "tags": ("all",),
        "extra_vars": ("token=hush",),
    }
    hint = "\n".join(finish_hint(phases, options))
    assert "ansible-playbook -i 'my hosts.yml' playbooks/site.yml --limit node2 --tags trust" in hint
    assert "hush" not in hint


@pytest.mark.parametrize(
    "options", [{"args": ()}, {"args": ("x.yml",), "tags": ("trust",)}, {"args": ("x.yml",), "skip_tags": ("z",)}]
)
def test_without_a_safe_choice_the_same_command_is_advised(options: dict[str, tuple[str, ...]]) -> None:
    hint = finish_hint([phase("b", "trust", failed="h")], options)
    assert hint == [
        "To finish, run the same command again (phases that are finished change nothing when they run again)."
    ]


def test_nothing_is_advised_when_all_is_done() -> None:
    assert finish_hint([phase("a", ok="h")], {"args": ("x.yml",)}) == []


def test_only_paths_below_the_current_directory_are_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert short_path(str(tmp_path / "a" / "hosts.yml")) == "a/hosts.yml"
    assert short_path("/etc/ansible/hosts") == "/etc/ansible/hosts"
    assert short_path("a,b,") == "a,b,"


PLAYBOOK = """
- name: "Address: {{ what }}"
  hosts: control
  gather_facts: false
  tags: [address]
  vars: {what: the Service}
  tasks:
    - name: A failure that is caught
      block:
        - ansible.builtin.include_tasks: fails.yml
      rescue:
        - ansible.builtin.debug: {msg: caught}
      always:
        - ansible.builtin.debug: {msg: and on}
    - ansible.builtin.fail: {msg: x}
      ignore_errors: true
- name: Trust
  hosts: nodes
  gather_facts: false
  serial: 1
  tags: [trust]
  tasks:
    - ansible.builtin.command: "true"
    - ansible.builtin.fail: {msg: node2 is broken}
      when: inventory_hostname in broken
- name: Nobody
  hosts: nosuch
  gather_facts: false
  tags: [nobody]
  tasks: [{ansible.builtin.debug: {msg: x}}]
- name: Proof
  hosts: control
  gather_facts: false
  tags: [check]
  tasks: [{ansible.builtin.fail: {msg: x}, when: inventory_hostname in broken}]
"""


def run(folder: Path, *arguments: str, broken: str = "", playbook: str = PLAYBOOK) -> str:
    """The table that a real run prints, with a failing host if there is one."""
    (folder / "site.yml").write_text(playbook, encoding="utf-8")
    (folder / "fails.yml").write_text("- ansible.builtin.fail: {msg: on purpose}\n", encoding="utf-8")
    (folder / "hosts").write_text(
        f"[control]\nc1\n[nodes]\nnode1\nnode2\n[all:vars]\nbroken={broken.split()}\nansible_connection=local\n"
        f"ansible_python_interpreter={sys.executable}\n",
        encoding="utf-8",
    )
    (folder / "ansible.cfg").touch()
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_CALLBACKS_ENABLED": "okd.registry.phases",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts", "site.yml", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout.partition("\nPHASES")[2]


def test_a_run_that_goes_well(tmp_path: Path) -> None:
    lines = run(tmp_path).splitlines()
    assert [line.split("  ")[0] for line in lines[1:5]] == ["Address: the Service", "Trust", "Nobody", "Proof"]
    assert lines[1].split()[-4:-1] == ["1", "host", "ok"]  # what was caught or ignored is no failure
    assert lines[2].split()[1:4] == ["2", "hosts", "changed"]  # both batches are one phase
    assert lines[3].split()[1:] == ["no", "hosts"]
    assert "inish" not in "".join(lines)


def test_a_run_that_breaks_says_where_and_how_to_go_on(tmp_path: Path) -> None:
    text = run(tmp_path, broken="node2", playbook=PLAYBOOK.replace("  serial: 1\n", ""))
    assert re.search(r"Trust .* 2 hosts    FAILED   .* on node2\n", text)
    assert text.count("not reached") == 0  # the control host is well: its play still ran
    assert "Finish with: ansible-playbook -i hosts site.yml --tags trust\n" in text


def test_a_failure_is_laid_to_the_phase_it_belongs_to(tmp_path: Path) -> None:
    lines = run(tmp_path, broken="c1").splitlines()
    assert lines[1].split()[-4:-1] == ["1", "host", "ok"]  # c1 failed here, too, but was caught or ignored
    assert lines[4].endswith("on c1")
    assert "Finish with: ansible-playbook -i hosts site.yml --tags check" in lines


def test_phases_after_the_end_are_named_as_not_reached(tmp_path: Path) -> None:
    text = run(tmp_path, broken="node1")
    assert "Proof" in text
    assert text.count("not reached") == 2
    assert "Finish with: ansible-playbook -i hosts site.yml --tags trust,nobody,check\n" in text


def test_a_selection_of_tags_shows_the_others_as_skipped(tmp_path: Path) -> None:
    lines = run(tmp_path, "--tags", "address").splitlines()
    assert lines[1].split()[-4:-1] == ["1", "host", "ok"]
    assert lines[2].split()[1:] == ["skipped"]


def test_one_play_alone_prints_no_table(tmp_path: Path) -> None:
    assert not run(tmp_path, playbook=PLAYBOOK.partition("- name: Trust")[0])
