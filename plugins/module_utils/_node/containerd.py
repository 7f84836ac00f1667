# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containerd's configuration says about registries: the directories in which it looks for their CAs.

Read anew at every pull are the directories, not the configuration, so that one is never edited here.
"""

import os.path
import re
from collections import namedtuple

from . import toml

# configs: where its configuration may be; pods: a directory that is not empty while the kubelet runs pods with it;
# programs: which to ask for its version, in the order of PATH
Site = namedtuple("Site", "configs pods programs")
# What k3s and RKE2 bring along has its own places, and may be beside another one, such as docker's
SITES = (
    Site(
        ("/etc/containerd/config.toml",),
        "/run/containerd/io.containerd.runtime.v2.task/k8s.io",
        ("/usr/local/bin/containerd", "/usr/bin/containerd"),
    ),
    Site(
        (
            "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
            "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
        ),
        "/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io",
        (),
    ),
)
HOSTS = "hosts.toml"
UNKNOWN = (0, 0)
# What containerd 2.2 and later takes where nothing is said (containerd issues 6485 and 12636; since PR 12617 mirrors
# that are set count in its place)
_DEFAULT = "/etc/containerd/certs.d:/etc/docker/certs.d"
_DEFAULT_SINCE = (2, 2)
# Since then pulls are the transfer service's, which is given the whole text of config_path as the name of one directory
# (containerd issues 12415 and 12808; PR 14168, which would mend it, was open in September 2026)
_TRANSFER_SINCE = (2, 1)
_VERSION = re.compile(r" v?([0-9]+)\.([0-9]+)\.")
_CRI = ("cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images")  # the plugin, by version of the file
_VERSIONS = {"": 1, "1": 1, "2": 2, "3": 3}

# roots: directories, in containerd's order; enabled: whether it serves the kubelet at all; problem: a sentence, why
# nothing can be placed for it, or ""; said: whether a config_path is set; whole: the name that all roots together are
# taken for when it pulls by its transfer service, or ""; hint: a sentence about that, or ""
Settings = namedtuple("Settings", "path roots enabled problem said whole hint")


def version_of(said):
    """Give (major, minor) from what C(containerd --version) says, or UNKNOWN."""
    found = _VERSION.search(said)
    return (int(found.group(1)), int(found.group(2))) if found else UNKNOWN


def settings(path, read, glob, release=lambda: UNKNOWN):
    """Read containerd's configuration with all that it imports.

    :param path: of the configuration
    :param read: function of a path that gives bytes, or None
    :param glob: function of a pattern that gives the paths, sorted
    :param release: function that gives containerd's (major, minor); asked only where it matters
    :returns: Settings
    """
    try:
        document = _with_imports(path, read, glob)
    except (toml.TomlError, UnicodeDecodeError) as exc:
        broken = "{}: cannot be read as TOML: {}; mend it first".format(path, exc)
        return Settings(path, [], True, broken, False, "", "")
    said = getattr(document.get("version"), "text", "")
    version = _VERSIONS.get(said, 0) if said or document.get("plugins") else 2
    if not version:
        unknown = "{}: is of a version that is not known here; use 1, 2 or 3".format(path)
        return Settings(path, [], True, unknown, False, "", "")
    disabled = document.get("disabled_plugins") or []
    registry = _registry(document, version)
    given = registry.get("config_path") if isinstance(registry.get("config_path"), str) else ""
    whole = given or _default(document, registry, release)
    roots = [root.rstrip("/") for root in whole.split(":") if root]
    enabled = not any(name in disabled for name in _CRI)
    problem = _problem(path, document, version, registry, roots, release)
    found = Settings(path, roots, enabled, problem, bool(given and roots), "", "")
    if problem or len(roots) < 2 or _pulls_locally(document, version) or release() < _TRANSFER_SINCE:
        return found
    whole = os.path.normpath(whole)
    return found._replace(whole=whole, hint=_hint(path, whole, bool(given)))


def _default(document, registry, release):
    """Give what containerd takes where no config_path is set; "" where it takes nothing."""
    if _inline(registry) or _elsewhere(document):
        return ""
    return _DEFAULT if release() >= _DEFAULT_SINCE else ""


def _hint(path, whole, given):
    said = "config_path lists several" if given else "has no config_path, and containerd 2.2 and later takes two"
    return (
        "{}: {} directories, which containerd 2.1 and later does not search when it pulls by its transfer service: it "
        'takes "{}" for the name of one, in which the CA is placed as well. Better name one directory in config_path, '
        "or set use_local_image_pull = true in {}, and restart containerd".format(
            path, said, whole, '[plugins."{}"]'.format(_CRI[2])
        )
    )


def _pulls_locally(document, version):
    """Say whether a setting keeps containerd from its transfer service, as containerd's docs/cri/config.md lists them
    ("automatic fallback to Local Mode").
    """
    said = {}
    for name in (_CRI[version - 1], _CRI[2]):
        table = _table(_table(document.get("plugins")).get(name))
        said.update(_table(table.get("containerd")))  # where version 2 has some of them
        said.update(table)
    registry = _registry(document, version)
    keys = ("use_local_image_pull", "discard_unpacked_layers", "image_pull_with_sync_fs")
    return (
        any(said.get(key) is True for key in keys)
        or said.get("disable_snapshot_annotations") is False
        or getattr(said.get("max_concurrent_downloads"), "text", "3") != "3"
        or any(_table(registry.get(key)) for key in ("configs", "auths"))
    )


def _elsewhere(document):
    return [other for other in (1, 2, 3) if _registry(document, other).get("config_path")]


def _problem(path, document, version, registry, roots, release):
    inline = _inline(registry)
    key = _header(version)
    if not document.get("version") and version > 1:
        key = "{}, with version = {} at its top".format(key, version)
    if roots and inline:
        return (
            "{}: {} stands beside config_path, and containerd's CRI plugin does not load with both; move what is in "
            "there to {}/<host:port>/hosts.toml, take it out, and restart containerd".format(path, inline, roots[0])
        )
    if roots:
        return ""
    elsewhere = _elsewhere(document)
    if elsewhere:
        return (
            "{}: config_path stands in {}, where version {} of the file does not look; containerd then has none. Write "
            "version = {} at the top, and restart containerd".format(path, _header(elsewhere[0]), version, elsewhere[0])
        )
    moved = " in the place of {}".format(inline) if inline else ""
    known = UNKNOWN if inline else release()
    before = "" if inline else " {}.{}".format(*known) if known != UNKNOWN else " before 2.2"
    return (
        "{}: has no config_path, without which containerd{} reads no CA for a single registry. Set config_path = "
        '"/etc/containerd/certs.d" in {}{}, restart containerd, and run again'.format(path, before, key, moved)
    )


def _with_imports(path, read, glob):
    """Read a file and what it imports; an imported plugin's section replaces the one that was there, as containerd
    does it.
    """
    todo, seen, merged = [path], set(), {}  # type: tuple[list, set, dict]
    while todo:
        current = todo.pop(0)
        raw = None if current in seen else read(current)
        seen.add(current)
        if raw is None:
            continue
        document = toml.read(raw.decode("utf-8"))
        plugins = dict(_table(merged.get("plugins")), **_table(document.get("plugins")))
        disabled = list(merged.get("disabled_plugins") or []) + list(document.get("disabled_plugins") or [])
        merged.update(document)
        merged.update(plugins=plugins, disabled_plugins=disabled)
        for pattern in document.get("imports") or []:
            if isinstance(pattern, str):
                todo += glob(os.path.normpath(os.path.join(os.path.dirname(current), pattern)))
    return merged


def _registry(document, version):
    return _table(_table(_table(document.get("plugins")).get(_CRI[version - 1])).get("registry"))


def _header(version):
    name = _CRI[version - 1]
    return "[plugins.{}.registry]".format('"{}"'.format(name) if "." in name else name)


def _inline(registry):
    """Name what stands inline and excludes config_path: mirrors, and TLS settings (logins may stay)."""
    if _table(registry.get("mirrors")):
        return "registry.mirrors"
    configs = _table(registry.get("configs"))
    named = [host for host, config in configs.items() if _table(config).get("tls") is not None]
    return 'registry.configs."{}".tls'.format(named[0]) if named else ""


def directory(endpoint, roots, look, shared=""):
    """Give the directory in which containerd looks for an endpoint: the first that is there, or the one to make.

    :param endpoint: str, docker's form
    :param roots: of the configuration, in order
    :param look: function of a path that gives a files.State
    :param shared: a root that serves as well where nothing stands before it, since it is written anyway
    """
    host, colon, port = endpoint.rpartition(":")
    names = ["{}_{}_".format(host, port)] if colon else []
    for root in roots:
        for name in [*names, endpoint]:
            path = "{}/{}".format(root, name)
            if look(path).kind != "absent":
                return path
        if root == shared or look(root + "/_default").kind != "absent":
            return "{}/{}".format(root, endpoint)
    return "{}/{}".format(shared if shared in roots else roots[0], endpoint)


def hosts_problem(path, raw, endpoint, ca):
    """Say why a hosts.toml, which is never ours, keeps containerd from a CA beside it; "" where it names that CA.

    :param path: of the hosts.toml
    :param raw: bytes
    :param endpoint: str, docker's form
    :param ca: path of the CA
    """
    if not raw:
        return ""  # then the directory is read as docker would
    try:
        document = toml.read(raw.decode("utf-8"))
    except (toml.TomlError, UnicodeDecodeError) as exc:
        return "{}: is not ours, and cannot be read as TOML: {}; mend or remove it, and run again".format(path, exc)
    hosts = _table(document.get("host"))
    own = [_table(hosts.get("https://{}{}".format(endpoint, end))) for end in ("", "/", "/v2")]
    named = [name for table in [document, *own] for name in _names(table.get("ca"))]
    if os.path.basename(ca) in named or ca in named:
        return ""
    return (
        '{}: is not ours, and containerd reads it in the place of the CA beside it; write ca = "{}" at its top, or '
        "remove it, and run again".format(path, ca)
    )


def _names(value):
    return [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]


def _table(value):
    return value if isinstance(value, dict) else {}
