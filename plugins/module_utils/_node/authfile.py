# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in which docker, podman and skopeo keep logins: C(config.json), C(auth.json). Pure: bytes to bytes.

Their form is docker's (cli/config/configfile); containers/image reads C(auths) and C(credHelpers) of it alike.
"""

import base64
import binascii
import collections
import json
import re

from .errors import RefusedError

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_INDENT = re.compile(r"\n([ \t]+)\S")
# What an entry holds of a login; all else in it, as an email address, is somebody else's.
_OURS = ("auth", "username", "password", "identitytoken", "registrytoken")

Login = collections.namedtuple("Login", "username secret")


def parse(raw, path):
    """Read a file.

    :param raw: bytes; None or nothing but blanks is a file without logins
    :param path: for messages
    :returns: the document (OrderedDict)
    :raises RefusedError: where it cannot be read without loss, so that it is not written either
    """
    if not (raw or b"").strip():
        return collections.OrderedDict()
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no_constant)
        json.dumps(document, allow_nan=False)  # a number beyond what can be written again
    except (ValueError, RecursionError) as exc:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        text = "{}: is not JSON that can be kept as it is ({}); mend or remove it"
        # A UnicodeDecodeError's own text shows the byte, which may be a password's.
        raise RefusedError(text.format(path, getattr(exc, "reason", exc))) from None
    _must_be(document, dict, path, "the whole")
    for name in ("auths", "credHelpers"):
        _must_be(document.get(name) or {}, dict, path, name)
    for name, entry in (document.get("auths") or {}).items():
        _must_be(entry or {}, dict, path, "auths of {}".format(name))
    for name in [document.get("credsStore") or "", *(document.get("credHelpers") or {}).values()]:
        if not isinstance(name, str) or (name and not _HELPER.match(name)):
            raise RefusedError("{}: {!r} cannot be the name of a credential helper; mend it".format(path, name))
    return document


def _pairs(pairs):
    found = collections.OrderedDict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _no_constant(text):
    raise ValueError("{} is no JSON".format(text))


def _must_be(value, kind, path, what):
    if not isinstance(value, kind):
        text = "{}: {} is no JSON object, so this is no file with logins; mend or remove it"
        raise RefusedError(text.format(path, what))


def render(document, raw=b""):
    """Write a document, indented as the file was before, else with tabs as docker does it; bytes."""
    before = (raw or b"").decode("utf-8", "replace")
    found = _INDENT.search(before)
    text = json.dumps(document, indent=found.group(1) if found else "\t", separators=(",", ": "), allow_nan=False)
    return (text + ("\n" if before.endswith("\n") else "")).encode("utf-8")


def helper(document, endpoint, stores=True):
    """Name the credential helper that has the logins of an endpoint, or None.

    :param stores: whether the file's reader knows C(credsStore), which is for all endpoints; podman does not
    """
    helpers = document.get("credHelpers") or {}
    if endpoint in helpers:  # an empty one stands for the file itself, also beside a store
        return helpers[endpoint] or None
    return (stores and document.get("credsStore")) or None


def spellings(endpoint):
    """List the keys under which docker finds an endpoint's entry, the one it is written by first."""
    return [endpoint] + [
        scheme + endpoint + end for scheme in ("https://", "http://", "") for end in ("", "/", "/v1/", "/v2/")
        if scheme or end
    ]  # fmt: skip


def login(document, endpoint):
    """Give the Login that is stored for an endpoint in the file itself, or None."""
    auths = document.get("auths") or {}
    entry = next((auths[key] for key in spellings(endpoint) if auths.get(key)), None)
    if not entry or entry.get("identitytoken") or entry.get("registrytoken"):
        return None
    if isinstance(entry.get("auth"), str) and entry["auth"]:
        try:
            text = base64.b64decode(entry["auth"], validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
        username, colon, secret = text.partition(":")
        return Login(username, secret.strip("\x00")) if colon else None
    username, secret = entry.get("username"), entry.get("password")
    return Login(username, secret) if isinstance(username, str) and isinstance(secret, str) else None


def with_login(document, endpoint, wanted):
    """Give a copy of a document in which an endpoint has a Login; None: that it has one with a helper."""
    if wanted is None:
        return _with(document, endpoint, {})
    raw = "{}:{}".format(wanted.username, wanted.secret).encode("utf-8")
    return _with(document, endpoint, {"auth": base64.b64encode(raw).decode("ascii")})


def _with(document, endpoint, login_part):
    auths = collections.OrderedDict(document.get("auths") or {})
    rest = [(key, value) for key, value in (auths.get(endpoint) or {}).items() if key not in _OURS]
    auths[endpoint] = collections.OrderedDict(list(login_part.items()) + rest)
    changed = collections.OrderedDict(document)
    changed["auths"] = auths
    return changed


def without(document, endpoint):
    """Give a copy of a document without an endpoint's entry, however it is spelt; the same one where it has none."""
    auths = document.get("auths") or {}
    gone = [key for key in spellings(endpoint) if key in auths]
    if not gone:
        return document
    changed = collections.OrderedDict(document)
    changed["auths"] = collections.OrderedDict((key, value) for key, value in auths.items() if key not in gone)
    return changed


def says_nothing(document):
    """Say whether a document is as good as no file."""
    return not any(value for key, value in document.items() if key == "auths") and set(document) <= {"auths"}
