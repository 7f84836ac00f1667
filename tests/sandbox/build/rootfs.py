# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes' Debian: all packages of node-packages.txt, as a tar of the root file system."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import process
import store

SUITE = "bookworm"  # its Docker is 20.10, near to what OpenShift 3 ran
PACKAGE_LIST = Path(__file__).with_name("node-packages.txt")
NOT_NEEDED = ("doc", "info", "locale", "man")  # below /usr/share
TAR = "rootfs.tar"


def packages(text: str) -> list[str]:
    """The names in a package list; ``#`` begins a comment."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return sorted({line for line in lines if line})


def key() -> str:
    """The key of the root file system. Newer versions of the same packages do not count."""
    return store.key_of([SUITE, platform.machine(), *_options(), *packages(PACKAGE_LIST.read_text())])


def _options() -> list[str]:
    return [
        "--mode=root", "--variant=minbase", "--format=tar", '--aptopt=APT::Install-Recommends "false"',
        *(f"--dpkgopt=path-exclude=/usr/share/{directory}/*" for directory in NOT_NEEDED),
    ]  # fmt: skip


def sources(index_targets: str) -> list[str]:
    """The machine's own Debian mirrors, as lines for sources.list.

    ``index_targets`` is what ``apt-get indextargets`` prints in the format of ``_machine_sources``. Empty where
    the machine is no Debian of this suite: then mmdebstrap's defaults are used.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for line in index_targets.splitlines():
        origin, release, site, component = line.split("|")
        if origin == "Debian" and release.split("-")[0] == SUITE:
            components = found.setdefault((site, release), [])
            if component not in components:
                components.append(component)
    if (SUITE, "main") not in {(release, part) for (_, release), parts in found.items() for part in parts}:
        return []
    return [f"deb {site} {release} {' '.join(components)}" for (site, release), components in found.items()]


def _machine_sources() -> list[str]:
    fields = "$(ORIGIN)|$(RELEASE)|$(SITE)|$(COMPONENT)"
    listing = process.output_of(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"])
    return sources(listing or "")


def _machine_network() -> Iterable[str]:
    """The machine's proxies and certificates for apt, as options of mmdebstrap."""
    settings = process.output_of(["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', "Acquire"]) or ""
    wanted = ("::proxy", "::cainfo", "::verify-peer", "::verify-host")
    for line in settings.splitlines():
        if line.split(" ")[0].lower().endswith(wanted):
            yield f"--aptopt={line}"


def build(*, cache: store.Store, work: Path, log: Path) -> None:
    """Make the root file system in ``work``. Downloaded packages are kept in the cache for the next time."""
    if os.geteuid() != 0:
        raise store.BuildError("the sandbox needs root: its nodes are containers with a root file system made here")
    kept, fresh, temporary = cache.root / "debs", work / "debs", work / "tmp"
    for directory in (kept, fresh, temporary):
        directory.mkdir(parents=True, exist_ok=True)
    archives = "/var/cache/apt/archives"
    command: Sequence[str | Path] = [
        process.require("mmdebstrap", "mmdebstrap"), *_options(), *_machine_network(),
        "--include=" + ",".join(packages(PACKAGE_LIST.read_text())),
        "--skip=download/empty", "--skip=essential/unlink",
        f'--setup-hook=mkdir -p "$1"{archives}/partial', f"--setup-hook=sync-in {kept} {archives}",
        f"--customize-hook=sync-out {archives} {fresh}",
        SUITE, work / TAR, *_machine_sources(),
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"}
    process.run(command, log=log, env=environment, wrapper=process.ENCLOSED)
    shutil.rmtree(kept)
    fresh.rename(kept)
    shutil.rmtree(temporary)
