# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What info.yml and storage.yml show, of what modules told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.plugin_utils import _columns, _state_table, _storage_table

STORED: dict[str, Any] = {
    "via": "exec",
    "pod": "docker-registry-1-a",
    "node": "node1",
    "root": "/registry",
    "complete": True,
    "reason": None,
    "totals": {
        "repositories": 2,
        "tags": 3,
        "revisions": 2,
        "blobs": 7,
        "bytes": 3072,
        "shared_blobs": 1,
        "shared_bytes": 1024,
        "unreferenced_blobs": 1,
        "unreferenced_bytes": 512,
        "uploads": 2,
        "upload_bytes": 10,
        "stale_uploads": 1,
        "broken": 3,
        "unlinked": 0,
        "other_files": 0,
        "other_bytes": 0,
    },
    "repositories": [
        {"name": "p/one", "tags": 2, "revisions": 2, "bytes": 2048, "own_bytes": 1024, "broken": 0},
        {"name": "p/two", "tags": 1, "revisions": 0, "bytes": 0, "own_bytes": 0, "broken": 3},
    ],
    "broken": [{"repository": "p/two", "kind": "tag", "name": "1", "path": "x", "reason": "it has no current link"}],
    "unlinked": [],
    "uploads": [
        {"repository": "p/one", "id": "3c1b", "problem": None},
        {"repository": "p/two", "id": "4d", "problem": "no file"},
    ],
}


def test_storage() -> None:
    assert _storage_table.lines(STORED) == [
        "STORAGE  docker-registry-1-a, node1, /registry (by exec)",
        "",
        "  REPOSITORY  TAGS  IMAGES  SIZE     ITS OWN  BROKEN",
        "  p/one       2     2       2.0 KiB  1.0 KiB  0",
        "  p/two       1     0       0 B      0 B      3",
        "  in all      3     2       3.0 KiB           3",
        "",
        "TOTALS",
        "  blobs                      7  3.0 KiB",
        "    of several repositories  1  1.0 KiB",
        "    of none                  1  512 B",
        "  uploads                    2  10 B, 1 of them given up",
        "  files of others            0  0 B",
        "",
        "BROKEN: what needs these cannot be pulled",
        "  p/two  tag  1  it has no current link",
        "  and 2 more",
        "",
        "UPLOADS",
        "  p/one  3c1b",
        "  p/two  4d    no file",
    ]


def test_storage_that_could_not_all_be_read() -> None:
    head = _storage_table.lines({**STORED, "complete": False, "reason": "permission denied"})[0]
    assert head.endswith("(by exec); not all of it: permission denied")


FOUND: dict[str, Any] = {
    "registry": {
        "name": "r",
        "namespace": "default",
        "endpoints": ["172.30.1.1:5000", "r.default.svc:5000"],
        "image": "registry:3",
        "replicas": 2,
    },
    "workload": {"ready_replicas": 1, "kind": "Deployment"},
    "layout": {"name": "okd.registry"},
    "pods": [
        {"name": "r-1", "node": "node1", "ready": True, "phase": "Running"},
        {"name": "r-2", "node": None, "ready": False, "phase": "Pending"},
    ],
    "served": [{"pod": "r-1", "sha256": "ab", "matches": True, "error": None}],
    "certificate": {"subject": "CN=r", "days_left": 700, "sha256": "ab", "sans": ["r.default.svc"]},
    "ca": [],
    "routes": [
        {
            "host": "r.example.com",
            "termination": "passthrough",
            "admitted": False,
            "reason": "HostAlreadyClaimed",
            "message": "a/b has it",
        }
    ],
    "storage": {
        "kind": "nfs",
        "device": "nfs:/e",
        "total_bytes": 4096,
        "used_bytes": 1024,
        "free_bytes": 3072,
        "error": None,
    },
    "logs": [
        {"pod": "r-1", "lines": [{"text": "level=info listening"}], "error": None},
        {"pod": "r-2", "lines": [], "error": "no container yet"},
    ],
}


def test_state() -> None:
    assert _state_table.lines(FOUND) == [
        "REGISTRY  default/r, registry:3, 1/2 ready, okd.registry",
        "",
        "NAMES",
        "  172.30.1.1:5000",
        "  r.default.svc:5000",
        "",
        "PODS",
        "  r-1  node1        ready               serves the Secret's certificate",
        "  r-2  no node yet  Pending, not ready",
        "",
        "CERTIFICATES",
        "  secret   CN=r  700 days left  ab  r.default.svc",
        "  pod r-1  CN=r  700 days left  ab  r.default.svc",
        "",
        "ROUTES",
        "  r.example.com  passthrough  not admitted, HostAlreadyClaimed: a/b has it",
        "",
        "STORAGE",
        "  nfs  nfs:/e  1.0 KiB of 4.0 KiB used, 3.0 KiB free",
        "",
        "LOG  r-1",
        "  level=info listening",
        "",
        "LOG  r-2",
        "  no container yet",
    ]


@pytest.mark.parametrize(
    ("matches", "said"),
    [(True, "serves the Secret's certificate"), (False, "serves another certificate than the Secret's"),
     (None, "serves a certificate, not compared: the Secret's is not known")],
)  # fmt: skip
def test_what_a_pod_serves_is_told_as_far_as_it_was_compared(matches: bool | None, said: str) -> None:
    lines = _state_table.lines({**FOUND, "served": [{**FOUND["served"][0], "matches": matches}]})
    assert lines[lines.index("PODS") + 1].endswith(f"  {said}")


def test_image_streams_where_they_were_asked_for() -> None:
    streams = [
        {"namespace": "shop", "name": "web", "repository": "172.30.1.1:5000/shop/web", "stale": False},
        {"namespace": "shop", "name": "db", "repository": "172.30.9.9:5000/shop/db", "stale": True},
    ]
    lines = _state_table.lines({**FOUND, "image_streams": streams, "logs": []})
    assert lines[lines.index("IMAGE STREAMS") + 1 :] == [
        "  shop/web  172.30.1.1:5000/shop/web",
        "  shop/db   172.30.9.9:5000/shop/db   by an address that the registry does not have",
    ]


@pytest.mark.parametrize(
    "found", [{}, {"registry": {"name": "r"}, "served": [{"pod": "x"}], "storage": {"error": "no"}}]
)
def test_of_less(found: dict[str, Any]) -> None:
    assert _state_table.lines(found)[0].startswith("REGISTRY")
    assert _storage_table.lines(found)[0].startswith("STORAGE")


@pytest.mark.parametrize(
    ("count", "said"),
    [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (3 * 2**40, "3.0 TiB"), (2**60, "1048576.0 TiB")],
)
def test_bytes(count: int | None, said: str) -> None:
    assert _columns.size(count) == said
