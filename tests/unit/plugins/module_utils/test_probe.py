# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The write probe's script in the shells that are here, and what is advised. On real volumes: tests/e2e."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _helper, _probe
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper
from ansible_collections.okd.registry.plugins.module_utils._build.objectstorage import ObjectStorage
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HostPath, Nfs, Storage
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, RefusedError
from ansible_collections.okd.registry.plugins.module_utils._model import Registry
from ansible_collections.okd.registry.plugins.module_utils._probe import Report

NFS = Storage(nfs=Nfs("nfs.example.com", "/exports/registry"))
CLAIM = Storage(claim_name="images")
HOST = Storage(host_path=HostPath("/srv/registry"))
REGISTRY = Registry("docker-registry", "default", 5000, "cluster.local", None, ())
SHELLS = [shell for shell in ("sh", "bash", "busybox") if shutil.which(shell)]


def tried(shell: str, root: Path, *, path: str = "/usr/bin:/bin") -> tuple[int, Report]:
    command = [shell, "sh"] if shell == "busybox" else [shell]
    done = subprocess.run(
        [shutil.which(command[0]) or "", *command[1:], "-c", _probe._SCRIPT, "sh", str(root), "word"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"PATH": path}, check=False,
    )  # fmt: skip
    return done.returncode, _probe.parse(done.stdout)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_volume_that_can_be_written_to(shell: str, tmp_path: Path) -> None:
    root = tmp_path / "a b"
    blobs = root / "docker/registry/v2/blobs"
    blobs.mkdir(parents=True)
    (root / ".okd-registry-probe-old").mkdir()  # of a run that was killed
    code, report = tried(shell, root)
    assert (code, report.failed) == (0, None)
    assert report.uid == root.stat().st_uid
    assert report.gid in report.groups
    assert report.free is not None
    assert abs(report.free - shutil.disk_usage(root).free) < 1 << 30
    assert report.directory.startswith("d")
    assert [p.name for p in root.rglob("*")] == ["docker", "registry", "v2", "blobs"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("tool", "step"), [("mkdir", "mkdir"), ("dd", "write"), ("mv", "rename"), ("cat", "read"), ("rmdir", "delete")]
)
def test_the_step_that_fails_is_told(shell: str, tool: str, step: str, tmp_path: Path) -> None:
    if shell == "busybox":
        pytest.skip("its tools are its own")
    root, bin_ = tmp_path / "root", tmp_path / "bin"
    root.mkdir()
    bin_.mkdir()
    (bin_ / tool).write_text("#!/bin/sh\necho 'Disk on fire' >&2\nexit 1\n")
    (bin_ / tool).chmod(0o755)
    code, report = tried(shell, root, path=f"{bin_}:/usr/bin:/bin")
    assert (code, report.failed, report.said) == (1, step, "Disk on fire")
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_fsync_and_other_bytes_are_noticed(shell: str, tmp_path: Path) -> None:
    if shell == "busybox":
        pytest.skip("its tools are its own")
    root, bin_ = tmp_path / "root", tmp_path / "bin"
    root.mkdir()
    bin_.mkdir()
    dd = bin_ / "dd"
    dd.write_text('#!/bin/sh\ncase "$*" in *,fsync) echo lost >&2; exit 1;; esac\nexec /bin/dd "$@"\n')
    dd.chmod(0o755)
    assert tried(shell, root, path=f"{bin_}:/usr/bin:/bin")[1].failed == "fsync"
    dd.unlink()
    (bin_ / "cat").write_text("#!/bin/sh\necho nonsense\n")
    (bin_ / "cat").chmod(0o755)
    report = tried(shell, root, path=f"{bin_}:/usr/bin:/bin")[1]
    assert (report.failed, report.said) == ("read", "it holds other bytes than were written")


@pytest.mark.parametrize("shell", SHELLS)
def test_images_of_somebody_else_are_noticed(shell: str, tmp_path: Path) -> None:
    blobs = tmp_path / "docker/registry/v2/blobs"
    blobs.mkdir(parents=True)
    (blobs / ".okd-registry-probe-word").symlink_to("nowhere")  # stands for what keeps it from writing there
    report = tried("sh", tmp_path)[1]
    assert report.failed is None  # what an earlier run left is taken away first
    shutil.rmtree(blobs)
    blobs.symlink_to("/proc/self")
    assert tried(shell, tmp_path)[1].failed == "old"


def test_a_log_without_an_end_is_a_failure() -> None:
    report = _probe.parse("okd-registry-probe id 1001 0 0 5555\nsh: ls: not found\n")
    assert (report.uid, report.gid, report.groups) == (1001, 0, (0, 5555))
    assert report.failed == "mkdir"
    assert "ls: not found" in report.said


def test_free_bytes_are_told_where_the_device_has_blanks_in_its_name() -> None:
    log = "okd-registry-probe free nfs:/a b 1000 400 600 40% /registry\nokd-registry-probe done\n"
    assert _probe.parse(log).free == 600 * 1024


def test_what_is_no_volume_is_not_tried() -> None:
    objects = ObjectStorage("s3", {"bucket": "images"})
    for storage, said in ((Storage(objects=objects), "no volume"), (Storage(), "anew with each pod")):
        report = _probe.probe(None, REGISTRY, storage, {})  # type: ignore[arg-type]
        assert said in (report.skipped or "")
        assert report.as_dict()["tried"] is False


def ls(mode: str, uid: int, gid: int) -> str:
    return f"{mode} 2 {uid} {gid} 4096 Jan 1 00:00 /registry"


@pytest.mark.parametrize(
    ("storage", "facts", "said"),
    [
        (NFS, {"directory": ls("drwx------", 4242, 4242)}, r"chown 1001 /exports/registry\).*chmod 2770"),
        (NFS, {"directory": ls("drwxrws---", 0, 5555)}, r"supplemental_groups: \[5555\]"),
        (NFS, {"directory": ls("drwxrws---.", 1001, 0)}, "all_squash.*virt_use_nfs"),
        (NFS, {"directory": ls("drwxr-xr-x", 1001, 0), "uid": 0, "said": "mkdir: Permission denied"}, "root_squash"),
        (NFS, {"directory": "", "said": "Read-only file system"}, "export it rw"),
        (NFS, {"failed": "old", "directory": ls("drwxrwxrwx", 0, 0)}, "chown -R 1001"),
        (CLAIM, {"directory": ls("drwxr-xr-x", 0, 0)}, "fs_group"),
        (CLAIM, {"said": "No space left on device"}, "Make room"),
        (CLAIM, {"said": "Stale file handle", "node": "n1"}, "node n1"),
        (HOST, {"directory": ls("drwxr-xr-x", 0, 0)}, r"chown 1001 /srv/registry\)"),
        (HOST, {"directory": ls("drwxr-xr-x.", 1001, 0)}, "SELinux.*SCC privileged"),
        (NFS, {"directory": "ls: not found"}, "Let user 1001"),
    ],
)
def test_advice(storage: Storage, facts: dict[str, Any], said: str) -> None:
    known = {"uid": 1001, "gid": 0, "groups": (0,), "failed": "mkdir", "said": "mkdir: Permission denied", **facts}
    assert re.search(said, _probe.advice(Report(**known), storage))


def _probed(monkeypatch: pytest.MonkeyPatch, code: int, log: str) -> Report:
    done = _helper.Finished(code, log, "node1")
    monkeypatch.setattr(_helper, "run", lambda *_args, **_options: done)
    return _probe.probe(Api(lambda: None), REGISTRY, NFS, {})  # type: ignore[arg-type, return-value]


def test_a_pod_that_ended_well_without_a_word_says_nothing_of_the_volume(monkeypatch: pytest.MonkeyPatch) -> None:
    report = _probed(monkeypatch, 0, " ")
    assert "were not kept" in str(report.skipped)
    assert not report.as_dict()["tried"]
    with pytest.raises(RefusedError):
        _probed(monkeypatch, 1, "")


def test_a_log_that_nobody_may_read_is_said_to_be_that() -> None:
    forbidden = ForbiddenError("pods/log", status=403)

    class Cluster:
        def log(self, *_args: Any, **_options: Any) -> str:
            raise forbidden

    pod = {
        "metadata": {"name": "p"},
        "status": {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}], "reason": "Evicted"},
    }
    helper = Helper("r", "n", "probe", ("sh",))
    with pytest.raises(ForbiddenError):
        _helper._log(Cluster(), helper, pod)  # type: ignore[arg-type]
    assert _helper._ending(Cluster(), helper, pod) == "Evicted; exit code 0"  # type: ignore[arg-type]
