# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts OpenShift's own CRDs into a directory: Route and SecurityContextConstraints, or those of version 4 (--operator).

They come from the Go module github.com/openshift/api, at the version that api/go.mod names and checked
against api/go.sum by the go command; the repository holds no copy. What was fetched is kept in
``${OKD_REGISTRY_CACHE:-~/.cache/okd-registry}/openshift-api/<version>``, so that Go is needed only once::

    python3 fetch_crds.py DIRECTORY     # writes routes.crd.yaml and securitycontextconstraints.crd.yaml there
    python3 fetch_crds.py               # prints both as one YAML stream
    python3 fetch_crds.py --operator …  # the image registry operator's, and what else tells of its cluster

``GO`` in the environment names the go command (default: ``go``).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

MODULE = "github.com/openshift/api"
GO_MODULE_DIR = Path(__file__).resolve().parent / "api"
SCC_FILE = "0000_03_config-operator_01_securitycontextconstraints.crd.yaml"
SOURCES: Mapping[str, str] = {
    "routes.crd.yaml": "route/v1/zz_generated.crd-manifests/routes.crd.yaml",
    "securitycontextconstraints.crd.yaml": f"security/v1/zz_generated.crd-manifests/{SCC_FILE}",
}
CONFIG = "config/v1/zz_generated.crd-manifests"
OPERATOR_SOURCES: Mapping[str, str] = {
    "configs.imageregistry.crd.yaml": "imageregistry/v1/zz_generated.crd-manifests/00_configs.crd.yaml",
    "imagepruners.crd.yaml": "imageregistry/v1/zz_generated.crd-manifests/01_imagepruners.crd.yaml",
    "images.config.crd.yaml": f"{CONFIG}/0000_10_config-operator_01_images.crd.yaml",
    "clusterversions.crd.yaml": f"{CONFIG}/0000_00_cluster-version-operator_01_clusterversions-Default.crd.yaml",
    "clusteroperators.crd.yaml": f"{CONFIG}/0000_00_cluster-version-operator_01_clusteroperators.crd.yaml",
    "proxies.crd.yaml": f"{CONFIG}/0000_03_config-operator_01_proxies.crd.yaml",
}


class FetchError(Exception):
    """The files could not be had; the message says what was run and what it answered."""


def pinned_version(go_mod: str) -> str:
    """Return the version of the module that the text of a go.mod requires.

    Raises FetchError where the text does not name it.
    """
    found = re.search(rf"^\s*(?:require\s+)?{re.escape(MODULE)}\s+(v\S+)", go_mod, re.MULTILINE)
    if not found:
        raise FetchError(f"{GO_MODULE_DIR / 'go.mod'} does not require {MODULE}: put the line back")
    return found.group(1)


def cache_root(environ: Mapping[str, str]) -> Path:
    """Return the cache that all parts of the sandbox share (``OKD_REGISTRY_CACHE``)."""
    named = environ.get("OKD_REGISTRY_CACHE")
    return Path(named) if named else Path(environ.get("HOME", "/root")) / ".cache" / "okd-registry"


def module_dir(go: str) -> Path:
    """Return where the go command unpacked the module, after downloading it if need be.

    Raises FetchError with what the go command said.
    """
    command = [go, "mod", "download", "-json", MODULE]
    try:
        done = subprocess.run(command, cwd=GO_MODULE_DIR, capture_output=True, text=True, check=False)
    except OSError as error:
        raise FetchError(f"{' '.join(command)}: {error}; set GO to a Go 1.24 or newer") from error
    try:
        answer = json.loads(done.stdout or "{}")
    except ValueError:
        answer = {}
    if done.returncode or not answer.get("Dir"):
        said = answer.get("Error") or done.stderr.strip() or done.stdout.strip()
        raise FetchError(f"{' '.join(command)} in {GO_MODULE_DIR} ended with {done.returncode}: {said}")
    return Path(answer["Dir"])


def write_atomically(target: Path, content: bytes) -> None:
    """Write a file so that a reader sees either nothing or all of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(target)


def fetch(environ: Mapping[str, str], sources: Mapping[str, str] = SOURCES) -> dict[str, bytes]:
    """Return the content of the files by name, from the cache or else from the module.

    Raises FetchError where neither has them.
    """
    version = pinned_version((GO_MODULE_DIR / "go.mod").read_text(encoding="utf-8"))
    kept = cache_root(environ) / "openshift-api" / version
    if not all((kept / name).is_file() for name in sources):
        unpacked = module_dir(environ.get("GO") or "go")
        for name, source in sources.items():
            if not (unpacked / source).is_file():
                raise FetchError(f"{MODULE} {version} has no {source}: look for its new place and change SOURCES")
            write_atomically(kept / name, (unpacked / source).read_bytes())
    return {name: (kept / name).read_bytes() for name in sources}


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    operator = arguments[:1] == ["--operator"]
    arguments = arguments[operator:]
    if len(arguments) > 1 or any(word.startswith("-") for word in arguments):
        print("usage: fetch_crds.py [--operator] [DIRECTORY]", file=sys.stderr)
        return 2
    try:
        files = fetch(os.environ, OPERATOR_SOURCES if operator else SOURCES)
    except FetchError as error:
        print(f"fetch_crds: {error}", file=sys.stderr)
        return 1
    if arguments:
        for name, content in files.items():
            write_atomically(Path(arguments[0]) / name, content)
    else:
        sys.stdout.write("---\n".join(content.decode() for content in files.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
