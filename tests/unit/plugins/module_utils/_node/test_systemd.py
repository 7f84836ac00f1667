# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemctl says of docker.service, as several versions of it print that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import systemd

SHOWN = """\
MainPID=95
ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $OPTIONS ${ONE} $INSECURE_REGISTRY ; ignore_errors=no ; start_time=[Mon 2026-11-23 14:57:39 UTC] ; stop_time=[n/a] ; pid=95 ; code=(null) ; status=0/0 }
EnvironmentFiles=/etc/default/docker (ignore_errors=yes)
EnvironmentFiles=/etc/sysconfig/docker (ignore_errors=no)
LoadState=loaded
ActiveState=active
FragmentPath=/lib/systemd/system/docker.service
DropInPaths=/etc/systemd/system/docker.service.d/10-sysconfig.conf /run/x.conf
NeedDaemonReload=no
"""  # noqa: E501


def test_a_unit_is_read_as_systemd_252_prints_it() -> None:
    unit = systemd.parse_show(SHOWN)
    assert (unit.exists, unit.active, unit.settled, unit.pid, unit.needs_reload) == (True, True, True, 95, False)
    assert unit.environment_files == ["/etc/default/docker", "/etc/sysconfig/docker"]
    assert unit.unit_files == [
        "/lib/systemd/system/docker.service",
        "/etc/systemd/system/docker.service.d/10-sysconfig.conf",
        "/run/x.conf",
    ]
    assert systemd.exec_variables(unit.exec_text) == [("OPTIONS", True), ("ONE", False), ("INSECURE_REGISTRY", True)]


def test_a_unit_is_read_as_systemd_219_prints_it() -> None:
    unit = systemd.parse_show(SHOWN.replace("EnvironmentFiles=", "EnvironmentFile="))
    assert unit.environment_files == ["/etc/default/docker", "/etc/sysconfig/docker"]


def test_a_unit_that_is_not_there() -> None:
    unit = systemd.parse_show("LoadState=not-found\nActiveState=inactive\nMainPID=0\n")
    assert (unit.exists, unit.active, unit.pid, unit.environment_files) == (False, False, 0, [])


class Clock:
    """A time that passes by being slept through."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.now += seconds


@pytest.mark.parametrize(
    ("states", "active"), [(["deactivating", "activating", "active"], True), (["activating"] * 99, False)]
)
def test_a_restart_by_somebody_else_is_waited_for_but_not_for_ever(
    tmp_path: Path, states: list[str], active: bool
) -> None:
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    left = iter(states)
    clock = Clock()
    control = systemd.Systemd(
        lambda _argv, _timeout: (0, f"LoadState=loaded\nActiveState={next(left)}\n", ""), str(tmp_path)
    )
    assert control.settled_unit(5, clock).active is active
    assert clock.now <= 6


@pytest.mark.parametrize(
    ("argv", "status", "out", "err"),
    [
        ([sys.executable, "-c", "import os; print(os.environ['LC_ALL'])"], 0, "C\n", ""),
        ([sys.executable, "-c", "raise SystemExit(3)"], 3, "", ""),
        ([sys.executable, "-c", "import time; time.sleep(9)"], 124, "", "no end after 0.3 s"),
        (["/no/such/command"], 127, "", "/no/such/command: No such file or directory"),
    ],
)
def test_a_command_never_raises(argv: list[str], status: int, out: str, err: str) -> None:
    assert systemd.run(argv, 0.3 if status == 124 else 10) == (status, out, err)
