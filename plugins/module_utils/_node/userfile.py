# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of users, which root may be writing into directories of theirs.

What is looked at and written are descriptors: between two steps by a path, a user could put a link to a file of root's
in the place of what the path meant. Links are followed once, at the beginning.
"""

import contextlib
import os
import stat
from collections import namedtuple

from . import files

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
# raw: bytes, or None where there is no file; open: whether others than its owner may read it
Found = namedtuple("Found", "raw open")
NOTHING = Found(None, False)


@contextlib.contextmanager
def parent(target, make=False):
    """Open the directory of a file, step by step, following no link: gives its descriptor.

    :param target: absolute path without links, from os.path.realpath()
    :param make: whether to make what is missing, for its owner alone, whose the directory above it is
    :raises OSError: with C(filename) the directory at which it ended
    """
    steps = os.path.dirname(target).split("/")[1:]
    descriptor, walked = os.open("/", _FOLDER), ""
    try:
        for number, step in enumerate(filter(None, steps), 1):
            walked += "/" + step
            with _at(walked):
                # Of a directory on the way, the right to pass is enough.
                inside = _enter(step, _FOLDER | (os.O_PATH if number < len(steps) else 0), descriptor, make)
            os.close(descriptor)
            descriptor = inside
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(step, flags, above, make):
    try:
        return os.open(step, flags, dir_fd=above)
    except FileNotFoundError:
        if not make:
            raise
    os.mkdir(step, 0o700, dir_fd=above)
    made = os.open(step, _FOLDER, dir_fd=above)
    try:
        if os.geteuid() == 0:
            whose = os.fstat(above)
            os.fchown(made, whose.st_uid, whose.st_gid)
    except OSError:
        os.close(made)
        raise
    return made


def read(target):
    """Read a file: Found. :raises OSError: for what is there and is no file that can be read"""
    try:
        with parent(target) as folder:
            descriptor = os.open(os.path.basename(target), _FILE, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError):
        return NOTHING
    with os.fdopen(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode
        return Found(stream.read(), bool(stat.S_IMODE(mode) & 0o077))


def put(target, raw, mode):
    """Write a file, and the directories that are missing, as whose it was, or else as whose its directory is.

    :param target: absolute path without links, from os.path.realpath()
    :raises NodeError: where that cannot be done; what was there is untouched then
    """
    name = os.path.basename(target)
    with files.named(target), parent(target, make=True) as folder, contextlib.ExitStack() as stack:
        before = None
        with contextlib.suppress(FileNotFoundError):
            before = os.open(name, _FILE, dir_fd=folder)
            stack.callback(os.close, before)
        whose = os.fstat(folder if before is None else before)
        written, _name = stack.enter_context(files.replacing(folder, name, raw, mode))
        if os.geteuid() == 0:
            os.fchown(written, whose.st_uid, whose.st_gid)
        if before is not None:
            files.copy_attributes(before, written)
        os.fchmod(written, mode)


def remove(target):
    """Remove a file; one that is not there is fine. :raises NodeError: where that cannot be done"""
    with files.named(target), contextlib.suppress(FileNotFoundError), parent(target) as folder:
        os.unlink(os.path.basename(target), dir_fd=folder)


@contextlib.contextmanager
def _at(path):
    """Name the path in an error, which knows the last step alone."""
    try:
        yield
    except OSError as exc:
        exc.filename = path
        raise
