# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log a host in to a registry, or out: which logins its files have, which of them still hold, what is written."""

import collections
import time
from concurrent.futures import ThreadPoolExecutor

from . import authstore, bearer, pem
from . import endpoint as endpoints_of
from .authfile import Login
from .errors import RefusedError

# endpoints: docker's form; login: Login, its secret None where one on this host is to be used again; reuse: Reuse or
# None; ca: PEM bytes or None; timeout: seconds; check: whether nothing is to be written; revoke: whether tokens that go
# are to hold no longer
# router_endpoints: those of the endpoints at which a router ends TLS; router_ca: as ca, of its certificates
Request = collections.namedtuple(
    "Request", "path endpoints login reuse verify ca timeout check revoke router_endpoints router_ca"
)
Request.__new__.__defaults__ = (False, frozenset(), None)
# server: bearer.Server or None; identity: whose the token must be, or None; margin: seconds it must still hold
Reuse = collections.namedtuple("Reuse", "server identity margin")


# What a module returns as api_requests where the cluster is not asked.
NO_REQUESTS = dict.fromkeys(("get", "post", "patch", "delete", "discovery", "waiting"), 0)


def request(params, check):
    """Read the module's options.

    :param params: dict, as documented, with C(reuse) as the action plugin hands it on
    :raises RefusedError: for values that cannot be used
    """
    at_router = params.get("router_endpoints") or []
    names = [*(params["endpoints"] or []), *at_router]
    known = [name for name in names if not (check and endpoints_of.is_unknown(name))]
    for name in known:
        endpoints_of.parse(name)
    reuse = params.get("reuse")
    if reuse:
        proxy = bearer.Proxy(reuse["proxy"], reuse["proxy_headers"] or {}) if reuse.get("proxy") else None
        server = bearer.Server(reuse["server"], reuse["ca"], reuse["verify"], proxy) if reuse["server"] else None
        reuse = Reuse(server, reuse.get("identity"), reuse.get("margin") or 0)
    return Request(
        path=authstore.place(params["auth_file"]),
        endpoints=list(dict.fromkeys(known)),
        login=Login(params.get("login_username"), params.get("login_password")),
        reuse=reuse or None,
        verify=params["verify"],
        ca=_ca(params, "registry_ca_cert"),
        timeout=params["timeout"],
        check=check,
        revoke=bool(params.get("revoke")),
        router_endpoints=frozenset(at_router),
        router_ca=_ca(params, "router_ca_cert"),
    )


def _ca(params, option):
    return pem.bundle(params[option], option) if params.get(option) else None


def work(params, check):
    """Do what the module's options say about this host's files alone.

    :param params: dict, as documented
    :param check: whether nothing is to be written
    :returns: the module's result (dict)
    :raises NodeError: with what is on the host as it was
    """
    asked = request(params, check)
    return log_out(asked) if params["state"] == "absent" else log_in(asked)


def log_out(asked):
    """Take the logins away. :returns: the module's result (dict)"""
    with authstore.locked(asked.path):
        store = authstore.Store(asked.path)
        before = {name: store.login(name) for name in asked.endpoints}
        gone = [name for name in asked.endpoints if store.drop(name)]
        # First: a run that is killed in between finds them again.
        said = _revoked(asked, before) if asked.revoke else []
        if gone and not asked.check:
            store.save()
    said += ["Removed the login at {} from {}.".format(name, _where(store, name)) for name in gone]
    return _result(asked, bool(gone), said, before, dict.fromkeys(asked.endpoints), [])


def _revoked(asked, before):
    """Revoke the tokens of logins, as far as that can be done; sentences on what came of it."""
    said = []
    for login in dict.fromkeys(login for login in before.values() if login and login.secret):
        if bearer.claims(login.secret):
            why = "it is a service account's, which expires by itself"
        elif not bearer.is_oauth(login.secret):
            # A password, which is not to be in the path of a request, that is, in logs.
            why = "it is no token of OpenShift's OAuth server"
        elif not (asked.reuse and asked.reuse.server):
            why = "the API server is not known"
        elif asked.check:
            verdict = bearer.who(asked.reuse.server, login.secret, asked.timeout)
            why = "" if verdict.what == bearer.VALID else verdict.message
        else:
            why = bearer.revoke(asked.reuse.server, login.secret, asked.timeout)
        text = "The token of {} was not revoked: {}." if why else "Revoked the token of {}."
        said.append(text.format(login.username, why))
    return said


def log_in(asked):
    """Have the endpoints' logins be as asked.

    :returns: the module's result (dict). With C(why) nothing was done, since no login on this host can be used again
    :raises RefusedError: where a registry refuses the login; nothing is written then
    """
    with authstore.locked(asked.path):
        store = authstore.Store(asked.path)
        before = {name: store.login(name) for name in asked.endpoints}
        wanted = asked.login
        asks, why = wanted.secret is None, None
        if asks:
            secret, why = _usable(asked, before)
            if secret is None and not asked.check:
                return {"reused": False, "why": why, "changed": False}
            wanted = wanted._replace(secret=secret)
        other = [name for name in asked.endpoints if before[name] != wanted or wanted.secret is None]
        logins = _try(asked, other, wanted) if asked.verify and wanted.secret is not None else []
        for name in other:
            if wanted.secret is not None:
                store.put(name, wanted)
        tightens = store.too_open
        if (other or tightens) and not asked.check:
            store.save()
    said = ["Logged in at {} as {} in {}.".format(name, wanted.username, _where(store, name)) for name in other]
    if tightens:
        said.append("Nobody but its owner may read {} any more.".format(asked.path))
    result = _result(asked, bool(said), said, before, dict.fromkeys(asked.endpoints, wanted), logins)
    expires = bearer.expiry(wanted.secret) if wanted.secret else None
    result.update(reused=asks and wanted.secret is not None, expires=bearer.stamp(expires))
    return dict(result, why=why) if why else result


def _where(store, name):
    helper = store.helper(name)
    return "{} ({})".format(helper.name, store.path) if helper else store.path


def _usable(asked, before):
    """Find a secret among the logins of before that still holds: (secret, ""), or (None, why none does)."""
    why = "there is no login of {} on this host yet".format(asked.login.username)
    for login in dict.fromkeys(login for login in before.values() if login):
        if login.username == asked.login.username and login.secret:
            why = _objection(asked, login)
            if not why:
                return login.secret, ""
    return None, why


def _objection(asked, login):
    """Say why a login cannot be used again, or nothing."""
    reuse = asked.reuse or Reuse(None, None, 0)
    expires = bearer.expiry(login.secret)
    if expires is not None and expires - time.time() < reuse.margin:
        return "the token on this host expires at {}".format(bearer.stamp(expires))
    verdict = bearer.Verdict(bearer.UNKNOWN, None, "the API server is not known")
    if reuse.server:
        verdict = bearer.who(reuse.server, login.secret, asked.timeout)
    if verdict.what == bearer.UNKNOWN:
        # From here the API server is not reached; the registry may be.
        found = _ask(asked, asked.endpoints, login)
        told = [one for one in found if one.what != bearer.UNKNOWN]
        verdict = told[0] if told else verdict._replace(message=(found or [verdict])[0].message)
        user = bearer.claims(login.secret).get("sub")
    else:
        user = verdict.user
    if verdict.what != bearer.VALID:
        return "the token on this host is not proven to hold: {}".format(verdict.message)
    # A user's token does not say whose it is; where nobody can be asked, it is taken to be that of the name beside it.
    known = user is not None or bearer.account(reuse.identity)
    if reuse.identity and known and user != reuse.identity:
        return "the token on this host is that of {}, not of {}".format(user, reuse.identity)
    return ""


def _ask(asked, names, login):
    """Try a login at several endpoints at once; a Verdict for each."""
    if not names:
        return []

    def ask(name):
        at_router = name in asked.router_endpoints
        ca = asked.router_ca if at_router else asked.ca
        return bearer.log_in(name, login.username, login.secret, ca, asked.timeout, at_router)

    with ThreadPoolExecutor(max_workers=min(8, len(names))) as pool:
        return list(pool.map(ask, names))


def _try(asked, names, login):
    """Log in where that is to be written. One that is not reached from here is told, one that refuses is an error."""
    verdicts = _ask(asked, names, login)
    refused = [verdict.message for verdict in verdicts if verdict.what == bearer.REFUSED]
    if refused:
        raise RefusedError(
            "{}. Nothing was written. Is the token or password right, and the registry the one that it is for?".format(
                "; ".join(refused)
            )
        )
    return [
        {"endpoint": names[number], "ok": verdict.what == bearer.VALID, "error": verdict.message or None}
        for number, verdict in enumerate(verdicts)
    ]


def _result(asked, changed, said, before, after, logins):
    """Put together what the module returns; of a login only whose it is."""
    parts = [
        "".join("{}: {}\n".format(name, logins_of[name].username) for name in asked.endpoints if logins_of[name])
        for logins_of in (before, after)
    ]
    if changed and parts[0] == parts[1]:
        parts[1] += "(with another token, or readable for its owner alone)\n"
    header = "logins in {}".format(asked.path)
    diff = {"before_header": header, "after_header": header, "before": parts[0], "after": parts[1]}
    return {
        "changed": changed,
        "diff": [diff] if changed else [],
        "actions": said,
        "auth_file": asked.path,
        "logins": logins,
    }
