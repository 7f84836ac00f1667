# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker's credential helpers (docker-credential-NAME): what they are told goes through stdin, never in arguments."""

import json
import shutil
import subprocess

from .authfile import Login
from .errors import NodeError, RefusedError

SECONDS = 30
_NOT_FOUND = "credentials not found in native keychain"


class Helper:
    """One helper, by the name that C(credHelpers) or C(credsStore) have for it.

    :param path: the file that names it, for messages
    :raises RefusedError: where it is not installed
    """

    def __init__(self, name, path):
        self.name = "docker-credential-" + name
        self._program = shutil.which(self.name)
        if self._program is None:
            raise RefusedError(
                "{}: says that logins are with the credential helper {}, which is not in the PATH here; install it, "
                "or take it out of credHelpers and credsStore".format(path, self.name)
            )

    def get(self, endpoint):
        """Give the Login that it has for an endpoint, or None."""
        code, said = self._call("get", endpoint)
        if code:
            if _NOT_FOUND in said:
                return None
            raise NodeError("{} get {}: {}".format(self.name, endpoint, said.strip() or "exit code %d" % code))
        try:
            found = json.loads(said)
            return Login(str(found["Username"]), str(found["Secret"]))
        except (ValueError, KeyError, TypeError):
            raise NodeError("{} get {}: answers something that is no login".format(self.name, endpoint)) from None

    def store(self, endpoint, login):
        """Have it keep a Login."""
        told = json.dumps({"ServerURL": endpoint, "Username": login.username, "Secret": login.secret})
        code, said = self._call("store", told)
        if code:
            said = said.replace(login.secret, "********").strip()
            raise NodeError("{} store {}: {}".format(self.name, endpoint, said or "exit code %d" % code))

    def erase(self, endpoint):
        """Have it forget a login; that it has none is fine."""
        code, said = self._call("erase", endpoint)
        if code and _NOT_FOUND not in said:
            raise NodeError("{} erase {}: {}".format(self.name, endpoint, said.strip() or "exit code %d" % code))

    def _call(self, verb, told):
        """Run it: (exit code, what it said). Helpers say errors on their standard output."""
        try:
            process = subprocess.Popen(
                [self._program, verb], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as exc:
            raise NodeError("{}: cannot be run: {}".format(self._program, exc.strerror or exc)) from exc
        try:
            said, errors = process.communicate(told.encode("utf-8"), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise NodeError(
                "{} {}: gave no answer within {} s; it may be asking somebody at a screen".format(
                    self.name, verb, SECONDS
                )
            ) from None
        words = said if said or not process.returncode else errors
        return process.returncode, words.decode("utf-8", "replace")
