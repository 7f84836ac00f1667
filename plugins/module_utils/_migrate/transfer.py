# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files from registry pods, or from a volume beside the target, into the target: listing, copying, verifying."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._errors import (
    ExecError,
    ExecRefusedError,
    RefusedError,
)
from ansible_collections.okd.registry.plugins.module_utils._helper import Running
from ansible_collections.okd.registry.plugins.module_utils._migrate import content, scripts
from ansible_collections.okd.registry.plugins.module_utils._migrate.content import Files, Union

#: Bytes and files that are copied, or verified, at once.
BATCH, COUNT = 64 * 1024 * 1024, 1000
#: Our note on the target of the digests that are known to be right there, a line each.
VERIFIED = "verified"
#: Seconds of silence after which a command is given up: one digest is silent for as long as its file is read.
SILENCE = 300.0
#: The slowest storage that a large file is waited for, in bytes a second.
_SLOW = 2 * 1024 * 1024


@dataclass(frozen=True)
class Place:
    """A directory that a container sees.

    :param tree: of the registry's files below ``base``.
    """

    namespace: str
    pod: str
    container: str
    base: str
    tree: str


class Transfer:
    """The ways to and from one target.

    :param sources: registry pods, or the helper itself with the source mounted.
    :param local: whether it is the latter.
    """

    def __init__(self, api: Api, worker: Running, sources: Sequence[Place], tree: str, *, local: bool) -> None:
        self._api, self._sources, self._local = api, list(sources), local
        self.said = ""  # by the last command that failed
        self.pieces_copied = 0
        self.target = Place(worker.namespace, worker.pod, worker.container, "/target", tree)

    # ---- looking -----------------------------------------------------------------------------------------------------

    def source(self, *, strict: bool) -> Union:
        """All that is to be copied.

        :param strict: whether nothing writes any more, so that everything has to be readable.
        """
        return content.union([self._list(place, strict=strict) for place in self._sources])

    def here(self) -> Files:
        """What the target has."""
        return self._list(self.target, strict=True)

    def _list(self, place: Place, *, strict: bool) -> Files:
        code, output, said = self._run(place, scripts.listing(place.base, place.tree))
        if code and (strict or code == 3):
            raise ExecError(
                f"Pod {place.namespace}/{place.pod}: the files below {place.base} cannot all be listed: {said}. A file"
                " that the registry's user cannot read cannot be copied: put its owner and mode right, then run again.",
                code=code,
            )
        try:
            return content.parse(output.decode("utf-8", "surrogateescape"))
        except ValueError as exc:
            raise RefusedError(f"Pod {place.namespace}/{place.pod}, {place.base}: {exc}.") from exc

    def note(self, name: str) -> str:
        """A file of our own on the target; "" where it is not there."""
        return self._run(self.target, scripts.read_note(name))[1].decode()

    def write(self, name: str, text: str, *, add: bool = False) -> None:
        """Write one, or add to it."""
        self._check(scripts.append_note(name) if add else scripts.write_note(name), [text.encode()])

    def drop(self, name: str) -> None:
        """Remove one."""
        self._check(scripts.drop_note(name))

    # ---- copying -----------------------------------------------------------------------------------------------------

    def copy(self, paths: Sequence[str], union: Union) -> None:
        """A batch of files. What changed or went meanwhile is for the next look to find."""
        if len(paths) == 1 and union.files.size(paths[0]) > scripts.PIECE:
            for _number in self.pieces(paths[0], union):
                pass
            return
        for number, place in enumerate(self._sources):
            own = [path for path in paths if union.at[path] == number]
            if own and self._local:
                code, _output, said = self._run(self.target, scripts.copy(place.base), own)
                self.said = said if code else self.said
            elif own:
                self._relay(place, scripts.pack(place.base), scripts.unpack(), own)

    def pieces(self, path: str, union: Union) -> Iterator[int]:
        """Copy a large file piece by piece, from where an earlier run has left it; yields the bytes there are."""
        size, place = union.files.size(path), self._sources[union.at[path]]
        parts = (line.partition(" ") for line in self._lines(scripts.parts()))
        there = {name: int(length) for length, _space, name in parts}
        number = there.get(scripts.part(path), 0) // scripts.PIECE
        while number * scripts.PIECE < size:
            if self._local:
                self._check(scripts.own_piece(place.base, path, number))
            else:
                self._relay(place, scripts.piece(place.base, path, number), scripts.put_piece(path, number), [])
            number += 1
            self.pieces_copied += 1
            yield min(number * scripts.PIECE, size)
        code, _output, said = self._run(self.target, scripts.finish_pieces(path, size))
        if code == 8:  # begin anew at the next look
            self._check(["rm", "-f", f"/target/{content.OWN}/{scripts.part(path)}"])
        elif code:
            raise ExecError(f"{path} cannot be put in its place on the target: {said}", code=code)

    def _relay(self, place: Place, pack: list[str], unpack: list[str], names: Sequence[str]) -> None:
        target = self.target
        feed = scripts.lines(names) if names else None
        source_run = self._api.exec(place.namespace, place.pod, place.container, pack, stdin=feed, timeout=SILENCE)
        with source_run as source:
            sink_run = self._api.exec(
                target.namespace, target.pod, target.container, unpack, stdin=source, timeout=SILENCE
            )
            with sink_run as sink:
                put = sink.finish()
                got = source.finish()
        if got.code:
            self.said = " ".join(got.stderr.split())[-300:]
        if put.code and not got.code:
            raise ExecError(
                f"The files cannot be written to the new volume: {' '.join(put.stderr.split())[-500:]} (exit code"
                f" {put.code}).",
                code=put.code,
            )
        if got.code == 127:
            raise ExecError(
                f"Pod {place.namespace}/{place.pod} has no tar in its image, so its files cannot be read: push the"
                " images anew, or copy them by skopeo, once the registry has its new storage.",
                code=got.code,
            )

    # ---- verifying ---------------------------------------------------------------------------------------------------

    def digests(self, paths: Sequence[str], size: int) -> tuple[list[str], list[str]]:
        """Blobs on the target that are what their paths say, and those that are not.

        :param size: of all of them together, in bytes.
        """
        code, output, said = self._run(self.target, scripts.digests(), paths, timeout=SILENCE + size / _SLOW)
        right, wrong = content.mismatched(output.decode())
        if code and len(right) + len(wrong) < len(paths):
            raise ExecError(f"The digests on the target cannot all be computed: {said}", code=code)
        return right, wrong

    def is_damaged(self, path: str, union: Union) -> bool:
        """Whether a blob is not what its path says in the source already."""
        place = self._sources[union.at[path]]
        timeout = SILENCE + union.files.size(path) / _SLOW
        _code, output, _said = self._run(place, scripts.digests(place.base), [path], timeout=timeout)
        right, wrong = content.mismatched(output.decode())
        return bool(wrong) and not right

    def forget(self, path: str) -> None:
        """Remove a file from the target."""
        self._check(["rm", "-f", f"/target/{path}"])

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files from the target that the source has not any more; their digests are verified no longer."""
        gone = {content.digest_of(path) for path in paths}
        kept = [digest for digest in self.note(VERIFIED).split() if digest not in gone]
        self.write(VERIFIED, "".join(f"{digest}\n" for digest in kept))
        for start in range(0, len(paths), COUNT):
            self._check(scripts.remove(), list(scripts.lines(paths[start : start + COUNT])))

    def permit(self) -> None:
        """Let the pods of tomorrow write where they have to."""
        self._check(scripts.permissions(self.target.tree))

    # ---- commands ----------------------------------------------------------------------------------------------------

    def _lines(self, command: list[str]) -> list[str]:
        return self._run(self.target, command)[1].decode().splitlines()

    def _check(self, command: list[str], feed: Sequence[bytes] | None = None) -> None:
        target = self.target
        run = self._api.exec(
            target.namespace, target.pod, target.container, command, stdin=feed, timeout=SILENCE
        )  # fmt: skip
        with run as running:
            running.check()

    def _run(
        self, place: Place, command: list[str], names: Sequence[str] | None = None, *, timeout: float = SILENCE
    ) -> tuple[int, bytes, str]:
        """Exit code, output, and what was said on standard error."""
        feed = scripts.lines(names) if names is not None else None
        try:
            with self._api.exec(
                place.namespace, place.pod, place.container, command, stdin=feed, timeout=timeout
            ) as run:
                output = b"".join(run)
                ended = run.ended
        except ExecRefusedError as exc:
            raise RefusedError(
                f"No command may be run in Pod {place.namespace}/{place.pod}: {exc.message} Its images can only be"
                " read there. Let a user run this who may, or take the privileges away from the pod first."
            ) from exc
        return ended.code, output, " ".join(ended.stderr.split())[-500:] or f"exit code {ended.code}"
