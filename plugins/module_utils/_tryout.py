# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard ``probe``: before a registry is told to use another storage, a pod like its own writes there.

It comes after what the pod needs (account, claim, rights) and before all else. A run that it ends has changed nothing
of the registry that runs, and takes back the rights and the claim that were for the pod; the next one tries again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome
from ansible_collections.okd.registry.plugins.module_utils._before import Before
from ansible_collections.okd.registry.plugins.module_utils._build import place, scc
from ansible_collections.okd.registry.plugins.module_utils._companion import Companion
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import Live
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError, RegistryError
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._result import Result

#: Objects that the pod needs, in so far as they are beside the workload; the account comes first and stays.
_ACCOUNT = "ServiceAccount"
NEEDED = frozenset({_ACCOUNT, scc.REF.kind, "PersistentVolume", "PersistentVolumeClaim"})
#: Kinds of volumes that a pod can try.
_TRIED = frozenset({"persistentVolumeClaim", "nfs", "hostPath"})
NAME = "probe"


def is_due(spec: DeploySpec, live: Live, planned: Mapping[str, Any] | None) -> bool:
    """Whether the storage is new to the registry, and can be tried.

    :param planned: the workload as it is going to be.
    """
    stored = live.storage
    if not spec.probe_storage or spec.replicas == 0:
        return False
    before, after = place.leaves(
        stored.want, live.workload, planned, secrets=stored.secrets, new_secrets=stored.planned_secrets(),
        file=stored.file, new_file=stored.planned_file(spec.settings, planned),
    )  # fmt: skip
    if before and before.kind == "hostPath" and before.node is None:
        before = replace(before, node=stored.node)
    return after.kind in _TRIED and (before is None or not before.same(after))


def run(
    spec: DeploySpec,
    live: Live,
    planned: Mapping[str, Any],
    made: Iterable[tuple[Companion, Outcome]],
    api: Api,
    result: Result,
    *,
    check_mode: bool,
) -> tuple[dict[str, Any] | None, list[dict[str, str]]]:
    """Try it where that is due. What was found, and what was overridden: the return values ``probe`` and ``guards``.

    :param planned: the workload as it is going to be.
    :param made: what became of the objects that the pod needs.
    :raises RefusedError: when the registry could not write there, unless ``ignore_guards`` has ``probe``.
    """
    if not is_due(spec, live, planned):
        return None, []
    want = live.storage.want
    result.note(f"Tried to write to {want} from a pod like the registry's.")
    if check_mode:
        return None, []
    try:
        from ansible_collections.okd.registry.plugins.module_utils import _probe

        report = _probe.probe(api, spec.registry, want, planned, image=spec.helper_image or None)
    except RegistryError as exc:
        refused = isinstance(exc, RefusedError)
        if refused and NAME in spec.ignore_guards:
            return None, [{"name": NAME, "message": exc.message}]
        message = " ".join([exc.message, *_take_back(made, spec.registry, api)])
        if not refused:
            raise
        raise RefusedError(message, **{**exc.details, "guards": [{"name": NAME, "message": exc.message}]}) from exc
    return report.as_dict(), []


def _take_back(made: Iterable[tuple[Companion, Outcome]], registry: Registry, api: Api) -> list[str]:
    """Rights that this run gave, and a claim that it made and that is not bound. What stays all the same, in words."""
    from ansible_collections.okd.registry.plugins.module_utils import _rollback

    stays = []
    for one, outcome in reversed([*made]):
        if not outcome.changed or one.ref.kind == _ACCOUNT:
            continue
        try:
            before = Before(one.ref, one.owner, outcome.change.before)
            stays.append(_rollback.put_back(before, registry, api, check_mode=False).note)
        except RegistryError as exc:
            stays.append(f"{one.ref} could not be taken back: {exc.message}")
    return [note for note in stays if note]
