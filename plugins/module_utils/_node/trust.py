# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make one node trust one registry: place the CA, prove it, and only then take the insecure flags away.

Every step is safe to be killed after: the record of what is about to be done is on disk before it is done, and a
later run goes on from what it finds.
"""

import difflib
import glob
import ipaddress
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

from . import endpoint as endpoints_of
from . import flags, insecure, pem, runtime, sysconfig, tls, trust_plan
from .errors import EngineError, RefusedError, RestartError, VerifyError
from .files import sha256
from .manifest import LOCK, Change, Records

# The options of the module; timeout, restart_timeout: seconds; owner: (uid, gid) of what is written
Request = namedtuple(
    "Request",
    "registry endpoints ca_cert state remove_insecure insecure_networks verify timeout restart_timeout check_mode "
    "owner",
)
_LOCK_TIMEOUT = 300.0


class Trust:
    """One call of the module on one node.

    :param request: Request
    :param tree: files.Tree
    :param systemd: systemd.Systemd
    :param engine: engine.Engine
    :param resolve: function of a host that gives its addresses (list of str)
    """

    def __init__(self, request, tree, systemd, engine, resolve=tls.addresses, clock=time):
        self._request = request
        self._tree = tree
        self._systemd = systemd
        self._engine = engine
        self._resolve = resolve
        self._clock = clock
        self._records = Records(tree, request.registry)
        self._known = [name for name in request.endpoints or [] if not endpoints_of.is_unknown(name)]
        self._names = {name: endpoints_of.parse(name) for name in self._known}
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

        :raises NodeError: with a finished sentence; self.result then says what was done before
        """
        ca = self._ca()
        if self._request.state == "absent":
            self._converge_files(ca)
            return self.result
        survey, unit = self._survey()
        self.result["insecure"] = {
            "flags": survey.flags,
            "networks": survey.networks,
            "problems": survey.problems,
        }
        self._refuse(survey)
        unfinished = self._records.unfinished_restart()
        self._converge_files(ca)
        # Where docker is down because a run was killed during its restart, the registry may be down with it.
        docker_first = self._request.remove_insecure and unfinished is not None and unit.exists and not unit.active
        if self._request.verify and not self._request.check_mode and not docker_first:
            self._verify(ca, unit, survey.covered)
        if self._request.remove_insecure:
            self._remove_flags(ca, survey, unit, unfinished)
        else:
            self.result["restart_needed"] = bool(
                survey.edits or survey.stale or survey.problems or unfinished is not None
            )
        return self.result

    # ---- what is wanted and what is there

    def _ca(self):
        request = self._request
        unknown = [name for name in request.endpoints or [] if name not in self._known]
        if unknown and not request.check_mode:
            raise RefusedError(
                "endpoints: {} is only known after apply, so only check mode takes it".format(unknown[0])
            )
        if request.state == "absent":
            return b""
        if endpoints_of.is_unknown(request.ca_cert):
            if not request.check_mode:
                raise RefusedError("ca_cert: is only known after apply, so only check mode takes it")
            return request.ca_cert.encode("utf-8")
        return pem.bundle(request.ca_cert)

    def _plan(self, ca):
        manifest, claimed = self._records.load(), self._records.claimed_by_others()
        if self._request.state == "absent":
            return manifest, trust_plan.absent(self._tree.look, manifest, claimed)
        plan = trust_plan.present(
            self._request.endpoints, ca, self._tree.look, manifest, claimed, owner=self._request.owner
        )
        if len(self._known) < len(self._request.endpoints):
            # What is not known yet may turn out to be a name that is recorded: nothing is predicted to go.
            plan = plan._replace(steps=[step for step in plan.steps if step.kind not in ("remove", "rmdir")], notes=[])
        return manifest, plan

    def _survey(self):
        unit = self._systemd.unit()
        files = insecure.environment_files(unit, lambda pattern: sorted(glob.glob(self._tree.real(pattern))))
        files = [path[len(self._tree.root) :] if path.startswith(self._tree.root) else path for path in files]
        texts = {}
        for path in [*files, *unit.unit_files, insecure.DAEMON_JSON]:
            raw = self._tree.read(path)
            if raw is not None:
                texts[path] = raw
        # The version is asked for only where it can matter: what a backslash means has changed over the years.
        some = any(flags.FLAG in texts.get(path, b"") for path in files)
        dialects = sysconfig.dialects_for(self._systemd.version() if some else None)
        arguments = self._systemd.cmdline(unit.pid) if unit.pid else []
        facts = insecure.Facts(files, texts, unit, arguments, self._engine_says(unit), dialects)
        remove_networks = self._request.insecure_networks == "remove"
        return insecure.survey(facts, self._known, remove_networks, self._addresses), unit

    def _engine_says(self, unit):
        if not unit.active:
            return []
        try:
            return self._engine.insecure()
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
        if self._request.remove_insecure and survey.problems:
            raise RefusedError("; ".join(survey.problems))

    # ---- files

    def _converge_files(self, ca):
        manifest, plan = self._plan(ca)
        self._report_files(plan)
        if self._request.check_mode or (not plan.steps and plan.final == manifest):
            return
        self._records.make_directory()
        with self._tree.lock(LOCK, _LOCK_TIMEOUT):
            manifest, plan = self._plan(ca)  # again: another run may have been here meanwhile
            self._report_files(plan)
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

    def _report_files(self, plan):
        if plan.problems:
            raise RefusedError("; ".join(plan.problems))
        result = self.result
        result["files"] = sorted(plan.final.files)
        result["actions"] = [
            "{} {}: {}".format(_VERBS[step.kind], step.path, step.why) for step in plan.steps if step.kind in _VERBS
        ] + plan.notes
        result["diff"] = [_diff(step.path, step.before, step.after) for step in plan.steps if step.kind in _DIFFED]
        result["changed"] = bool(plan.steps or plan.notes)

    # ---- proof

    def _verify(self, ca, unit, covered):
        """Verify every endpoint from this node, and by dockerd itself where that proves anything.

        :raises VerifyError: where one fails
        """
        context = tls.context_for(ca)
        ask_engine = unit.active and self._engine.ping()
        self._for_all(lambda name: self._verify_one(name, context, ask_engine, name in covered))
        self._fail_unless_verified("The CA is in place, but this node does not trust the registry by every name, so no "
                                   "insecure flag is touched")  # fmt: skip

    def _for_all(self, verify):
        with ThreadPoolExecutor(max_workers=8) as pool:
            self.result["verified"] = list(pool.map(verify, self._known))

    def _fail_unless_verified(self, text):
        failed = [found["error"] for found in self.result["verified"] if not found["ok"]]
        if failed:
            raise VerifyError("{}: {}".format(text, "; ".join(failed)))

    def _verify_one(self, name, context, ask_engine, covered):
        verdict = self._patiently(lambda: tls.check(self._names[name], context))
        if not verdict.ok:
            return _verified(name, verdict, "not asked")
        if not ask_engine:
            return _verified(name, verdict, "not asked: docker does not run")
        if covered:
            return _verified(name, verdict, "no proof: an insecure flag covers this name")
        return self._asked_engine(name)

    def _asked_engine(self, name):
        verdict = self._patiently(lambda: self._engine.probe(name))
        if verdict.ok:
            return _verified(name, verdict, "trusts it")
        if verdict.kind == "reference":  # IPv6 before docker 23: no image could be named by it either
            return _verified(name, tls.OK, "cannot use this name: {}".format(verdict.message))
        said = verdict._replace(message="docker says: {}".format(verdict.message))
        return _verified(name, said, verdict.message)

    def _patiently(self, ask, timeout=None):
        """Ask again while the answer is one that passes by itself."""
        deadline = self._clock.monotonic() + (self._request.timeout if timeout is None else timeout)
        while True:
            verdict = ask()
            if verdict.ok or verdict.kind not in tls.PASSING or self._clock.monotonic() > deadline:
                return verdict
            self._clock.sleep(0.5)

    # ---- insecure flags

    def _remove_flags(self, ca, survey, unit, unfinished):
        restart = self._must_restart(survey, unit, unfinished)
        if self._request.check_mode or not (survey.edits or restart or unfinished is not None):
            self._report_flags(survey, restart)
            return
        self._records.make_directory()
        with self._tree.lock(LOCK, _LOCK_TIMEOUT):
            survey, unit = self._survey()  # again: another run may have been here meanwhile
            self._refuse(survey)
            restart = self._must_restart(survey, unit, unfinished)
            self._report_flags(survey, restart)
            self._records.begin_restart(self._changes(survey.edits, unfinished or []))
            for change in survey.edits:
                self._tree.replace(change.path, change.after)
            if restart:
                self._restart(ca, unit)
            self._records.end_restart()

    @staticmethod
    def _must_restart(survey, unit, unfinished):
        # A run that was killed while docker was down has left it so: docker is brought up again.
        return bool(survey.stale) or (unfinished is not None and unit.exists and not unit.active)

    def _report_flags(self, survey, restart):
        result = self.result
        gone = survey.flags + (survey.networks if self._request.insecure_networks == "remove" else [])
        result["diff"] += [_diff(change.path, change.before, change.after) for change in survey.edits]
        result["actions"] += [
            "Take --insecure-registry {value} out of {variable} in {file}".format(**found) for found in gone
        ]
        if restart:
            result["actions"].append("Restart docker, which does not run as its files now say")
        elif survey.edits:
            result["actions"].append("No restart: docker does not run here, or not with this flag")
        result["changed"] = result["changed"] or bool(survey.edits) or restart
        result["restarted"] = restart and self._request.check_mode

    def _changes(self, edits, unfinished):
        """Say what to put back if docker does not come up: what a killed run recorded, and what changes now."""
        changes = {change.path: change for change in edits}
        for path, before, after in unfinished:
            now = self._tree.read(path)
            if now is not None and (now == before or sha256(now) == after):
                changes[path] = Change(path, before, changes[path].after if path in changes else now)
        return list(changes.values())

    def _restart(self, ca, unit):
        control = runtime.Runtime(self._systemd, self._engine, self._request.restart_timeout, self._clock)
        before = control.containers()
        try:
            missing = control.restart(unit, before)
            self.result["restarted"] = True
            self._prove_after_restart(ca)
        except (RestartError, EngineError) as exc:
            self._put_back(control, unit, before, exc)
        if missing:
            self.warnings.append("not running again yet, which is for the kubelet: {}".format(", ".join(missing)))

    def _prove_after_restart(self, ca):
        """Let dockerd, which runs without the flags now, ask every endpoint.

        :raises RestartError: where docker cannot use what this node can reach: the flag goes back
        :raises VerifyError: where the registry does not answer at all: no flag would help
        """
        survey, unit = self._survey()
        if survey.stale:
            raise RestartError("docker still runs with --insecure-registry {}".format(", ".join(survey.stale)))
        if not self._request.verify:
            return
        context = tls.context_for(ca)
        # The registry may run on this very node, and be on its way back.
        patience = self._request.restart_timeout
        self._for_all(
            lambda name: _verified(name, self._patiently(lambda: tls.check(self._names[name], context), patience), "")
        )
        if not all(found["ok"] for found in self.result["verified"]):
            self._records.end_restart()
        self._fail_unless_verified(
            "Docker is up again without the insecure flag, but the registry is not to be reached"
        )
        self._for_all(lambda name: self._verify_one(name, context, unit.active, name in survey.covered))
        failed = [found["error"] for found in self.result["verified"] if not found["ok"]]
        if failed:
            raise RestartError("docker without the insecure flag cannot use the registry: {}".format("; ".join(failed)))

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


def _verified(name, verdict, engine):
    error = None if verdict.ok else tls.explain(name, verdict)
    return {"endpoint": name, "ok": verdict.ok, "error": error, "engine": engine}


_VERBS = {"mkdir": "Make", "write": "Write", "remove": "Remove", "rmdir": "Remove"}
_DIFFED = ("mkdir", "write", "remove", "rmdir")


def _diff(path, before, after):
    """Give one entry of the module's diff: the lines that change, and no others, which may not be ours to show."""
    old = (before or b"").decode("utf-8", "replace").splitlines(True)
    new = (after or b"").decode("utf-8", "replace").splitlines(True)
    if before is None and after is None:
        return {"before_header": path, "after_header": path, "before": "", "after": "directory\n"}
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return {
        "before_header": path,
        "after_header": path,
        "before": "".join(line for tag, a, b, _c, _d in changes if tag != "equal" for line in old[a:b]),
        "after": "".join(line for tag, _a, _b, c, d in changes if tag != "equal" for line in new[c:d]),
    }
