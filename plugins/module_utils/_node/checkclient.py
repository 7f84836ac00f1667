# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in, push and pull with our own client, where there is no engine; and what no engine can be told to do."""

from . import v2
from .checkway import StepError


class Client:
    """The way without an engine, which keeps nothing on this host.

    :param access: checkway.Access
    :param context: function of an endpoint (str) that gives the TLS context
    :param image: check.Image
    :param timeout: seconds for an answer
    """

    name = "client"

    def __init__(self, access, context, image, timeout):
        self._access = access
        self._context = context
        self._image = image
        self._timeout = timeout
        self._tag = access.tag + image.mark
        self._clients = {}  # type: dict

    @property
    def tag(self):
        """Under which tag the image is: docker's packing of it is another manifest, with a tag of its own."""
        return self._tag

    def unverified(self, _name):
        """Nothing is left unverified here."""
        return ""

    def login(self, name):
        """Log in. Raises StepError, as the other steps do."""
        self._tried(name, "login as {} refused".format(self._access.username), lambda client: client.log_in())

    def push(self, name, chunk=0):
        """Push every blob, and give the digest. :param chunk: bytes of a piece; 0 for each blob in one"""
        what = "push of {}:{} refused".format(self._access.repository(name), self._tag)
        return self._tried(name, what, lambda c: c.push(self._access.path, self._tag, self._image(), chunk))

    def pull(self, name, reference, _pushed):
        """Pull the manifest and every blob of it, check them, and give the digest.

        :param reference: the digest, or C(tag), which is this way's own tag
        """
        reference = reference if reference.startswith("sha256:") else self._tag
        image = self._image()
        what = "pull of {} refused".format(self._access.repository(name))

        def read(client):
            digest, manifest = client.manifest(self._access.path, reference, image.media_type)
            wanted = [blob.digest for blob in [image.config, *image.layers]]
            found = [entry.get("digest") for entry in [manifest.get("config") or {}] + (manifest.get("layers") or [])]
            if found != wanted:
                raise v2.V2Error("digest", "pushed {}, pulled {}".format(image.digest, digest))
            for blob in wanted:
                client.read(self._access.path, blob)
            return digest

        return self._tried(name, what, read)

    def refuses(self, name, username, token, digest):
        """Have the registry refuse a user without rights in the project. Raises StepError where it does not.

        :param digest: of an image that this run has pushed by this name, or None: only pushing is tried then
        :returns: "", or why it is not proven that the user may not pull
        """
        client = v2.Client(name, self._context(name), (username, token), self._timeout)
        try:
            return self._refused(client, name, username, digest)
        finally:
            client.close()

    def _refused(self, client, name, username, digest):
        try:
            client.log_in()
        except v2.V2Error as exc:
            said = "the token of {} cannot log in, so nothing is proven: {}".format(username, exc)
            raise self._access.failed(name, said, "give one that can", "outsider") from exc
        try:
            may = ["push"] if client.begins_upload(self._access.path) else []
            pull = client.reads(self._access.path, digest) if digest else None
        except v2.V2Error as exc:
            raise self._access.failed(name, "asking as {}".format(username), str(exc), exc.reason) from exc
        may += ["pull"] if pull == v2.READ else []
        if may:
            said = "{}: {} may {} in the project {} and should not: look at the project's role bindings"
            raise StepError("not_refused", said.format(name, username, " and ".join(may), self._access.project))
        if pull is None:
            return "no image was pushed by this name in this run"
        # Not there, or not to be seen by this user: whoever pushed it sees the difference.
        if pull == v2.MISSING:
            own = self._tried(name, "pull refused", lambda c: c.reads(self._access.path, digest))
            return "" if own == v2.READ else "the user who has pushed the image does not find it, either"
        return ""

    def forget(self):
        """Hang up; nothing else is kept."""
        for client in self._clients.values():
            client.close()
        return []

    def _tried(self, name, what, ask):
        try:
            if name not in self._clients:
                login = (self._access.username, self._access.token)
                self._clients[name] = v2.Client(name, self._context(name), login, self._timeout)
            return ask(self._clients[name])
        except v2.V2Error as exc:
            raise self._access.failed(name, what, str(exc), exc.reason) from exc
