# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_deploy does where the registry belongs to the image-registry operator: it tells the operator.

The module asks :func:`manages` whose the registry is, and hands over to :func:`run`; ``state: rendered`` asks no
cluster, and takes :func:`rendered` where ``managed_by`` names the operator.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _endpoints, _leftovers, _operator_state
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure
from ansible_collections.okd.registry.plugins.module_utils._build import layouts
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build.operator_config import Wanted
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._errors import NotFoundError, OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._info import find_workload
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._options import operator as options
from ansible_collections.okd.registry.plugins.module_utils._options import operator_storage
from ansible_collections.okd.registry.plugins.module_utils._plan import plan
from ansible_collections.okd.registry.plugins.module_utils._redact import shown
from ansible_collections.okd.registry.plugins.module_utils._result import Result, registry_value

AUTO, OPERATOR, SELF = "auto", "operator", "self"
#: Annotation by which ``kubectl rollout restart`` starts pods anew. The operator leaves it in its Deployment: it writes
#: that only when what it wants of it has changed (its checksum, pkg/resource/strategy/override.go).
RESTARTED = "kubectl.kubernetes.io/restartedAt"

Object = dict[str, Any]


# ---- whose registry it is ------------------------------------------------------------------------------------------


def manages(params: Mapping[str, Any], api: Api) -> Object | None:
    """The operator's Config, where the registry that is asked for belongs to the operator; None where it is ours.

    With ``managed_by: auto`` it is the operator's when that looks after a registry and either its namespace is named,
    or (with state present) there is no workload of the name asked for. So ``state: absent`` never takes the cluster's
    own registry away but where that is named; ``rolled_back``, after a first deployment, finds no workload either.

    :raises OptionError: for ``managed_by: operator`` where there is no such operator.
    """
    managed_by = params.get("managed_by") or AUTO
    if managed_by == SELF:
        return None
    group = configs.REF.group
    config = api.get(configs.REF) if api.has(group) else None
    if managed_by == OPERATOR:
        if config is None:
            raise OptionError(
                "managed_by", OPERATOR, f"cannot be had: this cluster has no {configs.REF} ({configs.REF.group})"
            )
        return config
    if config is None:
        return None
    state = (config.get("spec") or {}).get("managementState")
    if params["namespace"] == configs.NAMESPACE:
        return None if state == configs.UNMANAGED else config
    if state not in configs.LOOKED_AFTER or params.get("state") in ("absent", "rolled_back"):
        return None
    return config if find_workload(api, params["name"], params["namespace"]) is None else None


# ---- the work ------------------------------------------------------------------------------------------------------


def run(params: Mapping[str, Any], api: Api, config: Object, *, check_mode: bool) -> Object:
    """The module's work through the operator; its return value.

    :param config: the live Config, as :func:`manages` gave it.
    """
    if params.get("state") == "rolled_back":
        raise RefusedError(
            "state: rolled_back: the operator has no way back to an earlier rollout. Set the options as they were."
        )
    if params.get("state") == "absent":
        return _remove(params, api, config, check_mode=check_mode)
    result = Result(api)
    want = _with_claim(options.from_params(params), api, config, result, check_mode=check_mode)
    _check(want, api, config)
    secret = None
    if want.credentials:
        secret = ensure(
            api, configs.CREDENTIALS, lambda now: configs.credentials(want.credentials, now), check_mode=check_mode
        )
        result.add(secret)

    def wanted(now: Object | None) -> Object:
        if now is not None and now.get("spec") != config.get("spec"):  # somebody has changed it since it was read
            _check(_with_claim(want, api, now, result, check_mode=check_mode), api, now)
        return configs.present(want, now)

    outcome = ensure(api, configs.REF, wanted, check_mode=check_mode, live=config)
    result.add(outcome)
    if want.storage is not None and not want.credentials and not want.secret_given:
        # Credentials of ours for a store that is no longer used; the user's own Secret stays.
        left = api.get(configs.CREDENTIALS)
        if left is not None and _leftovers.has_ours(left):
            _leftovers.remove([left], api, result, check_mode=check_mode)
    rolls = configs.rolls(outcome.change.fields) or bool(secret and secret.changed)
    if params.get("state") == "redeployed" and not rolls:
        _restart(api, config, result, allow_data_loss=want.allow_data_loss, check_mode=check_mode)
        rolls = True
    return _finish(params, api, outcome, result, rolls=rolls, check_mode=check_mode)


def rendered(params: Mapping[str, Any]) -> list[Object]:
    """The objects that would be written, without a look at any cluster; what they keep of a live one is not in them.

    Credentials are keyed hashes, as in every result.
    """
    want = options.from_params(params)
    secret = [configs.credentials(want.credentials)] if want.credentials else []
    return [shown(obj) for obj in (*secret, configs.present(want, None))]


def _check(want: Wanted, api: Api, config: Object) -> None:
    """Refuse, before anything is written, what the operator would not do, or what would lose images."""
    change = plan(config, configs.present(want, config))
    lost = None if want.allow_data_loss else configs.abandons(want, config, change.after, change.fields)
    if lost:
        raise RefusedError(
            f"{configs.REF}: {lost}; pushed images would be lost. Keep the storage as it is, copy the images first, or"
            f" say allow_data_loss: true. (The change: {', '.join(change.fields)}.)"
        )
    after = (change.after or {})["spec"]
    replicas, kind = after["replicas"], next(iter(configs.kinds(after.get("storage"))), None)
    if kind == "emptyDir" and replicas > 1:
        raise RefusedError(
            f"replicas: {replicas} pods with ephemeral storage would each have images of their own. Use one pod, or"
            " storage that all can share."
        )
    if kind in ("s3", "azure", "gcs", "swift") and want.secret_given:
        _check_secret(api, str(kind))


def _with_claim(want: Wanted, api: Api, config: Object, result: Result, *, check_mode: bool) -> Wanted:
    """What is wanted, with the strategy that its claim needs; the claim is looked at as the operator will do.

    The operator's own conditions (its pkg/storage/pvc) are said here before it would get stuck on them.
    """
    name = ((want.storage or {}).get("pvc") or {}).get("claim")
    if not name:
        return want  # where the kind is pvc, the operator makes a claim itself, called image-registry-storage
    ref = ObjectRef("v1", "PersistentVolumeClaim", name, configs.NAMESPACE)
    claim = api.get(ref)
    if claim is None and check_mode:
        result.note(f"{ref} does not exist yet; the run itself will need it.")
        return want
    if claim is None:
        raise NotFoundError(
            f"{ref}, which storage.claim_name names, does not exist: create it first; or leave claim_name out, and the"
            " operator makes a claim image-registry-storage of 100Gi (ReadWriteMany).",
            status=404,
        )
    if (claim.get("status") or {}).get("phase") == "Lost":
        raise RefusedError(f"{ref} has lost its volume (phase Lost): restore the volume, or use another claim.")
    modes = (claim.get("spec") or {}).get("accessModes") or []
    if "ReadWriteMany" in modes:
        return want
    told = f"{ref} has the access modes {', '.join(modes) or 'none'}"
    if "ReadWriteOnce" not in modes:
        raise RefusedError(f"{told}; the operator needs ReadWriteMany, or ReadWriteOnce for a single pod.")
    replicas = (config.get("spec") or {}).get("replicas", 1) if want.replicas is None else want.replicas
    if replicas > 1:
        raise RefusedError(f"{told}, so one node at a time can mount it, but replicas is {replicas}: say replicas: 1.")
    strategy = want.fields.get("rolloutStrategy", "Recreate")
    if strategy != "Recreate":
        raise RefusedError(
            f"{told}, so the old pod has to let it go before the new one can have it, but strategy says otherwise: say"
            " strategy: Recreate, or leave it out."
        )
    return replace(want, fields={**want.fields, "rolloutStrategy": strategy})


def _check_secret(api: Api, kind: str) -> None:
    secret = api.get(configs.CREDENTIALS)
    if secret is None:
        raise NotFoundError(
            f"{configs.CREDENTIALS}, which storage.secret_name names, does not exist: create it first, or give the"
            " credentials in storage.parameters.",
            status=404,
        )
    missing = operator_storage.missing_credentials(kind, secret.get("data") or {})
    if missing:
        has = ", ".join(sorted(secret.get("data") or {})) or "nothing"
        raise OptionError("storage.secret_name", configs.CREDENTIALS.name, f"has {has}; it lacks {missing}")


def _restart(api: Api, config: Object, result: Result, *, allow_data_loss: bool, check_mode: bool) -> None:
    """Start the pods anew as ``oc rollout restart`` does: the Config has no field for that."""
    if "emptyDir" in configs.applied(config) and not allow_data_loss:
        raise RefusedError(
            f"{configs.REF}: the images are kept in the pods themselves (emptyDir), and state: redeployed replaces the"
            " pods; pushed images would be lost. Move them to other storage first, or say allow_data_loss: true."
        )
    ref = _operator_state.DEPLOYMENT
    live = api.get(ref)
    if live is None:
        result.note(f"{ref} does not exist yet: the operator makes it, and its pods are new then.")
        return
    now = KNOWN_AFTER_APPLY if check_mode else dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    desired = {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}},
    }
    result.add(ensure(api, ref, desired, check_mode=check_mode, live=live))


def _remove(params: Mapping[str, Any], api: Api, config: Object, *, check_mode: bool) -> Object:
    """With state absent: the operator takes the registry away. Its storage stays, and so does the Secret."""
    options.check_removal(params)
    gone = (config.get("spec") or {}).get("managementState") == configs.REMOVED
    result = Result(api)

    def wanted(now: Object | None) -> Object:
        if now is not None and not params.get("allow_data_loss"):
            _keep_storage(now)
        return configs.absent(now)

    outcome = ensure(api, configs.REF, wanted, check_mode=check_mode, live=config) if not gone else None
    if outcome:
        result.add(outcome)
    else:
        result.note(f"{configs.REF} says Removed already.")
    value = _registry(params, api, None)
    return result.finish(registry=value, workload=None, rollout=None, layout=layouts.of_operator(config).as_dict())


def _keep_storage(config: Object) -> None:
    """Refuse to have storage taken away that goes with the registry, or with its pods."""
    applied = configs.applied(config)
    what = " and ".join(configs.describe(kind, fields) for kind, fields in applied.items()) or "the storage"
    if configs.takes_storage_along(config):
        raise RefusedError(
            f"{configs.REF}: the operator made {what} itself, and deletes it with the registry;"
            " pushed images would be lost. Say allow_data_loss: true if they may be."
        )
    if "emptyDir" in applied and (config.get("status") or {}).get("conditions"):  # it has made something of it
        raise RefusedError(
            f"{configs.REF}: the images are kept in {what}, and state: absent takes the pods away; pushed images would"
            " be lost. Move them to other storage first, or say allow_data_loss: true."
        )


def _finish(
    params: Mapping[str, Any], api: Api, outcome: Outcome, result: Result, *, rolls: bool, check_mode: bool
) -> Object:
    config = outcome.live or {}
    done = None if outcome.changed or rolls or check_mode else _operator_state.settled(config)
    workload = {
        "api_version": configs.API_VERSION,
        "kind": configs.REF.kind,
        "name": configs.REF.name,
        "namespace": configs.NAMESPACE,
        "rolls": rolls,
        "version_before": int(((outcome.change.before or {}).get("metadata") or {}).get("generation") or 0),
    }
    planned: dict[str, Any] = {"objects": result.objects()} if check_mode else {}
    return result.finish(
        registry=_registry(params, api, config),
        workload=workload,
        rollout=done.as_dict() if done else None,
        layout=layouts.of_operator(config).as_dict(),
        **planned,
    )


def _registry(params: Mapping[str, Any], api: Api, config: Mapping[str, Any] | None) -> Object:
    """The ``registry`` return value: the operator's names, not those asked for."""
    service = api.get(ObjectRef("v1", "Service", configs.NAME, configs.NAMESPACE))
    names = {**params, "name": configs.NAME, "namespace": configs.NAMESPACE, "port": 5000}
    return registry_value(
        configs.NAME,
        configs.NAMESPACE,
        _endpoints.from_service(service, names),
        cluster_ip=next(iter(_endpoints.cluster_ips(service)), None),
        port=5000,
        image=None,
        replicas=(config or {}).get("spec", {}).get("replicas"),
        storage=configs.storage_value(config),
    )
