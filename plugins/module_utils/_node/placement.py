# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the files of one registry on a node to what is wanted: recorded first, then written."""

from . import anchors, trust_plan
from .difference import ca_difference, secret_difference
from .errors import RefusedError
from .manifest import LOCK

_LOCK_TIMEOUT = 300.0  # seconds
_SHOWN = {"write": "Write", "remove": "Remove"}  # directories come and go with their files


class Placement:
    """The files of one registry.

    :param request: trust.Request
    :param tree: files.Tree
    :param records: manifest.Records
    :param store: anchors.Anchors
    :param result: the module's result (dict), which is written to
    :param within: see trust_plan.present()
    """

    def __init__(self, request, tree, records, store, result, within=trust_plan.everywhere):
        self._request = request
        self._tree = tree
        self._records = records
        self._store = store
        self._result = result
        self._within = within

    def converge(self, wanted, places, unknown=False):
        """Do it, or only predict it.

        :param wanted: list of trust_plan.Wanted; None where nothing of ours is to be left
        :param places: list of trust_plan.Place
        :param unknown: whether some names are only known after apply
        :raises RefusedError: where something is in the way
        """
        manifest, plan, stale = self._plan(wanted, places, unknown)
        if self._request.check_mode or (_is_nothing(plan, manifest) and not stale):
            return
        self._records.make_directory()
        with self._tree.lock(LOCK, _LOCK_TIMEOUT):
            # again: another run may have been here meanwhile
            manifest, plan, stale = self._plan(wanted, places, unknown)
            if plan.intent != manifest:
                self._records.make_directory()
                self._records.save(plan.intent)
            # After the intent: at every moment one of the two records says whose these files are.
            if plan.sibling is not None:
                self._records.save_sibling(plan.sibling)
            for step in plan.steps:
                self._apply(step)
            if stale:
                self._store.refresh(_anchors(wanted), _gone(manifest, plan))
            if plan.final != plan.intent:
                self._records.save(plan.final)
            if wanted is None:
                self._records.tidy()

    def _plan(self, wanted, places, unknown):
        """Give (manifest, plan, whether the system's store is to be made anew); write them into the result."""
        request = self._request
        look = self._tree.look
        manifest, others = self._records.load(), self._records.others()
        if wanted is None:
            plan = trust_plan.absent(look, manifest, others, self._within)
        else:
            plan = trust_plan.present(wanted, places, look, manifest, others, request.owner, self._within)
            if unknown:
                # What is not known yet may turn out to be a name that is recorded: nothing is predicted to go.
                steps = [step for step in plan.steps if step.kind not in ("remove", "rmdir")]
                plan = plan._replace(steps=steps, notes=[])
        if plan.problems:
            raise RefusedError("; ".join(plan.problems))
        stale = self._is_stale(wanted, manifest, plan)
        if request.placed and request.check_mode:  # an earlier task has said so
            plan, stale = plan._replace(steps=[], notes=[]), False
        shown = [step for step in plan.steps if step.kind in _SHOWN]
        actions = ["{} {}: {}".format(_SHOWN[step.kind], step.path, step.why) for step in shown] + plan.notes
        if stale:
            actions.append("Make the system's store of CAs anew")
        self._result.update(
            files=sorted(plan.final.files),
            actions=actions,
            diff=[_difference(step) for step in shown],
            changed=bool(plan.steps or plan.notes or stale),
        )
        return manifest, plan, stale

    def _is_stale(self, wanted, manifest, plan):
        """Say whether the store is not, or will not be, what the files say: also where a killed run left it so."""
        if any(anchors.is_anchor(step.path) for step in plan.steps if step.kind in _SHOWN):
            return True
        return bool(_gone(manifest, plan)) or self._store.missing(_anchors(wanted))

    def _apply(self, step):
        if step.kind == "mkdir":
            self._tree.make_directory(step.path)
        elif step.kind == "write":
            self._tree.write(step.path, step.after, step.mode)
        elif step.kind == "remove":
            self._tree.remove(step.path)
        else:
            self._tree.remove_directory(step.path)


def _is_nothing(plan, manifest):
    """Say whether a plan changes neither files nor records."""
    return not plan.steps and plan.final == manifest and plan.sibling is None


def _anchors(wanted):
    return [file.raw for file in wanted or [] if file.kind == trust_plan.ANCHOR]


def _gone(manifest, plan):
    """Give the files of the system's store that were recorded and are no more."""
    return [path for path in manifest.files if anchors.is_anchor(path) and path not in plan.final.files]


def _difference(step):
    make = secret_difference if step.secret else ca_difference
    return make(step.path, step.before, step.after)
