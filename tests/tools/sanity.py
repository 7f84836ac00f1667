# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs C(ansible-test sanity) on a copy of what goes into the collection's artefact.

A copy, because ansible-test wants to stand in a directory ansible_collections/okd/registry and refuses a link there.
Further arguments are handed on, as in C(sanity.py --test validate-modules plugins/modules/registry_cert.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import BIN, cache_dir, clean_path, copy_collection

# ansible-test fills each test's own empty environment with a pip that it downloads from a place of its own. The same
# release is had from the package index that pip is set up for, so that any mirror serves.
GET_PIP = """\
# Stands in for ansible-test's get-pip.py: runs pip from its wheel.
import os
import runpy
import sys

sys.path.insert(0, {wheel!r})
os.environ.pop("GET_PIP", None)
sys.argv[1:1] = ["install"]
sys.argv = [arg for arg in sys.argv if arg not in ("--no-setuptools", "--no-wheel")]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def pip_version() -> str:
    """The release of pip that this ansible-test puts into its environments."""
    code = (
        "from ansible_test._internal.python_requirements import get_venv_packages\n"
        "from ansible_test._internal.host_configs import NativePythonConfig\n"
        "import sys\n"
        "version = '%d.%d' % sys.version_info[:2]\n"
        "print(get_venv_packages(NativePythonConfig(version=version, path=sys.executable))['pip'])\n"
    )
    done = subprocess.run([BIN / "python", "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def prepare_home(home: Path) -> None:
    """Makes a home directory for ansible-test: its cache, our get-pip, and pip's configuration.

    ansible-test drops all PIP_* variables, so what they say is written down as pip's configuration file.
    """
    version = pip_version()
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    wheel = cache / f"pip-{version}-py3-none-any.whl"
    pip = [str(BIN / "python"), "-m", "pip"]
    if not wheel.exists():
        subprocess.run([*pip, "download", "-q", "--no-deps", "-d", str(cache), f"pip=={version}"], check=True)
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    script.write_text(GET_PIP.format(wheel=str(wheel)), encoding="utf-8")

    listed = subprocess.run([*pip, "config", "list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = ["[global]", "quiet = 1"]
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.strip().rpartition(".")
        if section in (":env:", "global") and name not in ("config-file", "require-virtualenv"):
            lines.append(f"{name} = {value.strip().strip(chr(39))}")
    config = home / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("\n".join(dict.fromkeys(lines)) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Runs the tests and returns ansible-test's exit code."""
    home = cache_dir() / "ansible-test"
    prepare_home(home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment = {**kept, "HOME": str(home), "PATH": clean_path()}
    with tempfile.TemporaryDirectory(prefix="okd-registry-sanity-") as base:
        copy = copy_collection(Path(base))
        command = [str(BIN / "ansible-test"), "sanity", "--color", "no", *arguments]
        return subprocess.run(command, cwd=copy, env=environment, check=False, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
