# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CAs that every program of a node trusts: one file for each, and a tool that makes the system's store of them."""

import hashlib
import ssl
from collections import namedtuple

from . import pem
from .errors import NodeError, RefusedError

# directory: what the administrator adds; argv: of the tool; bundle: what the tool makes; links: directory in which it
# also makes links, which it does not take away again, or ""
Store = namedtuple("Store", "directory argv bundle links")
STORES = (
    Store("/etc/pki/ca-trust/source/anchors", ["update-ca-trust", "extract"],
          "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", ""),
    Store("/usr/local/share/ca-certificates", ["update-ca-certificates"],
          "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs"),
)  # fmt: skip
# SUSE's, beside those: what its tool makes of anchors in a place of its own.
_BUNDLES = (*(store.bundle for store in STORES), "/var/lib/ca-certificates/ca-bundle.pem")
_TOOLS = ("/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/")
_TIMEOUT = 120.0  # seconds


def store_of(tree):
    """Give this node's store.

    :param tree: files.Tree
    :returns: Store
    :raises RefusedError: where it has none that is known here
    """
    for store in STORES:
        if any(tree.exists(folder + store.argv[0]) for folder in _TOOLS):
            return store
    raise RefusedError(
        "system_anchors: neither update-ca-trust nor update-ca-certificates is on this node; install the package "
        "ca-certificates, or leave system_anchors out"
    )


def paths(store, stem, ca):
    """Give the files (dict of path to bytes) for all certificates of a bundle.

    Each has a file of its own, since Debian's tool makes links to one certificate only; named by its hash, so that
    none changes its content while a CA is being replaced.

    :param stem: name of the registry that can stand in a file's name
    :param ca: PEM bytes
    """
    found = {}
    for der in pem.certificates(ca.decode("ascii")):
        name = "okd-registry-{}-{}.crt".format(stem, hashlib.sha256(der).hexdigest()[:8])
        found["{}/{}".format(store.directory, name)] = ssl.DER_cert_to_PEM_cert(der).encode("ascii")
    return found


def trusts(tree, ca):
    """Say whether the system's own store, as programs read it, has all certificates of a bundle.

    :param tree: files.Tree
    :param ca: PEM bytes
    :raises NodeError: where a store cannot be read
    """
    wanted = set(pem.certificates(ca.decode("ascii")))
    have = [set(_certificates(tree, bundle)) for bundle in _BUNDLES]
    return bool(wanted) and any(wanted <= each for each in have)


def _certificates(tree, bundle):
    return pem.certificates((tree.read(bundle) or b"").decode("utf-8", "replace"))


def is_anchor(path):
    """Say whether a path is one of such a file."""
    return any(path.startswith(store.directory + "/") for store in STORES)


class Anchors:
    """The store of this node.

    :param tree: files.Tree
    :param run: function (argv, timeout in seconds) that gives (exit status, standard output, standard error)
    """

    def __init__(self, tree, run):
        self._tree = tree
        self._run = run

    def missing(self, wanted):
        """Say whether the store lacks some of the certificates (list of bytes, PEM) that stand in files."""
        if not wanted:
            return False
        have = set(_certificates(self._tree, store_of(self._tree).bundle))
        return any(der not in have for text in wanted for der in pem.certificates(text.decode("ascii")))

    def refresh(self, wanted, gone):
        """Make the store anew.

        :param wanted: PEM texts (bytes) that must be in it then
        :param gone: paths of the files that were taken away
        :raises NodeError: where they are not in it
        """
        store = store_of(self._tree)
        if store.links:
            self._unlink(store.links, gone)
        status, out, err = self._run(store.argv, _TIMEOUT)
        if status:
            said = (err or out or "exit status {}".format(status)).strip()
            raise NodeError("{}: {}; mend that and run again".format(" ".join(store.argv), said))
        if self.missing(wanted):
            raise NodeError(
                "{}: ran, but the CA is not in {}; look what keeps it out (a blocklist, or a link elsewhere), and run "
                "again".format(" ".join(store.argv), store.bundle)
            )

    def _unlink(self, folder, gone):
        """Take away the links to files that are gone; before these, the links by a hash to them, which else nobody
        would know again after a kill.
        """
        links = {}
        for name in self._tree.look(folder).entries:
            state = self._tree.look("{}/{}".format(folder, name))
            if state.kind == "link":
                links[name] = state.target
        first = [name for name, target in links.items() if target in gone]
        for name in [*(name for name, target in links.items() if target in first), *first]:
            self._tree.remove("{}/{}".format(folder, name))
