# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push and pull with the tools of other engines: ctr (containerd), podman, and skopeo (podman's and CRI-O's library).

A token is in no argument and in no file that has a name. ctr is told it at a terminal of its own, where it asks for it;
the others read it as a file without a name, which is in memory and gone with this process. None of them can log in
without writing it down, so that step is our client's, by the engine's CA files.
"""

import base64
import hashlib
import json
import os
import pty
import re
import subprocess
import tempfile
import termios

from . import checkclient, probe_image
from .checkway import StepError

NAMESPACE = "okd-registry-check"
_LOCAL = "okd-registry.invalid/probe:probe"
# Both by their sources: containerd's remotes/docker (auth.FetchTokenWithOAuth, which falls back to GET for an error
# alone) and the registry's pkg/dockerregistry/server/tokenhandler.go.
_POST = (
    "; containerd sends the login in the body of a POST, and OpenShift's registry, which looks into the header alone, "
    "answers with a token of the anonymous user: containerd cannot log in there, whatever the token. To prove the "
    "registry without it, say engine: client"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MEMORY = "/dev/shm"  # noqa: S108 - what is made there has no name
_LONGEST = 4000  # characters that a terminal takes as one line
_LEVEL = re.compile(r'^(?:ctr: |Error: |FATA\[\d+\] ?|time="[^"]*" level=\w+ msg=)', re.MULTILINE)


class Tool(checkclient.Client):
    """A way by a tool, which logs in by our client.

    :param timeout: seconds for one command of the tool; the client waits for a tenth of that
    """

    def __init__(self, access, context, image, timeout):
        super().__init__(access, context, image, timeout / 10.0)
        self._patience = timeout
        self._brought = []

    def push(self, name, chunk=0):  # noqa: ARG002 - tools choose the pieces themselves
        """Push, and give the digest. Raises StepError."""
        whole = "{}:{}".format(self._access.repository(name), self.tag)
        return self._said(name, "push of {} refused".format(whole), lambda: self._push(name, whole))

    def pull(self, name, reference, pushed):
        """Pull by C(tag) or a digest, and give the digest of what came."""
        mark = "@" + reference if reference.startswith("sha256:") else ":" + self.tag
        whole = self._access.repository(name) + mark
        digest = self._said(name, "pull of {} refused".format(whole), lambda: self._pull(name, whole))
        if digest != pushed:
            raise StepError("digest", "{}: pushed {}, pulled {}".format(name, pushed, digest))
        return digest

    def forget(self):
        """Remove what was brought; what cannot be is tried again the next time, and told."""
        super().forget()
        tried = [(reference, self._removed(reference)) for reference in reversed(self._brought)]
        self._brought = [reference for reference, said in reversed(tried) if said]
        return [said for _reference, said in tried if said]

    def _removed(self, reference):
        try:
            self._remove(reference)
        except _ToolError as exc:
            return "{}: {}".format(reference, exc)
        return ""

    def _push(self, name, whole):
        """Push, and give the digest. :param whole: with the endpoint. Raises _ToolError, as the two others do."""
        raise NotImplementedError

    def _pull(self, name, whole):
        raise NotImplementedError

    def _remove(self, reference):
        raise NotImplementedError

    def _said(self, name, what, do):
        try:
            return do()
        except _ToolError as exc:
            raise self._access.failed(name, what, str(exc), exc.reason) from exc

    def _brings(self, reference):
        if reference not in self._brought:
            self._brought.append(reference)

    def _run(self, argv, **options):
        return _run(argv, self._patience, **options)


class Ctr(Tool):
    """containerd, in a namespace of its own.

    :param folder: function of an endpoint that gives the directory in which containerd looks for its CA
    """

    name = "containerd"

    def __init__(self, access, context, image, timeout, folder):
        super().__init__(access, context, image, timeout)
        self._folder = folder

    def _push(self, name, whole):
        archive = probe_image.archive(self._image(), _LOCAL)
        self._brings(_LOCAL)
        self._run(["ctr", "-n", NAMESPACE, "images", "import", "--no-unpack", "--all-platforms", "-"], given=archive)
        self._remote("images push", name, [whole, _LOCAL])
        return self._image().digest

    def _pull(self, name, whole):
        # What "images pull" does before it unpacks, which would need the image to be for this machine.
        self._brings(whole)
        self._remote("content fetch", name, ["--all-platforms", whole])
        listed = self._run(["ctr", "-n", NAMESPACE, "images", "ls", "name=={}".format(whole)])
        return (_DIGEST.findall(listed.replace(whole, "")) or ["nothing"])[-1]

    def _remove(self, reference):
        self._run(["ctr", "-n", NAMESPACE, "images", "rm", "--sync", reference])

    def forget(self):
        """As the others do; the namespace goes when nothing is in it any more."""
        said = super().forget()
        try:
            self._run(["ctr", "namespaces", "rm", NAMESPACE])
        except _ToolError:
            pass  # it is not there, or what is left in it has been told
        return said

    def _remote(self, command, name, rest):
        # It reads the directory of an endpoint below this one: with the port as it is, or as name_port_.
        roots = os.path.dirname(self._folder(name))
        argv = ["ctr", "-n", NAMESPACE, *command.split(), "--hosts-dir", roots, "--user", self._access.username]
        try:
            self._run([*argv, *rest], typed=self._access.token)
        except _ToolError as exc:
            refused = re.search(r"\b401\b", _DIGEST.sub("", str(exc)))
            raise _ToolError(str(exc) + (_POST if refused else ""), exc.reason) from exc


class Skopeo(Tool):
    """Skopeo, which speaks to registries as podman and CRI-O do, and keeps nothing."""

    name = "skopeo"

    def _push(self, _name, whole):
        with self._archive() as archive, self._login() as login:
            argv = ["skopeo", "copy", "--authfile", _path(login), "oci-archive:" + archive.name, "docker://" + whole]
            self._run(argv, files=(login,))
        return self._image().digest

    def _pull(self, _name, whole):
        with tempfile.TemporaryDirectory(prefix="okd-registry-check-") as folder, self._login() as login:
            argv = ["skopeo", "copy", "--authfile", _path(login), "docker://" + whole, "dir:" + folder]
            self._run(argv, files=(login,))
            with open(folder + "/manifest.json", "rb") as manifest:
                return "sha256:" + hashlib.sha256(manifest.read()).hexdigest()

    def _remove(self, _reference):
        """Nothing is brought anywhere."""

    def _archive(self):
        """Give a file with the image, which goes when it is closed."""
        file = tempfile.NamedTemporaryFile(prefix="okd-registry-check-")
        file.write(probe_image.archive(self._image(), _LOCAL))
        file.flush()
        return file

    def _login(self):
        """Give a file without a name with the login for all registries that are asked."""
        pair = base64.b64encode("{}:{}".format(self._access.username, self._access.token).encode("utf-8"))
        entry = {"auth": pair.decode("ascii")}
        return _unnamed(json.dumps({"auths": dict.fromkeys(self._access.names, entry)}).encode("ascii"))


class Podman(Skopeo):
    """Podman, with its own store of images."""

    name = "podman"

    def _push(self, _name, whole):
        self._brings(self._image().config.digest)
        with self._archive() as archive:
            self._run(["podman", "load", "--quiet", "--input", archive.name])
        with self._login() as login, tempfile.NamedTemporaryFile(prefix="okd-registry-check-") as told:
            argv = ["podman", "push", "--quiet", "--authfile", _path(login), "--digestfile", told.name]
            self._run([*argv, self._image().config.digest.partition(":")[2], "docker://" + whole], files=(login,))
            return told.read().decode("ascii").strip()

    def _pull(self, _name, whole):
        self._brings(whole)
        with self._login() as login:
            self._run(["podman", "pull", "--quiet", "--authfile", _path(login), whole], files=(login,))
        return self._run(["podman", "image", "inspect", "--format", "{{.Digest}}", whole]).strip()

    def _remove(self, reference):
        self._run(["podman", "image", "rm", "--force", reference.partition("sha256:")[2] or reference])


TOOLS = {"podman": Podman, "skopeo": Skopeo}


class _ToolError(Exception):
    """A command did not end well; the text is what it said."""

    def __init__(self, message, reason=None):
        super().__init__(message)
        self.reason = reason


def _run(argv, timeout, given=b"", typed=None, files=()):
    """Run a command and give what it printed (str).

    :param given: bytes for its standard input
    :param typed: what is typed at a terminal of its own instead, where it asks for a password
    :param files: open files that it may read
    :raises _ToolError:
    """
    inward, outward, stdin = None, None, subprocess.PIPE
    try:
        if typed is not None:
            inward, outward = _terminal(typed)
            stdin = outward
        running = subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[file.fileno() for file in files],
            start_new_session=True,
        )
        try:
            printed, said = running.communicate(None if typed is not None else given, timeout)
        except subprocess.TimeoutExpired:
            running.kill()
            running.communicate()
            raise _ToolError("{} did not end within {:g} s".format(argv[0], timeout), "timeout") from None
    except OSError as exc:
        raise _ToolError("{} cannot be run: {}".format(argv[0], exc), "engine") from exc
    finally:
        for end in (inward, outward):
            if end is not None:
                os.close(end)
    if running.returncode:
        raise _ToolError(_words(said or printed) or "{} ended with {}".format(argv[0], running.returncode))
    return printed.decode("utf-8", "replace")


def _terminal(typed):
    """Give both ends of a terminal at which a line has been typed and is not shown.

    :raises _ToolError: where the line is longer than a terminal takes
    """
    if len(typed) > _LONGEST:
        raise _ToolError(
            "a token of more than {} characters cannot be typed; say engine: client".format(_LONGEST), "engine"
        )
    inward, outward = pty.openpty()
    settings = termios.tcgetattr(outward)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(outward, termios.TCSANOW, settings)
    os.write(inward, typed.encode("utf-8") + b"\n")
    return inward, outward


def _words(raw):
    """Give the last line that a tool said, without its level."""
    lines = [line.strip() for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
    return _LEVEL.sub("", lines[-1]).strip('"') if lines else ""


def _unnamed(raw):
    """Give an open file in memory that has no name, and holds some bytes."""
    file = tempfile.TemporaryFile(dir=_MEMORY if os.path.isdir(_MEMORY) else None)
    file.write(raw)
    file.flush()
    return file


def _path(file):
    """Under which path a command that inherits an open file reads it."""
    return "/proc/self/fd/{}".format(file.fileno())
