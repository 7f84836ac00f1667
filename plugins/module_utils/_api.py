# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API as this collection uses it: read, patch, count, retry with limits, and say what went wrong.

Knows nothing of the kubernetes library: ``_kube`` makes the transport. Nothing is connected before the first request,
so errors in options come first and are quick.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol
from urllib.parse import urlencode

from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ApiError,
    ForbiddenError,
    NotFoundError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._exec import TURNED_AWAY, Exec, start
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, collection_path, group_of, plural
from ansible_collections.okd.registry.plugins.module_utils._status import Request, error_from, is_missing_object

JSON_PATCH = "application/json-patch+json"
ATTEMPTS = 5
PAGE = 500  # objects in one answer; servers before 1.9 give all
EXPIRED = 410  # what a page was to follow is forgotten, some minutes after it was begun
# 500 is usually a webhook or etcd having a bad moment; 502-504 a load balancer whose master is restarting.
RETRIED = (429, 500, 502, 503, 504)
EXEC_START = 30.0  # seconds for API server and kubelet to start a command
LONGEST_PAUSE = 10.0  # seconds; also caps what Retry-After may ask for

GroupVersions = dict[str, list[str]]
Objects = list[dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, of any status.

    :param retry_after: seconds the server asked to wait, if it did.
    """

    status: int
    body: bytes = b""
    retry_after: float | None = None


class LostError(Exception):
    """No HTTP answer came.

    :param sent: whether the request may have reached the server (and so may have been carried out).
    :param attempts: how often it is worth trying in all (once with a wrong certificate or an unknown host).
    :param advice: what to check, as a sentence.
    """

    def __init__(self, message: str, *, sent: bool, attempts: int, advice: str) -> None:
        super().__init__(message)
        self.sent = sent
        self.attempts = attempts
        self.advice = advice


class Transport(Protocol):
    """What ``Api`` needs of a connection."""

    description: str

    def send(self, method: str, url: str, body: bytes | None, content_type: str) -> Answer:
        """One request, no retries. ``url`` is path and query. Raises LostError when no answer comes."""

    def websocket(self, url: str, protocols: Sequence[str], request: Request, timeout: float) -> tuple[int, Any]:
        """(101, a connected WebSocket), or (HTTP status, body). Raises UnreachableError when no answer comes."""

    def port_forward(self, path: str, port: int, request: Request, timeout: float) -> AbstractContextManager[Any]:
        """A context manager giving a socket-like object (``recv``, ``sendall``) to a pod's port."""


class Api:
    """The Kubernetes API as this collection uses it.

    ``create``, ``patch`` and ``delete`` are for ``_apply`` only: it is the one writer.

    :param connection: makes the transport at the first request.
    :param sleep: replaced in tests.
    :ivar wrote: whether a write went through, or may have; a module that fails afterwards has changed something.
    """

    def __init__(self, connection: Callable[[], Transport], *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._make = connection
        self._made: Transport | None = None
        self._sleep = sleep
        self._counts: Counter[str] = Counter()
        self._kind_of_count: str | None = None
        self._groups: GroupVersions | None = None
        self.wrote = False

    # ---- reading -------------------------------------------------------------------------------------------------

    def get(self, ref: ObjectRef) -> dict[str, Any] | None:
        """One object, or None when it is not there. Raises KindNotServedError when the cluster has no such API."""
        answer = self._send("GET", ref.path, _request("get", ref))
        return None if answer.status == 404 else _object(answer)

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        labels: Mapping[str, str] | str | None = None,
        fields: str | None = None,
    ) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace (or everywhere), with ``apiVersion`` and ``kind`` filled in.

        They are asked for by pages of PAGE objects. Where the server has forgotten the list meanwhile (410), all are
        asked for anew, at once.

        :param labels: label selector, as a map or in the API's text form.
        :param fields: field selector, as the API writes it.
        """
        selector = ",".join(f"{k}={v}" for k, v in labels.items()) if isinstance(labels, Mapping) else labels
        chosen = {k: v for k, v in (("labelSelector", selector), ("fieldSelector", fields)) if v}
        names = plural(api_version, kind)
        what = f"the {names} in namespace {namespace}" if namespace else f"all {names}"
        asked = Request("list", what, group_of(api_version), names, namespace)
        items = self._pages(collection_path(api_version, kind, namespace), asked, chosen)
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def _pages(self, path: str, asked: Request, chosen: Mapping[str, Any]) -> Objects:
        found: Objects = []
        query = {**chosen, "limit": PAGE}
        while True:
            try:
                page = _object(self._send("GET", path, asked, query=query))
            except ApiError as exc:
                if exc.status != EXPIRED or "continue" not in query:
                    raise
                found, query = [], {**chosen}
                continue
            found += page.get("items") or []
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return found
            query = {**query, "continue": following}

    def log(
        self,
        namespace: str,
        pod: str,
        *,
        container: str | None = None,
        tail: int | None = None,
        first_bytes: int | None = None,
        previous: bool = False,
        since_seconds: int | None = None,
        since_time: str | None = None,
    ) -> str:
        """A container's log. Raises InvalidError while the container has not started yet.

        :param tail: last lines only.
        :param first_bytes: no more than so much, counted from the beginning (or from ``tail``).
        :param previous: the log of the run before the last restart.
        :param since_seconds: only what was written within so many seconds.
        :param since_time: only what was written since that time (RFC 3339).
        """
        wanted = {"container": container, "tailLines": tail, "limitBytes": first_bytes, "previous": previous or None}
        wanted |= {"sinceSeconds": since_seconds, "sinceTime": since_time}
        query = {k: v for k, v in wanted.items() if v}
        ref = ObjectRef("v1", "Pod", pod, namespace)
        answer = self._send("GET", f"{ref.path}/log", _request("get", ref, "log"), query=query)
        if answer.status == 404:
            raise error_from(404, answer.body, _request("get", ref, "log"))
        return answer.body.decode("utf-8", "replace")

    @contextmanager
    def port_forward(self, namespace: str, pod: str, port: int, *, timeout: float = 10.0) -> Iterator[Any]:
        """A context manager giving a connected socket to a pod's port, through the API server.

        This is how the registry is reached from a machine that has no route to pods or services. A server that has no
        time at the moment is asked again.
        """
        ref = ObjectRef("v1", "Pod", pod, namespace)
        asked = _request("get", ref, "portforward")
        with ExitStack() as opened:
            for attempt in count(1):
                self._count("get")
                try:
                    forward = self._transport.port_forward(f"{ref.path}/portforward", port, asked, timeout)
                    tunnel = opened.enter_context(forward)
                    break
                except ApiError as exc:
                    if exc.status not in TURNED_AWAY or attempt == ATTEMPTS:
                        raise
                self.pause(attempt)
            yield tunnel

    def exec(
        self,
        namespace: str,
        pod: str,
        container: str | None,
        command: Sequence[str],
        *,
        stdin: Iterable[bytes] | None = None,
        timeout: float = 60.0,
    ) -> Exec:
        """A command in a container; use it as a context manager, iterate over it for its output (bytes, as it comes).

        At the end ``ended`` (or ``finish()``, ``check()``) has exit code and the last 4 kB of standard error. Memory
        is constant; one Exec may be the ``stdin`` of another::

            with api.exec(ns, old, c, ["tar", "-cf", "-", "-C", "/registry", "."]) as source, \\
                 api.exec(ns, new, c, ["tar", "-xf", "-", "-C", "/new"], stdin=source) as sink:
                sink.check()
                source.check()

        A broken source breaks the sink too, but a source that ends with an exit code does not: check both. Kubelets
        have been known to lose the end of an output, so prove copies by their content.

        :param container: None for the pod's only one.
        :param command: program and arguments; no shell is involved.
        :param stdin: anything that gives bytes. Before Kubernetes 1.30 the container needs sh, sed and base64 for it.
        :param timeout: seconds without a byte in either direction after which it is given up; no limit for the whole.
        :raises ForbiddenError: without rights on pods/exec; the text has the rule.
        :raises ExecRefusedError: when a policy refuses it, as OpenShift 3 does in privileged pods.
        :raises NotFoundError: when there is no such pod.
        :raises InvalidError: when it has no such container, or is on no node yet.
        :raises ExecError: when the command cannot be started: no such program, container not running, kubelet away.
        """
        ref = ObjectRef("v1", "Pod", pod, namespace)
        # Through a WebSocket it is a GET, and so the right "get"; since 1.35 "create" is asked for as well.
        asked = replace(_request("create", ref, "exec"), what=f"pods/exec of {ref}", more_verbs=("get",))

        def dial(query: str, protocols: Sequence[str]) -> tuple[int, Any]:
            self._count("get")
            return self._transport.websocket(f"{ref.path}/exec?{query}", protocols, asked, EXEC_START)

        return start(dial, asked, container, command, stdin=stdin, timeout=timeout, pause=self.pause)

    # ---- what the cluster has and allows -------------------------------------------------------------------------

    def groups(self) -> GroupVersions:
        """API group name -> its served versions, from one ``GET /apis`` (kept)."""
        if self._groups is None:
            with self._counted_as("discovery"):
                answer = self._send("GET", "/apis", Request("get", "the list of API groups"))
            found = _object(answer).get("groups") or []
            self._groups = {g["name"]: [v["version"] for v in g.get("versions") or []] for g in found}
        return self._groups

    def has(self, api_version: str) -> bool:
        """Whether a group (``route.openshift.io``) or group and version (``policy/v1``) is served."""
        group, _slash, version = api_version.partition("/")
        return group in self.groups() and (not version or version in self.groups()[group])

    def version(self) -> str:
        """The server's ``gitVersion``, such as ``v1.11.0+d4cacc0``."""
        with self._counted_as("discovery"):
            answer = self._send("GET", "/version", Request("get", "the version of the API server"))
        return str(_object(answer).get("gitVersion") or "")

    def openshift_version(self) -> str | None:
        """``gitVersion`` of OpenShift 3, such as ``v3.11.0+bf985b1-399``; None on other clusters."""
        try:
            with self._counted_as("discovery"):
                answer = self._send("GET", "/version/openshift", Request("get", "the version of OpenShift"))
        except (NotFoundError, ForbiddenError):  # 403: anybody may read it on version 3, so that this is none
            return None
        return str(_object(answer).get("gitVersion") or "") or None

    def may(
        self,
        verb: str,
        resource: str,
        *,
        group: str = "",
        namespace: str | None = None,
        name: str = "",
        subresource: str = "",
    ) -> bool:
        """Whether the user of this connection has a right (SelfSubjectAccessReview: since 1.6, and needs no rights)."""
        asked = {"verb": verb, "resource": resource, "group": group, "namespace": namespace or "", "name": name}
        spec = {"resourceAttributes": {**asked, "subresource": subresource}}
        return bool(self.review("authorization.k8s.io/v1", "SelfSubjectAccessReview", spec).get("allowed"))

    def review(self, api_version: str, kind: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for an opinion of the API server, of which nothing is stored; gives its ``status``."""
        path, body = collection_path(api_version, kind), {"apiVersion": api_version, "kind": kind, "spec": spec}
        asked = Request("create", f"a {kind}", group_of(api_version), plural(api_version, kind))
        with self._counted_as("discovery"):
            answer = self._send("POST", path, asked, body=body)
        return _object(answer).get("status") or {}

    def token(self, account: ObjectRef, seconds: int) -> str | None:
        """A token of a ServiceAccount (TokenRequest: since 1.12), which no object of the API comes of.

        :param seconds: how long it is asked to last; the server may give it another time.
        :returns: None where there is no such account, or the server has no TokenRequest.
        """
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        try:
            answer = self._send("POST", f"{account.path}/token", _request("create", account, "token"), body=body)
        except NotFoundError:
            return None
        return str((_object(answer).get("status") or {}).get("token") or "") or None

    # ---- writing, for _apply -------------------------------------------------------------------------------------

    def create(self, obj: Mapping[str, Any], part: str = "", of: ObjectRef | None = None) -> dict[str, Any]:
        """Create an object, or a part (``eviction``) of one. Raises AlreadyExistsError when somebody was faster."""
        ref = of or ObjectRef.of(obj)
        path = f"{ref.path}/{part}" if part else collection_path(ref.api_version, ref.kind, ref.namespace)
        return _object(self._write("POST", path, _request("create", ref, part), body=obj))

    def patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Apply a JSON Patch. Raises ConflictError when the object is no longer the one that was read."""
        asked = _request("patch", ref)
        return _object(self._write("PATCH", ref.path, asked, body=operations, content_type=JSON_PATCH))

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
        propagation: str = "Background",
    ) -> None:
        """Delete an object; that it is gone already is fine. Raises ConflictError when it is another one by now."""
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        preconditions = {k: v for k, v in (("uid", uid), ("resourceVersion", resource_version)) if v}
        if preconditions:
            body["preconditions"] = preconditions
        self._write("DELETE", ref.path, _request("delete", ref), body=body, missing_is_fine=True)

    def _write(self, method: str, path: str, asked: Request, **options: Any) -> Answer:
        """One write. One whose answer was lost may have been carried out: whoever fails then is to say "changed"."""
        try:
            answer = self._send(method, path, asked, **options)
        except (ApiError, UnreachableError) as exc:
            self.wrote = self.wrote or exc.maybe_done
            raise
        self.wrote = True
        return answer

    # ---- counting ------------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Requests so far by HTTP verb; ``discovery`` and ``waiting`` apart. Retries count: the audit log sees them."""
        return {k: self._counts[k] for k in ("get", "post", "patch", "delete", "discovery", "waiting")}

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Requests made inside count as waiting: how many there are depends on the cluster, not on us."""
        with self._counted_as("waiting"):
            yield

    @contextmanager
    def _counted_as(self, kind: str) -> Iterator[None]:
        before, self._kind_of_count = self._kind_of_count, self._kind_of_count or kind
        try:
            yield
        finally:
            self._kind_of_count = before

    def _count(self, verb: str) -> None:
        self._counts[self._kind_of_count or verb.lower()] += 1

    # ---- sending -------------------------------------------------------------------------------------------------

    @property
    def _transport(self) -> Transport:
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def address(self) -> str:
        """The API server's URL and where it came from, for messages."""
        return self._transport.description

    def _send(
        self,
        method: str,
        path: str,
        asked: Request,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        missing_is_fine: bool = False,
    ) -> Answer:
        """One request with its retries. A 404 that names the object comes back as it is for reads, else as an error.

        An attempt that ended without an answer, or with a 5xx, may have been carried out; the error of a later attempt
        then has ``maybe_done`` set, so that the writer can tell its own work from somebody else's.
        """
        url = path + ("?" + urlencode(query) if query else "")
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        lost = False
        for attempt in range(1, ATTEMPTS + 1):
            self._count(method)
            try:
                answer = self._transport.send(method, url, data, content_type)
            except LostError as exc:
                lost = lost or exc.sent
                if attempt >= min(exc.attempts, ATTEMPTS):
                    away = UnreachableError(f"The API server at {self.address} cannot be reached: {exc}. {exc.advice}")
                    away.maybe_done = lost
                    raise away from exc
                self.pause(attempt)
                continue
            if answer.status in RETRIED and attempt < ATTEMPTS:
                # A server (or what stands before it) may fail after the work is done; 429 turns away before.
                lost = lost or answer.status >= 500
                self.pause(attempt, answer.retry_after)
                continue
            break
        if answer.status < 400:
            return answer
        if answer.status == 404 and (method == "GET" or missing_is_fine) and is_missing_object(answer.body):
            return answer
        error = error_from(answer.status, answer.body, asked)
        error.maybe_done = lost
        raise error

    def pause(self, attempt: int, asked: float | None = None) -> None:
        """Wait before another attempt: what the server asked for, else longer each time, a little at random."""
        pause = asked if asked is not None else 0.2 * 2 ** (attempt - 1) * (0.75 + random.random() / 2)  # noqa: S311 - no secret
        self._sleep(min(pause, LONGEST_PAUSE))


def _request(verb: str, ref: ObjectRef, subresource: str = "") -> Request:
    resource = f"{ref.plural}/{subresource}" if subresource else ref.plural
    what = f"{ref} ({subresource})" if subresource else str(ref)
    return Request(verb, what, ref.group, resource, ref.namespace, ref.name)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        value = json.loads(answer.body)
    except ValueError as exc:
        text = answer.body[:200].decode("utf-8", "replace")
        raise UnreachableError(f"What answered is no Kubernetes API server: HTTP {answer.status}, {text!r}") from exc
    return value if isinstance(value, dict) else {}
