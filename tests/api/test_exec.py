# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in pods and helpers, as far as an API server goes without kubelets and controllers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._build import helper as build
from ansible_collections.okd.registry.plugins.module_utils._build.helper import Helper, Volume
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, InvalidError, NotFoundError
from ansible_collections.okd.registry.plugins.module_utils._kube import connect

pytestmark = pytest.mark.cluster
Grant = Callable[[str, list[Mapping[str, Any]]], None]


@pytest.fixture
def pod(admin: Api, namespace: str) -> str:
    """A pod that is on no node."""
    admin.create(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    )
    spec = {"containers": [{"name": "c", "image": "x"}], "automountServiceAccountToken": False}
    admin.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": namespace}, "spec": spec})
    return "p"


@pytest.mark.parametrize("stdin", [None, [b"x"]])
def test_a_command_where_there_is_nothing_to_run_it(admin: Api, namespace: str, pod: str, stdin: Any) -> None:
    with pytest.raises(NotFoundError, match=r'create pods/exec of Pod .*"nosuch" not found'):
        admin.exec(namespace, "nosuch", None, ["ls"], stdin=stdin)
    with pytest.raises(InvalidError, match=f"pod {pod} does not have a host assigned"):
        admin.exec(namespace, pod, "c", ["ls"], stdin=stdin)
    with pytest.raises(InvalidError, match="container d is not valid for pod p"):
        admin.exec(namespace, pod, "d", ["ls"], stdin=stdin)


def test_the_rule_for_commands_is_the_right_one(kubeconfig: str, namespace: str, pod: str, grant: Grant) -> None:
    user = Api(lambda: connect({"kubeconfig": kubeconfig, "impersonate_user": "dora"}))
    with pytest.raises(ForbiddenError, match="user dora cannot create pods/exec of Pod") as raised:
        user.exec(namespace, pod, "c", ["ls"])
    assert raised.value.details["rule"] == '- apiGroups: [""]\n  resources: [pods/exec]\n  verbs: [create, get]'
    grant("dora", [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create", "get"]}])
    with pytest.raises(InvalidError, match="does not have a host assigned"):
        user.exec(namespace, pod, "c", ["ls"])


def test_an_api_server_takes_the_job(admin: Api, namespace: str) -> None:
    spec = {
        "serviceAccountName": "registry",
        "securityContext": {"fsGroup": 5, "supplementalGroups": [6]},
        "tolerations": [{"operator": "Exists"}],
        "containers": [{"name": "registry", "image": "x", "securityContext": {"privileged": True}}],
    }
    workload = {"metadata": {"name": "r", "namespace": namespace}, "spec": {"template": {"spec": spec}}}
    volumes = (
        Volume("/a", {"nfs": {"server": "s", "path": "/p"}}, read_only=True),
        Volume("/b", {"persistentVolumeClaim": {"claimName": "c"}}),
    )
    helper = Helper("r" * 63, namespace, "probe", ("sh", "-c", "true"), volumes, node="n1", env={"A": "b"})
    made = admin.create(build.job(helper, workload))
    assert build.is_ours(helper, made)
    pod = made["spec"]["template"]["spec"]
    assert (pod["nodeName"], pod["securityContext"]["fsGroup"]) == ("n1", 5)
