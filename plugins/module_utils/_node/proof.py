# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove, name by name, that a registry can be used and is verified: from this node, and by its docker itself."""

import time
from concurrent.futures import ThreadPoolExecutor

from . import tls


class Proof:
    """Asks all names of a registry at once.

    :param names: dict of endpoint (str) to endpoint.Endpoint
    :param ca: PEM bytes that must have signed what is served
    :param engine: engine.Engine
    """

    def __init__(self, names, ca, engine, clock=time):
        self._names = names
        self._context = tls.context_for(ca)
        self._engine = engine
        self._clock = clock

    def reach(self, patience):
        """Ask every name over TLS from this node.

        :param patience: seconds for which a name that does not answer is asked again
        :returns: list of dict, as the module returns them in C(verified)
        """
        return self._all(lambda name: _found(name, self._tls(name, patience), "not asked"))

    def trust(self, patience, ask_engine, covered):
        """Ask every name over TLS from this node, then by docker where that proves anything.

        :param patience: seconds for which a name that does not answer is asked again
        :param ask_engine: whether docker runs
        :param covered: names that docker does not verify, so that its answer proves nothing
        :returns: as reach()
        """
        return self._all(lambda name: self._one(name, patience, ask_engine, name in covered))

    def _all(self, ask):
        with ThreadPoolExecutor(max_workers=8) as pool:
            return list(pool.map(ask, self._names))

    def _one(self, name, patience, ask_engine, covered):
        verdict = self._tls(name, patience)
        if not verdict.ok:
            return _found(name, verdict, "not asked")
        if not ask_engine:
            return _found(name, verdict, "not asked: docker does not run")
        if covered:
            return _found(name, verdict, "no proof: an insecure flag covers this name")
        verdict = self._patiently(lambda: self._engine.probe(name), patience)
        if verdict.ok:
            return _found(name, verdict, "trusts it")
        if verdict.kind == "reference":  # IPv6 before docker 23: no image could be named by it either
            return _found(name, tls.OK, "cannot use this name: {}".format(verdict.message))
        said = verdict._replace(message="docker says: {}".format(verdict.message))
        return _found(name, said, verdict.message)

    def _tls(self, name, patience):
        return self._patiently(lambda: tls.check(self._names[name], self._context), patience)

    def _patiently(self, ask, patience):
        """Ask again while the answer is one that passes by itself: a pod that comes back, a router that reloads."""
        deadline = self._clock.monotonic() + patience
        while True:
            verdict = ask()
            if verdict.ok or verdict.kind not in tls.PASSING or self._clock.monotonic() > deadline:
                return verdict
            self._clock.sleep(0.5)


def failures(verified):
    """Give the errors (one str, empty where there are none) of what reach() or trust() found."""
    return "; ".join(found["error"] for found in verified if not found["ok"])


def _found(name, verdict, engine):
    error = None if verdict.ok else tls.explain(name, verdict)
    return {"endpoint": name, "ok": verdict.ok, "error": error, "engine": engine}
