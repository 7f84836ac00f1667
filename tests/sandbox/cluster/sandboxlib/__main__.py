# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command `tests/sandbox/sandbox`: takes the machine's sandbox, runs the playbooks, tells how it went."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from . import apialone, inputs, ownership, playbooks, settings
from .processes import SandboxError

PATHS = settings.PATHS
HELP = """\
up         start the sandbox, or finish starting it; on a healthy one this takes a second
reset      back to how it was after `up`: objects of the cluster, files of the nodes, images, registry data
check      look at every part; exit 1 if something is wrong
status     what is there and who uses it
down       take all of it away
run -- …   run a command as the living run of this machine's sandbox (nobody else can take it meanwhile)
kubectl …  kubectl as cluster administrator
api-up     only etcd and the API server, on a port of the loopback (for module tests); prints the kubeconfig
api-down   end those two
"""


def _changing(action: Callable[[], int], words: Sequence[str]) -> int:
    if os.geteuid() != 0:
        raise SandboxError("the sandbox needs root: it makes containers, a bridge and routes")
    with ownership.run(["sandbox", *words]), ownership.change():
        return action()


def _run(command: Sequence[str]) -> int:
    words = [word for word in command if word != "--"] if command[:1] == ["--"] else list(command)
    if not words:
        raise SandboxError("say which command to run: sandbox run -- make test")
    with ownership.run(words) as descriptor:
        # The lock goes on to the command, so that it is held until the last of it has ended.
        child = subprocess.Popen(words, pass_fds=[descriptor])
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda given, _frame: child.send_signal(given))
        return child.wait()


def _kubectl(arguments: Sequence[str]) -> int:
    if not PATHS.admin_kubeconfig.exists():
        raise SandboxError(f"{PATHS.admin_kubeconfig} is not there: run `sandbox up` first")
    binary = str(inputs.binary())
    os.environ["KUBECONFIG"] = str(PATHS.admin_kubeconfig)
    os.execv(binary, ["sandbox-kube", "kubectl", *arguments])


def _api_up() -> int:
    started = time.monotonic()
    kubeconfig = apialone.up(PATHS)
    print(f"API server ready after {time.monotonic() - started:.1f} s", file=sys.stderr)
    print(kubeconfig)
    return 0


def _api_down() -> int:
    apialone.down(PATHS)
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="sandbox", description=__doc__, epilog=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "command", choices=["up", "reset", "check", "status", "down", "run", "kubectl", "api-up", "api-down", "help"]
    )
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="arguments of run and kubectl")
    if not arguments or arguments[0] == "help":
        parser.print_help()
        return 0
    options = parser.parse_args(arguments)
    commands: dict[str, Callable[[], int]] = {
        "up": lambda: _changing(playbooks.up, arguments),
        "reset": lambda: _changing(playbooks.reset, arguments),
        "down": lambda: _changing(playbooks.down, arguments),
        "check": playbooks.check,
        "status": playbooks.status,
        "run": lambda: _run(options.rest),
        "kubectl": lambda: _kubectl(options.rest),
        "api-up": _api_up,
        "api-down": _api_down,
    }
    return commands[options.command]()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SandboxError as error:
        sys.exit(f"sandbox: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
