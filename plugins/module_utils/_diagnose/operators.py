# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mends the registry of OpenShift 4's image-registry operator. Pure.

Workload, certificate, Routes and trust are the operator's there and not the collection's: rules name the same causes,
and docs/operator.md says which playbooks are of use.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from ansible_collections.okd.registry.plugins.module_utils._diagnose.fixes import play
from ansible_collections.okd.registry.plugins.module_utils._diagnose.model import Facts, Finding

#: Playbooks that the operator's registry may be told to be run; of deploy.yml one play.
_FIT = ("check", "diagnose", "info", "report", "login", "storage", "trust_clients")
_DEPLOY = "okd.registry.deploy"
_TOLD = ("--tags", "workload", "-e", "registry_managed_by=operator")
_SAYS = "kubectl get configs.imageregistry.operator.openshift.io cluster -o yaml"
_GOES_ON = (
    "the operator sets this itself and goes on trying: mend what it says of it in the status of its Config, or take "
    "back what somebody changed under its hands"
)
_ASK = (_GOES_ON, _SAYS)
_REISSUE = (
    (
        "delete its Secret: the service CA, which renews it in time where all is well (clusteroperator service-ca), "
        "issues another certificate, and the operator rolls it out"
    ),
    "kubectl delete secret image-registry-tls -n openshift-image-registry",
)
_NODE_CA = (
    "have node-ca place it, which it does every minute: look whether its pod runs on that node (DaemonSet node-ca in "
    "openshift-image-registry), and for a directory of that name in /etc/containers/certs.d, which hides node-ca's"
)
_TRUSTED = "additionalTrustedCA of image.config.openshift.io cluster"
_MORE_CA = f"; the CA of other names belongs into {_TRUSTED}"
_ROUTE = "defaultRoute or routes of the operator's Config"
_ITS_NAMES = (
    f"its certificate is for the names of its Service alone: have others lead to a router that ends TLS ({_ROUTE}), "
    "and leave them out of registry_extra_hosts"
)
_SERVICE_CA = (
    "the service CA is the whole cluster's, and its operator renews it in time: look at clusteroperator service-ca; on "
    f"a node, {_NODE_CA}"
)
_AGAIN = play("deploy", registry_deploy_state="redeployed")
#: By cause: what mends it, and the command.
_FIXES: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(("config_missing", "endpoints_differ", "image_pull", "not_secured", "pod_refused"), _ASK),
    **dict.fromkeys(("probe_scheme", "rollout_failed", "scc_denied"), _ASK),
    **dict.fromkeys(("service_missing", "workload_missing"), ("have the operator manage it", play("deploy"))),
    **dict.fromkeys(("certificate_expired", "certificate_expires", "ca_mismatch"), _REISSUE),
    "served_differs": ("roll it out: the registry reads its certificate when it starts", _AGAIN),
    "san_missing": (_ITS_NAMES, None),
    "ca_expired": (_SERVICE_CA, None),
    "node_lacks_ca": (f"{_NODE_CA}{_MORE_CA}", None),
    "pod_lacks_ca": (
        f"name the CA of whom it asks, such as that of its object storage, in {_TRUSTED}",
        None,
    ),
    "master_lacks_ca": (f"name the CA in {_TRUSTED}", None),
    "storage_permission": (
        "let the pod's user, or the group of its pods, write there, or take other storage (registry_storage)",
        play("deploy"),
    ),
    "stale_image_streams": (
        "push these images anew: the cluster knows the operator's registry by its Service's name, never by an address",
        None,
    ),
    "route_missing": (f"say the host in {_ROUTE}", None),
    "route_not_admitted": (f"say another host in {_ROUTE}, or mend what the router objects to", None),
    **dict.fromkeys(
        ("route_certificate_expired", "route_certificate_expires", "route_san_missing"),
        ("put another certificate into the Secret that routes of the operator's Config name for the host", None),
    ),
    "router_ca_unknown": (
        "name the file with the router's CA in registry_route_ca_cert_path, and check again", play("check"),
    ),
    "node_not_in_inventory": ("add it to the inventory's group registry_nodes", None),
}  # fmt: skip
#: The same of what is on a node; on a client it is the collection's, or the user's, as everywhere.
_ON_NODES: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(
        ("dangling_link", "certs_d_broken"),
        (f"delete that file; below /etc/docker/certs.d, {_NODE_CA}", None),
    ),
    "stale_certs_d": ("delete that directory", None),
    **dict.fromkeys(
        ("insecure_flag", "insecure_network"),
        ("take it out where it stands, and restart docker there", None),
    ),
}


def fitted(finding: Finding, facts: Facts) -> Finding:
    """A finding with what mends the registry that there is."""
    # What clients have is trust_clients.yml's to mend, whoever has the registry.
    if not facts.operator or " okd.registry.trust_clients " in (finding.command or ""):
        return finding
    clients = {host.name for host in facts.hosts if host.client}
    fix, command = _FIXES.get(finding.name, (finding.fix, finding.command))
    if finding.name in _ON_NODES and finding.host not in clients:
        fix, command = _ON_NODES[finding.name]
    return replace(finding, fix=fix, command=_fitted(command))


def _fitted(command: str | None) -> str | None:
    """A command line that the operator's registry bears; None where there is none."""
    words = shlex.split(command or "")
    if not command or words[0] != "ansible-playbook":
        return None if "ansible-playbook" in words else command
    if "&&" in words:
        return None
    if words[1] == _DEPLOY:
        return shlex.join([*words[:2], *_TOLD, *words[2:]])
    return command if words[1].removeprefix("okd.registry.") in _FIT else None
