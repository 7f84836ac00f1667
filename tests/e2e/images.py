# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push and pull with a node's own docker, as a user of the sandbox's registry does."""

from __future__ import annotations

import re

import sandbox

PROJECT = "test"
USER = "alice"


def push(name: str, *, node: str = "node1", endpoint: str = sandbox.ENDPOINTS[0], layers: int = 1) -> str:
    """Build an image of its own content, push it, and give its digest.

    :param name: of the repository in the project ``test``; what is in the image follows from it.
    :param layers: how many layers of random bytes it has beside the base.
    """
    target = f"{endpoint}/{PROJECT}/{name}:1"
    copies = " ".join(
        f"&& head -c 65536 /dev/urandom > $d/f{n} && echo COPY f{n} /f{n} >> $d/Dockerfile" for n in range(layers)
    )
    script = (
        # A pod that has just become ready is not yet behind the Service on every node.
        f"set -e; try=0; until {login(endpoint)}; do try=$((try + 1)); "
        f"[ $try -lt 8 ] || {{ echo 'no login at {endpoint} in 8 tries'; exit 1; }}; sleep 1; done; "
        f"d=$(mktemp -d); echo FROM sandbox/pause:1 > $d/Dockerfile {copies}; "
        f"DOCKER_BUILDKIT=0 docker build -q -t {target} $d >/dev/null; rm -r $d; docker push {target}"
    )
    pushed = sandbox.on(node, script).stdout
    digest = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed)
    assert digest, pushed
    return digest[1]


def pulls(name: str, digest: str, *, node: str = "node2", endpoint: str = sandbox.ENDPOINTS[0]) -> bool:
    """Say whether a node that does not have the image gets it by digest."""
    reference = f"{endpoint}/{PROJECT}/{name}@{digest}"
    gone = f"docker images -q --no-trunc {endpoint}/{PROJECT}/{name} | sort -u | xargs -r docker rmi -f >/dev/null 2>&1"
    return sandbox.on(node, f"{login(endpoint)}; {gone}; docker pull -q {reference}", check=False).returncode == 0


def login(endpoint: str) -> str:
    """Give the shell command by which the user logs in; the token goes through standard input."""
    token = (sandbox.STATE / f"tokens/{USER}").read_text(encoding="utf-8").strip()
    return f"echo {token} | docker login -u {USER} --password-stdin {endpoint} >/dev/null"
