# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the helpers beside the tests importable; what the tests of registry_cert start from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def cluster():
    """A cluster with the registry's Service and nothing else."""
    from certifying import service
    from memory_cluster import MemoryCluster

    made = MemoryCluster()
    made.put(service())
    return made


@pytest.fixture
def ca(tmp_path):
    """The option ca: files that are still to be made."""
    return {
        "cert_path": str(tmp_path / "ca.crt"), "key_path": str(tmp_path / "ca.key"),
        "serial_path": str(tmp_path / "ca.serial.txt"), "passphrase": None, "create": True,
    }  # fmt: skip


@pytest.fixture
def old(tmp_path):
    """The same of a CA that is there: the one of before."""
    from certifying import files_of, signer

    return files_of(signer("old"), tmp_path)


@pytest.fixture
def new(tmp_path):
    """And the one that comes after it."""
    from certifying import files_of, signer

    return files_of(signer("new"), tmp_path)


@pytest.fixture
def certify(cluster, ca):
    """Runs registry_cert on the cluster with the options given."""
    from ansible_collections.okd.registry.plugins.module_utils import _certify
    from certifying import DEFAULTS

    def run(check=False, **options):
        cluster.requests.clear()
        return _certify.run({**DEFAULTS, "ca": ca, **options}, cluster.api(), check_mode=check)

    return run
