# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask systemd what docker.service is, and have it restarted."""

import os
import re
import subprocess
import time
from collections import namedtuple

DOCKER = "docker.service"
CRIO = "crio.service"
# On RHEL 7.4 and later: makes flags for dockerd of /etc/containers/registries.conf
REGISTRIES = "registries.service"
_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "MainPID",
    "ExecStart",
    "EnvironmentFiles",
    "FragmentPath",
    "DropInPaths",
    "NeedDaemonReload",
)
_ARGV = re.compile(r"argv\[\]=(.*?) ; ignore_errors=", re.DOTALL)
_FILE = re.compile(r"(?P<path>.*) \(ignore_errors=(yes|no)\)\Z")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")

# exists, active, settled (neither starting nor stopping), needs_reload: bool; pid: int (0 where not running);
# exec_text: str, ExecStart with its variables as written; environment_files, unit_files: paths in systemd's order
Unit = namedtuple("Unit", "exists active settled pid exec_text environment_files unit_files needs_reload")
NO_UNIT = Unit(False, False, True, 0, "", [], [], False)


def parse_show(text):
    """Read the output of C(systemctl show) for one unit into a Unit.

    :param text: str, lines of NAME=value; before systemd 241 EnvironmentFiles is printed as EnvironmentFile
    """
    values = {}  # type: dict
    files = []
    for line in text.splitlines():
        name, _separator, value = line.partition("=")
        if name in ("EnvironmentFile", "EnvironmentFiles"):
            form = _FILE.match(value)
            files.append(form.group("path") if form else value)
        elif name == "ExecStart":
            argv = _ARGV.search(value)
            values[name] = "{} {}".format(values.get(name, ""), argv.group(1) if argv else value).strip()
        else:
            values[name] = value
    unit_files = [values.get("FragmentPath", ""), *values.get("DropInPaths", "").split()]
    return Unit(
        exists=values.get("LoadState") == "loaded",
        active=values.get("ActiveState") == "active",
        settled=values.get("ActiveState") not in ("activating", "deactivating", "reloading"),
        pid=int(values.get("MainPID") or 0),
        exec_text=values.get("ExecStart", ""),
        environment_files=[path for path in files if path],
        unit_files=[path for path in unit_files if path],
        needs_reload=values.get("NeedDaemonReload") == "yes",
    )


def exec_variables(exec_text):
    """List the variables that ExecStart= hands on, in order, as (name, whether it is split into words)."""
    return [(braced or bare, not braced) for braced, bare in _VARIABLE.findall(exec_text)]


class Systemd:
    """systemd on this node.

    :param run: function (argv, timeout in seconds) that gives (exit status, standard output, standard error)
    :param root: "" for the node itself
    """

    def __init__(self, run, root=""):
        self._run = run
        self._root = root

    def command(self, argv, timeout):
        """Run another command. Takes and returns what run() does."""
        return self._run(argv, timeout)

    def is_there(self):
        """Say whether systemd runs this node."""
        return os.path.isdir(self._root + "/run/systemd/system")

    def unit(self):
        """Give docker.service as systemd has loaded it; NO_UNIT where there is no systemd."""
        if not self.is_there():
            return NO_UNIT
        status, out, _err = self._run(["systemctl", "show", DOCKER, "-p", ",".join(_PROPERTIES)], 30)
        return parse_show(out) if status == 0 else NO_UNIT

    def settled_unit(self, timeout, clock=time):
        """Give docker.service once it is neither starting nor stopping, or as it is when the time (seconds) is over.

        Somebody else may be restarting it just now, or a run that was killed may have begun to.
        """
        deadline = clock.monotonic() + timeout
        while True:
            unit = self.unit()
            if unit.settled or clock.monotonic() > deadline:
                return unit
            clock.sleep(0.3)

    def version(self):
        """Give systemd's version (int), None where it is not known."""
        status, out, _err = self._run(["systemctl", "--version"], 30)
        form = re.match(r"systemd (\d+)", out)
        return int(form.group(1)) if status == 0 and form else None

    def cmdline(self, pid):
        """Give the arguments (list of bytes) of a running process, empty where there is none."""
        try:
            with open("{}/proc/{}/cmdline".format(self._root, pid), "rb") as stream:
                return stream.read().split(b"\0")[:-1]
        except OSError:
            return []

    def exists(self, unit):
        """Say whether there is a unit of this name."""
        return self.is_there() and "LoadState=loaded" in self._shown(unit, "LoadState")

    def is_active(self, unit):
        """Say whether a unit of this name runs."""
        return self.is_there() and "ActiveState=active" in self._shown(unit, "ActiveState")

    def _shown(self, unit, name):
        return self._run(["systemctl", "show", unit, "-p", name], 30)[1].split()

    def daemon_reload(self):
        """Have unit files read again.

        :returns: "" or what systemctl said
        """
        return self._said(["systemctl", "daemon-reload"], 60)

    def restart(self, timeout, first=()):
        """Restart docker.

        :param timeout: seconds
        :param first: units (list of str) that go with it in one step, so that docker, which comes after them and may
            need them, is restarted once and not twice
        :returns: "" or what systemctl said
        """
        # A unit that failed often within seconds is refused by its start limit, which is not what is in question here.
        self._run(["systemctl", "reset-failed", DOCKER, "docker.socket"], 30)
        return self._said(["systemctl", "restart", *first, DOCKER], timeout)

    def regenerate(self):
        """Have the flags of registries.conf made anew while docker is down. :returns: "" or what systemctl said"""
        return self._said(["systemctl", "restart", REGISTRIES], 30)

    def reload(self, unit=DOCKER):
        """Have docker read daemon.json anew, or another engine its files (SIGHUP); it goes on while it does.

        :returns: "" or what systemctl said
        """
        return self._said(["systemctl", "reload", unit], 30)

    def _said(self, argv, timeout):
        status, out, err = self._run(argv, timeout)
        return "" if status == 0 else (err or out or "exit status {}".format(status)).strip()

    def journal(self, lines=15):
        """Give the last lines of docker's journal (str)."""
        argv = ["journalctl", "--unit", DOCKER, "--no-pager", "--output", "cat", "--lines", str(lines)]
        return self._run(argv, 30)[1].strip()


def run(argv, timeout):
    """Run a command in the C locale.

    :param argv: list of str
    :param timeout: seconds
    :returns: (exit status, standard output, standard error); status 124 where it took too long, 127 without the command
    """
    environment = dict(os.environ, LC_ALL="C", LANGUAGE="C", SYSTEMD_PAGER="")
    try:
        done = subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return 124, "", "no end after {:g} s".format(timeout)
    except OSError as exc:
        return 127, "", "{}: {}".format(argv[0], exc.strerror)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
