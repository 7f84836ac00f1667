# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in, push and pull with a node's own docker, over its socket."""

import ipaddress
import threading
from urllib.parse import quote, urlencode

from . import engine as engines
from . import flags, probe_image, tls
from .checkway import StepError
from .endpoint import parse
from .errors import EngineError


class Docker:
    """The way through dockerd: its certs.d, resolver and proxy. No client, no file with credentials.

    :param access: checkway.Access
    :param engine: engine.Engine
    """

    name = "docker"

    def __init__(self, access, engine):
        self._access = access
        self._engine = engine
        self._made = []
        self._image = probe_image.build()
        self._loading = threading.Lock()
        self._insecure = None

    def unverified(self, name):
        """Give the flag or network by which docker does not verify a name; "" where it does."""
        with self._loading:
            if self._insecure is None:
                self._insecure = self._engine.insecure()
        addresses = {name: [ipaddress.ip_address(found) for found in tls.addresses(parse(name).host)]}
        for value in self._insecure:
            network = flags.network(value)
            if network is not None and network.is_loopback:
                continue
            if flags.names(value) == name or flags.covered_by(value, addresses):
                return value
        return ""

    def login(self, name):
        """Log in. Raises StepError, as the other steps do."""
        login = {"username": self._access.username, "password": self._access.token, "serveraddress": name}
        try:
            self._engine.call("POST", "/auth", login)
        except EngineError as exc:
            raise self._failed(name, "login as {} refused".format(self._access.username), exc) from exc

    def push(self, name):
        """Push, and give the digest that docker names."""
        self._load()
        repository = self._access.repository(name)
        tagged = "{}:{}".format(repository, self._access.tag)
        self._brings(tagged)
        query = urlencode({"repo": repository, "tag": self._access.tag})
        path = "/images/{}/push?{}".format(quote(repository, safe="/:[]"), urlencode({"tag": self._access.tag}))
        try:
            self._engine.call("POST", "/images/{}/tag?{}".format(quote(self._image.image_id, safe=":"), query))
            messages = self._engine.stream("POST", path, headers=self._auth(name))
        except EngineError as exc:
            raise self._failed(name, "push of {} refused".format(tagged), exc) from exc
        digest = next((m["aux"]["Digest"] for m in messages if (m.get("aux") or {}).get("Digest")), None)
        if digest is None:
            raise StepError("other", "{}: docker pushed {} and names no digest".format(name, tagged))
        return digest

    def pull(self, name, reference, pushed):
        """Pull by a tag or a digest, and give the digest that docker then names.

        :param pushed: digest of what was pushed by this name
        """
        repository = self._access.repository(name)
        by_digest = reference.startswith("sha256:")
        whole = "{}{}{}".format(repository, "@" if by_digest else ":", reference)
        self._brings(whole)
        try:
            path = "/images/create?" + urlencode({"fromImage": repository, "tag": reference})
            self._engine.stream("POST", path, headers=self._auth(name))
            found = self._engine.call("GET", "/images/{}/json".format(quote(whole, safe="/:@[]"))) or {}
        except EngineError as exc:
            raise self._failed(name, "pull of {} refused".format(whole), exc) from exc
        digests = [digest.rpartition("@")[2] for digest in found.get("RepoDigests") or []]
        # Another node, with another version of docker, may have pushed the same image by the same tag meanwhile.
        if pushed not in digests and (by_digest or found.get("Id") != self._image.image_id):
            said = "{}: pushed {}, pulled {}".format(name, pushed, ", ".join(digests) or "nothing")
            raise StepError("digest", said)
        return pushed if pushed in digests else (digests or [None])[0]

    def forget(self):
        """Remove what this run brought into docker; what cannot be is tried again the next time.

        :returns: what is still there, and why (list of str)
        """
        tried = [(reference, self._remove(reference)) for reference in reversed(self._made)]
        self._made = [reference for reference, said in reversed(tried) if said]
        return [said for _reference, said in tried if said]

    def _load(self):
        """Bring the image into docker, once for all names. Raises StepError."""
        with self._loading:
            if self._image.image_id in self._made:
                return
            headers = {"Content-Type": "application/x-tar"}
            try:
                self._engine.stream("POST", "/images/load?quiet=1", self._image.archive, headers)
            except EngineError as exc:
                raise StepError("engine", "docker does not load the probe image: {}".format(exc)) from exc
            self._brings(self._image.image_id)

    def _failed(self, name, what, exc):
        return self._access.failed(name, what, str(exc), None if exc.status else "engine")

    def _auth(self, name):
        return engines.registry_auth(self._access.username, self._access.token, name)

    def _brings(self, reference):
        """Remember a name to be removed from docker; names of an image go before its id."""
        if reference not in self._made:
            self._made.append(reference)

    def _remove(self, reference):
        """Remove one name of a local image; give "" or why that could not be done."""
        try:
            self._engine.call("DELETE", "/images/{}".format(quote(reference, safe="/:@[]")))
        except EngineError as exc:
            return "" if exc.status == 404 else "{}: {}".format(reference, exc)
        return ""
