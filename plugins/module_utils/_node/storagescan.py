# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists a registry's storage that is mounted here, in the lines of L(storagefind).

find opens every directory; here it is known which file a blob's directory and a link's directory have, so these are
asked for by name, which takes a fifth of the system calls.
"""

import os
import re
import time

from . import storagefind

_TAG = re.compile(rb"/_manifests/tags/[^/]+/$")  # the directory of one
_SAID = 512  # bytes; a tag's link has 71, an upload's time 25


def listing(root, problems, clock=time.time):
    """Yield the lines, without their ends.

    :param root: path of the directory that has C(docker) in it
    :param problems: list, to which a sentence is added for the first thing that could not be read
    """
    return _Scan(os.fsencode(root), problems).lines(int(clock()))


def recheck(root, paths):
    """Give those files below C(docker/registry/v2) that are there and, but for blobs, not empty."""
    top = os.path.join(root, storagefind.V2)
    found = set()
    for path in paths:
        try:
            size = os.stat(os.path.join(top, path)).st_size
        except OSError:
            continue
        if size or path.startswith("blobs/"):
            found.add(path)
    return found


class _Scan:
    """One walk."""

    def __init__(self, root, problems):
        self._root = root
        self._problems = problems
        self._small = []  # files whose text is told

    def lines(self, now):
        yield b"@time"
        yield b"%d" % now
        v2 = os.path.join(self._root, storagefind.V2.encode())
        yield b"@blobs"
        blobs, repositories = os.path.join(v2, b"blobs"), os.path.join(v2, b"repositories")
        if os.path.isdir(blobs):
            for _name, path, relative in (yield from self._directories(blobs, b"./")):
                for _name2, prefix, its in (yield from self._directories(path, relative)):
                    yield from self._known(prefix, its, b"data")
        yield b"@repositories"
        if os.path.isdir(repositories):
            yield from self._repositories(repositories)
            yield b"@said"
            yield from self._texts(repositories)
        yield b"@other"
        yield from self._others({blobs, repositories})
        yield b"@end"

    def _repositories(self, top):
        todo = [(top, b"./")]
        while todo:
            path, relative = todo.pop()
            inside = b"/_" in relative
            for name, below, its in (yield from self._directories(path, relative)):
                if inside or name[:1] == b"_":
                    yield its[:-1]
                if name == b"index" and _TAG.search(relative):
                    continue
                if name == b"_layers" and not inside:
                    for _name, algorithm, of_it in (yield from self._directories(below, its)):
                        yield from self._known(algorithm, of_it, b"link", missing=True)
                else:
                    todo.append((below, its))

    def _directories(self, path, relative):
        """Yield lines for what is no directory here; return (name, path, relative path/) of those that are."""
        found = []
        for entry in self._entries(path):
            its = relative + entry.name.replace(b"\n", b"?")  # a line is one name; a registry gives none such
            if entry.is_dir(follow_symlinks=False):
                found.append((entry.name, entry.path, its + b"/"))
            else:
                line = self._line(entry.path, its)
                if line:
                    yield line
        return found

    def _known(self, path, relative, file, missing=False):
        """Yield a line for the one file of each directory here.

        :param missing: say the directory's name where it does not have it
        """
        for _name, below, its in (yield from self._directories(path, relative)):
            line = self._line(below + b"/" + file, its + file)
            if line:
                yield line
            elif missing:
                yield its[:-1]

    def _line(self, path, relative):
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return None
        except OSError as exc:
            self._problem(path, exc)
            return None
        if relative.endswith((b"/current/link", b"/startedat")):
            self._small.append(relative[2:])
        return b"f %d %d %s" % (found.st_size, found.st_mtime, relative)

    def _texts(self, top):
        for relative in self._small:
            try:
                with open(os.path.join(top, relative), "rb") as stream:
                    text = stream.read(_SAID).split(b"\n")[0]
            except OSError:
                continue
            if text:
                yield b"./%s:%s" % (relative, text)

    def _others(self, known):
        todo = [(self._root, b"./")]
        while todo:
            path, relative = todo.pop()
            for name, below, its in (yield from self._directories(path, relative)):
                if below not in known and name != b"lost+found":
                    todo.append((below, its))

    def _entries(self, path):
        try:
            with os.scandir(path) as entries:
                return list(entries)
        except FileNotFoundError:  # gone since it was seen: the registry is at work
            return []
        except OSError as exc:
            self._problem(path, exc)
            return []

    def _problem(self, path, exc):
        if not self._problems:
            self._problems.append("{}: {}".format(os.fsdecode(path), exc.strerror))
