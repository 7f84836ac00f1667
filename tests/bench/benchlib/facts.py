# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What figures depend on: the machine, what else it does, and the versions of everything."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path

import yaml

from benchlib import cluster
from benchlib.playbook import ROOT, BenchError


def machine() -> str:
    """Processor, cores and memory."""
    processor = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    kilobytes = re.search(r"^MemTotal:\s*(\d+) kB$", Path("/proc/meminfo").read_text(encoding="utf-8"), re.MULTILINE)
    name = " ".join(processor[1].split()) if processor else platform.machine()
    memory = f", {round(int(kilobytes[1]) / 1024**2)} GiB" if kilobytes else ""
    return f"{name}, {os.cpu_count()} cores{memory}"


def versions() -> dict[str, str]:
    """Of the collection (and its commit), Ansible, kubernetes.core, the client library and the cluster."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    manifest = next(
        (ROOT / ".venv/lib").glob("python3.*/site-packages/ansible_collections/kubernetes/core/MANIFEST.json")
    )
    core = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    try:
        server = json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    except (BenchError, OSError):  # a bench that needs no cluster
        server = "none"
    return {
        "okd.registry": f"{galaxy['version']} ({_commit()})",
        "Python": platform.python_version(),
        "ansible-core": importlib.metadata.version("ansible-core"),
        "kubernetes.core": core,
        "kubernetes (Python)": importlib.metadata.version("kubernetes"),
        "Kubernetes": server,
    }


def _commit() -> str:
    """The checkout's commit, and whether its plugins, roles or playbooks differ from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short=10", "HEAD"], stdout=subprocess.PIPE, text=True, check=False)
    if head.returncode:
        return "not from git"
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--", "plugins", "roles", "playbooks"],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return head.stdout.strip() + (" and changes" if changed.stdout.strip() else "")


def gather(load_before: float) -> dict[str, str]:
    """All facts of one bench.

    :param load_before: the load average of the last minute when it began: what else ran there.
    """
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine(),
        "load average": f"{load_before:.1f} before, {os.getloadavg()[0]:.1f} after",
        **versions(),
    }
