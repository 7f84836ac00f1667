# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other tools for this job do wrong with insecure flags, one test for each defect: here the same files are safe.

The tools are roles, scripts and operators for OpenShift 3; each defect was seen by running their expression on these
very lines, or by reading it. A node with such a file is the test, from the file to what docker runs with.
"""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import registriesconf
from ansible_collections.okd.registry.tests.unit.plugins.module_utils._node.fakenode import FakeNode, Make

FILE = "/etc/sysconfig/docker"


def removed(node: FakeNode) -> str:
    """Run the module; give the file, and see that docker runs with just what it says."""
    node.call(remove_insecure=True)
    assert node.state["arguments"] == node.arguments()
    assert not node.call(remove_insecure=True)["changed"]
    return node.text()


def test_a_line_deleted_whole_takes_other_options_with_it(make: Make, names: list[str]) -> None:
    """A lineinfile with state=absent deletes the OPTIONS line, --selinux-enabled and all."""
    node = make(f"OPTIONS='--selinux-enabled --insecure-registry={names[0]} --log-driver=journald'\n")
    assert removed(node) == "OPTIONS='--selinux-enabled --log-driver=journald'\n"
    assert "--selinux-enabled" in node.state["arguments"]


def test_an_unbalanced_quote_keeps_docker_from_starting(make: Make, names: list[str]) -> None:
    """An expression that eats up to the next blank leaves OPTIONS=' where the flag was all there was."""
    node = make(f"OPTIONS='--insecure-registry={names[0]}'\n")
    assert removed(node) == "OPTIONS=''\n"
    assert node.state["active"]


def test_the_last_flag_goes_whichever_registry_it_names(make: Make, names: list[str]) -> None:
    """A greedy expression finds the last flag of a line, and takes that."""
    node = make(f"OPTIONS='--insecure-registry={names[0]} --insecure-registry=other.example.com:5000'\n")
    assert removed(node) == "OPTIONS='--insecure-registry=other.example.com:5000'\n"


@pytest.mark.parametrize("blank", [" ", "  ", "\t"])
def test_the_form_with_a_space_is_never_found(make: Make, names: list[str], blank: str) -> None:
    """An expression with a = passes over --insecure-registry X, and docker goes on unverified."""
    node = make(f"OPTIONS='-D --insecure-registry{blank}{names[0]}'\n")
    assert removed(node) == "OPTIONS='-D'\n"
    assert "--insecure-registry" not in node.state["arguments"]


def test_the_whole_insecure_registry_line_is_commented_out(make: Make, names: list[str]) -> None:
    """A replace that puts # before INSECURE_REGISTRY takes every other registry's flag away, too."""
    node = make(f"INSECURE_REGISTRY='--insecure-registry {names[0]} --insecure-registry other.example.com:5000'\n")
    assert removed(node) == "INSECURE_REGISTRY='--insecure-registry other.example.com:5000'\n"


def test_registries_conf_is_written_anew_whole(make: Make, names: list[str]) -> None:
    """A template over /etc/containers/registries.conf loses what the site had written there."""
    node = make("OPTIONS=-D\n")
    site = (
        "# of this site\n[registries.search]\nregistries = ['search.example.com'] # first\n\n"
        f"[registries.insecure]\nregistries = ['lab.example.com:5000', '{names[0]}']\n\n"
        "[registries.block]\nregistries = ['docker.io']\n"
    )
    node.write(registriesconf.PATH, site)
    node.call(remove_insecure=True)
    assert node.text(registriesconf.PATH) == site.replace(f", '{names[0]}'", "")


def test_a_network_written_into_the_tool_is_not_what_this_cluster_has(make: Make, names: list[str]) -> None:
    """172.30.0.0/16 taken out by name leaves a cluster with another network as it was, and hits what others need."""
    node = make("OPTIONS='--insecure-registry=172.30.0.0/16 --insecure-registry=127.0.0.0/16'\n")
    node.call(remove_insecure=True, insecure_networks="remove")
    assert node.text() == "OPTIONS='--insecure-registry=172.30.0.0/16'\n", "the one that covers this registry went"


def test_docker_is_restarted_whether_it_needs_that_or_not(make: Make) -> None:
    """A handler that any write notifies kills every container of a node for nothing."""
    node = make("OPTIONS=-D\n")
    node.call(remove_insecure=True)
    assert node.state["restarts"] == 0
