# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container engines a node has, and in which directory each looks for what it is to trust."""

import glob
from collections import namedtuple

from . import containerd
from .errors import RefusedError

DOCKER_CERTS = "/etc/docker/certs.d"
CONTAINERS_CERTS = "/etc/containers/certs.d"
NAMES = ("docker", "containerd", "podman", "crio")
# containers/image (docker/docker_client.go, perHostCertDirs) reads the first of these that has a directory for the
# name, and the other one not at all; OpenShift 4's node-ca writes into the second.
_ROOTS = {
    "docker": (DOCKER_CERTS,),
    "podman": (CONTAINERS_CERTS, DOCKER_CERTS),
    "crio": (CONTAINERS_CERTS, DOCKER_CERTS),
}
_PROGRAMS = {
    "docker": ("/usr/bin/dockerd", "/usr/bin/dockerd-current", "/usr/sbin/dockerd", "/usr/local/bin/dockerd"),
    # Buildah and Skopeo read the same files
    "podman": tuple(
        "{}/{}".format(folder, name)
        for folder in ("/usr/bin", "/usr/local/bin")
        for name in ("podman", "buildah", "skopeo")
    ),
    "crio": ("/usr/bin/crio", "/usr/local/bin/crio", "/etc/crio"),
}

# roots: directories, in the engine's own order; problem: a sentence, why nothing can be placed for it, or "";
# counts: whether that is an error and not only worth a warning
Engine = namedtuple("Engine", "name roots problem counts")


def find(asked, tree, unit):
    """List the engines to care for.

    :param asked: names of NAMES, or C(auto) for those that are found on this node
    :param tree: files.Tree
    :param unit: systemd.Unit of docker
    :returns: list of Engine, each once, in the order of NAMES
    :raises RefusedError: where there is none
    """
    auto = "auto" in asked
    found = {}
    for name in ("docker", "podman", "crio"):
        there = any(tree.exists(path) for path in _PROGRAMS[name]) or (name == "docker" and unit.exists)
        if name in asked or (auto and there):
            found[name] = Engine(name, list(_ROOTS[name]), "", True)
    settled = _containerd(tree, "containerd" in asked, auto, bool(found))
    if settled:
        found["containerd"] = settled
    if not found:
        raise RefusedError(
            "engines: none of {} is on this node; install one first, or name the one that will be".format(
                ", ".join(NAMES)
            )
        )
    return [found[name] for name in NAMES if name in found]


def _containerd(tree, asked, auto, others):
    """Give containerd as Engine; None where it is not asked for, or of no use for pulls here."""
    if not asked and not auto:
        return None
    path = next((path for path in containerd.CONFIGS if tree.exists(path)), containerd.CONFIGS[0])

    def found(pattern):
        paths = sorted(glob.glob(tree.real(pattern)))
        return [name[len(tree.root) :] for name in paths]

    settings = containerd.settings(path, tree.read, found)
    if asked:
        return Engine("containerd", settings.roots, settings.problem, True)
    runs_pods = any(tree.names(folder) for folder in containerd.PODS)
    if not tree.exists(path) or not settings.enabled:
        return None
    # Where docker brought it along and no pod uses it, nobody misses a config_path.
    if settings.problem and others and not runs_pods and not settings.roots:
        return None
    return Engine("containerd", settings.roots, settings.problem, runs_pods or not others)


def directories(engines, endpoint, look, exists):
    """Give the directories that the engines read for an endpoint, each once.

    :param engines: list of Engine
    :param endpoint: str, docker's form
    :param look: function of a path that gives a files.State
    :param exists: function of a path that says whether there is anything, links followed
    :returns: dict of path to the list of names of the engines that read it
    """
    places = {}  # type: dict
    docker = any(engine.name == "docker" for engine in engines)
    for engine in engines:
        if engine.problem or not engine.roots:
            continue
        if engine.name == "containerd":
            path = containerd.directory(endpoint, engine.roots, look, DOCKER_CERTS if docker else "")
        else:
            paths = ["{}/{}".format(root, endpoint) for root in engine.roots]
            path = next(filter(exists, paths), paths[0])
        places.setdefault(path, []).append(engine.name)
    return places


def to_place(engines, endpoint, look):
    """Give the directories in which a CA counts for the engines, whatever else is there. As directories() gives them.

    Of podman's and CRI-O's roots the first: what is there is read before all others, and node-ca, whose the second may
    be, would take it away.
    """
    return directories(engines, endpoint, look, lambda _path: False)


def is_read(engines, root, name, exists):
    """Say whether some engine reads a directory for a name: of podman's and CRI-O's, one may hide the other.

    :param root: one of their roots
    :param exists: as in directories()
    """
    for engine in engines:
        if root in engine.roots:
            before = engine.roots[: engine.roots.index(root)] if engine.name in _ROOTS else []
            if not any(exists("{}/{}".format(other, name)) for other in before):
                return True
    return False
