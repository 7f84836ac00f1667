# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent that keeps certs.d on every node: its DaemonSet, its code in a ConfigMap, its account. Pure.

Its settings are in the pod template, so that a change of them starts new pods, and the DaemonSet's own numbers say when
every node has followed. The CA is read from a mounted ConfigMap, which the kubelet keeps up to date within a minute or
two; its hash is in the pod template as well, so that the one who tells the agent of a new CA need not wait for that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import rbac
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import CA_KEY
from ansible_collections.okd.registry.plugins.module_utils._endpoints import KNOWN_AFTER_APPLY
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef

CONTAINER = "agent"
#: Label of its pods, with the registry's name.
LABEL = "okd.registry/trust-agent"
#: Annotation of the pod template: over the code, which a pod reads only at its start.
CODE = "okd.registry/code"
#: Annotation of the pod template: over the CA, which a new pod has from its start.
CA = "okd.registry/ca"
VARIABLE = "OKD_REGISTRY_AGENT"
PRESENT, ABSENT = "present", "absent"
#: What pods are told that go, while what is on their nodes stays: else one might write until its last second.
IDLE = "idle"
#: Where things are in the pod. The package must be called as its files call themselves: with one name above.
_CODE, _CA, _HOST, _RUN = "/opt/okd-registry/_node", "/opt/okd-registry/ca", "/host", "/run/okd-registry"
_READY = f"{_RUN}/ready"
_RECORDS = "/var/lib/okd-registry"
#: Where engines look for CAs: docker, Podman and CRI-O, containerd with the config_path that is usual.
DIRECTORIES = ("/etc/docker/certs.d", "/etc/containers/certs.d", "/etc/containerd/certs.d")
_PYTHON = ("python3", "-B", "-u")
#: A ConfigMap's limit, with room for its metadata.
MOST_BYTES = 1000 * 1000

Object = dict[str, Any]


@dataclass(frozen=True)
class TrustAgent:
    """What the agent is to be.

    :param registry: the registry's name.
    :param image: with python3 (3.6 or newer).
    :param endpoints: names of the registry in docker's form.
    :param ca_config_map: with the CA.
    :param ca: hash of the CA in it, as :func:`ca_digest` gives it, or known after apply.
    :param interval: seconds between two looks at a node's files.
    :param directories: on the nodes, some of :data:`DIRECTORIES`.
    :param node_selector: labels of the nodes that get a pod; all nodes without.
    """

    registry: str
    namespace: str
    image: str
    endpoints: tuple[str, ...]
    ca_config_map: str
    interval: int = 60
    directories: tuple[str, ...] = DIRECTORIES[:1]
    node_selector: Mapping[str, str] = field(default_factory=dict)
    pull_secrets: tuple[str, ...] = ()
    ca: str = KNOWN_AFTER_APPLY

    @property
    def name(self) -> str:
        """Of DaemonSet, ConfigMap and account."""
        return f"{self.registry}-trust-agent"


def name_of(registry: str) -> str:
    """The name of a registry's agent."""
    return f"{registry}-trust-agent"


def owner(registry: str) -> str:
    """Under whose name the entry in an SCC is noted: not the registry's, which has one of its own.

    :param registry: ``namespace/name``.
    """
    return f"trust agent of {registry}"


def ref(kind: str, registry: str, namespace: str) -> ObjectRef:
    """One of the agent's objects."""
    return ObjectRef("apps/v1" if kind == "DaemonSet" else "v1", kind, name_of(registry), namespace)


def service_account(want: TrustAgent, live: Mapping[str, Any] | None = None) -> Object:
    """The account of the pods: it has no rights on the API, and no token is mounted."""
    return rbac.service_account(want.name, want.namespace, registry=f"{want.namespace}/{want.registry}", live=live)


def config_map(want: TrustAgent, code: Mapping[str, str]) -> Object:
    """The code, one file a key."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": want.name, "namespace": want.namespace},
        "data": dict(code),
    }


def code_shown(obj: Mapping[str, Any] | None) -> Object | None:
    """The ConfigMap for people: of each file its hash. The files are those of the collection."""
    if obj is None:
        return None
    data = {key: f"sha256:{_digest(text)[:16]}" for key, text in (obj.get("data") or {}).items()}
    return {**obj, "data": data}


def settings(want: TrustAgent, state: str = PRESENT) -> Object:
    """What the agent is told (``_node/agent.py``)."""
    return {
        "registry": f"{want.namespace}/{want.registry}",
        "endpoints": list(want.endpoints),
        "directories": list(want.directories),
        "state": state,
        "interval": want.interval,
        "ca": f"{_CA}/{CA_KEY}",
        "ready": _READY,
        "root": _HOST,
    }


def daemon_set(want: TrustAgent, code: Mapping[str, str]) -> Object:
    """The DaemonSet: a pod on every node, also on those that are tainted; all may be replaced at the same time."""
    labels = {LABEL: want.registry}
    spec: Object = {
        "serviceAccountName": want.name,
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "tolerations": [{"operator": "Exists"}],
        "containers": [_container(want)],
        "volumes": [
            {"name": "code", "configMap": {"name": want.name}},
            # Optional, so that an agent that is told to clean up starts without it.
            {"name": "ca", "configMap": {"name": want.ca_config_map, "optional": True}},
            {"name": "run", "emptyDir": {"medium": "Memory"}},
            *(
                {"name": name, "hostPath": {"path": path, "type": "DirectoryOrCreate"}}
                for name, path in _host_paths(want).items()
            ),
        ],
    }
    if want.node_selector:
        spec["nodeSelector"] = dict(want.node_selector)
    if want.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in want.pull_secrets]
    meta = {"labels": dict(labels), "annotations": {CODE: code_digest(code), CA: want.ca}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": want.name, "namespace": want.namespace, "labels": dict(labels)},
        "spec": {
            "selector": {"matchLabels": dict(labels)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}},
            "template": {"metadata": meta, "spec": spec},
        },
    }


def code_digest(code: Mapping[str, str]) -> str:
    """One hash over all files."""
    return _digest(json.dumps(dict(code), sort_keys=True))[:16]


def ca_digest(config_map: Mapping[str, Any]) -> str:
    """The hash of the CA in its ConfigMap."""
    return _digest(str((config_map.get("data") or {}).get(CA_KEY) or ""))[:16]


def told_to_leave(live: Object, state: str = ABSENT) -> Object:
    """The live DaemonSet, its pods told to take away what they have placed, or to touch nothing (:data:`IDLE`)."""
    after = deepcopy(live)
    for variable in _variables(after):
        if variable.get("name") == VARIABLE:
            told = {**json.loads(variable["value"]), "state": state}
            variable["value"] = json.dumps(told, sort_keys=True)
    return after


def _variables(daemons: Mapping[str, Any]) -> list[Object]:
    containers = daemons["spec"]["template"]["spec"]["containers"]
    return [variable for one in containers if one["name"] == CONTAINER for variable in one.get("env") or []]


def _container(want: TrustAgent) -> Object:
    mounts = {"code": (_CODE, True), "ca": (_CA, True), "run": (_RUN, False)}
    mounts |= {name: (_HOST + path, False) for name, path in _host_paths(want).items()}
    return {
        "name": CONTAINER,
        "image": want.image,
        "command": [*_PYTHON, "-m", "_node.agent"],
        "env": [
            {"name": "PYTHONPATH", "value": _CODE.rpartition("/")[0]},
            {"name": VARIABLE, "value": json.dumps(settings(want), sort_keys=True)},
        ],
        # In Python too, for nothing else is sure to be in the image.
        "readinessProbe": {
            "exec": {"command": ["python3", "-I", "-S", "-c", f"open('{_READY}')"]},
            "periodSeconds": 5,
            "timeoutSeconds": 10,
            "failureThreshold": 1,
        },
        "resources": {"requests": {"cpu": "5m", "memory": "24Mi"}},
        "securityContext": {
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]},
            # Where there is SELinux, no other type of container may write to the node's /etc.
            "seLinuxOptions": {"type": "spc_t"},
        },
        "volumeMounts": [
            {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}
            for name, (path, read_only) in mounts.items()
        ],
    }


def _host_paths(want: TrustAgent) -> dict[str, str]:
    """Directories of the node by the names of their volumes."""
    found = {path.strip("/").split("/")[1] + "-certs": path for path in want.directories}
    return {**found, "records": _RECORDS}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
