# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node side on Python 3.6, the oldest that nodes may have, where this machine happens to have one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import envedit, probe_image, sysconfig

FIXTURES = Path(__file__).parents[3] / "fixtures" / "sysconfig"
ROOT = Path(__file__).parents[5]
NODE = "ansible_collections.okd.registry.plugins.module_utils._node"

# What runs there: every module is imported, every fixture edited, the image made, and registries are asked.
SCRIPT = """
import importlib, json, os, sys
base, node, fixtures, ca, endpoints = sys.argv[1:6]
sys.path.insert(0, base)
folder = os.path.join(base, *node.split("."))
names = sorted(name[:-3] for name in os.listdir(folder) if name.endswith(".py") and name != "__init__.py")
found = {name: importlib.import_module(node + "." + name) for name in names}
ours = {"172.30.124.220:5000", "docker-registry.default.svc.cluster.local:5000"}.__contains__
edited = {}
for name in sorted(os.listdir(fixtures)):
    if name.endswith(".before"):
        with open(os.path.join(fixtures, name), "rb") as stream:
            edited[name] = found["envedit"].edit(stream.read(), ours, found["sysconfig"].ALL_DIALECTS[:1]).text.hex()
with open(ca) as stream:
    context = found["tls"].context_for(found["pem"].bundle(stream.read()))
kinds = [found["tls"].check(found["endpoint"].parse(name), context, 5).kind for name in endpoints.split(",")]
print(json.dumps({"modules": names, "edited": edited, "image": found["probe_image"].build().image_id, "kinds": kinds}))
"""


def python36() -> str | None:
    """Find a Python 3.6."""
    candidates = [shutil.which("python3.6"), *sorted(Path.home().glob(".pyenv/versions/3.6.*/bin/python3.6"))]
    return next((str(found) for found in candidates if found and "shims" not in Path(found).parts), None)


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    """Give a directory from which the checkout, and nothing else, is imported."""
    link = tmp_path / "collections" / "ansible_collections" / "okd" / "registry"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT)
    return tmp_path / "collections"


@pytest.mark.parametrize("version", ["3.6", "this"])
def test_the_node_side_does_on_old_python_what_it_does_here(
    version: str, collections: Path, tmp_path: Path, serve: Any, authority: Any, stranger: Any, closed_port: int
) -> None:
    python = sys.executable if version == "this" else python36()
    if python is None:
        pytest.skip("NOT CHECKED ON PYTHON 3.6: this machine has none (vermin still watches over the syntax)")
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    right = serve(authority.server("127.0.0.1", "localhost"))
    asked = {
        right: "ok",
        right.replace("127.0.0.1", "localhost"): "ok",
        serve(stranger.server("127.0.0.1")): "unknown_authority",
        serve(authority.server("127.0.0.2")): "name_mismatch",
        serve(): "plain_http",
        f"127.0.0.1:{closed_port}": "refused",
        "no-such-host.invalid:5000": "unresolved",
    }
    argv = [python, "-c", SCRIPT, str(collections), NODE, str(FIXTURES), str(tmp_path / "ca.crt"), ",".join(asked)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["kinds"] == list(asked.values())
    assert seen["image"] == probe_image.build().image_id
    assert "trust" in seen["modules"]
    ours = {"172.30.124.220:5000", "docker-registry.default.svc.cluster.local:5000"}.__contains__
    for path in FIXTURES.glob("*.before"):
        here = envedit.edit(path.read_bytes(), ours, (sysconfig.V247,)).text
        assert bytes.fromhex(seen["edited"][path.name]) == here
