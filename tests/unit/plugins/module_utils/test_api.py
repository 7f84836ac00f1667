# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API client: what it sends, counts and retries, and how it puts errors into words. With a scripted connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import ATTEMPTS, Answer, Api, LostError
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, collection_path
from ansible_collections.okd.registry.plugins.module_utils._status import error_from

SERVICE = ObjectRef("v1", "Service", "docker-registry", "default")
ROUTE = ObjectRef("route.openshift.io/v1", "Route", "docker-registry", "default")
OBJECT = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "docker-registry", "namespace": "default"}}


def status(code: int, reason: str = "", message: str = "said", **details: Any) -> Answer:
    body = {"kind": "Status", "reason": reason, "message": message, "details": details, "code": code}
    return Answer(code, json.dumps(body).encode())


MISSING = status(404, "NotFound", 'services "docker-registry" not found', name="docker-registry", kind="services")
RESET = LostError("Connection reset by peer", sent=True, attempts=5, advice="Run again.")
REFUSED = LostError("Connection refused", sent=False, attempts=3, advice="Check the address.")
BAD_TLS = LostError("certificate verify failed", sent=False, attempts=1, advice="Check the CA.")


class Script:
    """A connection that answers what it is told, in order, and remembers what it was asked."""

    description = "https://api.example.com:6443 (from kubeconfig k)"

    def __init__(self, *answers: Answer | LostError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any, str]] = []

    def send(self, method: str, url: str, body: bytes | None, content_type: str) -> Answer:
        self.asked.append((method, url, json.loads(body) if body else None, content_type))
        answer = self.answers.pop(0)
        if isinstance(answer, LostError):
            raise answer
        return answer

    def port_forward(self, path: str, port: int, request: Any, timeout: float) -> AbstractContextManager[Any]:
        @contextmanager
        def tunnel() -> Iterator[str]:
            if self.answers:
                answer = self.answers.pop(0)
                raise error_from(answer.status, answer.body, request)
            yield f"{path}:{port}"

        return tunnel()


class Pauses(list[float]):
    """Takes the place of time.sleep."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def api_of(*answers: Answer | LostError) -> tuple[Api, Script, Pauses]:
    script, pauses = Script(*answers), Pauses()
    return Api(lambda: script, sleep=pauses), script, pauses


def ok(value: Any = OBJECT) -> Answer:
    return Answer(200, json.dumps(value).encode())


def test_nothing_is_connected_before_the_first_request() -> None:
    def refuse() -> Script:
        raise AssertionError("connected")

    api = Api(refuse)
    assert api.counts()["get"] == 0


def test_paths() -> None:
    assert SERVICE.path == "/api/v1/namespaces/default/services/docker-registry"
    assert ROUTE.path == "/apis/route.openshift.io/v1/namespaces/default/routes/docker-registry"
    assert ObjectRef("v1", "Node", "a b").path == "/api/v1/nodes/a%20b"
    assert collection_path("v1", "Service") == "/api/v1/services"
    assert str(SERVICE) == "Service default/docker-registry"
    assert str(ObjectRef("v1", "Node", "n")) == "Node n"
    with pytest.raises(KeyError, match="Nonsense"):
        collection_path("v1", "Nonsense")


def test_get_gives_the_object_or_none() -> None:
    api, script, _ = api_of(ok(), MISSING)
    assert api.get(SERVICE) == OBJECT
    assert api.get(SERVICE) is None
    assert [a[:2] for a in script.asked] == [("GET", SERVICE.path)] * 2
    assert api.counts() == {"get": 2, "post": 0, "patch": 0, "delete": 0, "discovery": 0, "waiting": 0}


@pytest.mark.parametrize(
    "answer",
    [Answer(404, b"404 page not found\n"), status(404, "NotFound", "the server could not find the requested resource")],
)
def test_a_kind_the_cluster_lacks_is_told_from_a_missing_object(answer: Answer) -> None:
    api, _, _ = api_of(answer)
    with pytest.raises(KindNotServedError, match=r"does not serve routes of the API group route.openshift.io"):
        api.get(ROUTE)


def test_list_fills_in_kind_and_sends_selectors() -> None:
    api, script, _ = api_of(ok({"kind": "PodList", "items": [{"metadata": {"name": "p"}}]}), ok({"items": None}))
    assert api.list("v1", "Pod", "default", labels={"a": "b", "c": ""}, fields="x=y") == [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    ]
    asked = "labelSelector=a%3Db%2Cc%3D&fieldSelector=x%3Dy&limit=500"
    assert script.asked[0][1] == f"/api/v1/namespaces/default/pods?{asked}"
    assert api.list("v1", "Pod") == []


def page(*names: str, following: str = "") -> Answer:
    return ok({"metadata": {"continue": following}, "items": [{"metadata": {"name": name}} for name in names]})


def named(api: Api) -> list[str]:
    return [pod["metadata"]["name"] for pod in api.list("v1", "Pod", labels="a=b")]


def test_a_list_is_read_page_by_page() -> None:
    api, script, _ = api_of(page("a", "b", following="x y"), page("c", following="z"), page())
    assert named(api) == ["a", "b", "c"]
    first = "/api/v1/pods?labelSelector=a%3Db&limit=500"
    assert [asked[1] for asked in script.asked] == [first, f"{first}&continue=x+y", f"{first}&continue=z"]
    assert api.counts()["get"] == 3


def test_a_list_that_has_expired_is_begun_anew_and_asked_for_as_a_whole() -> None:
    expired = status(410, "Expired", "The provided continue parameter is too old")
    api, script, _ = api_of(page("a", following="x"), expired, page("a", "b"))
    assert named(api) == ["a", "b"]
    assert script.asked[-1][1] == "/api/v1/pods?labelSelector=a%3Db"
    api, _, _ = api_of(expired)
    with pytest.raises(ApiError, match="too old"):
        named(api)


def test_writes_say_what_they_are() -> None:
    api, script, _ = api_of(ok(), ok(), ok(), MISSING)
    assert not api.wrote
    api.create(OBJECT)
    assert api.wrote
    api.patch(SERVICE, [{"op": "remove", "path": "/x"}])
    api.delete(SERVICE, uid="u", resource_version="3")
    api.delete(SERVICE)
    assert script.asked[0] == ("POST", "/api/v1/namespaces/default/services", OBJECT, "application/json")
    assert script.asked[1] == ("PATCH", SERVICE.path, [{"op": "remove", "path": "/x"}], "application/json-patch+json")
    assert script.asked[2][2]["preconditions"] == {"uid": "u", "resourceVersion": "3"}
    assert "preconditions" not in script.asked[3][2]
    assert api.counts() == {"get": 0, "post": 1, "patch": 1, "delete": 2, "discovery": 0, "waiting": 0}


def test_discovery_and_waiting_are_counted_apart() -> None:
    groups = {"groups": [{"name": "policy", "versions": [{"version": "v1beta1"}]}]}
    allowed = {"status": {"allowed": True}}
    api, script, _ = api_of(ok(groups), ok({"gitVersion": "v1.11.0+d4cacc0"}), ok(allowed), ok(), ok({"status": {}}))
    assert api.has("policy")
    assert not api.has("policy/v1")
    assert api.has("policy/v1beta1")
    assert api.version() == "v1.11.0+d4cacc0"
    assert api.may("get", "pods", namespace="default", subresource="log")
    assert script.asked[2][2]["spec"]["resourceAttributes"]["subresource"] == "log"
    with api.waiting():
        api.get(SERVICE)
    assert not api.may("get", "nodes")
    assert api.counts() == {"get": 0, "post": 0, "patch": 0, "delete": 0, "discovery": 4, "waiting": 1}


def test_logs() -> None:
    api, script, _ = api_of(Answer(200, b"line\n"), MISSING)
    assert api.log("default", "p", container="registry", tail=5, first_bytes=9, previous=True) == "line\n"
    assert script.asked[0][1].endswith("/pods/p/log?container=registry&tailLines=5&limitBytes=9&previous=True")
    with pytest.raises(NotFoundError):
        api.log("default", "p")


def test_port_forward_is_a_request() -> None:
    api, _, _ = api_of()
    with api.port_forward("default", "p", 5000) as tunnel:
        assert tunnel == "/api/v1/namespaces/default/pods/p/portforward:5000"
    assert api.counts()["get"] == 1


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_port_forward_is_asked_for_again_where_the_server_has_no_time(code: int) -> None:
    api, _, pauses = api_of(status(code), status(code))
    with api.port_forward("default", "p", 5000):
        pass
    assert (api.counts()["get"], len(pauses)) == (3, 2)
    api, _, pauses = api_of(*[status(code)] * 5)
    with pytest.raises(ApiError), api.port_forward("default", "p", 5000):
        pass
    assert len(pauses) == 4


def test_what_goes_wrong_in_a_port_forward_is_not_tried_again() -> None:
    api, _, pauses = api_of()
    with pytest.raises(ApiError), api.port_forward("default", "p", 5000):
        raise ApiError("said by the user of it", status=503)
    assert pauses == []
    api, _, pauses = api_of(status(404))
    with pytest.raises(NotFoundError), api.port_forward("default", "p", 5000):
        pass
    assert pauses == []


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(code: int) -> None:
    api, _, pauses = api_of(status(code), Answer(code, b"<html>", retry_after=3), ok())
    assert api.get(SERVICE) == OBJECT
    assert api.counts()["get"] == 3
    assert pauses[1] == 3
    assert 0 < pauses[0] < 1


def test_patience_ends() -> None:
    api, _, pauses = api_of(*[Answer(503, b"", retry_after=600)] * ATTEMPTS)
    with pytest.raises(ServerError, match="503"):
        api.get(SERVICE)
    assert max(pauses) <= 10


def test_a_broken_connection_is_tried_again() -> None:
    api, _, _ = api_of(RESET, ok())
    assert api.get(SERVICE) == OBJECT


def test_an_address_where_nothing_listens_is_given_up_soon() -> None:
    api, script, _ = api_of(*[REFUSED] * ATTEMPTS)
    with pytest.raises(
        UnreachableError, match=r"https://api.example.com:6443 \(from kubeconfig k\).*refused.*Check the address"
    ):
        api.get(SERVICE)
    assert len(script.asked) == 3


def test_a_wrong_certificate_is_not_tried_again() -> None:
    api, script, _ = api_of(BAD_TLS)
    with pytest.raises(UnreachableError, match="Check the CA"):
        api.get(SERVICE)
    assert len(script.asked) == 1


@pytest.mark.parametrize(
    ("lost", "answer", "kind"),
    [
        (RESET, status(409, "AlreadyExists"), AlreadyExistsError),
        (RESET, status(409, "Conflict"), ConflictError),
        (REFUSED, status(409, "AlreadyExists"), AlreadyExistsError),
    ],
)
def test_a_write_that_may_have_gone_through_is_marked(lost: LostError, answer: Answer, kind: type[Any]) -> None:
    api, _, _ = api_of(lost, answer)
    with pytest.raises(kind) as caught:
        api.create(OBJECT)
    assert caught.value.maybe_done is lost.sent


@pytest.mark.parametrize(("code", "maybe"), [(500, True), (502, True), (503, True), (504, True), (429, False)])
def test_a_write_answered_with_a_failure_may_have_gone_through(code: int, maybe: bool) -> None:
    """A server, or a load balancer before it, may fail after the work is done; 429 comes before any work."""
    api, _, _ = api_of(Answer(code, b"<html>"), status(409, "AlreadyExists"))
    with pytest.raises(AlreadyExistsError) as caught:
        api.create(OBJECT)
    assert caught.value.maybe_done is maybe


def test_a_first_conflict_is_somebody_elses() -> None:
    api, _, _ = api_of(status(409, "Conflict"))
    with pytest.raises(ConflictError) as caught:
        api.patch(SERVICE, [])
    assert caught.value.maybe_done is False


_DENIED = 'services "docker-registry" is forbidden: User "bob" cannot patch '
RBAC = _DENIED + 'resource "services" in API group "" in the namespace "default"'
RBAC_OLD = _DENIED + 'services in the namespace "default": no RBAC policy matched'
GRANT = 'clusterroles "x" is forbidden: user "bob" is attempting to grant RBAC permissions not currently held:\n{}'


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            status(401, "Unauthorized", "Unauthorized"),
            UnauthorizedError,
            "credentials.*patch Service default/docker-registry",
        ),
        (
            status(403, "Forbidden", RBAC),
            ForbiddenError,
            'user bob cannot patch .*apiGroups: \\[""\\]\n  resources: \\[services\\]\n  verbs: \\[patch\\]',
        ),
        (status(403, "Forbidden", RBAC_OLD), ForbiddenError, "resources: \\[services\\]"),
        (status(403, "Forbidden", GRANT), ForbiddenError, "may grant rights that he does not have"),
        (status(403, "Forbidden", "exceeded quota: q"), ForbiddenError, "policy or quota.*exceeded quota: q"),
        (
            status(404, "NotFound", 'namespaces "default" not found', name="default", kind="namespaces"),
            NotFoundError,
            "namespace default does not exist. Create it",
        ),
        (status(422, "Invalid", "long", causes=[{"field": "spec.x", "message": "no"}]), InvalidError, "spec.x: no"),
        (status(400, "BadRequest", "bad"), InvalidError, "bad"),
        (
            Answer(400, b"Client sent an HTTP request to an HTTPS server.\n"),
            InvalidError,
            "Client sent an HTTP request",
        ),
        (Answer(418, b""), ApiError, "HTTP 418, \\(no text\\)"),
    ],
)
def test_errors_in_words(answer: Answer, kind: type[ApiError], text: str) -> None:
    import re

    api, _, _ = api_of(answer)
    with pytest.raises(kind) as caught:
        api.patch(SERVICE, [])
    assert type(caught.value) is kind
    assert re.search(text, str(caught.value), re.DOTALL), str(caught.value)
    assert caught.value.status == answer.status


@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("listed", [True, False])
def test_a_private_key_that_the_api_server_repeats_is_not_shown(listed: bool, escaped: bool) -> None:
    """OpenShift does so with a Route's, for him who may not change it."""
    pem = "-----BEGIN EC PRIVATE KEY-----\nTHEKEY\n-----END EC PRIVATE KEY-----\n"
    said = 'Invalid value: "{}": field is immutable'.format(pem.replace("\n", "\\n") if escaped else pem)
    causes = {"causes": [{"field": "spec.tls.key", "message": said}]} if listed else {}
    api, _, _ = api_of(status(422, "Invalid", f"spec.tls.key: {said}", **causes))
    with pytest.raises(InvalidError) as caught:
        api.patch(SERVICE, [])
    assert str(caught.value).endswith('spec.tls.key: Invalid value: "(ec private key, not shown)": field is immutable')


def test_a_missing_right_comes_with_the_rule_that_gives_it() -> None:
    api, _, _ = api_of(status(403, "Forbidden", RBAC.replace("services", "pods")))
    with pytest.raises(ForbiddenError) as caught:
        api.log("default", "p")
    assert caught.value.details["rule"] == '- apiGroups: [""]\n  resources: [pods/log]\n  verbs: [get]'


def test_something_else_that_answers_is_not_taken_for_the_api() -> None:
    api, _, _ = api_of(Answer(200, b"<html>hello</html>"))
    with pytest.raises(UnreachableError, match=r"no Kubernetes API server.*hello"):
        api.get(SERVICE)


@pytest.mark.parametrize("write", ["create", "patch", "delete"])
@pytest.mark.parametrize(
    "script", [[RESET] * ATTEMPTS, [RESET, status(409, "Conflict")], [RESET, status(422, "Invalid")]]
)
def test_a_write_whose_answer_was_lost_counts_as_one(write: str, script: list[Any]) -> None:
    api, _script, _pauses = api_of(*script)
    calls = {
        "create": lambda: api.create(OBJECT), "patch": lambda: api.patch(SERVICE, []),
        "delete": lambda: api.delete(SERVICE),
    }  # fmt: skip
    with pytest.raises((ApiError, UnreachableError)):
        calls[write]()
    assert api.wrote


@pytest.mark.parametrize("answers", [[REFUSED] * 3, [status(409, "AlreadyExists")]])
def test_a_write_that_never_left_or_was_turned_away_counts_as_none(answers: list[Any]) -> None:
    api, _script, _pauses = api_of(*answers)
    with pytest.raises((ApiError, UnreachableError)):
        api.create(OBJECT)
    assert not api.wrote


def test_a_read_without_an_answer_has_written_nothing() -> None:
    api, _script, _pauses = api_of(*[RESET] * ATTEMPTS)
    with pytest.raises(UnreachableError):
        api.get(SERVICE)
    assert not api.wrote
