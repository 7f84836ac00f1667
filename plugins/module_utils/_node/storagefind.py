# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that list a registry's storage. Pure. They work with the programs of busybox and with those of GNU.

What is listed is in sections, each with its name in a line of its own, in this order:

- C(@time): the seconds since 1970 by the clock there, so that ages do not depend on anybody else's;
- C(@blobs): its files, C(f SIZE MTIME ./PATH);
- C(@repositories): the same, and its directories, C(./PATH);
- C(@said): what small files say, C(./PATH:TEXT); that is which revision a tag names, and when an upload began;
- C(@other): files that are not a registry's;
- C(@end): that this is all.

Blobs come before the links to them: of what is pushed meanwhile, a blob may be missing, which is then asked for again
(L(recheck)), but none that has a link is taken for one without.
"""

#: Below a registry's root directory.
V2 = "docker/registry/v2"
#: The exit code where the root directory is not there.
NO_ROOT = 3

# find of busybox prints no sizes, so stat does. It has its own pass for directories: what find keeps in its buffer and
# what the stats write in between would cut each other's lines.
_SCRIPT = r"""
cd "$1" || exit 3
echo @time
date +%s
e=0
g=
find . -maxdepth 0 -printf '' 2>/dev/null && g=1
files() {
  if [ "$g" ]; then find . "$@" ! -type d -printf 'f %s %T@ %p\n'
  else find . "$@" ! -type d -exec stat -c 'f %s %Y %n' {} +
  fi || e=4
}
all() {
  if [ "$g" ]; then find . -type d -print -o -printf 'f %s %T@ %p\n' || e=4
  else find . -type d -print || e=4; files
  fi
}
in_v2() { [ -d "docker/registry/v2/$1" ]; }
echo @blobs
if in_v2 blobs; then cd docker/registry/v2/blobs || exit 4; files; cd "$1" || exit 4; fi
echo @repositories
if in_v2 repositories; then
  cd docker/registry/v2/repositories || exit 4
  all
  echo @said
  find . \( -name _layers -o -path '*/_manifests/revisions' -o -name hashstates \) -prune -o -type f \
    \( -path '*/_manifests/tags/*/current/link' -o -path '*/_uploads/*/startedat' \) -exec grep -H . {} + || :
  cd "$1" || exit 4
fi
echo @other
files \( -name lost+found -o -path ./docker/registry/v2/blobs -o -path ./docker/registry/v2/repositories \) -prune -o
echo @end
exit $e
"""

# A blob may be empty; a link that is has not been written to its end.
_RECHECK = (
    'cd "$1/docker/registry/v2" || exit 3; shift; for f; do '
    'case $f in blobs/*) [ -e "$f" ];; *) [ -s "$f" ];; esac && echo "$f"; done; exit 0'
)
#: How many names one command is given: they are part of a URL where the API server passes it on.
RECHECKED_AT_ONCE = 20


def listing(root):
    """Give the command that lists all there is.

    :param root: absolute path of the directory that has C(docker) in it
    """
    return ["sh", "-c", _SCRIPT, "sh", root]


def recheck(root, paths):
    """Give the command that prints those files, below C(docker/registry/v2), that are there and not empty.

    :param paths: list of str, at most RECHECKED_AT_ONCE
    """
    return ["sh", "-c", _RECHECK, "sh", root, *paths]
