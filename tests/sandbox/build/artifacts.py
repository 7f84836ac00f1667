# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox is made of: built once, kept by content outside the checkout.

    artifacts.py list                what there is, and whether it is built
    artifacts.py build [NAME …]      build what is missing (all, without names)
    artifacts.py path NAME           where it is: a file, or the reference of an image

Images are in the Docker daemon of the sandbox (host-dockerd), which is started for building them and then runs on.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import functools
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import dockerimages
import golang
import host_dockerd
import nfsclient
import rootfs
import store

BEAT = 20.0  # seconds between two lines that say what is still being built
GO_LANES = 2  # Go programs built at once: while one links, on one core, another compiles


@dataclasses.dataclass(frozen=True)
class Artifact:
    """One thing to build. ``needs`` are the names of those that must be there before."""

    name: str
    what: str
    key: str
    needs: tuple[str, ...] = ()
    lane: str = "images"


class Workshop:
    """Builds artefacts; knows where each is."""

    def __init__(self, cache: store.Store, daemon: host_dockerd.Daemon) -> None:
        """``cache`` keeps files, ``daemon`` images."""
        self.cache = cache
        self.daemon = daemon
        self.started = time.monotonic()
        self.running: dict[str, float] = {}
        self._say = threading.Lock()
        self._daemon_start = threading.Lock()
        self._go_search = threading.Lock()
        self.artifacts = {artifact.name: artifact for artifact in self._plan()}

    def _plan(self) -> list[Artifact]:
        programs = [Artifact(p.name, "Go program", golang.key(p), lane="go") for p in golang.PROGRAMS]
        keys = {artifact.name: artifact.key for artifact in programs}
        keys["rootfs"] = rootfs.key()
        keys[nfsclient.NAME] = nfsclient.key()
        registry, pause = ("rootfs", "dockerregistry"), ("pause",)
        keys["registry-image"] = dockerimages.source_key("registry", *(keys[name] for name in registry))
        keys["pause-image"] = dockerimages.source_key("pause", *(keys[name] for name in pause))
        pods = ("registry-image", "pause-image")
        keys["pod-images"] = store.key_of(keys[name] for name in pods)
        programs_inside = ("dockershim", "coredns", "s3", "sandbox-kube", "local-path-provisioner")
        node = ("rootfs", nfsclient.NAME, *programs_inside, "pod-images")
        keys["node-image"] = dockerimages.source_key("node", *(keys[name] for name in node))
        return [
            *programs,
            Artifact("rootfs", "Debian for the nodes", keys["rootfs"], lane="rootfs"),
            Artifact(nfsclient.NAME, "NFS client in user space", keys[nfsclient.NAME]),
            Artifact("registry-image", dockerimages.REGISTRY, keys["registry-image"], registry),
            Artifact("pause-image", dockerimages.PAUSE, keys["pause-image"], pause),
            Artifact("pod-images", "tar of both, for the nodes", keys["pod-images"], pods),
            Artifact("node-image", "image of the nodes and of infra", keys["node-image"], node),
        ]

    def path(self, name: str) -> str:
        """The file of an artefact, or the reference of an image."""
        artifact = self.artifacts[name]
        if name.endswith("-image"):
            return f"okd-registry-sandbox/{name.removesuffix('-image')}:{artifact.key}"
        directory = self.cache.path(name, artifact.key)
        return str(directory / {"rootfs": rootfs.TAR, "pod-images": "pod-images.tar"}.get(name, name))

    def has(self, name: str) -> bool:
        """Whether an artefact is built. Starts the daemon to ask about an image that was built once."""
        artifact = self.artifacts[name]
        if not self.cache.has(name, artifact.key):
            return False
        return not name.endswith("-image") or self._builder(name).has(self.path(name))

    def _builder(self, name: str) -> dockerimages.Builder:
        with self._daemon_start:
            if host_dockerd.start(self.daemon):
                self.say(f"dockerd of the sandbox started ({self.daemon.host})")
        return dockerimages.Builder(self.daemon, self._log(name))

    def _log(self, name: str) -> Path:
        return self.cache.root / "logs" / f"{name}.log"

    def say(self, text: str) -> None:
        """A line of progress, with the time since the start."""
        with self._say:
            print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    def ensure(self, name: str) -> None:
        """Build one artefact, whose needs are met, unless it is there."""
        artifact = self.artifacts[name]
        with self.cache.lock(name, lambda: self.say(f"{name}: waiting for another run that builds it")):
            if self.has(name):
                self.say(f"{name}: cached")
                return
            begun = self.running[name] = time.monotonic()
            self._log(name).unlink(missing_ok=True)
            self.say(f"{name}: building ({artifact.what})")
            try:
                with self.cache.building(name, artifact.key) as work:
                    self._make(artifact, work)
            finally:
                del self.running[name]
        size = store.size_of(self.cache.path(name, artifact.key)) / 1e6
        self.say(f"{name}: built in {time.monotonic() - begun:.1f} s" + (f", {size:.0f} MB" if size > 0.1 else ""))

    def _make(self, artifact: Artifact, work: Path) -> None:
        name = artifact.name
        program = next((program for program in golang.PROGRAMS if program.name == name), None)
        if program:
            golang.build(program, go=self.go(), work=work, log=self._log(name))
        elif name == "rootfs":
            rootfs.build(cache=self.cache, work=work, log=self._log(name))
        elif name == nfsclient.NAME:
            nfsclient.build(work=work, log=self._log(name))
        elif name == "pod-images":
            self._save_pod_images(self._builder(name), work / "pod-images.tar")
        else:
            self._make_image(artifact, self._builder(name))

    def _make_image(self, artifact: Artifact, builder: dockerimages.Builder) -> None:
        source, reference = artifact.name.removesuffix("-image"), self.path(artifact.name)
        base = self._base(builder) if "rootfs" in artifact.needs else None
        files = {}
        for needed in artifact.needs:
            if needed != "rootfs":
                path = Path(self.path(needed))
                files[path.name] = path
        builder.build(source, reference, files, base)
        builder.remove_others(reference.split(":")[0], reference)

    def _save_pod_images(self, builder: dockerimages.Builder, target: Path) -> None:
        names = {dockerimages.REGISTRY: "registry-image", dockerimages.PAUSE: "pause-image"}
        for public, name in names.items():
            builder.tag(self.path(name), public)
        builder.save(list(names), target)

    def _base(self, builder: dockerimages.Builder) -> str:
        reference = f"{dockerimages.BASE}:{self.artifacts['rootfs'].key}"
        with self.cache.lock("base"):
            if not builder.has(reference):
                builder.import_root(Path(self.path("rootfs")), reference)
                builder.remove_others(dockerimages.BASE, reference)
        return reference

    @functools.cached_property
    def _toolchain(self) -> str:
        return golang.machine_toolchain() or golang.installed_toolchain(self.cache, self.say)

    def go(self) -> str:
        """The Go to build with: the machine's own where it is new enough, else one in the cache."""
        with self._go_search:
            return self._toolchain

    def order(self, names: Sequence[str]) -> list[str]:
        """The named artefacts and what they need, each after its needs."""
        ordered: dict[str, None] = {}

        def add(name: str) -> None:
            for needed in self.artifacts[name].needs:
                add(needed)
            ordered[name] = None

        for name in names:
            add(name)
        return list(ordered)

    def build(self, names: Sequence[str]) -> None:
        """Build the named artefacts and all they need: Go programs, root file system and images beside each other."""
        futures: dict[str, concurrent.futures.Future[None]] = {}

        def after_needs(name: str) -> None:
            for needed in self.artifacts[name].needs:
                futures[needed].result()
            self.ensure(name)

        lanes = {
            lane: concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix=lane)
            for lane, workers in {"go": GO_LANES, "rootfs": 1, "images": 2}.items()
        }
        for name in self.order(names):
            futures[name] = lanes[self.artifacts[name].lane].submit(after_needs, name)
        self._watch(set(futures.values()))

    def _watch(self, waiting: set[concurrent.futures.Future[None]]) -> None:
        while waiting:
            done, waiting = concurrent.futures.wait(
                waiting, timeout=BEAT, return_when=concurrent.futures.FIRST_EXCEPTION
            )
            for future in done:
                future.result()
            if waiting and self.running:
                now = time.monotonic()
                still = ", ".join(f"{name} ({now - begun:.0f} s)" for name, begun in sorted(self.running.items()))
                self.say(f"still building {still}")


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every artefact, and whether it is built")
    building = commands.add_parser("build", help="build what is missing")
    building.add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("path", help="where an artefact is").add_argument("name", metavar="NAME")
    arguments = parser.parse_args()
    workshop = Workshop(store.Store(store.cache_dir()), host_dockerd.this_daemon())
    asked = [arguments.name] if arguments.command == "path" else getattr(arguments, "names", [])
    unknown = [name for name in asked if name not in workshop.artifacts]
    if unknown:
        raise store.BuildError(f"no artefact is called {', '.join(unknown)}; there are {', '.join(workshop.artifacts)}")
    if arguments.command == "build":
        workshop.build(arguments.names or list(workshop.artifacts))
    elif arguments.command == "path":
        print(workshop.path(arguments.name))
    else:
        for name, artifact in workshop.artifacts.items():
            state = "built  " if workshop.cache.has(name, artifact.key) else "missing"
            print(f"{state} {name:15} {workshop.path(name)}")
    return 0


if __name__ == "__main__":
    try:
        status = main()
    except store.BuildError as error:
        print(f"artifacts: {error}", file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        status = 130
    # At once, without waiting for other builds that still run: they end with this process.
    sys.stdout.flush()
    os._exit(status)
