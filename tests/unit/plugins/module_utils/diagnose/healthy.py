# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a registry that works, as modules and the API give it."""

from __future__ import annotations

import copy
import json
from typing import Any

ENDPOINTS = [
    "172.30.124.220:5000",
    "docker-registry.default.svc:5000",
    "docker-registry.default.svc.cluster.local:5000",
    "registry.apps.example.com",
]
NOW = 1_800_000_000  # 2027-01-15T08:00:00Z
STEPS = ("resolve", "tls", "v2", "trust", "login", "push", "pull")


def trust() -> dict[str, Any]:
    """A node that trusts it."""
    folder = "/etc/docker/certs.d"
    return {
        "engines": [{"name": "docker", "directories": [folder], "problem": None}],
        "endpoints": [
            {"endpoint": name, "engine": "docker", "state": "trusted", "reason": None, "owner": "ours",
             "days_left": 900, "path": f"{folder}/{name}/ca.crt", "verified": True}
            for name in ENDPOINTS
        ],
        "files": [
            {"path": f"{folder}/{name}/ca.crt", "directory": folder, "endpoint": name, "kind": "ca", "is": "file",
             "target": None, "dangling": False, "owner": "ours", "registry": "default/docker-registry",
             "matches": True, "problem": None, "certificates": [{"sha256": "ca"}]}
            for name in ENDPOINTS
        ],
        "system_trusts": False,
        "insecure": {"flags": [], "networks": [], "problems": [], "running": [], "stale": [], "covered": []},
        "proxied": [],
        "problems": [],
    }  # fmt: skip


def check() -> dict[str, Any]:
    """A node whose docker can use it."""
    return {
        "results": [
            {"endpoint": name, "step": step, "ok": True, "seconds": 0.1, "error": None, "reason": None}
            for name in ENDPOINTS
            for step in STEPS
        ]
    }


def healthy() -> dict[str, Any]:
    """All that can be known of a registry that works."""
    probe = {"httpGet": {"path": "/healthz", "port": 5000, "scheme": "HTTPS"}}
    container = {
        "name": "registry",
        "image": "openshift3/ose-docker-registry:v3.11",
        "ports": [{"containerPort": 5000}],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": [{"name": "registry-storage", "mountPath": "/registry"}],
        "env": [{"name": "REGISTRY_HTTP_TLS_CERTIFICATE", "value": "/etc/secrets/registry.crt"}],
    }
    volume = {"name": "registry-storage", "persistentVolumeClaim": {"claimName": "registry-claim"}}
    meta = {"name": "docker-registry", "namespace": "default"}
    reference = "172.30.124.220:5000/test/web"
    return copy.deepcopy(
        {
            "info": {
                "registry": {
                    "name": "docker-registry", "namespace": "default", "port": 5000, "cluster_ip": "172.30.124.220",
                    "endpoints": ENDPOINTS,
                },
                "ca_cert": "-----BEGIN CERTIFICATE-----",
                "ca": [{"subject": "CN=ca", "days_left": 900, "signs": True}],
                "certificate": {
                    "subject": "CN=docker-registry.default.svc", "days_left": 700, "sha256": "5f2a" * 16,
                    "not_after": "2029-01-01T00:00:00Z",
                    "sans": ["172.30.124.220", "docker-registry.default.svc",
                             "docker-registry.default.svc.cluster.local", "*.apps.example.com"],
                },
                "layout": {"tls": True},
                "workload": {"kind": "DeploymentConfig", "ready_replicas": 1, "revision": 1},
                "routes": [
                    {"name": "docker-registry", "namespace": "default", "host": ENDPOINTS[-1], "admitted": True,
                     "router": "router", "reason": None, "message": None},
                ],
                "served": [{"pod": "docker-registry-1-a", "sha256": "5f2a" * 16, "matches": True, "error": None}],
                "uncovered": [],
            },
            "service": {"metadata": meta, "spec": {"clusterIP": "172.30.124.220"}},
            "workload": {
                "apiVersion": "apps.openshift.io/v1", "kind": "DeploymentConfig", "metadata": meta,
                "spec": {"replicas": 1, "template": {"spec": {"containers": [container], "volumes": [volume]}}},
            },
            "rollout": {"done": True, "failed": False, "stuck": None, "reason": None, "line": "1/1 ready"},
            "pods": [
                {
                    "metadata": {"name": "docker-registry-1-a"}, "spec": {"nodeName": "node1"},
                    "status": {"podIP": "10.128.0.5", "conditions": [{"type": "Ready", "status": "True"}]},
                }
            ],
            "backends": {"subsets": [{"addresses": [{"ip": "10.128.0.5"}], "ports": [{"port": 5000}]}]},
            "config": {"mounted": False, "known": False, "auth": None},
            "images": True,
            "claim": {"spec": {"accessModes": ["ReadWriteOnce"]}},
            "streams": [
                {
                    "metadata": {"name": "web", "namespace": "test"},
                    "spec": {"tags": [{"name": "1", "from": {"name": "quay.io/a/b:1"}}]},
                    "status": {
                        "dockerImageRepository": reference,
                        "tags": [{"tag": "1", "items": [{"dockerImageReference": f"{reference}@sha256:00"}]}],
                    },
                }
            ],
            "services": [{"metadata": meta, "spec": {"clusterIP": "172.30.124.220"}}],
            "logs": {"docker-registry-1-a": 'time="2027-01-15T07:59:00Z" level=info msg="listening on [::]:5000, tls"'},
            "writable": {"docker-registry-1-a": []},
            "token": {"expired": None, "accepted": True, "error": None, "user": "alice", "project": "test",
                      "lacking": []},
            "hosts": {name: {"trust": trust(), "check": check(), "client": name == "bastion"}
                      for name in ("node1", "node2", "bastion")},
            "asked_host": ENDPOINTS[-1],
            "now": NOW,
        }
    )  # fmt: skip


OPERATORS_ENDPOINTS = [f"image-registry.openshift-image-registry.svc{domain}:5000" for domain in ("", ".cluster.local")]


def operators() -> dict[str, Any]:
    """The same of the operator's registry on OpenShift 4, whose nodes run CRI-O, with the CA that node-ca placed."""
    text = json.dumps(healthy()).replace("docker-registry.default", "image-registry.openshift-image-registry")
    text = text.replace("docker-registry", "image-registry").replace('"default"', '"openshift-image-registry"')
    raw: dict[str, Any] = json.loads(text)
    info, names = raw["info"], OPERATORS_ENDPOINTS
    info["registry"]["endpoints"] = names
    info["ca"][0]["subject"] = "CN=openshift-service-serving-signer@1700000000"
    info["certificate"]["sans"] = info["certificate"]["sans"][1:3]
    info["layout"] = {"name": "operator", "kind": "Config", "tls": True, "tls_secret": "image-registry-tls"}
    info.update(routes=[], node_ca=True)
    del raw["asked_host"]
    raw["workload"].update(apiVersion="apps/v1", kind="Deployment")
    reference = f"{names[0]}/test/web"
    raw["streams"][0]["status"] = {
        "dockerImageRepository": reference,
        "tags": [{"tag": "1", "items": [{"dockerImageReference": f"{reference}@sha256:00"}]}],
    }
    for host in raw["hosts"].values():
        trust = host["trust"]
        trust["engines"] = [
            {"name": "crio", "directories": ["/etc/containers/certs.d", "/etc/docker/certs.d"], "problem": None}
        ]
        for part in ("endpoints", "files"):
            trust[part] = [{**one, "owner": "foreign"} for one in trust[part] if one["endpoint"] in names]
        trust["endpoints"] = [{**one, "engine": "crio"} for one in trust["endpoints"]]
        trust["files"] = [{**one, "registry": None} for one in trust["files"]]
        host["check"]["results"] = [one for one in host["check"]["results"] if one["endpoint"] in names]
    return raw
