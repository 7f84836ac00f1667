# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One migration, step by step: each call looks where it is, goes on for a few seconds, and says how far it is.

Nothing is remembered but in the cluster (``state``, the Services, the workload) and on the target, so it does not
matter whether the next call is of the same run. Order: copy while the registry serves, verify what was copied, close
the door, copy the rest, compare, verify the rest, note the proof. The switch itself is the caller's (``switch``).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _helper
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.storage import Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError, WaitError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._migrate import content, door, progress, state, worker
from ansible_collections.okd.registry.plugins.module_utils._migrate.content import Files, Union
from ansible_collections.okd.registry.plugins.module_utils._migrate.route import (
    Route,
    live_source,
    needed,
    route,
)
from ansible_collections.okd.registry.plugins.module_utils._migrate.state import (
    CLOSED,
    CLOSING,
    COPYING,
    NO_DOOR,
    PROVED,
    SERVICE,
    State,
)
from ansible_collections.okd.registry.plugins.module_utils._migrate.transfer import (
    BATCH,
    COUNT,
    VERIFIED,
    Place,
    Transfer,
)
from ansible_collections.okd.registry.plugins.module_utils._migrate.worker import Waiting
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._result import Result

MARKER = "marker.json"
#: Steps in a row in which nothing could be copied, after which it is given up.
PATIENCE = 4


@dataclass(frozen=True)
class Ask:
    """What is to be done.

    :param template: pod template of the pods that will have the target; None for that of the live ones.
    :param seconds: for which one step may go on; looking at many files may make it longer.
    :param run: who asks; see ``State.run``.
    :param first: whether that takes the migration over from whoever had it.
    """

    registry: Registry
    ref: ObjectRef
    workload: dict[str, Any] | None
    storage: Storage
    template: Mapping[str, Any] | None
    helper_image: str
    seconds: float
    run: str = ""
    first: bool = True


class Steps:
    """The steps of one migration; :meth:`step` takes the next one."""

    def __init__(self, api: Api, ask: Ask, result: Result) -> None:
        self._api, self._ask, self._result = api, ask, result
        self._map = state.ref(ask.registry.name, ask.registry.namespace)

    # ---- where it is -------------------------------------------------------------------------------------------------

    def idle(self) -> str | None:
        """Why there is nothing to do, as a sentence."""
        return needed(self._ask.workload, self._ask.storage.source())

    def look(self) -> tuple[State | None, Route, door.Seen]:
        """The state noted, the way, and the objects it depends on.

        :raises RefusedError: where there is no way.
        """
        workload = self._ask.workload or {}
        noted = state.read(self._api.get(self._map))
        seen = door.look(self._api, self._ask.ref, workload)
        claim = self._claim(workload)
        found = route(workload, self._ask.storage, seen.pods, claim, relay=bool(noted and noted.relay))
        return noted, found, seen

    def _claim(self, workload: Mapping[str, Any]) -> dict[str, Any] | None:
        source, _path = live_source(workload)
        name = (source.get("persistentVolumeClaim") or {}).get("claimName")
        where = self._ask.registry.namespace
        return self._api.get(ObjectRef("v1", "PersistentVolumeClaim", name, where)) if name else None

    def _save(self, new: State, *, first: bool = False) -> State:
        """Note the state, unless somebody else has taken over."""
        mine, name, namespace = new.with_(run=self._ask.run), self._ask.registry.name, self._ask.registry.namespace

        def build(live: dict[str, Any] | None) -> dict[str, Any]:
            if not first:
                self._check(state.read(live))
            return state.config_map(mine, name, namespace)

        ensure(self._api, self._map, build, check_mode=False)
        return mine

    def _check(self, noted: State | None) -> None:
        """Raises RefusedError where the migration is another run's by now, or over."""
        if noted is None or noted.run != self._ask.run:
            raise taken_over(self._map)

    def _still(self) -> None:
        """Before what cannot be taken back."""
        self._check(state.read(self._api.get(self._map)))

    # ---- one step ----------------------------------------------------------------------------------------------------

    def step(self) -> dict[str, Any]:
        """Go on for a while. What :func:`progress.told` gives."""
        noted, way, seen = self.look()
        fits = noted is not None and noted.is_for(way.source, way.target)
        if noted and fits and noted.phase == PROVED and not door.closed(noted, seen):
            return progress.proved(noted)
        now = self._begun(noted, way, seen)
        if now.phase == PROVED:
            now = self._save(now.with_(phase=CLOSING))
        if now.phase == CLOSING:
            return self._close(now, way, seen)
        if now.phase == CLOSED:
            why = door.closed(now, seen)
            if why:
                now = self._save(now.with_(phase=CLOSING))
                return progress.told(now, f"the door has been opened ({why}); it is closed again")
        found = self._transfer(now, way, seen)
        if isinstance(found, Waiting):
            return progress.told(now, f"waiting for the helper: {found.cause.short or found.cause.text}")
        if isinstance(found, State):
            return progress.told(found, "the volume cannot be mounted twice: copying through the registry's pods")
        return self._bulk(now, way, seen, found) if now.phase == COPYING else self._rest(now, way, seen, found)

    def _begun(self, noted: State | None, way: Route, seen: door.Seen) -> State:
        if not self._ask.first:
            self._check(noted)
        if noted and noted.is_for(way.source, way.target):
            return noted if noted.run == self._ask.run else self._save(noted, first=True)
        if noted:  # somewhere else was asked for before
            undo(self._api, self._ask.ref, seen.workload, noted, self._result, check_mode=False)
        uid = str((self._ask.workload or {})["metadata"].get("uid"))
        return self._save(state.new(way.source, way.target, uid=uid, now=time.time()), first=True)

    def _transfer(self, now: State, way: Route, seen: door.Seen) -> Transfer | Waiting | State:
        ask = self._ask
        wanted = worker.helper(ask.registry.name, ask.registry.namespace, way, ask.helper_image)
        try:
            found = worker.attached(self._api, wanted, seen.workload, ask.template, way, seconds=ask.seconds)
        except WaitError as exc:
            if exc.details.get("category") in ("schedule", "mount") and not way.relay and way.pods:
                return self._save(now.with_(relay=True))
            raise
        if isinstance(found, Waiting):
            return found
        if not way.relay:
            base = f"/source/{way.sub}".rstrip("/")
            places = [Place(found.namespace, found.pod, found.container, base, way.tree)]
        else:
            name = layout.container_name(seen.workload)
            places = [
                Place(found.namespace, p["metadata"]["name"], name, way.path, way.tree)
                for p in way.pods
                if now.door != SERVICE or p["metadata"]["uid"] in now.pods
            ]
        return Transfer(self._api, found, places, way.tree, local=not way.relay)

    # ---- copying -----------------------------------------------------------------------------------------------------

    def _bulk(self, now: State, way: Route, seen: door.Seen, transfer: Transfer) -> dict[str, Any]:
        """While the registry serves: copy all there is, verify it, then begin to close the door."""
        begun = time.monotonic()
        union, here = transfer.source(strict=False), transfer.here()
        self._admit(now, transfer, union.files, here)
        origin = set(now.copied_from) | _origin(way)
        if origin != set(now.copied_from):
            now = self._save(now.with_(copied_from=tuple(sorted(origin))))
        end = self._end(begun)
        todo = content.lacking(union.files, here)
        if todo and not now.passes:
            copied = self._copy(transfer, todo, union, end)
            return progress.copying(self._watched(now, todo, transfer), union.files, todo, copied)
        now = now if now.passes else self._save(now.with_(passes=1, stuck=0))
        done = transfer.note(VERIFIED).split()
        common = Files({p: s for p, s in here.blobs.items() if union.files.blobs.get(p) == s}, here.others)
        unsure = content.unverified(common, done)
        if unsure:
            now, sure = self._verify(now, transfer, unsure, union, end)
            return progress.verifying(now, union.files, len(common.blobs) - len(unsure) + sure)
        now = self._save(door.plan(now, way.door, seen).with_(phase=CLOSING, closing=time.time()))
        if not way.relay and way.node:  # its pods may move to another node, and the volume with them
            _helper.remove(self._api, worker.helper(self._ask.registry.name, self._ask.registry.namespace, None))
        return progress.told(now, "all copied and verified so far; pushes are kept out now", union.files)

    def _admit(self, now: State, transfer: Transfer, source: Files, here: Files) -> None:
        """Refuse a target with content that is not this registry's; mark one that is."""
        try:
            marker = json.loads(transfer.note(MARKER) or "{}")
        except ValueError:
            marker = {}
        if (
            marker.get("id") == now.id
        ):  # nobody but this migration writes here before the switch, after which it is over
            return
        others = content.foreign(source, here)
        if others:
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            raise RefusedError(
                f"{state.described(now.target)} holds what this registry does not have: {', '.join(others[:3])}{more}."
                " Images are copied into an empty volume only: empty it, or choose another one."
            )
        transfer.drop(VERIFIED)
        transfer.write(MARKER, json.dumps({"registry": str(self._ask.registry), "id": now.id}))

    def _copy(self, transfer: Transfer, todo: list[str], union: Union, end: float) -> list[str]:
        """Copy until the time is over. What was tried."""
        tried: list[str] = []
        for batch in content.batches(todo, union.files, most=BATCH, count=COUNT):
            if len(batch) == 1 and union.files.size(batch[0]) > BATCH:
                for _there in transfer.pieces(batch[0], union):
                    if time.monotonic() > end:
                        return tried
            else:
                transfer.copy(batch, union)
            tried += batch
            if time.monotonic() > end:
                break
        return tried

    def _watched(self, now: State, todo: list[str], transfer: Transfer) -> State:
        """Give up where one look after the other finds the same files missing."""
        mark = f"{len(todo)}:{todo[0]}:{todo[-1]}"
        stuck = now.stuck + 1 if mark == now.lacking and not transfer.pieces_copied else 0
        if stuck >= PATIENCE:
            raise WaitError(
                f"{todo[0]} and {len(todo) - 1} more files do not get to {state.described(now.target)}:"
                f" {transfer.said or 'they are gone again after they were copied'}"
            )
        if (now.stuck, now.lacking) == (stuck, mark):
            return now
        return self._save(now.with_(stuck=stuck, lacking=mark))

    def _verify(self, now: State, transfer: Transfer, unsure: list[str], union: Union, end: float) -> tuple[State, int]:
        """Compute digests until the time is over. How many are right."""
        sure = 0
        for batch in content.batches(unsure, union.files, most=4 * BATCH, count=COUNT):
            right, wrong = transfer.digests(batch, sum(map(union.files.size, batch)))
            for path in wrong:
                if transfer.is_damaged(path, union):
                    right.append(path)
                    now = self._save(now.with_(damaged=tuple(sorted({*now.damaged, path}))))
                else:
                    transfer.forget(path)
                    now = self._save(now.with_(passes=0))
            transfer.write(VERIFIED, "".join(f"{content.digest_of(path)}\n" for path in right), add=True)
            sure += len(right)
            if time.monotonic() > end:
                break
        return now, sure

    def _end(self, begun: float) -> float:
        """Until when to go on: for longer where looking takes long, or most of the time would go into looks."""
        looked = time.monotonic() - begun
        return time.monotonic() + max(self._ask.seconds, 3 * looked)

    # ---- the closed window -------------------------------------------------------------------------------------------

    def _close(self, now: State, way: Route, seen: door.Seen) -> dict[str, Any]:
        if now.door in ("", NO_DOOR):  # with pods that have been started since, another one
            now = self._save(door.plan(now, way.door, seen))
        waiting = door.close(self._api, now, seen, seconds=self._ask.seconds, add=self._result.add, still=self._still)
        if waiting:
            return progress.told(now, f"keeping pushes out: {waiting}")
        now = self._save(now.with_(phase=CLOSED, closed=now.closed or time.time()))
        return progress.told(now, "pushes are kept out" + ("" if now.door == SERVICE else ", pulls go on"))

    def _rest(self, now: State, way: Route, seen: door.Seen, transfer: Transfer) -> dict[str, Any]:
        """What came and went since the bulk copy; then everything is compared."""
        gone = _pods_lost(now, seen)
        if gone:
            raise WaitError(f"{gone}. Run again: the migration then begins anew with the pods there are.")
        begun = time.monotonic()
        union, here = transfer.source(strict=True), transfer.here()
        self._admit(now, transfer, union.files, here)
        # What was pruned, or a tag that was deleted, is not to come back. Where a pod went, its files are not there any
        # more for another reason, and what was copied of them is all there is.
        gone_since = content.surplus(union.files, here) if _is_same_source(now, way) else []
        if gone_since and union.files.count:
            transfer.remove(gone_since)
            return progress.told(now, f"removed {len(gone_since)} files that were deleted meanwhile", union.files)
        end = self._end(begun)
        todo = content.lacking(union.files, here)
        if todo:
            copied = self._copy(transfer, todo, union, end)
            return progress.copying(self._watched(now, todo, transfer), union.files, todo, copied)
        done = transfer.note(VERIFIED).split()
        unsure = [path for path in content.unverified(here, done) if path in union.files.blobs]
        if unsure:
            now, sure = self._verify(now, transfer, unsure, union, end)
            return progress.verifying(now, union.files, len(union.files.blobs) - len(unsure) + sure)
        transfer.permit()
        return self._prove(now, union.files)

    def _prove(self, now: State, files: Files) -> dict[str, Any]:
        _helper.remove(self._api, worker.helper(self._ask.registry.name, self._ask.registry.namespace, None))
        seen = door.look(self._api, self._ask.ref, self._ask.workload or {})
        why = door.closed(now, seen)
        if why:
            now = self._save(now.with_(phase=CLOSING))
            return progress.told(now, f"the door has been opened ({why}); it is closed again")
        totals = {
            "repositories": len(files.repositories()), "blobs": len(files.blobs), "bytes": files.bytes,
            "verified": len(files.blobs) - len(now.damaged),
        }  # fmt: skip
        return progress.proved(self._save(now.with_(phase=PROVED, totals=totals)))


def _origin(way: Route) -> set[str]:
    """What tells a source from another one of the same description: pods with volumes of their own, nodes."""
    if "emptyDir" in way.source:
        return {str(pod["metadata"]["uid"]) for pod in way.pods}
    return {str(pod["spec"].get("nodeName")) for pod in way.pods} if "hostPath" in way.source else set()


def _is_same_source(now: State, way: Route) -> bool:
    """Whether all that files were copied from is what is looked at now."""
    if "emptyDir" in way.source:
        return bool(now.copied_from) and set(now.copied_from) <= set(now.pods)
    return set(now.copied_from) <= _origin(way)


def taken_over(where: ObjectRef) -> RefusedError:
    """The end of a run whose migration is another one's by now; it leaves everything as it is."""
    return RefusedError(
        f"Another run has taken this migration over ({where}), or has ended it: this one leaves it alone.",
        taken_over=True,
    )


def _pods_lost(now: State, seen: door.Seen) -> str | None:
    gone = door.lost(now, seen) if now.door == SERVICE else []
    return f"{len(gone)} of the pods whose images are copied went meanwhile" if gone else None


# ---- giving up -------------------------------------------------------------------------------------------------------


def undo(
    api: Api, ref: ObjectRef, workload: Mapping[str, Any], noted: State, result: Result, *, check_mode: bool,
    keep: bool = False,
) -> list[str]:  # fmt: skip
    """Let the registry serve as before. What was copied stays on the target.

    :param keep: whether the migration may go on later.
    :returns: what was, or in check mode would be, done.
    """
    where = state.ref(ref.name, ref.namespace or "")
    if not check_mode and noted.run:  # from here on, what is left of a killed run does nothing more
        noted = noted.with_(run="")
        ensure(api, where, state.config_map(noted, ref.name, ref.namespace or ""), check_mode=False)
    seen = door.look(api, ref, workload)
    names = door.open_services(api, noted, seen, result.add, check_mode=check_mode)
    told = [f"The selector of Service {ref.namespace}/{name} is as before." for name in names]
    if door.open_workload(api, noted, seen, result.add, check_mode=check_mode):
        told.append(f"{ref} takes pushes again, after one more rollout.")
    if not check_mode:
        _helper.remove(api, worker.helper(ref.name, ref.namespace or "", None))
        if keep:
            closed = noted.closed_seconds + (time.time() - noted.closing if noted.closing else 0)
            again = noted.with_(
                phase=COPYING, door="", closing=0.0, closed=0.0, closed_seconds=closed, services=(), pods={},
                read_only="", passes=0, stuck=0, lacking="",
            )  # fmt: skip
            ensure(api, where, state.config_map(again, ref.name, ref.namespace or ""), check_mode=False)
    if not keep:
        result.add(ensure_absent(api, where, check_mode=check_mode))
    return told
