# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(document): from nothing to a registry on TLS with storage, beside the OpenShift 3 document's commands."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchlib import cluster
from benchlib.cluster import CA, CA_KEY, NAME, NAMESPACE, kubectl
from benchlib.playbook import BENCH, ROOT, BenchError, play
from benchlib.report import Report
from benchlib.stats import ROLLOUTS, Ratio, alternate, series

OURS = ROOT / "playbooks" / "deploy.yml"
MANIFEST = BENCH / "document" / "registry.yaml"
SERVICE_IP = "172.30.124.220"
SECRET = "registry-secret"
#: Each round costs two deployments and two removals, some 30 s.
ROUNDS = 3


@dataclass(frozen=True)
class Way:
    """One way from nothing to a registry."""

    seconds: float
    rollouts: int
    steps: tuple[tuple[str, float], ...] = ()


def patch(*operations: dict[str, object]) -> None:
    """A JSON patch of the DeploymentConfig."""
    kubectl("patch", "dc", NAME, "-n", NAMESPACE, "--type=json", "-p", json.dumps(operations))


def wait_for(version: int) -> None:
    """Wait until a rollout is complete, as C(oc rollout status) does."""
    controller = (f"rc/{NAME}-{version}", "-n", NAMESPACE, "--timeout=120s")
    kubectl("wait", "--for=create", *controller)
    kubectl("wait", r"--for=jsonpath={.metadata.annotations.openshift\.io/deployment\.phase}=Complete", *controller)


def add(place: str, value: object) -> dict[str, object]:
    """An operation that adds something to the pod template's spec."""
    return {"op": "add", "path": f"/spec/template/spec/{place}", "value": value}


def deploy() -> None:
    """C(oadm registry)."""
    kubectl("apply", "-n", NAMESPACE, "-f", str(MANIFEST))
    wait_for(1)


def storage() -> None:
    """C(oc volume dc/docker-registry --add --overwrite --name=registry-storage -t pvc --claim-name=registry-claim)."""
    patch(add("volumes/0", {"name": "registry-storage", "persistentVolumeClaim": {"claimName": "registry-claim"}}),
          {"op": "remove", "path": "/spec/template/spec/volumes/1"})  # fmt: skip
    wait_for(2)


def certificate() -> None:
    """C(oadm ca create-server-cert), C(oc secrets new), C(oc secrets add serviceaccounts/default)."""
    with tempfile.TemporaryDirectory() as directory:
        crt, key = Path(directory) / "registry.crt", Path(directory) / "registry.key"
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "730", "-batch",
                "-CA", str(CA), "-CAkey", str(CA_KEY), "-subj", f"/CN={SERVICE_IP}",
                "-addext", f"subjectAltName=DNS:{NAME}.{NAMESPACE}.svc.cluster.local,IP:{SERVICE_IP}",
                "-addext", "basicConstraints=CA:FALSE",
                "-out", str(crt), "-keyout", str(key),
            ],
            capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        kubectl("create", "secret", "generic", SECRET, "-n", NAMESPACE, f"--from-file={crt}", f"--from-file={key}")
    link = json.dumps({"secrets": [{"name": SECRET}]})
    kubectl("patch", "serviceaccount", "default", "-n", NAMESPACE, "-p", link)


def mount() -> None:
    """C(oc volume dc/docker-registry --add --type=secret --secret-name=registry-secret -m /etc/secrets)."""
    patch(
        add("volumes/-", {"name": "registry-certificates", "secret": {"secretName": SECRET}}),
        add("containers/0/volumeMounts/-", {"name": "registry-certificates", "mountPath": "/etc/secrets"}),
    )
    wait_for(3)


def variables() -> None:
    """C(oc env dc/docker-registry REGISTRY_HTTP_TLS_CERTIFICATE=… REGISTRY_HTTP_TLS_KEY=…)."""
    files = {"CERTIFICATE": "/etc/secrets/registry.crt", "KEY": "/etc/secrets/registry.key"}
    patch(
        *(
            add("containers/0/env/-", {"name": f"REGISTRY_HTTP_TLS_{name}", "value": path})
            for name, path in files.items()
        )
    )
    wait_for(4)


STEPS: tuple[tuple[str, Callable[[], None]], ...] = (
    ("oadm registry", deploy),
    ("oc volume, the claim", storage),
    ("certificate and Secret", certificate),
    ("oc volume, the Secret", mount),
    ("oc env", variables),
)


def by_the_document() -> Way:
    """Run the document's commands."""
    steps = []
    began = time.monotonic()
    for name, step in STEPS:
        before = time.monotonic()
        step()
        steps.append((name, time.monotonic() - before))
    seconds = time.monotonic() - began
    cluster.serves_tls()
    return Way(seconds, cluster.rollouts(), tuple(steps))


def by_the_playbook() -> Way:
    """Run deploy.yml."""
    run = play(OURS)
    if not run.changed:
        raise BenchError("deploy.yml found a registry where there should be nothing")
    cluster.serves_tls()
    return Way(run.seconds, cluster.rollouts())


def run(repetitions: int) -> Report:
    """Measure both ways in turns."""
    cluster.reset()
    # The first run also makes the CA, which both sign with; it is not counted.
    resources = [one for task in play(OURS).tasks for one in task.resources]

    def from_nothing(way: Callable[[], Way]) -> Callable[[], Way]:
        def measured() -> Way:
            cluster.delete(resources)
            return way()

        return measured

    ways = alternate(
        {"ours": from_nothing(by_the_playbook), "other": from_nothing(by_the_document)},
        min(ROUNDS, repetitions),
        warm_ups=0,
    )
    ours, other = ways["ours"], ways["other"]
    steps = [
        series(f"the document's {name}", (way.steps[index][1] for way in other))
        for index, (name, _) in enumerate(STEPS)
    ]
    return Report(
        "document: beside the OpenShift 3 document's commands",
        [
            Ratio(
                "rollouts",
                series("rollouts, deploy.yml", (way.rollouts for way in ours), ROLLOUTS),
                series("rollouts, the document", (way.rollouts for way in other), ROLLOUTS),
                at_most=0.25,
            ),
            Ratio(
                "time",
                series("deploy.yml", (way.seconds for way in ours)),
                series("the document's commands", (way.seconds for way in other)),
            ),
        ],
        steps,
    )
