# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which insecure flags name this registry, where they stand, and whether dockerd runs with one that no file has."""

import ipaddress
from collections import namedtuple

from . import daemonjson, dockerargs, envedit, flags, registriesconf, sysconfig, systemd, unitedit, unitfile
from .errors import EnvFileError
from .manifest import Change

DEFAULT_FILES = ("/etc/sysconfig/docker", "/etc/sysconfig/docker-storage", "/etc/sysconfig/docker-network")
_DROP_INS = "/etc/systemd/system/docker.service.d"
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

# flags: list of dict (file, line, variable, value) that name an endpoint; networks: the same with endpoints;
# edits: list of manifest.Change; problems: sentences, why some flags cannot be taken out; stale: values that dockerd
# runs with and will not after the edits and a restart, if there is no problem; loaded: values that it took from
# daemon.json and gives up at a reload; covered: endpoints that the running dockerd does not verify; generated: whether
# registries.service must make its flags anew; daemon_json: path of the one that dockerd reads
Survey = namedtuple("Survey", "flags networks edits problems stale loaded covered generated daemon_json")
# What is read on the node. texts: dict of path to bytes (environment files in systemd's order, unit files,
# daemon.json, registries.conf and what is beside it); unit: systemd.Unit; arguments: of the running dockerd; engine:
# what it says itself that it does not verify; version: of systemd, or None; generates: whether there is a
# registries.service; daemon_json: path of the one that dockerd reads
Facts = namedtuple("Facts", "environment_files texts unit arguments engine version generates daemon_json")


def is_ours_to_edit(path):
    """Say whether a unit file is the administrator's, and not a package's or a generator's."""
    return path.startswith("/etc/systemd/")


def is_registries_conf(path):
    """Say whether podman and CRI-O read this file."""
    return path.startswith("/etc/containers/registries.conf")


def environment_files(unit, glob):
    """Give the files from which docker gets its environment.

    :param unit: systemd.Unit
    :param glob: function of a pattern that gives the paths, sorted
    """
    if not unit.exists:
        return list(DEFAULT_FILES)
    return [path for pattern in unit.environment_files for path in (glob(pattern) or [pattern])]


def start_arguments(unit, paths, texts):
    """Give dockerd's arguments (list of bytes) at its next start.

    :param unit: systemd.Unit
    :param paths: of its environment files
    :param texts: dict of path to bytes
    """
    units = [texts.get(path, b"") for path in unit.unit_files]
    return dockerargs.arguments(units, [texts.get(path, b"") for path in paths], unit.exec_text)


def survey(facts, endpoints, remove_networks, resolve):
    """Look through everything that was read.

    :param facts: Facts
    :param endpoints: list of str in docker's form
    :param remove_networks: whether flags go that name a network which covers an endpoint
    :param resolve: function of an endpoint (str) that gives its addresses (list of ipaddress objects)
    :returns: Survey
    """
    return _Surveyor(facts, endpoints, remove_networks, resolve).survey()


class _Surveyor:
    """One look through the facts."""

    def __init__(self, facts, endpoints, remove_networks, resolve):
        self._facts = facts
        self._endpoints = endpoints
        self._remove_networks = remove_networks
        self._resolve = resolve
        self._addresses = None
        self._flags, self._networks, self._edits, self._problems = [], [], [], []
        self._generated = False

    def survey(self):
        texts = self._facts.texts
        for path in dict.fromkeys(self._facts.environment_files):
            self._environment_file(path, texts.get(path, b""))
        for path in self._facts.unit.unit_files:
            self._unit_file(path, texts.get(path, b""))
        self._daemon_json(self._facts.daemon_json, texts.get(self._facts.daemon_json, b""))
        for path in sorted(path for path in texts if is_registries_conf(path)):
            self._registries_conf(path, texts[path])
        self._arguments_to_come()
        running = [flag.value for flag in flags.find(self._facts.arguments)]
        stale = [value for value in running if self._unwanted(value)]
        by_flag = [flags.names(value) for value in running]
        # Also what daemon.json does not say any more: a run that was killed before the reload has left it so.
        loaded = [value for value in self._facts.engine if value not in by_flag and self._unwanted(value)]
        values = [*running, *self._facts.engine]
        covered = [endpoint for endpoint in self._endpoints if any(self._covers(value, endpoint) for value in values)]
        seen = (self._flags, self._networks, self._edits, self._problems)
        return Survey(*seen, stale, loaded, covered, self._generated, self._facts.daemon_json)

    def _environment_file(self, path, raw):
        """Note the flags of one file, and what it is without those that go."""
        try:
            edit = envedit.edit(raw, self._unwanted, sysconfig.dialects_for(self._facts.version))
        except EnvFileError as exc:
            if flags.FLAG in raw:
                self._problems.append("{}: {}".format(path, exc))
            return
        for found in edit.removed + edit.kept:
            self._note(path, found.line, found.variable, found.value)
        if edit.removed and path == registriesconf.GENERATED and self._facts.generates:
            self._generated = True
            return
        if edit.removed and path.startswith("/run/"):
            self._problems.append(
                "{}: line {}: --insecure-registry {} stands in a file that is made anew at every start; take it out of "
                "what that is made from (/etc/containers/registries.conf)".format(
                    path, edit.removed[0].line, edit.removed[0].value
                )
            )
            return
        self._refuse_whole(path, edit.removed)
        if edit.text != raw:
            self._edits.append(Change(path, raw, edit.text))

    def _refuse_whole(self, path, removed):
        """A variable that is one argument would be an empty one without its flag, and dockerd would not start."""
        whole = [name for name, splits in systemd.exec_variables(self._facts.unit.exec_text) if not splits]
        for found in removed:
            if found.variable in whole:
                self._problems.append(
                    "{}: line {}: ${{{}}} is one argument in ExecStart= of docker.service, so a flag cannot be taken "
                    "out of it; write ${} there".format(path, found.line, found.variable, found.variable)
                )

    def _unit_file(self, path, raw):
        """Note the flags of a unit file or drop-in, and what it is without those that go, where it is the site's."""
        try:
            edit = unitedit.edit(raw, self._unwanted, unitfile.dialects_for(self._facts.version))
        except EnvFileError as exc:
            if flags.FLAG in raw:
                self._problems.append("{}: {}".format(path, exc))
            return
        ours = is_ours_to_edit(path)
        for found in edit.removed + edit.kept:
            if ours or found in edit.kept or self._takes_effect(found.value):
                self._note(path, found.line, found.variable, found.value)
        if edit.removed and ours:
            self._refuse_whole(path, edit.removed)
            self._edits.append(Change(path, raw, edit.text))
        elif edit.removed:
            self._packaged(path, edit)

    def _packaged(self, path, edit):
        """Say what to do about a file that a package or a generator owns, and would make again."""
        for found in (found for found in edit.removed if self._takes_effect(found.value)):
            key = unitedit.EXEC if found.variable == unitedit.EXEC else unitedit.ENVIRONMENT
            entries = [entry for entry in unitfile.parse(edit.text) if (entry.section, entry.key) == ("Service", key)]
            lines = ["{}={}".format(key, " ".join(entry.value.decode("utf-8").split())) for entry in entries]
            self._problems.append(
                "{}: line {}: --insecure-registry {} stands in a unit file that is not the administrator's, so it is "
                "not edited; write {}/10-okd-registry.conf with the lines {}, run systemctl daemon-reload, and run "
                "again".format(path, found.line, found.value, _DROP_INS, ", ".join(["[Service]", key + "=", *lines]))
            )

    def _takes_effect(self, value):
        """Say whether a flag reaches dockerd as the files are: a drop-in may have put another line over it."""
        return value in [flag.value for flag in flags.find(self._arguments(self._facts.texts))]

    def _arguments(self, texts):
        """Give dockerd's arguments at its next start, with these texts."""
        facts = self._facts
        paths = [path for path in facts.environment_files if not (self._generated and path == registriesconf.GENERATED)]
        return start_arguments(facts.unit, paths, texts)

    def _arguments_to_come(self):
        """Note what would still be there after all edits, such as a flag whose value another variable gives."""
        if self._problems:
            return
        after = dict(self._facts.texts, **{change.path: change.after for change in self._edits})
        for flag in flags.find(self._arguments(after)):
            if self._unwanted(flag.value):
                self._problems.append(
                    "docker.service: ExecStart= makes --insecure-registry {} of parts that stand in different places, "
                    "so it cannot be taken out; write flag and value together, and run again".format(flag.value)
                )

    def _registries_conf(self, path, raw):
        """Note what a registries.conf calls insecure, and what it is without what goes."""
        try:
            edit = registriesconf.edit(raw, self._unwanted)
        except EnvFileError as exc:
            if any(endpoint.encode("utf-8") in raw for endpoint in self._endpoints):
                self._problems.append("{}: {}".format(path, exc))
            return
        for entry in edit.removed + edit.kept:
            self._note(path, entry.line, entry.variable, entry.value, entry.name)
        if edit.removed:
            self._edits.append(Change(path, raw, edit.text))

    def _daemon_json(self, path, raw):
        """Note the entries of daemon.json, and what it is without those that go."""
        try:
            edit = daemonjson.edit(raw, self._unwanted)
        except EnvFileError as exc:
            if daemonjson.KEY.encode("ascii") in raw:
                self._problems.append("{}: {}".format(path, exc))
            return
        for entry in edit.removed + edit.kept:
            self._note(path, entry.line, daemonjson.KEY, entry.value)
        if edit.removed and path.startswith("/run/"):
            self._problems.append(
                "{}: line {}: {} stands in a file that is made anew at every start; take it out of what that is made "
                "from".format(path, edit.removed[0].line, edit.removed[0].value)
            )
        elif edit.removed:
            self._edits.append(Change(path, raw, edit.text))

    def _note(self, path, line, variable, value, name=None):
        """Record a flag that concerns us; name: what the value stands for, if that is not plain."""
        where = {"file": path, "line": line, "variable": variable, "value": value}
        name = name or value
        if flags.names(name) in self._endpoints:
            self._flags.append(where)
        elif self._covered(name):
            self._networks.append(dict(where, endpoints=self._covered(name)))

    def _unwanted(self, value):
        return flags.names(value) in self._endpoints or (self._remove_networks and bool(self._covered(value)))

    def _covers(self, value, endpoint):
        return flags.names(value) == endpoint or endpoint in self._covered(value)

    def _covered(self, value):
        """Give the endpoints that a network covers; names are resolved only once there is a network at all."""
        if value.startswith("*."):  # of registries.conf
            return [endpoint for endpoint in self._endpoints if registriesconf.covers(value, endpoint)]
        wanted = flags.network(value)
        if wanted is None or wanted in _LOOPBACK:
            return []
        if self._addresses is None:
            self._addresses = {endpoint: self._resolve(endpoint) for endpoint in self._endpoints}
        return flags.covered_by(value, self._addresses)
