# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent of registry_trust_agent: keeps one node's files of certs.d right, from a pod that a DaemonSet puts there.

It is started as C(python3 -m _node.agent) beside the other files of this package, out of a ConfigMap. Its settings are
the variable E(OKD_REGISTRY_AGENT); the CA is a mounted file, read anew at each round. It asks no API, restarts nothing,
and follows the same record and lock as registry_trust on the same node.
"""

import json
import os
import signal
import sys
import time
from collections import namedtuple

from . import containerd, endpoint, files, pem
from .errors import NodeError, RefusedError
from .manifest import DIRECTORY, Records
from .placement import Placement
from .trust_plan import CA, Place, Wanted

# What the settings hold: registry (namespace/name), endpoints (list), directories (list), state ("present", "absent" or
# "idle", in which nothing is touched any more), interval (seconds), ca and ready (paths in the pod), root (where the
# node's directories are mounted)
VARIABLE = "OKD_REGISTRY_AGENT"
_CONTAINERD = "/etc/containerd/"
_FILE, _MODE = "ca.crt", 0o644
_IDLE = "idle"
_Request = namedtuple("_Request", "check_mode placed owner")


class Agent:
    """Keeps one node as the settings say.

    :param settings: dict, as in E(OKD_REGISTRY_AGENT)
    :param say: function that takes a line for the pod's log
    """

    def __init__(self, settings, say):
        self._settings = settings
        self._say = say
        self._told = None
        self._tree = files.Tree(root=settings["root"])

    def once(self):
        """Bring the files to what is wanted, and say so by the file that the readiness probe looks for.

        :returns: True where they are
        """
        actions, problem = self._work()
        for line in actions:
            self._say(line)
        self._mark(problem is None)
        outcome = problem or self._fine()
        if actions or outcome != self._told:
            self._say(outcome)
        self._told = outcome
        return problem is None

    def _work(self):
        """Give what was done (sentences) and what is wrong (a sentence, or None)."""
        if self._settings["state"] == _IDLE:
            return [], None
        result = {}  # type: dict
        try:
            request = _Request(False, False, (os.geteuid(), os.getegid()))
            records = Records(self._tree, self._settings["registry"])
            placement = Placement(request, self._tree, records, _NoStore(), result, self._is_about)
            if self._settings["state"] == "absent":
                placement.converge(None, [])
            else:
                placement.converge(*self._wanted())
        except NodeError as exc:
            return [], str(exc)
        except OSError as exc:
            return [], "{}: {}".format(exc.filename or "a file of this node", exc.strerror or exc)
        return result["actions"], None

    def _is_about(self, path):
        """Say whether a recorded path is the agent's business; what registry_trust has placed elsewhere is not.

        A client's certificate beside a CA is registry_trust's, too, until nothing at all is to be left.
        """
        roots = [root for root in self._settings["directories"] if (path + "/").startswith(root + "/")]
        if self._settings["state"] == "absent":
            return bool(roots) or any(root.startswith(path + "/") for root in self._settings["directories"])
        return bool(roots) and path.endswith("/" + _FILE)

    def _wanted(self):
        """Give the files and the directories that are wanted."""
        ca = self._ca()
        wanted, places = [], []
        for root in self._settings["directories"]:
            for name in self._settings["endpoints"]:
                text = endpoint.parse(name).text
                path = "{}/{}".format(root, text)
                if root.startswith(_CONTAINERD):
                    path = containerd.directory(text, [root], self._tree.look)
                places.append(Place(path, text, root.startswith(_CONTAINERD)))
                wanted.append(Wanted("{}/{}".format(path, _FILE), ca, _MODE, CA))
        return wanted, places

    def _ca(self):
        try:
            with open(self._settings["ca"], encoding="utf-8", errors="replace") as stream:
                return pem.bundle(stream.read())
        except OSError as exc:
            raise RefusedError(
                "The CA of {} is not there ({}: {}), so this node is left as it is; registry_cert makes the ConfigMap "
                "that it comes from".format(self._settings["registry"], exc.filename, exc.strerror)
            ) from exc

    def _fine(self):
        if self._settings["state"] == _IDLE:
            return "The files of {} are left as they are from now on.".format(self._settings["registry"])
        if self._settings["state"] == "absent":
            return "Nothing of {} is left here.".format(self._settings["registry"])
        return "This node has the CA of {} for {}.".format(
            self._settings["registry"], ", ".join(self._settings["endpoints"])
        )

    def _mark(self, right):
        if right:
            with open(self._settings["ready"], "w", encoding="ascii"):
                pass
        elif os.path.exists(self._settings["ready"]):
            os.unlink(self._settings["ready"])


class _NoStore:
    """The system's own store of CAs, with which the agent has nothing to do."""

    def missing(self, _anchors):
        """Say that nothing is missing in it."""
        return False

    def refresh(self, _wanted, _gone):
        """Leave it as it is."""


def main():
    """Run until the pod is ended. As process 1, it would not hear SIGTERM without a handler."""
    settings = json.loads(os.environ[VARIABLE])
    signal.signal(signal.SIGTERM, _end)
    records = settings["root"] + DIRECTORY
    if os.path.isdir(records):  # as registry_trust makes it; the kubelet makes it for all to read
        os.chmod(records, 0o700)
    agent = Agent(settings, _print)
    while True:
        agent.once()
        time.sleep(settings["interval"])


def _end(_signal, _frame):
    raise SystemExit(0)


def _print(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
