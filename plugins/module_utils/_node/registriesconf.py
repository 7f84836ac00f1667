# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have /etc/containers/registries.conf, and what is in registries.conf.d, call a registry insecure no more.

Version 1 has lists of names: an entry is taken out of the list. Version 2 has a table for each registry and mirror:
C(insecure = true) becomes C(false), the default said aloud, which leaves the line's comment and the table's shape, and
can be turned back. Every other byte stays.

Source: containers-registries.conf(5), containers/image's sysregistriesv2: what is not verified is the C(location), or
where there is none the C(prefix); a prefix may be C(*.domain). Podman, buildah and skopeo read the files at every
request, CRI-O at SIGHUP; on RHEL 7 registries.service makes flags for dockerd of version 1.
"""

import re
from collections import namedtuple

from . import tomlspans
from .errors import EnvFileError
from .sysconfig import line_of

PATH = "/etc/containers/registries.conf"
DROP_INS = "/etc/containers/registries.conf.d/*.conf"
# What registries.service makes of version 1 for dockerd
GENERATED = "/run/containers/registries.conf"
LIST = "registries.insecure"
SWITCH = "insecure"
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+/[0-9]{1,3}\Z")

# name: what it stands for, host[:port], a network, or *.domain; value: str as written; variable: LIST or SWITCH;
# line: int, from 1; node: tomlspans.Value
Entry = namedtuple("Entry", "name value variable line node")
# text: bytes; removed, kept: lists of Entry
Edit = namedtuple("Edit", "text removed kept")


def edit(raw, unwanted):
    """Take this registry out of what is insecure.

    :param raw: the file, bytes
    :param unwanted: function of a name (str), that says whether it goes
    :returns: Edit; its text is the very same object where nothing goes
    :raises EnvFileError: where the file is not read here
    """
    text, entries = _read(raw)
    removed = [entry for entry in entries if unwanted(entry.name)]
    kept = [entry for entry in entries if not unwanted(entry.name)]
    if not removed:
        return Edit(raw, removed, kept)
    spans = [(entry.node.start, entry.node.end, "false") for entry in removed if entry.variable == SWITCH]
    for items in _lists(tomlspans.parse(text)):
        gone = [at for at, item in enumerate(items) if unwanted(name_of(item.value))]
        spans += [(start, end, "") for start, end in _gaps(text, items, gone)]
    changed = text
    for start, end, instead in sorted(spans, reverse=True):
        changed = changed[:start] + instead + changed[end:]
    _prove(changed, kept, removed)
    return Edit(changed.encode("utf-8"), removed, kept)


def insert(raw, variable, value):
    """Call something insecure again.

    :param variable: LIST or SWITCH
    :param value: as an Entry has it
    :returns: bytes; the very same object where it is insecure already
    :raises EnvFileError: where its place is not there any more, or the file is not read here
    """
    text, entries = _read(raw)
    if (variable, value) in [(entry.variable, entry.value) for entry in entries]:
        return raw
    root = tomlspans.parse(text)
    if variable == LIST:
        changed = _with_item(text, _list_values(root), value)
    else:
        switches = [table[SWITCH] for table in _tables(root) if _place(table) == value and _is_switch(table)]
        changed = None
        if switches:
            changed = text[: switches[0].start] + "true" + text[switches[0].end :]
    if changed is None:
        raise EnvFileError(1, "the place of {} is not there any more, so nothing was put back".format(value))
    return changed.encode("utf-8")


def _with_item(text, lists, value):
    """Write one more item into a list, as the last one is written; None where there is no list."""
    if not lists:
        return None
    added = '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))
    items = lists[0].value
    if not items:
        at = lists[0].start + 1
        return text[:at] + added + text[at:]
    last = items[-1]
    before = len(text[: last.start].rstrip(" \t\r\n"))
    blank = text[before : last.start] if text[before - 1 : before] in (",", "[") else " "
    if len(items) == 1 and not blank:
        blank = " "
    return text[: last.end] + "," + blank + added + text[last.end :]


def name_of(value):
    """Give what an entry is about: the host and port of a name with a path, a network as it is."""
    return value if _NETWORK.match(value) else value.split("/")[0]


def covers(name, endpoint):
    """Say whether C(*.domain) matches an endpoint, as containers/image matches it."""
    at = endpoint.find(name[1:]) if name.startswith("*.") else -1
    return at >= 0 and endpoint[at + len(name) - 1 :][:1] in ("", ":")


def _read(raw):
    """Give the text, and all that it calls insecure."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise EnvFileError(line_of(raw, exc.start), "bytes that are not UTF-8, which TOML does not take") from exc
    root = tomlspans.parse(text)
    entries = [
        Entry(name_of(item.value), item.value, LIST, text.count("\n", 0, item.start) + 1, item)
        for items in _lists(root)
        for item in items
    ]
    for table in _tables(root):
        value = _place(table)
        if value and _is_switch(table) and table[SWITCH].value:
            line = text.count("\n", 0, table[SWITCH].start) + 1
            entries.append(Entry(name_of(value), value, SWITCH, line, table[SWITCH]))
    return text, entries


def _lists(root):
    """Give the items of each list of version 1."""
    return [found.value for found in _list_values(root)]


def _list_values(root):
    """Give the lists of version 1, if there is one and it has text alone (list of tomlspans.Value)."""
    found = root
    for name in ("registries", "insecure"):
        found = found.get(name) if isinstance(found, tomlspans.Table) else None
    items = found.get("registries") if isinstance(found, tomlspans.Table) else None
    if not isinstance(items, tomlspans.Value) or not isinstance(items.value, list):
        return []
    if not all(isinstance(item, tomlspans.Value) and isinstance(item.value, str) for item in items.value):
        return []
    return [items]


def _tables(root):
    """Give the tables of version 2: registries and their mirrors."""
    found = []
    for table in _several(root, "registry"):
        found.append(table)
        found += _several(table, "mirror")
    return found


def _place(table):
    """Give what a table of version 2 says is not verified."""
    return _text(table, "location") or _text(table, "prefix")


def _is_switch(table):
    switch = table.get(SWITCH)
    return isinstance(switch, tomlspans.Value) and isinstance(switch.value, bool)


def _several(table, name):
    tables = table.get(name)
    if isinstance(tables, tomlspans.Value):  # written as a list of inline tables
        tables = tables.value
    return [inner for inner in tables if isinstance(inner, tomlspans.Table)] if isinstance(tables, list) else []


def _text(table, name):
    value = table.get(name)
    return value.value if isinstance(value, tomlspans.Value) and isinstance(value.value, str) else ""


def _gaps(text, items, gone):
    """List what goes of a list's text (start, end): items with commas, lines where nothing else is on them."""
    gaps = []
    tail = _tail(text, items, gone)
    if tail is not None:
        gaps.append((items[tail - 1].end, items[-1].end))
        gone = [at for at in gone if at < tail]
    for item in (items[at] for at in gone):
        apart = item.comma is not None and text[item.end : item.comma].strip(" \t")
        if item.comma is None or apart:
            gaps.append(_widened(text, item.start, item.end))
        if apart:  # a comment or a newline between an item and its comma
            gaps.append((item.comma, item.comma + 1))
        elif item.comma is not None:
            gaps.append(_widened(text, item.start, item.comma + 1))
    return gaps


def _tail(text, items, gone):
    """Give the first of the items at the end that all go, and with them the comma after the last one that stays."""
    if not gone or items[-1].comma is not None:
        return None
    tail = len(items)
    while tail - 1 in gone:
        tail -= 1
    between = [text[items[at - 1].end : items[at].start] for at in range(max(tail, 1), len(items))]
    return tail if 0 < tail < len(items) and not "".join(between).strip(" \t\r\n,") else None


def _widened(text, start, end):
    """Take the whole line where nothing else stands on it, else the blanks that follow."""
    line = text.rfind("\n", 0, start) + 1
    newline = text.find("\n", end)
    if newline >= 0 and not text[line:start].strip(" \t") and not text[end:newline].strip(" \t\r"):
        return line, newline + 1
    while text[end : end + 1] in (" ", "\t") and text[end : end + 1]:
        end += 1
    return start, end


def _prove(text, kept, removed):
    """Read the result again.

    :raises EnvFileError: where it is not what was there, less what was to go
    """
    try:
        found = _read(text.encode("utf-8"))[1]
    except EnvFileError:
        found = None
    if found is None or [entry[:3] for entry in found] != [entry[:3] for entry in kept]:
        raise EnvFileError(removed[0].line, "cannot be changed without changing more; edit it by hand")
