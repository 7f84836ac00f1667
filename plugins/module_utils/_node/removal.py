# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take insecure flags away, restart docker where it runs with one, and put all back where it does not come up."""

import time

from . import proof, runtime
from .difference import difference
from .errors import EngineError, RestartError, VerifyError
from .files import sha256
from .manifest import Change


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
        return bool(survey.edits) or self._must_restart(survey, unit) or self._records.unfinished_restart() is not None

    def predict(self, survey, unit):
        """Write what would be done into the result."""
        self._report(survey, self._must_restart(survey, unit))
        self._result["restarted"] = self._must_restart(survey, unit)

    def run(self, prove):
        """Do it; the lock is held.

        :param prove: proof.Proof, or None where nothing is to be asked
        :raises RestartError: docker did not come back as it must, and its files are as they were
        :raises VerifyError: docker is well, but the registry does not answer
        """
        survey, unit = self._look()
        restart = self._must_restart(survey, unit)
        self._report(survey, restart)
        self._records.begin_restart(self._changes(survey.edits))
        for change in survey.edits:
            self._tree.replace(change.path, change.after)
        if restart:
            self._restart(unit, prove)
        self._records.end_restart()

    def _must_restart(self, survey, unit):
        # A run that was killed while docker was down has left it so: docker is brought up again.
        left_down = unit.exists and not unit.active and self._records.unfinished_restart() is not None
        return bool(survey.stale) or left_down

    def _report(self, survey, restart):
        result = self._result
        gone = survey.flags + (survey.networks if self._request.insecure_networks == "remove" else [])
        result["diff"] += [difference(change.path, change.before, change.after) for change in survey.edits]
        result["actions"] += [
            "Take --insecure-registry {value} out of {variable} in {file}".format(**found) for found in gone
        ]
        if restart:
            result["actions"].append("Restart docker, which does not run as its files now say")
        elif survey.edits:
            result["actions"].append("No restart: docker does not run here, or not with this flag")
        result["changed"] = result["changed"] or bool(survey.edits) or restart

    def _changes(self, edits):
        """Say what to put back if docker does not come up: what a killed run recorded, and what changes now."""
        changes = {change.path: change for change in edits}
        for path, before, after in self._records.unfinished_restart() or []:
            now = self._tree.read(path)
            if now is not None and (now == before or sha256(now) == after):
                changes[path] = Change(path, before, changes[path].after if path in changes else now)
        return list(changes.values())

    def _restart(self, unit, prove):
        control = runtime.Runtime(self._systemd, self._engine, self._request.restart_timeout, self._clock)
        before = control.containers()
        try:
            self.warnings += control.restart(unit, before)
            self._result["restarted"] = True
            self._prove(prove)
        except (RestartError, EngineError) as exc:
            self._put_back(control, unit, before, exc)

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

    def _put_back(self, control, unit, before, cause):
        """Give files their old content, restart docker on it, and fail.

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
        text = "{}. ".format(cause)
        if changed_since:
            text += "Somebody has changed {} meanwhile, which is left so. ".format(", ".join(changed_since))
        try:
            control.restart(unit, before)
        except (RestartError, EngineError) as exc:
            text += "The files are as they were, but docker does not come up on them either: {}.".format(exc)
        else:
            self._records.end_restart()
            text += "The files are as they were before, and docker runs on them again."
        if journal:
            text += "\nThe journal of docker.service ended, before that:\n{}".format(journal)
        raise RestartError(text) from cause
