# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look into a registry's storage: through its container on this host, or where it is mounted."""

import itertools
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections import namedtuple
from typing import Any, List

from . import storagefind, storagereport, storagescan, storagewalk
from .errors import NodeError

#: A container engine's client on the host -> how it lists what runs.
RUNTIMES = {"docker": ["ps", "--no-trunc", "--format", "{{.ID}} {{.Names}}"], "crictl": ["ps", "-o", "json"]}
_INSPECT = {"docker": ["inspect", "--type", "container"], "crictl": ["inspect"]}
_PIECE = 256 * 1024
_LINES = 500  # at once
_STDERR = 4096
_CONTAINER = "registry"  # what OpenShift, and this collection, calls the container
# What the three kinds of workloads add to their names for a pod's: of a DeploymentConfig, a Deployment, a DaemonSet.
_PODS = r"{}-(\d+-[a-z0-9]{{5}}|[a-z0-9]{{6,10}}-[a-z0-9]{{5}}|[a-z0-9]{{5}})"

# code: exit code; stderr: its last bytes, as text
Ended = namedtuple("Ended", "code stderr")
# A running container: its id and the pod it is of.
Container = namedtuple("Container", "id pod")


class CannotRunError(NodeError):
    """No command can be run in the container: it has no shell or no find, or is gone."""


def look(source, options):
    """Walk through a storage and report.

    :param source: Mounted, InContainer, or what has the same methods
    :param options: storagereport.Options
    :returns: dict, the module's values; complete and reason say whether all was seen
    :raises NodeError: where nothing can be seen
    """
    walk = storagewalk.Walk()
    reason = source.feed(walk)
    walk.finish()
    report = storagereport.Report(walk, options, source.recheck)
    return dict(report.result(), complete=reason is None, reason=reason)


class Mounted:
    """A directory of this host.

    :param root: absolute path of what the registry has as its root directory
    """

    def __init__(self, root):
        self.root = root

    def feed(self, walk):
        """Walk; give a sentence where not all could be read, else None."""
        if not os.path.isdir(self.root):
            raise NodeError("path: there is no directory {} on this host.".format(self.root))
        problems: List[str] = []
        lines = storagescan.listing(self.root, problems)
        for first in lines:
            walk.feed(b"\n".join([first, *itertools.islice(lines, _LINES)]) + b"\n")
        if problems:
            return "Not all could be read: {}.".format(problems[0])
        if not os.path.isdir(os.path.join(self.root, storagefind.V2)):
            return "There is no {} in {}: nothing was ever pushed, or it is the root directory of no registry.".format(
                storagefind.V2, self.root
            )
        return None

    def recheck(self, paths):
        """Give those of the files that are there by now."""
        return storagescan.recheck(self.root, paths)


class InContainer:
    """A running container of this host.

    :param runtime: docker or crictl
    :param root: path in the container
    :param timeout: seconds for all of the walk
    """

    def __init__(self, runtime, container, root, timeout):
        self.root = root
        self._prefix = [runtime, "exec", container]
        self._what = "container {} ({} exec)".format(container[:12], runtime)
        self._timeout = timeout

    def feed(self, walk):
        """Walk; give a sentence where not all could be read, else None."""
        return judge(self._run(storagefind.listing(self.root), walk.feed), walk, self.root, self._what)

    def recheck(self, paths):
        """Give those of the files that are there by now."""
        return recheck(self._run, self.root, paths)

    def _run(self, command, take):
        return run(self._prefix + command, take, self._timeout)


def recheck(run_there, root, paths):
    """Give those of the files that are there by now, asked in commands that are not too long.

    :param run_there: function of a command and of one that takes its output
    """
    found: List[bytes] = []
    for first in range(0, len(paths), storagefind.RECHECKED_AT_ONCE):
        run_there(storagefind.recheck(root, paths[first : first + storagefind.RECHECKED_AT_ONCE]), found.append)
    return {line.decode("utf-8", "replace") for line in b"".join(found).split(b"\n") if line}


def judge(ended, walk, root, what):
    """End a walk: what its command's end says about it.

    :param ended: Ended
    :returns: None, or a sentence that says what could not be read
    :raises NodeError: where nothing was seen
    """
    walk.finish()
    faults = [line for line in ended.stderr.splitlines() if line.strip() and "No such file" not in line]
    told = faults or ended.stderr.strip().splitlines() or ["it said nothing"]
    said = "; ".join(line.strip().rstrip(".") for line in told[:2])
    if ended.code == storagefind.NO_ROOT:
        raise NodeError("root: {} cannot be entered in {}: {}.".format(root, what, _last(ended.stderr)))
    if walk.now is None or ended.code in (126, 127):
        raise CannotRunError(
            "The storage cannot be listed in {}: {}. That takes sh, {} there.".format(what, said, storagefind.PROGRAMS)
        )
    if not walk.ended:
        raise NodeError("The listing in {} ended early, with exit code {}: {}.".format(what, ended.code, said))
    return "Not all could be read: {}.".format(said) if faults else None


def _last(text):
    return (text.strip().splitlines() or ["it is not there"])[-1].rstrip(".")


def run(command, take, timeout):
    """Run a command of this host and hand over its output as it comes.

    :raises NodeError: where the program is not there, or takes longer than that
    """
    late: List[bool] = []
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        except OSError as exc:
            raise NodeError("{} cannot be run on this host: {}.".format(command[0], exc.strerror)) from exc

        def end():
            late.append(True)
            process.kill()

        output: Any = process.stdout
        timer = threading.Timer(timeout, end)
        timer.start()
        try:
            for piece in iter(lambda: output.read1(_PIECE), b""):
                take(piece)
            code = process.wait()
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            output.close()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _STDERR))
        said = errors.read().decode("utf-8", "replace")
    if late:
        limit = " (option timeout)" if command[1] == "exec" else ""
        raise NodeError(
            "{} {} took longer than {} s{} and was given up.".format(command[0], command[1], timeout, limit)
        )
    return Ended(code, said)


# ---- containers --------------------------------------------------------------------------------------------------


def installed(wanted):
    """Give the container engines' clients that are on this host.

    :param wanted: auto, or the name of one
    """
    return [name for name in RUNTIMES if wanted in ("auto", name) and shutil.which(name)]


def containers(runtime, name, namespace):
    """Give the running containers that a registry's pods have on this host.

    :raises NodeError: where the engine does not answer
    """
    output: List[bytes] = []
    ended = run([runtime] + RUNTIMES[runtime], output.append, 30)
    if ended.code:
        raise NodeError("{} ps failed on this host: {}.".format(runtime, _last(ended.stderr)))
    text = b"".join(output).decode("utf-8", "replace")
    found = _of_crictl(text) if runtime == "crictl" else _of_docker(text)
    pods = re.compile(_PODS.format(re.escape(name)))
    return [
        Container(id_, pod)
        for id_, container, pod, space in found
        if container == _CONTAINER and space == namespace and pods.fullmatch(pod)
    ]


def _of_docker(text):
    """Read the kubelet's names: C(k8s_CONTAINER[.HASH]_POD_NAMESPACE_UID_ATTEMPT), the same since OpenShift 3.0."""
    for line in text.splitlines():
        id_, _blank, name = line.partition(" ")
        parts = name.split("_")
        if len(parts) >= 5 and parts[0] == "k8s":
            yield id_, parts[1].partition(".")[0], parts[2], parts[3]


def _of_crictl(text):
    try:
        listed = json.loads(text)["containers"]
        for found in listed:
            labels = found["labels"]
            yield (
                found["id"],
                labels.get("io.kubernetes.container.name"),
                labels.get("io.kubernetes.pod.name", ""),
                labels.get("io.kubernetes.pod.namespace"),
            )
    except (KeyError, TypeError, ValueError) as exc:
        raise NodeError("crictl ps printed what cannot be read: {!r}.".format(exc)) from exc


def in_some_container(params):
    """Give (source, where) for a registry's container on this host.

    :param params: the module's options
    :raises NodeError: where there is none
    """
    wanted = params["runtime"] or "auto"
    clients = installed(wanted)
    if not clients:
        names = " nor ".join(RUNTIMES) if wanted == "auto" else wanted
        raise NodeError("runtime: there is no {} on this host.".format(names))
    root = params["root"] or "/registry"
    if params["container"]:
        return _source(_client_of(params["container"], clients), Container(params["container"], None), root, params)
    why = []
    for client in clients:
        try:
            found = containers(client, params["name"], params["namespace"])
        except NodeError as exc:
            why.append(str(exc))
            continue
        if found:
            return _source(client, found[0], root, params)
    raise NodeError(
        "No container of registry {}/{} runs on this host, as far as {} can tell. {}".format(
            params["namespace"], params["name"], " and ".join(clients), " ".join(why) or _ELSEWHERE
        )
    )


def _client_of(container, clients):
    """Give the first client whose engine has a container; with one client, its exec is what says so.

    :raises NodeError: where none has it
    """
    if len(clients) == 1:
        return clients[0]
    why = []
    for client in clients:
        try:
            ended = run([client] + _INSPECT[client] + [container], _nothing, 30)
        except NodeError as exc:
            why.append(str(exc))
            continue
        if not ended.code:
            return client
        why.append("{} inspect: {}.".format(client, _last(ended.stderr)))
    raise NodeError(
        "container: neither {} has {} on this host. {}".format(" nor ".join(clients), container, " ".join(why))
    )


def _nothing(_piece):
    pass


_ELSEWHERE = (
    "registry_info tells the nodes of its pods. Where its pods or container have names of their own, say container."
)


def _source(client, container, root, params):
    where = {"via": client, "pod": container.pod, "container": container.id, "root": root}
    return InContainer(client, container.id, root, params["timeout"]), where
