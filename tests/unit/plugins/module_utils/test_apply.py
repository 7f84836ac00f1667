# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer: how often it reads and writes, what it does when others write too, and what it tells."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _apply, _redact
from ansible_collections.okd.registry.plugins.module_utils._apply import amend, ensure, ensure_absent
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    WaitError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import plan

REF = ObjectRef("v1", "ConfigMap", "n", "d")
Object = dict[str, Any]


def config_map(version: int = 1, **data: str) -> Object:
    made = plan(
        None, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "d"}, "data": data}
    )
    assert made.after is not None
    made.after["metadata"].update(resourceVersion=str(version), uid="u")
    return made.after


def wanted(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n", "namespace": "d"}, "data": data}


class Steps:
    """An API that goes through given answers to reads and writes; an exception is raised."""

    def __init__(self, reads: list[Any], writes: list[Any] | None = None) -> None:
        self.reads, self.writes = list(reads), list(writes or [])
        self.sent: list[tuple[str, Any]] = []

    def get(self, ref: ObjectRef) -> Any:
        return self._next(self.reads)

    def create(self, obj: Object) -> Any:
        self.sent.append(("create", obj))
        return self._next(self.writes)

    def patch(self, ref: ObjectRef, operations: Any) -> Any:
        self.sent.append(("patch", operations))
        return self._next(self.writes)

    def delete(self, ref: ObjectRef, **options: Any) -> Any:
        self.sent.append(("delete", options))
        return self._next(self.writes)

    def pause(self, attempt: int) -> None:
        pass

    def waiting(self) -> Any:
        import contextlib

        return contextlib.nullcontext()

    @staticmethod
    def _next(script: list[Any]) -> Any:
        answer = script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(api: Steps, desired: Any, **options: Any) -> _apply.Outcome:
    return ensure(api, REF, desired, **{"check_mode": False, **options})  # type: ignore[arg-type]


def test_what_is_as_wanted_costs_one_read() -> None:
    api = Steps([config_map(a="1")])
    outcome = run(api, wanted(a="1"))
    assert (outcome.changed, outcome.action, outcome.diff, api.sent) == (False, None, None, [])
    assert outcome.resource == {
        "api_version": "v1",
        "kind": "ConfigMap",
        "namespace": "d",
        "name": "n",
        "action": "unchanged",
    }


def test_what_is_missing_is_created() -> None:
    api = Steps([None], [config_map(a="1")])
    outcome = run(api, wanted(a="1"))
    assert outcome.action == "Created ConfigMap d/n."
    assert outcome.live == config_map(a="1")
    assert outcome.diff is not None
    assert outcome.diff["before"] == ""
    assert "a: '1'" in outcome.diff["after"]
    assert "okd.registry" not in outcome.diff["after"]


def test_what_differs_is_patched_and_named() -> None:
    api = Steps([config_map(a="1")], [config_map(2, a="2")])
    outcome = run(api, wanted(a="2"))
    assert outcome.action == "Updated ConfigMap d/n: data.a."
    assert api.sent[0][1][0]["value"] == "1"


@pytest.mark.parametrize("live", [None, config_map(a="1")])
def test_check_mode_writes_nothing_and_predicts_the_same(live: Object | None) -> None:
    planned = run(Steps([live]), wanted(a="2"), check_mode=True)
    done = run(Steps([live], [config_map(2, a="2")]), wanted(a="2"))
    assert (planned.action, planned.resource, planned.diff) == (done.action, done.resource, done.diff)
    assert planned.live is not None
    assert planned.live["data"] == {"a": "2"}


def test_the_caller_may_have_read_it() -> None:
    assert not run(Steps([]), wanted(a="1"), live=config_map(a="1")).changed


def test_a_conflict_is_read_and_planned_again_from_what_is_there_now() -> None:
    theirs = config_map(2, a="1")
    theirs["data"]["b"] = "theirs"
    api = Steps([config_map(a="1"), theirs], [ConflictError("no"), config_map(3, a="2")])
    seen: list[Any] = []

    def desired(live: Object | None) -> Object:
        seen.append(live)
        return wanted(a="2")

    assert run(api, desired).change.action == "updated"
    assert seen == [config_map(a="1"), theirs]
    assert [op["value"] for op in api.sent[1][1] if op["path"] == "/metadata/resourceVersion"] == ["2"]


def test_somebody_was_faster_to_create() -> None:
    api = Steps([None, config_map(a="1")], [AlreadyExistsError("there")])
    assert not run(api, wanted(a="1")).changed


@pytest.mark.parametrize("error", [AlreadyExistsError("there"), ConflictError("changed")])
def test_our_own_write_without_an_answer_still_counts_as_a_change(error: Any) -> None:
    error.maybe_done = True
    before = None if isinstance(error, AlreadyExistsError) else config_map(a="1")
    api = Steps([before, config_map(2, a="2")], [error])
    assert run(api, wanted(a="2")).changed


def test_deleted_in_between_means_created() -> None:
    api = Steps([config_map(a="1"), None], [NotFoundError("gone"), config_map(a="2")])
    assert run(api, wanted(a="2")).change.action == "created"


def test_a_missing_namespace_is_no_conflict() -> None:
    with pytest.raises(NotFoundError):
        run(Steps([None], [NotFoundError("namespace")]), wanted(a="1"))


def test_a_patch_that_no_longer_fits_is_a_conflict_but_a_bad_one_is_an_error() -> None:
    refused = InvalidError("bad", status=422)
    moved = Steps([config_map(a="1"), config_map(2, a="3"), config_map(2, a="3")], [refused, config_map(4, a="2")])
    assert run(moved, wanted(a="2")).changed
    with pytest.raises(InvalidError):
        run(Steps([config_map(a="1"), config_map(a="1")], [refused]), wanted(a="2"))


def test_patience_with_others_ends() -> None:
    api = Steps([config_map(a="1")] * 9, [ConflictError("no")] * 9)
    with pytest.raises(ConflictError, match=r"ConfigMap d/n was changed by somebody else .* Find out who"):
        run(api, wanted(a="2"))
    assert len(api.sent) == _apply.ATTEMPTS


def test_what_is_being_deleted_is_waited_for_and_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    going = config_map(a="1")
    going["metadata"].update(deletionTimestamp="now", finalizers=["x/y"])
    assert run(Steps([going, going, None], [config_map(a="1")]), wanted(a="1")).change.action == "created"
    assert run(Steps([going]), wanted(a="1"), check_mode=True).change.action == "created"
    monkeypatch.setattr(_apply, "DELETION_PATIENCE", -1.0)
    with pytest.raises(WaitError, match="finalizers: x/y"):
        run(Steps([going]), wanted(a="1"))


def test_deleting() -> None:
    api = Steps([config_map(a="1")], [None])
    outcome = ensure_absent(api, REF, check_mode=False)  # type: ignore[arg-type]
    assert outcome.action == "Deleted ConfigMap d/n."
    assert api.sent == [("delete", {"uid": "u", "resource_version": "1", "propagation": "Background"})]
    assert outcome.diff is not None
    assert outcome.diff["after"] == ""


@pytest.mark.parametrize("reads", [[None], [KindNotServedError("no such API")]])
def test_deleting_what_is_not_there(reads: list[Any]) -> None:
    assert not ensure_absent(Steps(reads), REF, check_mode=False).changed  # type: ignore[arg-type]


def test_deleting_in_check_mode_and_with_a_reason_to_keep() -> None:
    assert ensure_absent(Steps([config_map(a="1")]), REF, check_mode=True).changed  # type: ignore[arg-type]
    kept = ensure_absent(Steps([config_map(a="1")]), REF, check_mode=False, keep=lambda _live: "Left alone.")  # type: ignore[arg-type]
    assert (kept.changed, kept.action) == (False, "Left alone.")
    assert kept.live is not None
    silent = ensure_absent(Steps([config_map(a="1")]), REF, check_mode=False, keep=lambda _live: "")  # type: ignore[arg-type]
    assert (silent.changed, silent.action) == (False, "")


def test_deleting_again_after_a_conflict() -> None:
    api = Steps([config_map(a="1"), config_map(2, a="1")], [ConflictError("no"), None])
    assert ensure_absent(api, REF, check_mode=False).changed  # type: ignore[arg-type]
    assert api.sent[1][1]["resource_version"] == "2"


def secret(value: str, **meta: Any) -> Object:
    data = {"registry.key": base64.b64encode(value.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "d", **meta}, "data": data}


def test_secret_values_are_hashes_that_tell_equal_from_different() -> None:
    first, same, other = (_apply.as_yaml(secret(v)) for v in ("geheim", "geheim", "anders"))
    assert first == same != other
    assert "geheim" not in first
    assert base64.b64encode(b"geheim").decode() not in first
    assert "hmac-sha256:" in first


def test_what_is_not_known_yet_is_shown_as_such() -> None:
    assert "registry.key: (known after apply)" in _apply.as_yaml(secret("(known after apply)"))


def test_credentials_in_the_environment_and_in_copies_are_hidden() -> None:
    env = [
        {"name": "REGISTRY_HTTP_SECRET", "value": "c2VjcmV0"},
        {"name": "OPENSHIFT_KEY_DATA", "value": "-----BEGIN RSA PRIVATE KEY-----"},
        {"name": "REGISTRY_STORAGE_S3_SECRETKEY", "value": "/looks/like/a/path"},
        {"name": "REGISTRY_HTTP_TLS_KEY", "value": "/etc/secrets/registry.key"},
        {"name": "MY_TOKEN", "value": "/abc/token"},
        {"name": "AWS_ACCESS_KEY", "value": "/abc/accesskey"},
        {"name": "ENDPOINTS", "value": "[{headers: {Authorization: [Basic abcdef]}}]"},
        {"name": "TOKEN_FILE", "value": "/var/run/tokenfile"},
        {"name": "REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE_PATH", "value": "/etc/bundle"},
        {"name": "HTTP_PROXY", "value": "http://user:pass@proxy:3128"},
        {"name": "PLAIN", "value": "shown"},
    ]
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "n",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0", "a": "b"},
        },
        "spec": {"template": {"spec": {"containers": [{"name": "registry", "env": env}]}}},
    }
    text = _apply.as_yaml(workload)
    for hidden in ("c2VjcmV0", "PRIVATE KEY", "looks", "pass@", "/abc/", "abcdef"):
        assert hidden not in text
    for shown in (
        "/etc/secrets/registry.key",
        "/var/run/tokenfile",
        "/etc/bundle",
        "***@proxy:3128",
        "value: shown",
        "a: b",
    ):
        assert shown in text


def test_what_every_client_is_told_is_no_credential() -> None:
    entries = [
        {"name": "REGISTRY_AUTH_HTPASSWD_REALM", "value": "registry"},
        {"name": "REGISTRY_AUTH_TOKEN_ISSUER", "value": "auth"},
        {"name": "REGISTRY_AUTH_TOKEN_ROOTSECRET", "value": "geheim"},
    ]
    shown = _redact.shown({"metadata": {"name": "x"}, "spec": {"env": entries}})["spec"]["env"]
    assert [entry["value"] for entry in shown[:2]] == ["registry", "auth"]
    assert shown[2]["value"] != "geheim"


def test_credentials_in_a_configuration_file_are_hidden() -> None:
    text = "s3:\n  accesskey: AKIA\n  secretkey: 'geheim'\n  bucket: b\nproxy: http://u:p@h\nhttp:\n  secret:\n"
    shown = _apply.as_yaml(config_map(**{"config.yml": text}))
    for hidden in ("AKIA", "geheim", "u:p"):
        assert hidden not in shown
    for kept in ("bucket: b", "***@h", "secret:\n"):
        assert kept in shown


def test_a_diff_leaves_out_what_only_the_server_writes() -> None:
    live = config_map(a="1")
    live["metadata"].update(managedFields=[{}], creationTimestamp="now", labels={"x": "y"})
    live["status"] = {"phase": "x"}
    assert _apply.as_yaml(live) == (
        "apiVersion: v1\ndata:\n  a: '1'\nkind: ConfigMap\nmetadata:\n  labels:\n    x: y\n  name: n\n  namespace: d\n"
    )


def test_texts_of_several_lines_are_blocks() -> None:
    assert "a: |\n" in _apply.as_yaml(config_map(a="one\ntwo\n"))


def test_a_patch_of_ours_without_an_answer_that_no_longer_fits_still_counts_as_a_change() -> None:
    lost = InvalidError("no such index", status=422)
    lost.maybe_done = True
    api = Steps([config_map(a="1"), config_map(2, a="2"), config_map(2, a="2")], [lost])
    assert run(api, wanted(a="2")).changed


def test_what_is_amended_or_deleted_without_an_answer_counts_as_a_change_too() -> None:
    lost = ConflictError("changed")
    lost.maybe_done = True
    going = config_map(2, a="1")
    going["metadata"]["deletionTimestamp"] = "now"
    deleted = ensure_absent(Steps([config_map(a="1"), going], [lost]), REF, check_mode=False)  # type: ignore[arg-type]
    assert deleted.changed
    amended = amend(
        Steps([config_map(a="1"), config_map(2, a="2")], [lost]), REF, lambda live: {**live, "data": {"a": "2"}}
    )  # type: ignore[arg-type]
    assert amended.changed
