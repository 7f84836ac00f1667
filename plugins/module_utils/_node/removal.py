# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take insecure flags away, and prove that docker does well without; what was taken away is on record before it is."""

import time

from . import daemonjson, insecure, proof, putback, registriesconf
from .difference import difference
from .errors import EnvFileError, RestartError, VerifyError
from .switch import Need, Switch
from .systemd import REGISTRIES


class Removal:
    """What follows once trust is proven.

    :param request: trust.Request
    :param look: function that gives (insecure.Survey, systemd.Unit) as things are now, or refuses
    :param result: the module's result (dict), which is written to
    """

    def __init__(self, request, tree, records, systemd, engine, look, result, clock=time):
        self._request = request
        self._records = records
        self._look = look
        self._result = result
        self._switch = Switch(request, tree, records, systemd, engine, result, clock)

    @property
    def warnings(self):
        """Sentences for the user."""
        return self._switch.warnings

    def needed(self, survey, unit):
        """Say whether there is anything to do, or to be finished."""
        if self.waits(survey, unit):
            return False
        need = self._need(survey, unit)
        return any(need) or bool(survey.edits) or self._records.unfinished_restart() is not None

    def waits(self, survey, unit):
        """Say whether all of it is left for a call that may restart docker, or that is to fail on what it cannot do."""
        return not self._request.restart and (bool(survey.problems) or self._need(survey, unit).restart)

    def predict(self, survey, unit):
        """Write what would be done into the result."""
        need = self._need(survey, unit)
        self._report(survey, need)
        self._result["restarted"] = need.restart
        self._result["taken"] = self._taken(self._records.recorded(self._on_record(survey)))

    def run(self, prove):
        """Do it; the lock is held.

        :param prove: proof.Proof, or None where nothing is to be asked
        :raises RestartError: docker did not come back as it must, and its files are as they were
        :raises VerifyError: docker is well, but the registry does not answer
        """
        survey, unit = self._look()
        need = self._need(survey, unit)
        self._report(survey, need)
        taken = self._records.remember(self._on_record(survey))
        self._result["taken"] = self._taken(taken)
        try:
            self._switch.run(
                survey.edits, need, unit, lambda: self._look()[0].loaded, lambda: self._prove(prove), survey.daemon_json
            )
        except RestartError:
            self._records.forget(taken)  # they are where they were
            self._result["taken"] = []
            raise

    def _on_record(self, survey):
        """List the flags that go and can be put back one day."""
        return [flag for flag in self._gone(survey) if flag["file"] != registriesconf.GENERATED]

    def _taken(self, flags):
        """List the flags that are out when this call is done: those given, and those of a killed run."""
        return flags + [flag for flag in self._interrupted() if flag not in flags]

    def _interrupted(self):
        """List the flags that a killed run took away for the restart which is finished here."""
        before = {path: raw for path, raw, _after in self._records.unfinished_restart() or []}
        known = [flag for flag in self._records.removed() if flag["file"] in before]
        return [flag for flag in known if _holds(before[flag["file"]], flag)]

    def _need(self, survey, unit):
        """Say what docker must do (switch.Need)."""
        # A run that was killed while docker was down has left it so: docker is brought up again.
        left_down = unit.exists and not unit.active and self._records.unfinished_restart() is not None
        restart = bool(survey.stale) or left_down
        # While docker runs without the flag, its next start sees to that.
        return Need(restart, bool(survey.loaded), survey.generated and (restart or not unit.active))

    def _gone(self, survey):
        """List the flags that go."""
        found = survey.flags + (survey.networks if self._request.insecure_networks == "remove" else [])
        edited = [change.path for change in survey.edits]
        return [flag for flag in found if flag["file"] in edited or flag["file"] == registriesconf.GENERATED]

    def _report(self, survey, need):
        result = self._result
        edited = [change.path for change in survey.edits]
        result["diff"] += [difference(change.path, change.before, change.after) for change in survey.edits]
        gone = [flag for flag in self._gone(survey) if flag["file"] in edited or need.generate]
        result["actions"] += [_sentence(flag) for flag in gone]
        if any(insecure.is_ours_to_edit(path) for path in edited):
            result["actions"].append("Have systemd read its unit files anew")
        if need.generate:
            result["actions"].append("Have {} make {} anew".format(REGISTRIES, registriesconf.GENERATED))
        if self._switch.reloads_crio(edited):
            result["actions"].append("Reload CRI-O, which reads registries.conf anew then")
        if need.restart:
            result["actions"].append("Restart docker, which does not run as its files now say")
        elif need.reload:
            result["actions"].append("Reload docker, which reads {} anew then".format(survey.daemon_json))
        elif not all(insecure.is_registries_conf(path) for path in edited):
            result["actions"].append("No restart: docker does not run here, or not with this flag")
        result["changed"] = result["changed"] or bool(survey.edits) or any(need)

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


def _holds(raw, flag):
    try:
        return putback.insert(raw, flag, None) is raw
    except EnvFileError:
        return False


def _sentence(flag):
    """Say what is done about one flag."""
    if flag["variable"] in (daemonjson.KEY, registriesconf.LIST):
        return "Take {value} out of {variable} in {file}".format(**flag)
    if flag["variable"] == registriesconf.SWITCH and insecure.is_registries_conf(flag["file"]):
        return "Set insecure = false for {value} in {file}, line {line}".format(**flag)
    return "Take --insecure-registry {value} out of {variable} in {file}".format(**flag)
