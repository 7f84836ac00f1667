# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a registry's storage holds, in figures: counted from a list of its files, which a command in a pod gives.

The layout is that of the distribution's file system driver (``docker/registry/v2``, see ``registry/storage/paths.go``
there), the same since OpenShift 3.0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils import _podstate
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import layout
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecError,
    ExecRefusedError,
    ForbiddenError,
    RegistryError,
)

#: Seconds after which counting ends with what was counted until then.
LONGEST = 120.0

_ANY = r"[^/]+"
_NAME = r"repositories/.+"
_DIGEST = rf"{_ANY}/[0-9a-f]+"
#: Field of Content -> what its files look like below docker/registry/v2.
_FILES: Mapping[str, re.Pattern[str]] = {
    "blobs": re.compile(rf"blobs/{_ANY}/[0-9a-f]{{2}}/[0-9a-f]+/data"),
    "repositories": re.compile(rf"{_NAME}/_manifests"),
    "tags": re.compile(rf"{_NAME}/_manifests/tags/{_ANY}/current/link"),
    "manifests": re.compile(rf"{_NAME}/_manifests/revisions/{_DIGEST}/link"),
    "signatures": re.compile(rf"{_NAME}/_manifests/revisions/{_DIGEST}/signatures/{_DIGEST}/link"),
    "layers": re.compile(rf"{_NAME}/_layers/{_DIGEST}/link"),
    "uploads": re.compile(rf"{_NAME}/_uploads/{_ANY}/startedat"),
}
_UPLOADED = re.compile(rf"{_NAME}/_uploads/{_ANY}/data")
_V2 = "docker/registry/v2/"


@dataclass(frozen=True)
class Content:
    """What there is.

    :param repositories: those that have, or had, an image.
    :param manifests: revisions of images in repositories.
    :param layers: links from repositories to blobs.
    :param signatures: links from images to signatures, as registries before 3.6 have them.
    :param blobs: layers, manifests and signatures, each stored once.
    :param bytes: of all blobs.
    :param uploads: layers that are being pushed, or whose push was given up.
    :param upload_bytes: of those.
    :param other_files: files that are not a registry's.
    :param other_bytes: of those.
    :param complete: whether all was seen; otherwise there is at least so much.
    :param reason: why not, as a sentence; with ``counted`` false nothing is known.
    """

    repositories: int = 0
    tags: int = 0
    manifests: int = 0
    layers: int = 0
    signatures: int = 0
    blobs: int = 0
    bytes: int = 0
    uploads: int = 0
    upload_bytes: int = 0
    other_files: int = 0
    other_bytes: int = 0
    complete: bool = True
    counted: bool = True
    reason: str | None = None

    @property
    def empty(self) -> bool:
        """Whether it is known that there is nothing to lose."""
        return self.counted and self.complete and not (self.tags or self.manifests or self.blobs or self.other_files)

    def as_dict(self) -> dict[str, Any]:
        """For a module's result; figures are None where nothing was counted."""
        found = asdict(self)
        if not self.counted:
            found.update(dict.fromkeys(_figures(self)))
        return {**found, "sentence": sentence(self)}


def unknown(reason: str) -> Content:
    """Content that could not be counted, and why."""
    return Content(complete=False, counted=False, reason=reason)


def sentence(content: Content) -> str:
    """In words, without a full stop: ``3 repositories with 5 tags, 12 blobs, 34.1 MB``."""
    if not content.counted:
        return f"what is in it is not known ({(content.reason or '').rstrip('.')})"
    parts = []
    if content.repositories or content.tags or content.manifests or content.blobs:
        parts += [
            f"{_number(content.repositories, 'repositories', 'repository')} with {_number(content.tags, 'tags')}",
            _number(content.blobs, "blobs"),
            size(content.bytes),
        ]
    if content.uploads:
        parts.append(f"{_number(content.uploads, 'uploads')} in progress ({size(content.upload_bytes)})")
    if content.other_files:
        parts.append(f"{_number(content.other_files, 'other files')} ({size(content.other_bytes)})")
    if not parts:
        return "no images" if content.complete else f"no images seen ({(content.reason or '').rstrip('.')})"
    return ("" if content.complete else "at least ") + ", ".join(parts)


def _number(count: int, many: str, one: str | None = None) -> str:
    return f"{count} {(one or many[:-1]) if count == 1 else many}"


def size(count: int) -> str:
    """Bytes for people, in powers of 1000."""
    if count < 1000:
        return _number(count, "bytes")
    value, units = count / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 999.95 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}"


# ---- counting ----------------------------------------------------------------------------------------------------


def listing(root: str) -> list[str]:
    """The command that lists a storage's files: lines of size and path, for find and stat of busybox and of GNU.

    busybox' find cannot print sizes. The directories ``_manifests`` are in it, for they are one to a repository.
    """
    wanted = ["(", "-type", "f", "-o", "-type", "d", "-name", "_manifests", ")"]
    return [
        "find", f"{root.rstrip('/')}/.", "-name", "lost+found", "-prune", "-o", *wanted,
        "-exec", "stat", "-c", "%s %n", "{}", "+",
    ]  # fmt: skip


def count(chunks: Iterable[bytes]) -> Content:
    """Count the lines of :func:`listing`, in constant memory: size in bytes, a blank, and ``<root>/./path``."""
    found: dict[str, Any] = {field.name: 0 for field in fields(Content) if field.type == "int"}
    for line in _lines(chunks):
        bytes_, _blank, path = line.partition(" ")
        if bytes_.isdigit() and path:
            _add(found, int(bytes_), path.partition("/./")[2])
    return Content(**found)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def _add(found: dict[str, int], size_: int, path: str) -> None:
    if not path.startswith(_V2):
        found["other_files"] += 1
        found["other_bytes"] += size_
        return
    inner = path[len(_V2) :]
    kind = next((name for name, pattern in _FILES.items() if pattern.fullmatch(inner)), None)
    if kind:
        found[kind] += 1
    if kind == "blobs":
        found["bytes"] += size_
    elif _UPLOADED.fullmatch(inner):
        found["upload_bytes"] += size_


def of_pod(
    api: Api,
    namespace: str,
    pod: str,
    container: str | None,
    root: str,
    *,
    seconds: float = LONGEST,
    clock: Callable[[], float] = time.monotonic,
) -> Content:
    """Count what is in a directory of a running pod: a registry's, or a helper's with its volume.

    Never raises where no command can be run in it, or not to its end: the result then has the reason.

    :param root: the registry's root directory, the one that has ``docker`` in it.
    """
    end = clock() + seconds
    late = False

    def until(chunks: Iterable[bytes]) -> Iterator[bytes]:
        nonlocal late
        for chunk in chunks:
            yield chunk
            if clock() > end:
                late = True
                return

    try:
        with api.exec(namespace, pod, container, listing(root), timeout=max(seconds, 1)) as running:
            content = count(until(running))
            if late:
                return _partly(content, f"Counting was ended after {seconds:.0f} s.")
            ended = running.ended
    except (RegistryError, OSError) as exc:
        return unknown(_why(exc, namespace, pod))
    # A file that goes while it is looked at is no fault: the registry is at work.
    faults = [line for line in ended.stderr.splitlines() if line.strip() and "No such file" not in line]
    if ended.code in (126, 127) or (ended.code and f"{root.rstrip('/')}/." in ended.stderr and not _any(content)):
        return unknown(f"Listing {root} in Pod {namespace}/{pod} failed: {_first(ended.stderr)}.")
    return _partly(content, f"Not all could be read: {_first(faults[0])}.") if faults else content


def _partly(content: Content, reason: str) -> Content:
    return Content(**{**asdict(content), "complete": False, "reason": reason})


def _any(content: Content) -> bool:
    return any(_figures(content).values())


def _figures(content: Content) -> dict[str, int]:
    """The numbers of a content, by field; a bool is an int to Python, and no figure here."""
    return {name: v for name, v in asdict(content).items() if isinstance(v, int) and not isinstance(v, bool)}


def _first(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[0].rstrip(".")


def _why(exc: BaseException, namespace: str, pod: str) -> str:
    where = f"Pod {namespace}/{pod}"
    if isinstance(exc, ExecRefusedError):
        return f"The cluster lets nobody run commands in {where} (a privileged one): {_first(str(exc))}."
    if isinstance(exc, ForbiddenError):
        return f"Running find in {where} is not allowed: {_first(str(exc))}."
    if isinstance(exc, ExecError):
        return f"{_first(str(exc))}. An image without find and stat cannot be looked into."
    return f"{_first(str(exc))}."


def of_workload(api: Api, workload: Mapping[str, Any], root: str, *, seconds: float = LONGEST) -> Content:
    """Count what a live registry has in a directory, by a command in one of its pods; never raises.

    With storage that each pod has for itself (emptyDir) that is what this one pod has.
    """
    return of_some_pod(api, workload, root, seconds=seconds)[0]


def of_some_pod(
    api: Api, workload: Mapping[str, Any], root: str, *, seconds: float = LONGEST
) -> tuple[Content, int | None]:
    """As :func:`of_workload`, and how many pods there are that may have something; None where that is not known."""
    namespace = str(workload["metadata"]["namespace"])
    try:
        pods = api.list("v1", "Pod", namespace, labels=layout.pods_selector(workload))
    except RegistryError as exc:
        return unknown(f"{_first(str(exc))}."), None
    there = [p for p in pods if (p.get("status") or {}).get("phase") not in ("Succeeded", "Failed")]
    return _of_one(api, workload, there, root, seconds), len(there)


def _of_one(api: Api, workload: Mapping[str, Any], pods: list[dict[str, Any]], root: str, seconds: float) -> Content:
    namespace = str(workload["metadata"]["namespace"])
    pod = pod_to_look_into(pods)
    if pod is None:
        return unknown(f"No pod of {workload['kind']} {namespace}/{_podstate.name_of(workload)} runs.")
    container = str(layout.likely_container(workload).get("name") or layout.CONTAINER)
    return of_pod(api, namespace, _podstate.name_of(pod), container, root, seconds=seconds)


def pod_to_look_into(pods: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The pod that tells what all of them have: one that runs and is to stay, a ready one first."""
    alive = [p for p in pods if (p.get("status") or {}).get("phase") == "Running"]
    alive = [p for p in alive if not p["metadata"].get("deletionTimestamp")]
    return min(alive, key=lambda p: (not _podstate.is_ready(p), _podstate.name_of(p)), default=None)
