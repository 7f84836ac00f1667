# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container engines a node has, and in which directory each looks for what it is to trust."""

import functools
import glob
from collections import namedtuple

from . import containerd, systemd
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
# counts: whether that is an error and not only worth a warning; hint: what is worth one in any case, or ""
Engine = namedtuple("Engine", "name roots problem counts hint")


def find(asked, tree, unit):
    """List the engines to care for.

    :param asked: names of NAMES, or C(auto) for those that are found on this node
    :param tree: files.Tree
    :param unit: systemd.Unit of docker
    :returns: list of Engine in the order of NAMES; containerd more than once where there are several of it, or where
        it may look in two ways, in each of which it must find what is placed
    :raises RefusedError: where there is none
    """
    auto = "auto" in asked
    found = {}
    for name in ("docker", "podman", "crio"):
        there = any(tree.exists(path) for path in _PROGRAMS[name]) or (name == "docker" and unit.exists)
        if name in asked or (auto and there):
            found[name] = [Engine(name, list(_ROOTS[name]), "", True, "")]
    if auto or "containerd" in asked:
        found["containerd"] = _containerd(tree, "containerd" in asked, bool(found))
    if not any(found.values()):
        raise RefusedError(
            "engines: none of {} is on this node; install one first, or name the one that will be".format(
                ", ".join(NAMES)
            )
        )
    return [engine for name in NAMES for engine in found.get(name, [])]


def _containerd(tree, asked, others):
    """List what there is of containerd and of use for pulls, that which runs the pods first.

    :param asked: whether it is asked for by name: then there is one, whatever is found
    :param others: whether there are other engines
    """
    known = []  # of pairs: Settings, and whether the kubelet runs pods with it
    for site in containerd.SITES:
        runs_pods = bool(tree.names(site.pods))
        paths = [path for path in site.configs if tree.exists(path)]
        # containerd runs without a configuration, too
        known += [(_settings(tree, path, site), runs_pods) for path in paths or site.configs[: int(runs_pods)]]
    used = [pair for pair in known if pair[0].enabled]
    if asked and not used:
        used = known[:1] or [(_settings(tree, containerd.SITES[0].configs[0], containerd.SITES[0]), False)]
    served = (others and not asked) or any(
        runs_pods or (settings.said and not settings.problem) for settings, runs_pods in used
    )
    engines = []
    for settings, runs_pods in sorted(used, key=lambda pair: (not pair[1], bool(pair[0].problem))):
        # Where docker, say, brought it along and no pod uses it, nobody misses a config_path.
        if served and not runs_pods and not settings.said:
            continue
        counts = runs_pods or not served
        engines.append(Engine("containerd", settings.roots, settings.problem, counts, settings.hint))
        if settings.whole:
            engines.append(Engine("containerd", [settings.whole], "", counts, ""))
    return engines


def _settings(tree, path, site):
    def found(pattern):
        paths = sorted(glob.glob(tree.real(pattern)))
        return [name[len(tree.root) :] for name in paths]

    @functools.lru_cache(maxsize=None)
    def release():
        program = next(filter(tree.exists, site.programs), None)
        said = systemd.run([tree.real(program), "--version"], 10)[1] if program else ""
        return containerd.version_of(said)

    return containerd.settings(path, tree.read, found, release)


def directories(engines, endpoint, look, exists):
    """Give the directories that the engines read for an endpoint, each once.

    :param engines: list of Engine
    :param endpoint: str, docker's form
    :param look: function of a path that gives a files.State
    :param exists: function of a path that says whether there is anything, links followed
    :returns: dict of path to the list of names of the engines that read it
    """
    places = {}  # type: dict
    for engine in engines:
        if not engine.problem and engine.roots:
            places.setdefault(directory(engine, engines, endpoint, look, exists), []).append(engine.name)
    return places


def directory(engine, engines, endpoint, look, exists):
    """Give the directory that one of the engines, without a problem, reads for an endpoint. As directories()."""
    if engine.name == "containerd":
        docker = any(other.name == "docker" for other in engines)
        return containerd.directory(endpoint, engine.roots, look, DOCKER_CERTS if docker else "")
    paths = ["{}/{}".format(root, endpoint) for root in engine.roots]
    return next(filter(exists, paths), paths[0])


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
