# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the certificates of others break, and ours do not. What needs an API is in tests/api/test_certificates.py."""

from __future__ import annotations

import datetime as dt
import ipaddress

from ansible_collections.okd.registry.plugins.module_utils import _endpoints, _pem, _x509

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.timezone.utc)
HOSTS = ["172.30.124.220", "fd00:10::dead", "docker-registry.default.svc"]


def ca(name: str) -> _x509.Ca:
    key = _pem.new_key("ECDSA", None)
    return _x509.Ca(_x509.self_signed_ca(key, name=name, now=NOW, days=1825), key)


CA = ca("registry-ca")
ISSUED = _x509.issue(CA, _x509.server_names(HOSTS), serial=2, now=NOW, days=730, key_type="ECDSA")
KEY = _pem.parse_key(ISSUED.key_pem, "registry.key")


def reason(signer: _x509.Ca = CA, key: object = KEY, days: int = 0) -> str | None:
    return _x509.needs_reissue(
        [ISSUED.cert], key, signer, _x509.server_names(HOSTS),
        now=NOW + dt.timedelta(days=days), renew_before=dt.timedelta(days=30),
    )  # fmt: skip


def test_openshift_ansible_looks_at_the_set_of_names_alone() -> None:
    """Same names, but over, or nearly, or of another CA, or with another key: each is a reason of its own."""
    assert reason() is None
    assert "it expired at" in str(reason(days=731))
    assert "in less than 30 days" in str(reason(days=710))
    assert "not by this CA (CN=other)" in str(reason(ca("other")))
    assert "the private key beside the certificate is not its key" in str(reason(key=_pem.new_key("ECDSA", None)))


def test_openshift_ansible_reads_ipv6_names_as_their_first_group() -> None:
    """An address is compared as an address, in whatever form it was written."""
    names = _x509.names_of(ISSUED.cert)
    assert names.ips == (ipaddress.ip_address("172.30.124.220"), ipaddress.ip_address("fd00:10::dead"))
    other = _x509.server_names(["172.30.124.220", "[FD00:0010:0::DEAD]", "docker-registry.default.svc"])
    assert other.as_set() == names.as_set()
    near = _x509.server_names(["172.30.124.220", "fd00:11::dead", "docker-registry.default.svc"])
    assert near.as_set() != names.as_set()


def test_casl_ansible_misses_the_service_name_and_the_host_of_the_route() -> None:
    """What is certified is every name under which the registry is reached."""
    found = _endpoints.compute(
        name="docker-registry", namespace="default", cluster_ips=["172.30.124.220"], route_hosts=["r.example.com"]
    )
    names = _x509.server_names(found.hosts).as_set()
    assert names == {
        "172.30.124.220", "docker-registry.default.svc", "docker-registry.default.svc.cluster.local", "r.example.com",
    }  # fmt: skip


def test_openshift_ansible_has_the_names_hardcoded() -> None:
    """What is certified follows from the registry's own name, namespace and port, and the cluster's domain."""
    found = _endpoints.compute(
        name="images", namespace="shop", cluster_ips=["10.3.0.9"], port=5443, cluster_domain="k8s.example"
    )
    assert _x509.server_names(found.hosts).as_set() == {"10.3.0.9", "images.shop.svc", "images.shop.svc.k8s.example"}
    assert set(found.docker) == {"10.3.0.9:5443", "images.shop.svc:5443", "images.shop.svc.k8s.example:5443"}


def test_cookbook_openshift3_issues_only_where_files_are_missing() -> None:
    """A name that came later is a reason, and so is one that has gone."""
    more = _x509.server_names([*HOSTS, "r.example.com"])
    got = _x509.needs_reissue([ISSUED.cert], KEY, CA, more, now=NOW, renew_before=dt.timedelta(days=30))
    assert got == "it does not cover r.example.com"
    less = _x509.server_names(HOSTS[1:])
    got = _x509.needs_reissue([ISSUED.cert], KEY, CA, less, now=NOW, renew_before=dt.timedelta(days=30))
    assert got == "it still covers 172.30.124.220, no longer a name of the registry"
