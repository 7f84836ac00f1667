# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is there and what is wanted to one change. Pure; works the same on every API level, and in check mode.

What we own is recorded in one annotation, as a tree of field names. So there are three steps: what was ours and is
no longer wanted is taken away; what is wanted is laid over the rest; the tree is written anew. Everything else in the
object (fields of other people, defaults of the API) stays as it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._fields import (
    UNITS,
    element_keys,
    excluded,
    key_fields,
    same_value,
    says_nothing,
)
from ansible_collections.okd.registry.plugins.module_utils._patch import operations

OWNED = "okd.registry/owned"
"""The annotation; with ``-<hash>`` added where several registries share an object (see ``annotation_for``)."""

REMOVE: dict[str, Any] = {"$patch": "delete"}
"""As a value in ``desired``: this field must not be there, whoever set it."""

_LEND: dict[str, Any] = {"$patch": "lend"}
CREATED, UPDATED, UNCHANGED, DELETED = "created", "updated", "unchanged", "deleted"

_Tree = dict[str, Any]
_LEAF = 1
_MISSING: Any = object()
_IN_LIST = "="  # before the keys of list elements in a tree, where a map has its field names


def removed(**key: Any) -> dict[str, Any]:
    """As an element in a desired list that merges by key: no element with this key may be there, whoever set it."""
    return {**key, **REMOVE}


def lent(element: Mapping[str, Any]) -> dict[str, Any]:
    """As an element in a desired list that merges by key: it is to be there as it says, but is not ours by that, so
    that a later plan leaves it alone.
    """
    return {**element, **_LEND}


@dataclass(frozen=True)
class Change:
    """What is to be done to one object, and what it then is.

    :param action: ``created``, ``updated``, ``unchanged`` or ``deleted``.
    :param patch: JSON Patch for an update; its first step sets the resourceVersion that was read, so that the API
        answers 409 when somebody else wrote in between.
    :param before: the live object, None if there was none.
    :param after: the object as it will be, None once deleted.
    :param fields: the places that differ, for people; without our own annotation.
    """

    action: str
    patch: list[dict[str, Any]] = dataclass_field(default_factory=list)
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    fields: list[str] = dataclass_field(default_factory=list)

    @property
    def changed(self) -> bool:
        return self.action != UNCHANGED


def annotation_for(owner: str = "") -> str:
    """The name of the ownership annotation.

    :param owner: tells registries apart that share an object (a ServiceAccount, an SCC): ``default/docker-registry``.
        A name may have 63 characters, so it is hashed.
    """
    return f"{OWNED}-{hashlib.sha256(owner.encode()).hexdigest()[:10]}" if owner else OWNED


def plan(live: Mapping[str, Any] | None, desired: Mapping[str, Any], *, owner: str = "") -> Change:
    """The change that makes ``live`` what ``desired`` asks for.

    In ``desired``, ``None``, ``""``, ``[]`` and ``{}`` are the same as leaving a field out (but see ``_fields``: an
    empty label value or ``emptyDir: {}`` says something); ``REMOVE`` and ``removed()`` take away what others set.

    :param live: the object as read, None if it is not there.
    :param desired: the fields that are wanted, in an object with apiVersion, kind and metadata.
    """
    name = annotation_for(owner)
    wanted = _tree(_managed(desired), "")
    note = json.dumps(wanted, sort_keys=True, separators=(",", ":"))
    if live is None:
        after = _fresh(dict(desired), "")
        after["metadata"] = {
            **after["metadata"],
            "annotations": {**after["metadata"].get("annotations", {}), name: note},
        }
        return Change(CREATED, after=after)
    owned = _read_note(live, name)
    others = [_read_note(live, other) for other in _annotations(live) if other.startswith(OWNED) and other != name]
    dropped = _minus(owned, wanted)
    for tree in others:
        dropped = _not_in(dropped, tree)
    after = _prune(deepcopy(dict(live)), dropped, "")
    after = _overlay({} if after is _MISSING else after, _managed(desired), owned, "")
    if wanted or not name.startswith(f"{OWNED}-"):
        after["metadata"] = {**after["metadata"], "annotations": {**_annotations(after), name: note}}
    elif name in _annotations(after):  # of a shared object, of which nothing is ours any more
        rest = {k: v for k, v in _annotations(after).items() if k != name}
        after["metadata"] = {k: v for k, v in after["metadata"].items() if k != "annotations"}
        after["metadata"] |= {"annotations": rest} if rest else {}
    steps = operations(dict(live), after)
    if not steps:
        return Change(UNCHANGED, before=dict(live), after=dict(live))
    patch = [{"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"].get("resourceVersion")}]
    fields = [s.field for s in steps if not s.field.startswith(f"metadata.annotations.{OWNED}")]
    if "metadata.annotations" in fields and not _annotations(live) and list(_annotations(after)) == [name]:
        fields.remove("metadata.annotations")
    return Change(UPDATED, patch + [s.as_json() for s in steps], dict(live), after, fields)


def plan_absent(live: Mapping[str, Any] | None) -> Change:
    """The change that makes an object go away."""
    return Change(UNCHANGED) if live is None else Change(DELETED, before=dict(live))


def owned_by_us(live: Mapping[str, Any], owner: str = "") -> bool:
    """Whether this collection wrote the object before (for this owner)."""
    return annotation_for(owner) in _annotations(live)


def owns(live: Mapping[str, Any] | None, *path: str, owner: str = "") -> bool:
    """Whether a field is ours, by its names from the top; elements of lists as ``=key``, such as ``=5000|TCP``."""
    return _in_tree(_read_note(live, annotation_for(owner)) if live else {}, path)


def _in_tree(tree: Any, path: tuple[str, ...]) -> bool:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return False
        tree = tree[name]
    return True


def owned_by_anyone(live: Mapping[str, Any], *path: str) -> bool:
    """Whether a field is ours, whichever registry's: that of an object which several of them share."""
    owners = [name for name in _annotations(live) if name == OWNED or name.startswith(f"{OWNED}-")] if live else []
    return any(_in_tree(_read_note(live, name), path) for name in owners)


def owned_part(obj: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
    """What of an object is ours, as something to desire. For objects whose lists merge by key."""
    part = _restricted(obj, _read_note(obj, annotation_for(owner)), "")
    found = part if isinstance(part, dict) else {}
    meta = {key: obj["metadata"][key] for key in ("name", "namespace") if key in obj["metadata"]}
    return {
        **found,
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "metadata": {**found.get("metadata", {}), **meta},
    }


def _restricted(value: Any, tree: Any, name: str) -> Any:
    """The part of a value that a tree names."""
    if not isinstance(tree, dict):
        return deepcopy(value)
    if isinstance(value, list):
        keys = element_keys(name, value) or []
        pairs = [(e, tree[_IN_LIST + key]) for key, e in zip(keys, value, strict=False) if _IN_LIST + key in tree]
        return [_element(e, sub, name) for e, sub in pairs]
    if not isinstance(value, Mapping):
        return value
    return {key: _restricted(value[key], sub, key) for key, sub in tree.items() if key in value}


def _element(element: Any, tree: Any, name: str) -> Any:
    if not isinstance(element, Mapping):
        return element
    keys = {key: element[key] for key in key_fields(name) if key in element}
    return {**keys, **_restricted(element, tree, f"{name}[]")} if isinstance(tree, dict) else keys


def without_notes(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The object without our annotations, for diffs."""
    rest = {k: v for k, v in _annotations(obj).items() if not k.startswith(OWNED)}
    meta = {k: v for k, v in obj["metadata"].items() if k != "annotations"}
    return {**obj, "metadata": {**meta, "annotations": rest} if rest else meta}


def _annotations(obj: Mapping[str, Any]) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def _read_note(live: Mapping[str, Any], name: str) -> _Tree:
    """The tree in an annotation; one that cannot be read counts as empty: then nothing is taken away."""
    try:
        tree = json.loads(_annotations(live).get(name, "{}"))
    except ValueError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _managed(desired: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an object that can be owned: not its name, not what only the server writes."""
    kept = {k: v for k, v in desired.items() if k not in ("apiVersion", "kind", "status")}
    meta = {
        k: v for k, v in desired["metadata"].items() if k in ("labels", "annotations", "ownerReferences", "finalizers")
    }
    return {**kept, "metadata": meta}


# ---- trees -----------------------------------------------------------------------------------------------------------


def _tree(value: Any, name: str) -> Any:
    """The tree of what a desired value owns."""
    if isinstance(value, Mapping) and value:
        found = {k: _tree(v, k) for k, v in value.items() if not says_nothing(v, name, k) and not _is_removal(v)}
        return {k: v for k, v in found.items() if v != {}}
    if isinstance(value, list):
        keys = element_keys(name, value)
        if keys is None:
            return _fingerprint(value)
        if len(set(keys)) != len(keys):
            raise ValueError(f"{name}: two desired elements have the same key ({', '.join(keys)})")
        pairs = [(_IN_LIST + k, _element_tree(e, name)) for k, e in zip(keys, value, strict=True) if not _is_marked(e)]
        return dict(pairs)
    return _LEAF


def _element_tree(element: Any, name: str) -> Any:
    if not isinstance(element, Mapping):
        return _LEAF
    rest = {k: v for k, v in element.items() if k not in key_fields(name)}
    return (_tree(rest, f"{name}[]") or _LEAF) if rest else _LEAF


def _fingerprint(value: list[Any]) -> Any:
    """For atomic lists of maps a hash of what was wanted: the live list cannot tell a default from a dropped field."""
    if not any(isinstance(v, (Mapping, list)) for v in value):
        return _LEAF
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _minus(owned: Any, wanted: Any) -> _Tree:
    """What is in the first tree and not in the second; whole units and list elements where those are gone."""
    rest: _Tree = {}
    for key, sub in owned.items():
        if key not in wanted and (key in UNITS or key.startswith(_IN_LIST) or not isinstance(sub, dict)):
            rest[key] = _LEAF
        elif isinstance(sub, dict):
            still = wanted.get(key)
            deeper = _minus(sub, still if isinstance(still, dict) else {})
            if deeper:
                rest[key] = deeper
    return rest


def _not_in(dropped: _Tree, other: _Tree) -> _Tree:
    """What may be taken away when another owner wants what is in ``other``."""
    rest: _Tree = {}
    for key, sub in dropped.items():
        if key not in other:
            rest[key] = sub
        elif isinstance(sub, dict) and isinstance(other[key], dict):
            deeper = _not_in(sub, other[key])
            if deeper:
                rest[key] = deeper
    return rest


# ---- taking away -----------------------------------------------------------------------------------------------------


def _prune(value: Any, dropped: Any, name: str) -> Any:
    """``value`` without what ``dropped`` names; _MISSING when nothing of it is left."""
    if not isinstance(dropped, dict):
        return _MISSING
    if isinstance(value, list):
        keys = element_keys(name, value)
        if not keys:
            return value
        subs = [dropped.get(_IN_LIST + key, {}) for key in keys]
        left = [_prune(e, sub, f"{name}[]") for e, sub in zip(value, subs, strict=True) if isinstance(sub, dict)]
        return left or _MISSING
    if not isinstance(value, dict):
        return value
    result_map = {}
    for key, item in value.items():
        left = _prune(item, dropped[key], key) if key in dropped else item
        if left is not _MISSING:
            result_map[key] = left
    return result_map if result_map or not value else _MISSING


# ---- laying over -----------------------------------------------------------------------------------------------------


def _is_removal(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("$patch") == "delete"


def _is_marked(value: Any) -> bool:
    """Whether it is a removal, or lent: in neither case ours."""
    return isinstance(value, Mapping) and "$patch" in value


def _fresh(value: Any, name: str) -> Any:
    """A desired value as it is written where there was none: a copy without removal marks and what says nothing."""
    if isinstance(value, Mapping):
        fresh = {k: _fresh(v, k) for k, v in value.items() if not _is_removal(v) and k != "$patch"}
        return {k: v for k, v in fresh.items() if not says_nothing(v, name, k)}
    if isinstance(value, list):
        return [_fresh(v, name) for v in value if not _is_removal(v)]
    return value


def _overlay(live: dict[str, Any], desired: Mapping[str, Any], owned: Any, where: str) -> dict[str, Any]:
    """``live`` with every field of ``desired`` as desired.

    :param where: the map's field name, with ``[]`` added for elements of a list.
    """
    result = dict(live)
    for key, value in desired.items():
        if _is_removal(value):
            result.pop(key, None)
        elif says_nothing(value, where, key):
            if where == "env[]" and key == "value":  # a variable that is to be empty, not one of which nothing is said
                result.pop(key, None)
        elif result.get(key) is None:
            fresh = _fresh(value, key)
            if not says_nothing(fresh, where, key):
                result[key] = fresh
        else:
            result[key] = _merged(result[key], value, owned.get(key) if isinstance(owned, dict) else None, where, key)
    for key in excluded(where, desired, live):
        result.pop(key, None)
    return result


def _merged(live: Any, desired: Any, owned: Any, where: str, name: str) -> Any:
    if isinstance(live, dict) and isinstance(desired, Mapping):
        return _overlay(live, desired, owned, name)
    if isinstance(live, list) and isinstance(desired, list):
        live_keys, keys = element_keys(name, live), element_keys(name, desired)
        if live_keys is not None and keys is not None:
            return _merged_list((live, live_keys), (desired, keys), owned, name)
        recorded = isinstance(owned, str)
        untouched = _covers(live, desired, where, name) and (not recorded or owned == _fingerprint(desired))
        return live if untouched else _fresh(desired, name)
    if isinstance(live, (dict, list)) or isinstance(desired, (Mapping, list)):
        return _fresh(desired, name)
    return live if same_value(live, desired, where, name) else desired


def _merged_list(live: Any, desired: Any, owned: Any, name: str) -> list[Any]:
    """Elements in their live order, new ones behind them. Of doubles the last one counts, as with variables."""
    elements, keys = list(live[0]), list(live[1])
    for key, value in zip(desired[1], desired[0], strict=True):
        if _is_removal(value):
            elements = [e for e, k in zip(elements, keys, strict=True) if k != key]
            keys = [k for k in keys if k != key]
        elif key not in keys:
            elements.append(_fresh(value, name))
            keys.append(key)
        elif isinstance(value, Mapping):
            index = len(keys) - 1 - keys[::-1].index(key)
            known = owned.get(_IN_LIST + key) if isinstance(owned, dict) else None
            rest = {k: v for k, v in value.items() if k not in key_fields(name) and k != "$patch"}
            elements[index] = _overlay(elements[index], rest, known, f"{name}[]")
    return elements


def _covers(live: Any, desired: Any, where: str, name: str) -> bool:
    """Whether a live value, with its defaults, is what an atomic desired one asks for."""
    if isinstance(desired, Mapping):
        if not isinstance(live, dict):
            return not live and not desired
        return all(
            _covers(live.get(k), v, name, k) if not says_nothing(v, name, k) else not live.get(k)
            for k, v in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(live, list)
            and len(live) == len(desired)
            and all(_covers(a, b, where, name) for a, b in zip(live, desired, strict=True))
        )
    return not isinstance(live, (dict, list)) and same_value(live, desired, where, name)
