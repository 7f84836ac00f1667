# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at what a node trusts, whose files these are, and what keeps docker from verifying. Nothing is written."""

import hashlib
import time
from collections import namedtuple

from . import anchors, der, manifest, pem, which_engines
from .errors import NodeError, RefusedError
from .files import ABSENT

# endpoints: list of str, may be empty; ca: PEM bytes to compare with, or None
# router_endpoints, router_ca: the same of names at which a router's certificate is seen
Question = namedtuple("Question", "endpoints ca engines router_endpoints router_ca")
_KINDS = {"crt": "ca", "cert": "client certificate", "key": "client key"}
_DAY = 86400


class Look:
    """One look at a node.

    :param question: Question
    :param tree: files.Tree
    :param unit: systemd.Unit of docker
    :param survey: function of a list of endpoints that gives an insecure.Survey, or raises NodeError
    :param proxied: function of a list of endpoints and of that Survey that says for which of them docker asks its proxy
        (dict of endpoint to a sentence)
    :param now: function that gives seconds since 1970
    """

    def __init__(self, question, tree, unit, survey, proxied, now=time.time):
        self._question = question
        self._tree = tree
        self._unit = unit
        self._survey = survey
        self._proxied = proxied
        self._now = now
        self._problems = []
        self._records = []
        self._of_router = set()  # directories for names at which a router's certificate is seen

    def run(self):
        """Give the module's result (dict)."""
        self._records = self._read_records()
        try:
            engines = which_engines.find(self._question.engines, self._tree, self._unit)
        except RefusedError as exc:
            engines = []
            self._problems.append(str(exc))
        self._problems += [said for engine in engines for said in (engine.problem, engine.hint) if said]
        self._of_router = {path for name in self._question.router_endpoints for path in self._places(engines, name)}
        files = [file for root in _roots(engines) for file in self._root(root, engines)]
        asked = list(dict.fromkeys([*self._question.endpoints, *self._question.router_endpoints]))
        endpoints = asked or self._recorded_names(engines)
        insecure, proxied = self._docker(endpoints)
        verdicts = [self._endpoint(name, engine, engines, files) for name in endpoints for engine in engines]
        for verdict in verdicts:
            verdict["verified"] = verdict["engine"] != "docker" or verdict["endpoint"] not in insecure["covered"]
        return {
            "engines": [
                {"name": engine.name, "directories": engine.roots, "problem": engine.problem or None}
                for engine in engines
            ],
            "files": files,
            "endpoints": verdicts,
            "anchors": self._anchors(),
            "system_trusts": self._system_trusts(self._question.ca),
            "router_system_trusts": self._system_trusts(self._question.router_ca),
            "insecure": insecure,
            "proxied": [{"endpoint": name, "engine": "docker", "reason": said} for name, said in proxied.items()],
            "registries": [name for name, _manifest in self._records],
            "problems": self._problems + [file["problem"] for file in files if file["problem"]],
        }

    # ---- files

    def _read_records(self):
        found = [self._read_record(path) for path in manifest.paths(self._tree)]
        return [record for record in found if record]

    def _read_record(self, path):
        try:
            return manifest.read(self._tree, path)
        except NodeError as exc:
            self._problems.append(str(exc))
            return None

    def _recorded_names(self, engines):
        """Give the endpoints that the records name, where none are asked about."""
        roots = set(_roots(engines))
        names = {}
        for _registry, known in self._records:
            for path in known.files:
                folder, _slash, _name = path.rpartition("/")
                if folder.rpartition("/")[0] in roots:
                    names[folder.rpartition("/")[2]] = True
        return list(names)

    def _root(self, root, engines):
        """Describe all files in the directories below one that engines read."""
        found = []
        for name in self._look(root).entries:
            if not which_engines.is_read(engines, root, name, self._tree.exists):
                continue
            folder = "{}/{}".format(root, name)
            state = self._look(folder)
            if state.kind == "directory":
                found += [self._file(root, name, entry) for entry in state.entries]
            elif state.kind == "link":
                said = "{}: is a link to {}, which is not followed here".format(folder, state.target)
                found.append(self._described(root, name, folder, "link", state, said))
        return found

    def _look(self, path):
        try:
            return self._tree.look(path)
        except NodeError as exc:  # a link above it, or a directory that is none
            self._problems.append(str(exc))
            return ABSENT

    def _file(self, root, endpoint, name):
        path = "{}/{}/{}".format(root, endpoint, name)
        state = self._look(path)
        kind = "hosts.toml" if name == "hosts.toml" else _KINDS.get(name.rpartition(".")[2], "other")
        said = None
        if state.dangling:
            said = "{}: is a link to {}, which is not there: docker does not use {}".format(
                path, state.target, endpoint
            )
        elif state.kind == "directory" and kind in _KINDS.values():
            said = "{}: is a directory: docker does not use {}".format(path, endpoint)
        return self._described(root, endpoint, path, kind, state, said)

    def _described(self, root, endpoint, path, kind, state, said):
        raw = self._tree.read(path) if state.kind == "link" and said is None else state.raw
        registry, owner = self._owner(path, state)
        wanted = self._wanted(path.rpartition("/")[0])
        ders = _ders(raw) if kind in ("ca", "client certificate") else []
        if said is None and kind == "ca" and not ders:
            said = "{}: holds no certificate that can be read".format(path)
        if said is None and kind == "client key" and state.mode & 0o077:
            said = "{}: has mode {:04o}, so others than root can read a private key".format(path, state.mode)
        return {
            "directory": root,
            "endpoint": endpoint,
            "path": path,
            "kind": kind,
            "is": state.kind,
            "target": state.target or None,
            "dangling": state.dangling,
            "owner": owner,
            "registry": registry,
            "certificates": [self._certificate(found) for found in ders],
            "matches": _holds(raw, wanted) if kind == "ca" and wanted is not None else None,
            "problem": said,
        }

    def _owner(self, path, state):
        """Say by the records whose a file is: (registry or None, C(ours), C(changed) or C(foreign))."""
        for registry, known in self._records:
            entry = known.files.get(path)
            if entry is None:
                continue
            digest = hashlib.sha256(state.raw).hexdigest()
            same = state.kind == "file" and digest in [entry.sha256, *entry.previous]
            if same or entry.written:
                return registry, "ours" if same else "changed"
        return None, "foreign"

    def _certificate(self, found):
        facts = {"sha256": hashlib.sha256(found).hexdigest(), "subject": None, "not_after": None, "days_left": None}
        try:
            read = der.certificate(found)
        except ValueError:
            return facts
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(read.not_after))
        days = int((read.not_after - self._now()) // _DAY)
        return dict(facts, subject=read.subject, not_after=until, days_left=days)

    # ---- verdicts

    def _places(self, engines, name):
        return which_engines.directories(engines, name, self._look, self._tree.exists)

    def _wanted(self, folder):
        """Give the CA that is to be trusted by what is in a directory, as PEM bytes; None where that was not said."""
        return self._question.router_ca if folder in self._of_router else self._question.ca

    def _endpoint(self, name, engine, engines, files):
        """Say whether one engine has a CA for one endpoint, and from where."""
        at_router = name in self._question.router_endpoints
        verdict = {"endpoint": name, "engine": engine.name, "path": None, "owner": None, "days_left": None}
        verdict["at_router"] = at_router
        if engine.problem:
            return dict(verdict, state="unknown", reason=engine.problem)
        folder = which_engines.directory(engine, engines, name, self._look, self._tree.exists)
        here = [file for file in files if file["path"].rpartition("/")[0] == folder]
        broken = [file["problem"] for file in here if file["problem"]]
        cas = [file for file in here if file["kind"] == "ca" and file["certificates"]]
        if broken:
            return dict(verdict, state="broken", reason="; ".join(broken))
        if not cas:
            return dict(verdict, state="none", reason=self._lacking(folder, name, engine))
        chosen = next((file for file in cas if file["matches"]), cas[0])
        days = [found["days_left"] for found in chosen["certificates"] if found["days_left"] is not None]
        verdict.update(path=chosen["path"], owner=chosen["owner"], days_left=max(days) if days else None)
        if chosen["matches"] is False:
            whose = "router's" if at_router else "registry's"
            return dict(verdict, state="other", reason="{} trusts another CA than the {}".format(chosen["path"], whose))
        if days and max(days) < 0:
            return dict(verdict, state="expired", reason="what {} trusts has expired".format(chosen["path"]))
        return dict(verdict, state="trusted", reason=None)

    def _lacking(self, folder, name, engine):
        """Say where an engine has no CA for a name, and where it has none only because of an empty directory."""
        others = ["{}/{}".format(root, name) for root in engine.roots if engine.name != "containerd"]
        hidden = [path for path in others if path != folder and self._look(path).entries]
        return "no CA in {}{}".format(folder, ", which is read in the place of {}".format(hidden[0]) if hidden else "")

    def _anchors(self):
        """Describe our files in the system's own store, and those of others that hold the CA asked about."""
        found = []
        for store in anchors.STORES:
            for name in self._look(store.directory).entries:
                path = "{}/{}".format(store.directory, name)
                state = self._look(path)
                registry, owner = self._owner(path, state)
                known = [ca for ca in (self._question.ca, self._question.router_ca) if ca]
                if owner == "foreign" and not (state.raw and any(_holds(state.raw, ca) for ca in known)):
                    continue
                certificates = [self._certificate(one) for one in _ders(state.raw)]
                found.append({"path": path, "owner": owner, "registry": registry, "certificates": certificates})
        return found

    def _system_trusts(self, ca):
        """Say whether every program of this node trusts a CA asked about; None where that is not known."""
        if ca is None:
            return None
        try:
            return anchors.trusts(self._tree, ca)
        except NodeError as exc:
            self._problems.append(str(exc))
            return None

    def _docker(self, endpoints):
        """Say what keeps docker from verifying these endpoints, and for which of them it asks its proxy."""
        try:
            survey = self._survey(endpoints)
        except NodeError as exc:
            self._problems.append(str(exc))
            nothing = {"flags": [], "networks": [], "problems": [str(exc)], "running": [], "stale": [], "covered": []}
            return nothing, {}
        return self._insecure(survey), self._proxied(endpoints, survey)

    def _insecure(self, survey):
        """Say what keeps docker from verifying: in files, and in what it runs with."""
        written = [found["value"] for found in survey.flags + survey.networks]
        running = list(survey.stale) + [value for value in survey.loaded if value not in survey.stale]
        return {
            "flags": survey.flags,
            "networks": survey.networks,
            "problems": survey.problems,
            "running": running,
            "stale": [value for value in running if value not in written],
            "covered": survey.covered,
        }


def _roots(engines):
    return list(dict.fromkeys(root for engine in engines for root in engine.roots))


def _holds(raw, ca):
    """Say whether a file trusts what is asked for: all of these certificates, and perhaps others."""
    return set(pem.certificates(ca.decode("ascii"))) <= set(_ders(raw))


def _ders(raw):
    return pem.certificates((raw or b"").decode("latin-1"))
