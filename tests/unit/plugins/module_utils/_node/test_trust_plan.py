# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written to and removed from certs.d, by what is there and what is recorded; without touching a file."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import trust_plan
from ansible_collections.okd.registry.plugins.module_utils._node.files import ABSENT, State, sha256
from ansible_collections.okd.registry.plugins.module_utils._node.manifest import EMPTY, Entry, Manifest, Other

IP = "172.30.124.220:5000"
OLD = "172.30.9.9:5000"
CA = ssl.DER_cert_to_PEM_cert(b"the CA").encode()
OTHER = ssl.DER_cert_to_PEM_cert(b"another CA").encode()


def file(raw: bytes, mode: int = 0o644) -> State:
    """Give a regular file of root's."""
    return State("file", raw, mode, 0, 0, "", (), False, "")


def directory(*entries: str) -> State:
    """Give a directory."""
    return State("directory", b"", 0o755, 0, 0, "", entries, False, "")


def link(target: str) -> State:
    """Give a symbolic link."""
    return State("link", b"", 0o777, 0, 0, target, (), True, "")


def ca_path(endpoint: str) -> str:
    """Give the path that docker reads for an endpoint."""
    return f"/etc/docker/certs.d/{endpoint}/ca.crt"


def other(
    recorded: dict[str, Entry],
    directories: tuple[str, ...] = (),
    registry: str = "default/docker-registry.route",
    same: bool = True,
) -> Other:
    """Give another record of the node: the other one of the same registry, or one of another."""
    return Other(registry, Manifest(recorded, list(directories)), same)


def present(
    endpoints: list[str], ca: bytes, look: Any, manifest: Manifest, others: tuple[Other, ...] = ()
) -> trust_plan.Plan:
    """Plan that docker trusts a CA for some names."""
    wanted = [trust_plan.Wanted(ca_path(name), ca, 0o644, trust_plan.CA) for name in endpoints]
    places = [trust_plan.Place(ca_path(name).rpartition("/")[0], name, False) for name in endpoints]
    return trust_plan.present(wanted, places, look, manifest, others)


class Node:
    """Files by path; directories above them are there by themselves."""

    def __init__(
        self, states: dict[str, State], recorded: dict[str, Entry] | None = None, directories: tuple[str, ...] = ()
    ):
        self.states = {"/etc/docker": directory("certs.d"), "/etc/docker/certs.d": directory(), **states}
        for path in states:
            parent = path.rsplit("/", 1)[0]
            if parent not in states and parent != "/etc/docker/certs.d":
                self.states[parent] = directory(path.rsplit("/", 1)[1])
        self.manifest = Manifest(dict(recorded or {}), list(directories))

    def look(self, path: str) -> State:
        return self.states.get(path, ABSENT)

    def present(self, *endpoints: str, ca: bytes = CA, others: tuple[Other, ...] = ()) -> Any:
        return present(list(endpoints), ca, self.look, self.manifest, others)

    def absent(self, *others: Other) -> Any:
        return trust_plan.absent(self.look, self.manifest, others)


def steps(plan: Any) -> list[tuple[str, str]]:
    """Give kind and path of all steps."""
    return [(step.kind, step.path) for step in plan.steps]


PATH = ca_path(IP)
FOLDER = PATH.rsplit("/", 1)[0]
WRITTEN = Entry(sha256(CA), [], True)
STRANGER = "other/registry"


def test_on_a_bare_node_directories_and_file_are_made_and_recorded_before_they_are() -> None:
    plan = present([IP], CA, lambda path: ABSENT, EMPTY)
    assert steps(plan) == [
        ("mkdir", "/etc/docker"),
        ("mkdir", "/etc/docker/certs.d"),
        ("mkdir", FOLDER),
        ("write", PATH),
    ]
    assert plan.intent == Manifest({PATH: Entry(sha256(CA), [], False)}, ["/etc/docker", "/etc/docker/certs.d", FOLDER])
    assert plan.final == Manifest({PATH: WRITTEN}, ["/etc/docker", "/etc/docker/certs.d", FOLDER])


def test_what_is_right_and_recorded_is_left_alone() -> None:
    plan = Node({PATH: file(CA)}, {PATH: WRITTEN}).present(IP)
    assert (plan.steps, plan.notes, plan.final) == ([], [], Manifest({PATH: WRITTEN}, []))


def test_what_is_right_but_for_its_context_is_written_again() -> None:
    """As a run that was killed may have left it, and one that was moved there."""
    wrong = file(CA)._replace(context="SELinux type tmp_t instead of cert_t")
    plan = Node({PATH: wrong}, {PATH: WRITTEN}).present(IP)
    assert [(step.kind, step.path, step.why) for step in plan.steps] == [
        ("write", PATH, "SELinux type tmp_t instead of cert_t")
    ]
    assert plan.final == Manifest({PATH: WRITTEN}, [])


def test_an_identical_file_of_somebody_else_is_taken_over_as_it_is() -> None:
    plan = Node({PATH: file(CA)}).present(IP)
    assert plan.steps == []
    assert plan.notes == [f"{PATH}: is right already; recorded as ours from now on"]
    assert plan.final.files == {PATH: WRITTEN._replace(found=True)}


def test_a_file_that_was_there_before_is_there_afterwards_unless_it_was_written_anew() -> None:
    node = Node({PATH: file(CA)})
    node.manifest = node.present(IP).final
    again = node.present(IP)
    assert (again.steps, again.final) == ([], node.manifest)
    gone = node.absent()
    assert (gone.steps, gone.notes, gone.final) == ([], [f"{PATH}: left, it was there before"], EMPTY)
    rotated = node.present(IP, ca=CA + OTHER)
    node.states[PATH], node.manifest = file(CA + OTHER), rotated.final
    assert steps(node.absent()) == [("remove", PATH)]


def test_what_another_registry_of_ours_has_written_was_not_there_before() -> None:
    for found in (False, True):  # one that was there before either of them stays so
        entry = WRITTEN._replace(found=found)
        plan = Node({PATH: file(CA)}).present(IP, others=(other({PATH: entry}, registry=STRANGER, same=False),))
        assert (plan.final.files, plan.sibling) == ({PATH: entry}, None)


def test_a_file_that_trusts_the_same_with_other_words_around_it_is_taken_over() -> None:
    plan = Node({PATH: file(b"# the CA\r\n" + CA.replace(b"\n", b"\r\n"))}).present(IP)
    assert steps(plan) == [("write", PATH)]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (file(OTHER), "not written by us, and trusts other certificates"),
        (file(b"garbage"), "not written by us, and trusts other certificates"),
        (file(CA + OTHER), "not written by us, and trusts other certificates"),
        (link("/etc/origin/node/client-ca.crt"), "is a link to /etc/origin/node/client-ca.crt, not written by us"),
        (directory(), "is a directory, not written by us"),
        (State("other", b"", 0o600, 0, 0, "", (), False, ""), "is no regular file"),
    ],
)
def test_somebody_elses_thing_in_the_way_is_named_and_nothing_is_done(state: State, said: str) -> None:
    plan = Node({PATH: state}).present("host.example.com", IP)
    assert plan.steps == []
    (problem,) = plan.problems
    assert problem.startswith(PATH)
    assert said in problem


@pytest.mark.parametrize("place", ["/etc/docker", "/etc/docker/certs.d", FOLDER])
def test_a_directory_that_is_a_link_is_not_followed(place: str) -> None:
    node = Node({})
    node.states[place] = link("/nowhere")
    assert node.present(IP).problems == [
        f"{place}: is a link to /nowhere, which is not followed; remove it, or make it a directory"
    ]


def test_a_new_ca_replaces_ours_and_both_hashes_are_on_record_meanwhile() -> None:
    plan = Node({PATH: file(CA)}, {PATH: WRITTEN}).present(IP, ca=OTHER)
    assert steps(plan) == [("write", PATH)]
    assert plan.intent.files == {PATH: Entry(sha256(OTHER), [sha256(CA)], True)}
    assert plan.final.files == {PATH: Entry(sha256(OTHER), [], True)}


def test_ours_is_put_right_where_somebody_changed_it() -> None:
    plan = Node({PATH: file(b"emptied\n")}, {PATH: WRITTEN}).present(IP)
    assert [(step.path, step.why) for step in plan.steps] == [(PATH, "ours, but changed by somebody since")]


def test_ours_is_put_right_where_its_mode_keeps_docker_from_nothing_but_others_from_reading() -> None:
    assert steps(Node({PATH: file(CA, 0o600)}, {PATH: WRITTEN}).present(IP)) == [("write", PATH)]


@pytest.mark.parametrize("state", [link("/gone"), directory()])
def test_a_link_or_empty_directory_in_place_of_ours_is_replaced(state: State) -> None:
    plan = Node({PATH: state}, {PATH: WRITTEN}).present(IP)
    assert plan.problems == []
    assert plan.steps[-1].kind == "write"


def test_what_was_only_meant_to_be_written_does_not_make_a_later_foreign_file_ours() -> None:
    intended = {PATH: Entry(sha256(CA), [], False)}
    assert Node({PATH: file(OTHER)}, intended).present(IP).problems != []
    assert Node({PATH: file(CA)}, intended).present(IP).notes == []
    assert steps(Node({}, intended).present(IP)) == [("mkdir", FOLDER), ("write", PATH)]


def test_a_name_the_registry_has_no_more_goes_with_its_directory() -> None:
    old = ca_path(OLD)
    folder = old.rsplit("/", 1)[0]
    node = Node({PATH: file(CA), old: file(CA)}, {PATH: WRITTEN, old: WRITTEN}, (folder,))
    plan = node.present(IP)
    assert steps(plan) == [("remove", old), ("rmdir", folder)]
    assert old in plan.intent.files
    assert plan.intent.directories == [folder]
    assert plan.final == Manifest({PATH: WRITTEN}, [])


def test_a_directory_that_somebody_else_made_or_uses_stays() -> None:
    old = ca_path(OLD)
    folder = old.rsplit("/", 1)[0]
    recorded = {old: WRITTEN}
    assert steps(Node({old: file(CA)}, recorded).present(IP))[-1] == ("remove", old)
    used = Node({old: file(CA), folder: directory("ca.crt", "client.cert")}, recorded, (folder,))
    assert ("rmdir", folder) not in steps(used.present(IP))


def test_a_stale_file_that_somebody_changed_is_left_and_said() -> None:
    old = ca_path(OLD)
    plan = Node({old: file(OTHER)}, {old: WRITTEN}).absent()
    assert plan.steps == []
    assert plan.notes == [f"{old}: left, somebody else has changed it since"]
    assert plan.final == EMPTY


def test_other_entries_of_certs_d_are_not_even_looked_at() -> None:
    seen: list[str] = []
    node = Node({PATH: file(CA), "/etc/docker/certs.d/foreign:1/ca.crt": link("/gone")}, {PATH: WRITTEN})

    def look(path: str) -> State:
        seen.append(path)
        return node.look(path)

    present([IP], CA, look, node.manifest)
    assert [path for path in seen if "foreign" in path] == []


def test_a_file_that_another_registry_of_ours_needs_stays() -> None:
    needs = other({PATH: WRITTEN}, registry=STRANGER, same=False)
    plan = Node({PATH: file(CA)}, {PATH: WRITTEN}, (FOLDER,)).absent(needs)
    assert plan.steps == []
    assert plan.notes == [f"{PATH}: left, another registry needs it"]


def test_a_file_of_which_another_record_says_something_else_is_left_to_nobody() -> None:
    """As where somebody removed the other one's, and ours was written then."""
    claims = other({PATH: Entry(sha256(OTHER), [], True)})
    assert steps(Node({PATH: file(CA)}, {PATH: WRITTEN}, (FOLDER,)).absent(claims)) == [
        ("remove", PATH),
        ("rmdir", FOLDER),
    ]


# ---- what the other record of the same registry has, and what another registry's has


def test_what_the_other_record_of_the_registry_wrote_is_taken_over_with_its_directories() -> None:
    made = ("/etc/docker/certs.d", FOLDER)
    plan = Node({PATH: file(OTHER)}).present(IP, others=(other({PATH: Entry(sha256(OTHER), [], True)}, made),))
    assert (plan.problems, [(step.kind, step.path, step.why) for step in plan.steps]) == (
        [],
        [("write", PATH, "another CA")],
    )
    assert plan.intent == Manifest({PATH: Entry(sha256(CA), [sha256(OTHER)], True)}, list(made))
    assert (plan.final, plan.sibling) == (Manifest({PATH: WRITTEN}, list(made)), EMPTY)


def test_what_the_other_record_still_needs_stays_there() -> None:
    elsewhere = ca_path(OLD)
    folder = elsewhere.rpartition("/")[0]
    recorded = {PATH: WRITTEN, elsewhere: WRITTEN}
    made = ("/etc/docker/certs.d", FOLDER, folder)
    plan = Node({PATH: file(CA), elsewhere: file(CA)}).present(IP, ca=OTHER, others=(other(recorded, made),))
    assert plan.sibling == Manifest({elsewhere: WRITTEN}, ["/etc/docker/certs.d", folder])
    assert plan.final.directories == ["/etc/docker/certs.d", FOLDER], "the first one is both's"
    again = Node({PATH: file(OTHER), elsewhere: file(CA)})
    again.manifest = plan.final
    assert again.present(IP, ca=OTHER, others=(other(*plan.sibling),)).sibling is None


@pytest.mark.parametrize("found", [False, True])
def test_what_is_right_already_changes_the_record_and_remains_what_it_was(found: bool) -> None:
    entry = WRITTEN._replace(found=found)
    plan = Node({PATH: file(CA)}).present(IP, others=(other({PATH: entry}),))
    assert (plan.steps, plan.final.files, plan.sibling) == ([], {PATH: entry}, EMPTY)
    assert plan.notes == [f"{PATH}: is right already; recorded as ours from now on"]


def test_the_last_file_that_is_taken_over_takes_all_directories_along() -> None:
    """Also one of an engine that is there no more, and in which there is nothing else of ours."""
    plan = Node({PATH: file(CA)}).present(IP, ca=OTHER, others=(other({PATH: WRITTEN}, ("/etc/containers",)),))
    assert (plan.final.directories, plan.sibling) == (["/etc/containers"], EMPTY)


def test_what_is_on_both_records_is_then_on_this_one_alone() -> None:
    plan = Node({PATH: file(CA)}, {PATH: WRITTEN}).present(IP, others=(other({PATH: WRITTEN}, (FOLDER,)),))
    assert (plan.steps, plan.notes) == ([], [])
    assert (plan.final, plan.sibling) == (Manifest({PATH: WRITTEN}, [FOLDER]), EMPTY)


def test_what_the_other_record_lost_to_somebody_is_written_anew_and_on_its_record_no_more() -> None:
    plan = Node({FOLDER: directory()}).present(IP, others=(other({PATH: Entry(sha256(OTHER), [], True)}, (FOLDER,)),))
    assert (steps(plan), plan.sibling, plan.final.directories) == ([("write", PATH)], EMPTY, [FOLDER])


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (WRITTEN, "was written for default/docker-registry.route, has been changed by somebody since, and trusts"),
        (WRITTEN._replace(found=True), "is there already, not written by us, and trusts other certificates; look who"),
        (Entry(sha256(OTHER), [], True, True), "is there already, not written by us, and trusts other certificates;"),
        (WRITTEN._replace(written=False), "is there already, not written by us, and trusts other certificates; look"),
    ],
)
def test_what_the_other_record_did_not_write_as_it_is_is_named_for_what_it_is(entry: Entry, said: str) -> None:
    plan = Node({PATH: file(OTHER)}).present(IP, others=(other({PATH: entry}),))
    (problem,) = plan.problems
    assert problem.startswith(f"{PATH}: {said}")
    assert (plan.steps, plan.sibling) == ([], None)


@pytest.mark.parametrize("entry", [WRITTEN, Entry(sha256(OTHER), [], True), Entry(sha256(OTHER), [], True, True)])
def test_what_another_registry_has_on_record_is_refused_with_its_name(entry: Entry) -> None:
    plan = Node({PATH: file(OTHER)}).present(IP, others=(other({PATH: entry}, registry=STRANGER, same=False),))
    (problem,) = plan.problems
    assert problem == (
        f"{PATH}: is on record for the registry other/registry, and trusts other certificates; a name can be that of "
        "one registry alone, so take it from one of the two and run again"
    )
    intended = other({PATH: WRITTEN._replace(written=False)}, registry=STRANGER, same=False)
    (problem,) = Node({PATH: file(OTHER)}).present(IP, others=(intended,)).problems
    assert "not written by us" in problem, "it was never written: the file is somebody else's"


def test_a_directory_that_another_registry_made_goes_with_whoever_leaves_it_last() -> None:
    plan = Node({PATH: file(CA)}).present(IP, others=(other({PATH: WRITTEN}, (FOLDER,), STRANGER, False),))
    assert plan.final.directories == [FOLDER]


def test_absent_takes_files_and_the_directories_made_for_them_deepest_first() -> None:
    made = ("/etc/docker", "/etc/docker/certs.d", FOLDER)
    node = Node({PATH: file(CA)}, {PATH: WRITTEN}, made)
    node.states["/etc/docker/certs.d"] = directory(IP)
    plan = node.absent()
    assert steps(plan) == [
        ("remove", PATH),
        ("rmdir", FOLDER),
        ("rmdir", "/etc/docker/certs.d"),
        ("rmdir", "/etc/docker"),
    ]
    assert plan.final == EMPTY
