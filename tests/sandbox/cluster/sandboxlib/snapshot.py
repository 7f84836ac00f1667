# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All objects of the cluster: remembered when the sandbox is new, put back by ``reset``."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any

from .kubeclient import MERGE, ApiError, Client, Json, in_parallel, until
from .processes import SandboxError

# Made and removed by controllers as their owners come and go, or only of passing interest.
DERIVED = {
    "endpoints",
    "endpointslices",
    "events",
    "leases",
    "controllerrevisions",
    "replicasets",
    "componentstatuses",
    "bindings",
    "apiservices",
    "flowschemas",
    "prioritylevelconfigurations",
    "ipaddresses",
    "servicecidrs",
    "csinodes",
    "volumeattachments",
}
# Deleted first: whoever makes others must be gone before these are.
OWNERS = (
    "deploymentconfigs",
    "deployments",
    "statefulsets",
    "daemonsets",
    "cronjobs",
    "jobs",
    "replicationcontrollers",
    "replicasets",
)
SERVER_OWNED = (
    "resourceVersion",
    "managedFields",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAMESPACES = "/api/v1/namespaces"
GONE_SECONDS = 180.0
POD_GRACE = 1  # seconds
PAUSE = 0.15  # seconds between two looks
# In every namespace while it lives; whoever deletes them sees them come back.
WITH_NAMESPACE = {("/api/v1/serviceaccounts", "default"), ("/api/v1/configmaps", "kube-root-ca.crt")}
Key = tuple[str, str, str]  # collection path of the kind, namespace, name


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind the API serves: where, and whether it lives in namespaces."""

    prefix: str  # /api/v1 or /apis/GROUP/VERSION
    resource: str
    namespaced: bool

    @property
    def collection(self) -> str:
        """The path that lists it across namespaces."""
        return f"{self.prefix}/{self.resource}"

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        scope = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.prefix}{scope}/{self.resource}/{name}"

    def parent(self, namespace: str) -> str:
        """The path to POST a new one to."""
        scope = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{self.prefix}{scope}/{self.resource}"


def kinds(client: Client) -> list[Kind]:
    """What the API serves and lets one list, create and delete: the preferred version of each group."""
    groups = client.call("GET", "/apis")["groups"]
    prefixes = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    found = []
    # A group may go while we ask: nothing is served of it then.
    for prefix, served in zip(prefixes, in_parallel(client.get, prefixes), strict=True):
        for resource in (served or {}).get("resources", []):
            name = resource["name"]
            if "/" not in name and name not in DERIVED and {"list", "create", "delete"} <= set(resource["verbs"]):
                found.append(Kind(prefix, name, resource["namespaced"]))
    return found


def essence(item: Mapping[str, Any]) -> Json:
    """An object without what the server and the controllers keep in it, so that two can be compared."""
    metadata = {key: value for key, value in item.get("metadata", {}).items() if key not in SERVER_OWNED}
    metadata["annotations"] = {
        key: value
        for key, value in metadata.get("annotations", {}).items()
        if not key.startswith(("pv.kubernetes.io/", "volume.kubernetes.io/", "deployment.kubernetes.io/"))
    }
    result = {key: value for key, value in item.items() if key not in ("status", "metadata")}
    result["metadata"] = {key: value for key, value in metadata.items() if value}
    if item.get("kind") == "PersistentVolume" and "claimRef" in result.get("spec", {}):
        claim = {key: result["spec"]["claimRef"][key] for key in ("namespace", "name")}
        result["spec"] = {**result["spec"], "claimRef": claim}
    return result


def listing(client: Client, served: Iterable[Kind] | None = None) -> dict[Key, Json]:
    """Every object (of the kinds given, or of all), as the server has it."""
    everything: dict[Key, Json] = {}
    chosen = list(kinds(client) if served is None else served)
    for kind, answer in zip(chosen, in_parallel(lambda kind: client.get(kind.collection), chosen), strict=True):
        if answer is None:
            continue
        item_kind = answer["kind"].removesuffix("List")
        for item in answer["items"]:
            metadata = item["metadata"]
            item.update(apiVersion=answer["apiVersion"], kind=item_kind)
            everything[kind.collection, metadata.get("namespace", ""), metadata["name"]] = item
    return everything


def owned(item: Mapping[str, Any]) -> bool:
    """Whether a controller made it and removes it."""
    return any(owner.get("controller") for owner in item["metadata"].get("ownerReferences", []))


def extra(live: Mapping[Key, Json], pristine: Mapping[Key, Json]) -> list[Key]:
    """What came after the sandbox was new: owners first, namespaces last (one that is empty goes at once)."""
    left = [key for key in live if key not in pristine and key[::2] not in WITH_NAMESPACE]
    return sorted(left, key=lambda key: (resource(key) not in OWNERS, resource(key) == "namespaces", key))


def resource(key: Key) -> str:
    """The resource of a key: "pods"."""
    return key[0].rpartition("/")[2]


def delete(client: Client, served: Mapping[str, Kind], key: Key) -> None:
    """Delete one object, its dependents in the background.

    Finalizers of OpenShift's kinds are taken away: the operator that would see to them is not here.
    """
    options: Json = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    if key[0] == "/api/v1/pods":
        options["gracePeriodSeconds"] = POD_GRACE
    path = served[key[0]].path(key[1], key[2])
    try:
        if served[key[0]].prefix.partition("/apis/")[2].split("/")[0].endswith(".openshift.io"):
            client.call("PATCH", path, {"metadata": {"finalizers": None}}, content_type=MERGE)
        client.call("DELETE", path, options)
    except ApiError as error:
        if error.status != 404:
            raise


def restore(client: Client, kind: Kind, wanted: Json, live: Json | None) -> str | None:
    """Make one object as it was; returns "created", "replaced" or None when it is as it was."""
    metadata = wanted["metadata"]
    namespace, name = metadata.get("namespace", ""), metadata["name"]
    if live is None:
        try:
            client.call("POST", kind.parent(namespace), essence(wanted))
        except ApiError as error:
            if error.status != 409:  # a controller was quicker (default service accounts, kube-root-ca.crt)
                raise
        return "created"
    if essence(live) == essence(wanted):
        return None
    body = essence(wanted)
    body["metadata"] = {**body["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
    if "status" in live:
        body["status"] = live["status"]
    path = kind.path(namespace, name)
    try:
        client.call("PUT", path, body)
    except ApiError as error:
        if error.status == 409:  # somebody wrote it meanwhile (a controller, a kubelet)
            return restore(client, kind, wanted, client.get(path))
        if error.status != 422:
            raise
        # What was changed cannot be changed back (an immutable field): make it anew.
        client.call("DELETE", path)
        until(lambda: "still there" if client.get(path) else None, what=path, seconds=GONE_SECONDS)
        return restore(client, kind, wanted, None)
    return "replaced"


def to_json(objects: Mapping[Key, Json]) -> list[Any]:
    """For the snapshot file; what controllers own is left to them."""
    return [[*key, essence(item)] for key, item in sorted(objects.items()) if not owned(item)]


def from_json(data: Iterable[Any]) -> dict[Key, Json]:
    """The reverse of ``to_json``."""
    return {(entry[0], entry[1], entry[2]): entry[3] for entry in data}


def reset(client: Client, pristine: Mapping[Key, Json]) -> dict[str, list[str]]:
    """Bring all objects back to what they were.

    Returns what was done, by verb. Waits until what was deleted is gone. Raises SandboxError when the API
    server refuses something, or when something deleted does not go within a minute.
    """
    served = {kind.collection: kind for kind in kinds(client)}
    live = listing(client, served.values())
    deleted = _delete_extra(client, pristine, served, live)
    if deleted or any(_going(item) for item in live.values()):
        live = listing(client, served.values())
    # Before the claims are made again: they are bound when they come.
    _forget_claims(client, live, pristine)
    done = {"deleted": deleted, "created": [], "replaced": []}
    # CRDs and namespaces first: they bring kinds and places that other objects need.
    for first in (CRDS, NAMESPACES, None):
        for key, wanted in pristine.items():
            turn = key[0] == first or (first is None and key[0] in served)
            if turn and (verb := restore(client, served[key[0]], wanted, live.get(key))):
                done[verb].append(show(key))
        if first == CRDS and (done["created"] or done["replaced"]):
            until(lambda: _unserved(client, pristine), what="CRDs", seconds=30)
            served = {kind.collection: kind for kind in kinds(client)}
            live = listing(client, served.values())
    namespaces = [key[2] for key in live if key[0] == NAMESPACES]
    in_parallel(lambda name: client.call("DELETE", f"/api/v1/namespaces/{name}/events"), namespaces)
    return done


def _delete_extra(
    client: Client, pristine: Mapping[Key, Json], served: Mapping[str, Kind], live: Mapping[Key, Json]
) -> list[str]:
    """Delete what was not there, and wait until it and what others deleted is gone; returns what was deleted."""
    deleted: list[str] = []
    kept = {item["metadata"]["uid"] for key, item in live.items() if key in pristine}
    deadline = time.monotonic() + GONE_SECONDS
    while True:
        gone = [key for key in extra(live, pristine) if not _comes_back(live[key], kept)]
        fresh = [key for key in gone if _to_delete(live[key])]
        owners = [key for key in fresh if resource(key) in OWNERS]
        spaces = [key for key in fresh if key[0] == NAMESPACES]
        for batch in (owners, [key for key in fresh if key not in owners and key not in spaces], spaces):
            in_parallel(lambda key: delete(client, served, key), batch)
        deleted += [show(key) for key in fresh]
        waiting = gone + [key for key in live if key in pristine and _going(live[key])]
        if not waiting:
            return deleted
        if time.monotonic() > deadline:
            raise _stuck(waiting, live)
        time.sleep(PAUSE)
        live = listing(client, served.values())


def _going(item: Json) -> bool:
    return "deletionTimestamp" in item["metadata"]


def _unserved(client: Client, pristine: Mapping[Key, Json]) -> str | None:
    """A kind of the first objects that the API server does not serve (yet)."""
    missing = {key[0] for key in pristine} - {kind.collection for kind in kinds(client)}
    return f"not served: {', '.join(sorted(missing))}" if missing else None


def show(key: Key) -> str:
    """An object's name for people: resource namespace/name."""
    return f"{resource(key)} {key[1] + '/' if key[1] else ''}{key[2]}"


def _comes_back(item: Json, kept: Iterable[str]) -> bool:
    """What belongs to something that stays comes back whenever it is deleted."""
    owners = {owner["uid"] for owner in item["metadata"].get("ownerReferences", []) if owner.get("controller")}
    return not owners.isdisjoint(kept)


def _to_delete(item: Json) -> bool:
    """Whether it must be told to go: not yet told, or a pod that would take its time."""
    return not _going(item) or item["metadata"].get("deletionGracePeriodSeconds", 0) > POD_GRACE


def _stuck(keys: list[Key], live: Mapping[Key, Json]) -> Exception:
    names = ", ".join(f"{show(key)} (finalizers {live[key]['metadata'].get('finalizers', [])})" for key in keys[:5])
    return SandboxError(
        f"{len(keys)} objects were not gone {GONE_SECONDS:.0f} s after they were deleted: {names}. "
        "Look at them with `tests/sandbox/sandbox kubectl`, or start anew: `sandbox down`, `sandbox up`."
    )


def unsettled(client: Client) -> str | None:
    """What the controllers still have to make in a new cluster, or None."""
    accounts = {
        item["metadata"]["namespace"]
        for item in client.call("GET", "/api/v1/serviceaccounts")["items"]
        if item["metadata"]["name"] == "default"
    }
    maps = {
        item["metadata"]["namespace"]
        for item in client.call("GET", "/api/v1/configmaps")["items"]
        if item["metadata"]["name"] == "kube-root-ca.crt"
    }
    for item in client.call("GET", NAMESPACES)["items"]:
        if item["metadata"]["name"] not in accounts & maps:
            return f"namespace {item['metadata']['name']} has no default service account or no kube-root-ca.crt"
    for item in client.call("GET", "/api/v1/nodes")["items"]:
        if item["spec"].get("taints"):
            return f"{item['metadata']['name']} has taints {item['spec']['taints']}"
    for item in client.call("GET", "/api/v1/persistentvolumeclaims")["items"]:
        if item.get("status", {}).get("phase") != "Bound":
            return f"claim {item['metadata']['name']} is not bound"
    return None


def _forget_claims(client: Client, live: Mapping[Key, Json], pristine: Mapping[Key, Json]) -> None:
    """A volume whose claim was made anew still names the old claim's uid; let it forget that."""
    for key, item in live.items():
        if key[0] != "/api/v1/persistentvolumes" or key not in pristine:
            continue
        claim = item["spec"].get("claimRef", {})
        current = client.get(f"/api/v1/namespaces/{claim.get('namespace')}/persistentvolumeclaims/{claim.get('name')}")
        if claim.get("uid") and (current is None or current["metadata"]["uid"] != claim["uid"]):
            body = {"spec": {"claimRef": {"uid": None, "resourceVersion": None}}}
            client.call("PATCH", f"{key[0]}/{key[2]}", body, content_type="application/merge-patch+json")
