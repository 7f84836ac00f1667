# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a pod of the registry ends without breaking a pull or push, as a part of the pod. Pure.

A pod that is to end is told so at the same time as kube-proxy on every node and the router are: until these have seen
it, clients are still led to it. So it goes on serving for a while (``preStop``), and then finishes the requests that it
has (``http.draintimeout``, which registries before 2.7 do not know and ignore). In an image without ``sleep``, the first
is no more than a warning in the pod's events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._build.part import Part
from ansible_collections.okd.registry.plugins.module_utils._plan import owns

#: Seconds for which a pod that is to end still takes requests: a router reloads every 5 seconds at the least.
SERVES_ON = 15
#: Seconds within which the requests that it has then must be done.
DRAINS = 40
#: Seconds for both, and a few to spare.
GRACE = 60
DRAIN_ENV = "REGISTRY_HTTP_DRAINTIMEOUT"


def part(live: Mapping[str, Any] | None, strategy: str | None) -> Part:
    """What lets a pod end so. What others have set for it, a ``preStop`` or a longer time, stays.

    :param live: the workload there is.
    :param strategy: what is wanted, in the API's words; None leaves what there is.
    """
    there = (layout.template(live).get("spec") or {}).get("terminationGracePeriodSeconds") or 0
    pod = {"terminationGracePeriodSeconds": max(GRACE, there)}
    env = {DRAIN_ENV: f"{DRAINS}s"}
    if not _serves_on(live, strategy):
        return Part(env=env, pod=pod)
    return Part(env=env, pod=pod, container={"lifecycle": {"preStop": {"exec": {"command": ["sleep", str(SERVES_ON)]}}}})


def _serves_on(live: Mapping[str, Any] | None, strategy: str | None) -> bool:
    """Whether to serve on for a while: where the new pod waits for the old one to be gone, that would be a longer gap."""
    there = (layout.container(live).get("lifecycle") or {}).get("preStop")
    ours = layout.owns_container(live, "lifecycle", "preStop")
    if there and not ours:
        return False  # somebody else has said what a pod does before it ends
    if strategy:
        return strategy != "Recreate"
    # What others make of the strategy later on is no reason for a rollout; one of ours that is no longer said is gone.
    there = (((live or {}).get("spec") or {}).get("strategy") or {}).get("type")
    return ours or there != "Recreate" or owns(live, "spec", "strategy", "type")
