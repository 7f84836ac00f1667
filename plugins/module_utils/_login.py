# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registry_login does where the API server is reached: which endpoints, whose token, and is a new one needed.

What is done to the host's files is ``_node/login.py``; between the two stands a function that hands options on, so that
the host may be another one than this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _oauth
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import route as build_route
from ansible_collections.okd.registry.plugins.module_utils._build import service as build_service
from ansible_collections.okd.registry.plugins.module_utils._build.secrets import CA_KEY, value
from ansible_collections.okd.registry.plugins.module_utils._endpoints import (
    KNOWN_AFTER_APPLY,
    Endpoints,
    cluster_ips,
    from_service,
)
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    UNSAID,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    OptionError,
    RefusedError,
    UnauthorizedError,
)
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef, group_of
from ansible_collections.okd.registry.plugins.module_utils._kube import Server, server
from ansible_collections.okd.registry.plugins.module_utils._model import Registry, dns_label, dns_name
from ansible_collections.okd.registry.plugins.module_utils._node import bearer
from ansible_collections.okd.registry.plugins.module_utils._node import login as node_login
from ansible_collections.okd.registry.plugins.module_utils._node.errors import NodeError

KUBECONFIG, TOKEN, OAUTH, ACCOUNT, PASSWORD = "kubeconfig", "token", "oauth", "service_account", "password"
Host = Callable[[dict[str, Any]], Mapping[str, Any]]
"""Runs the module on the host whose files are meant, with the options given; gives its result."""

_SYSTEM = (
    "System users, such as system:admin, have a client certificate and no token, so they cannot be used to access the "
    "registry. Log in as a regular user (login_username and login_password, or login_token from `oc whoami -t`), or "
    "name a service_account."
)
_SHORTEST = 600  # seconds; the API server refuses less


@dataclass(frozen=True)
class Wanted:
    """Whose login is wanted, from the options.

    :param method: how its secret is got.
    :param username: what goes into the file; None as long as only the API server knows it.
    :param account: (namespace, name) of the ServiceAccount.
    """

    method: str
    username: str | None
    secret: str | None = field(repr=False)
    account: tuple[str, str] | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Wanted:
        """Raises OptionError or RefusedError."""
        username, password = params["login_username"], params["login_password"]
        secret, account = params["login_token"], params["service_account"]
        method = params["method"] or _method(params)
        needed = {
            TOKEN: {"login_token": secret},
            OAUTH: {"login_username": username, "login_password": password},
            PASSWORD: {"login_username": username, "login_password": password},
            ACCOUNT: {"service_account": account},
        }
        for option, given in needed.get(method, {}).items():
            if not given:
                raise OptionError("method", method, f"needs {option}")
        if method == OAUTH and bearer.is_system(username):
            raise RefusedError(f"login_username: {username} gets no token. {_SYSTEM}")
        if username and ":" in username and method in (PASSWORD, OAUTH):
            raise OptionError("login_username", username, "has a colon, which no login can have")
        if method == TOKEN:
            secret = secret.strip()  # the end of the line of the file that it was read from
            if not bearer.fits(secret):
                raise OptionError("login_token", UNSAID, bearer.UNFIT if secret else "is empty")
        if method != ACCOUNT:
            return cls(method, _plain(username) if username else None, {TOKEN: secret, PASSWORD: password}.get(method))
        if params["expires_in"] < _SHORTEST:
            raise OptionError("expires_in", params["expires_in"], f"is less than {_SHORTEST}, the API server's least")
        if params["renew_before"] >= params["expires_in"]:
            raise OptionError(
                "renew_before", params["renew_before"], "is no less than expires_in: every run would need a new token"
            )
        namespace = dns_label("service_account_namespace", params["service_account_namespace"] or params["namespace"])
        name = dns_name("service_account", account)
        return cls(ACCOUNT, _plain(username or name), None, (namespace, name))

    @property
    def identity(self) -> str | None:
        """The user that the API server must know a token as, where that is known beforehand."""
        if self.account:
            return "system:serviceaccount:{}:{}".format(*self.account)
        return self.username if self.method == OAUTH else None


def _method(params: Mapping[str, Any]) -> str:
    """What the options that were given mean, if they mean one thing."""
    given = {
        TOKEN: params["login_token"],
        OAUTH: params["login_password"],
        ACCOUNT: params["service_account"],
    }
    found = [method for method, value_of in given.items() if value_of]
    if len(found) > 1:
        raise RefusedError(
            "login_token, login_password and service_account are different ways to log in. Give one, or say method."
        )
    return found[0] if found else KUBECONFIG


def _plain(username: str) -> str:
    """A user's name as the file can hold it: what is before the first colon is the name. OpenShift ignores it."""
    return username.replace(":", "-")


def execute(module: Any, api: Api) -> dict[str, Any]:
    """The module's work where API and files are of one host. Raises RegistryError."""

    def host(options: dict[str, Any]) -> dict[str, Any]:
        try:
            return node_login.work(options, module.check_mode)
        except NodeError as exc:
            raise RefusedError(str(exc)) from exc

    return run(module.params, api, host, check_mode=module.check_mode)


def run(params: Mapping[str, Any], api: Api, host: Host, *, check_mode: bool) -> dict[str, Any]:
    """Log the host in, or out; the module's return value.

    :raises RegistryError: what is on the host then is as it was.
    """
    absent = params["state"] == "absent"
    wanted = None if absent else Wanted.from_params(params)
    names = _Names(params, api, check_mode=check_mode)
    handed: dict[str, Any] = {
        "method": PASSWORD,
        "obtain_on": "host",
        "state": params["state"],
        "name": params["name"],
        "namespace": params["namespace"],
        "endpoints": [name for name in names.endpoints if name not in names.at_router],
        "router_endpoints": names.at_router,
        "auth_file": params["auth_file"],
        "verify": params["verify"],
        "timeout": params["timeout"],
    }
    done: Mapping[str, Any]
    more: dict[str, Any] = {}
    if wanted is None:
        if params["revoke"]:
            handed |= {"revoke": True, "reuse": _asked(params, server(params))}
        done = host(handed)
    else:
        handed["registry_ca_cert"] = params["registry_ca_cert"] or names.ca
        handed["router_ca_cert"] = params["router_ca_cert"]
        done, more = _Login(params, api, wanted, host, check_mode=check_mode).do(handed)
    return {**done, **more, "registry": names.registry, "api_requests": api.counts()}


class _Names:
    """The endpoints to log in at, and the CA to verify them by."""

    def __init__(self, params: Mapping[str, Any], api: Api, *, check_mode: bool) -> None:
        self.ca: str | None = None
        #: Those at which a router ends TLS, so that its certificate is seen.
        self.at_router = list(params["router_endpoints"])
        self.registry: dict[str, Any] = {
            key: params[key] for key in ("name", "namespace", "port")
        } | {"cluster_ip": None}  # fmt: skip
        if params["endpoints"] or self.at_router:
            self.endpoints = list(params["endpoints"] or [])
        else:
            self.endpoints = list(self._live(params, api, check_mode).docker)
        self.endpoints += [name for name in self.at_router if name not in self.endpoints]
        self.registry["endpoints"] = self.endpoints

    def _live(self, params: Mapping[str, Any], api: Api, check_mode: bool) -> Endpoints:
        registry = Registry.from_params(params)
        ref = build_service.ref(registry)
        service = api.get(ref)
        if service is None and not check_mode and params["state"] == "present":
            raise NotFoundError(
                f"There is no {ref}, so the registry's endpoints are not known. Deploy it first, or name endpoints.",
                status=404,
            )
        routes: list[str] = []
        if api.has(group_of(build_route.API_VERSION)):
            found = api.list(build_route.API_VERSION, "Route", registry.namespace)
            routes = [route["spec"].get("host") or "" for route in build_route.ranked(found, registry)]
            self.at_router += [host for host in build_route.router_hosts(found, registry) if host not in self.at_router]
        addresses = cluster_ips(service) if service else (KNOWN_AFTER_APPLY,) if check_mode else ()
        self.registry["cluster_ip"] = next(iter(addresses), None)
        self.ca = self._published(api, registry) if params["state"] == "present" else None
        return from_service({"spec": {"clusterIPs": addresses}}, params, route_hosts=routes)

    @staticmethod
    def _published(api: Api, registry: Registry) -> str | None:
        """The CA that registry_cert publishes; without it, what this host trusts counts."""
        try:
            live = api.get(ObjectRef("v1", "ConfigMap", f"{registry.name}-ca", registry.namespace))
        except ForbiddenError:
            return None
        return ((live or {}).get("data") or {}).get(CA_KEY)


class _Login:
    """One login: find its token, or get one, and have the host keep it."""

    def __init__(self, params: Mapping[str, Any], api: Api, wanted: Wanted, host: Host, *, check_mode: bool) -> None:
        self._params, self._api, self._wanted, self._host = params, api, wanted, host
        self._check = check_mode
        self._resources: list[dict[str, Any]] = []
        self._said: list[str] = []

    def do(self, handed: dict[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
        """(the host's result, more of the module's return value)."""
        wanted, username = self._wanted, self._wanted.username
        if wanted.method in (KUBECONFIG, TOKEN):
            api_server = server(self._params)
            secret = wanted.secret or _own_token(api_server)
            username = username or _plain(self._whose(api_server, secret))
            done = self._host({**handed, "login_username": username, "login_password": secret})
        elif wanted.method == PASSWORD:
            done = self._host({**handed, "login_username": username, "login_password": wanted.secret})
        else:
            done = self._renewed({**handed, "login_username": username})
        more = {"username": username, "method": wanted.method, "resources": self._resources}
        return done, {**more, "actions": [*self._said, *done.get("actions", [])]}

    def _renewed(self, handed: dict[str, Any]) -> Mapping[str, Any]:
        """With a token on the host that still holds, or with a new one."""
        api_server = server(self._params)
        reuse = _asked(self._params, api_server)
        reuse |= {"identity": self._wanted.identity, "margin": self._params["renew_before"]}
        done = dict(self._host({**handed, "reuse": reuse}))
        why = done.pop("why", None)
        if self._wanted.account:
            account = ObjectRef("v1", "ServiceAccount", self._wanted.account[1], self._wanted.account[0])
            self._resources.append(account.entry("unchanged"))
        if done.get("reused"):
            return done
        self._said.append(f"Got a token of {handed['login_username']}, since {why}.")
        if self._check:
            return {**done, "expires": KNOWN_AFTER_APPLY}
        if self._wanted.account:
            secret = self._of_account(account)
        else:
            secret = _oauth.token(api_server, handed["login_username"], self._params["login_password"])
        return self._host({**handed, "login_password": secret})

    def _whose(self, api_server: Server, secret: str) -> str:
        """The user of a token. Raises UnauthorizedError where it is not accepted, RefusedError for system users."""
        asked = bearer.Server(api_server.url, api_server.ca, api_server.verify, api_server.proxy)
        verdict = bearer.who(asked, secret, self._params["timeout"])
        if verdict.what == bearer.REFUSED:
            raise UnauthorizedError(
                f"{api_server.url} (from {api_server.source}): {verdict.message}. Get another one: oc whoami -t.",
                status=401,
            )
        if verdict.what == bearer.UNKNOWN:
            raise RefusedError(
                f"Whose the token is cannot be found out: {verdict.message}. Say login_username with method: password "
                "and the token as login_password to have it written as it is."
            )
        if bearer.is_system(verdict.user):
            raise RefusedError(f"The token is that of {verdict.user}. {_SYSTEM}")
        account = bearer.account(verdict.user)
        return account[1] if account else verdict.user or "okd-registry"

    def _of_account(self, account: ObjectRef) -> str:
        """A new token of a ServiceAccount; before TokenRequest, the one that its Secret holds, which never expires."""
        token = self._api.token(account, self._params["expires_in"])
        if token:
            return token
        live = self._api.get(account)
        if live is None:
            raise NotFoundError(f"There is no {account}. Make it first, with the rights that it needs.", status=404)
        for entry in live.get("secrets") or []:
            secret = self._api.get(ObjectRef("v1", "Secret", entry["name"], account.namespace))
            if (secret or {}).get("type") == "kubernetes.io/service-account-token":
                found = value(secret, "token")
                if found:
                    return found.decode("ascii", "replace").strip()
        raise RefusedError(
            f"This cluster gives no tokens that expire (it has no TokenRequest), and {account} has no Secret with one. "
            "Give a user's login_token instead."
        )


def _asked(params: Mapping[str, Any], api_server: Server) -> dict[str, Any]:
    """What a host is told of the API server, to ask it about the tokens there."""
    told = {"server": api_server.url, "ca": api_server.ca, "verify": api_server.verify}
    if api_server.proxy and params["obtain_on"] == "host":  # elsewhere it may not be the way there
        told |= {"proxy": api_server.proxy.url, "proxy_headers": api_server.proxy.headers}
    return told


def _own_token(api_server: Server) -> str:
    """The token of the connection itself: what ``oc whoami -t`` prints."""
    kind, _blank, secret = (api_server.authorization or "").partition(" ")
    secret = secret.strip()
    if kind.lower() == "bearer" and secret:
        if not bearer.fits(secret):
            raise ConfigurationError(f"The token in {api_server.source} {bearer.UNFIT}. Put it in anew: oc login.")
        return secret
    raise RefusedError(f"There is no token in {api_server.source}. {_SYSTEM}")
