# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that list a registry's storage. Pure. They work with the programs of busybox and with those of GNU.

What is listed is in sections, each with its name in a line of its own, in this order:

- C(@time): the seconds since 1970 by the clock there, so that ages do not depend on anybody else's;
- C(@blobs): its files, C(f SIZE MTIME ./PATH);
- C(@repositories): its directories, C(./PATH), and its files, as above;
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

#: What they take, beside sh.
PROGRAMS = "find, stat, xargs, sed, tr, grep and date"

# find would open every directory to see what is in it, which is most of its work. Of a blob's and of a layer's
# directory it is known which file they have, so find stops before them, and stat is asked for that file by its name.
# Nor is a tag's index looked into: it has a link for each image that the tag ever named, and nothing is told of them.
# Directories have a pass of their own: what find keeps in its buffer and what stat writes would cut each other's lines.
# Only the last program of a pipe is waited for, so each says by itself when it was killed; a file that is gone by the
# time it is asked for is no fault.
_SCRIPT = r"""
cd "$1" || exit 3
export LC_ALL=C
for p in find sed tr xargs stat grep date; do
  command -v $p >/dev/null || { echo "$p: not found" >&2; exit 127; }
done
echo @time
date +%s
list() { find . "$@" || [ $? -lt 128 ] || echo 'find was killed' >&2; }
sizes() {
  {
    { tr '\n' '\0' | xargs -0 -r stat -c 'f %s %Y %n' 2>&1 >&3 || [ $? -lt 124 ] || echo 'stat was killed'; } |
      grep -v 'No such file' >&2
  } 3>&1
}
in_v2() { [ -d "docker/registry/v2/$1" ]; }
echo @blobs
if in_v2 blobs; then
  cd docker/registry/v2/blobs || exit 4
  {
    list -type d -path './*/*/*' -prune -print | sed 's:$:/data:'
    list -type d -path './*/*/*' -prune -o ! -type d -print
  } | sizes
  cd "$1" || exit 4
fi
echo @repositories
if in_v2 repositories; then
  cd docker/registry/v2/repositories || exit 4
  list -type d -path '*/_manifests/tags/*/index' -prune -o \
    -type d -path '*/_layers/*/*' -prune -print -o -type d -print
  {
    list -type d \( -name _manifests -o -name _uploads \) -prune -o -type d -path '*/_layers/*/*' -prune -print |
      sed 's:$:/link:'
    list -type d \( -path '*/_layers/*/*' -o -path '*/_manifests/tags/*/index' \) -prune -o ! -type d -print
  } | sizes
  echo @said
  find . \( -name _layers -o -name hashstates -o -path '*/_manifests/revisions' -o -path '*/_manifests/tags/*/index' \
    \) -prune -o -type f \( -path '*/_manifests/tags/*/current/link' -o -path '*/_uploads/*/startedat' \) \
    -exec grep -H . {} + || :
  cd "$1" || exit 4
fi
echo @other
list -type d \( -name lost+found -o -path ./docker/registry/v2/blobs -o -path ./docker/registry/v2/repositories \) \
  -prune -o ! -type d -print | sizes
echo @end
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
