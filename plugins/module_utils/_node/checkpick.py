# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which container engine of a host is to prove that the registry works, and by which tool of its own."""

import os
import shutil
import stat
from collections import namedtuple

from . import check, checkclient, checkdocker, checktools, engine, which_engines
from .errors import RefusedError

NAMES = ("auto", "docker", "containerd", "podman", "client")
_Unit = namedtuple("_Unit", "exists")

# way: function of checkway.Access, of a function of an endpoint that gives the TLS context, and of check.Image that
# gives the way; folder: function of an endpoint that gives the directory in which the engine looks for its CA, or ""
Picked = namedtuple("Picked", "way folder")


def pick(asked, tree, timeout, socket=engine.SOCKET, which=shutil.which):
    """Pick the engine.

    :param asked: one of NAMES
    :param tree: files.Tree
    :param timeout: seconds for an answer of the registry; docker and the tools get ten times as long
    :returns: Picked
    """
    found = _engines(asked, tree)
    name = asked if asked != "auto" else _first(found, socket)
    settled = next((one for one in found if one.name == name or (name == "podman" and one.name == "crio")), None)

    def folder(endpoint):
        if settled is None:
            return ""
        return next(iter(which_engines.directories([settled], endpoint, tree.look, tree.exists)), "")

    if name == "docker":
        dockerd = engine.Engine(socket, timeout * 10.0)
        return Picked(lambda access, _context, _image: checkdocker.Docker(access, dockerd), folder)
    # The tools send the small layer alone: theirs would have to be held in memory.
    if name == "containerd" and which("ctr"):
        return Picked(
            lambda access, context, _image: checktools.Ctr(access, context, check.Image(), timeout * 10.0, folder),
            folder,
        )
    tool = next((tool for tool in ("podman", "skopeo") if which(tool)), None)
    if name == "podman" and tool:
        made = checktools.TOOLS[tool]
        return Picked(lambda access, context, _image: made(access, context, check.Image(), timeout * 10.0), folder)
    return Picked(lambda access, context, image: checkclient.Client(access, context, image, timeout), folder)


def _engines(asked, tree):
    if asked == "client":
        return []
    try:
        return which_engines.find([asked], tree, _Unit(False))
    except RefusedError:
        return []


def _first(found, socket):
    """Give the name of the engine that this host's containers are made by."""
    names = [one.name for one in found if not one.problem or one.counts]
    if _is_socket(socket):
        return "docker"
    others = [name for name in names if name != "docker"]
    name = (others or names or ["client"])[0]
    return "podman" if name == "crio" else name


def _is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
