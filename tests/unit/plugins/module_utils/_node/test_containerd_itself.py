# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from containerd's configuration, and placed for it, against containerd itself, where it is installed."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import containerd, files

tomllib = pytest.importorskip("tomllib")
pytestmark = pytest.mark.skipif(
    not shutil.which("containerd") or not shutil.which("ctr"), reason="NOT CHECKED: this machine has no containerd"
)

V2 = '[plugins."io.containerd.grpc.v1.cri".registry'
MIRROR = f'{V2}.mirrors."a.example"]\nendpoint = ["https://b.example"]\n'
TLS = f'{V2}.configs."a.example".tls]\nca_file = "/x"\n'
CONFIGS = [
    ('[plugins.cri.registry]\nconfig_path = "/x:/y"\n', ""),
    ('[plugins."cri".registry]\nconfig_path = \'/x\'\n', ""),
    (f'{V2}]\nconfig_path = "/x"\n', ""),  # of version 1, which looks elsewhere
    (f'version = 2\n{V2}]\nconfig_path = "/x"\n', ""),
    ('version = 2\nplugins."io.containerd.grpc.v1.cri".registry.config_path = """/x:\\\n  /y"""\n', ""),
    ('version = 2\n[plugins]\n  [plugins."io.containerd.grpc.v1.cri"]\n  registry = {config_path = "/x"}\n', ""),
    (f"version = 2\n{MIRROR}", ""),
    (f"version = 2\n{TLS}", ""),
    (f'version = 2\nimports = ["IMPORT"]\n{V2}]\nconfig_path = "/x"\n', f'version = 2\n{V2}]\nconfig_path = "/z"\n'),
    (f'version = 2\nimports = ["IMPORT"]\n{MIRROR}', f'version = 2\n{V2}]\nconfig_path = "/z"\n'),
    (f'version = 2\nimports = ["IMPORT"]\n{V2}]\nconfig_path = "/x"\n', f"version = 2\n{MIRROR}"),
    (f'version = 2\nimports = ["IMPORT"]\n{V2}]\nconfig_path = "/x"\n', "version = 2\n[debug]\nlevel = \"info\"\n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "imported"), CONFIGS)
def test_the_configuration_is_read_as_containerd_reads_it(tmp_path: Path, text: str, imported: str) -> None:
    path, more = tmp_path / "config.toml", tmp_path / "conf.d" / "more.toml"
    more.parent.mkdir()
    more.write_text(imported)
    path.write_text(text.replace("IMPORT", str(more.parent / "*.toml")))
    dumped = subprocess.run(
        ["containerd", "--config", str(path), "config", "dump"], capture_output=True, text=True, check=True, timeout=60
    )
    registry = tomllib.loads(dumped.stdout)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]
    found = containerd.settings(
        str(path),
        lambda name: Path(name).read_bytes() if Path(name).exists() else None,
        lambda pattern: sorted(str(name) for name in Path(pattern).parent.glob(Path(pattern).name)),
    )
    assert found.roots == [root for root in registry["config_path"].split(":") if root]
    inline = bool(registry.get("mirrors")) or any(config.get("tls") for config in registry.get("configs", {}).values())
    assert ("stands beside config_path" in found.problem) == (inline and bool(found.roots))


class Containerd:
    """A containerd of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._address = str(folder / "c.sock")

    @contextlib.contextmanager
    def running(self, tables: str = "") -> Iterator[Path]:
        """Run it; give the file to which it says what it does."""
        config, log = self._folder / "run.toml", self._folder / "log"
        top = "" if tables else 'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        config.write_text(
            f'version = 2\nroot = "{self._folder}/root"\nstate = "{self._folder}/state"\n{top}[grpc]\n'
            f'address = "{self._address}"\n[plugins."io.containerd.internal.v1.opt"]\npath = "{self._folder}/opt"\n'
            + tables
        )
        with log.open("w") as stream:
            process = subprocess.Popen(["containerd", "--config", str(config)], stdout=stream, stderr=stream)
        try:
            deadline = time.monotonic() + 30
            while self._ctr("version").returncode:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield log
        finally:
            process.terminate()
            process.wait(20)

    def pull(self, image: str, root: Path) -> str:
        """Pull an image, and give what was said."""
        return self._ctr("images", "pull", "--hosts-dir", str(root), image).stderr

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["ctr", "--address", self._address, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def engine(tmp_path: Path) -> Containerd:
    """Give a containerd that does not run yet; its socket's path must be short."""
    return Containerd(tmp_path)


def own_address() -> str:
    """Give an address of this machine that is not its loopback's, to which containerd speaks HTTP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # nothing is sent
        return str(probe.getsockname()[0])


UNKNOWN = "x509: certificate signed by unknown authority"


def test_containerd_reads_the_directory_that_is_chosen_for_it(
    engine: Containerd, tmp_path: Path, serve: Any, authority: Any, stranger: Any
) -> None:
    address = own_address()
    name = serve(authority.server(address), host=address, at=address)
    roots, other = tmp_path / "etc" / "certs.d", tmp_path / "other.crt"
    other.write_bytes(stranger.pem)
    tree = files.Tree(str(tmp_path))

    def chosen() -> Path:
        folder = tmp_path / containerd.directory(name, ["/etc/certs.d"], tree.look)[1:]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def verifies() -> bool:
        said = engine.pull(f"{name}/a/b:c", roots).strip().rpartition("\n")[2]  # of several hosts, of the first one
        assert ("401 Unauthorized" in said) != (UNKNOWN in said), said
        return "401 Unauthorized" in said

    with engine.running():
        (chosen() / "ca.crt").write_bytes(authority.pem)
        assert chosen().name == name
        assert verifies()
        hosts = chosen() / "hosts.toml"
        for text in (f'[host."https://{name}"]\nca = "ca.crt"\n', f'[host."https://{name}"]\nca = "{other}"\n'):
            hosts.write_text(text)
            told = containerd.hosts_problem(str(hosts), text.encode(), name, str(chosen() / "ca.crt"))
            assert verifies() == (told == "")
        hosts.unlink()
        spelt = chosen().parent / (name.replace(":", "_") + "_")
        spelt.mkdir()
        assert chosen() == spelt
        assert not verifies()
        (chosen() / "ca.crt").write_bytes(authority.pem)
        assert verifies()


def test_a_list_of_directories_is_one_name_where_nobody_splits_it(
    engine: Containerd, tmp_path: Path, serve: Any, authority: Any
) -> None:
    # ctr's --hosts-dir goes to HostDirFromRoot as it is, and so does config_path in a pull of the transfer service
    address = own_address()
    name = serve(authority.server(address), host=address, at=address)
    folders = [tmp_path / "a", tmp_path / "b", Path(f"{tmp_path}/a:{tmp_path}/b")]
    with engine.running():
        for folder, end in zip(folders, (UNKNOWN, UNKNOWN, "401 Unauthorized"), strict=True):
            (folder / name).mkdir(parents=True)
            (folder / name / "ca.crt").write_bytes(authority.pem)
            assert end in engine.pull(f"{name}/a/b:c", folders[2])


def test_containerds_cri_does_not_load_with_both(engine: Containerd) -> None:
    with engine.running(f'{V2}]\nconfig_path = "/x"\n{MIRROR}') as log:
        assert "`mirrors` cannot be set when `config_path` is provided" in log.read_text()
