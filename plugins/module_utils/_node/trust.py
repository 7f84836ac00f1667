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

from . import (
    anchors,
    client,
    daemonjson,
    flags,
    insecure,
    pem,
    proof,
    proxycheck,
    registriesconf,
    tls,
    trust_plan,
    which_engines,
)
from . import endpoint as endpoints_of
from . import systemd as systemd_of
from .errors import EngineError, RefusedError, VerifyError
from .manifest import LOCK, Records, stem
from .placement import Placement
from .removal import Removal
from .restore import Restore

# The options of the module; timeout, restart_timeout: seconds; owner: (uid, gid) of what is written
Request = namedtuple(
    "Request",
    "registry endpoints ca_cert engines system_anchors client_cert client_key state remove_insecure restore_insecure "
    "insecure_flags restart insecure_networks placed verify verify_ca timeout restart_timeout check_mode owner",
)
_LOCK_TIMEOUT = 300.0
_DOCKER_FIRST = (
    "docker is down here since a run was killed while it restarted it, and the registry may be down with it, so "
    "nothing was verified; remove_insecure=true, which playbooks/trust.yml says next, starts docker and verifies"
)
_CA_MODE, _KEY_MODE = 0o644, 0o600


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
            "taken": [],
            "unhealthy": False,
            "verified": [],
            "files": [],
        }
        store = anchors.Anchors(tree, systemd.command)
        self._placement = Placement(request, tree, self._records, store, self.result)

    def run(self):
        """Do what was asked, and give the module's result.

        :raises NodeError: with a finished sentence
        """
        request = self._request
        if request.state == "insecure":
            self.result.update(self._restore(request.insecure_flags), files=sorted(self._records.load().files))
            return self.result
        if request.state == "absent":
            restored = self._restore() if request.restore_insecure else None
            if restored is not None and restored["restart_needed"]:
                # The CA stays as long as docker verifies: without it, the registry could not be used in between.
                self.result.update(restart_needed=True, files=sorted(self._records.load().files))
                return self.result
            if not request.check_mode:
                self._records.forget(self._records.removed())
            self._placement.converge(None, [])
            if restored is not None:
                self.result["actions"] = restored["actions"] + self.result["actions"]
                self.result["diff"] = restored["diff"] + self.result["diff"]
                self.result["changed"] = self.result["changed"] or restored["changed"]
            return self.result
        ca = self._read_request()
        pair = client.pair(request.client_cert, request.client_key)
        enough = None if request.check_mode or not request.verify else self._alone(ca)
        survey, unit = self._survey()
        self.result["insecure"] = {name: getattr(survey, name) for name in ("flags", "networks", "problems")}
        removal = self._removal()
        self.result["restart_needed"] = (
            bool(survey.problems) or removal.waits(survey, unit) or removal.needed(survey, unit)
        )
        self._refuse(survey)
        proxied = self._proxied(survey, unit)
        self.warnings += survey.problems
        self._place(ca, pair, unit)
        prove = None if enough is None else proof.Proof(self._names, enough, self._engine)
        if not request.check_mode and not request.verify_ca and self._docker_comes_first(unit):
            if not request.remove_insecure:
                self.warnings.append(_DOCKER_FIRST)
        elif prove is not None:
            self._verify(prove, unit, survey.covered, proxied)
        if request.remove_insecure:
            self._remove_flags(survey, unit, prove)
        return self.result

    def look(self, endpoints):
        """Look at what is insecure about some endpoints, and do nothing about it.

        :param endpoints: list of str in docker's form
        :returns: insecure.Survey
        :raises NodeError: where it cannot be read
        """
        self._names = {name: endpoints_of.parse(name) for name in endpoints}
        return self._survey()[0]

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

    def _alone(self, ca):
        """Give the CA by which alone this node's own look is taken (bytes): one that the engines' files hold."""
        if not self._request.verify_ca:
            return ca
        wanted = pem.bundle(self._request.verify_ca)
        there, asked = (set(pem.certificates(raw.decode("ascii"))) for raw in (ca, wanted))
        if not asked <= there:
            raise RefusedError("verify_ca: is not among the certificates of ca_cert, so the engines would not have it")
        return wanted

    def _facts(self):
        """Read what docker, and others, are configured with (insecure.Facts)."""
        unit = self._systemd.settled_unit(self._request.timeout, self._clock)
        root = self._tree.root

        def find(pattern):
            return [path[len(root) :] for path in sorted(glob.glob(self._tree.real(pattern)))]

        paths = insecure.environment_files(unit, find)
        texts = self._texts([*paths, *unit.unit_files, registriesconf.PATH, *find(registriesconf.DROP_INS)])
        arguments = self._systemd.cmdline(unit.pid) if unit.pid else []
        # As docker runs, or as it would: it may be told of another file than the usual one.
        daemon_json = daemonjson.path_of(arguments or insecure.start_arguments(unit, paths, texts))
        texts.update(self._texts([daemon_json]))
        # Asked for only where it can matter: what a backslash or a quote means has changed over the years.
        some = any(flags.FLAG in texts.get(path, b"") for path in [*paths, *unit.unit_files])
        version = self._systemd.version() if some or self._records.removed() else None
        generates = registriesconf.GENERATED in texts and self._systemd.exists(systemd_of.REGISTRIES)
        return insecure.Facts(paths, texts, unit, arguments, self._engine_says(unit), version, generates, daemon_json)

    def _texts(self, paths):
        """Read files (dict of path to bytes), as far as they are there."""
        read = {path: self._tree.read(path) for path in paths}
        return {path: raw for path, raw in read.items() if raw is not None}

    def _survey(self):
        """Give (insecure.Survey, systemd.Unit) as things are now."""
        facts = self._facts()
        remove_networks = self._request.insecure_networks == "remove"
        return insecure.survey(facts, list(self._names), remove_networks, self._addresses), facts.unit

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

    def _place(self, ca, pair, unit):
        """Write what the engines of this node read, and nothing else.

        :param ca: PEM bytes
        :param pair: (certificate, key) by which this node identifies itself, as bytes, or None
        :param unit: systemd.Unit
        """
        request = self._request
        engines = which_engines.find(request.engines, self._tree, unit)
        wrong = [engine.problem for engine in engines if engine.problem and engine.counts]
        if wrong:
            raise RefusedError("; ".join(wrong))
        self.warnings += [said for engine in engines for said in (engine.problem, engine.hint) if said]
        files, places = [], []
        for endpoint in dict.fromkeys(request.endpoints):
            for path, names in which_engines.to_place(engines, endpoint, self._tree.look).items():
                places.append(trust_plan.Place(path, endpoint, "containerd" in names))
                files.append(trust_plan.Wanted(path + "/ca.crt", ca, _CA_MODE, trust_plan.CA))
                if pair:
                    files.append(trust_plan.Wanted(path + "/client.cert", pair[0], _CA_MODE, trust_plan.CERTIFICATE))
                    files.append(trust_plan.Wanted(path + "/client.key", pair[1], _KEY_MODE, trust_plan.KEY))
        if request.system_anchors and not endpoints_of.is_unknown(request.ca_cert):
            found = anchors.paths(anchors.store_of(self._tree), stem(request.registry), ca)
            files += [trust_plan.Wanted(path, raw, _CA_MODE, trust_plan.ANCHOR) for path, raw in found.items()]
        unknown = len(self._names) < len(set(request.endpoints))
        self._placement.converge(files, places, unknown)

    # ---- proof and flags

    def _docker_comes_first(self, unit):
        """Say whether docker is down because a run was killed while it restarted it: the registry may be down too."""
        return unit.exists and not unit.active and self._records.unfinished_restart() is not None

    def _proxied(self, survey, unit):
        """Look at docker's proxy, and refuse what would only show after the restart (proxycheck.Found)."""
        request = self._request
        restarts = request.remove_insecure and bool(survey.stale)
        found = proxycheck.ProxyCheck(self._tree, self._systemd, self._engine, self._names, survey.daemon_json).look(
            unit, restarts
        )
        new = [text for name, text in found.later.items() if name not in found.now]
        if new:
            raise RefusedError("{}. Nothing was restarted".format(new[0]))
        if request.check_mode or not request.verify:
            self.warnings += sorted(set(found.now.values()) | set(found.later.values()))
        return found

    def _verify(self, prove, unit, covered, proxied):
        ask_engine = unit.active and self._engine.ping()
        self.result["verified"] = proxycheck.trust(prove, self._request.timeout, ask_engine, covered, proxied)
        self.warnings += proxycheck.works(self.result["verified"], proxied)
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

    def _restore(self, only=None):
        """Put back what was taken away, or only some of it, and give the result so far (dict)."""
        parts = (self._tree, self._records, self._systemd, self._engine)
        result = dict(self.result, actions=[], diff=[])
        restore = Restore(self._request, *parts, look=self._facts, result=result, only=only, clock=self._clock)
        if restore.plan() and not self._request.check_mode:
            self._records.make_directory()
            with self._tree.lock(LOCK, _LOCK_TIMEOUT):
                try:
                    restore.run()
                finally:
                    self.result.update(restarted=result["restarted"], unhealthy=result["unhealthy"])
        self.warnings += restore.warnings
        self.result["restarted"] = result["restarted"]
        return result

    def _removal(self):
        def look():
            found, now = self._survey()
            self._refuse(found)
            return found, now

        parts = (self._tree, self._records, self._systemd, self._engine)
        return Removal(self._request, *parts, look=look, result=self.result, clock=self._clock)
