# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take insecure flags away, and have docker take notice; put all back where it does not do well without.

A flag that docker was started with needs a restart; an entry of daemon.json only a reload.
"""

import time

from . import insecure, proof, registriesconf, runtime
from .difference import difference
from .errors import EngineError, RestartError, VerifyError
from .files import sha256
from .manifest import Change
from .systemd import CRIO, REGISTRIES

_RELOAD_WAIT = 15.0  # seconds


class Removal:
    """What follows once trust is proven.

    :param request: trust.Request
    :param look: function that gives (insecure.Survey, systemd.Unit) as things are now, or refuses
    :param result: the module's result (dict), which is written to
    """

    def __init__(self, request, tree, records, systemd, engine, look, result, clock=time):
        self._request = request
        self._tree = tree
        self._records = records
        self._systemd = systemd
        self._engine = engine
        self._look = look
        self._result = result
        self._clock = clock
        self.warnings = []

    def needed(self, survey, unit):
        """Say whether there is anything to do, or to be finished."""
        if self.waits(survey, unit):
            return False
        return (
            self._must_restart(survey, unit)
            or bool(survey.edits or survey.loaded)
            or self._makes_anew(survey, unit)
            or self._records.unfinished_restart() is not None
        )

    def waits(self, survey, unit):
        """Say whether all of it is left for a call that may restart docker, or that is to fail on what it cannot do."""
        return not self._request.restart and (bool(survey.problems) or self._must_restart(survey, unit))

    def predict(self, survey, unit):
        """Write what would be done into the result."""
        self._report(survey, unit)
        self._result["restarted"] = self._must_restart(survey, unit)

    def run(self, prove):
        """Do it; the lock is held.

        :param prove: proof.Proof, or None where nothing is to be asked
        :raises RestartError: docker did not come back as it must, and its files are as they were
        :raises VerifyError: docker is well, but the registry does not answer
        """
        survey, unit = self._look()
        self._report(survey, unit)
        restart = self._must_restart(survey, unit)
        changes = self._changes(survey.edits)
        self._records.begin_restart(changes)
        for change in survey.edits:
            self._tree.replace(change.path, change.after)
        self._read_units_anew(change.path for change in changes)
        first = [REGISTRIES] if self._makes_anew(survey, unit) else []
        if restart:
            self._restart(unit, prove, first)
        elif survey.loaded:
            self._reload(prove)
        elif first:
            self._warn("systemctl restart " + REGISTRIES, self._systemd.regenerate())
        if self._reloads_crio(change.path for change in changes):
            self._warn("systemctl reload " + CRIO, self._systemd.reload(CRIO))
        self._records.end_restart()

    def _read_units_anew(self, paths):
        if any(insecure.is_ours_to_edit(path) for path in paths):
            self._warn("systemctl daemon-reload", self._systemd.daemon_reload())

    def _reloads_crio(self, paths):
        return any(insecure.is_registries_conf(path) for path in paths) and self._systemd.is_active(CRIO)

    def _warn(self, command, said):
        if said:
            self.warnings.append("{} failed: {}".format(command, said))

    def _makes_anew(self, survey, unit):
        """Say whether registries.service is to run; while docker runs without the flag, its next start sees to that."""
        return survey.generated and (bool(survey.stale) or not unit.active)

    def _must_restart(self, survey, unit):
        # A run that was killed while docker was down has left it so: docker is brought up again.
        left_down = unit.exists and not unit.active and self._records.unfinished_restart() is not None
        return bool(survey.stale) or left_down

    def _report(self, survey, unit):
        result, restart = self._result, self._must_restart(survey, unit)
        changed = [change.path for change in survey.edits]
        anew = [registriesconf.GENERATED] if self._makes_anew(survey, unit) else []
        found = survey.flags + (survey.networks if self._request.insecure_networks == "remove" else [])
        gone = [each for each in found if each["file"] in changed + anew]
        result["diff"] += [difference(change.path, change.before, change.after) for change in survey.edits]
        result["actions"] += [_sentence(each) for each in gone]
        if any(insecure.is_ours_to_edit(path) for path in changed):
            result["actions"].append("Have systemd read its unit files anew")
        if anew:
            result["actions"].append("Have {} make {} anew".format(REGISTRIES, anew[0]))
        if self._reloads_crio(changed):
            result["actions"].append("Reload CRI-O, which reads registries.conf anew then")
        if restart:
            result["actions"].append("Restart docker, which does not run as its files now say")
        elif survey.loaded:
            result["actions"].append("Reload docker, which reads {} anew then".format(insecure.DAEMON_JSON))
        elif not all(insecure.is_registries_conf(path) for path in changed):
            result["actions"].append("No restart: docker does not run here, or not with this flag")
        result["changed"] = result["changed"] or bool(survey.edits or survey.loaded or anew) or restart

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
            self._prove(prove)
        except (RestartError, EngineError) as exc:
            self._put_back("restart", lambda: control.restart(unit, before, first), exc)

    def _reload(self, prove):
        try:
            self._reload_once()
            self._prove(prove)
        except (RestartError, EngineError) as exc:
            self._put_back("reload", self._signal, exc)

    def _reload_once(self):
        """Reload docker and wait until it has taken notice; systemd does not know when that is."""
        deadline = self._clock.monotonic() + _RELOAD_WAIT
        self._signal()
        while True:
            loaded = self._look()[0].loaded
            if not loaded:
                return
            if self._clock.monotonic() > deadline:
                raise RestartError("docker still does not verify {} after a reload".format(", ".join(loaded)))
            self._clock.sleep(0.2)

    def _signal(self):
        said = self._systemd.reload()
        if said:
            raise RestartError("systemctl reload docker: {}".format(said))

    def _prove(self, prove):
        """Let dockerd, which runs without the flags now, ask every endpoint.

        :raises RestartError: where docker cannot use what this node can reach: the flag goes back
        :raises VerifyError: where the registry does not answer at all: no flag would help
        """
        survey, unit = self._look()
        if survey.stale:
            raise RestartError("docker still runs with --insecure-registry {}".format(", ".join(survey.stale)))
        if prove is None:
            return
        # The registry may run on this very node, and be on its way back.
        self._result["verified"] = prove.reach(self._request.restart_timeout)
        wrong = proof.failures(self._result["verified"])
        if wrong:
            self._records.end_restart()
            raise VerifyError(
                "Docker is up again without the insecure flag, but the registry cannot be reached: {}".format(wrong)
            )
        self._result["verified"] = prove.trust(self._request.timeout, unit.active, survey.covered)
        wrong = proof.failures(self._result["verified"])
        if wrong:
            raise RestartError("docker without the insecure flag cannot use the registry: {}".format(wrong))

    def _put_back(self, what, again, cause):
        """Give files their old content, have docker take notice, and fail.

        :param what: "restart" or "reload", as in the error of this
        :param again: function that does it
        :raises RestartError: always
        """
        journal = self._systemd.journal()
        changed_since = []
        for path, raw, after in self._records.unfinished_restart() or []:
            now = self._tree.read(path)
            if now is not None and sha256(now) == after:
                self._tree.replace(path, raw)
            elif now != raw:
                changed_since.append(path)
        self._read_units_anew(path for path, _raw, _after in self._records.unfinished_restart() or [])
        text = "{}. ".format(cause)
        if changed_since:
            text += "Somebody has changed {} meanwhile, which is left so. ".format(", ".join(changed_since))
        try:
            again()
        except (RestartError, EngineError) as exc:
            text += "The files are as they were, but a {} of docker on them fails too: {}.".format(what, exc)
        else:
            self._records.end_restart()
            text += "The files are as they were before, and docker runs on them again."
        if journal:
            text += "\nThe journal of docker.service ended, before that:\n{}".format(journal)
        raise RestartError(text) from cause


def _sentence(found):
    """Say what is done about one flag."""
    if found["file"] == insecure.DAEMON_JSON or found["variable"] == registriesconf.LIST:
        return "Take {value} out of {variable} in {file}".format(**found)
    if found["variable"] == registriesconf.SWITCH and insecure.is_registries_conf(found["file"]):
        return "Set insecure = false for {value} in {file}, line {line}".format(**found)
    return "Take --insecure-registry {value} out of {variable} in {file}".format(**found)
