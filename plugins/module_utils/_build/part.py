# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one feature adds to a registry's pod. Pure.

A feature (storage, TLS, configuration, scheduling) says what it needs as a :class:`Part`; ``_build/pod`` puts the parts
together, and lends each mount the name of the volume that is already there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

EnvValue = "str | Mapping[str, Any] | None"
"""Of a variable: its text; a ``valueFrom`` as a map; None to remove the variable, whoever set it. Or the whole entry,
with its name, as ``_plan.lent`` has it."""


@dataclass(frozen=True)
class Mount:
    """A volume at a path of the registry's container.

    :param source: the volume's source, such as ``{"secret": {"secretName": "x"}}``; ``{}`` for a volume of others.
    :param volume: name of the volume, where nothing is mounted at the path yet.
    :param named: whether that is its name also where another one is mounted there.
    :param sub_path: the one file of the volume that is mounted, at ``path``; empty for all of it.
    """

    path: str
    source: Mapping[str, Any]
    volume: str
    read_only: bool = False
    named: bool = False
    sub_path: str = ""


@dataclass(frozen=True)
class Part:
    """What one feature adds.

    :param env: variables by name; of two parts, the later one wins.
    :param gone: names of volumes that must not be there, nor their mounts, whoever put them there.
    :param pod: fields of the pod's spec.
    :param container: fields of the registry's container.
    :param checksum: facts that pods read only at their start, by name: when one changes, pods are started anew. None is
        the same as leaving it out; never secret bytes.
    """

    env: Mapping[str, Any] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    gone: tuple[str, ...] = ()
    pod: Mapping[str, Any] = field(default_factory=dict)
    container: Mapping[str, Any] = field(default_factory=dict)
    checksum: Mapping[str, str | None] = field(default_factory=dict)


def joined(parts: Iterable[Part]) -> Part:
    """All parts as one; maps are merged in depth, the later part wins."""
    env: dict[str, Any] = {}
    mounts: tuple[Mount, ...] = ()
    gone: tuple[str, ...] = ()
    pod: dict[str, Any] = {}
    container: dict[str, Any] = {}
    checksum: dict[str, str | None] = {}
    for part in parts:
        env.update(part.env)
        mounts += part.mounts
        gone += part.gone
        pod, container = merged(pod, part.pod), merged(container, part.container)
        checksum.update(part.checksum)
    return Part(env, mounts, gone, pod, container, checksum)


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """``other`` laid over ``one``, maps in depth."""
    result = dict(one)
    for key, value in other.items():
        there = result.get(key)
        both = isinstance(there, Mapping) and isinstance(value, Mapping)
        result[key] = merged(there, value) if both and isinstance(there, Mapping) else value
    return result
