# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that pull and push all the time while something is done to the registry, and what they saw.

One on every node, with the node's own docker, by the service address, a service name and the route's host in turn.
``traffic.py start`` and ``traffic.py stop`` do the same from a shell.
"""

from __future__ import annotations

import itertools
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import images
import sandbox

ENDPOINTS = (sandbox.ENDPOINTS[0], sandbox.ENDPOINTS[1], sandbox.ENDPOINTS[3])
# What the sandbox's reset takes away, which ends the clients of a test that did not come to its end.
PLACE = "/root/registry-traffic"
UNIT = "registry-traffic"
LONGEST = 900  # seconds


@dataclass(frozen=True)
class Attempt:
    """One pull or push.

    :param began: seconds since 1970, by the node's clock, which is this machine's.
    :param seconds: how long it took.
    :param said: the last line of what docker printed.
    """

    node: str
    began: float
    seconds: float
    endpoint: str
    verb: str
    ok: bool
    said: str


# Who has no answer yet from a name, and could not log in there, takes the login of another.
LOGINS = """import json, sys
path, names = sys.argv[1], sys.argv[2:]
config = json.load(open(path))
known = next(iter(config["auths"].values()))
config["auths"].update({name: config["auths"].get(name, known) for name in names})
json.dump(config, open(path, "w"))"""


def start(endpoints: Sequence[str] = ENDPOINTS) -> None:
    """Start the clients, and return when each has pulled and pushed once by every name, or tried to."""
    stop()
    digest = images.push("traffic")
    script = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
    for node in sandbox.NODES:
        logins = "; ".join(f"{images.login(endpoint)} || echo no login at {endpoint}" for endpoint in endpoints)
        logins += f"; python3 -c {shlex.quote(LOGINS)} {PLACE}/docker/config.json {' '.join(endpoints)}"
        command = (
            f"set -e; mkdir -p {PLACE}; cd {PLACE}; echo {shlex.quote(script)} > traffic.sh; touch run log; "
            f"export DOCKER_CONFIG={PLACE}/docker; {logins}; "
            f"systemd-run -q --collect --unit {UNIT} -p RuntimeMaxSec={LONGEST} -p TimeoutStopSec=5 "
            f"bash {PLACE}/traffic.sh {node} {digest} {' '.join(endpoints)}"
        )
        sandbox.on(node, command)
    enough = f"[ $(wc -l < {PLACE}/log) -ge {2 * len(endpoints)} ]"
    for node in sandbox.NODES:
        sandbox.on(node, f"for i in $(seq 120); do {enough} && exit; sleep .5; done; exit 1")


def seen() -> list[Attempt]:
    """What the clients have seen so far, in the order in which it began."""
    lines = [(node, line) for node in sandbox.NODES for line in _log(node)]
    return sorted((_attempt(node, line) for node, line in lines), key=lambda attempt: attempt.began)


def stop() -> list[Attempt]:
    """Let the clients finish what they are at, take all of theirs away, and give what they saw."""
    for node in sandbox.NODES:
        sandbox.on(node, f"rm -f {PLACE}/run")
    for node in sandbox.NODES:
        sandbox.on(node, f"while systemctl -q is-active {UNIT}; do sleep .2; done", timeout=120)
    found = seen()
    for node in sandbox.NODES:
        sandbox.on(node, f"rm -rf {PLACE}")
    return found


def _log(node: str) -> list[str]:
    return sandbox.on(node, f"cat {PLACE}/log 2>/dev/null || true").stdout.splitlines()


def _attempt(node: str, line: str) -> Attempt:
    began, seconds, endpoint, verb, outcome, said = line.split("\t", 5)
    return Attempt(node, float(began), float(seconds), endpoint, verb, outcome == "ok", said)


def failures(attempts: Iterable[Attempt]) -> list[str]:
    """The attempts that failed, as lines to read."""
    return [
        f"{sandbox.rfc3339(one.began)} {one.node} {one.verb} {one.endpoint} after {one.seconds:.2f} s: {one.said}"
        for one in attempts
        if not one.ok
    ]


def longest_pause(attempts: Iterable[Attempt], node: str) -> float:
    """The longest time, in seconds, from one attempt's beginning on a node to the next one's."""
    times = [one.began for one in attempts if one.node == node]
    return max((later - earlier for earlier, later in itertools.pairwise(times)), default=float("inf"))


def main(arguments: list[str]) -> int:
    """Start or stop; print what failed, and how many attempts there were."""
    if arguments == ["start"]:
        start()
        return 0
    if arguments != ["stop"]:
        print(__doc__, file=sys.stderr)
        return 2
    attempts = stop()
    wrong = failures(attempts)
    print("\n".join([*wrong, f"{len(attempts)} attempts, {len(wrong)} failed"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
