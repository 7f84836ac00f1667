# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change files that engines read, and have the engines take notice; put all back where docker does not do well so.

A flag that docker was started with needs a restart; an entry of daemon.json only a reload. Before that, unit files are
read anew, and CRI-O reads registries.conf anew.
"""

import time
from collections import namedtuple

from . import insecure, runtime
from .errors import ContainersError, EngineError, RestartError
from .files import sha256
from .manifest import Change
from .systemd import CRIO, REGISTRIES

_RELOAD_WAIT = 15.0  # seconds

# What docker must do to notice. restart, reload, generate (have registries.service make its flags anew): bool
Need = namedtuple("Need", "restart reload generate")


class Switch:
    """The one writer of files that engines read, apart from those in certs.d.

    :param request: trust.Request
    :param result: the module's result (dict), which is told of a restart
    :ivar warnings: sentences
    """

    def __init__(self, request, tree, records, systemd, engine, result, clock=time):
        self._request = request
        self._tree = tree
        self._records = records
        self._systemd = systemd
        self._engine = engine
        self._result = result
        self._clock = clock
        self.warnings = []

    def run(self, edits, need, unit, pending, prove, daemon_json):
        """Do it; the lock is held.

        :param edits: list of manifest.Change
        :param need: Need
        :param unit: systemd.Unit, as it was before
        :param pending: function that gives the entries (list of str) which a reload has not brought yet
        :param prove: function that raises RestartError or EngineError where docker is not as it must be
        :param daemon_json: path of the file that docker reads at a reload
        :raises RestartError: docker did not come back as it must, and its files are as they were
        """
        changes = self._changes(edits)
        paths = [change.path for change in changes]
        self._records.begin_restart(changes)
        for change in edits:
            self._tree.replace(change.path, change.after)
        self._read_units_anew(paths)
        self._tell_crio(paths)  # before docker, after which the run may end without an answer from the registry
        if need.restart:
            self._restart(unit, prove, [REGISTRIES] if need.generate else [])
        elif need.reload:
            self._reload(pending, prove, daemon_json)
        elif need.generate:
            self._warn("systemctl restart " + REGISTRIES, self._systemd.regenerate())
        self._records.end_restart()

    def reloads_crio(self, paths):
        """Say whether a change of these files is for CRI-O to notice."""
        return any(insecure.is_registries_conf(path) for path in paths) and self._systemd.is_active(CRIO)

    def _read_units_anew(self, paths):
        if any(insecure.is_ours_to_edit(path) for path in paths):
            self._warn("systemctl daemon-reload", self._systemd.daemon_reload())

    def _tell_crio(self, paths):
        if self.reloads_crio(paths):
            self._warn("systemctl reload " + CRIO, self._systemd.reload(CRIO))

    def _warn(self, command, said):
        if said:
            self.warnings.append("{} failed: {}".format(command, said))

    def _changes(self, edits):
        """Say what to put back if docker does not come up: what a killed run recorded, and what changes now."""
        changes = {change.path: change for change in edits}
        for path, before, after in self._records.unfinished_restart() or []:
            now = self._tree.read(path)
            if now is not None and (now == before or sha256(now) == after):
                changes[path] = Change(path, before, changes[path].after if path in changes else now)
        return list(changes.values())

    def _restart(self, unit, prove, first):
        control = runtime.Runtime(self._systemd, self._engine, self._request.restart_timeout, self._clock)
        before = control.containers()
        try:
            self.warnings += control.restart(unit, before, first)
            self._result["restarted"] = True
            prove()
        except (RestartError, EngineError) as exc:
            self._put_back("restart", lambda: control.restart(unit, before, first), exc)

    def _reload(self, pending, prove, daemon_json):
        try:
            self._reload_once(pending, daemon_json)
            prove()
        except (RestartError, EngineError) as exc:
            self._put_back("reload", self._signal, exc)

    def _reload_once(self, pending, daemon_json):
        """Reload docker and wait until it has taken notice; systemd does not know when that is."""
        deadline = self._clock.monotonic() + _RELOAD_WAIT
        self._signal()
        while True:
            left = pending()
            if not left:
                return
            if self._clock.monotonic() > deadline:
                raise RestartError(
                    "docker has not taken notice of {} {:g} s after a reload, at which it reads {}".format(
                        ", ".join(left), _RELOAD_WAIT, daemon_json
                    )
                )
            self._clock.sleep(0.2)

    def _signal(self):
        said = self._systemd.reload()
        if said:
            raise RestartError("systemctl reload docker: {}".format(said))

    def _put_back(self, what, again, cause):
        """Give files their old content, have docker take notice, and fail.

        :param what: "restart" or "reload", as in the error of this
        :param again: function that does it
        :raises RestartError: always
        """
        journal = self._systemd.journal()
        changed_since = []
        recorded = self._records.unfinished_restart() or []
        for path, raw, after in recorded:
            now = self._tree.read(path)
            if now is not None and sha256(now) == after:
                self._tree.replace(path, raw)
            elif now != raw:
                changed_since.append(path)
        paths = [path for path, _raw, _after in recorded]
        self._read_units_anew(paths)
        self._tell_crio(paths)
        text = "{}. ".format(cause)
        if changed_since:
            text += "Somebody has changed {} meanwhile, which is left so. ".format(", ".join(changed_since))
        try:
            again()
        except ContainersError as exc:
            self._records.end_restart()
            text += "The files are as they were before, and docker runs on them again, but {}.".format(exc)
        except (RestartError, EngineError) as exc:
            self._result["unhealthy"] = True
            text += "The files are as they were, but a {} of docker on them fails too: {}.".format(what, exc)
        else:
            self._records.end_restart()
            text += "The files are as they were before, and docker runs on them again."
        if journal:
            text += "\nThe journal of docker.service ended, before that:\n{}".format(journal)
        raise RestartError(text) from cause
