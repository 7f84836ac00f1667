# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that ends site.yml."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.filter.registry_check_table import check_table


def _result(endpoint: str, step: str, error: str | None = None, status: str | None = None) -> dict[str, object]:
    status = status or ("failed" if error else "ok")
    ok = status != "failed"
    return {"endpoint": endpoint, "step": step, "ok": ok, "status": status, "seconds": 0.04, "error": error}


def test_a_line_for_each_host_and_endpoint_then_what_went_wrong() -> None:
    away = {"endpoint": "172.30.1.1:5000", "step": "login", "status": "unreachable", "error": "no answer"}
    skipped = {"endpoint": "r.example", "step": "push", "status": "skipped", "error": "login did not work"}
    hostvars: dict[str, dict[str, Any]] = {
        "node1": {
            "found": {
                "engine": "docker",
                "results": [
                    _result("172.30.1.1:5000", "push"),
                    _result("172.30.1.1:5000", "login"),
                    _result("r.example", "login", "docker does not verify", "warning"),
                    {**_result("router.example", "push"), "by": "client"},
                ],
            }
        },
        "n2": {
            "found": {
                "engine": "docker",
                "results": [_result("r.example", "login", "x509: unknown authority")],
                "not_run": [skipped],
                "leftovers": ["an image"],
            }
        },
        "localhost": {
            "found": {"engine": "client", "results": [_result("r.example", "login")], "not_run": [away, away]}
        },
    }
    assert check_table(["node1", "n2", "localhost"], hostvars, "found") == [
        "host       by      endpoint           login  push  total",
        "node1      docker  172.30.1.1:5000     0.04  0.04   0.08",
        "node1      docker  r.example        warning     -   0.04",
        "node1      client  router.example         -  0.04   0.04",
        "n2         docker  r.example         FAILED     -   0.04",
        "localhost  client  r.example           0.04     -   0.04",
        "localhost  client  172.30.1.1:5000        -     -      -",
        "node1: login warning: docker does not verify",
        "n2: login FAILED: x509: unknown authority",
        "n2: left in the engine: an image",
        "localhost: 172.30.1.1:5000 cannot be reached from here: no answer",
    ]


def test_a_host_that_was_not_checked_is_named() -> None:
    lines = check_table(
        ["gone", "broken"], {"gone": {}, "broken": {"found": {"failed": True, "msg": "no docker"}}}, "found"
    )
    assert lines[0].startswith("gone: not checked")
    assert lines[1] == "broken: no docker"
