# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with logins on this host, and the credential helpers that it names. Written whole, 0600, or not at all."""

import contextlib
import errno
import fcntl
import os

from . import authfile, userfile
from .credhelper import Helper
from .errors import NodeError, RefusedError

MODE = 0o600
_LOCKLESS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)
_WHO = "run this as whose it is (become_user), or name another file in auth_file"


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
        self._target = os.path.realpath(path)
        found = self._read()
        self._raw = found.raw
        self.too_open = found.open  # whether others than its owner may read the file
        self._document = self._before = authfile.parse(self._raw, path)
        self._helpers = {}
        self._steps = []

    def _read(self):
        try:
            return userfile.read(self._target)
        except OSError as exc:
            text = "{}: cannot be read: {}; {}"
            raise NodeError(text.format(self.path, exc.strerror or exc, _WHO)) from exc

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
                userfile.remove(self._target)
                return
        userfile.put(self._target, authfile.render(self._document, self._raw), MODE)


@contextlib.contextmanager
def locked(path):
    """Keep other runs of ours away from a file meanwhile; docker and podman know no lock of their own for it.

    :raises NodeError: where its directory cannot be opened
    """
    folder = os.path.dirname(os.path.realpath(path))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        text = "{}: the directory {} cannot be opened: {}; {}"
        raise NodeError(text.format(path, folder, exc.strerror or exc, _WHO)) from exc
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as exc:
            # A home on NFS may have no locks. The file is replaced in one step all the same.
            if exc.errno not in _LOCKLESS:
                raise NodeError("{}: cannot be locked: {}".format(folder, exc.strerror or exc)) from exc
        yield
    finally:
        os.close(descriptor)
