# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the documentation of all plugins and roles: markup, and that every option, value and module named exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from checkout import BIN, clean_path, copy_collection


def main() -> int:
    """Runs antsibull-docs on a copy of the artefact's files, since it copies all that it is pointed at."""
    command = [str(BIN / "antsibull-docs"), "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"]
    # Names of our own and of the collections in galaxy.yml; "all" would load the hundred that come with Ansible.
    command += ["--validate-collection-refs=dependent", "--check-extra-docs-refs", "."]
    with tempfile.TemporaryDirectory(prefix="okd-registry-docs-") as base:
        copy = copy_collection(Path(base))
        done = subprocess.run(
            command,
            cwd=copy,
            # Without this, .venv is seen as an ignored part of our repository and copied without its files.
            env={**os.environ, "PATH": clean_path(), "GIT_DIR": os.devnull},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    # It names files in yet another copy of its own.
    print(re.sub(r"\S*/antsibull-docs-\w+/ansible_collections/okd/registry/", "", done.stdout), end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
