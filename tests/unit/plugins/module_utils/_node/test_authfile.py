# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with logins: what is merged is there as docker reads it, and nothing else means anything else than before."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import authfile
from ansible_collections.okd.registry.plugins.module_utils._node.authfile import Login
from ansible_collections.okd.registry.plugins.module_utils._node.errors import RefusedError
from hypothesis import example, given
from hypothesis import strategies as st

ENDPOINT = "172.30.124.220:5000"
TEXT = st.text(alphabet=st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
HOSTS = st.sampled_from([
    "quay.io", "https://index.docker.io/v1/", "172.30.124.220", "172.30.124.22:5000", ENDPOINT + "/project",
    "ftp://" + ENDPOINT, *authfile.spellings(ENDPOINT),
])  # fmt: skip
LOGINS = st.builds(Login, TEXT.map(lambda text: text.replace(":", "-")), TEXT.map(lambda text: text.strip("\x00")))
ENTRIES = st.dictionaries(st.sampled_from(["auth", "email", "identitytoken", "future"]), TEXT, max_size=3)
DOCUMENTS = st.builds(
    lambda rest, auths: {**rest, **({} if auths is None else {"auths": auths})},
    st.dictionaries(TEXT.filter(lambda key: key not in ("auths", "credHelpers", "credsStore")), JSON, max_size=4),
    st.none() | st.dictionaries(HOSTS, ENTRIES, max_size=5),
)
INDENTS = st.sampled_from([None, 1, 2, 4, "\t"])


def others(document: dict[str, Any]) -> dict[str, Any]:
    """All of a document that is not about the endpoint."""
    auths = document.get("auths") or {}
    rest = {key: value for key, value in auths.items() if key not in authfile.spellings(ENDPOINT)}
    return {**{key: value for key, value in document.items() if key != "auths"}, "auths": rest}


@example({"auths": {ENDPOINT: {"auth": "eDp5", "identitytoken": "t", "email": "a@b"}}}, 2, Login("alice", "token"))
@given(DOCUMENTS, INDENTS, LOGINS)
def test_a_login_is_merged_and_taken_out_again(document: dict[str, Any], indent: Any, login: Login) -> None:
    raw = json.dumps(document, indent=indent).encode()
    read = authfile.parse(raw, "x")
    after = json.loads(authfile.render(authfile.with_login(read, ENDPOINT, login), raw))
    assert others(after) == others(document)
    user, _colon, secret = base64.b64decode(after["auths"][ENDPOINT]["auth"]).decode().partition(":")
    assert (user, secret) == login
    kept = (document.get("auths") or {}).get(ENDPOINT, {})
    rest = {key: value for key, value in kept.items() if key in ("email", "future")}
    assert {key: value for key, value in after["auths"][ENDPOINT].items() if key != "auth"} == rest
    assert authfile.login(authfile.parse(json.dumps(after).encode(), "x"), ENDPOINT) == login
    gone = json.loads(authfile.render(authfile.without(authfile.parse(json.dumps(after).encode(), "x"), ENDPOINT)))
    assert gone == others(document)


@given(DOCUMENTS, INDENTS)
def test_what_nobody_changes_is_written_as_it_was_meant(document: dict[str, Any], indent: Any) -> None:
    raw = json.dumps(document, indent=indent).encode()
    read = authfile.parse(raw, "x")
    written = authfile.render(read, raw)
    assert json.loads(written) == document
    assert list(json.loads(written)) == list(document)
    if indent and document:
        assert written == raw


@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_other_file_is_read_or_refused_in_words(raw: bytes) -> None:
    try:
        document = authfile.parse(raw, "/root/config.json")
    except RefusedError as exc:
        refused = str(exc)
    else:
        authfile.login(document, ENDPOINT)
        refused = "/root/config.json: "
    assert refused.startswith("/root/config.json: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"auths": {}, "auths": {}}', "a key twice"),
        ('{"x": NaN}', "NaN is no JSON"),
        ('{"x": 1e999}', "not JSON compliant"),
        ("[" * 100000, "not JSON"),
        ("[]", "the whole is no JSON object"),
        ('{"auths": []}', None),  # as good as none
        ('{"auths": ["x"]}', "auths is no JSON object"),
        ('{"auths": {"quay.io": "x"}}', "auths of quay.io is no JSON object"),
        ('{"credsStore": "../evil"}', "name of a credential helper"),
        ('{"credHelpers": {"quay.io": 1}}', "name of a credential helper"),
        ('{"auths": {}', "not JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused(text: str, said: str | None) -> None:
    if said is None:
        assert authfile.parse(text.encode(), "x")
        return
    with pytest.raises(RefusedError, match=said):
        authfile.parse(text.encode(), "x")


def test_bytes_that_are_no_text_are_not_shown() -> None:
    with pytest.raises(
        RefusedError, match=r"x: is not JSON that can be kept as it is \(invalid start byte\)"
    ) as refused:
        authfile.parse(b'{"auths": {"quay.io": {"password": "\xff"}}}', "x")
    assert "ff" not in str(refused.value)


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        ({"auth": base64.b64encode(b"alice:to:ken").decode()}, Login("alice", "to:ken")),
        ({"auth": base64.b64encode(b"alice:token\x00\x00").decode()}, Login("alice", "token")),
        ({"username": "alice", "password": "token"}, Login("alice", "token")),
        ({"auth": base64.b64encode(b"alice").decode()}, None),
        ({"auth": "!"}, None),
        ({"auth": base64.b64encode(b"alice:").decode(), "identitytoken": "t"}, None),
        ({}, None),
    ],
)
def test_logins_are_read_as_docker_reads_them(entry: dict[str, str], login: Login | None) -> None:
    assert authfile.login({"auths": {ENDPOINT: entry}}, ENDPOINT) == login
    assert authfile.login({"auths": {f"https://{ENDPOINT}/v1/": entry}}, ENDPOINT) == login
    assert authfile.login({"auths": {"other": entry}}, ENDPOINT) is None


def test_the_form_of_dockers_own_file() -> None:
    document = authfile.with_login(authfile.parse(None, "x"), "r.example.com", Login("alice", "token"))
    assert (
        authfile.render(document)
        == b'{\n\t"auths": {\n\t\t"r.example.com": {\n\t\t\t"auth": "YWxpY2U6dG9rZW4="\n\t\t}\n\t}\n}'
    )


@pytest.mark.parametrize(
    ("document", "stores", "helper"),
    [
        ({}, True, None),
        ({"credsStore": "pass"}, True, "pass"),
        ({"credsStore": "pass"}, False, None),
        ({"credHelpers": {ENDPOINT: "gcloud"}, "credsStore": "pass"}, True, "gcloud"),
        ({"credHelpers": {"other": "gcloud"}, "credsStore": "pass"}, True, "pass"),
        ({"credHelpers": {ENDPOINT: "gcloud"}}, False, "gcloud"),
        ({"credHelpers": {ENDPOINT: ""}, "credsStore": "pass"}, True, None),  # docker: the file itself
        ({"credHelpers": {"other": ""}, "credsStore": "pass"}, True, "pass"),
    ],
)
def test_which_helper_has_an_endpoint(document: dict[str, Any], stores: bool, helper: str | None) -> None:
    assert authfile.helper(document, ENDPOINT, stores) == helper
