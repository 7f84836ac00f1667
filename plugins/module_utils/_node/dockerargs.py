# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which arguments a start of docker.service would give dockerd, by what its files say now.

Source: systemd.service(5), "Command lines", and systemd's replace_env_argv(), with which the tests compare.
"""

import re

from . import sysconfig, unitedit, words
from .errors import EnvFileError

_BRACED = re.compile(rb"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


def arguments(units, environment_files, loaded):
    """Give the arguments of dockerd.

    :param units: the unit file and its drop-ins (bytes), in systemd's order
    :param environment_files: bytes, in systemd's order
    :param loaded: ExecStart= as systemd has loaded it (str), for where no file has one
    :returns: list of bytes; what cannot be read counts for nothing
    """
    command = []  # type: list
    variables = {}  # type: dict
    for raw in units:
        for what in _meaning(raw):
            if what[0] == unitedit.EXEC:
                command = command + what[1] if what[1] else []
            elif what[1]:
                variables[what[1].encode("utf-8")] = what[2]
            else:
                variables = {}
    for raw in environment_files:
        variables.update({item.name.encode("utf-8"): item.value for item in _environment(raw)})
    return expand(command or [word.encode("utf-8") for word in loaded.split()], variables)


def expand(command, variables):
    """Put variables into a command line.

    :param command: list of bytes
    :param variables: dict of bytes to bytes
    :returns: list of bytes
    """
    expanded = []  # type: list
    for word in command:
        if word[:1] == b"$" and word[1:2] not in (b"$", b"{"):
            expanded += words.texts(variables.get(word[1:], b""))
        else:
            expanded.append(_BRACED.sub(lambda form: _value(form, variables), word))
    return expanded


def _value(form, variables):
    return b"$" if form.group(1) is None else variables.get(form.group(1), b"")


def _meaning(raw):
    try:
        return unitedit.meaning(raw)
    except EnvFileError:
        return []


def _environment(raw):
    try:
        return sysconfig.parse(raw)
    except EnvFileError:
        return []
