# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only writer. One object at a time: one read, at most one write, and in check mode none."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._patch import operations
from ansible_collections.okd.registry.plugins.module_utils._plan import (
    CREATED,
    DELETED,
    UNCHANGED,
    UPDATED,
    Change,
    plan,
    plan_absent,
)
from ansible_collections.okd.registry.plugins.module_utils._redact import shown

UNREAD: Any = object()
"""For ``live``: not read yet."""

ATTEMPTS = 6
DELETION_PATIENCE = 60.0  # seconds to wait for an object that is being deleted before making it anew

Desired = Mapping[str, Any]
Builder = Callable[["dict[str, Any] | None"], Desired]


@dataclass(frozen=True)
class Outcome:
    """What happened to one object, or in check mode what would.

    :param live: the object afterwards (in check mode as planned); None when it is gone.
    :param note: a sentence on why nothing was done, if there is something to say.
    """

    ref: ObjectRef
    change: Change
    live: dict[str, Any] | None
    note: str | None = None

    @property
    def changed(self) -> bool:
        return self.change.changed

    @property
    def resource(self) -> dict[str, Any]:
        """The entry for the ``resources`` return value."""
        return self.ref.entry(self.change.action)

    @property
    def action(self) -> str | None:
        """What was done, as a sentence; the same in check mode. None when there is nothing to say."""
        return sentence(self.ref, self.change) or self.note

    @property
    def diff(self) -> dict[str, str] | None:
        """The entry for ``diff``, None when nothing changed. Secret values are keyed hashes."""
        return diff_entry(self.ref, self.change.before, self.change.after) if self.changed else None


def ensure(
    api: Api,
    ref: ObjectRef,
    desired: Desired | Builder,
    *,
    check_mode: bool,
    live: dict[str, Any] | None = UNREAD,
    owner: str = "",
) -> Outcome:
    """Make an object be as desired: created, or patched where it differs, or left alone.

    When somebody else writes in between, reads and plans again, a few times.

    :param desired: the object, or a function from the live one (None if absent) to it, asked again after a conflict.
    :param live: the object, if the caller has just read it.
    :param owner: see ``_plan.annotation_for``; for objects that several registries share.
    :raises ConflictError: when others keep changing it.
    """
    build: Builder = desired if callable(desired) else (lambda _live: desired)
    ours: Change | None = None  # a write that got no answer, and may have been carried out
    problem: Exception | None = None
    for attempt in range(1, ATTEMPTS + 1):
        live = _present(api, ref, check_mode) if live is UNREAD else live
        change = plan(live, build(live), owner=owner)
        if not change.changed:
            return Outcome(ref, ours or change, live)
        if check_mode:
            return Outcome(ref, change, change.after)
        try:
            return Outcome(ref, change, write(api, ref, change))
        except (AlreadyExistsError, ConflictError) as exc:
            problem, ours = exc, change if exc.maybe_done else ours
        except NotFoundError as exc:
            if change.action == CREATED:
                raise
            problem = exc
        live = UNREAD
        api.pause(attempt)
    raise ConflictError(
        f"{ref} was changed by somebody else each of the {ATTEMPTS} times it was to be written. Find out who writes "
        f"it (another playbook run, a controller) and run again. The API server said last: {problem}",
        status=409,
    )


def amend(
    api: Api, ref: ObjectRef, edit: Callable[[dict[str, Any]], dict[str, Any]], *, check_mode: bool = False
) -> Outcome:
    """Change single fields of an object that is there, for a time, without making them ours.

    :param edit: from a copy of the live object to what it is to be; asked again after a conflict.
    :raises NotFoundError: when it is not there.
    :raises ConflictError: when others keep changing it.
    """
    ours: Change | None = None  # as in ``ensure``
    for attempt in range(1, ATTEMPTS + 1):
        live = api.get(ref)
        if live is None:
            raise NotFoundError(f"{ref} is not there any more, so it could not be changed: run again.", status=404)
        after = edit(deepcopy(live))
        steps = operations(live, after)
        if not steps:
            return Outcome(ref, ours or Change(UNCHANGED, before=live, after=live), live)
        read = {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"].get("resourceVersion")}
        patch = [read, *(step.as_json() for step in steps)]
        change = Change(UPDATED, patch=patch, before=live, after=after, fields=[step.field for step in steps])
        if check_mode:
            return Outcome(ref, change, after)
        try:
            return Outcome(ref, change, write(api, ref, change))
        except (ConflictError, NotFoundError) as exc:
            ours = change if exc.maybe_done else ours
            api.pause(attempt)
    raise ConflictError(f"{ref} kept changing while it was to be changed. Run again.", status=409)


def ensure_absent(
    api: Api,
    ref: ObjectRef,
    *,
    check_mode: bool,
    live: dict[str, Any] | None = UNREAD,
    keep: Callable[[dict[str, Any]], str | None] | None = None,
    propagation: str = "Background",
) -> Outcome:
    """Make an object go away.

    :param keep: given the live object, why it must stay (a sentence, or "" where nobody asks), or None.
    """
    ours: Change | None = None  # as in ``ensure``
    for attempt in range(1, ATTEMPTS + 1):
        live = _read(api, ref) if live is UNREAD else live
        why = keep(live) if keep and live is not None else None
        if live is None or why is not None or live["metadata"].get("deletionTimestamp"):
            return Outcome(ref, ours or Change("unchanged", before=live, after=live), live, why)
        change = plan_absent(live)
        if check_mode:
            return Outcome(ref, change, None)
        meta = live["metadata"]
        try:
            api.delete(ref, uid=meta.get("uid"), resource_version=meta.get("resourceVersion"), propagation=propagation)
            return Outcome(ref, change, None)
        except ConflictError as exc:
            live, ours = UNREAD, change if exc.maybe_done else ours
            api.pause(attempt)
    raise ConflictError(f"{ref} kept changing while it was to be deleted. Run again.", status=409)


def sentence(ref: ObjectRef, change: Change) -> str | None:
    """A change in words."""
    if change.action == UPDATED:
        if not change.fields:
            return f"Took over {ref}: nothing in it changes, its fields are noted as ours."
        return f"Updated {ref}: {', '.join(change.fields)}."
    return {CREATED: f"Created {ref}.", DELETED: f"Deleted {ref}."}.get(change.action)


def diff_entry(ref: ObjectRef, before: Desired | None, after: Desired | None) -> dict[str, str]:
    """Two versions of an object as Ansible shows differences; one that is not there is empty text."""
    header = f"{ref.api_version} {ref}"
    return {"before_header": header, "after_header": header, "before": as_yaml(before), "after": as_yaml(after)}


def as_yaml(obj: Desired | None) -> str:
    """An object as YAML for people, without secrets and server-owned fields."""
    return "" if obj is None else _yaml(shown(obj))


def _yaml(value: Mapping[str, Any]) -> str:
    """YAML with texts of several lines as blocks, and without aliases."""
    import yaml  # where a module runs without its libraries, the sentence about kubernetes is to come first

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
            return True

    def text(dumper: yaml.SafeDumper, content: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", content, style="|" if "\n" in content else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=True, default_flow_style=False, width=200))


def write(api: Api, ref: ObjectRef, change: Change) -> dict[str, Any]:
    """Make one planned change; the object afterwards.

    :raises AlreadyExistsError: as ConflictError and NotFoundError, when the object is another one than was read by now.
    """
    if change.action == CREATED:
        return api.create(change.after or {})
    try:
        return api.patch(ref, change.patch)
    except InvalidError as exc:
        # A patch that does not fit the object of now is refused before its resourceVersion is looked at.
        if _version(api.get(ref)) == _version(change.before):
            raise
        changed = ConflictError(f"{ref} changed since it was read", status=409)
        changed.maybe_done = exc.maybe_done
        raise changed from exc


def _version(obj: Desired | None) -> tuple[Any, Any]:
    meta = (obj or {}).get("metadata") or {}
    return meta.get("uid"), meta.get("resourceVersion")


def _read(api: Api, ref: ObjectRef) -> dict[str, Any] | None:
    """The object; None too where its kind is unknown to the cluster."""
    try:
        return api.get(ref)
    except KindNotServedError:
        return None


def _present(api: Api, ref: ObjectRef, check_mode: bool) -> dict[str, Any] | None:
    """The object, None if it is not there; one that is being deleted is waited for, since it cannot be kept."""
    live = api.get(ref)
    deadline = time.monotonic() + DELETION_PATIENCE
    with api.waiting():
        while live is not None and live["metadata"].get("deletionTimestamp"):
            if check_mode:
                return None
            if time.monotonic() > deadline:
                holds = ", ".join(live["metadata"].get("finalizers") or []) or "unknown"
                raise WaitError(
                    f"{ref} is being deleted and still there after {DELETION_PATIENCE:.0f} s (finalizers: {holds}). "
                    "It can be made anew only once it is gone."
                )
            api.pause(3)
            live = api.get(ref)
    return live
