# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what to do about a DeploymentConfig: a pure function of it, its ReplicationControllers and the time.

The order of the decisions is that of OpenShift's DeploymentConfigController; a rollout, which there is a deployer
pod's work, is a step of the same plan here. All state is in the objects, so any plan may be the first after a
restart, and a plan with no actions means that nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from standins.daemon import stamp
from standins.deploymentconfigs import model, objects, rollout, status
from standins.deploymentconfigs.model import Config, Controller
from standins.kubeapi import Json

# Pods that terminate change nothing the controller watches: look again.
LOOK_AGAIN = 1.0


@dataclass(frozen=True)
class Create:
    """Create a version's ReplicationController."""

    body: Json


@dataclass(frozen=True)
class Update:
    """Write numbers and notes on a ReplicationController, if it still is as it was read."""

    controller: Controller
    replicas: int | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Adopt:
    """Make the DeploymentConfig the owner of a ReplicationController that has none."""

    name: str
    resource_version: str
    reference: Json


@dataclass(frozen=True)
class Delete:
    """Delete a ReplicationController that history no longer needs."""

    name: str


@dataclass(frozen=True)
class WriteStatus:
    """Write the DeploymentConfig's status, if it still is as it was read."""

    status: Json


Action = Create | Update | Adopt | Delete | WriteStatus


@dataclass(frozen=True)
class Plan:
    """Actions in their order, and after how many seconds to look again if nothing changes before."""

    actions: tuple[Action, ...] = ()
    look_again: float | None = None


def plan(dc: Json, rcs: Sequence[Json], now: datetime, pods: Mapping[str, int] | None = None) -> Plan:
    """Decide what to do next about one DeploymentConfig.

    ``rcs`` are the ReplicationControllers that carry its name in their label. ``pods`` counts the pods that exist
    by ReplicationController, terminating ones included; only Recreate asks for it.
    """
    config = model.read_config(dc)
    ours = [rc for rc in rcs if model.owner_of(rc) == config.uid]
    orphans = [rc for rc in rcs if model.owner_of(rc) is None and not rc["metadata"].get("deletionTimestamp")]
    if orphans and not config.deleting:
        return Plan(
            tuple(
                Adopt(rc["metadata"]["name"], rc["metadata"]["resourceVersion"], objects.owner_reference(dc))
                for rc in orphans
            )
        )
    planner = _Planner(dc, config, [model.read_controller(rc) for rc in ours], now, pods or {})
    return planner.decide()


class _Planner:
    """One decision; holds what all its parts look at."""

    def __init__(
        self, dc: Json, config: Config, controllers: list[Controller], now: datetime, pods: Mapping[str, int]
    ) -> None:
        self.dc = dc
        self.config = config
        self.controllers = controllers
        self.now = now
        self.pods = pods

    def decide(self) -> Plan:
        """Return the plan; the first thing that is to be done is all of it, the rest follows from its outcome."""
        config = self.config
        newest = max((c.version for c in self.controllers), default=0)
        latest = model.latest_of(config, self.controllers)
        if config.deleting or (config.never_rolled_out and not newest and not self._has_trigger()):
            return self._only_status()
        if config.paused:  # nothing new starts, nor are replicas followed; a rollout under way goes on
            return self._roll(latest) if latest and latest.in_flight else self._only_status(*self._prune())
        if newest > config.latest_version:  # a DeploymentConfig that was made again finds its old versions
            return Plan((WriteStatus({"latestVersion": newest}),))
        return self._new_version(latest) or self._old_version(latest)

    def _new_version(self, latest: Controller | None) -> Plan | None:
        """Return the way to a version that is asked for and not there, or None where there is none."""
        config = self.config
        overtaken = [self._cancel(c) for c in self.controllers if c.in_flight] if latest is None else []
        if overtaken:
            return Plan(tuple(overtaken))
        if config.unresolved_images or self._waits_for_image():
            return self._only_status()
        if self._triggered(latest):
            return Plan((WriteStatus({"latestVersion": config.latest_version + 1, "details": status.CONFIG_CHANGE}),))
        return self._create() if latest is None and not config.never_rolled_out else None

    def _old_version(self, latest: Controller | None) -> Plan:
        if latest is None:
            return self._only_status()
        return self._roll(latest) if latest.in_flight else self._reconcile()

    # -- triggers --------------------------------------------------------------------------------------------

    def _has_trigger(self) -> bool:
        return self.config.config_trigger or self.config.image_trigger

    def _waits_for_image(self) -> bool:
        config = self.config
        return config.never_rolled_out and config.image_trigger and not config.images_known

    def _triggered(self, latest: Controller | None) -> bool:
        if not self._has_trigger():
            return False
        if self.config.never_rolled_out:
            return True
        return self.config.config_trigger and latest is not None and latest.template != self.config.template

    # -- versions --------------------------------------------------------------------------------------------

    def _cancel(self, controller: Controller) -> Update:
        return Update(
            controller,
            annotations={
                model.CANCELLED: "true",
                model.PHASE: model.FAILED,
                model.STATUS_REASON: "newer deployment was found running",
                model.COMPLETED_AT: stamp(self.now),
            },
        )

    def _create(self) -> Plan:
        version = self.config.latest_version
        before = max(self.controllers, key=lambda c: c.version, default=None)
        # A rollout nobody's trigger explains was asked for by hand: latestVersion written into the status.
        by_hand = not self._has_trigger() or (before is not None and before.template == self.config.template)
        details = status.MANUAL if by_hand else self.config.status.get("details") or status.CONFIG_CHANGE
        body = objects.new_controller(self.dc, version, details["message"])
        told = self._status(extra=status.created_condition(body["metadata"]["name"], version))
        return Plan((Create(body), WriteStatus({**told, "details": details})))

    def _reconcile(self) -> Plan:
        """No rollout runs: the active version follows the configuration, the others have no pods."""
        active = model.active_of(self.controllers)
        actions: list[Action] = []
        for controller in self.controllers:
            wanted = self.config.replicas if controller is active and not self.config.test else 0
            if controller.wanted != wanted:
                actions.append(Update(controller, replicas=wanted))
        return self._only_status(*actions, *self._prune())

    def _prune(self) -> list[Action]:
        """Delete the oldest versions beyond the history limit; one that still has pods only counts."""
        limit = self.config.history_limit
        if limit is None:
            return []
        active = model.active_of(self.controllers)
        bound = active.version if active else self.config.latest_version
        old = sorted((c for c in self.controllers if c.version < bound), key=lambda c: c.version)
        return [Delete(c.name) for c in old[: max(0, len(old) - limit)] if c.wanted == 0 and not c.in_flight]

    # -- a rollout -------------------------------------------------------------------------------------------

    def _roll(self, latest: Controller) -> Plan:
        """Take a rollout one step further: begin it, move pods, end it."""
        previous = model.active_of(self.controllers)
        begin = self._begin(latest, previous)
        if begin:
            return Plan(begin)
        step = self._step(latest, previous)
        if step.complete and latest.settled:
            done = {model.PHASE: model.COMPLETE, model.COMPLETED_AT: stamp(self.now)}
            return Plan((Update(latest, annotations=done),))
        seen = self._only_status(observe=False).actions
        actions = self._scale(latest, previous, step)
        if actions:
            return Plan((*actions, *seen))
        late = self._late(latest)
        return Plan((self._fail(latest, late),)) if late else Plan(seen, self._next_look(latest))

    def _begin(self, latest: Controller, previous: Controller | None) -> tuple[Action, ...]:
        """Return what comes before the first step, and again where the user cancels or something else has pods."""
        if latest.cancelled:  # by the user, as `oc rollout cancel` does
            return (self._fail(latest, None),)
        if latest.phase != model.RUNNING:
            now = stamp(self.now)
            marks = {model.PHASE: model.RUNNING, model.STARTED_AT: now, model.PROGRESSED_AT: now}
            return (Update(latest, annotations=marks),)
        # As OpenShift's deployer does first: whatever is neither the new nor the last good version goes at once.
        others = [c for c in self.controllers if c is not latest and c is not previous and c.wanted > 0]
        return tuple(Update(c, replicas=0) for c in others)

    def _step(self, latest: Controller, previous: Controller | None) -> rollout.Step:
        new = rollout.Pool(latest.wanted, latest.created, latest.available)
        gone = rollout.Pool(0, 0, 0)
        old = rollout.Pool(previous.wanted, previous.created, previous.available) if previous else gone
        if self.config.strategy == model.RECREATE:
            left = sum(count for name, count in self.pods.items() if name != latest.name)
            return rollout.recreate(new, old, latest.desired, old_pods=left)
        if previous is None:
            return rollout.recreate(new, gone, latest.desired, old_pods=0)
        surge, unavailable = rollout.fenceposts(self.config.max_surge, self.config.max_unavailable, latest.desired)
        return rollout.rolling(new, old, latest.desired, surge, unavailable)

    def _scale(self, latest: Controller, previous: Controller | None, step: rollout.Step) -> list[Action]:
        actions: list[Action] = []
        changes_old = previous is not None and previous.wanted != step.old
        if latest.wanted != step.new or changes_old:
            actions.append(
                Update(
                    latest,
                    replicas=step.new if step.new != latest.wanted else None,
                    annotations={model.PROGRESSED_AT: stamp(self.now)},
                )
            )
        if previous is not None and changes_old:
            actions.append(Update(previous, replicas=step.old))
        return actions

    def _late(self, latest: Controller) -> str | None:
        """Return why a rollout has to be given up, or None."""
        since = latest.progressed or latest.started or self.now
        if self.now >= since + timedelta(seconds=self.config.timeout):
            return (
                f"no progress for {self.config.timeout} seconds: {latest.available} of {latest.desired} pods available"
            )
        begun = latest.started or self.now
        if self.now >= begun + timedelta(seconds=self.config.active_deadline):
            return f"the rollout took longer than {self.config.active_deadline} seconds"
        return None

    def _next_look(self, latest: Controller) -> float:
        if self.config.strategy == model.RECREATE and latest.wanted == 0:
            return LOOK_AGAIN
        since = latest.progressed or latest.started or self.now
        left = since + timedelta(seconds=self.config.timeout) - self.now
        return max(LOOK_AGAIN, left.total_seconds())

    def _fail(self, latest: Controller, reason: str | None) -> Update:
        notes = {model.PHASE: model.FAILED, model.COMPLETED_AT: stamp(self.now)}
        if reason:
            notes[model.STATUS_REASON] = reason
        return Update(latest, annotations=notes)

    # -- status ----------------------------------------------------------------------------------------------

    def _status(self, *, observe: bool = True, extra: Json | None = None) -> Json:
        return status.status_of(
            self.config,
            self.controllers,
            self.now,
            observe=observe,
            extra=extra,
            selector=objects.selector_text(self.dc),
        )

    def _only_status(self, *before: Action, observe: bool = True) -> Plan:
        wanted = self._status(observe=observe)
        if all(key in self.config.status and self.config.status[key] == value for key, value in wanted.items()):
            return Plan(before)
        return Plan((*before, WriteStatus(wanted)))
