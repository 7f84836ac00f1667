# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and machines do to a registry behind the collection's back, each a function of the registries and a name.

Those with ``_again`` at the ends of their names undo by hand what no playbook of the collection is for.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sandbox
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from registries import Registries, ident

Harm = Callable[[Registries, str], None]
CONTAINER = "/spec/template/spec/containers/0"
SCC = ("securitycontextconstraints", "privileged")


def until(seen: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, what
        time.sleep(0.5)


def patched(*operations: dict[str, Any]) -> Harm:
    """A change of the workload; paths begin at its container."""
    wanted = [{**one, "path": CONTAINER + one["path"]} for one in operations]

    def harm(site: Registries, name: str) -> None:
        site.kubectl(name, "patch", site.workload(name), "--type=json", "-p", json.dumps(wanted))

    return harm


def replaced(path: str, value: Any) -> Harm:
    """One value of the container is another."""
    return patched({"op": "replace", "path": path, "value": value})


def on_a_lost_disk(site: Registries, name: str) -> None:
    """The registry's volume is a claim whose disk is not where its node had it."""
    claim, room = "lost", {"storage": "1Gi"}
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]}
    volume = {
        "capacity": room, "accessModes": ["ReadWriteMany"], "local": {"path": "/nowhere"}, "storageClassName": "",
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        "claimRef": {"name": claim, "namespace": site.namespace(name)},
    }  # fmt: skip
    wanted = {
        "accessModes": ["ReadWriteMany"], "resources": {"requests": room}, "storageClassName": "", "volumeName": claim,
    }  # fmt: skip
    for kind, spec in (("PersistentVolume", volume), ("PersistentVolumeClaim", wanted)):
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": claim}, "spec": spec}
        site.kubectl(name, "create", "-f", "-", stdin=json.dumps(body))
    live = json.loads(site.kubectl(name, "get", site.workload(name), "-o", "json"))
    volumes = live["spec"]["template"]["spec"]["volumes"]
    (index,) = [index for index, one in enumerate(volumes) if one["name"] == "registry-storage"]
    value = {"name": "registry-storage", "persistentVolumeClaim": {"claimName": claim}}
    change = [{"op": "replace", "path": f"/spec/template/spec/volumes/{index}", "value": value}]
    site.kubectl(name, "patch", site.workload(name), "--type=json", "-p", json.dumps(change))


def scaled(replicas: int) -> Harm:
    """Other replicas."""

    def harm(site: Registries, name: str) -> None:
        change = json.dumps({"spec": {"replicas": replicas}})
        site.kubectl(name, "patch", site.workload(name), "--type=merge", "-p", change)

    return harm


def deleted(kind: str, suffix: str = "", *, restart: bool = False) -> Harm:
    """An object is gone. :param restart: the pods have to start without it."""

    def harm(site: Registries, name: str) -> None:
        target = site.workload(name) if kind == "workload" else f"{kind}/{ident(name)}{suffix}"
        site.kubectl(name, "delete", target)
        if restart:
            restarted(site, name)

    return harm


def restarted(site: Registries, name: str) -> None:
    """The pods die, and others start."""
    site.kubectl(name, "delete", "pods", "-l", f"{ident(name)}=default", "--grace-period=1", "--wait=false")


def selects_nothing(site: Registries, name: str) -> None:
    """The Service selects other pods than there are."""
    site.kubectl(name, "patch", "service", ident(name), "-p", json.dumps({"spec": {"selector": {ident(name): "no"}}}))


def without_tls(site: Registries, name: str) -> None:
    """The workload as it was before anybody thought of TLS: no variables for it, probes by HTTP."""
    without_tls_variables(site, name, scheme="HTTP")


def without_tls_variables(site: Registries, name: str, *, scheme: str = "HTTPS") -> None:
    """Somebody has taken the variables for TLS away. :param scheme: by which probes ask."""
    live = json.loads(site.kubectl(name, "get", site.workload(name), "-o", "json"))
    (container,) = live["spec"]["template"]["spec"]["containers"]
    container["env"] = [each for each in container["env"] if not each["name"].startswith("REGISTRY_HTTP_TLS")]
    for probe in ("livenessProbe", "readinessProbe"):
        container[probe]["httpGet"]["scheme"] = scheme
    site.kubectl(name, "replace", "-f", "-", stdin=json.dumps(live))


def cancelled(site: Registries, name: str) -> None:
    """A rollout begins, and somebody cancels it, as `oc rollout cancel` does."""
    patched(
        {"op": "add", "path": "/env/-", "value": {"name": "REGISTRY_LOG_FIELDS_SERVICE", "value": "cancelled"}},
        {"op": "add", "path": "/readinessProbe/initialDelaySeconds", "value": 60},
    )(site, name)
    version = f"replicationcontroller/{ident(name)}-2"
    until(lambda: bool(site.kubectl(name, "get", version, "--ignore-not-found", "-o", "name")), f"no {version}")
    site.kubectl(name, "annotate", version, "openshift.io/deployment.cancelled=true")


# ---- certificates


def _pem(thing: x509.Certificate) -> str:
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def _signed(old: x509.Certificate, issuer: x509.Certificate, key: Any, days: int, host: str | None = None) -> str:
    """The same certificate with another end, or for another host."""
    now = dt.datetime.now(dt.timezone.utc)
    extensions = list(old.extensions)
    if host:
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        extensions = [one for one in extensions if one.oid != names.oid]
        extensions.append(x509.Extension(names.oid, critical=False, value=names))
    made = x509.CertificateBuilder(
        issuer.subject, old.subject, old.public_key(), x509.random_serial_number(),
        now - dt.timedelta(days=400), now + dt.timedelta(days=days, hours=1), extensions,
    )  # fmt: skip
    return _pem(made.sign(key, hashes.SHA256()))


def _ca(site: Registries, name: str) -> tuple[x509.Certificate, Any]:
    files = site.variables(name)["registry_ca"]
    cert = x509.load_pem_x509_certificate(Path(files["cert_path"]).read_bytes())
    return cert, serialization.load_pem_private_key(Path(files["key_path"]).read_bytes(), None)


def another_certificate(days: int, *, restart: bool) -> Harm:
    """The Secret has another certificate of the same CA, which ends in so many days."""

    def harm(site: Registries, name: str) -> None:
        secret = f"secret/{ident(name)}-tls"
        live = json.loads(site.kubectl(name, "get", secret, "-o", "json"))["data"]["registry.crt"]
        old = x509.load_pem_x509_certificate(base64.b64decode(live))
        made = base64.b64encode(_signed(old, *_ca(site, name), days).encode()).decode()
        site.kubectl(name, "patch", secret, "--type=merge", "-p", json.dumps({"data": {"registry.crt": made}}))
        if restart:
            restarted(site, name)

    return harm


def another_route_certificate(days: int, host: str | None = None) -> Harm:
    """Somebody gave the Route another certificate of the same key. :param host: whose it is, if not the Route's."""

    def harm(site: Registries, name: str) -> None:
        files = site.variables(name)["registry_route_certificate"]
        old = x509.load_pem_x509_certificate(Path(files["cert_path"]).read_bytes())
        made = _signed(old, *_ca(site, name), days, host)
        change = json.dumps({"spec": {"tls": {"certificate": made}}})
        site.kubectl(name, "patch", f"route/{ident(name)}", "--type=merge", "-p", change)

    return harm


def _publish(site: Registries, name: str, pem: str) -> None:
    change = json.dumps({"data": {"ca.crt": pem}})
    site.kubectl(name, "patch", f"configmap/{ident(name)}-ca", "--type=merge", "-p", change)


def ca_of_others(site: Registries, name: str) -> None:
    """The ConfigMap has the CA of another registry."""
    _publish(site, name, (sandbox.STATE / "s3/ca.crt").read_text(encoding="utf-8"))


def ca_ended(site: Registries, name: str) -> None:
    """The CA has come to its end, in the file and where it is published."""
    cert, key = _ca(site, name)
    ended = _signed(cert, cert, key, -2)
    Path(site.variables(name)["registry_ca"]["cert_path"]).write_text(ended, encoding="utf-8")
    _publish(site, name, ended)


# ---- what others are in charge of


def no_pods_allowed(site: Registries, name: str) -> None:
    """A quota with no room."""
    quota = {
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}},
    }  # fmt: skip
    site.kubectl(name, "create", "-f", "-", stdin=json.dumps(quota))
    site.kubectl(name, "wait", "--for=jsonpath={.status.hard.pods}", "resourcequota/none")
    restarted(site, name)


def pods_allowed_again(site: Registries, name: str) -> None:
    """Raise the quota."""
    site.kubectl(name, "patch", "resourcequota/none", "--type=merge", "-p", '{"spec": {"hard": {"pods": "9"}}}')
    site.kubectl(name, "wait", "--for=jsonpath={.status.hard.pods}=9", "resourcequota/none")


def restricted(site: Registries, name: str) -> None:
    """The namespace takes restricted pods only, by the cluster's own pod security admission."""
    site.kubectl(name, "label", "namespace", site.namespace(name), "pod-security.kubernetes.io/enforce=restricted")
    restarted(site, name)


def unrestricted_again(site: Registries, name: str) -> None:
    """It takes others, too."""
    site.kubectl(name, "label", "namespace", site.namespace(name), "pod-security.kubernetes.io/enforce-")


def scc_taken(site: Registries, name: str) -> None:
    """An administrator has taken the account out of the SCC."""
    users = json.loads(sandbox.kubectl("get", *SCC, "-o", "json"))["users"]
    index = users.index(f"system:serviceaccount:{site.namespace(name)}:{ident(name)}")
    change = [{"op": "remove", "path": f"/users/{index}"}]
    sandbox.kubectl("patch", *SCC, "--type=json", "-p", json.dumps(change))
    restarted(site, name)


def directory(node: str, path: str) -> Harm:
    """A directory of a node that the registry may write to, as the role registry_deploy makes it."""
    command = f"mkdir -p {path} && chown 1001:0 {path} && chmod 0770 {path}"

    def harm(_site: Registries, _name: str) -> None:
        sandbox.on(node, command)

    return harm


def taken_by_others(export: str) -> Harm:
    """The export belongs to another user."""
    return lambda _site, _name: _give(export, "4242:4242", "0700")


def given_again(export: str) -> Harm:
    """It belongs to the registry's."""
    return lambda _site, _name: _give(export, "1001:0", "2770")


def _give(export: str, owner: str, mode: str) -> None:
    sandbox.in_container("infra", f"chown {owner} {export} && chmod {mode} {export}")


def asked(site: Registries, name: str) -> None:
    """Somebody pulls, so that the registry has to ask its storage."""
    address = site.kubectl(name, "get", "service", ident(name), "-o", "jsonpath={.spec.clusterIP}")
    token = (sandbox.STATE / "tokens/alice").read_text(encoding="utf-8").strip()
    ask = f"curl -sk -m 20 -o /dev/null -w '%{{http_code}}' -K - https://{address}:5000/v2/test/none/manifests/1"
    until(lambda: sandbox.on("node1", ask, stdin=f"user = alice:{token}").stdout[:1] == "5", f"{name} was not asked")


def claimed(host: str) -> Harm:
    """Another project has a Route of that host."""

    def harm(_site: Registries, _name: str) -> None:
        spec = {"host": host, "to": {"kind": "Service", "name": "web"}, "tls": {"termination": "passthrough"}}
        meta = {"name": "rival", "namespace": "test"}
        route = {"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec}
        sandbox.kubectl("create", "-f", "-", stdin=json.dumps(route))

    return harm


def left_again(_site: Registries, _name: str) -> None:
    """The other Route is gone."""
    sandbox.kubectl("delete", "route", "rival", "-n", "test")


def without_router(site: Registries, name: str) -> None:
    """The router has stopped; then the Route was made."""
    live = json.loads(site.kubectl(name, "get", "route", ident(name), "-o", "json"))
    sandbox.in_container("infra", "systemctl stop openshift-router")
    site.kubectl(name, "delete", "route", ident(name))
    meta = {key: live["metadata"].get(key) for key in ("name", "labels", "annotations")}
    body = {**{key: live[key] for key in ("apiVersion", "kind", "spec")}, "metadata": meta}
    site.kubectl(name, "create", "-f", "-", stdin=json.dumps(body))


def router_again(_site: Registries, _name: str) -> None:
    """The router runs."""
    sandbox.in_container("infra", "systemctl start openshift-router")
