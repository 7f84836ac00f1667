# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service accounts a registry's pods run as, and ran as before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layout

#: Annotation on the workload, written with the new account: those of before, until nothing of ours is left of them.
#: A run that was killed in between leaves them to the next one.
FORMER = "okd.registry/former-accounts"

Object = Mapping[str, Any]


def used(workload: Object | None) -> str:
    """The account of the pod template; "" where it names none."""
    return str((layout.template(workload).get("spec") or {}).get("serviceAccountName") or "")


def noted(workload: Object | None) -> list[str]:
    """Accounts of before, of which something may be left."""
    text = (((workload or {}).get("metadata") or {}).get("annotations") or {}).get(FORMER) or ""
    return [name for name in text.split(",") if name]


def former(workload: Object | None, account: str) -> list[str]:
    """Accounts of which something may be left once the pods run as ``account``."""
    return sorted({*noted(workload), used(workload)} - {account, ""})


def still_run(pods: Iterable[Object], accounts: Iterable[str]) -> bool:
    """Whether a pod that has not ended runs as one of these accounts."""
    old = set(accounts)
    running = [one for one in pods if (one.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
    return any((one.get("spec") or {}).get("serviceAccountName") in old for one in running)
