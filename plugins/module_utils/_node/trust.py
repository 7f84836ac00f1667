# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one node trust one registry: place the CA, prove it, and only then take the insecure flags away.

Every step is safe to be killed after: the record of what is about to be done is on disk before it is done, and a
later run goes on from what it finds.
"""

import glob
import ipaddress
import time
from collections import namedtuple

from . import endpoint as endpoints_of
from . import flags, insecure, pem, proof, sysconfig, tls, trust_plan
from .difference import ca_difference
from .errors import EngineError, RefusedError, VerifyError
from .manifest import LOCK, Records
from .removal import Removal

# The options of the module; timeout, restart_timeout: seconds; owner: (uid, gid) of what is written
Request = namedtuple(
    "Request",
    "registry endpoints ca_cert state remove_insecure restart insecure_networks placed verify timeout "
    "restart_timeout check_mode owner",
)
_LOCK_TIMEOUT = 300.0
_DOCKER_FIRST = (
    "docker is down here since a run was killed while it restarted it, and the registry may be down with it, so "
    "nothing was verified; remove_insecure=true, which playbooks/trust.yml says next, starts docker and verifies"
)
_SHOWN = {"write": "Write", "remove": "Remove"}  # directories come and go with their files


class Trust:
    """One call of the module on one node.

    :param request: Request
    :param tree: files.Tree
    :param systemd: systemd.Systemd
    :param engine: engine.Engine
    :param resolve: function of a host that gives its addresses (list of str)
    :ivar result: the module's result, also where run() raises
    :ivar warnings: sentences for the user
    :raises RefusedError: where the registry's name is none
    """

    def __init__(self, request, tree, systemd, engine, resolve=tls.addresses, clock=time):
        self._request = request
        self._tree = tree
        self._systemd = systemd
        self._engine = engine
        self._resolve = resolve
        self._clock = clock
        self._names = {}
        self._records = Records(tree, request.registry)
        self.warnings = []
        self.result = {
            "changed": False,
            "actions": [],
            "diff": [],
            "insecure": {"flags": [], "networks": [], "problems": []},
            "restart_needed": False,
            "restarted": False,
            "verified": [],
            "files": [],
        }

    def run(self):
        """Do what was asked, and give the module's result.

        :raises NodeError: with a finished sentence
        """
        request = self._request
        if request.state == "absent":
            self._converge_files(b"")
            return self.result
        ca = self._read_request()
        survey, unit = self._survey()
        self.result["insecure"] = {name: getattr(survey, name) for name in ("flags", "networks", "problems")}
        removal = self._removal()
        self.result["restart_needed"] = (
            bool(survey.problems) or removal.waits(survey, unit) or removal.needed(survey, unit)
        )
        self._refuse(survey)
        self.warnings += survey.problems
        self._converge_files(ca)
        prove = None if request.check_mode or not request.verify else proof.Proof(self._names, ca, self._engine)
        if not request.check_mode and self._docker_comes_first(unit):
            if not request.remove_insecure:
                self.warnings.append(_DOCKER_FIRST)
        elif prove is not None:
            self._verify(prove, unit, survey.covered)
        if request.remove_insecure:
            self._remove_flags(survey, unit, prove)
        return self.result

    # ---- what is wanted and what is there

    def _read_request(self):
        """Check the options, and give the CA to write (bytes)."""
        request = self._request
        if not request.endpoints or not request.ca_cert:
            raise RefusedError("endpoints, ca_cert: are both needed, and not empty, with state=present")
        for name in request.endpoints:
            if not endpoints_of.is_unknown(name):
                self._names[name] = endpoints_of.parse(name)
            elif not request.check_mode:
                raise RefusedError("endpoints: {} is only known after apply, so only check mode takes it".format(name))
        if not endpoints_of.is_unknown(request.ca_cert):
            return pem.bundle(request.ca_cert)
        if not request.check_mode:
            raise RefusedError("ca_cert: is only known after apply, so only check mode takes it")
        return request.ca_cert.encode("utf-8")

    def _survey(self):
        """Give (insecure.Survey, systemd.Unit) as things are now."""
        unit = self._systemd.settled_unit(self._request.timeout, self._clock)
        root = self._tree.root
        paths = insecure.environment_files(unit, lambda pattern: sorted(glob.glob(self._tree.real(pattern))))
        paths = [path[len(root) :] if root and path.startswith(root + "/") else path for path in paths]
        read = {path: self._tree.read(path) for path in [*paths, *unit.unit_files, insecure.DAEMON_JSON]}
        texts = {path: raw for path, raw in read.items() if raw is not None}
        # The version is asked for only where it can matter: what a backslash means has changed over the years.
        some = any(flags.FLAG in texts.get(path, b"") for path in paths)
        dialects = sysconfig.dialects_for(self._systemd.version() if some else None)
        arguments = self._systemd.cmdline(unit.pid) if unit.pid else []
        facts = insecure.Facts(paths, texts, unit, arguments, self._engine_says(unit), dialects)
        remove_networks = self._request.insecure_networks == "remove"
        return insecure.survey(facts, list(self._names), remove_networks, self._addresses), unit

    def _engine_says(self, unit):
        try:
            return self._engine.insecure() if unit.active else []
        except EngineError:
            return []

    def _addresses(self, name):
        parsed = self._names[name]
        if parsed.ip is not None:
            return [parsed.ip]
        return [ipaddress.ip_address(address) for address in self._resolve(parsed.host)]

    def _refuse(self, survey):
        """Refuse what cannot be done before anything is touched."""
        if self._request.insecure_networks == "fail" and survey.networks:
            found = survey.networks[0]
            raise RefusedError(
                "{}: line {}: the network {} covers {}, so docker would go on without verifying it; take the network "
                "out, or say insecure_networks=keep or remove".format(
                    found["file"], found["line"], found["value"], ", ".join(found["endpoints"])
                )
            )
        if self._request.remove_insecure and self._request.restart and survey.problems:
            raise RefusedError("; ".join(survey.problems))

    # ---- files

    def _plan(self, ca):
        """Give (manifest, plan) as things are now, and write the plan into the result."""
        request = self._request
        manifest, claimed = self._records.load(), self._records.claimed_by_others()
        if request.state == "absent":
            plan = trust_plan.absent(self._tree.look, manifest, claimed)
        else:
            look = self._tree.look
            plan = trust_plan.present(request.endpoints, ca, look, manifest, claimed, owner=request.owner)
            if len(self._names) < len(set(request.endpoints)):
                # What is not known yet may turn out to be a name that is recorded: nothing is predicted to go.
                steps = [step for step in plan.steps if step.kind not in ("remove", "rmdir")]
                plan = plan._replace(steps=steps, notes=[])
        if plan.problems:
            raise RefusedError("; ".join(plan.problems))
        if request.placed and request.check_mode:  # an earlier task has said so
            plan = plan._replace(steps=[], notes=[])
        shown = [step for step in plan.steps if step.kind in _SHOWN]
        self.result.update(
            files=sorted(plan.final.files),
            actions=["{} {}: {}".format(_SHOWN[step.kind], step.path, step.why) for step in shown] + plan.notes,
            diff=[ca_difference(step.path, step.before, step.after) for step in shown],
            changed=bool(plan.steps or plan.notes),
        )
        return manifest, plan

    def _converge_files(self, ca):
        manifest, plan = self._plan(ca)
        if self._request.check_mode or (not plan.steps and plan.final == manifest):
            return
        self._records.make_directory()
        with self._tree.lock(LOCK, _LOCK_TIMEOUT):
            manifest, plan = self._plan(ca)  # again: another run may have been here meanwhile
            if plan.intent != manifest:
                self._records.make_directory()
                self._records.save(plan.intent)
            for step in plan.steps:
                self._apply(step)
            if plan.final != plan.intent:
                self._records.save(plan.final)
            if self._request.state == "absent":
                self._records.tidy()

    def _apply(self, step):
        if step.kind == "mkdir":
            self._tree.make_directory(step.path)
        elif step.kind == "write":
            self._tree.write(step.path, step.after)
        elif step.kind == "remove":
            self._tree.remove(step.path)
        else:
            self._tree.remove_directory(step.path)

    # ---- proof and flags

    def _docker_comes_first(self, unit):
        """Say whether docker is down because a run was killed while it restarted it: the registry may be down too."""
        return unit.exists and not unit.active and self._records.unfinished_restart() is not None

    def _verify(self, prove, unit, covered):
        ask_engine = unit.active and self._engine.ping()
        self.result["verified"] = prove.trust(self._request.timeout, ask_engine, covered)
        wrong = proof.failures(self.result["verified"])
        if wrong:
            raise VerifyError(
                "The CA is in place, but this node does not trust the registry by every name, so no insecure flag is "
                "touched: {}".format(wrong)
            )

    def _remove_flags(self, survey, unit, prove):
        removal = self._removal()
        if not removal.needed(survey, unit):
            pass
        elif self._request.check_mode:
            removal.predict(survey, unit)
        else:
            self._records.make_directory()
            with self._tree.lock(LOCK, _LOCK_TIMEOUT):
                removal.run(prove)
        self.result["restart_needed"] = removal.waits(survey, unit)
        self.warnings += removal.warnings

    def _removal(self):
        def look():
            found, now = self._survey()
            self._refuse(found)
            return found, now

        parts = (self._tree, self._records, self._systemd, self._engine)
        return Removal(self._request, *parts, look=look, result=self.result, clock=self._clock)
