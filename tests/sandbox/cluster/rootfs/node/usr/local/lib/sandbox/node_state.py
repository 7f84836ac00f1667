# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a node: remembers how the node is (``save``), and puts it back to that.

``restore`` puts files and services back, ``clean`` removes containers, images and registry data. Both print one
line for each thing they changed; a node that is as it was gives no line. Docker is restarted only where what it
runs with is not what the files say after they were put back.
"""

from __future__ import annotations

import filecmp
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

STORE = Path("/var/lib/sandbox/pristine")
TREES = ("etc", "root", "opt", "usr/local/share")
# Written by the container engine into a mount: put back in place, not by a new file.
MOUNTED = ("etc/hosts", "etc/resolv.conf", "etc/hostname")
ABSENT = ("/var/lib/okd-registry", "/run/okd-registry")
UNITS = ("containerd", "docker", "dockershim", "origin-node", "origin-proxy", "node-dnsmasq", "pod-network", "ssh")
REGISTRY_DATA = Path("/var/lib/registry-pv")
REGISTRY_OWNER = (1001, 0, 0o770)
LOCAL_VOLUMES = Path("/var/lib/local-path")
# Which repository of which registry a layer was pushed to or pulled from. Docker keeps it when the image is gone, and
# asks the next registry at that address to mount the layer from there: an upload that is begun and left.
REPOSITORIES_OF_LAYERS = Path("/var/lib/docker/image/overlay2/distribution")


def say(text: str) -> None:
    """Report one change."""
    print(text, flush=True)


def run(*command: str, check: bool = True) -> str:
    """Run a command, return its output; with its own words when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and result.returncode:
        sys.exit(f"{' '.join(command)}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


class _Socket(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/var/run/docker.sock")


def docker(method: str, path: str) -> object:
    """A request to this node's docker; its answer, or a message when it refuses."""
    connection = _Socket("docker")
    connection.request(method, path)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    if response.status >= 400:
        say(f"docker {method} {path}: {response.status} {data.decode(errors='replace').strip()}")
    return json.loads(data) if data.strip() else None


def arguments() -> list[str]:
    """What the docker daemon was started with; empty when it does not run."""
    pid = run("systemctl", "show", "-p", "MainPID", "--value", "docker").strip()
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def effective() -> object:
    """The registries docker holds for insecure or mirrored now, whether from flags or from daemon.json."""
    answer = docker("GET", "/info")
    return answer.get("RegistryConfig") if isinstance(answer, dict) else None


def images() -> dict[str, list[str]]:
    """Names (tags and digests) of every image, by its id."""
    answer = docker("GET", "/images/json")
    found = answer if isinstance(answer, list) else []
    return {image["Id"]: names(image) for image in found}


def names(image: dict[str, list[str] | None]) -> list[str]:
    """The names of one image that are names."""
    every = (image.get("RepoTags") or []) + (image.get("RepoDigests") or [])
    return sorted(name for name in every if "<none>" not in name)


def entries(root: Path) -> Iterator[str]:
    """Every path below a directory, relative to it, parents before what they hold."""
    for directory, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(folders + files):
            yield (Path(directory) / name).relative_to(root).as_posix()


def same(left: Path, right: Path) -> bool:
    """Whether two paths are alike: kind, mode, owner, content or target."""
    one, two = left.lstat(), right.lstat()
    if (one.st_mode, one.st_uid, one.st_gid) != (two.st_mode, two.st_uid, two.st_gid):
        return False
    if left.is_symlink():
        return left.readlink() == right.readlink()
    return left.is_dir() or filecmp.cmp(left, right, shallow=False)


def remove(path: Path) -> None:
    """Remove whatever is at a path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def empty(directory: Path) -> None:
    """Remove all that a directory holds, if it is there."""
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        remove(path)
        say(f"removed {path}")


def copy(source: Path, target: Path) -> None:
    """Copy one entry with mode, owner and times; a directory without what it holds."""
    if source.is_dir() and not source.is_symlink():
        target.mkdir(exist_ok=True)
    else:
        shutil.copy2(source, target, follow_symlinks=False)
    status = source.lstat()
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not source.is_symlink():
        target.chmod(status.st_mode & 0o7777)


def save() -> None:
    """Remember the node, once: a node that has run plays is not new any more."""
    if (STORE / "state.json").exists():
        return
    shutil.rmtree(STORE, ignore_errors=True)
    for tree in TREES:
        live, kept = Path("/", tree), STORE / tree
        kept.mkdir(parents=True)
        for name in entries(live):
            copy(live / name, kept / name)
    state = {
        "arguments": arguments(),
        "effective": effective(),
        "images": images(),
        "registry_data": REGISTRY_DATA.is_dir(),
    }
    partial = STORE / "state.json.new"
    partial.write_text(json.dumps(state))
    partial.rename(STORE / "state.json")
    say(f"state of {socket.gethostname()}")


def restore_tree(tree: str) -> list[str]:
    """Put one directory back to what was saved; returns what was changed."""
    live, kept = Path("/", tree), STORE / tree
    changed: list[str] = []
    wanted = set(entries(kept))
    for name in list(entries(live)):
        path = live / name
        if name not in wanted and os.path.lexists(path):
            remove(path)
            changed.append(f"removed {path}")
    for name in sorted(wanted):
        path, source = live / name, kept / name
        if f"{tree}/{name}" in MOUNTED:
            if path.read_bytes() != source.read_bytes():
                path.write_bytes(source.read_bytes())
                changed.append(f"put back {path}")
        elif not os.path.lexists(path) or not same(path, source):
            if os.path.lexists(path) and (path.is_symlink() or source.is_symlink() or path.is_dir() != source.is_dir()):
                remove(path)
            copy(source, path)
            changed.append(f"put back {path}")
    return changed


def restore_services(state: dict[str, Any]) -> None:
    """Bring docker to the arguments of its files, and start whatever does not run."""
    active = run("systemctl", "is-active", *UNITS, check=False).split()
    down = [unit for unit, word in zip(UNITS, active, strict=False) if word != "active"]
    if "docker" not in down and (arguments() != state["arguments"] or effective() != state["effective"]):
        run("systemctl", "reset-failed", check=False)
        run("systemctl", "restart", "docker")
        say("restarted docker")
    if down:
        run("systemctl", "reset-failed", check=False)
        run("systemctl", "unmask", "--runtime", *down)
        run("systemctl", "start", *UNITS)
        run("systemctl", "restart", "origin-node")  # it would look for its runtime only after some seconds
        say(f"started {', '.join(down)}")


def restore_images(wanted: Any) -> None:
    """No container (the cluster has none on a new node), and no image or name of one but the first ones."""
    containers = docker("GET", "/containers/json?all=1")
    for container in containers if isinstance(containers, list) else []:
        docker("DELETE", f"/containers/{container['Id']}?force=1&v=1")
        say(f"removed container {container['Names'][0]}")
    for identity, called in images().items():
        for name in called:
            if name not in wanted.get(identity, []):
                docker("DELETE", f"/images/{quote(name, safe='')}?force=1")
                say(f"removed image {name}")
    for identity in set(images()) - set(wanted):
        docker("DELETE", f"/images/{quote(identity, safe='')}?force=1")
        say(f"removed image {identity}")
    if any(set(called) - set(images().get(identity, [])) for identity, called in wanted.items()):
        run("/usr/local/sbin/node-images", "--force")
        say("loaded the first images again")
    docker("POST", "/volumes/prune")
    docker("POST", "/networks/prune")


def restore_registry_data() -> None:
    """Empty the directory behind the registry's volume."""
    REGISTRY_DATA.mkdir(exist_ok=True)
    empty(REGISTRY_DATA)
    user, group, mode = REGISTRY_OWNER
    os.chown(REGISTRY_DATA, user, group)
    REGISTRY_DATA.chmod(mode)


def restore_volumes() -> None:
    """No NFS mount (their pods are gone), nothing behind volumes of the class standard."""
    for line in Path("/proc/mounts").read_text().splitlines():
        _source, target, kind = line.split()[:3]
        if kind == "fuse.nfs":
            path = target.encode().decode("unicode_escape")
            run("umount", "-l", path, check=False)
            say(f"unmounted {path}")
    empty(LOCAL_VOLUMES)


def forget_repositories() -> None:
    """No layer that docker knows to be in a registry."""
    empty(REPOSITORIES_OF_LAYERS)


def saved() -> dict[str, Any]:
    """What was saved beside the files."""
    if not (STORE / "state.json").exists():
        sys.exit("this node was never saved: run `sandbox up`")
    state: dict[str, Any] = json.loads((STORE / "state.json").read_text())
    return state


def restore() -> None:
    """Put files and services back."""
    state = saved()
    changed = [line for tree in TREES for line in restore_tree(tree)]
    for path in map(Path, ABSENT):
        if os.path.lexists(path):
            remove(path)
            changed.append(f"removed {path}")
    for line in changed:
        say(line)
    if any("/systemd/" in line for line in changed):
        run("systemctl", "daemon-reload")
    restore_services(state)


def clean() -> None:
    """Remove what plays and pods left in docker and in the registry's volume."""
    state = saved()
    restore_images(state["images"])
    forget_repositories()
    restore_volumes()
    if state["registry_data"]:
        restore_registry_data()


if __name__ == "__main__":
    {"save": save, "restore": restore, "clean": clean}[sys.argv[1]]()
