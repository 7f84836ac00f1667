# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_storage_info found as lines that a person can read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._diagnose.reading import entries, mapping, number, word
from ansible_collections.okd.registry.plugins.plugin_utils._columns import aligned, size

_HEAD = ("REPOSITORY", "TAGS", "IMAGES", "SIZE", "ITS OWN", "BROKEN")


def lines(found: Mapping[str, Any]) -> list[str]:
    """Repositories, totals, and what is wrong with links and uploads.

    :param found: what the module returned.
    """
    totals = mapping(found.get("totals"))
    rows = [
        (str(one.get("name")), *(str(number(one.get(key)) or 0) for key in ("tags", "revisions")),
         *(size(number(one.get(key))) for key in ("bytes", "own_bytes")), str(number(one.get("broken")) or 0))
        for one in entries(found.get("repositories"))
    ]  # fmt: skip
    counted = [str(number(totals.get(key)) or 0) for key in ("tags", "revisions", "broken")]
    whole = ("in all", counted[0], counted[1], size(number(totals.get("bytes"))), "", counted[2])
    out = [_where(found), "", *aligned([_HEAD, *rows, whole]), "", "TOTALS", *aligned(_totals(totals))]
    for title, key, about in (
        ("BROKEN: what needs these cannot be pulled", "broken", ("repository", "kind", "name", "reason")),
        ("UNLINKED: deleted through the API, or lost", "unlinked", ("repository", "kind", "digest")),
        ("UPLOADS", "uploads", ("repository", "id", "problem")),
    ):
        listed = entries(found.get(key))
        out += _listed(title, listed, about, number(totals.get(key)) or len(listed)) if listed else []
    return out


def _where(found: Mapping[str, Any]) -> str:
    parts = [word(found.get("pod")), word(found.get("node")), word(found.get("root"))]
    whole = "" if found.get("complete") is not False else f"; not all of it: {found.get('reason')}"
    return f"STORAGE  {', '.join(part for part in parts if part)} (by {found.get('via')}){whole}"


def _totals(totals: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is stored, and what of it is shared, unused or under way."""
    stale = f"{number(totals.get('stale_uploads')) or 0} of them given up"
    for title, count, octets, more in (
        ("blobs", "blobs", "bytes", ""),
        ("  of several repositories", "shared_blobs", "shared_bytes", ""),
        ("  of none", "unreferenced_blobs", "unreferenced_bytes", ""),
        ("uploads", "uploads", "upload_bytes", stale if totals.get("uploads") else ""),
        ("files of others", "other_files", "other_bytes", ""),
    ):
        yield (
            title,
            str(number(totals.get(count)) or 0),
            ", ".join(filter(None, [size(number(totals.get(octets))), more])),
        )


def _listed(title: str, listed: list[dict[str, Any]], about: tuple[str, ...], count: int) -> list[str]:
    rest = [f"  and {count - len(listed)} more"] if count > len(listed) else []
    return ["", title, *aligned(tuple(str(one.get(key) or "") for key in about) for one in listed), *rest]
