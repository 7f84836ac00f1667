# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that a registry's pods no longer run as: what was made for this registry goes, what others use stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import UNREAD, ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build import accounts, layout, rbac
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us
from ansible_collections.okd.registry.plugins.module_utils._result import Result

Object = dict[str, Any]
#: Other workloads of the namespace, by the account of their pods.
Users = Mapping[str, list[str]]


def other_users(registry: Registry, api: Api) -> Users:
    """Who else in the namespace uses an account."""
    found: dict[str, list[str]] = {}
    for kind in build.served(api.has):
        for one in api.list(build.API_VERSIONS[kind], kind, registry.namespace):
            name = one["metadata"]["name"]
            if name != registry.name:
                found.setdefault(accounts.used(one), []).append(f"{kind} {registry.namespace}/{name}")
    return found


def drop_binding(
    account: str, registry: Registry, users: Users, api: Api, result: Result, *, check_mode: bool, live: Any = UNREAD
) -> None:
    """Delete the account's cluster role binding, if it was made for this registry alone.

    :param live: the binding, if the caller has read it.
    """
    ref = rbac.binding_ref(account, registry.namespace)
    result.add(
        ensure_absent(
            api, ref, check_mode=check_mode, live=live, keep=lambda now: _keep(now, registry, users.get(account))
        )
    )


def drop(account: str, registry: Registry, users: Users, api: Api, result: Result, *, check_mode: bool) -> None:
    """Delete the account if it was made for this registry alone, else take back what was linked to it."""
    owner, namespace = str(registry), registry.namespace
    ref = ObjectRef("v1", "ServiceAccount", account, namespace)
    live = api.get(ref)
    if live is None or not _keep(live, registry, users.get(account)):
        result.add(ensure_absent(api, ref, check_mode=check_mode, live=live))
    elif owned_by_us(live, owner):
        bare = rbac.service_account(account, namespace, registry=owner, live=live)
        result.add(ensure(api, ref, bare, check_mode=check_mode, live=live, owner=owner))


def leave(former: Iterable[str], registry: Registry, api: Api, result: Result, *, check_mode: bool) -> None:
    """Take away what is left of accounts of before: each one's rights first."""
    users = other_users(registry, api)
    for account in former:
        drop_binding(account, registry, users, api, result, check_mode=check_mode)
        drop(account, registry, users, api, result, check_mode=check_mode)


def still_serve(former: Iterable[str], workload: Object | None, api: Api) -> bool:
    """Whether pods of before are still at their last requests, for which they need their rights."""
    namespace = ((workload or {}).get("metadata") or {}).get("namespace")
    with api.waiting():
        pods = api.list("v1", "Pod", namespace, labels=layout.selector(workload))
    return accounts.still_run(pods, former)


def _keep(live: Object, registry: Registry, users: list[str] | None) -> str | None:
    """Why an account or binding must stay, as a sentence; None when it may go."""
    what = ObjectRef.of(live)
    if not rbac.made_for(live, str(registry)):
        return f"{what} stays: it was not made for this registry."
    return f"{what} stays: {', '.join(users)} uses the account too." if users else None
