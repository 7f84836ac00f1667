# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection wrote on a node, registry by registry, and what it was in the middle of.

Both lie in /var/lib/okd-registry, which is not configuration and which no engine reads. What is about to be written
is recorded before it is, so that whatever moment a run is killed at, each file on the node is known to be ours or not.
"""

import base64
import json
import re
from collections import namedtuple

from .errors import RefusedError
from .files import sha256

DIRECTORY = "/var/lib/okd-registry"
LOCK = DIRECTORY + "/lock"
_VERSION = 1
_REGISTRY = re.compile(r"(?P<namespace>[a-z0-9]([a-z0-9-]*[a-z0-9])?)/(?P<name>[a-z0-9]([a-z0-9.-]*[a-z0-9])?)\Z")

# sha256: of what is, or is about to be, there; previous: of what may be there still; written: False while it is
# only meant to be; found: whether it was right already, written by somebody else, so that it stays when ours go
Entry = namedtuple("Entry", "sha256 previous written found")
Entry.__new__.__defaults__ = (False,)
# files: dict of path to Entry; directories: list of paths that we made
Manifest = namedtuple("Manifest", "files directories")
EMPTY = Manifest({}, [])
# What another record on the node holds. registry: namespace/name; manifest: Manifest; same: whether it is the same
# registry's: one record is of its own CA, the other, called <name>.route, of that of a router that ends TLS before it
Other = namedtuple("Other", "registry manifest same")
_ROUTE = ".route"  # the name of no Service, and so of no registry, has a dot
# One file that is being changed. before, after: bytes
Change = namedtuple("Change", "path before after")


def stem(registry):
    """Give the name under which a registry's records are kept.

    :param registry: C(namespace/name); neither can hold an underscore
    :raises RefusedError: where it is not of that form
    """
    form = _REGISTRY.match(registry)
    if form is None:
        raise RefusedError("registry: {!r} is not of the form namespace/name".format(registry))
    return "{}_{}".format(form.group("namespace"), form.group("name"))


def sibling(registry):
    """Give the name of the other record of the same registry (see Other).

    :param registry: C(namespace/name)
    """
    return registry[: -len(_ROUTE)] if registry.endswith(_ROUTE) else registry + _ROUTE


class Records:
    """The records of one registry on a node.

    :param tree: files.Tree
    :param registry: C(namespace/name)
    """

    def __init__(self, tree, registry):
        self._tree = tree
        self._registry = registry
        self._name = stem(registry) + ".json"
        self._restart = "{}/{}.restart".format(DIRECTORY, stem(registry))
        self._removed = "{}/{}.removed".format(DIRECTORY, stem(registry))

    @property
    def path(self):
        """Path of the manifest."""
        return "{}/{}".format(DIRECTORY, self._name)

    def load(self):
        """Read the manifest; EMPTY where there is none. :raises RefusedError: where it cannot be understood."""
        state = self._tree.look(self.path)
        if state.kind == "absent":
            return EMPTY
        return _manifest(self.path, state.raw)

    def save(self, manifest):
        """Write the manifest, or take it away where it holds nothing."""
        if manifest == EMPTY:
            self._tree.remove(self.path)
            return
        self.make_directory()
        document = {
            "version": _VERSION,
            "registry": self._registry,
            "files": {path: dict(entry._asdict()) for path, entry in manifest.files.items()},
            "directories": manifest.directories,
        }
        self._tree.write(self.path, _as_bytes(document), 0o600)

    def make_directory(self):
        """Make the directory of all records."""
        self._tree.make_directory(DIRECTORY, 0o700)

    def tidy(self):
        """Take the directory of all records away if nothing is recorded in it (the lock is held)."""
        names = self._tree.look(DIRECTORY).entries
        if all("{}/{}".format(DIRECTORY, name) == LOCK for name in names):
            self._tree.remove(LOCK)
            self._tree.remove_directory(DIRECTORY)

    def others(self):
        """Read all other manifests on this node (list of Other)."""
        found = [read(self._tree, path) for path in paths(self._tree) if path != self.path]
        return [Other(name, manifest, name == sibling(self._registry)) for name, manifest in found]

    def save_sibling(self, manifest):
        """Write the manifest of the other record of the same registry."""
        Records(self._tree, sibling(self._registry)).save(manifest)

    def remember(self, flags):
        """Record flags before they are taken out, so that they can be put back one day.

        :param flags: list of dict with file, variable and value
        :returns: the same flags (list of dict) as removed() gives them
        """
        known = self.removed()
        new = [_flag(flag) for flag in flags if _flag(flag) not in known]
        if new:
            self.make_directory()
            self._tree.write(self._removed, _as_bytes(known + new), 0o600)
        return self.recorded(flags)

    @staticmethod
    def recorded(flags):
        """Give flags (list of dict) as removed() gives them once they are on record."""
        return [_flag(flag) for flag in flags]

    def removed(self):
        """Give what remember() recorded and forget() did not take away (list of dict)."""
        state = self._tree.look(self._removed)
        if state.kind == "absent":
            return []
        try:
            return [_flag(flag) for flag in json.loads(state.raw.decode("utf-8"))]
        except (ValueError, KeyError, TypeError) as exc:
            raise _damaged(self._removed) from exc

    def forget(self, flags):
        """Take flags off the record: they are where they were."""
        gone = [_flag(flag) for flag in flags]
        known = self.removed()
        left = [flag for flag in known if flag not in gone]
        if not left:
            self._tree.remove(self._removed)
        elif left != known:
            self._tree.write(self._removed, _as_bytes(left), 0o600)

    def begin_restart(self, changes):
        """Record what files were before flags are taken out and docker is restarted.

        :param changes: list of Change
        """
        self.make_directory()
        document = [
            {"path": change.path, "before": _encode(change.before), "after": sha256(change.after)} for change in changes
        ]
        self._tree.write(self._restart, _as_bytes(document), 0o600)

    def unfinished_restart(self):
        """Give what begin_restart() recorded and end_restart() did not take away.

        :returns: list of (path, bytes before, sha256 after), or None
        """
        state = self._tree.look(self._restart)
        if state.kind == "absent":
            return None
        try:
            return [
                (entry["path"], base64.b64decode(entry["before"]), entry["after"])
                for entry in json.loads(state.raw.decode("utf-8"))
            ]
        except (ValueError, KeyError, TypeError) as exc:
            raise _damaged(self._restart) from exc

    def end_restart(self):
        """Forget the record of begin_restart()."""
        self._tree.remove(self._restart)


def paths(tree):
    """List the paths of all registries' manifests on a node."""
    names = [name for name in tree.look(DIRECTORY).entries if name.endswith(".json") and not name.startswith(".")]
    return ["{}/{}".format(DIRECTORY, name) for name in names]


def read(tree, path):
    """Read one of paths().

    :returns: (registry, Manifest)
    :raises RefusedError: where it cannot be understood
    """
    raw = tree.look(path).raw
    found = _manifest(path, raw)
    return str(json.loads(raw.decode("utf-8")).get("registry", "")), found


def _flag(found):
    return {name: found[name] for name in ("file", "variable", "value")}


def _manifest(path, raw):
    try:
        document = json.loads(raw.decode("utf-8"))
        if document["version"] != _VERSION:
            raise RefusedError("{}: is of a newer version of this collection; use that one".format(path))
        files = {
            name: Entry(entry["sha256"], list(entry["previous"]), bool(entry["written"]), bool(entry.get("found")))
            for name, entry in document["files"].items()
        }
        return Manifest(files, list(document["directories"]))
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _damaged(path) from exc


def _damaged(path):
    return RefusedError(
        "{}: cannot be understood, so what on this node is ours is not known; put it back from a backup, or remove it: "
        "files that are right are then adopted and all others left alone".format(path)
    )


def _as_bytes(document):
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode("utf-8")


def _encode(raw):
    return base64.b64encode(raw).decode("ascii")
