# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_login makes of its options; real logins are in tests/api."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _login
from ansible_collections.okd.registry.plugins.module_utils._errors import ConfigurationError, OptionError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._kube import Server
from ansible_collections.okd.registry.plugins.module_utils._node.bearer import Proxy

OPTIONS = dict.fromkeys(("login_username", "login_password", "login_token", "service_account", "method"))
UNSENDABLE = ["geheim nis", "geheim\nnis", "geheim\x00", "geheim\u20ac"]


def wanted(**options: Any) -> _login.Wanted:
    return _login.Wanted.from_params({**OPTIONS, **options})


@pytest.mark.parametrize("token", ["geheim\n", " geheim\r\n", "geheim"])
def test_what_stands_around_a_token_does_not_count(token: str) -> None:
    assert wanted(login_token=token).secret == "geheim"
    own = Server("https://h", None, True, f"Bearer {token}", "kubeconfig k")
    assert _login._own_token(own) == "geheim"


@pytest.mark.parametrize("token", UNSENDABLE)
def test_a_token_that_no_header_can_have_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(OptionError, match=r"^login_token: holds characters that no header can have") as refused:
        wanted(login_token=token)
    assert "geheim" not in f"{refused.value}{refused.value.details}"
    with pytest.raises(ConfigurationError, match="The token in kubeconfig k holds characters") as bad:
        _login._own_token(Server("https://h", None, True, f"Bearer {token}", "kubeconfig k"))
    assert "geheim" not in str(bad.value)


def test_a_token_of_blanks_is_none() -> None:
    with pytest.raises(OptionError, match="login_token: is empty"):
        wanted(login_token="\n")


def test_a_user_s_token_must_be_that_user_s() -> None:
    assert wanted(login_username="alice", login_password="x").identity == "alice"
    assert wanted(login_token="x").identity is None


def test_a_name_with_a_colon_is_refused_or_made_plain_where_only_the_token_counts() -> None:
    account = "system:serviceaccount:shop:builder"
    assert wanted(login_username=account, login_token="x").username == "system-serviceaccount-shop-builder"
    with pytest.raises(OptionError, match="login_username: 'a:b' has a colon"):
        wanted(login_username="a:b", login_password="x")


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes a connection and says nothing."""
    with socket.socket() as waiting:
        waiting.bind(("127.0.0.1", 0))
        waiting.listen()
        yield f"127.0.0.1:{waiting.getsockname()[1]}"


@pytest.mark.parametrize("through", [False, True])
def test_an_api_server_or_proxy_that_says_nothing_is_waited_for_as_long_as_is_asked(silent: str, through: bool) -> None:
    way = Proxy(f"http://{silent}", {}) if through else None
    asked = Server("https://api.invalid:1" if through else f"https://{silent}", None, True, None, "kubeconfig k", way)
    one = _login._Login({"timeout": 1}, Any, wanted(login_token="x"), Any, check_mode=False)  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(RefusedError, match=r"cannot be found out.*timed out") as silence:
        one._whose(asked, "x")
    assert time.monotonic() - began < 6
    assert ("through the proxy" in str(silence.value)) == through
