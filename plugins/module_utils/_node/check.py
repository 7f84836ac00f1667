# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove by use that a host can log in, push and pull through every name of a registry, and time it."""

import glob
import os
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

from . import chunks, pem, probe_image, tls
from . import endpoint as endpoints_of
from .checkclient import Client
from .checkway import ADVICE, StepError, hide
from .containerd import HOSTS
from .errors import EngineError, RefusedError

#: In their order, each with the steps without which it makes no sense.
NEEDS = {
    "resolve": (),
    "tls": ("resolve",),
    "v2": ("resolve", "tls"),
    "trust": ("resolve", "tls"),
    "login": ("resolve", "tls", "v2", "trust"),
    "push": ("resolve", "tls", "v2", "trust", "login"),
    "monolithic": ("resolve", "tls", "v2", "login"),
    "chunked": ("resolve", "tls", "v2", "login"),
    "refused": ("resolve", "tls", "v2"),
    "pull_tag": ("resolve", "tls", "v2", "trust", "login", "push"),
    "pull": ("resolve", "tls", "v2", "trust", "login", "push"),
}
STEPS = tuple(NEEDS)
#: Gone through name by name, since what one brings the next would not fetch.
_ONE_BY_ONE = ("pull_tag", "pull")
_PUSHES = ("push", "monolithic", "chunked")
_WITH_TOKEN = ("login", "push", "monolithic", "chunked", "pull_tag", "pull")
FAIL_ON = ("any", "all", "none", "warning", *STEPS)
#: What a host that is not in the cluster cannot be blamed for.
_UNREACHABLE = ("unresolved", "unreachable", "timeout", "refused")
_CONNECT = 5.0  # seconds that such a host waits for a connection
_AT_ONCE = 8

# The options of the module. token, outsider_token, project may be None; ca: bytes or None; timeout: seconds;
# layer_size, chunk_size: bytes; skip_unreachable: whether names that cannot be reached are said and not failed;
# router_endpoints: names at which a router ends TLS; router_ca: as ca, of its certificates
Request = namedtuple(
    "Request",
    "endpoints username token outsider_username outsider_token ca project image tag steps timeout layer_size "
    "chunk_size skip_unreachable router_endpoints router_ca",
)


def request(params):
    """Read the module's options.

    :param params: dict, as documented
    :returns: Request
    :raises RefusedError: where ca_cert or router_ca_cert is not one, a size is none, or a name or token cannot be sent
    """
    ca = pem.bundle(params["ca_cert"]) if params["ca_cert"] else None
    router_ca = pem.bundle(params["router_ca_cert"]) if params.get("router_ca_cert") else None
    plain = ("endpoints", "project", "image", "tag", "steps", "timeout")
    return Request(
        ca=ca,
        username=_user(params, "username"),
        token=_secret(params, "token"),
        outsider_username=_user(params, "outsider_username"),
        outsider_token=_secret(params, "outsider_token"),
        layer_size=chunks.size(params["layer_size"], "layer_size", probe_image.LARGEST),
        chunk_size=max(1, chunks.size(params["chunk_size"], "chunk_size", probe_image.LARGEST)),
        skip_unreachable=params["unreachable"] == "skip",
        router_endpoints=params.get("router_endpoints") or [],
        router_ca=router_ca,
        **{name: params[name] for name in plain},
    )


def _user(params, option):
    """Give a user's name, unless a login would cut it off at its colon."""
    name = params[option]
    if ":" in (name or ""):
        said = "{}: {} has a colon, where a login ends the name. OpenShift's registry looks at the token alone: say {}"
        raise RefusedError(said.format(option, name, name.replace(":", "-")))
    return name


def _secret(params, option):
    """Give a token or password without the end of the line of the file that it was read from, or None."""
    text = (params[option] or "").rstrip("\r\n")
    if not text.isprintable():
        raise RefusedError("{}: holds the end of a line, or another character that no login has".format(option))
    return text or None


class Image:
    """The image as it is sent, made once, when it is first needed."""

    def __init__(self, layer_size=0):
        self._size = layer_size
        # What a tag is for does not change with the size that was asked for last
        self.mark = "-v2-{}".format(layer_size) if layer_size else "-v2"
        self._lock = threading.Lock()
        self._made = None

    def __call__(self):
        """Give probe_image.Packed."""
        with self._lock:
            if self._made is None:
                self._made = probe_image.packed(self._size)
            return self._made


class Check:
    """One call of the module on one host.

    :param request: Request
    :param way: function of checkway.Access, of the context's function and of Image that gives the way to push and pull
    :param folder: function of an endpoint (str) that gives the directory in which the engine looks for its CA, or ""
    """

    def __init__(self, request, way, folder, access, clock=time):
        self._request = request
        self._folder = folder
        self._clock = clock
        image = Image(request.layer_size)
        self._client = Client(access, self._context, image, request.timeout)
        self._way = way(access, self._context_of_engine, image)
        # There the router's certificate counts, of which this host's engine need know nothing: our own client is asked.
        self._router = frozenset(request.router_endpoints)
        self._found = {name: {} for name in [*request.endpoints, *request.router_endpoints]}  # type: dict
        self._not_run = []
        self._digests = {}
        self._residue = {}
        self._leftovers = []
        self._started = self._seconds = 0.0

    def run(self):
        """Go through all endpoints; outcome() then says what was found."""
        self._started = self._clock.monotonic()
        steps = [step for step in STEPS if step in self._request.steps and step not in self.skipped()]
        together = [step for step in steps if step not in _ONE_BY_ONE]
        names = list(self._found)
        try:
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                list(pool.map(lambda name: self._go(name, together, steps), names))
            self._forget(steps)
            for name in names:
                for step in steps:
                    if step in _ONE_BY_ONE:
                        self._step(name, step)
                        self._forget(steps)
        finally:
            self._client.forget()
            self._leftovers = [self._hide(said) for said in self._way.forget()]
            self._seconds = round(self._clock.monotonic() - self._started, 3)

    def outcome(self):
        """Give the module's result: what was found, and a sentence (msg) that sums it up."""
        results = [found for name in self._found for found in sorted(self._found[name].values(), key=_order)]
        skipped = self.skipped()
        return {
            "msg": self._sentence(results, skipped),
            "engine": self._way.name,
            "seconds": self._seconds,
            "results": results,
            "not_run": self._not_run,
            "residue": list(self._residue),
            "leftovers": self._leftovers,
            "skipped_steps": skipped,
        }

    def fails(self, fail_on):
        """Say whether the module is to fail (bool). :param fail_on: list of FAIL_ON"""
        results = [found for name in self._found for found in self._found[name].values()]
        wrong = [found for found in results if found["status"] == "failed"]
        warned = any(found["status"] == "warning" for found in results) or bool(self._leftovers)
        gone_through = {found["endpoint"] for found in results}
        return (
            ("any" in fail_on and bool(wrong))
            or ("warning" in fail_on and (bool(wrong) or warned))
            or ("all" in fail_on and bool(wrong) and gone_through == {found["endpoint"] for found in wrong})
            or any(found["step"] in fail_on for found in wrong)
        )

    def skipped(self):
        """List the steps that were asked for and lack what they need: a token, or an engine whose trust counts."""
        without = [] if self._request.token else list(_WITH_TOKEN)
        without += [] if self._request.outsider_token else ["refused"]
        without += [] if any(self._folder(name) for name in self._request.endpoints) else ["trust"]
        return [step for step in self._request.steps if step in without]

    # ---- the order

    def _go(self, name, together, steps):
        """Go through the steps that do not disturb those by other names."""
        if self._request.skip_unreachable:
            verdict = self._unreachable(name)
            if verdict:
                for step in steps:
                    self._leave_out(name, step, "unreachable", verdict.message, verdict.kind)
                return
        for step in together:
            if step != "trust" or name not in self._router:
                self._step(name, step)

    def _unreachable(self, name):
        verdict = tls.reach(endpoints_of.parse(name), min(_CONNECT, self._request.timeout))
        return None if verdict.ok or verdict.kind not in _UNREACHABLE else verdict

    def _step(self, name, step):
        """Go through one step, unless one that it needs went wrong."""
        found = self._found[name]
        if any(entry["endpoint"] == name and entry["step"] == step for entry in self._not_run):
            return
        broken = [need for need in NEEDS[step] if need in found and found[need]["status"] == "failed"]
        broken += [e["step"] for e in self._not_run if e["endpoint"] == name and e["step"] in NEEDS[step]]
        if broken:
            self._leave_out(name, step, "skipped", "{} did not work".format(broken[0]))
            return
        started = self._clock.monotonic()
        status, reason, said, digest = "ok", None, None, None
        try:
            digest = getattr(self, "_" + step)(name)
        except _Warning as exc:
            status, reason, said = "warning", exc.reason, str(exc)
        except StepError as exc:
            status, reason, said = "failed", exc.reason, str(exc)
        except EngineError as exc:
            status, reason, said = "failed", "engine", "{}: {}".format(name, exc)
        found[step] = {
            "endpoint": name,
            "step": step,
            "ok": status != "failed",
            "status": status,
            "reason": reason,
            "seconds": round(self._clock.monotonic() - started, 3),
            "error": said and self._hide(said),
            "digest": None if step == "tls" else digest,
            "certificate": digest if step == "tls" else None,
            "by": self._by(name, step),
        }

    def _leave_out(self, name, step, status, why, reason=None):
        left = {"endpoint": name, "step": step, "status": status, "reason": reason, "error": why}
        self._not_run.append(left)

    def _way_of(self, name):
        return self._client if name in self._router else self._way

    def _by(self, name, step):
        way = self._way_of(name).name
        if step in ("push", "pull_tag", "pull") or (step == "login" and way == "docker"):
            return way
        return "client" if step in ("login", "monolithic", "chunked", "refused") else "host"

    def _forget(self, steps):
        """Remove what is in the engine before it pulls, so that it has to."""
        if any(step in _ONE_BY_ONE for step in steps):
            self._way.forget()

    def _sentence(self, results, skipped):
        said = [
            "{} of {}".format(found["step"], found["error"])
            for status in ("failed", "warning")
            for found in results
            if found["status"] == status
        ]
        unreachable = [left for left in self._not_run if left["status"] == "unreachable"]
        for name in dict.fromkeys(left["endpoint"] for left in unreachable):
            why = next(left["error"] for left in unreachable if left["endpoint"] == name)
            said.append("{} cannot be reached from here: {}".format(name, why))
        if said:
            return "; ".join(said)
        lacking = [step for step in skipped if step in _WITH_TOKEN]
        if lacking:
            return "No token was given, so only TLS and the registry's API were checked, not {}".format(
                ", ".join(lacking)
            )
        return "Every step works by every name"

    def _hide(self, text):
        return hide(text, (self._request.token, self._request.outsider_token))

    # ---- the steps; each raises StepError or EngineError, and gives a digest or None

    def _context(self, name):
        """Whom this host is to trust for a name: ca_cert, or router_ca_cert, or whom its engine trusts."""
        return self._context_for(name, self._request.router_ca if name in self._router else self._request.ca)

    def _context_of_engine(self, name):
        """Whom the host's engine trusts, by the files that it reads for a name; where there is none, as _context()."""
        return self._context_for(name, None if self._has_files(name) else self._request.ca)

    def _has_files(self, name):
        """Say whether what the engine trusts is in files that can be told here: a hosts.toml is containerd's alone."""
        folder = self._folder(name)
        return bool(folder) and not os.path.exists("{}/{}".format(folder, HOSTS))

    def _context_for(self, name, ca):
        folder = self._folder(name)
        files = sorted(glob.glob(glob.escape(folder) + "/*.crt")) if folder else []
        try:
            return tls.context_for(ca, files)
        except OSError as exc:
            said = "{}: a CA file in {} cannot be read: {}".format(name, folder, exc)
            raise StepError("ca_file", said) from exc

    def _resolve(self, name):
        at = endpoints_of.parse(name)
        if at.ip is None and not tls.addresses(at.host):
            said = "{} does not resolve".format(at.host)
            raise StepError("unresolved", tls.explain(name, tls.Verdict(False, "unresolved", said)))

    def _tls(self, name):
        verdict, digest = tls.served(endpoints_of.parse(name), self._context(name), self._request.timeout)
        self._must(name, verdict)
        return digest

    def _v2(self, name):
        at = endpoints_of.parse(name)
        verdict, status, headers = tls.get(at, self._context(name), "/v2/", self._request.timeout)
        self._must(name, verdict)
        if status not in (200, 401):
            said = "{}: GET /v2/ gives HTTP status {}, not 200 or 401: {}"
            raise StepError("not_registry", said.format(name, status, ADVICE["not_registry"]))
        if "docker-distribution-api-version" not in headers:
            said = "{}: GET /v2/ is answered, but not by a registry (no Docker-Distribution-Api-Version)"
            raise StepError("not_registry", said.format(name))

    def _trust(self, name):
        """What this host's engine makes of the certificate, by the files that it reads for this name."""
        folder = self._folder(name)
        if self._has_files(name):
            verdict = tls.check(endpoints_of.parse(name), self._context_of_engine(name), self._request.timeout)
            if not verdict.ok:
                message = "{} trusts what is in {} and the system's CAs: {}".format(
                    self._way.name, folder, verdict.message
                )
                self._must(name, verdict._replace(message=message))
        flag = self._way.unverified(name)
        if flag:
            said = "{}: {} does not verify this name, because of --insecure-registry {}, so its steps are no proof of "
            raise _Warning("insecure", (said + "trust: run playbooks/trust.yml").format(name, self._way.name, flag))

    def _login(self, name):
        self._way_of(name).login(name)

    def _push(self, name):
        way = self._way_of(name)
        digest = way.push(name)
        self._digests[name] = digest
        self._stays(getattr(way, "tag", self._request.tag), digest)
        return digest

    def _monolithic(self, name):
        return self._sent(self._client.push(name))

    def _chunked(self, name):
        return self._sent(self._client.push(name, self._request.chunk_size))

    def _sent(self, digest):
        self._stays(self._client.tag, digest)
        return digest

    def _refused(self, name):
        request = self._request
        digest = next(filter(None, map(self._pushed_by(name).get, _PUSHES)), None)
        open_question = self._client.refuses(name, request.outsider_username, request.outsider_token, digest)
        if open_question:
            said = "{}: {} may not push; whether {} may pull is not proven: {}"
            raise _Warning("unproven", said.format(name, *[request.outsider_username] * 2, open_question))

    def _pushed_by(self, name):
        """Give the digests that this run has pushed by a name, by their steps."""
        return {step: found["digest"] for step, found in self._found[name].items() if found["status"] == "ok"}

    def _pull_tag(self, name):
        return self._way_of(name).pull(name, self._request.tag, self._pushed(name))

    def _pull(self, name):
        pushed = self._pushed(name)
        return self._way_of(name).pull(name, pushed, pushed)

    def _pushed(self, name):
        if name not in self._digests:
            raise StepError("other", "{}: a pull needs the digest of a push; say both steps".format(name))
        return self._digests[name]

    def _stays(self, tag, digest):
        request = self._request
        self._residue["{}/{}:{}@{}".format(request.project, request.image, tag, digest)] = True

    def _must(self, name, verdict):
        if verdict.ok:
            return
        raise StepError(verdict.kind, tls.explain(name, verdict, at_router=name in self._router))


class _Warning(StepError):
    """A step works, and not as it should."""


def _order(found):
    return STEPS.index(found["step"])
