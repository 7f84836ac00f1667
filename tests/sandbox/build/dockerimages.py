# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docker images of the sandbox, built by its own daemon without any network."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import host_dockerd
import process
import store

SOURCES = Path(__file__).resolve().parents[1] / "images"
BASE = "okd-registry-sandbox/base"
NODE = "okd-registry-sandbox/node"
# Names that pods and the kubelet's shim use; every node has these from the start.
REGISTRY = "openshift3/ose-docker-registry:v3"
PAUSE = "sandbox/pause:1"


@dataclasses.dataclass(frozen=True)
class Builder:
    """Builds images with one daemon; what it says goes to ``log``."""

    daemon: host_dockerd.Daemon
    log: Path

    def has(self, reference: str) -> bool:
        """Whether the daemon has the image."""
        return self.daemon.docker("image", "inspect", reference).returncode == 0

    def import_root(self, tar: Path, reference: str) -> None:
        """Make an image of one layer from the tar of a root file system."""
        process.run([*self._docker(), "import", tar, reference], log=self.log, env=self._environment())

    def build(self, source: str, reference: str, files: Mapping[str, Path], base: str | None = None) -> None:
        """Build images/<source>/Dockerfile with further files put into its context under the names given."""
        argument = ["--build-arg", f"BASE={base}"] if base else []
        command = [*self._docker(), "build", "--network=none", "--force-rm", *argument, "-t", reference, "-"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            build = subprocess.Popen(
                [*process.WITH_US, *command],
                stdin=subprocess.PIPE, stdout=output, stderr=output, env=self._environment(),
            )  # fmt: skip
            assert build.stdin is not None
            try:
                _write_context(build.stdin, SOURCES / source, files)
                build.stdin.close()
            except BrokenPipeError:
                pass  # the daemon refused; it says why
            status = build.wait()
        if status:
            raise store.BuildError(f"image {reference} from {SOURCES / source}: {process.end_of(self.log)}")

    def tag(self, reference: str, name: str) -> None:
        """Give an image another name."""
        process.run([*self._docker(), "tag", reference, name], log=self.log, env=self._environment())

    def save(self, names: Sequence[str], target: Path) -> None:
        """Write images with their names into a tar for ``docker load``."""
        process.run([*self._docker(), "save", "-o", target, *names], log=self.log, env=self._environment())

    def remove_others(self, repository: str, keep: str) -> None:
        """Remove older images of a repository that no container uses."""
        listing = self.daemon.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository)
        for reference in listing.stdout.split():
            if reference != keep:
                self.daemon.docker("image", "rm", reference)

    def _docker(self) -> list[str]:
        return [host_dockerd.DOCKER, "-H", self.daemon.host]

    def _environment(self) -> dict[str, str]:
        """Without the user's settings for docker: no credentials, no proxies, the builder that needs no plugin."""
        return {**os.environ, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(self.daemon.run)}


def source_key(source: str, *inputs: str) -> str:
    """The key of an image: its files in images/<source>, and the keys of what is put into it."""
    return store.key_of([*store.tree_parts(SOURCES / source), *inputs])


def _write_context(stream: IO[bytes], source: Path, files: Mapping[str, Path]) -> None:
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, path in _context(source, files):
            tar.add(path, name, recursive=False, filter=_owned_by_root)


def _context(source: Path, files: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for path in sorted(source.rglob("*")):
        yield path.relative_to(source).as_posix(), path
    yield from sorted(files.items())


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The same file whatever checkout it is from: owner, time, and the only bit of its mode that git keeps."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    member.mtime = 0
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member
