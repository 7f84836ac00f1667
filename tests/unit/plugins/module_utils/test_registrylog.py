# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry's log as data: lines of versions 2 and 3, as text and as JSON, and what Hypothesis makes of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _inside
from ansible_collections.okd.registry.plugins.module_utils._build import registrylog
from ansible_collections.okd.registry.plugins.module_utils._errors import InvalidError, RefusedError, RegistryError
from hypothesis import given
from hypothesis import strategies as st

TLS = 'time="2026-11-28T11:00:00Z" level=info msg="listening on [::]:5000, tls" go.version=go1.24 service=registry'
PLAIN = 'time="2026-11-28T11:00:00Z" level=info msg="listening on [::]:5000"'
# The document's own lines; in the first one a time is before it, as oc logs of 3.0 prints it.
DOCUMENT = (
    '2015-05-01T19:48:36.300593110Z time="2015-05-01T19:48:36Z" level=info msg="version=v2.0.0+unknown"\n'
    'time="2015-05-27T05:05:53Z" level=info msg="listening on :5000, tls" instance.id=deeba528-c478-41f5\n'
)


@pytest.mark.parametrize(
    ("log", "found"),
    [
        (TLS, ("[::]:5000", True)),
        (PLAIN, ("[::]:5000", False)),
        (DOCUMENT, (":5000", True)),
        ("listening on :5000", (":5000", False)),
        ("listening on :50001, tls", (None, None)),
        ("listening on 10.1.2.3:5000, tls", ("10.1.2.3:5000", True)),
        (f"{PLAIN}\n{TLS}", ("[::]:5000", True)),
        (json.dumps({"level": "info", "msg": "listening on [::]:5000, tls"}), ("[::]:5000", True)),
        (json.dumps({"level": "info", "msg": "listening on [::]:5000"}), ("[::]:5000", False)),
        ("", (None, None)),
    ],
)
def test_what_the_log_says_of_listening(log: str, found: tuple[str | None, bool | None]) -> None:
    assert registrylog.listening(log, 5000) == found


def test_the_document_s_lines() -> None:
    first, second = registrylog.read(DOCUMENT)
    assert (first.time, first.level, first.message) == ("2015-05-01T19:48:36Z", "info", "version=v2.0.0+unknown")
    assert (second.message, second.fields) == ("listening on :5000, tls", {"instance.id": "deeba528-c478-41f5"})


def test_an_answered_request_and_words_of_others() -> None:
    answered = '10.128.2.1 - - [28/Nov/2026:11:00:01 +0000] "GET /v2/ HTTP/1.1" 401 87 "" "docker/20.10.24"'
    first, second = registrylog.read(f"{answered}\nruntime: goroutine stack exceeds\n\n")
    assert (first.level, first.message, first.time) == ("access", "GET /v2/ HTTP/1.1", "28/Nov/2026:11:00:01 +0000")
    assert first.fields == {"client": "10.128.2.1", "status": "401", "bytes": "87"}
    assert (second.level, second.message, second.time) == (None, "runtime: goroutine stack exceeds", None)


def quoted(text: str) -> str:
    """As logrus writes a value: Go's strconv.Quote."""
    names = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    marks = (names.get(c) or (c if c.isprintable() else f"\\U{ord(c):08x}") for c in text)
    return '"' + "".join(marks) + '"'


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.from_regex(r"[a-z][a-z0-9._-]{0,12}", fullmatch=True).filter(
    lambda name: name not in ("time", "level", "msg", "ts", "message")
)


@given(WORDS, st.dictionaries(NAMES, WORDS, max_size=4), st.booleans(), st.booleans())
def test_what_a_registry_writes_is_read_back(
    message: str, fields: dict[str, str], as_json: bool, stamped: bool
) -> None:
    parts: dict[str, Any] = {"time": "2026-11-28T11:00:00Z", "level": "warning", "msg": message, **fields}
    pairs = " ".join(f"{name}={quoted(value)}" for name, value in parts.items())
    text = json.dumps(parts) if as_json else pairs
    (line,) = registrylog.read(("2026-11-28T11:00:00.1Z " if stamped else "") + text)
    assert (line.time, line.level, line.message, line.fields) == (parts["time"], "warning", message, fields)


@given(st.text())
def test_no_line_is_lost_and_nothing_breaks_it(text: str) -> None:
    wanted = [line.rstrip("\r") for line in text.split("\n") if line.strip()]
    assert [line.text for line in registrylog.read(text)] == wanted
    found = registrylog.matching(registrylog.read(text), re.compile("a"))
    assert [line.text for line in found] == [line for line in wanted if "a" in line]


@pytest.mark.parametrize(
    ("asked", "query"),
    [
        (None, {}),
        ({"tail": 5, "since": "10m", "previous": True}, {"tail": 5, "previous": True, "since_seconds": 600}),
        ({"since": "1d"}, {"since_seconds": 86400}),
        ({"since": 90}, {"since_seconds": 90}),
        ({"since": "2026-05-01T19:48:36Z"}, {"since_time": "2026-05-01T19:48:36Z"}),
    ],
)
def test_which_part_of_a_log_is_asked_for(asked: Any, query: dict[str, Any]) -> None:
    assert _inside.log_options(asked).query == {"tail": None, "previous": False, "first_bytes": 10 << 20, **query}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"since": "yesterday"}, r"logs\.since: 'yesterday' is neither a time"),
        ({"since": "0s"}, r"logs\.since: '0s' is no length of time"),
        ({"since": 0}, r"logs\.since: '0' is no length of time"),
        ({"grep": "("}, r"logs\.grep: '\(' is no regular expression"),
        ({"tail": 0}, r"logs\.tail: 0 is no number of lines"),
    ],
)
def test_what_cannot_be_understood_is_refused(asked: Any, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        _inside.log_options(asked)


class Log:
    """An API that has one log, or refuses it."""

    def __init__(self, text: str | RegistryError) -> None:
        self.text, self.asked = text, dict[str, Any]()

    def log(self, *_where: str, **query: Any) -> str:
        self.asked = query
        if isinstance(self.text, RegistryError):
            raise self.text
        return self.text


POD = {"metadata": {"name": "p", "namespace": "d"}, "spec": {"nodeName": "n1"}}


def test_a_pod_s_log_by_its_part_and_words() -> None:
    api = Log(f"{DOCUMENT}{PLAIN}\n")
    options = _inside.log_options({"tail": 9, "grep": "version=v[23]"})
    found = _inside.log(api, POD, "registry", 5000, options)  # type: ignore[arg-type]
    assert api.asked == {"container": "registry", "tail": 9, "previous": False, "first_bytes": 10 << 20}
    assert [line["message"] for line in found["lines"]] == ["version=v2.0.0+unknown"]
    assert (found["pod"], found["node"], found["listening"], found["tls"]) == ("p", "n1", "[::]:5000", False)
    refused = Log(InvalidError("container is waiting"))
    found = _inside.log(refused, POD, "registry", 5000, options)  # type: ignore[arg-type]
    assert (found["lines"], found["tls"], found["error"]) == ([], None, "container is waiting")


def test_a_log_that_is_longer_than_what_is_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_inside, "LONGEST_LOG", 9)
    options = _inside.log_options(None)
    for text, lines, truncated in (("a\nb\nc\n", "abc", False), ("a\nb\nc\nd\ne", "abcd", True)):
        found = _inside.log(Log(text), POD, "registry", 5000, options)  # type: ignore[arg-type]
        assert ("".join(line["text"] for line in found["lines"]), found["truncated"]) == (lines, truncated)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        (
            (
                "Filesystem           1024-blocks    Used Available Capacity Mounted on\n"
                "nfs.example.com:/a b     1000     400       600  40% /registry\n"
            ),
            ("nfs.example.com:/a b", "/registry", 1024000, 409600, 614400),
        ),
        (
            "Filesystem     1024-blocks  Used Available Capacity Mounted on\n/dev/sda1 10 12 -2 100% /mnt/a b",
            ("/dev/sda1", "/mnt/a b", 10240, 12288, -2048),
        ),
        ("none 0 0 0 - /proc", ("none", "/proc", 0, 0, 0)),
    ],
)
def test_what_df_says(text: str, figures: tuple[Any, ...]) -> None:
    found = _inside.figures(text, "/registry")
    assert tuple(found[n] for n in ("device", "mount", "total_bytes", "used_bytes", "free_bytes")) == figures


@pytest.mark.parametrize("text", ["", "df: /registry: No such file or directory"])
def test_what_df_does_not_say(text: str) -> None:
    assert "printed nothing that can be read" in _inside.figures(text, "/registry")["error"]
