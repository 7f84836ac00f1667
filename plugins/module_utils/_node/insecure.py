# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which insecure flags name this registry, where they stand, and whether dockerd runs with one that no file has."""

import ipaddress
import re
from collections import namedtuple

from . import daemonjson, envedit, flags, systemd
from .errors import EnvFileError
from .manifest import Change

DEFAULT_FILES = ("/etc/sysconfig/docker", "/etc/sysconfig/docker-storage", "/etc/sysconfig/docker-network")
DAEMON_JSON = daemonjson.PATH
_LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

# flags: list of dict (file, line, variable, value) that name an endpoint; networks: the same with endpoints;
# edits: list of manifest.Change; problems: sentences, why some flags cannot be taken out; stale: values that dockerd
# runs with and will not after the edits and a restart, if there is no problem; loaded: values that it took from
# daemon.json and gives up at a reload; covered: endpoints that the running dockerd does not verify
Survey = namedtuple("Survey", "flags networks edits problems stale loaded covered")
# What is read on the node. texts: dict of path to bytes (environment files in systemd's order, unit files,
# daemon.json); unit: systemd.Unit; arguments: of the running dockerd; engine: what it says itself that it does not
# verify; dialects: of systemd's environment files
Facts = namedtuple("Facts", "environment_files texts unit arguments engine dialects")


def environment_files(unit, glob):
    """Give the files from which docker gets its environment.

    :param unit: systemd.Unit
    :param glob: function of a pattern that gives the paths, sorted
    """
    if not unit.exists:
        return list(DEFAULT_FILES)
    return [path for pattern in unit.environment_files for path in (glob(pattern) or [pattern])]


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

    def survey(self):
        texts = self._facts.texts
        for path in dict.fromkeys(self._facts.environment_files):
            self._environment_file(path, texts.get(path, b""))
        for path in self._facts.unit.unit_files:
            self._unit_file(path, texts.get(path, b""))
        self._daemon_json(texts.get(DAEMON_JSON, b""))
        running = [flag.value for flag in flags.find(self._facts.arguments)]
        stale = [value for value in running if self._unwanted(value)]
        by_flag = [flags.names(value) for value in running]
        # Also what daemon.json does not say any more: a run that was killed before the reload has left it so.
        loaded = [value for value in self._facts.engine if value not in by_flag and self._unwanted(value)]
        values = [*running, *self._facts.engine]
        covered = [endpoint for endpoint in self._endpoints if any(self._covers(value, endpoint) for value in values)]
        return Survey(self._flags, self._networks, self._edits, self._problems, stale, loaded, covered)

    def _environment_file(self, path, raw):
        """Note the flags of one file, and what it is without those that go."""
        try:
            edit = envedit.edit(raw, self._unwanted, self._facts.dialects)
        except EnvFileError as exc:
            if flags.FLAG in raw:
                self._problems.append("{}: {}".format(path, exc))
            return
        for found in edit.removed + edit.kept:
            self._note(path, found.line, found.variable, found.value)
        if edit.removed and path.startswith("/run/"):
            self._problems.append(
                "{}: line {}: --insecure-registry {} stands in a file that is made anew at every start; take it out of "
                "what that is made from (/etc/containers/registries.conf)".format(
                    path, edit.removed[0].line, edit.removed[0].value
                )
            )
            return
        whole = [name for name, splits in systemd.exec_variables(self._facts.unit.exec_text) if not splits]
        for found in edit.removed:
            if found.variable in whole:
                self._problems.append(
                    "{}: line {}: ${{{}}} is one argument in ExecStart= of docker.service, so a flag cannot be taken "
                    "out of it; write ${} there".format(path, found.line, found.variable, found.variable)
                )
        if edit.text != raw:
            self._edits.append(Change(path, raw, edit.text))

    def _unit_file(self, path, raw):
        """Note the flags that stand in a unit file or drop-in, which are not edited."""
        for number, line in enumerate(raw.split(b"\n"), 1):
            if line.lstrip()[:1] in (b"#", b";"):
                continue
            for match in re.finditer(flags.FLAG + rb"""[= ]\s*["']?([^\s"']+)""", line):
                value = match.group(1).decode("utf-8", "replace")
                if self._note(path, number, line.partition(b"=")[0].decode("utf-8", "replace").strip(), value):
                    self._problems.append(
                        "{}: line {}: --insecure-registry {} stands in a unit file, which is not edited here; take it "
                        "out, run systemctl daemon-reload, and run again".format(path, number, value)
                    )

    def _daemon_json(self, raw):
        """Note the entries of daemon.json, and what it is without those that go."""
        try:
            edit = daemonjson.edit(raw, self._unwanted)
        except EnvFileError as exc:
            if daemonjson.KEY.encode("ascii") in raw:
                self._problems.append("{}: {}".format(DAEMON_JSON, exc))
            return
        for entry in edit.removed + edit.kept:
            self._note(DAEMON_JSON, entry.line, daemonjson.KEY, entry.value)
        if edit.removed:
            self._edits.append(Change(DAEMON_JSON, raw, edit.text))

    def _note(self, path, line, variable, value):
        """Record a flag that concerns us; say whether it is to go."""
        where = {"file": path, "line": line, "variable": variable, "value": value}
        if flags.names(value) in self._endpoints:
            self._flags.append(where)
        elif self._covered(value):
            self._networks.append(dict(where, endpoints=self._covered(value)))
        return self._unwanted(value)

    def _unwanted(self, value):
        return flags.names(value) in self._endpoints or (self._remove_networks and bool(self._covered(value)))

    def _covers(self, value, endpoint):
        return flags.names(value) == endpoint or endpoint in self._covered(value)

    def _covered(self, value):
        """Give the endpoints that a network covers; names are resolved only once there is a network at all."""
        wanted = flags.network(value)
        if wanted is None or wanted in _LOOPBACK:
            return []
        if self._addresses is None:
            self._addresses = {endpoint: self._resolve(endpoint) for endpoint in self._endpoints}
        return flags.covered_by(value, self._addresses)
