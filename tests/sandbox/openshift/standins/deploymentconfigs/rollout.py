# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of a rollout: how many pods the old and the new version should have next.

Rolling is kubectl's rolling updater, which OpenShift's deployer uses; the first rollout of a DeploymentConfig
goes the way of Recreate, as there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Share = int | str


@dataclass(frozen=True)
class Pool:
    """The pods of one version: how many are wanted, exist and are available."""

    wanted: int
    created: int
    available: int


@dataclass(frozen=True)
class Step:
    """What to do next: the wanted numbers, or the end of the rollout."""

    new: int
    old: int
    complete: bool = False


def portion(share: Share, of: int, *, round_up: bool) -> int:
    """Return a number of pods: an absolute one, or a percentage of ``of``."""
    text = str(share)
    if not text.endswith("%"):
        return int(text)
    exact = int(text[:-1]) * of / 100
    return math.ceil(exact) if round_up else math.floor(exact)


def fenceposts(max_surge: Share, max_unavailable: Share, desired: int) -> tuple[int, int]:
    """Return surge and unavailability as numbers of pods.

    A surge is rounded up, unavailability down; where that leaves no room at all, one pod may be unavailable
    (as in Kubernetes' ResolveFenceposts).
    """
    surge = portion(max_surge, desired, round_up=True)
    unavailable = min(portion(max_unavailable, desired, round_up=False), desired)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, unavailable


def rolling(new: Pool, old: Pool, desired: int, surge: int, unavailable: int) -> Step:
    """Return the next step from an old version to a new one without going below ``desired - unavailable``.

    The new version grows as far as the surge allows (all the way once nothing old is left); the old one shrinks
    by as much as the new one has available. Old pods count as available, whatever they are: a broken old version
    must not stop the new one.
    """
    if new.wanted == desired and old.wanted == 0:
        return Step(desired, 0, complete=min(new.available, new.wanted) >= desired - unavailable)
    room = desired - new.wanted if old.wanted == 0 else desired + surge - old.wanted - new.wanted
    next_new = min(desired, new.wanted + max(0, room)) if new.wanted <= desired else desired
    available = min(new.available, new.wanted)
    minimum = max(0, desired - unavailable)
    next_old = min(old.wanted, max(0, minimum - available))
    return Step(next_new, next_old)


def recreate(new: Pool, old: Pool, desired: int, *, old_pods: int) -> Step:
    """Return the next step where the old pods go before the first new one comes.

    ``old_pods`` counts pods of old versions that still exist, terminating ones included. The first new pod
    must be available before the others follow.
    """
    if old.wanted > 0:
        return Step(new.wanted, 0)
    if old.created > 0 or old_pods > 0:
        return Step(new.wanted, 0)
    if new.wanted == 0 and desired > 0:
        return Step(1, 0)
    available = min(new.available, new.wanted)
    if new.wanted < desired:
        return Step(desired if available >= 1 else new.wanted, 0)
    return Step(desired, 0, complete=available >= desired)
