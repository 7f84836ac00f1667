# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry's Service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._endpoints import cluster_ips
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, ServiceSpec
from ansible_collections.okd.registry.plugins.module_utils._plan import REMOVE, owns


def ref(registry: Registry) -> ObjectRef:
    """The Service's name: that of the registry."""
    return ObjectRef("v1", "Service", registry.name, registry.namespace)


def desired(spec: ServiceSpec, live: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The Service as it is to be.

    A Service that is there keeps what it selects, since the pods there are have those labels and get new ones only
    later; one that others made keeps what its port is called too. A selector that was asked for wins.

    :param live: the Service there is.
    :raises RefusedError: when it has another address than the wanted one, or none at all.
    """
    refuse_other_address(spec, live)
    registry = spec.registry
    body: dict[str, Any] = {"sessionAffinity": spec.session_affinity, "ports": [_port(registry.port, live)]}
    addresses = cluster_ips(live)
    if spec.cluster_ip or owns(live, "spec", "clusterIP"):
        body["clusterIP"] = addresses[0] if addresses else spec.cluster_ip
    body.update(_families(spec, live))
    there = _spec(live).get("selector") or {}
    if spec.selector:
        body["selector"] = {**{key: REMOVE for key in there if key not in spec.selector}, **spec.selector}
    elif not there:
        body["selector"] = dict(spec.labels)
    elif owns(live, "spec", "selector"):
        body["selector"] = dict(there)
    metadata = {"name": registry.name, "namespace": registry.namespace, "labels": dict(spec.labels)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body}


def refuse_other_address(spec: ServiceSpec, live: Mapping[str, Any] | None) -> None:
    """Refuse a live Service whose address is not the wanted one, or that has none.

    An address cannot be changed; a Service made anew would lose it, and with it every image reference that names it.
    """
    if live is None:
        return
    registry, addresses = spec.registry, cluster_ips(live)
    if not addresses:
        what = "is of type ExternalName" if _spec(live).get("type") == "ExternalName" else "is headless"
        raise RefusedError(
            f"Service {registry} {what}, so it has no cluster IP that nodes could reach the registry by, and it cannot "
            "get one. Use another name for the registry, or delete that Service yourself."
        )
    if spec.cluster_ip and spec.cluster_ip not in addresses:
        raise RefusedError(
            f"Service {registry} has the cluster IP {', '.join(addresses)}, and cluster_ip asks for {spec.cluster_ip}. "
            "A Service's address cannot be changed, and this collection never deletes a Service: image references and "
            f"certificates name the address. Set cluster_ip to {addresses[0]}, or leave it out."
        )
    there = _spec(live).get("ipFamilies") or []
    if spec.ip_families and there and spec.ip_families[0] != there[0]:
        raise RefusedError(
            f"Service {registry} has {addresses[0]} as its first address, of family {there[0]}, and ip_families begins "
            f"with {spec.ip_families[0]}. The first family of a Service cannot be changed. Begin with {there[0]}."
        )
    if spec.ip_family_policy == "SingleStack" and len(addresses) > 1:
        raise RefusedError(
            f"Service {registry} has the addresses {' and '.join(addresses)}, and with ip_family_policy SingleStack it "
            "would lose the second one for ever: image references and certificates may name it. Leave ip_family_policy "
            "out to keep both."
        )


def _families(spec: ServiceSpec, live: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is said of address families; what was said once and is not any more stays as it is.

    The API adds the second family by itself where the policy asks for two; that is then no difference.
    """
    found: dict[str, Any] = {}
    there, wanted = _spec(live).get("ipFamilies") or [], list(spec.ip_families)
    if wanted or owns(live, "spec", "ipFamilies"):
        found["ipFamilies"] = there if there[: len(wanted)] == wanted else wanted
    if spec.ip_family_policy or owns(live, "spec", "ipFamilyPolicy"):
        found["ipFamilyPolicy"] = spec.ip_family_policy or _spec(live).get("ipFamilyPolicy")
    return found


def _spec(live: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return (live or {}).get("spec") or {}


def _port(number: int, live: Mapping[str, Any] | None) -> dict[str, Any]:
    port = {"name": f"{number}-tcp", "port": number, "protocol": "TCP", "targetPort": number}
    for there in _spec(live).get("ports") or []:
        same = there.get("port") == number and there.get("protocol", "TCP") == "TCP"
        if same and there.get("name") and not owns(live, "spec", "ports", f"={number}|TCP", "name"):
            del port["name"]
            break
    return port
