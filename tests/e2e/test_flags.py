# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Insecure flags in a drop-in and in registries.conf, on a real node; and systemd itself as judge of what is read.

The tests run in the order in which they stand, on a node that trusts the registry already, and leave it so.
"""

from __future__ import annotations

import base64
import json

import sandbox
from ansible_collections.okd.registry.plugins.module_utils._node import envedit, unitedit

NODE = "node2"
DROP_IN = "/etc/systemd/system/docker.service.d/20-site.conf"
CONF = "/etc/containers/registries.conf"
MORE = "/etc/containers/registries.conf.d/50-site.conf"
ADDRESS, SERVICE = sandbox.ENDPOINTS[:2]
DROP_IN_TEXT = f"""\
# the site's own options
[Service]
Environment="SITE=--insecure-registry={SERVICE}" KEPT=1
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock \\
    --insecure-registry {ADDRESS} \\
    --label site=2 \\
    $OPTIONS $SITE
"""
CONF_TEXT = f"[registries.search]\nregistries = []\n\n[registries.insecure]\nregistries = ['{ADDRESS}', 'x:1'] # site\n"
MORE_TEXT = f'[[registry]]\nlocation = "{SERVICE}"\ninsecure = true # until it has a certificate\n'


def put(path: str, text: str) -> None:
    """Write a file of the node."""
    sandbox.on(NODE, f"mkdir -p $(dirname {path}) && cat > {path}", stdin=text)


def read(path: str) -> str:
    """Read a file of the node."""
    return sandbox.on(NODE, f"cat {path}").stdout


def started() -> str:
    """Say when docker was started last."""
    return sandbox.on(NODE, "systemctl show docker -p ExecMainStartTimestampMonotonic").stdout


def test_flags_of_a_drop_in_and_of_registries_conf_go_with_one_restart() -> None:
    put(DROP_IN, DROP_IN_TEXT)
    put(CONF, CONF_TEXT)
    put(MORE, MORE_TEXT)
    sandbox.on(NODE, "systemctl daemon-reload && systemctl restart docker")
    assert len(sandbox.own_flags(sandbox.dockerd_arguments(NODE))) == 2
    before = started()
    ended = sandbox.playbook("trust.yml", "--limit", NODE)
    assert ended.code == 0, ended.output
    assert read(DROP_IN) == DROP_IN_TEXT.replace(f"    --insecure-registry {ADDRESS} \\\n", "").replace(
        f"--insecure-registry={SERVICE}", ""
    )
    assert read(CONF) == CONF_TEXT.replace(f"'{ADDRESS}', ", "")
    assert read(MORE) == MORE_TEXT.replace("true", "false")
    arguments = sandbox.dockerd_arguments(NODE)
    assert sandbox.own_flags(arguments) == []
    assert "site=2" in arguments
    assert started() != before
    assert sandbox.on(NODE, "systemctl show docker -p NeedDaemonReload").stdout.strip() == "NeedDaemonReload=no"
    once = started()
    again = sandbox.playbook("trust.yml", "--limit", NODE)
    assert (again.code, again.changed, started()) == (0, 0, once), again.output


def test_what_was_taken_out_comes_back_when_the_node_is_to_trust_no_more() -> None:
    before = started()
    absent = json.dumps({"registry_trust_state": "absent", "registry_trust_restore_insecure": True})
    ended = sandbox.playbook("trust.yml", "--limit", NODE, "-e", absent)
    assert ended.code == 0, ended.output
    assert started() != before
    assert len(sandbox.own_flags(sandbox.dockerd_arguments(NODE))) == 2
    assert f"'{ADDRESS}'" in read(CONF).replace('"', "'")
    assert read(MORE) == MORE_TEXT
    assert sandbox.on(NODE, f"ls /etc/docker/certs.d/{ADDRESS} /var/lib/okd-registry", check=False).stdout == ""
    sandbox.on(NODE, f"rm -rf {DROP_IN} /etc/containers && systemctl daemon-reload && systemctl restart docker")
    ended = sandbox.playbook("trust.yml", "--limit", NODE)
    assert ended.code == 0, ended.output


# What ExecStart= and the variables of a file may look like; each is started for real, as it is and after the edit.
UNITS = [
    ("", f"--insecure-registry {ADDRESS} -D"),
    (f"OPTIONS='--insecure-registry={ADDRESS} --label=\"a b\"'", "$OPTIONS"),
    (f'OPTIONS="--insecure-registry {ADDRESS} \\\n  --x"\nB=', "$OPTIONS ${B} end"),
    (f"OPTIONS=--insecure-registry={ADDRESS} 'one two' \\'q\\'", "$OPTIONS $OPTIONS"),
    ("A='it'", f"\"--insecure-registry={ADDRESS}\" 'a b' --l='c d' $A"),
    ("A=1", f"--insecure-registry\\x3d{ADDRESS} \\\n  # a comment\n  --a\\x20b %% $$A ${{A}}"),
    (f"; x\nA=\"--insecure-registry={ADDRESS}\"' --more'", "$A"),
    ("", f"--insecure-registry=x:1 --insecure-registry {ADDRESS} --insecure-registry=y:1 ; /bin/true"),
]


def test_systemd_starts_a_program_with_the_same_arguments_less_ours() -> None:
    """Services of these shapes are started, edited, and started again: the kernel says what they were started with."""

    def ours(value: str) -> bool:
        return value in sandbox.ENDPOINTS

    def texts(environment: str, words: str) -> tuple[bytes, bytes]:
        settings = "Type=oneshot\nEnvironmentFile=/run/sample.env\nExecStart=/usr/bin/python3 /run/sample.py "
        unit = f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n{settings}{words}\n"
        return environment.encode() + b"\n", unit.encode()

    put("/run/sample.py", "import json, sys\nopen('/run/sample.out', 'a').write(json.dumps(sys.argv[1:]))\n")
    for environment, words in UNITS:
        before = texts(environment, words)
        after = (envedit.edit(before[0], ours).text, unitedit.edit(before[1], ours).text)
        assert after != before
        seen = [_arguments(*files) for files in (before, after)]
        assert seen[1] == _less_ours(seen[0])
        assert not [word for word in seen[1] if ADDRESS in word]
    sandbox.on(NODE, "rm -f /run/sample.* /run/systemd/system/sample.service; systemctl daemon-reload")


def _arguments(environment: bytes, unit: bytes) -> list[str]:
    files = {"/run/sample.env": environment, "/run/systemd/system/sample.service": unit}
    written = "; ".join(f"echo {base64.b64encode(data).decode()} | base64 -d > {path}" for path, data in files.items())
    command = "rm -f /run/sample.out; systemctl daemon-reload && systemctl start sample && cat /run/sample.out"
    return json.loads(sandbox.on(NODE, f"{written}; {command}").stdout)


def _less_ours(arguments: list[str]) -> list[str]:
    rest, kept = list(arguments), []
    while rest:
        word = rest.pop(0)
        if word == "--insecure-registry" and rest and rest[0] == ADDRESS:
            rest.pop(0)
        elif word != f"--insecure-registry={ADDRESS}":
            kept.append(word)
    return kept
