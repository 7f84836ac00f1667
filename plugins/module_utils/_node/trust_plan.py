# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of certs.d to write and which to remove: a pure function of what is wanted, there and recorded.

Ours is what the manifest records; all else is somebody else's. Of somebody else's only a file that trusts the very
same certificates is taken over; anything different in the way is named, and nothing at all is done.
"""

from collections import namedtuple

from . import pem
from .files import sha256
from .manifest import Entry, Manifest

CERTS_D = "/etc/docker/certs.d"

# kind: "mkdir", "write", "rmdir-first" (an empty directory where a file must be), "remove" or "rmdir";
# before, after: bytes or None, for the diff; why: sentence
Step = namedtuple("Step", "kind path before after why")
# problems: sentences, in which case the rest is empty; intent, final: manifests to be saved before and after the steps
Plan = namedtuple("Plan", "problems steps notes intent final")

_FILE_MODE = 0o644


def ca_path(endpoint):
    """Give the path of the CA that docker reads for an endpoint (str)."""
    return "{}/{}/ca.crt".format(CERTS_D, endpoint)


def present(endpoints, ca, look, manifest, claimed, owner=(0, 0)):
    """Plan that every endpoint is trusted by one CA.

    :param endpoints: list of str in docker's form
    :param ca: bytes to be in each ca.crt
    :param look: function of a path that gives a files.State
    :param manifest: what is recorded as ours
    :param claimed: paths that other registries of ours need too
    :param owner: (uid, gid) that the files must have
    :returns: Plan
    """
    draft = _Draft(look, manifest, claimed, owner)
    wanted = [ca_path(endpoint) for endpoint in endpoints]
    for path in wanted:
        draft.want(path, ca)
    for path in sorted(set(manifest.files) - set(wanted)):
        draft.drop(path, "no longer a name of this registry")
    return draft.plan()


def absent(look, manifest, claimed):
    """Plan that nothing of ours is left. Takes and returns what present() does."""
    draft = _Draft(look, manifest, claimed)
    for path in sorted(manifest.files):
        draft.drop(path, "not wanted any more")
    for path in sorted(manifest.directories, key=len, reverse=True):
        draft.drop_directory(path)
    return draft.plan()


class _Draft:
    """A plan in the making."""

    def __init__(self, look, manifest, claimed, owner=(0, 0)):
        self._look = look
        self._claimed = claimed
        self._owner = owner
        self._problems, self._made, self._written, self._removed, self._notes = [], [], [], [], []
        self._files = dict(manifest.files)
        self._directories = list(manifest.directories)
        self._intent = dict(manifest.files)
        self._gone = set()

    def plan(self):
        """Give the plan; where there is a problem, one without steps."""
        manifest = Manifest(self._files, self._directories)
        if self._problems:
            return Plan(self._problems, [], [], manifest, manifest)
        directories = self._directories + [step.path for step in self._removed if step.kind == "rmdir"]
        intent = Manifest(self._intent, directories)
        return Plan([], self._made + self._written + self._removed, self._notes, intent, manifest)

    def want(self, path, ca):
        if not self._directories_above(path):
            return
        state = self._look(path)
        entry = self._files.get(path)
        why = self._why_write(path, state, entry, ca)
        if why is None:
            self._keep(path, state, entry)
            return
        before = state.raw if state.kind == "file" else None
        previous = [entry.sha256, *entry.previous] if entry else []
        if state.kind == "directory":
            self._written.append(Step("rmdir-first", path, None, None, "an empty directory is in the way"))
        self._written.append(Step("write", path, before, ca, why))
        self._files[path] = Entry(sha256(ca), [], True)
        self._intent[path] = Entry(sha256(ca), previous, bool(entry and entry.written))

    def _why_write(self, path, state, entry, ca):
        """Say why a file is to be written, None where it is right or must not be (then a problem is noted)."""
        if state.kind == "absent":
            return "CA for this name"
        if state.kind != "file":
            return self._why_replace(path, state, entry)
        if state.raw == ca:
            right = state.mode == _FILE_MODE and (state.uid, state.gid) == self._owner
            return (
                None
                if right
                else "mode {:04o} of {}:{} instead of 0644 of root".format(state.mode, state.uid, state.gid)
            )
        if entry and (entry.written or sha256(state.raw) in [entry.sha256, *entry.previous]):
            ours = sha256(state.raw) in [entry.sha256, *entry.previous]
            return "another CA" if ours else "ours, but changed by somebody since"
        if pem.same_trust(state.raw, ca):
            return "the same certificates, taken over"
        self._problems.append(
            "{}: is there already, not written by us, and trusts other certificates; look who needs it, then remove "
            "it and run again".format(path)
        )
        return None

    def _why_replace(self, path, state, entry):
        what = "a link to {}".format(state.target) if state.kind == "link" else "a directory"
        if entry and entry.written and state.kind == "link":
            return "ours, but replaced by {}".format(what)
        if entry and entry.written and state.kind == "directory" and not state.entries:
            return "ours, but replaced by {}".format(what)
        what = what if state.kind in ("link", "directory") else "no regular file"
        self._problems.append(
            "{}: is {}, not written by us, where a CA file must be; remove it and run again".format(path, what)
        )
        return None

    def _keep(self, path, state, entry):
        """Record a file that is as it must be."""
        if self._problems:
            return
        if entry is None:
            self._notes.append("{}: is right already; recorded as ours from now on".format(path))
        self._files[path] = self._intent[path] = Entry(sha256(state.raw), [], True)

    def _directories_above(self, path):
        """Plan the directories down to certs.d/<endpoint>; False where something else is in the way of one."""
        parts = path.split("/")
        for depth in range(3, len(parts)):  # from /etc/docker on
            directory = "/".join(parts[:depth])
            state = self._look(directory)
            if state.kind == "directory":
                continue
            if state.kind != "absent":
                what = "a link to {}".format(state.target) if state.kind == "link" else "a file"
                self._problems.append(
                    "{}: is {}, which is not followed; remove it, or make it a directory".format(directory, what)
                )
                return False
            if directory not in [step.path for step in self._made]:
                self._made.append(Step("mkdir", directory, None, None, "missing"))
                if directory not in self._directories:
                    self._directories.append(directory)
        return True

    def drop(self, path, why):
        """Plan that a recorded file goes, if it is still the one that was recorded."""
        entry = self._files.pop(path)
        state = self._look(path)
        if path in self._claimed:
            self._notes.append("{}: left, another registry needs it".format(path))
            return
        if state.kind == "file" and sha256(state.raw) in [entry.sha256, *entry.previous]:
            self._removed.append(Step("remove", path, state.raw, None, why))
            self._gone.add(path)
        elif state.kind != "absent":
            self._notes.append("{}: left, somebody else has changed it since".format(path))
        directory = path.rsplit("/", 1)[0]
        if directory in self._directories:
            self.drop_directory(directory)

    def drop_directory(self, path):
        """Plan that a directory we made goes, if nothing but what goes as well is in it."""
        if path not in self._directories:
            return
        state = self._look(path)
        rest = [name for name in state.entries if "{}/{}".format(path, name) not in self._gone]
        self._directories.remove(path)
        if state.kind == "directory" and not rest:
            self._removed.append(Step("rmdir", path, None, None, "empty, and made by us"))
            self._gone.add(path)
