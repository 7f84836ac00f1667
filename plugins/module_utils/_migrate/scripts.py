# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell commands that run in registry and helper pods. Pure. Every one of them works with busybox and with GNU.

Paths come as arguments or, a line each, through standard input; never as part of a script.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.okd.registry.plugins.module_utils._migrate.content import OWN, SECTION

#: Bytes of a file that are copied at once.
PIECE = 64 * 1024 * 1024
_BLOCK = 1024 * 1024

#: The helper's own command: it ends by itself when for 10 minutes nobody has used it, so that a run that was killed
#: leaves nothing for long.
IDLE = (
    "sh", "-c",
    (
        f'mkdir -p /target/{OWN} || exit 1; n=0; while [ "$n" -lt 120 ]; do sleep 5; n=$((n+1));'
        f" if [ -e /target/{OWN}/alive ]; then rm -f /target/{OWN}/alive; n=0; fi; done"
    ),
)  # fmt: skip

_FIND = 'find "./$2" -type d -name _uploads -prune -o -type f'
# Names at the top; all files; what is in those that are no blobs. Unfinished uploads are left out: they end with the
# process that takes them, wherever they are.
_LIST = (
    'cd "$1" || exit 3; ls -A; '
    f'echo; echo "{SECTION}"; [ -d "./$2" ] || {{ echo "{SECTION}"; exit 0; }}; e=0; '
    f"{_FIND} -exec stat -c '%s %Y %n' {{}} + || e=4; "
    f'echo "{SECTION}"; '
    f'{_FIND} ! -path "./$2/registry/v2/blobs/sha256/*" -exec sha256sum {{}} + || e=4; exit $e'
)


def listing(base: str, tree: str) -> list[str]:
    """Tell all files. Exit code 3: the directory is not there; 4: some of it could not be read."""
    return ["sh", "-c", _LIST, "sh", base, tree]


def pack(base: str) -> list[str]:
    """A tar of the files that standard input names: few enough to be arguments of one command (busybox has no -T).

    Their names are plain words to a shell; ``content.parse`` sees to that.
    """
    return ["sh", "-c", 'exec tar -cf - -C "$1" $(cat)', "sh", base]


def unpack() -> list[str]:
    """Take a tar, into the target. What the registry of tomorrow is to change, its group may write."""
    return ["sh", "-c", "umask 002; exec tar -xf - -C /target"]


def copy(base: str) -> list[str]:
    """The files that standard input names, within the helper, each under another name until it is whole."""
    script = (
        'umask 002; cd /target || exit 3; while IFS= read -r f; do d=${f%/*}; mkdir -p "./$d" || exit 5; '
        f'cp "$1/$f" "./{OWN}/copying-$$" && mv -f "./{OWN}/copying-$$" "./$f" || exit 6; done'
    )
    return ["sh", "-c", script, "sh", base]


def remove() -> list[str]:
    """Remove the files that standard input names from the target, and the directories that are empty by that: a tag is
    there for a registry as long as its directory is.
    """
    script = (
        'cd /target || exit 3; while IFS= read -r f; do rm -f "./$f" || exit 6; '
        'rmdir -p "${f%/*}" 2>/dev/null || true; done'
    )
    return ["sh", "-c", script, "sh"]


def piece(base: str, path: str, number: int) -> list[str]:
    """One :data:`PIECE` of a file, printed."""
    count = PIECE // _BLOCK
    script = 'exec dd if="$1" bs="$2" skip="$3" count="$4" 2>/dev/null'
    return ["sh", "-c", script, "sh", f"{base}/{path}", str(_BLOCK), str(number * count), str(count)]


def put_piece(path: str, number: int) -> list[str]:
    """One piece of a file, read from standard input, into a file of another name. A piece that is not whole fails."""
    script = (
        f'umask 002; cd /target/{OWN} || exit 3; [ "$1" = 0 ] && rm -f "./$3"; '
        'have=0; [ -e "./$3" ] && have=$(stat -c %s "./$3"); [ "$have" -ge "$2" ] || exit 7; '
        'exec dd of="./$3" ibs=65536 obs=1048576 seek="$1" conv=notrunc 2>/dev/null'
    )
    return ["sh", "-c", script, "sh", str(number * (PIECE // _BLOCK)), str(number * PIECE), part(path)]


def own_piece(base: str, path: str, number: int) -> list[str]:
    """One piece of a file, within the helper."""
    count = PIECE // _BLOCK
    script = (
        f'umask 002; cd /target/{OWN} || exit 3; [ "$2" = 0 ] && rm -f "./$1"; '
        'exec dd if="$3" of="./$1" bs=1048576 skip="$2" seek="$2" count="$4" conv=notrunc 2>/dev/null'
    )
    return ["sh", "-c", script, "sh", part(path), str(number * count), f"{base}/{path}", str(count)]


def finish_pieces(path: str, size: int) -> list[str]:
    """Give a file that came in pieces its name. Exit code 8 where its size is not the right one."""
    script = (
        f'umask 002; cd /target || exit 3; [ "$(stat -c %s "./{OWN}/$1")" = "$2" ] || exit 8; '
        f'mkdir -p "./${{3%/*}}" && mv -f "./{OWN}/$1" "./$3"'
    )
    return ["sh", "-c", script, "sh", part(path), str(size), path]


def parts() -> list[str]:
    """Names and sizes of the files that are there in pieces."""
    return ["sh", "-c", f'cd /target/{OWN} && for f in part-*; do [ -e "$f" ] && stat -c \'%s %n\' "$f"; done; true']


def part(path: str) -> str:
    """The name under which a file is kept until it is whole."""
    return "part-" + path.replace("/", "_")[-180:]


def digests(base: str = "/target") -> list[str]:
    """The digest of each file that standard input names."""
    return ["sh", "-c", 'cd "$1" && xargs sha256sum', "sh", base]


def permissions(tree: str) -> list[str]:
    """Let the group do what the owner may: the pods of tomorrow may be another user of the same group.

    What a killed run left half copied goes.
    """
    script = (
        f'cd /target || exit 3; rm -f ./{OWN}/copying-* ./{OWN}/part-*; [ -d "./$1" ] || exit 0; '
        'find "./$1" -type d ! -perm -070 -exec chmod g+rwx {} + && '
        'find "./$1" -type f ! -perm -060 -exec chmod g+rw {} +'
    )
    return ["sh", "-c", script, "sh", tree]


def read_note(name: str) -> list[str]:
    """Print a file of our own on the target; nothing where it is not there."""
    return ["sh", "-c", f'touch /target/{OWN}/alive; cat "/target/{OWN}/$1" 2>/dev/null || true', "sh", name]


def write_note(name: str) -> list[str]:
    """Write a file of our own on the target, from standard input, all of it or nothing."""
    script = f'umask 002; cd /target/{OWN} && cat > "./.$1" && mv -f "./.$1" "./$1" && sync'
    return ["sh", "-c", script, "sh", name]


def append_note(name: str) -> list[str]:
    """Add lines to a file of our own."""
    return ["sh", "-c", f'umask 002; cat >> "/target/{OWN}/$1"', "sh", name]


def drop_note(name: str) -> list[str]:
    """Remove a file of our own."""
    return ["sh", "-c", f'rm -f "/target/{OWN}/$1"', "sh", name]


def end_process() -> list[str]:
    """End the container's first process; its kubelet starts another one, and the volumes stay."""
    return ["sh", "-c", "kill 1"]


def lines(paths: Iterable[str]) -> Iterable[bytes]:
    """Names for standard input."""
    yield "".join(f"{path}\n" for path in paths).encode()
