# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with logins on this host, and the credential helpers that it names. Written whole, 0600, or not at all."""

import contextlib
import fcntl
import os
import stat

from . import authfile, files
from .credhelper import Helper
from .errors import NodeError, RefusedError

MODE = 0o600


def place(auth_file, environment=None, uid=None):
    """Say where a file with logins is (absolute path).

    :param auth_file: C(docker) or C(podman), for which of their files, or a path
    :raises RefusedError: for a path that is not absolute
    """
    env = os.environ if environment is None else environment
    if auth_file == "docker":
        return os.path.join(env.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"), "config.json")
    if auth_file == "podman":
        uid = os.getuid() if uid is None else uid
        runtime = env.get("XDG_RUNTIME_DIR")
        folder = runtime + "/containers" if runtime else "/run/containers/{}".format(uid)
        return env.get("REGISTRY_AUTH_FILE") or folder + "/auth.json"
    path = os.path.expanduser(auth_file)
    if not os.path.isabs(path):
        raise RefusedError("auth_file: {!r} is neither docker nor podman nor an absolute path".format(auth_file))
    return path


class Store:
    """The logins in one file, and with the helpers that it names.

    Changes are collected and written by C(save); until then nothing is touched.

    :param path: as place() gives it
    """

    def __init__(self, path):
        self.path = path
        # Podman has no credsStore, and reads files of this name.
        self._stores = os.path.basename(path) != "auth.json"
        self._raw = self._read()
        self._document = self._before = authfile.parse(self._raw, path)
        self._helpers = {}
        self._steps = []

    def _read(self):
        try:
            with open(self.path, "rb") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise NodeError("{}: cannot be read: {}".format(self.path, exc.strerror or exc)) from exc

    def helper(self, endpoint):
        """Give the Helper that has an endpoint's logins, or None. :raises RefusedError: where it is not installed"""
        name = authfile.helper(self._document, endpoint, self._stores)
        if name and name not in self._helpers:
            self._helpers[name] = Helper(name, self.path)
        return self._helpers[name] if name else None

    def login(self, endpoint):
        """Give the Login of an endpoint, or None."""
        helper = self.helper(endpoint)
        return helper.get(endpoint) if helper else authfile.login(self._document, endpoint)

    def put(self, endpoint, login):
        """Log in."""
        helper = self.helper(endpoint)
        if helper:
            self._steps.append(lambda: helper.store(endpoint, login))
            if self._stores:  # docker notes there which endpoints its store has
                self._document = authfile.with_login(self._document, endpoint, None)
        else:
            self._document = authfile.with_login(self._document, endpoint, login)

    def drop(self, endpoint):
        """Log out, whatever the login is. Says whether there is something to do."""
        helper = self.helper(endpoint)
        held = helper is not None and helper.get(endpoint) is not None
        if held:
            self._steps.append(lambda: helper.erase(endpoint))
        document = authfile.without(self._document, endpoint)
        found, self._document = document is not self._document, document
        return found or held

    @property
    def too_open(self):
        """Whether others than its owner may read the file."""
        return self._raw is not None and bool(stat.S_IMODE(os.stat(self.path).st_mode) & 0o077)

    def save(self):
        """Do all of it: the helpers first, since the file's note is worth nothing without them.

        :raises NodeError: where that cannot be done
        """
        for step in self._steps:
            step()
        if self._document == self._before and not self.too_open:
            return
        if authfile.says_nothing(self._document) and not authfile.says_nothing(self._before):
            if self._raw is not None and not os.path.islink(self.path):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.path)
                return
        owner = _owner(self.path)
        _make_folders(os.path.dirname(os.path.realpath(self.path)), owner)
        files.put(self.path, authfile.render(self._document, self._raw), MODE, owner)


@contextlib.contextmanager
def locked(path):
    """Keep other runs of ours away from a file meanwhile; docker and podman know no lock of their own for it."""
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _owner(path):
    """Say whose a file is, or where it is not there, whose the nearest directory above it is: (uid, gid)."""
    target = os.path.realpath(path)
    while not os.path.exists(target):
        target = os.path.dirname(target)
    found = os.stat(target)
    return found.st_uid, found.st_gid


def _make_folders(folder, owner):
    """Make the directories that are missing, readable for their owner alone."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    try:
        for one in reversed(missing):
            os.mkdir(one, 0o700)
            if os.geteuid() == 0:
                os.chown(one, *owner)
    except OSError as exc:
        raise NodeError("{}: cannot be made: {}".format(missing[0], exc.strerror or exc)) from exc
