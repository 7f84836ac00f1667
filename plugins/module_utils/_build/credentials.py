# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kubeconfig to the variables by which a registry of OpenShift 3.0 reaches the API server. Pure.

``oadm registry --credentials`` writes the same, in clear into the DeploymentConfig (origin 1.0,
``pkg/cmd/admin/registry/registry.go``); here they lie in a Secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.part import Part
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError

MASTER, CA, CERT, KEY, INSECURE = (
    "OPENSHIFT_MASTER", "OPENSHIFT_CA_DATA", "OPENSHIFT_CERT_DATA", "OPENSHIFT_KEY_DATA", "OPENSHIFT_INSECURE",
)  # fmt: skip
OPTION = "credentials"

Read = Callable[[str], str]


def part(values: Mapping[str, str], own_secret: str) -> Part:
    """The variables, from our Secret."""
    return Part(env={name: {"secretKeyRef": {"name": own_secret, "key": name}} for name in values})


def from_kubeconfig(path: str, content: Any, read: Read) -> dict[str, str]:
    """The variables from a kubeconfig's current context.

    :param content: the kubeconfig, parsed.
    :param read: gives the text of a file that the kubeconfig names.
    :raises OptionError: when something is missing; its text has none of the content.
    """
    if not isinstance(content, Mapping):
        raise OptionError(OPTION, path, "is not a kubeconfig: it is no YAML map")
    context = _entry(path, content, "contexts", "context", content.get("current-context"))
    cluster = _entry(path, content, "clusters", "cluster", context.get("cluster"))
    user = _entry(path, content, "users", "user", context.get("user"))
    server = cluster.get("server")
    if not server:
        raise OptionError(OPTION, path, f"has no server in cluster {context.get('cluster')}")
    insecure = bool(cluster.get("insecure-skip-tls-verify"))
    found = {
        CA: _data(path, cluster, "certificate-authority", read),
        CERT: _data(path, user, "client-certificate", read),
        KEY: _data(path, user, "client-key", read),
    }
    lacking = [name for name, field in ((CERT, "client-certificate"), (KEY, "client-key")) if not found[name]]
    if lacking and not insecure:
        has = " (it has a token, which a registry of this kind cannot use)" if user.get("token") else ""
        raise OptionError(
            OPTION, path,
            f"has no client certificate and key for user {context.get('user')}{has}: registries of OpenShift 3.0 need"
            " them. Later ones use their service account: leave credentials out there",
        )  # fmt: skip
    if not found[CA] and not insecure:
        raise OptionError(OPTION, path, f"has no certificate authority for cluster {context.get('cluster')}")
    values = {MASTER: str(server), INSECURE: "true" if insecure else "false", **found}
    return {name: value for name, value in values.items() if value}


def _entry(path: str, content: Mapping[str, Any], listed: str, field: str, name: Any) -> Mapping[str, Any]:
    if not name:
        raise OptionError(OPTION, path, f"names no {field if field != 'context' else 'current-context'}")
    for one in content.get(listed) or []:
        if isinstance(one, Mapping) and one.get("name") == name and isinstance(one.get(field), Mapping):
            found: Mapping[str, Any] = one[field]
            return found
    raise OptionError(OPTION, path, f"has no {field} {name}")


def _data(path: str, entry: Mapping[str, Any], field: str, read: Read) -> str:
    """A PEM text: inline in base64, or from the file named."""
    inline = entry.get(f"{field}-data")
    if inline:
        try:
            return base64.b64decode(str(inline), validate=True).decode("ascii")
        except (binascii.Error, ValueError):
            raise OptionError(OPTION, path, f"has {field}-data that is not a PEM text in base64") from None
    return read(str(entry[field])) if entry.get(field) else ""
