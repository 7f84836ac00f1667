# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From two versions of an object to a JSON Patch (RFC 6902) that turns one into the other. Pure.

Lists that merge by key are patched element by element, so that a change of one variable reads as one operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._fields import element_keys


@dataclass(frozen=True)
class Operation:
    """One step of a patch.

    :param field: the place as people write it, such as ``spec.template.spec.containers[registry].image``.
    """

    op: str
    path: str
    field: str
    value: Any = None

    def as_json(self) -> dict[str, Any]:
        body = {"op": self.op, "path": self.path}
        return body if self.op == "remove" else {**body, "value": self.value}


def equal(left: Any, right: Any) -> bool:
    """Equality as JSON has it: ``true`` is not ``1``."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(v, right[k]) for k, v in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def operations(before: Any, after: Any) -> list[Operation]:
    """The steps from ``before`` to ``after``; none when they are equal."""
    return list(_steps(before, after, "", "", ""))


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _steps(before: Any, after: Any, path: str, field: str, name: str) -> Iterator[Operation]:
    if equal(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _map_steps(before, after, path, field)
        return
    if isinstance(before, list) and isinstance(after, list):
        left, right = _identities(name, before), _identities(name, after)
        if left is not None and right is not None and _kept_in_order(left, right):
            yield from _list_steps((before, left), (after, right), path, field)
            return
    yield Operation("replace", path, field, after)


def _map_steps(before: dict[str, Any], after: dict[str, Any], path: str, field: str) -> Iterator[Operation]:
    dot = "." if field else ""
    for key in before:
        if key not in after:
            yield Operation("remove", f"{path}/{_escape(key)}", f"{field}{dot}{key}")
    for key, value in after.items():
        place, text = f"{path}/{_escape(key)}", f"{field}{dot}{key}"
        if key not in before:
            yield Operation("add", place, text, value)
        else:
            yield from _steps(before[key], value, place, text, key)


def _list_steps(before: Any, after: Any, path: str, field: str) -> Iterator[Operation]:
    """Removals from the end on, so that the indexes before them stay true; then changes; then what is new."""
    (old, old_ids), (new, new_ids) = before, after
    for index in reversed(range(len(old))):
        if old_ids[index] not in new_ids:
            yield Operation("remove", f"{path}/{index}", f"{field}[{old_ids[index][0]}]")
    kept = [(i, e) for i, e in zip(old_ids, old, strict=True) if i in new_ids]
    for index, (identity, element) in enumerate(kept):
        yield from _steps(element, new[index], f"{path}/{index}", f"{field}[{identity[0]}]", "")
    for identity, element in list(zip(new_ids, new, strict=True))[len(kept) :]:
        yield Operation("add", f"{path}/-", f"{field}[{identity[0]}]", element)


def _identities(name: str, elements: list[Any]) -> list[tuple[str, int]] | None:
    """Key and how often it came before: the API allows an environment variable to be there twice."""
    keys = element_keys(name, elements)
    if keys is None:
        return None
    seen: Counter[str] = Counter()
    found = []
    for key in keys:
        found.append((key, seen[key]))
        seen[key] += 1
    return found


def _kept_in_order(left: list[tuple[str, int]], right: list[tuple[str, int]]) -> bool:
    kept = [i for i in left if i in right]
    return right[: len(kept)] == kept
