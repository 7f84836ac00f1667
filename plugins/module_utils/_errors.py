# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, as types. The text of each is a finished sentence for the person who runs the playbook.

Every error says what failed, on which object or file, what the API or daemon answered, and what to do next.
Only the outermost function of a module (``_kube.run_module``) turns them into ``fail_json``.
"""

from __future__ import annotations

from typing import Any


class RegistryError(Exception):
    """The base of all errors this collection raises on purpose.

    :param message: finished text for the user.
    :param details: extra keys for ``fail_json`` (never a secret).
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return self.message


UNSAID: Any = object()
"""As an option's value: one that no message may repeat."""


class OptionError(RegistryError):
    """An option's value cannot be used; found before anything is touched."""

    def __init__(self, option: str, value: Any, why: str) -> None:
        super().__init__(f"{option}: {why}" if value is UNSAID else f"{option}: {value!r} {why}", option=option)
        self.option = option
        self.value = value


class CertificateError(RegistryError):
    """A certificate, key or CA file cannot be used; the text names the file."""


class MissingLibraryError(RegistryError):
    """A Python library is not there for the interpreter in use; the text says how to install it."""


class RefusedError(RegistryError):
    """A guard said no: what was asked would lose data or break what works. The text names the option that allows it."""


class WaitError(RegistryError):
    """Something did not become ready; the text says what was waited for and the last reason."""


class ExecError(RegistryError):
    """A command in a container could not be run, or failed; ``details["code"]`` is its exit code where it had one."""


class ConfigurationError(RegistryError):
    """The kubeconfig, context or other means of reaching the API cannot be used."""


class UnreachableError(RegistryError):
    """No HTTP answer from the API server: the text has the URL, where the address came from, and what to check.

    ``maybe_done``: as with ApiError.
    """

    maybe_done = False


class ApiError(RegistryError):
    """The API server answered with an error.

    :param status: HTTP status code.
    :param reason: the API's ``reason`` (``Forbidden``, ``AlreadyExists`` …), empty if it gave none.
    :ivar maybe_done: of a write: an earlier attempt of the same request got no answer, and may have been carried out.
    """

    maybe_done = False

    def __init__(self, message: str, *, status: int = 0, reason: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.status = status
        self.reason = reason


class UnauthorizedError(ApiError):
    """401: the credentials are missing, wrong or expired."""


class ForbiddenError(ApiError):
    """403: the text names verb and object and prints the RBAC rule that would allow it."""


class ExecRefusedError(ForbiddenError):
    """403 or 422 for a command in a container, by a policy: OpenShift 3 allows none in privileged pods."""


class NotFoundError(ApiError):
    """404 on a write: the object, or the namespace it was to be made in, is not there."""


class KindNotServedError(NotFoundError):
    """404 because the cluster does not serve this API group, version or resource at all."""


class AlreadyExistsError(ApiError):
    """409 on create: somebody made the object since it was looked for. With ``maybe_done``, that may have been us."""


class ConflictError(ApiError):
    """409 on update or delete: the object changed since it was read. Re-read and plan again.

    With ``maybe_done``, that may have been us.
    """


class InvalidError(ApiError):
    """400 or 422: the API refused the content; the text lists its messages by field."""


class ServerError(ApiError):
    """429 or 5xx that outlasted the retries."""
