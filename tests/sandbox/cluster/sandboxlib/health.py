# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the sandbox is up and well, part by part. Looking changes nothing."""

from __future__ import annotations

import dataclasses
import http.client
import json
import secrets
import socket
import ssl
import struct
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import containers, hostnet, inputs, ownership, settings, steps
from .processes import SandboxError, marked

PATHS = settings.PATHS
SECONDS = 3.0  # for one look at a socket
REGISTRY_FLAG = "172.30.124.220:5000"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One part: what is wrong with it (None: nothing), and what one may want to know about it."""

    part: str
    problem: str | None
    detail: str = ""


def findings() -> list[Finding]:
    """Look at all parts, beside each other."""
    looks: list[Callable[[], Finding]] = [_files, _processes, _api, _routes, _dns, _router, _nfs, _s3]
    looks += [lambda name=name: _container(name) for name in settings.CONTAINERS]  # type: ignore[misc]
    looks += [lambda node=node: _docker_flags(node.name) for node in settings.NODES]  # type: ignore[misc]
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_safely, looks))


def problems() -> list[str]:
    """What is wrong, one line for each part; empty when all is well."""
    if not PATHS.complete.exists():
        return ["files: `up` has not come to its end"]  # nothing else needs to be looked at
    return [f"{finding.part}: {finding.problem}" for finding in findings() if finding.problem]


def _safely(look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (OSError, SandboxError, ValueError, KeyError) as error:
        return Finding(getattr(look, "__name__", "part").strip("_<>"), str(error))


def _files() -> Finding:
    wanted = [
        PATHS.complete,
        PATHS.snapshot,
        PATHS.admin_kubeconfig,
        PATHS.kubectl,
        PATHS.ssh / "known_hosts",
        *[folder / user.name for folder in (PATHS.tokens, PATHS.passwords) for user in inputs.USERS],
        *[PATHS.s3 / name for name in ("access-key", "secret-key", "ca.crt")],
    ]
    missing = [str(path) for path in wanted if not path.exists()]
    return Finding("files", f"missing: {', '.join(missing)}" if missing else None, str(PATHS.state))


def _processes() -> Finding:
    wrong = []
    for service in steps.plane().services():
        running, argv = service.recorded()
        if not running:
            wrong.append(f"{service.name} does not run; the end of its log:\n{service.tail(5)}")
        elif argv != list(service.argv):
            wrong.append(f"{service.name} runs with other arguments than it should")
    return Finding("control plane", "; ".join(wrong) or None, "etcd, API server, OAuth, controllers, scheduler")


def _api() -> Finding:
    api = steps.client()
    if not api.ready():
        return Finding("API", f"https://{settings.GATEWAY}:{settings.API_PORT}/readyz is not ok")
    return Finding("API", steps.not_ready(api), f"{api.call('GET', '/version')['gitVersion']}, all nodes Ready")


def _routes() -> Finding:
    missing = sorted(set(settings.BLACKHOLES) - hostnet.blackholed())
    problem = f"reachable from this machine: {', '.join(missing)}" if missing else None
    return Finding("networks", problem, "services and pods cannot be reached from this machine")


def _dns() -> Finding:
    name = f"kubernetes.default.svc.{settings.CLUSTER_DOMAIN}"
    answer = resolve(name, settings.INFRA_IP)
    problem = None if answer == "172.30.0.1" else f"{settings.INFRA_IP} says {answer} for {name}"
    return Finding("cluster DNS", problem, settings.INFRA_IP)


def _router() -> Finding:
    for port in (80, 443):
        with socket.create_connection((settings.INFRA_IP, port), SECONDS):
            pass
    return Finding("router", None, f"{settings.INFRA_IP}, *.{settings.APPS_DOMAIN}")


def _nfs() -> Finding:
    """That the server answers a call of NFS version 3 that does nothing (RFC 5531, RFC 1813)."""
    transaction = secrets.token_bytes(4)
    call = transaction + struct.pack(">9I", 0, 2, 100003, 3, 0, 0, 0, 0, 0)
    with socket.create_connection((settings.INFRA_IP, settings.NFS_PORT), SECONDS) as server:
        server.sendall(struct.pack(">I", 0x80000000 | len(call)) + call)
        answer = server.recv(1500)
    # The mark of the record, then: this call, a reply, accepted, the server's verifier (empty), success.
    well = answer[4:8] == transaction and answer[8:] == struct.pack(">5I", 1, 0, 0, 0, 0)
    problem = None if well else f"port {settings.NFS_PORT} does not answer as NFS does"
    return Finding("NFS", problem, f"{settings.NFS_NAME}, {settings.INFRA_IP}:/exports/registry and others")


def _s3() -> Finding:
    """That it is alive, with and without TLS by the cluster's authority."""
    context = ssl.create_default_context(cafile=str(PATHS.s3 / "ca.crt"))
    connections = [
        http.client.HTTPConnection(settings.INFRA_IP, settings.S3_PORT, timeout=SECONDS),
        http.client.HTTPSConnection(settings.INFRA_IP, settings.S3_TLS_PORT, timeout=SECONDS, context=context),
    ]
    statuses = []
    for connection in connections:
        connection.request("GET", "/healthz")
        statuses.append(connection.getresponse().status)
        connection.close()
    where = f"http://{settings.S3_NAME}:{settings.S3_PORT}, https://{settings.S3_NAME}:{settings.S3_TLS_PORT}"
    return Finding("S3", None if statuses == [200, 200] else f"/healthz says {statuses}", where)


def _container(name: str) -> Finding:
    state = containers.status(name)
    if state != "running":
        return Finding(name, f"its container is {state}")
    if not steps.up_to_date(name):
        return Finding(name, "its container was made from other files than there are now; `sandbox up` makes it anew")
    inactive = steps.inactive_units(name)
    if inactive:
        return Finding(name, inactive)
    with socket.create_connection((settings.CONTAINERS[name], 22), SECONDS) as ssh:
        if not ssh.recv(4).startswith(b"SSH"):
            return Finding(name, "port 22 is not ssh")
    return Finding(name, None, settings.CONTAINERS[name])


def _docker_flags(name: str) -> Finding:
    """That docker was started as its files say; which of them are insecure, for information."""
    script = "pid=$(cat /run/docker.pid) && tr '\\0' '\\n' </proc/$pid/cmdline"
    words = containers.inside(name, ["sh", "-c", script], check=False).splitlines()
    insecure = "listed as insecure" if REGISTRY_FLAG in " ".join(words) else "not listed as insecure"
    return Finding(f"{name} docker", None if words else "docker does not run", f"{REGISTRY_FLAG} {insecure}")


def resolve(name: str, server: str) -> str | None:
    """The first IPv4 address of a name, asked of one DNS server (RFC 1035); None without an answer of that kind."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
    ident = secrets.token_bytes(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.sendto(ident + b"\1\0\0\1\0\0\0\0\0\0" + question, (server, 53))
        answer = client.recv(1500)
    if answer[:2] != ident or struct.unpack(">H", answer[6:8])[0] < 1:
        return None
    return socket.inet_ntoa(answer[-4:]) if len(answer) >= len(question) + 28 else None


def report(found: Iterable[Finding]) -> list[str]:
    """Lines for people."""
    return [f"{'FAILED' if one.problem else 'ok':6} {one.part:14} {one.problem or one.detail}" for one in found]


def status() -> list[str]:
    """What sandbox is on the machine, who uses it, and what it takes."""
    record = ownership.read_record()
    if record is None:
        return ["There is no sandbox on this machine."]
    mine = record.state == str(PATHS.state)
    lines = [
        f"sandbox   of {'this checkout' if mine else record.checkout}, since {record.since}",
        f"state     {record.state}",
        f"in use by {ownership.describe_run() if ownership.in_use() else 'nobody (no run holds it)'}",
    ]
    processes = sum(owner == record.state for owner in marked().values())
    lines.append(f"processes {processes} of the control plane")
    if mine:
        lines += [f"container {name}: {containers.status(name)}" for name in settings.CONTAINERS]
        lines.append(f"memory    {_memory(record.state) / 2**20:.0f} MiB (what would be free without it)")
    return lines


def _memory(state: str) -> int:
    """Bytes of the control plane's processes and of all containers (their cgroups, page cache left out)."""
    total = 0
    for identity, owner in marked().items():
        if owner == state:
            fields = Path(f"/proc/{identity.pid}/smaps_rollup").read_text().split()
            total += int(fields[fields.index("Pss:") + 1]) * 1024
    for name in settings.CONTAINERS:
        answer = containers.docker("stats", "--no-stream", "--format", "{{json .MemUsage}}", name, check=False)
        if answer.returncode == 0:
            total += parse_size(json.loads(answer.stdout).split("/")[0].strip())
    return total


def parse_size(text: str) -> int:
    """Docker's sizes in bytes: "62.5MiB" is 65536000."""
    units = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1}
    for unit, factor in units.items():
        if text.endswith(unit):
            return int(float(text.removesuffix(unit)) * factor)
    return 0
