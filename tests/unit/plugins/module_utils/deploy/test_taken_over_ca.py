# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry of another tool has its certificate in a Secret of another name: its CA does not change unnoticed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from ansible_collections.okd.registry.plugins.module_utils import _pem
from ansible_collections.okd.registry.plugins.module_utils._errors import ForbiddenError, RefusedError
from memory_cluster import _status

LAYOUTS = Path(__file__).parents[4] / "api/layouts.yml"
#: By the layout's name: the Secret that it mounts, and the files in it.
SECRETS = {
    "oadm-tls": ("registry-certs", "tls.crt", "tls.key"),
    "openshift-ansible": ("registry-certificates", "registry.crt", "registry.key"),
}
WORKLOADS = ("deploymentconfigs", "deployments", "daemonsets")


def move(cluster, layout, *, chain=True):
    """Take the certificate that was issued to where the layout has it. :param chain: whether its CA goes with it."""
    name, crt, key = SECRETS[layout]
    data = cluster.find("v1", "Secret", "registry-secret")["data"]
    bundle = data["registry.crt"]
    if not chain:
        leaf = _pem.parse_certificates(base64.b64decode(bundle), "x")[0]
        bundle = base64.b64encode(_pem.pem_of(leaf).encode()).decode()
    meta = {"name": name, "namespace": "default"}
    cluster.objects.clear()
    data = {crt: bundle, key: data["registry.key"]}
    cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})


@pytest.fixture(params=SECRETS)
def there(request, cluster, certify, old):
    """A registry of a tool, with a certificate of the CA old, and no CA published; the layout's name."""
    services = [obj for obj in cluster.objects.values() if obj["kind"] == "Service"]
    certify(ca=old)
    move(cluster, request.param)
    found = next(one for one in yaml.safe_load(LAYOUTS.read_text()) if one["name"] == request.param)
    workload = next(o for o in found["objects"] if o["kind"] == "DeploymentConfig")
    workload["metadata"]["namespace"] = "default"
    for obj in (*services, workload):
        cluster.put(obj)
    return request.param


def wanted(layout):
    """Both the usual name of the Secret, and the name that the tool has given it."""
    return ("registry-secret", SECRETS[layout][0])


def published(cluster):
    text = cluster.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"]
    return [_pem.name_text(c.subject).removeprefix("CN=") for c in _pem.parse_certificates(text.encode(), "x")]


def forbid(cluster, monkeypatch, *ends):
    """Refuse to tell of what ends so."""
    send = cluster.send

    def refusing(method, url, body, content_type):
        if method == "GET" and url.partition("?")[0].endswith(ends):
            name = url.rsplit("/", 1)[1]
            return _status(403, "Forbidden", "no", {"name": name, "kind": "secrets"})
        return send(method, url, body, content_type)

    monkeypatch.setattr(cluster, "send", refusing)


@pytest.mark.parametrize("check", [False, True])
def test_another_ca_is_refused_and_what_to_do_is_said(there, cluster, certify, new, check):
    for name in wanted(there):
        with pytest.raises(RefusedError, match=r"of CN=old.*CN=new was given.*rotate_certificates\.yml") as found:
            certify(check=check, ca=new, secret_name=name)
        assert f"Secret default/{SECRETS[there][0]}" in str(found.value)
        assert "allow_ca_change: true" in str(found.value)
        assert cluster.writes() == []


def test_the_same_ca_goes_on(there, cluster, certify, old):
    for name in wanted(there):
        certify(ca=old, secret_name=name)
        assert published(cluster) == ["old"]
        assert certify(ca=old, secret_name=name)["changed"] is False


def test_when_it_is_said(there, cluster, certify, new):
    assert certify(ca=new, allow_ca_change=True)["issued"]
    assert published(cluster) == ["new"]


def test_by_way_of_both(there, cluster, certify, new):
    for name in wanted(there):
        first = certify(ca=new, secret_name=name, ca_bundle="overlap", issue=False)
        assert (first["issued"], published(cluster)) == (False, ["old", "new"])
        with pytest.raises(RefusedError):
            certify(ca=new, secret_name=name)
    second = certify(ca=new, ca_bundle="overlap")
    assert (second["issued"], published(cluster)) == (True, ["old", "new"])
    assert certify(ca=new)["changed"]
    assert published(cluster) == ["new"]


def test_a_ca_that_is_nowhere_is_asked_for(there, cluster, certify, old, new):
    service, workload = (o for o in cluster.objects.values() if o["kind"] in ("Service", "DeploymentConfig"))
    cluster.objects.clear()
    cluster.put(service)
    certify(ca=old)
    move(cluster, there, chain=False)
    cluster.put(service)
    cluster.put(workload)
    with pytest.raises(RefusedError, match=rf"{SECRETS[there][0]} \(CN=old\) is neither in ConfigMap"):
        certify(ca=new, ca_bundle="overlap", issue=False)
    assert cluster.writes() == []


def test_each_object_is_read_once_and_only_where_the_secret_has_none(there, cluster, certify, old):
    certify(ca=old)
    read = [path for method, path in cluster.requests if method == "GET"]
    assert len(read) == len(set(read))
    certify(ca=old)
    asked = " ".join(path for _method, path in cluster.requests)
    assert not any(kind in asked for kind in WORKLOADS)
    assert SECRETS[there][0] not in asked


def test_what_it_mounts_may_not_be_read(there, cluster, certify, new, monkeypatch):
    forbid(cluster, monkeypatch, f"/secrets/{SECRETS[there][0]}")
    with pytest.raises(ForbiddenError, match=f"get .*{SECRETS[there][0]}"):
        certify(ca=new)
    assert cluster.writes() == []
    assert certify(ca=new, allow_ca_change=True)["issued"]


def test_a_workload_that_may_not_be_looked_at_hides_nothing_that_is_in_the_secret(
    there, cluster, certify, new, monkeypatch
):
    forbid(cluster, monkeypatch, *(f"/{kind}/docker-registry" for kind in WORKLOADS))
    with pytest.raises(RefusedError, match="of CN=old"):
        certify(ca=new, secret_name=SECRETS[there][0])


def test_a_first_certificate_needs_no_right_to_look_at_workloads(cluster, certify, monkeypatch):
    forbid(cluster, monkeypatch, *(f"/{kind}/docker-registry" for kind in WORKLOADS))
    assert certify()["issued"]
