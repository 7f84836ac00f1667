# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in from outside: an inventory of two nodes and a client that is none, and what they see of the registry."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import images
import sandbox
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509

OLD, NEW = "registry.apps.sandbox.test", "images.apps.sandbox.test"
CLIENT = "node3"
NODES = tuple(name for name in sandbox.NODES if name != CLIENT)
CERTS = "/etc/docker/certs.d"
VARIABLES = sandbox.ROOT / "inventory/sandbox/group_vars"
#: Storage that two pods share, so that a rollout is not noticed.
SHARED = sandbox.ROOT / "extensions/molecule/rotate/vars/registry.yml"
LONGEST = 400  # seconds that a playbook may take
LIFE = 90  # days of a certificate

Play = Callable[..., sandbox.Run]


def inventory(path: Path, **more: Any) -> Path:
    """Write an inventory of the sandbox in which node3 is no node, but a client; more variables are of all hosts."""
    variables = yaml.safe_load((VARIABLES / "all/registry.yml").read_text(encoding="utf-8"))
    variables |= yaml.safe_load(SHARED.read_text(encoding="utf-8"))
    of_nodes = yaml.safe_load((VARIABLES / "registry_nodes.yml").read_text(encoding="utf-8"))
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}

    def hosts(*names: str) -> dict[str, Any]:
        return {"hosts": {name: {"ansible_host": sandbox.NODES[name]} for name in names}, "vars": of_nodes}

    # The cluster has a Node that is none of this inventory's.
    variables |= {
        "sandbox_state": str(sandbox.STATE),
        "registry_trust_uncovered": "ignore",
        "registry_route_dns": "ignore",
        **more,
    }
    groups = {
        "registry_control": {"hosts": {"localhost": local}},
        "registry_nodes": hosts(*NODES),
        "registry_clients": hosts(CLIENT),
    }
    path.write_text(json.dumps({"all": {"vars": variables, "children": groups}}), encoding="utf-8")
    return path


def player(of: Path) -> Play:
    """Give what runs a playbook of the collection, or another one by its path, on an inventory."""

    def run(name: str | Path, *arguments: str, **variables: Any) -> sandbox.Run:
        command = sandbox.playbook_command(str(name), *arguments, "-e", json.dumps(variables), inventory=of)
        done = sandbox.run(*command, check=False, timeout=LONGEST, cwd=sandbox.ROOT, env=sandbox.environment())
        output = done.stdout + done.stderr
        return sandbox.Run(done.returncode, output, sandbox.recap(output))

    return run


def ok(ended: sandbox.Run) -> sandbox.Run:
    """A run that ended well."""
    assert ended.code == 0, ended.output
    return ended


def unchanged(ended: sandbox.Run) -> None:
    """A run that ended well and found nothing to do."""
    assert (ended.code, ended.changed) == (0, 0), ended.output


def authority(place: Path) -> Callable[[str], dict[str, str]]:
    """Make a CA for the router's certificates; give what makes these, as options.

    Its own certificate is C(router-ca.crt) in *place*.
    """
    now = dt.datetime.now(dt.timezone.utc)
    key = _pem.new_key("ECDSA", None)
    ca = _x509.Ca(_x509.self_signed_ca(key, name="the router's CA", now=now, days=LIFE), key)
    (place / "router-ca.crt").write_text(ca.pem(), encoding="utf-8")

    def make(host: str) -> dict[str, str]:
        made = _x509.issue(ca, _x509.server_names([host]), serial=2, now=now, days=LIFE, key_type="ECDSA")
        crt, key = place / f"{host}.crt", place / f"{host}.key"
        crt.write_bytes(made.bundle)
        key.write_bytes(made.key_pem)
        return {"cert_path": str(crt), "key_path": str(key)}

    return make


def directories(host: str) -> set[str]:
    """The names that docker of a host has directories for, of those that are the registry's."""
    found = sandbox.on(host, f"ls {CERTS} 2>/dev/null || true").stdout.split()
    return {name for name in found if "sandbox.test" in name or "docker-registry" in name or "172.30" in name}


def status(host: str, name: str) -> str:
    """What curl gets from a name's /v2/ over TLS, whoever signed it."""
    command = f"curl -sk -m 5 -o /dev/null -w '%{{http_code}}' https://{name}/v2/"
    return sandbox.on(host, command, check=False).stdout


def works(name: str, *, node: str) -> None:
    """An image goes there by docker of one host, and comes back by its digest to the same."""
    digest = images.push(f"through-{name.partition('.')[0]}", node=node, endpoint=name, layers=2)
    assert images.pulls(f"through-{name.partition('.')[0]}", digest, node=node, endpoint=name)


def route(host: str) -> dict[str, Any]:
    """The Route that has a host."""
    (found,) = [one for one in sandbox.objects("routes", "-n", "default") if one["spec"]["host"] == host]
    return found


def admitted(host: str) -> float:
    """When a router admitted the Route of a host, in whole seconds since 1970."""
    (condition,) = route(host)["status"]["ingress"][0]["conditions"]
    return dt.datetime.fromisoformat(condition["lastTransitionTime"]).timestamp()


def gone(name: str) -> float:
    """When the collection took a Route of this name away, in seconds since 1970."""
    (when,) = [
        event["requestReceivedTimestamp"]
        for event in sandbox.writes() if event["verb"] == "delete" and event["objectRef"]["resource"] == "routes"
        and event["objectRef"]["name"] == name
    ]  # fmt: skip
    return dt.datetime.fromisoformat(when).timestamp()


@contextmanager
def asking(host: str, name: str, ca: str) -> Iterator[list[str]]:
    """Ask a name of the registry over and over, by a file of CAs on a host; gives the answers' codes at the end."""
    log, codes = f"/root/asking-{name}", list[str]()
    once = f"curl -s -m 10 -o /dev/null -w '%{{http_code}}\\n' --cacert {ca} https://{name}/v2/"
    loop = f"while :; do {once} >> {log}; sleep .3; done"
    sandbox.on(host, f"systemd-run -q --collect --unit asking-{name} sh -c {shlex.quote(loop)}")
    try:
        yield codes
    finally:
        codes += sandbox.on(host, f"systemctl stop asking-{name}; cat {log}; rm {log}").stdout.split()
