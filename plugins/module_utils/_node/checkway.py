# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all ways of logging in, pushing and pulling have in common: how they fail, and in which words."""

import base64
import json
import re
from urllib.parse import quote

from . import tls

HIDDEN = "********"
_WORDS = (
    ("denied", re.compile(r"denied|403 Forbidden|insufficient_scope", re.IGNORECASE)),
    (
        "unauthorized",
        re.compile(r"unauthorized|authentication required|\b401\b|invalid username/password", re.IGNORECASE),
    ),
    ("not_found", re.compile(r"not found|manifest unknown|\b404\b", re.IGNORECASE)),
    ("too_large", re.compile(r"\b413\b|entity too large", re.IGNORECASE)),
)
_DIGEST = re.compile(r"sha256:[0-9a-f]+")
ADVICE = {
    "unauthorized": "give the token of a user, one that has not expired: oc whoami -t",
    "denied": "may {user} push and pull in the project {project}, as system:image-builder allows?",
    "location": "the registry does not know by which name and scheme it is reached, as behind a Route that ends TLS: "
    "use a passthrough Route, or set REGISTRY_HTTP_HOST to https:// and the Route's host",
    "too_large": "a router or proxy on the way takes no body of this size",
    "digest": "replicas that do not share their storage, or something on the way that changes what passes",
    "not_registry": "this is no registry, or a router without one behind it",
}
#: A long body fails by these where a router gives up while it passes.
_SLOW = "for large layers raise the Route's timeout (haproxy.router.openshift.io/timeout)"


class StepError(Exception):
    """A step failed.

    :ivar reason: a key of tls.ADVICE or of ADVICE, or another word
    """

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Access:
    """Who pushes what, and where to: what the ways are told.

    :param request: check.Request
    """

    def __init__(self, request):
        self.username = request.username
        self.token = request.token
        self.tag = request.tag
        self.path = "{}/{}".format(request.project, request.image)
        self.project = request.project
        self.names = list(request.endpoints)

    def repository(self, name):
        """Give the repository as image references have it. :param name: the endpoint"""
        return "{}/{}".format(name, self.path)

    def failed(self, name, what, message, reason=None):
        """Give the StepError (to be raised) for what a tool or a registry said.

        :param what: such as C(push of x/y:z refused)
        :param reason: where it is known; otherwise it is told by the words of the message
        """
        reason = reason or kind_of(message)
        if reason == "unauthorized" and not what.startswith("login"):
            reason = "denied"  # a registry of OpenShift says so of everybody who may not, also of one who is logged in
        advice = (ADVICE.get(reason) or tls.ADVICE.get(reason) or "").format(user=self.username, project=self.project)
        if reason in ("timeout", "closed") and ("push" in what or "upload" in what):
            advice = "{}; {}".format(advice, _SLOW)
        if reason == "other":
            advice = ""
        return StepError(reason, "{}: {}: {}{}".format(name, what, message, advice and " ({})".format(advice)))


def kind_of(message):
    """Name the reason (str) of a failure by the words that a tool used for it; C(other) where they are not known."""
    said = _DIGEST.sub("", message)  # which may have any digits
    kind = tls.classify(said)
    if kind != "other":
        return kind
    return next((kind for kind, words in _WORDS if words.search(said)), "other")


def hide(text, tokens):
    """Take tokens, in every form in which they are sent, out of a text."""
    for token in filter(None, tokens):
        for form in (
            token,
            base64.b64encode(token.encode("utf-8")).decode("ascii"),
            json.dumps(token)[1:-1],
            quote(token),
        ):
            text = text.replace(form, HIDDEN)
    return text
