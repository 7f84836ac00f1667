# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dockerd makes of --insecure-registry, as its sources say."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import flags


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("--insecure-registry=x:1", [("x:1", 0, 0)]),
        ("-D --insecure-registry x:1 -D", [("x:1", 1, 2)]),
        ("--insecure-registry --insecure-registry=x", [("--insecure-registry=x", 0, 1)]),  # takes whatever follows
        ("--insecure-registry", [("", 0, None)]),
        ("--insecure-registry=", [("", 0, 0)]),
        ("-- --insecure-registry=x", []),  # behind the end of flags
        ("--insecure-registry -- --insecure-registry=x", [("--", 0, 1), ("x", 2, 2)]),
        ("--insecure-registryx=y --insecure_registry=z -insecure-registry=q", []),
    ],
)
def test_flags_are_found_as_docker_finds_them(arguments: str, found: list[tuple[str, int, int | None]]) -> None:
    assert [tuple(flag) for flag in flags.find(arguments.encode().split())] == found


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("x:5000", "x:5000"),
        ("http://x:5000", "x:5000"),
        ("HTTPS://x:5000", "x:5000"),
        ("ftp://x:5000", "ftp://x:5000"),
        ("x:5000/", "x:5000/"),
    ],
)
def test_a_scheme_is_taken_off_as_docker_does(value: str, name: str) -> None:
    assert flags.names(value) == name


@pytest.mark.parametrize(
    ("value", "covered"),
    [
        ("172.30.0.0/16", ["a", "b"]),
        ("172.30.124.220/32", ["a"]),
        ("http://172.30.0.0/16", ["a", "b"]),
        ("172.30.124.220/16", ["a", "b"]),  # host bits are masked away, as Go's ParseCIDR does
        ("10.0.0.0/8", []),
        ("fd00::/8", ["b"]),
        ("0.0.0.0/0", ["a", "b"]),
        ("172.30.124.220", []),
        ("a", []),
        ("172.30.0.0/33", []),
    ],
)
def test_a_network_covers_every_name_that_resolves_into_it(value: str, covered: list[str]) -> None:
    addresses = {
        "a": [ipaddress.ip_address("172.30.124.220")],
        "b": [ipaddress.ip_address("fd00::1"), ipaddress.ip_address("172.30.9.9")],
        "c": [],
    }
    assert flags.covered_by(value, addresses) == covered
