# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``oc login`` without ``oc``: a user's token for user name and password, by OpenShift's own OAuth.

The flow (the client ``openshift-challenging-client``) is that of the library openshift. What it lacks is done here: it
has no time limit, reads its CA from a file only, sends no UTF-8, and its errors are several lines.
"""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.okd.registry.plugins.module_utils import _basicauth
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    MissingLibraryError,
    RefusedError,
    UnauthorizedError,
    UnreachableError,
)
from ansible_collections.okd.registry.plugins.module_utils._kube import Server

SECONDS = 60.0


def token(server: Server, username: str, password: str, seconds: float = SECONDS) -> str:
    """A new token of a user.

    :param seconds: how long to wait for the OAuth server.
    :raises ConfigurationError: for what cannot be sent at all.
    :raises MissingLibraryError: without the library openshift.
    :raises UnauthorizedError: where user name or password are wrong.
    :raises RefusedError: where the cluster has no OAuth server.
    :raises UnreachableError: where it does not answer.
    """
    try:
        from openshift.helper import userpassauth
    except ImportError as exc:
        text = missing_required_lib("openshift, requests-oauthlib", reason="to log in by user name and password")
        raise MissingLibraryError(text, exception=traceback.format_exc()) from exc
    outcome: dict[str, Any] = {}
    sent = [_basicauth.for_library(text) for text in (username, password)]

    class Login(userpassauth.OCPLoginConfiguration):
        """Without its constructor, which newer releases of kubernetes refuse (``discard_unknown_keys``)."""

        def __init__(self, ca: str | None) -> None:
            super(userpassauth.OCPLoginConfiguration, self).__init__(host=server.url)
            self.ocp_username, self.ocp_password = sent
            self.verify_ssl, self.ssl_ca_cert = server.verify, ca

    def flow() -> None:
        try:
            with _ca_file(server.ca) as path, _proxied(server):
                login = Login(path)
                login.get_token()
                outcome["token"] = str(login.token["access_token"])
        except Exception as exc:  # whatever requests, oauthlib or the server's answer make of it
            outcome["error"] = exc

    asking = threading.Thread(target=flow, daemon=True)
    asking.start()
    asking.join(seconds)
    if "token" in outcome:
        return str(outcome["token"])
    error = outcome.get("error")
    if error is None:
        raise UnreachableError(f"The OAuth server of {server.url} gives no answer within {seconds:.0f} s.")
    raise _explained(error, server, username) from None


def _explained(
    error: BaseException, server: Server, username: str
) -> UnauthorizedError | RefusedError | UnreachableError:
    """What went wrong, as a sentence; no password, and no request, in it."""
    told = getattr(error, "req_info", {})
    status, url = told.get("req_status_code"), str(told.get("req_url", ""))
    if status == 401:
        return UnauthorizedError(
            f"The OAuth server of {server.url} does not accept user name and password of {username}. Check both; by "
            "`oc login` they give the same answer.",
            status=401,
        )
    if url.endswith("/.well-known/oauth-authorization-server"):
        return RefusedError(
            f"{server.url} (from {server.source}) has no OAuth server: {url} gives HTTP status {status}. On OpenShift, "
            "check that this is its API server's address. Elsewhere, use service_account, or login_token, or for a "
            "registry with its own users method: password."
        )
    place = url.partition("#")[0].partition("?")[0]  # a token may be in what comes after
    words = f"HTTP status {status} for {place}" if status else _words(error)
    return UnreachableError(
        f"The OAuth server of {server.url} gave {username} no token: {words}. Check its "
        "address and certificate (the option ca_cert is for both it and the API server)."
    )


def _words(error: BaseException) -> str:
    """An error's own words; without the character that one of encodings shows, which may be the password's."""
    said = error.reason if isinstance(error, UnicodeDecodeError | UnicodeEncodeError) else str(error)
    return said or type(error).__name__


@contextmanager
def _proxied(server: Server) -> Iterator[None]:
    """Have requests go the way of the options: the library hands it none, so it looks at the environment alone.

    Headers for the proxy cannot be handed to it.
    """
    if server.proxy:
        told = {"https_proxy": server.proxy.url, "no_proxy": ""}
    else:  # whether no_proxy of the options or nothing at all says so
        others = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        told = {"no_proxy": ",".join(filter(None, [others, urlsplit(server.url).hostname]))}
    told |= {name.upper(): value for name, value in told.items()}
    before = {name: os.environ.pop(name, None) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


@contextmanager
def _ca_file(ca: str | None) -> Iterator[str | None]:
    """A path by which requests finds a CA that is in no file."""
    if not ca:
        yield None
        return
    number = os.memfd_create("okd.registry")
    try:
        with open(number, "wb", closefd=False) as stream:
            stream.write(ca.encode())
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)
