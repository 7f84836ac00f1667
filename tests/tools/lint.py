# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every linter over the checkout, each on the files that are its own, and shows the output of those that object.

C(lint.py NAME...) runs only the named ones; C(lint.py --list) names them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from checkout import BIN, ROOT, clean_path, files

NODE_SIDE = (
    "plugins/modules/registry_trust.py",
    "plugins/modules/registry_trust_info.py",
    "plugins/modules/registry_check.py",
    "plugins/modules/registry_login.py",
    "plugins/modules/registry_storage_info.py",
    "plugins/module_utils/_args.py",
    "plugins/module_utils/_node/",
)


@dataclass(frozen=True)
class Check:
    """One command; it is left out, and this is said, where there is nothing for it to look at or it cannot run."""

    name: str
    command: list[str]
    skip: str = ""
    cwd: Path = ROOT
    env: dict[str, str] = field(default_factory=dict)


def tool(name: str) -> str:
    """A program of our own environment."""
    return str(BIN / name)


def node_files(names: list[str]) -> list[str]:
    """The Python files that run on nodes."""
    return [name for name in names if name.startswith(NODE_SIDE) and name.endswith(".py")]


def shell_scripts(names: list[str]) -> list[str]:
    """Files whose first line names a Bourne-like shell."""
    found = []
    for name in names:
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                first = stream.readline(64)
            if first.startswith(b"#!") and first.split(b"/")[-1].split()[-1] in {b"bash", b"sh", b"-eu"}:
                found.append(name)
    return found


def import_root() -> Path:
    """A directory from which the checkout is ansible_collections/okd/registry and in which nothing else lies."""
    base = ROOT / ".venv" / "checkout"
    link = base / "ansible_collections" / "okd" / "registry"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(ROOT)
    return base


def python36() -> str:
    """A Python 3.6, the oldest that nodes may have, if this machine happens to have one."""
    for found in (shutil.which("python3.6"), *sorted(Path.home().glob(".pyenv/versions/3.6.*/bin/python3.6"))):
        if found and "shims" not in Path(found).parts:
            return str(found)
    return ""


def mypy_checks(names: list[str]) -> list[Check]:
    """The collection's own types, and those of the tools and the sandbox, whose modules lie on their own paths."""
    cache = str(ROOT / ".mypy_cache")
    common = [tool("mypy"), f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={cache}"]
    checks = [
        Check("mypy", [*common, "-p", "ansible_collections.okd.registry.plugins"], cwd=import_root()),
        Check("mypy-tools", [*common, "tests/tools", "tests/callback"], env={"MYPYPATH": "tests/tools"}),
    ]
    if any(name.startswith("tests/bench/") for name in names):
        checks.append(Check("mypy-bench", [*common, "tests/bench"], env={"MYPYPATH": "tests/bench"}))
    if any(name.startswith("tests/sandbox/cluster/sandboxlib/") for name in names):
        checks.append(
            Check("mypy-sandbox", [*common, "-p", "sandboxlib"], env={"MYPYPATH": "tests/sandbox/cluster"}),
        )
    return checks


def all_checks() -> list[Check]:
    """Every check, the slow ones first."""
    names = files()
    node = node_files(names)
    old = python36()
    scripts = shell_scripts(names)
    go_files = [name for name in names if name.endswith(".go")]
    shellcheck, gofmt = shutil.which("shellcheck") or "", shutil.which("gofmt") or ""
    compile36 = "import sys\nfor name in sys.argv[1:]: compile(open(name, encoding='utf-8').read(), name, 'exec')"
    return [
        Check("ansible-lint", [tool("ansible-lint"), "--offline", "--strict", "-q", "--nocolor"]),
        *mypy_checks(names),
        Check("ruff", [tool("ruff"), "check", "--quiet", "--output-format=concise", "."]),
        Check("ruff-format", [tool("ruff"), "format", "--check", "--quiet", "--output-format=concise", "."]),
        Check("yamllint", [tool("yamllint"), "--strict", "."]),
        Check("docs", [tool("python"), "tests/tools/docs.py"]),
        Check("changelog", [tool("antsibull-changelog"), "lint"]),
        Check(
            "vermin",
            [tool("vermin"), "-t=3.6-", "--no-tips", "--violations", *node],
            skip="" if node else "nothing on the node side yet",
        ),
        Check(
            "python3.6",
            [old, "-c", compile36, *node],
            skip="" if old and node else "no Python 3.6 on this machine (vermin stands in)" if node else "nothing yet",
        ),
        Check(
            "shellcheck",
            [shellcheck, "-x", *scripts],
            skip="" if shellcheck else "shellcheck is not installed",
        ),
        Check(
            "gofmt",
            [
                "sh",
                "-c",
                'bad=$("$0" -l "$@"); [ -z "$bad" ] || { echo "not formatted: $bad"; exit 1; }',
                gofmt,
                *go_files,
            ],
            skip="" if gofmt and go_files else "no Go on this machine",
        ),
    ]


def run(check: Check) -> tuple[Check, int, str, float]:
    """Runs one check and returns it with its exit code, its output and the seconds it took."""
    started = time.monotonic()
    environment = {**os.environ, "PATH": clean_path(), "NO_COLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **check.env}
    done = subprocess.run(
        check.command,
        cwd=check.cwd,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return check, done.returncode, done.stdout, time.monotonic() - started


def main(arguments: list[str], say: Callable[[str], None] = print) -> int:
    """Runs the checks two at a time; returns 1 if any objects."""
    checks = all_checks()
    if arguments == ["--list"]:
        say("\n".join(check.name for check in checks))
        return 0
    unknown = set(arguments) - {check.name for check in checks}
    if unknown:
        say(f"lint: no such check: {', '.join(sorted(unknown))}; there are: {', '.join(c.name for c in checks)}")
        return 2
    wanted = [check for check in checks if not arguments or check.name in arguments]
    for check in wanted:
        if check.skip:
            say(f"lint: {check.name:<13} skipped   {check.skip}")
    bad = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for check, code, output, seconds in pool.map(run, [check for check in wanted if not check.skip]):
            say(f"lint: {check.name:<13} {'ok' if code == 0 else 'FAILED':<8} {seconds:5.1f} s")
            if code:
                bad.append(check.name)
                say(output.rstrip())
    if bad:
        say(f"lint: failed: {', '.join(bad)} (one alone: .venv/bin/python tests/tools/lint.py {bad[0]})")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
