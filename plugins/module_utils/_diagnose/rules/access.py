# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether whoever checks may come in, by what the cluster says of the token: where the registry asks the cluster.

What a host could do goes before: whom the registry lets in need not be known to the cluster.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding

_NEW = "give a token that is valid in registry_check_token: oc whoami -t, or a service account's"


def token(facts: Facts) -> Iterator[Finding]:
    """The token is valid."""
    held = facts.token
    if held is None or not facts.asks_cluster:
        return
    if _worked(facts, "login"):
        return
    if held.expired:
        yield Finding("token_expired", f"the token in registry_check_token was valid until {held.expired}", _NEW)
    elif held.accepted is False:
        yield Finding(
            "token_refused", f"the cluster does not take the token: {held.error or 'it knows no such token'}", _NEW
        )


def rights(facts: Facts) -> Iterator[Finding]:
    """Its user may push and pull in the project."""
    held = facts.token
    if held and facts.asks_cluster and held.lacking and not held.expired and not _worked(facts, "push"):
        yield Finding("user_without_rights", f"{held.user} may not {' and '.join(held.lacking)} in {held.project}",
                      *grant(held.user, held.project))  # fmt: skip


def _worked(facts: Facts, step: str) -> bool:
    """Whether a step went well at a host, and was refused at none."""
    refused = any(one.step == step for host in facts.hosts for one in host.steps)
    return not refused and any(step in host.worked for host in facts.hosts)


def right(facts: Facts) -> tuple[str, str | None]:
    """Fix and command for a right that a registry has refused; where others say who has it, none of the cluster's."""
    if facts.asks_cluster is False:
        return "give the user the right to push and pull there, where the registry has its users and their rights", None
    return grant(facts.token.user, facts.token.project) if facts.token else grant(None, None)


def grant(user: str | None, project: str | None) -> tuple[str, str | None]:
    """Fix and command for it; no command where it is not known to whom or where.

    :param user: as the cluster calls whoever has the token.
    """
    fix = "give the user the role system:image-builder in the project, or take another project (registry_check_project)"
    if not user or not project:
        return fix, None
    account = re.fullmatch(r"system:serviceaccount:([^:]+):([^:]+)", user)
    # Its own namespace, which need not be the project, belongs to an account's name.
    whom = f"--serviceaccount={account[1]}:{account[2]}" if account else f"--user={user}"
    name = "image-builder:" + re.sub(r"[/%]", "-", ":".join(account.groups()) if account else user)
    words = ["kubectl", "create", "rolebinding", name, "--clusterrole=system:image-builder", whom, "-n", project]
    return fix, shlex.join(words)


RULES = (token, rights)
