# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look whether dockerd asks an HTTP proxy for the registry's names: as it runs now, and as it will after a restart.

The commonest reason why a registry that answers on a node does not answer its docker.
"""

import glob
import json
import re
import shlex
from collections import namedtuple

from . import daemonjson, insecure, proxies, sysconfig
from .errors import EngineError, EnvFileError

# now, later: dict of endpoint (str) to a sentence that says which proxy is asked for it, where that stands and what to
# set; as docker runs, and as it will run after a restart (the same where none is due)
Found = namedtuple("Found", "now later")
_HINT = re.compile(rb"_proxy=|--https?-proxy|--no-proxy", re.IGNORECASE)
_FLAGS = {"HTTP_PROXY": "http-proxy", "HTTPS_PROXY": "https-proxy", "NO_PROXY": "no-proxy"}
_SYSTEMD = "the environment that systemd gives to every service"
_UNIT = "Environment= of docker.service"


class ProxyCheck:
    """The proxy of this node's docker.

    :param tree: files.Tree
    :param systemd: systemd.Systemd
    :param engine: engine.Engine
    :param names: dict of endpoint (str) to endpoint.Endpoint
    :param daemon_json: path of the one that docker reads
    """

    def __init__(self, tree, systemd, engine, names, daemon_json=daemonjson.PATH):
        self._tree = tree
        self._systemd = systemd
        self._engine = engine
        self._names = names
        self._daemon_json = daemon_json

    def look(self, unit, restarts):
        """Look at both.

        :param unit: systemd.Unit
        :param restarts: whether docker is to be restarted
        :returns: Found
        """
        now = self._now(unit)
        return Found(now, self._after_restart(unit) if restarts else now)

    def _now(self, unit):
        hints = self._systemd.environment_of(unit.pid) + self._systemd.cmdline(unit.pid) if unit.pid else []
        if not unit.active or not (any(map(_HINT.search, hints)) or self._in_daemon_json()):
            return {}
        try:
            info = self._engine.info()
        except EngineError:
            return {}
        settings = proxies.Settings(*[info.get(key) or "" for key in ("HttpProxy", "HttpsProxy", "NoProxy")])
        return self._findings(settings, {}, "as docker runs now")

    def _after_restart(self, unit):
        environment, places = {}, {}
        for where, found in self._environments(unit):
            environment.update(found)
            places.update(dict.fromkeys(found, where))
        settings = proxies.of_environment(environment)
        where = {name: places.get(name if environment.get(name) else name.lower()) for name in proxies.VARIABLES}
        for place, found in ((self._daemon_json, self._in_daemon_json()), ("docker's arguments", self._in_flags(unit))):
            for name, value in found.items():
                settings = settings._replace(**{_FIELDS[name]: value})
                where[name] = "{} ({})".format(place, _FLAGS[name])
        return self._findings(settings, where, "after its next start")

    def _findings(self, settings, where, when):
        dialect = proxies.dialect_for(self._go_version() if any(settings) else "")
        lacking = [one for one in self._names.values() if proxies.proxied(settings, one, dialect)]
        if not lacking:
            return {}
        variable = proxies.variable_of(settings, dialect)
        proxy = settings.https if variable == "HTTPS_PROXY" else settings.http
        text = "{} docker asks its proxy {} ({}{}) for {}: set NO_PROXY={}{}, and restart docker{}".format(
            when[0].upper() + when[1:] + ",",
            proxies.shown(proxy),
            variable,
            " in {}".format(where[variable]) if where.get(variable) else "",
            ", ".join(one.text for one in lacking),
            proxies.completed(settings, lacking, dialect),
            " in {}".format(where.get("NO_PROXY") or where.get(variable))
            if where.get("NO_PROXY") or where.get(variable)
            else " where docker.service gets its environment from",
            "" if dialect.networks or "/" not in settings.none else _OLD,
        )
        return {one.text: text for one in lacking}

    def _go_version(self):
        try:
            return self._engine.go_version()
        except EngineError:
            return ""

    def _environments(self, unit):
        """Give where variables come from and what they are (str, dict), the later ones winning, as systemd has them."""
        yield _SYSTEMD, self._systemd.manager_environment()
        yield _UNIT, split_environment(self._systemd.unit_environment())
        root = self._tree.root
        for found in insecure.environment_files(unit, lambda pattern: sorted(glob.glob(self._tree.real(pattern)))):
            path = found[len(root) :] if root and found.startswith(root + "/") else found
            raw = self._tree.read(path)
            try:
                assignments = sysconfig.parse(raw or b"")
            except EnvFileError:
                continue  # systemd reads nothing of it either
            yield path, {one.name: one.value.decode("utf-8", "replace") for one in assignments}

    def _in_daemon_json(self):
        """Give what docker 23 and newer take from daemon.json (dict of variable to value)."""
        try:
            document = json.loads((self._tree.read(self._daemon_json) or b"{}").decode("utf-8"))
            found = document.get("proxies") or {}
            return {name: str(found[flag]) for name, flag in _FLAGS.items() if found.get(flag)}
        except (ValueError, AttributeError):
            return {}

    def _in_flags(self, unit):
        """Give what docker 23 and newer take from flags, as it runs (dict of variable to value)."""
        words = [word.decode("utf-8", "replace") for word in self._systemd.cmdline(unit.pid)] if unit.pid else []
        return {
            name: word.partition("=")[2]
            for word in words
            for name, flag in _FLAGS.items()
            if word.startswith("--{}=".format(flag))
        }


_FIELDS = {"HTTP_PROXY": "http", "HTTPS_PROXY": "https", "NO_PROXY": "none"}
_OLD = " (built with a Go before 1.11, it takes no networks in NO_PROXY)"


def trust(prove, patience, ask_engine, covered, found):
    """Prove trust where docker may ask a proxy.

    A name for which docker asks its proxy is probed also where an insecure flag covers it: that proves no trust, but
    that there is a way. One that a restart takes from the proxy is not probed before.

    :param prove: proof.Proof; patience, ask_engine, covered: as its trust() takes them
    :param found: Found
    :returns: as prove.trust()
    """
    mended = [name for name in found.now if name not in found.later]
    asked = [name for name in covered if name not in found.now or name in mended]
    verified = prove.trust(patience, ask_engine, asked + mended)
    for one in verified:
        name = one["endpoint"]
        if name in mended and one["ok"]:
            one["engine"] = "not asked: docker asks its proxy for this name until it is restarted"
        elif name in found.now and one["ok"] and name in covered:
            one["engine"] = "no proof: an insecure flag covers this name"
        elif name in found.now and not one["ok"] and one["engine"] != "not asked":
            one["error"] = "{}. It said: {}".format(found.now[name], one["engine"])
    return verified


def works(verified, found):
    """Say (list of str) where a proxy is asked, and leads to the registry all the same."""
    ok = [one["endpoint"] for one in verified if one["ok"] and one["endpoint"] in found.later]
    return sorted({"{} (it works through the proxy, too)".format(found.later[name]) for name in ok})


def split_environment(text):
    """Read what systemctl shows of Environment= (NAME=value, quoted where need be) into a dict."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return dict(word.split("=", 1) for word in words if "=" in word)
