# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on a node: written whole or not at all, and never through a link that somebody put in the way."""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections import namedtuple

from .errors import NodeError, RefusedError
from .selinux import NoContexts

# kind: "absent", "file", "link", "directory" or "other"; raw: bytes of a file; target: of a link; entries: sorted names
# in a directory, less what a killed run left half written; dangling: whether a link leads nowhere; context: what is
# wrong with a file's SELinux context, or ""
State = namedtuple("State", "kind raw mode uid gid target entries dangling context")
ABSENT = State("absent", b"", 0, 0, 0, "", (), False, "")

BASES = ("/etc", "/var/lib", "/usr/local/share")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_STAYS = (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.ELOOP, errno.EBUSY)
_HALF_WRITTEN = ".{}.okd-registry"
_KINDS = ((stat.S_ISREG, "file"), (stat.S_ISLNK, "link"), (stat.S_ISDIR, "directory"))


def sha256(raw):
    """Give the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


class Tree:
    """The file system of the node, or a copy of one below another root.

    Below a base (/etc, /var/lib …) no link is followed: every step is opened by its parent's descriptor.

    :param root: "" for the node itself
    :param contexts: selinux.Contexts, where there is SELinux
    """

    def __init__(self, root="", contexts=None):
        self.root = root
        self._contexts = contexts or NoContexts()

    def real(self, path):
        """Give the path to open for a path on the node."""
        return self.root + path

    def look(self, path):
        """Say what is at a path below a base, without following anything.

        :returns: State; ABSENT also where a directory above is missing
        :raises RefusedError: where something above is no directory
        """
        try:
            parent, name = self._parent(path)
        except FileNotFoundError:
            return ABSENT
        with _closing(parent):
            try:
                found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            except FileNotFoundError:
                return ABSENT
            kind = next((kind for test, kind in _KINDS if test(found.st_mode)), "other")
            state = ABSENT._replace(kind=kind, mode=stat.S_IMODE(found.st_mode), uid=found.st_uid, gid=found.st_gid)
            if kind == "file":
                return state._replace(raw=_read(name, parent), context=self._contexts.wrong(self.real(path)))
            if kind == "link":
                dangling = not os.path.exists(self.real(path))
                return state._replace(target=os.readlink(name, dir_fd=parent), dangling=dangling)
            if kind == "directory":
                return state._replace(entries=_entries(name, parent))
            return state

    def names(self, path):
        """List (sorted) what is in a directory of others anywhere on the node; nothing where there is none."""
        try:
            return sorted(os.listdir(self.real(path)))
        except OSError:
            return []

    def exists(self, path):
        """Say whether there is anything at a path anywhere on the node, links followed."""
        return os.path.exists(self.real(path))

    def make_directory(self, path, mode=0o755):
        """Make a directory below a base; its parent must be there. One that is there already is left as it is."""
        with named(path):
            parent, name = self._parent(path)
            with _closing(parent):
                try:
                    os.mkdir(name, 0o700, dir_fd=parent)
                except FileExistsError:
                    return
                descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
                with _closing(descriptor):
                    os.fchmod(descriptor, mode)
                os.fsync(parent)
        self._contexts.give(self.real(path), self.real(path))

    def write(self, path, raw, mode=0o644):
        """Write a file of root's: beside it, to disk, and then over it in one step, with all that it is to have.

        :raises NodeError: where that cannot be done; what was there is untouched then
        """
        parent, name = self._parent(path)
        with _closing(parent), named(path):
            with replacing(parent, name, raw, mode) as (_descriptor, temporary):
                final = self.real(path)
                self._contexts.give(os.path.join(os.path.dirname(final), temporary), final)

    def remove(self, path):
        """Remove a file or link; one that is not there is fine."""
        with named(path):
            try:
                parent, name = self._parent(path)
            except FileNotFoundError:
                return
            with _closing(parent), contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=parent)
                os.fsync(parent)

    def remove_directory(self, path):
        """Remove a directory if it is empty; any other stays, and so does one that is mounted (in the agent's pod)."""
        with named(path):
            try:
                parent, name = self._parent(path)
            except FileNotFoundError:
                return
            with _closing(parent):
                try:
                    _clear(name, parent)
                    os.rmdir(name, dir_fd=parent)
                except OSError as exc:
                    if exc.errno not in _STAYS:
                        raise

    def read(self, path):
        """Read a file that belongs to others, links followed (bytes); None where there is none."""
        try:
            with open(self.real(path), "rb") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise NodeError("{}: cannot be read: {}".format(path, exc.strerror)) from exc

    def replace(self, path, raw):
        """Give a file of others new content: owner, mode, ACL and SELinux context stay, a link to it stays a link."""
        target = os.path.realpath(self.real(path))
        with named(path):
            parent = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            with _closing(parent):
                name = os.path.basename(target)
                before = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
                with _closing(before), replacing(parent, name, raw, 0o600) as (descriptor, _temporary):
                    found = os.fstat(before)
                    os.fchown(descriptor, found.st_uid, found.st_gid)
                    copy_attributes(before, descriptor)
                    os.fchmod(descriptor, stat.S_IMODE(found.st_mode))

    @contextlib.contextmanager
    def lock(self, path, timeout):
        """Hold a lock file below a base: of two runs on one node at once, the second waits.

        :param timeout: seconds
        :raises NodeError: where another run holds it for longer
        """
        deadline = time.monotonic() + timeout
        while True:
            descriptor = self._open_lock(path)
            if descriptor is not None:
                with _closing(descriptor):
                    # One that was taken away while we waited for it locks nothing any more.
                    if _locked(descriptor) and self._is_open_as(descriptor, path):
                        yield
                        return
            if time.monotonic() > deadline:
                raise NodeError(
                    "{}: another run has been at work on this node for {:g} s; run again when it is done".format(
                        path, timeout
                    )
                )
            time.sleep(0.1)

    def _open_lock(self, path):
        """Open a lock file; None where another run has just taken its directory away, which is made again then."""
        try:
            parent, name = self._parent(path)
            with _closing(parent):
                return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
        except FileNotFoundError:
            self.make_directory(os.path.dirname(path), 0o700)
            return None

    def _is_open_as(self, descriptor, path):
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.real(path)))
        except FileNotFoundError:
            return False

    def _parent(self, path):
        """Open the directory that holds a path, step by step from its base: (descriptor, name)."""
        base = base_of(path)
        steps = path[len(base) + 1 :].split("/")
        descriptor = os.open(self.real(base), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        walked = base
        for step in steps[:-1]:
            walked = "{}/{}".format(walked, step)
            with _closing(descriptor):
                try:
                    descriptor = os.open(step, _DIRECTORY, dir_fd=descriptor)
                except OSError as exc:
                    if exc.errno in (errno.ELOOP, errno.ENOTDIR):
                        raise RefusedError(
                            "{}: is not a directory but a link or file, which is not followed; remove it, or make "
                            "it a directory".format(walked)
                        ) from exc
                    raise
        return descriptor, steps[-1]


def base_of(path):
    """Give the base that a path is below. :raises RefusedError: where it is below none"""
    base = next((base for base in BASES if path.startswith(base + "/")), None)
    if base is None or ".." in path.split("/"):
        raise RefusedError("{}: is not below {}, and nothing is written elsewhere".format(path, ", ".join(BASES)))
    return base


@contextlib.contextmanager
def _closing(descriptor):
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def named(path):
    """Turn an OSError into a sentence that names the file."""
    try:
        yield
    except OSError as exc:
        raise NodeError("{}: cannot be changed, and is as it was: {}".format(path, exc.strerror or exc)) from exc


@contextlib.contextmanager
def _unlinking_on_error(name, parent):
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=parent)
        raise


@contextlib.contextmanager
def replacing(parent, name, raw, mode):
    """Write a file of root's beside another; when that has all that it is to have, put it over the other in one step.

    The name beside it is always the same, so that what a killed run left is taken away by the next; a lock is held
    meanwhile.

    :param parent: descriptor of the directory
    :returns: context of (descriptor, name beside it)
    """
    temporary = _HALF_WRITTEN.format(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=parent)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=parent)
    with _unlinking_on_error(temporary, parent), _closing(descriptor):
        rest = memoryview(raw)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fchmod(descriptor, mode)
        if os.geteuid() == 0:
            os.fchown(descriptor, 0, 0)
        yield descriptor, temporary
        os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    os.fsync(parent)


def copy_attributes(source, target):
    """Copy extended attributes (ACL, SELinux context) from one descriptor to another, as far as there are such."""
    try:
        names = os.listxattr(source)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            os.setxattr(target, name, os.getxattr(source, name))


def _read(name, parent):
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    with os.fdopen(descriptor, "rb") as stream:
        return stream.read()


def _entries(name, parent):
    descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    with _closing(descriptor):
        return tuple(sorted(name for name in os.listdir(descriptor) if not _is_half_written(name)))


def _clear(name, parent):
    """Take away what killed runs left half written in a directory that has nothing else."""
    descriptor = os.open(name, _DIRECTORY, dir_fd=parent)
    with _closing(descriptor):
        found = os.listdir(descriptor)
        for left in found if all(map(_is_half_written, found)) else ():
            os.unlink(left, dir_fd=descriptor)


def _is_half_written(name):
    before, after = _HALF_WRITTEN.split("{}")
    return name.startswith(before) and name.endswith(after)


def _locked(descriptor):
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        if exc.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
