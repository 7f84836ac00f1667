# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kubelet says of its Node: there is none in these tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import nodes
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._status import Request

Object = dict[str, Any]
MERGE = "application/merge-patch+json"


def status(api: Api, ref: ObjectRef, content: Object) -> None:
    """Play the kubelet's part."""
    asked = Request("patch", str(ref), resource=f"{ref.plural}/status", name=ref.name)
    api._send("PATCH", f"{ref.path}/status", asked, body={"status": content}, content_type=MERGE)


def ready(api: Api, name: str, *, well: bool) -> None:
    """Have a kubelet say whether its Node is ready."""
    said = {"type": "Ready", "status": "True" if well else "False", "reason": "Kubelet", "message": "as it is"}
    status(api, nodes.ref(name), {"conditions": [said]})
