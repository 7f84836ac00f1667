# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of storage that takes the images along (``migrate``), as registry_deploy sees it.

The copying is the business of ``_migrate``, step by step under the action plugin. Here is what comes before (is it
needed, and is it proven), and after the workload was written (the selectors as they were). What does it is imported
only where there is a migration: most runs have none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import Live
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._guards_storage import Seen, moves_images
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._result import Result

#: Seconds for old pods to be gone once the new ones serve: a pod has 30 to end.
_OLD_PODS = 45.0


def ref(spec: DeploySpec, live: Live) -> ObjectRef:
    """The workload."""
    return build.ref(live.kind, spec.registry.name, spec.registry.namespace)


def give_up(spec: DeploySpec, live: Live, api: Api, result: Result, *, check_mode: bool) -> bool:
    """Undo a migration that is under way and not wanted any more. True where there was one: then read all again."""
    noted = live.migration
    if noted is None or live.workload is None:
        return False
    from ansible_collections.okd.registry.plugins.module_utils._migrate import switch

    if switch.is_switched(live.workload, noted):
        return False
    if spec.migrate and switch.is_for(noted, live.workload, live.storage.want.source()):
        return False
    return switch.undo(api, ref(spec, live), live.workload, result, check_mode=check_mode)


def unproven(spec: DeploySpec, live: Live, api: Api) -> str | None:
    """Why images have to be copied before the workload may be written; None where they need not be."""
    if not spec.migrate or live.workload is None or not moves_images(Seen.of(spec, live)):
        return None
    from ansible_collections.okd.registry.plugins.module_utils._migrate import switch

    return switch.unproven(api, ref(spec, live), live.workload, live.storage.want.source(), live.migration)


def aside(live: Live, workload: Mapping[str, Any] | None) -> dict[str, str]:
    """What the action plugin says of the Service where the new pods do not become ready: the return value ``aside``."""
    if not workload or live.migration is None:
        return {}
    from ansible_collections.okd.registry.plugins.module_utils._migrate import switch

    said = switch.aside(workload, live.migration)
    return {"aside": said} if said else {}


def task(spec: DeploySpec, live: Live, planned: Mapping[str, Any], why: str) -> dict[str, Any]:
    """What the action plugin needs to have the images copied: the return value ``migration``."""
    from ansible_collections.okd.registry.plugins.module_utils._migrate import switch

    return {
        "needed": True,
        "why": why,
        "storage": switch.options(live.storage.want),
        "template": switch.template(planned),
        "kind": live.kind,
        "helper_image": spec.helper_image or None,
    }


def finish(
    spec: DeploySpec, live: Live, workload: Mapping[str, Any], api: Api, result: Result, *, check_mode: bool
) -> bool:
    """With the new pods serving: put back what kept pushes out. True while that has to wait for old pods to end."""
    if live.migration is None:
        return False
    from ansible_collections.okd.registry.plugins.module_utils._migrate import switch

    if not switch.is_switched(workload, live.migration):
        return False
    end = time.monotonic() + (0 if check_mode else _OLD_PODS)
    with api.waiting():
        while switch.finish(api, ref(spec, live), workload, result, check_mode=check_mode):
            if time.monotonic() > end:
                return True
            time.sleep(1)
    return False
