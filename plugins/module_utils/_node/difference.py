# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change looks like in Ansible's diff."""

import difflib

from . import pem


def difference(path, before, after):
    """Give one entry of a module's diff: the lines that change, and no others, which may not be ours to show.

    :param before: bytes
    :param after: bytes
    """
    old = before.decode("utf-8", "replace").splitlines(True)
    new = after.decode("utf-8", "replace").splitlines(True)
    changes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return {
        "before_header": path,
        "after_header": path,
        "before": "".join(line for tag, a, b, _c, _d in changes if tag != "equal" for line in old[a:b]),
        "after": "".join(line for tag, _a, _b, c, d in changes if tag != "equal" for line in new[c:d]),
    }


def ca_difference(path, before, after):
    """Give one entry of a module's diff for a file of CA certificates, which are shown as facts.

    :param before: bytes, None where there is nothing
    :param after: bytes, None where there is nothing
    """
    shown = [b"" if raw is None else pem.facts(raw).encode("utf-8") for raw in (before, after)]
    return difference(path, *shown)


def secret_difference(path, before, after):
    """Give one entry of a module's diff for a file whose content is nobody's business.

    Takes what ca_difference() does.
    """
    shown = [b"" if raw is None else b"(not shown)\n" for raw in (before, after)]
    if before is not None and after is not None:
        shown[1] = b"(not shown, another one)\n"
    return difference(path, *shown)
