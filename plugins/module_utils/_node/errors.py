# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on a node. Each text is a finished sentence: what, on which file or endpoint, what to do next."""


class NodeError(Exception):
    """The base of all errors that this package raises on purpose; the text is meant for the user."""


class RefusedError(NodeError):
    """Something in the way is not ours, or cannot be changed safely. Nothing was touched."""


class VerifyError(NodeError):
    """An endpoint is not trusted or not reached from this node; insecure flags stay while that is so."""


class RestartError(NodeError):
    """The engine did not come back healthy; the text says whether its files were put back."""


class ContainersError(RestartError):
    """The engine itself is healthy, but what it is to have running does not run."""


class EngineError(NodeError):
    """The engine (dockerd) answered with an error, or not at all.

    :ivar status: HTTP status, 0 where the socket did not answer, 200 where the error came inside a stream.
    """

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status


class EnvFileError(NodeError):
    """systemd would not read this environment file, or it cannot be edited safely.

    :ivar line: line in the file, from 1.
    :ivar reason: what is wrong there.
    """

    def __init__(self, line, reason):
        super().__init__("line {}: {}".format(line, reason))
        self.line = line
        self.reason = reason
