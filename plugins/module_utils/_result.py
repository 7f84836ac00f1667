# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The return values that all writers have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome
from ansible_collections.okd.registry.plugins.module_utils._endpoints import Endpoints
from ansible_collections.okd.registry.plugins.module_utils._redact import shown


class Result:
    """Collects what happened, object by object, in order."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._outcomes: list[Outcome] = []
        self._actions: list[str] = []

    def add(self, outcome: Outcome) -> Outcome:
        """Take in what happened to one object; gives it back."""
        self._outcomes.append(outcome)
        if outcome.action:
            self._actions.append(outcome.action)
        return outcome

    def note(self, sentence: str) -> None:
        """Add a sentence to ``actions`` for something that is no object of the API."""
        self._actions.append(sentence)

    @property
    def changed(self) -> bool:
        return any(o.changed for o in self._outcomes)

    def objects(self) -> list[dict[str, Any]]:
        """The objects looked after, as they are in the end; secrets and what only servers write are left out."""
        return [shown(o.change.after) for o in self._outcomes if o.change.after]

    def finish(self, *, registry: Mapping[str, Any], changed: bool | None = None, **extra: Any) -> dict[str, Any]:
        """The module's return value.

        :param registry: see ``registry_value``.
        :param changed: when more than API objects can change.
        """
        return {
            "changed": self.changed if changed is None else changed,
            "diff": [o.diff for o in self._outcomes if o.diff],
            "actions": list(self._actions),
            "resources": [o.resource for o in self._outcomes],
            "registry": dict(registry),
            "api_requests": self._api.counts(),
            **extra,
        }


def registry_value(
    name: str, namespace: str, endpoints: Endpoints, *, cluster_ip: str | None, port: int, **parts: Any
) -> dict[str, Any]:
    """The ``registry`` return value.

    :param cluster_ip: the Service's first address; KNOWN_AFTER_APPLY in check mode; None if there is no Service.
    :param parts: ``image``, ``replicas``, ``storage`` where known.
    """
    return {
        "name": name,
        "namespace": namespace,
        "cluster_ip": cluster_ip,
        "port": port,
        "endpoints": endpoints.docker,
        **parts,
    }
