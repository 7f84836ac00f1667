# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of registry_cert share: its options, objects of a cluster, and CAs as files."""

from __future__ import annotations

import datetime as dt
import functools

from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509

IP = "172.30.124.220"
#: Options of the module as they are when nobody says anything, but for quick keys.
DEFAULTS = {
    "name": "docker-registry", "namespace": "default", "route_host": None, "extra_hosts": [], "port": 5000,
    "cluster_domain": "cluster.local", "state": "present", "secret_name": "registry-secret",
    "ca_config_map": None, "cluster_ip": None, "validity_days": 730, "renew_before_days": 30,
    "key_type": "ECDSA", "key_size": None, "ca_bundle": "signer", "issue": True, "force": False,
    "allow_ca_change": False, "extra_names": [], "certificate": None, "cert_path": None, "key_path": None,
    "owner": None, "group": None,
}  # fmt: skip


def service(ip=IP):
    meta = {"name": "docker-registry", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"clusterIP": ip}}


def workload():
    meta = {"name": "docker-registry", "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {}}


@functools.lru_cache
def signer(name, days=1825, above=None, key_of=None):
    """A CA, made once for each set of arguments.

    :param above: the CA that signs it; itself otherwise.
    :param key_of: another CA whose key it has.
    """
    now = dt.datetime.now(dt.timezone.utc)
    if above is None:
        key = key_of.key if key_of else _pem.new_key("ECDSA", None)
        return _x509.Ca(_x509.self_signed_ca(key, name=name, now=now, days=days, serial=days), key)
    key = _pem.new_key("ECDSA", None)
    own = _x509.self_signed_ca(key, name=name, now=now, days=days)
    return _x509.Ca(resigned(own, above), key, above.published())


def resigned(cert, ca, **changed):
    """The same certificate signed by ``ca``; ``changed`` are methods of the builder with their argument."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    said = {
        "subject_name": cert.subject, "issuer_name": ca.cert.subject, "public_key": cert.public_key(),
        "serial_number": cert.serial_number, "not_valid_before": _pem.not_before(cert),
        "not_valid_after": _pem.not_after(cert),
    }  # fmt: skip
    builder = x509.CertificateBuilder()
    for name, value in {**said, **changed}.items():
        builder = getattr(builder, name)(value)
    for one in cert.extensions:
        builder = builder.add_extension(one.value, one.critical)
    return builder.sign(ca.key, hashes.SHA256())


def files_of(ca, folder):
    """A CA as the option ``ca``, in files below ``folder``."""
    name = ca.cert.subject.rfc4514_string().removeprefix("CN=")
    (folder / f"{name}.crt").write_text(ca.pem())
    (folder / f"{name}.key").write_bytes(_pem.key_to_pem(ca.key))
    return {"cert_path": str(folder / f"{name}.crt"), "key_path": str(folder / f"{name}.key")}
