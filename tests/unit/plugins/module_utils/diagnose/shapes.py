# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries that work, of other shapes than OpenShift's with everything in its variables; with what a token is worth.

Each has a token that the cluster would refuse, or whose user has no rights in image streams: of no matter to any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import layouts
from healthy import healthy

Raw = dict[str, Any]
WORTHLESS = {"expired": None, "accepted": False, "error": "invalid bearer token", "user": None, "project": "test",
             "lacking": []}  # fmt: skip
POWERLESS = {**WORTHLESS, "accepted": True, "error": None, "user": "system:serviceaccount:ci:builder",
             "lacking": ["get imagestreams/layers", "update imagestreams/layers"]}  # fmt: skip


def container(raw: Raw) -> Raw:
    """The registry's."""
    found: Raw = raw["workload"]["spec"]["template"]["spec"]["containers"][0]
    return found


def _kubernetes() -> Raw:
    raw = healthy()
    raw["workload"].update(apiVersion="apps/v1", kind="Deployment")
    raw.update(streams=None, images=False, token=WORTHLESS)
    return raw


def kubernetes_without_auth() -> Raw:
    """Plain Kubernetes, where nobody is asked who he is."""
    return _kubernetes()


def kubernetes_with_a_service_account() -> Raw:
    """The same, with a token that is good for the cluster, and for nothing of OpenShift's."""
    return {**_kubernetes(), "token": POWERLESS}


def htpasswd_in_the_environment() -> Raw:
    """OpenShift, and a registry with users of its own."""
    raw = healthy()
    container(raw)["env"] += [
        {"name": "REGISTRY_AUTH", "value": "htpasswd"},
        {"name": "REGISTRY_AUTH_HTPASSWD_PATH", "value": "/etc/secrets/htpasswd"},
    ]
    raw["token"] = WORTHLESS
    return raw


def htpasswd_in_a_file() -> Raw:
    """The same, said in its configuration file."""
    raw = healthy()
    raw["config"] = {"mounted": True, "known": True, "auth": "htpasswd"}
    raw["token"] = WORTHLESS
    return raw


def a_file_that_cannot_be_read() -> Raw:
    """A file of which nobody here knows what it says."""
    raw = healthy()
    raw["config"] = {"mounted": True, "known": False, "auth": None}
    raw["info"].update(layout={"tls": None}, served=[])
    raw["token"] = WORTHLESS
    return raw


def a_file_without_auth() -> Raw:
    """A file that names no access controller, on OpenShift."""
    raw = healthy()
    raw["config"] = {"mounted": True, "known": True, "auth": None}
    raw["token"] = WORTHLESS
    return raw


def a_login_that_worked() -> Raw:
    """An image whose own file has nobody asked, on OpenShift: hosts came in with what the cluster does not take."""
    return {**healthy(), "token": WORTHLESS}


def a_push_that_worked() -> Raw:
    """The same of rights."""
    return {**healthy(), "token": POWERLESS}


def tls_in_a_file() -> Raw:
    """TLS by a file alone, while nobody may ask pods what they serve."""
    raw = healthy()
    container(raw)["env"] = []
    raw["config"] = {"mounted": True, "known": True, "auth": "openshift"}
    raw["info"].update(certificate=None, ca=[], ca_cert=None, layout=_layout(raw))
    raw["info"]["served"] = [{"pod": "docker-registry-1-a", "sha256": None, "matches": None, "error": "not allowed"}]
    for host in raw["hosts"].values():
        host["trust"].update(files=[], endpoints=[])
    return raw


def _layout(raw: Raw) -> Raw:
    """As it is recognised where the file cannot be read."""
    pod = raw["workload"]["spec"]["template"]["spec"]
    pod["volumes"].append({"name": "settings", "configMap": {"name": "settings"}})
    container(raw)["volumeMounts"].append({"name": "settings", "mountPath": "/etc/docker/registry"})
    return layouts.recognise(raw["workload"]).as_dict()


def the_operator_s() -> Raw:
    """OpenShift 4's own, whose certificate is the cluster's and for names of Services."""
    raw = healthy()
    raw["info"].update(layout={"name": "operator", "tls": True}, ca_cert=None, ca=[])
    raw["info"]["certificate"]["sans"].remove("172.30.124.220")
    return raw


SHAPES: tuple[Callable[[], Raw], ...] = (
    kubernetes_without_auth, kubernetes_with_a_service_account, htpasswd_in_the_environment, htpasswd_in_a_file,
    a_file_that_cannot_be_read, a_file_without_auth, a_login_that_worked, a_push_that_worked, tls_in_a_file,
    the_operator_s,
)  # fmt: skip
