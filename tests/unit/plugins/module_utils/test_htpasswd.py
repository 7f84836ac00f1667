# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a registry's own users: who is asked for is as asked for, everybody else's line is as it was."""

from __future__ import annotations

import bcrypt
import pytest
from ansible_collections.okd.registry.plugins.module_utils import _htpasswd
from ansible_collections.okd.registry.plugins.module_utils._build import htpasswd as build
from ansible_collections.okd.registry.plugins.module_utils._build.htpasswd import User
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["alice", "bob", "carol", "al"])
LINES = st.lists(
    st.builds("{}:{}".format, NAMES, st.sampled_from(["#1", "#2", "x"])) | st.sampled_from(["", "# alice:#1", "  "]),
    max_size=8,
)
WANTED = st.dictionaries(NAMES, st.sampled_from(["1", "2", None]), max_size=4)


def edit(text: str, wanted: list[User]) -> tuple[str, dict[str, str]]:
    """With hashes that can be read."""
    return build.edited(text, wanted, verify=lambda p, h: h == f"#{p}", hashed=lambda p: f"#{p}")


def entries(text: str) -> dict[str, str]:
    """The users as the registry reads them: of two lines the later one counts."""
    plain = (line.strip() for line in text.splitlines())
    return dict(line.split(":", 1) for line in plain if line and not line.startswith("#"))


@given(LINES, st.booleans(), WANTED)
def test_users_are_as_asked_for_and_others_as_they_were(
    lines: list[str], ends: bool, asked: dict[str, str | None]
) -> None:
    text = "\n".join(lines) + ("\n" if ends and lines else "")
    wanted = [User(name, password) for name, password in asked.items()]
    after, done = edit(text, wanted)
    before, now = entries(text), entries(after)
    assert {n: h for n, h in now.items() if n not in asked} == {n: h for n, h in before.items() if n not in asked}
    assert {n: now.get(n) for n in asked} == {n: None if p is None else f"#{p}" for n, p in asked.items()}
    assert [line for line in after.splitlines() if build._owner(line) not in asked] == [
        line for line in text.splitlines() if build._owner(line) not in asked
    ]
    changed = {n for n in asked if before.get(n) != now.get(n)}
    assert changed <= {n for n, what in done.items() if what != "unchanged"}
    again, twice = edit(after, wanted)
    assert again == after
    assert set(twice.values()) <= {"unchanged"}
    assert edit(text, [])[0] == text


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"name": "a:b", "password": "x"}, "no colon"),
        ({"name": "a b", "password": "x"}, "no blanks"),
        ({"name": "#a", "password": "x"}, "no # at its beginning"),
        ({"name": "", "password": "x"}, "cannot be"),
        ({"name": "a\nb", "password": "x"}, "cannot be"),
        ({"name": "a"}, "has no password"),
        ({"name": "a", "password": "hunter2" * 20}, "up to 72 bytes"),
        ({"name": "a", "password": "hunter2\x00"}, "bcrypt cannot take"),
    ],
)
def test_what_no_such_file_can_hold_is_refused(one: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        build.users([one])
    assert "hunter2" not in str(caught.value)


def test_a_user_is_named_once() -> None:
    with pytest.raises(OptionError, match="named twice"):
        build.users([{"name": "a", "password": "x"}, {"name": "a", "state": "absent"}])


def test_hashes_are_bcrypt_as_the_registry_takes_it() -> None:
    passwords = _htpasswd._Passwords(4)
    made = passwords.hashed("secret")
    assert made.startswith("$2y$04$")
    assert len(made) == 60
    assert passwords.verify("secret", made)
    assert passwords.verify("secret", bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode())
    for other in ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "$apr1$x$y", "$2y$garbage", ""):
        assert not passwords.verify("secret", other)
    assert not passwords.verify("other", made)
