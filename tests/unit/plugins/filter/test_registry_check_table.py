# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that ends site.yml."""

from __future__ import annotations

from ansible_collections.okd.registry.plugins.filter.registry_check_table import check_table


def _result(endpoint: str, step: str, error: str | None = None) -> dict[str, object]:
    return {"endpoint": endpoint, "step": step, "ok": error is None, "seconds": 0.04, "error": error}


def test_a_line_for_each_node_and_endpoint() -> None:
    hostvars = {
        "node1": {
            "found": {
                "results": [
                    _result("172.30.1.1:5000", "login"),
                    _result("172.30.1.1:5000", "push"),
                    _result("r.example", "login"),
                ]
            }
        },
        "n2": {"found": {"results": [_result("r.example", "pull", "x509: unknown authority")]}},
    }
    assert check_table(["node1", "n2"], hostvars, "found") == [
        "node1  172.30.1.1:5000  login 0.04 s, push 0.04 s",
        "node1  r.example        login 0.04 s",
        "n2     r.example        pull FAILED: x509: unknown authority",
    ]


def test_a_host_that_was_not_checked_is_named() -> None:
    lines = check_table(
        ["gone", "broken"], {"gone": {}, "broken": {"found": {"failed": True, "msg": "no docker"}}}, "found"
    )
    assert lines[0].startswith("gone    -  not checked")
    assert lines[1] == "broken  -  no docker"
