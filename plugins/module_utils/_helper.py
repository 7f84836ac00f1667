# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a helper (``_build/helper``), waiting for it, and taking it away again, whatever happens in between.

One that a killed run left behind ends by itself at its deadline; the next run recognises it and replaces it. So two
runs for one registry at once would end each other's: the one whose helper goes fails, and has switched nothing yet.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _podstate
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._apply import Outcome, ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._build.helper import CONTAINER, LABEL, Helper, is_ours, job
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ApiError,
    RefusedError,
    RegistryError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._podstate import Cause

#: Seconds after which a cause counts as lasting, as _podstate.GRACE; shorter where somebody waits for an answer.
GRACE: Mapping[str, int] = {**_podstate.GRACE, "mount": 45, "schedule": 30, "refused": 5}
#: Seconds for a helper to be gone once it is deleted.
GONE = 60.0
_PAUSES = (0.2, 1.4, 1.0)  # seconds: the first, the factor, the longest
#: As Docker's kubelets and as today's say it.
_NOT_STARTED = ("ContainerCannotRun", "StartError")
LOG_BYTES = 256 * 1024

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Running:
    """A helper that runs; ``api.exec(r.namespace, r.pod, r.container, …)`` runs commands in it."""

    namespace: str
    pod: str
    node: str
    container: str = CONTAINER


@dataclass(frozen=True)
class Finished:
    """How a helper ended.

    :param log: what it printed, standard output and error together.
    :param not_started: why its program could not be started (no such program in the image); None where it was.
    """

    code: int
    log: str
    node: str
    not_started: str | None = None


@contextlib.contextmanager
def running(api: Api, helper: Helper, workload: Object, *, timeout: float = 180.0) -> Iterator[Running]:
    """A helper for as long as the context lasts: it runs when the context is entered, and is gone afterwards.

    :param helper: its command has to last (``sleep``, up to ``helper.seconds``).
    :param workload: the registry's workload as it is or will be (``change.after``), for user, groups, node and image.
    :param timeout: seconds until it has to run.
    :raises WaitError: when it does not run, with the reason in the cluster's words; ``category`` is in the details.
    :raises RefusedError: when a Job of that name is somebody else's.
    """
    with _made(api, helper, workload) as uid:
        pod = _wait(api, helper, uid, timeout, until=("Running", "Succeeded", "Failed"))
        if _phase(pod) != "Running":
            raise WaitError(f"{helper.ref} ended before it was of use: {_ending(api, helper, pod)}", category="crash")
        yield Running(helper.namespace, _podstate.name_of(pod), str(pod["spec"].get("nodeName")))


def run(api: Api, helper: Helper, workload: Object, *, timeout: float = 180.0) -> Finished:
    """Run a helper to its end; it is gone afterwards. Parameters and errors as with :func:`running`.

    :raises WaitError: also when its node's kubelet ended it (evicted, deadline), so that there is no exit code.
    :raises ApiError: when what it printed cannot be read.
    """
    with _made(api, helper, workload) as uid:
        pod = _wait(api, helper, uid, timeout, until=("Succeeded", "Failed"))
        code = _exit_code(pod)
        if code is None or (pod.get("status") or {}).get("reason"):  # DeadlineExceeded, Evicted …
            raise WaitError(f"{helper.ref} did not end by itself: {_ending(api, helper, pod)}", category="evicted")
        done = _terminated(pod)
        said = str(done.get("message") or done["reason"]) if done.get("reason") in _NOT_STARTED else None
        return Finished(code, _log(api, helper, pod), str(pod["spec"].get("nodeName")), said)


@contextlib.contextmanager
def _made(api: Api, helper: Helper, workload: Object) -> Iterator[str]:
    """Uid of the Job, made anew; deleted at the end. An error of the deletion never hides one from inside."""
    remove(api, helper)
    hidden: tuple[type[RegistryError], ...] = (RegistryError,)
    try:
        # One try block, for a create whose answer is lost may have been carried out.
        live = ensure(api, helper.ref, job(helper, workload), check_mode=False).live or {}
        yield str((live.get("metadata") or {}).get("uid"))
        hidden = ()
    finally:  # also when the context is dropped without an exit (GeneratorExit), and on an interrupt
        with contextlib.suppress(*hidden):
            remove(api, helper)


def remove(api: Api, helper: Helper) -> None:
    """Take a helper away, if there is one, and wait until its pod is gone and has let go of its volumes.

    :raises RefusedError: when a Job of that name is somebody else's.
    :raises WaitError: when it does not go.
    """

    def keep(live: dict[str, Any]) -> str | None:
        if is_ours(helper, live):
            return None
        raise RefusedError(
            f"{helper.ref} was not made by okd.registry for {helper.owner}, but it has the name that is needed here:"
            " delete it, or give it another name."
        )

    ensure_absent(api, helper.ref, check_mode=False, keep=keep, propagation="Foreground")
    end = time.monotonic() + GONE
    with api.waiting():
        for pause in _pauses():
            pods = api.list("v1", "Pod", helper.namespace, labels={LABEL: helper.name})
            if not pods and api.get(helper.ref) is None:
                return
            if time.monotonic() > end:
                names = ", ".join(f"Pod {helper.namespace}/{_podstate.name_of(p)}" for p in pods) or str(helper.ref)
                raise WaitError(
                    f"{names} is still there {GONE:.0f} s after it was deleted, and may hold its volume: look at the"
                    " node it is on, delete it, and run again."
                )
            time.sleep(pause)


def discard(api: Api, helper: Helper, add: Callable[[Outcome], Any], *, check_mode: bool) -> None:
    """Take a helper away that a killed run has left, without a wait. One that is somebody else's stays."""
    live = api.get(helper.ref)
    if live is not None and is_ours(helper, live):
        add(ensure_absent(api, helper.ref, check_mode=check_mode, live=live, propagation="Foreground"))


def _pauses() -> Iterator[float]:
    pause = _PAUSES[0]
    while True:
        yield pause
        pause = min(pause * _PAUSES[1], _PAUSES[2])


def _wait(api: Api, helper: Helper, uid: str, timeout: float, *, until: tuple[str, ...]) -> dict[str, Any]:
    """The helper's pod, once it is in one of the phases."""
    start = since = time.monotonic()
    seen: tuple[str | None, str] | None = None
    with api.waiting():
        for pause in _pauses():
            pod = _pod(api, helper, uid)
            if pod and _phase(pod) in until:
                return pod
            cause = _cause(api, helper, pod)
            now = time.monotonic()
            if (cause.category, cause.short) != seen:
                seen, since = (cause.category, cause.short), now
            lasting = cause.category and now - since >= GRACE[cause.category]
            if lasting or now - start > timeout:
                what = f"Pod {helper.namespace}/{_podstate.name_of(pod)}" if pod else str(helper.ref)
                verb = "end" if "Running" not in until else "run"
                text = cause.text.rstrip(".")
                raise WaitError(
                    f"{what} (helper of {helper.owner}) does not {verb}, after {now - start:.0f} s: {text}.",
                    category=cause.category,
                )
            time.sleep(pause)
    raise AssertionError("not reached: the pauses never end")


def _pod(api: Api, helper: Helper, uid: str) -> dict[str, Any] | None:
    pods = api.list("v1", "Pod", helper.namespace, labels={LABEL: helper.name})
    own = [p for p in pods if any(o.get("uid") == uid for o in p["metadata"].get("ownerReferences") or [])]
    return own[0] if own else None


def _cause(api: Api, helper: Helper, pod: dict[str, Any] | None) -> Cause:
    """What keeps it, as far as is known. Who may not read events is told what the status tells."""
    if pod and _phase(pod) == "Running":
        return Cause(None, "running", "it has not finished yet")
    live = pod or api.get(helper.ref)
    if live is None:
        return Cause("evicted", "gone", "somebody has deleted it (another run for the same registry?)")
    events: list[dict[str, Any]] = []
    with contextlib.suppress(ApiError):
        fields = f"involvedObject.name={_podstate.name_of(live)}"
        events = api.list("v1", "Event", helper.namespace, fields=fields)
    if pod:
        return _podstate.cause_of(pod, events)
    waiting = Cause(None, "no pod yet", "the Job controller has made no pod for it yet")
    return _podstate.refusal(live, events) or waiting


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _terminated(pod: Object) -> dict[str, Any]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((s["state"]["terminated"] for s in statuses if (s.get("state") or {}).get("terminated")), {})


def _exit_code(pod: Object) -> int | None:
    code = _terminated(pod).get("exitCode")
    return None if code is None else int(code)


def _ending(api: Api, helper: Helper, pod: Object) -> str:
    """How a pod ended, in the kubelet's words and its own."""
    status, done = pod.get("status") or {}, _terminated(pod)
    words = [status.get("reason"), status.get("message"), done.get("message")]
    if done.get("exitCode") is not None:
        words.append(f"exit code {done['exitCode']}")
    said = ""
    with contextlib.suppress(ApiError):  # what is known is said without it
        said = _podstate.last_words(_log(api, helper, pod))
    return "; ".join(str(w).strip() for w in (*words, said) if w) or "nothing is known of it"


def _log(api: Api, helper: Helper, pod: Object) -> str:
    return api.log(helper.namespace, _podstate.name_of(pod), container=CONTAINER, first_bytes=LOG_BYTES)
