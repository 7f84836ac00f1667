# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files to write and which to remove: a pure function of what is wanted, there and recorded.

Ours is what the manifest records; all else is somebody else's. Of somebody else's only a file that trusts the very
same certificates is taken over; anything different in the way is named, and nothing at all is done.

A registry has two records where a router ends TLS before it, or did. What the other one of them wrote is taken over,
too, and is then on one record alone.
"""

from collections import namedtuple

from . import containerd, pem
from .files import base_of, sha256
from .manifest import EMPTY, Entry, Manifest

# One file that is to be there. kind: one of KINDS; raw: bytes; mode: int
Wanted = namedtuple("Wanted", "path raw mode kind")
CA, CERTIFICATE, KEY, ANCHOR = KINDS = ("ca", "certificate", "key", "anchor")
# A directory of which all of the wanted files' engines read everything. endpoint: str; hosts_toml: whether one of
# them is containerd, for which a hosts.toml says what is read
Place = namedtuple("Place", "path endpoint hosts_toml")

# kind: "mkdir", "write", "rmdir-first" (an empty directory where a file must be), "remove" or "rmdir";
# before, after: bytes or None, for the diff; why: sentence; mode: of a file; secret: whether its content is
Step = namedtuple("Step", "kind path before after why mode secret")
# problems: sentences, in which case the rest is empty; intent, final: manifests to be saved before and after the steps;
# sibling: manifest to be saved, after the intent, as the other one of the same registry; None where that one stays
Plan = namedtuple("Plan", "problems steps notes intent final sibling")

_NEW = {
    CA: "CA for this name",
    CERTIFICATE: "client certificate for this name",
    KEY: "key of the client certificate",
    ANCHOR: "CA for every program of this node",
}
_ANOTHER = {CA: "another CA", CERTIFICATE: "another client certificate", KEY: "another key", ANCHOR: "another CA"}


def everywhere(_path):
    """Say that a run is about whatever is recorded."""
    return True


def present(wanted, places, look, manifest, others, owner=(0, 0), within=everywhere):
    """Plan that every wanted file is there, and no other of ours.

    :param wanted: list of Wanted
    :param places: list of Place, the directories of certs.d among them
    :param look: function of a path that gives a files.State
    :param manifest: what is recorded as ours
    :param others: list of manifest.Other, what else is recorded on this node
    :param owner: (uid, gid) that the files must have
    :param within: function of a recorded path that says whether this run is about it; any other stays as it is
    :returns: Plan
    """
    draft = _Draft(look, manifest, others, owner)
    for file in wanted:
        draft.want(file)
    names = {file.path for file in wanted}
    draft.take_over(names)
    for place in places:
        draft.inspect(place, names)
    known = [place.endpoint for place in places]
    for path in sorted(filter(within, set(manifest.files) - names)):
        here = path.split("/")[-2] in known
        draft.drop(path, "not wanted here any more" if here else "no longer a name of this registry")
    return draft.plan()


def absent(look, manifest, others, within=everywhere):
    """Plan that nothing of ours is left. Takes and returns what present() does."""
    draft = _Draft(look, manifest, others)
    for path in sorted(filter(within, manifest.files)):
        draft.drop(path, "not wanted any more", keep_found=True)
    for path in sorted(filter(within, manifest.directories), key=len, reverse=True):
        draft.drop_directory(path)
    return draft.plan()


class _Draft:
    """A plan in the making."""

    def __init__(self, look, manifest, others, owner=(0, 0)):
        self._look = look
        self._others = others
        self._owner = owner
        self._sibling = None
        self._problems, self._made, self._written, self._removed, self._notes = [], [], [], [], []
        self._files = dict(manifest.files)
        self._directories = list(manifest.directories)
        self._intent = dict(manifest.files)
        self._gone = set()

    def plan(self):
        """Give the plan; where there is a problem, one without steps."""
        manifest = Manifest(self._files, self._directories)
        if self._problems:
            return Plan(self._problems, [], [], manifest, manifest, None)
        directories = self._directories + [step.path for step in self._removed if step.kind == "rmdir"]
        intent = Manifest(self._intent, directories)
        return Plan([], self._made + self._written + self._removed, self._notes, intent, manifest, self._sibling)

    def want(self, file):
        """Plan one wanted file."""
        path = file.path
        if not self._directories_above(path):
            return
        state = self._look(path)
        entry = self._files.get(path) or self._inherited(path, state)
        why = self._why_write(file, state, entry)
        if why is None:
            self._keep(path, state, entry)
            return
        before = state.raw if state.kind == "file" else None
        previous = [entry.sha256, *entry.previous] if entry else []
        if state.kind == "directory":
            self._written.append(_step("rmdir-first", path, "an empty directory is in the way"))
        self._written.append(Step("write", path, before, file.raw, why, file.mode, file.kind == KEY))
        self._files[path] = Entry(sha256(file.raw), [], True, False)
        self._intent[path] = Entry(sha256(file.raw), previous, bool(entry and entry.written), False)

    def take_over(self, names):
        """Plan that wanted files are no more on the other record of the same registry, nor their directories there.

        :param names: paths of all wanted files (set)
        """
        sibling = next((other.manifest for other in self._others if other.same), EMPTY)
        left = {path: entry for path, entry in sibling.files.items() if path not in names}
        if left == sibling.files:
            return
        used = [folder for folder in sibling.directories if any(path.startswith(folder + "/") for path in left)]
        for directory in sibling.directories:
            if directory not in used:
                self._own(directory)
        self._sibling = Manifest(left, used)

    def _inherited(self, path, state):
        """Give the Entry of the other record of the same registry, where that is who wrote what is there, else None."""
        claims = [entry for other, entry in self._claims(path) if other.same and not entry.found]
        return next((entry for entry in claims if _is_as_recorded(state, entry)), None)

    def _claims(self, path):
        """Give who else has a path on record: list of (manifest.Other, Entry)."""
        return [(other, other.manifest.files[path]) for other in self._others if path in other.manifest.files]

    def _why_write(self, file, state, entry):
        """Say why a file is to be written, None where it is right or must not be (then a problem is noted)."""
        if state.kind == "absent":
            return _NEW[file.kind]
        if state.kind != "file":
            return self._why_replace(file.path, state, entry)
        if state.raw == file.raw:
            if state.mode == file.mode and (state.uid, state.gid) == self._owner:
                return state.context or None
            return "mode {:04o} of {}:{} instead of {:04o} of root".format(state.mode, state.uid, state.gid, file.mode)
        return self._why_instead(file, state, entry)

    def _why_instead(self, file, state, entry):
        """Say why a file with another content is to be written over; None where it must not be."""
        if entry and (entry.written or _is_as_recorded(state, entry)):
            return _ANOTHER[file.kind] if _is_as_recorded(state, entry) else "ours, but changed by somebody since"
        if file.kind != KEY and pem.same_trust(state.raw, file.raw):
            return "the same certificates, taken over"
        what = "trusts other certificates" if file.kind in (CA, ANCHOR) else "identifies this node by something else"
        whose, then = self._whose(file.path, state)
        self._problems.append("{}: {}, and {}; {} and run again".format(file.path, whose, what, then))
        return None

    def _whose(self, path, state):
        """Give whose a file in the way is, and what to do about it (parts of a sentence)."""
        look = "look who needs it, then remove it"
        for other, entry in self._claims(path):
            if not other.same and (entry.written or _is_as_recorded(state, entry)):
                whose = "is on record for the registry {}".format(other.registry)
                return whose, "a name can be that of one registry alone, so take it from one of the two"
            if other.same and entry.written and not entry.found:
                return "was written for {}, has been changed by somebody since".format(other.registry), look
        return "is there already, not written by us", look

    def _why_replace(self, path, state, entry):
        what = "a link to {}".format(state.target) if state.kind == "link" else "a directory"
        if entry and entry.written and state.kind == "link":
            return "ours, but replaced by {}".format(what)
        if entry and entry.written and state.kind == "directory" and not state.entries:
            return "ours, but replaced by {}".format(what)
        what = what if state.kind in ("link", "directory") else "no regular file"
        self._problems.append(
            "{}: is {}, not written by us, where a file must be; remove it and run again".format(path, what)
        )
        return None

    def _keep(self, path, state, entry):
        """Record a file that is as it must be."""
        if self._problems:
            return
        if path not in self._files:
            self._notes.append("{}: is right already; recorded as ours from now on".format(path))
        # what another registry of ours has written is no stranger's
        found = entry.found if entry else all(claim.found for _other, claim in self._claims(path))
        self._files[path] = self._intent[path] = Entry(sha256(state.raw), [], True, found)

    def _directories_above(self, path):
        """Plan the directories down to certs.d/<endpoint>; False where something else is in the way of one."""
        base = base_of(path)
        parts = path[len(base) + 1 :].split("/")
        for depth in range(1, len(parts)):
            directory = "/".join([base, *parts[:depth]])
            state = self._look(directory)
            if state.kind == "directory":
                # Whoever leaves it last takes it away.
                if any(directory in other.manifest.directories for other in self._others):
                    self._own(directory)
                continue
            if state.kind != "absent":
                what = "a link to {}".format(state.target) if state.kind == "link" else "a file"
                self._problems.append(
                    "{}: is {}, which is not followed; remove it, or make it a directory".format(directory, what)
                )
                return False
            if directory not in [step.path for step in self._made]:
                self._made.append(_step("mkdir", directory, "missing"))
                self._own(directory)
        return True

    def _own(self, directory):
        """Record a directory as one that we made."""
        if directory not in self._directories:
            self._directories.append(directory)

    def inspect(self, place, names):
        """Note what others have put beside our files that keeps an engine from the registry, whatever we write."""
        entries = self._look(place.path).entries
        for name in entries:
            path = "{}/{}".format(place.path, name)
            if path not in names and path not in self._files:
                self._inspect_one(place, name, path, [*entries, *(name.rpartition("/")[2] for name in names)])

    def _inspect_one(self, place, name, path, entries):
        state = self._look(path)
        stem, _dot, ending = name.rpartition(".")
        if name == containerd.HOSTS and place.hosts_toml:
            raw = state.raw if state.kind == "file" else b"elsewhere = true"  # a link: what it says is not known
            said = containerd.hosts_problem(path, raw, place.endpoint, place.path + "/ca.crt")
            self._problems += [said] if said else []
        elif ending not in ("crt", "cert", "key"):
            return
        elif state.kind == "directory" or state.dangling:
            what = "a link to {}, which is not there".format(state.target) if state.dangling else "a directory"
            self._problems.append(
                "{}: is {}, and docker then refuses to use {} at all; remove it, or mend it, and run again".format(
                    path, what, place.endpoint
                )
            )
        elif ending != "crt":
            other = "{}.{}".format(stem, "key" if ending == "cert" else "cert")
            if other not in entries:
                self._problems.append(
                    "{}: stands there without {}, and docker then refuses to use {} at all; remove it, or add the "
                    "other one, and run again".format(path, other, place.endpoint)
                )

    def drop(self, path, why, keep_found=False):
        """Plan that a recorded file goes, if it is still the one that was recorded.

        :param keep_found: whether one stays that was there before us, and that we have never written
        """
        entry = self._files.pop(path)
        state = self._look(path)
        if any(_is_as_recorded(state, claim) for _other, claim in self._claims(path)):
            self._notes.append("{}: left, another registry needs it".format(path))
            return
        if keep_found and entry.found and state.kind != "absent":
            self._notes.append("{}: left, it was there before".format(path))
        elif _is_as_recorded(state, entry):
            secret = state.mode & 0o077 == 0
            self._removed.append(Step("remove", path, state.raw, None, why, state.mode, secret))
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
            self._removed.append(_step("rmdir", path, "empty, and made by us"))
            self._gone.add(path)


def _is_as_recorded(state, entry):
    """Say whether a file is still what an entry says."""
    return state.kind == "file" and sha256(state.raw) in [entry.sha256, *entry.previous]


def _step(kind, path, why):
    """Make a step on a directory."""
    return Step(kind, path, None, None, why, 0, False)
