# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove by use that a node's own docker can log in, push and pull through every name of a registry."""

import base64
import glob
import json
import time
from collections import namedtuple
from urllib.parse import quote, urlencode

from . import endpoint as endpoints_of
from . import engine as engines
from . import pem, probe_image, tls
from .errors import EngineError

STEPS = ("tls", "v2", "login", "push", "pull")
_WITH_TOKEN = ("login", "push", "pull")
_HIDDEN = "********"
_LOGIN_ADVICE = "give the token of a user, one that has not expired: oc whoami -t"
_RIGHTS_ADVICE = "may {} push and pull in the project {}, as system:image-builder allows?"

# The options of the module; token may be None; ca: bytes or None; timeout: seconds
Request = namedtuple("Request", "endpoints username token ca project image tag steps timeout")


def request(params):
    """Read the module's options.

    :param params: dict, as documented
    :returns: Request
    :raises RefusedError: where ca_cert is not one
    """
    ca = pem.bundle(params["ca_cert"]) if params["ca_cert"] else None
    names = ("endpoints", "username", "token", "project", "image", "tag", "steps", "timeout")
    return Request(ca=ca, **{name: params[name] for name in names})


class _Failed(Exception):
    """A step failed; the text says why."""


class Check:
    """One call of the module on one node.

    :param request: Request
    :param engine: engine.Engine
    :param certs_d: directory in which docker looks for CAs
    """

    def __init__(self, request, engine, certs_d="/etc/docker/certs.d", clock=time):
        self._request = request
        self._engine = engine
        self._certs_d = certs_d
        self._clock = clock
        self._made = []
        self.results = []
        self.residue = []
        self.leftovers = []

    def run(self):
        """Go through all endpoints; results, residue and leftovers then say what was found."""
        steps = [step for step in STEPS if step in self._request.steps and step not in self._skipped()]
        try:
            for name in self._request.endpoints:
                self._endpoint(name, steps)
        finally:
            self.leftovers = self._clean_up()

    def outcome(self):
        """Give the module's result: what was found, and a sentence (msg) that sums it up."""
        wrong = [found for found in self.results if not found["ok"]]
        skipped = self._skipped()
        if wrong:
            text = "; ".join("{} of {}".format(found["step"], found["error"]) for found in wrong)
        elif skipped:
            text = "No token was given, so only TLS and the registry's API were checked, not {}".format(
                ", ".join(skipped)
            )
        else:
            text = "Every step works by every name"
        return {
            "msg": text,
            "results": self.results,
            "residue": self.residue,
            "leftovers": self.leftovers,
            "skipped_steps": skipped,
        }

    def fails(self, fail_on):
        """Say whether the module is to fail (bool). :param fail_on: C(any), C(all) or C(none)"""
        wrong = {found["endpoint"] for found in self.results if not found["ok"]}
        if fail_on == "all":
            return bool(wrong) and wrong == set(self._request.endpoints)
        return fail_on == "any" and bool(wrong)

    def _skipped(self):
        return [] if self._request.token else [step for step in self._request.steps if step in _WITH_TOKEN]

    def _endpoint(self, name, steps):
        """Run the steps of one endpoint; after one that fails the rest would only fail as well."""
        digest = None
        for step in steps:
            started = self._clock.monotonic()
            error = None
            try:
                digest = getattr(self, "_" + step)(name, digest) or digest
            except (_Failed, EngineError) as exc:
                error = self._hide("{}: {}".format(step, exc) if isinstance(exc, EngineError) else str(exc))
            seconds = round(self._clock.monotonic() - started, 3)
            self.results.append(
                {
                    "endpoint": name,
                    "step": step,
                    "ok": error is None,
                    "seconds": seconds,
                    "error": error,
                    "digest": digest if step in ("push", "pull") and error is None else None,
                }
            )
            if error is not None:
                return

    # ---- the steps; each raises _Failed or EngineError

    def _context(self, name):
        folder = "{}/{}".format(self._certs_d, name)
        try:
            return tls.context_for(self._request.ca, sorted(glob.glob(glob.escape(folder) + "/*.crt")))
        except OSError as exc:
            raise _Failed("{}: a CA file in {} cannot be read: {}".format(name, folder, exc)) from exc

    def _tls(self, name, _digest):
        verdict = tls.check(endpoints_of.parse(name), self._context(name), self._request.timeout)
        if not verdict.ok:
            raise _Failed(tls.explain(name, verdict))

    def _v2(self, name, _digest):
        verdict, status, headers = tls.get(endpoints_of.parse(name), self._context(name), "/v2/", self._request.timeout)
        if not verdict.ok:
            raise _Failed(tls.explain(name, verdict))
        if status not in (200, 401):
            raise _Failed("{}: GET /v2/ gives HTTP status {}, not 200 or 401: this is no registry, or a router without "
                          "one behind it".format(name, status))  # fmt: skip
        if "docker-distribution-api-version" not in headers:
            raise _Failed(
                "{}: GET /v2/ is answered, but not by a registry (no Docker-Distribution-Api-Version)".format(name)
            )

    def _login(self, name, _digest):
        request = self._request
        login = {"username": request.username, "password": request.token, "serveraddress": name}
        try:
            self._engine.call("POST", "/auth", login)
        except EngineError as exc:
            self._explain(name, "login as {} refused".format(request.username), exc, _LOGIN_ADVICE)

    def _push(self, name, _digest):
        image_id = self._load()
        repository = self._repository(name)
        tagged = "{}:{}".format(repository, self._request.tag)
        self._brings(tagged)
        query = urlencode({"repo": repository, "tag": self._request.tag})
        self._engine.call("POST", "/images/{}/tag?{}".format(quote(image_id, safe=":"), query))
        path = "/images/{}/push?{}".format(quote(repository, safe="/:[]"), urlencode({"tag": self._request.tag}))
        try:
            messages = self._engine.stream("POST", path, headers=self._auth(name))
        except EngineError as exc:
            self._explain(name, "push of {} refused".format(tagged), exc)
        digest = next((m["aux"]["Digest"] for m in messages if (m.get("aux") or {}).get("Digest")), None)
        if digest is None:
            raise _Failed("{}: docker pushed {} and names no digest".format(name, tagged))
        left = "{}/{}:{}@{}".format(self._request.project, self._request.image, self._request.tag, digest)
        if left not in self.residue:
            self.residue.append(left)
        return digest

    def _pull(self, name, pushed):
        if pushed is None:
            raise _Failed("{}: pull needs the digest of a push; say both steps".format(name))
        self._clean_up()
        repository = self._repository(name)
        reference = "{}@{}".format(repository, pushed)
        self._brings(reference)
        try:
            path = "/images/create?" + urlencode({"fromImage": repository, "tag": pushed})
            self._engine.stream("POST", path, headers=self._auth(name))
        except EngineError as exc:
            self._explain(name, "pull of {} refused".format(reference), exc)
        found = self._engine.call("GET", "/images/{}/json".format(quote(reference, safe="/:@[]"))) or {}
        digests = [digest.rpartition("@")[2] for digest in found.get("RepoDigests") or []]
        if pushed not in digests:
            raise _Failed("{}: pushed {}, pulled {}".format(name, pushed, ", ".join(digests) or "nothing"))
        return pushed

    # ---- what the steps share

    def _repository(self, name):
        return "{}/{}/{}".format(name, self._request.project, self._request.image)

    def _auth(self, name):
        return engines.registry_auth(self._request.username, self._request.token, name)

    def _load(self):
        """Load the image into the local docker, and give what docker calls it."""
        image = probe_image.build()
        self._brings(image.image_id)
        headers = {"Content-Type": "application/x-tar"}
        self._engine.stream("POST", "/images/load?quiet=1", image.archive, headers)
        return image.image_id

    def _explain(self, name, what, exc, advice=""):
        kind = tls.classify(str(exc))
        if kind != "other":
            advice = tls.ADVICE[kind]
        elif not advice and ("denied" in str(exc) or "unauthorized" in str(exc)):
            advice = _RIGHTS_ADVICE.format(self._request.username, self._request.project)
        raise _Failed("{}: {}: {}{}".format(name, what, exc, advice and " ({})".format(advice))) from exc

    def _brings(self, reference):
        """Remember a name to be removed from the local docker; names of an image go before its id."""
        if reference not in self._made:
            self._made.append(reference)

    def _clean_up(self):
        """Remove what this run brought into the local docker; what cannot be is tried again the next time.

        :returns: what is still there, and why (list of str)
        """
        tried = [(reference, self._remove(reference)) for reference in reversed(self._made)]
        self._made = [reference for reference, said in reversed(tried) if said]
        return [said for _reference, said in tried if said]

    def _remove(self, reference):
        """Remove one name of a local image; give "" or why that could not be done."""
        try:
            self._engine.call("DELETE", "/images/{}".format(quote(reference, safe="/:@[]")))
        except EngineError as exc:
            return "" if exc.status == 404 else self._hide("{}: {}".format(reference, exc))
        return ""

    def _hide(self, text):
        """Take the token, in every form in which it was sent, out of a text."""
        token = self._request.token
        if not token:
            return text
        for form in (
            token,
            base64.b64encode(token.encode("utf-8")).decode("ascii"),
            json.dumps(token)[1:-1],
            quote(token),
        ):
            text = text.replace(form, _HIDDEN)
        return text
