# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put flags back that this collection took away: a node is to trust the registry no more, or did not do well so."""

import time
from collections import namedtuple

from . import daemonjson, flags, insecure, putback, registriesconf
from .difference import difference
from .errors import EnvFileError, RestartError
from .manifest import Change
from .switch import Need, Switch
from .systemd import REGISTRIES

# edits: list of manifest.Change; back: list of flags (dict) that are put back; pending: values that daemon.json has and
# docker has not taken over; missing: values that dockerd's arguments will have and have not; daemon_json: its path
_Plan = namedtuple("_Plan", "edits back pending missing need daemon_json")


class Restore:
    """What state=absent does before it removes files, and all that state=insecure does.

    :param request: trust.Request
    :param look: function that gives insecure.Facts as things are now
    :param result: the module's result (dict), which is written to
    :param only: flags (list of dict) to put back, as far as they are on record; all that are on record where it is None
    :ivar warnings: sentences
    """

    def __init__(self, request, tree, records, systemd, engine, look, result, clock=time, *, only=None):
        self._request = request
        self._records = records
        self._look = look
        self._result = result
        self._only = only
        self._switch = Switch(request, tree, records, systemd, engine, result, clock)
        self._notes = []

    @property
    def warnings(self):
        """Sentences for the user."""
        return self._notes + self._switch.warnings

    def plan(self):
        """Say what would be done, and write it into the result.

        :returns: whether there is anything to do, or to be finished; where docker must be restarted for it and may not
            be, the result only says so (restart_needed), since that is left for a call that may
        """
        facts = self._look()
        plan = self._plan(facts)
        if plan.need.restart and not self._request.restart:
            self._result["restart_needed"] = True
            return False
        self._report(plan)
        return (
            bool(plan.edits)
            or any(plan.need)
            or (bool(self._recorded()) and self._records.unfinished_restart() is not None)
        )

    def run(self):
        """Do it; the lock is held.

        :raises RestartError: docker did not come up with the flags, and its files are as they were
        """
        facts = self._look()
        plan = self._plan(facts)
        self._switch.run(plan.edits, plan.need, facts.unit, self._pending, self._prove, plan.daemon_json)
        self._records.forget(self._recorded())

    def _recorded(self):
        """List the flags to put back. What is not on record was not taken away here, and is made insecure by nobody."""
        recorded = self._records.removed()
        return recorded if self._only is None else [flag for flag in recorded if flag in self._only]

    def _pending(self):
        return self._plan(self._look()).pending

    def _prove(self):
        missing = self._plan(self._look()).missing
        if missing:
            raise RestartError("docker runs without --insecure-registry {}".format(", ".join(missing)))

    def _plan(self, facts):
        unit = facts.unit
        texts = dict(facts.texts)
        back = []
        self._notes = []
        recorded = self._recorded()
        for flag in recorded:
            raw = texts.get(flag["file"])
            if raw is None:
                self._notes.append("{file} is not there any more, so {value} was not put back".format(**flag))
                continue
            try:
                texts[flag["file"]] = putback.insert(raw, flag, facts.version)
            except EnvFileError as exc:
                self._notes.append("{}: {}: {}".format(flag["file"], flag["value"], exc))
                continue
            if texts[flag["file"]] is not raw:
                back.append(flag)
        edits = [Change(path, raw, texts[path]) for path, raw in sorted(facts.texts.items()) if texts[path] is not raw]
        values = [flag["value"] for flag in recorded]
        pending = self._in_daemon_json(recorded, values, facts) if unit.active else []
        missing = self._missing(values, facts, texts) if unit.active else []
        generate = facts.generates and any(flag["file"] == registriesconf.PATH for flag in back)
        left_down = unit.exists and not unit.active and self._records.unfinished_restart() is not None
        restart = bool(missing) or left_down or (generate and unit.active)
        return _Plan(edits, back, pending, missing, Need(restart, bool(pending), generate), facts.daemon_json)

    @staticmethod
    def _in_daemon_json(recorded, values, facts):
        """List the entries of daemon.json that docker does not hold for insecure yet."""
        entries = [flag["value"] for flag in recorded if flag["variable"] == daemonjson.KEY and flag["value"] in values]
        held = [flags.names(value) for value in facts.engine]
        return [value for value in entries if flags.names(value) not in held]

    @staticmethod
    def _missing(values, facts, texts):
        """List what dockerd's next start will have among its arguments, and this one has not."""
        start = insecure.start_arguments(facts.unit, facts.environment_files, texts)
        coming = [flag.value for flag in flags.find(start)]
        running = [flag.value for flag in flags.find(facts.arguments)]
        return [value for value in dict.fromkeys(values) if value in coming and value not in running]

    def _report(self, plan):
        result = self._result
        result["diff"] += [difference(change.path, change.before, change.after) for change in plan.edits]
        result["actions"] += ["Put {value} back into {variable} in {file}".format(**flag) for flag in plan.back]
        if any(insecure.is_ours_to_edit(change.path) for change in plan.edits):
            result["actions"].append("Have systemd read its unit files anew")
        if plan.need.generate:
            result["actions"].append("Have {} make {} anew".format(REGISTRIES, registriesconf.GENERATED))
        if self._switch.reloads_crio([change.path for change in plan.edits]):
            result["actions"].append("Reload CRI-O, which reads registries.conf anew then")
        if plan.need.restart:
            result["actions"].append("Restart docker, which does not run as its files now say")
        elif plan.need.reload:
            result["actions"].append("Reload docker, which reads {} anew then".format(plan.daemon_json))
        result["restarted"] = plan.need.restart and self._request.check_mode
        result["changed"] = result["changed"] or bool(plan.edits) or any(plan.need)
