# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate that was made elsewhere: brought in where clients accept it, and else refused with every reason."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _owncert, _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError, OptionError, RefusedError
from certifying import IP, files_of, resigned, signer, workload
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = dt.datetime.now(dt.timezone.utc)
DAY = dt.timedelta(days=1)
HOSTS = (IP, "docker-registry.default.svc", "docker-registry.default.svc.cluster.local")


def leaf(hosts=HOSTS, by=None, days=300):
    return _x509.issue(by or signer("root"), _x509.server_names(hosts), serial=7, now=NOW, days=days, key_type="ECDSA")


@pytest.fixture
def write(tmp_path):
    """Puts PEM texts into files; the option certificate for them."""

    def put(cert, key, *chain, passphrase=None):
        options = {"passphrase": passphrase}
        key_text = key if isinstance(key, bytes) else _pem.key_to_pem(key, passphrase)
        texts = {"cert": _pem.pem_of(cert).encode(), "key": key_text, "chain": _pem.pem_of(*chain).encode()}
        for name, text in texts.items():
            (tmp_path / f"own.{name}").write_bytes(text)
            options[f"{name}_path"] = str(tmp_path / f"own.{name}") if text else None
        return options

    return put


@pytest.fixture
def own(write):
    """A good one, signed by a CA below the root."""
    below = signer("below", above=signer("root"))
    issued = leaf(by=below)
    return write(issued.cert, issued.key_pem, *below.chain, below.cert)  # out of order


def stored(cluster):
    found = cluster.find("v1", "Secret", "registry-secret")["data"]
    return {k: base64.b64decode(v) for k, v in found.items()}


def subjects(pem):
    return [_pem.name_text(c.subject) for c in _pem.parse_certificates(pem, "x")]


class TestBroughtIn:
    def test_leaf_and_chain_in_order_and_the_root_published(self, cluster, certify, own):
        result = certify(ca=None, certificate=own)
        assert subjects(stored(cluster)["registry.crt"]) == [
            "CN=docker-registry.default.svc", "CN=below", "CN=root",
        ]  # fmt: skip
        assert subjects(cluster.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"].encode()) == ["CN=root"]
        assert (result["reason"], result["issued"]) == ("there is no certificate yet", True)
        assert result["certificate"]["chain_length"] == 3
        assert [(c["subject"], c["signs"]) for c in result["ca"]] == [("CN=root", False)]
        assert result["actions"][-2].startswith("Brought in the certificate ")

    def test_again_it_does_nothing(self, cluster, certify, own):
        certify(ca=None, certificate=own)
        result = certify(ca=None, certificate=own, force=True)
        assert (result["changed"], result["actions"], cluster.writes()) == (False, [], [])

    def test_a_plan_says_what_is_then_done(self, certify, own):
        planned, done = certify(check=True, ca=None, certificate=own), certify(ca=None, certificate=own)
        for key in ("changed", "actions", "resources", "reason", "issued", "certificate", "ca", "ca_cert"):
            assert planned[key] == done[key], key

    def test_before_there_is_an_address(self, cluster, certify, own):
        cluster.objects.clear()
        assert certify(check=True, ca=None, certificate=own)["changed"]

    def test_the_given_ca_is_published(self, cluster, certify, own, tmp_path):
        ca = files_of(signer("root"), tmp_path)
        (tmp_path / "root.key").unlink()
        certify(ca={"cert_path": ca["cert_path"]}, certificate={**own, "chain_path": own["chain_path"]})
        assert subjects(cluster.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"].encode()) == ["CN=root"]

    def test_as_texts(self, cluster, certify):
        issued = leaf()
        texts = {
            "cert_content": _pem.pem_of(issued.cert), "key_content": issued.key_pem.decode(),
            "chain_content": signer("root").pem(),
        }  # fmt: skip
        result = certify(ca={"cert_content": signer("root").pem()}, certificate=texts)
        assert result["issued"]
        assert issued.key_pem.decode().splitlines()[1] not in json.dumps(result)

    def test_a_key_with_a_passphrase_is_stored_without(self, cluster, certify, write):
        issued = leaf()
        key = _pem.parse_key(issued.key_pem, "x")
        options = write(issued.cert, key, signer("root").cert, passphrase="geheim")
        certify(ca=None, certificate=options)
        assert _pem.same_key(issued.cert, _pem.parse_key(stored(cluster)["registry.key"], "x"))
        with pytest.raises(CertificateError, match="it is encrypted: give its passphrase"):
            certify(ca=None, certificate={**options, "passphrase": None})

    def test_an_ed25519_key(self, cluster, certify, write):
        key = ed25519.Ed25519PrivateKey.generate()
        cert = resigned(leaf().cert, signer("root"), public_key=key.public_key())
        certify(ca=None, certificate=write(cert, key, signer("root").cert))
        assert stored(cluster)["registry.key"].startswith(b"-----BEGIN PRIVATE KEY-----")

    def test_one_that_signed_itself(self, cluster, certify, write):
        issued = leaf()
        self_made = resigned(
            issued.cert, _x509.Ca(issued.cert, _pem.parse_key(issued.key_pem, "x")), issuer_name=issued.cert.subject
        )
        certify(ca=None, certificate=write(self_made, issued.key_pem))
        assert len(subjects(stored(cluster)["registry.crt"])) == 1

    def test_the_next_one_of_the_same_ca(self, cluster, certify, own, write):
        certify(ca=None, certificate=own)
        cluster.put(workload())
        below = signer("below", above=signer("root"))
        again = leaf(by=below)
        result = certify(ca=None, certificate=write(again.cert, again.key_pem, *below.published()))
        assert "another one was brought in" in result["reason"]
        assert result["issued"]

    def test_another_chain_is_a_reason(self, cluster, certify, own, write, tmp_path):
        certify(ca=None, certificate=own)
        root = {"cert_path": files_of(signer("root"), tmp_path)["cert_path"]}
        (tmp_path / "own.chain").write_text(_pem.pem_of(signer("below", above=signer("root")).cert))
        assert "with another chain" in certify(ca=root, certificate=own)["reason"]

    def test_another_ca_needs_a_rotation(self, cluster, certify, own, tmp_path):
        certify(ca=files_of(signer("old"), tmp_path))
        cluster.put(workload())
        with pytest.raises(RefusedError, match=r"of CN=old.*CN=root was given as ca.*rotate_certificates"):
            certify(ca=None, certificate=own)
        certify(ca=None, certificate=own, ca_bundle="overlap", issue=False)
        assert certify(ca=None, certificate=own, ca_bundle="overlap")["issued"]
        assert [c["subject"] for c in certify(ca=None, certificate=own)["ca"]] == ["CN=root"]

    def test_one_that_ends_soon_is_told(self, cluster, certify, write):
        from ansible_collections.okd.registry.plugins.module_utils import _certify
        from certifying import DEFAULTS

        issued, said = leaf(days=10), []
        options = write(issued.cert, issued.key_pem, signer("root").cert)
        params = {**DEFAULTS, "ca": None, "certificate": options}
        _certify.run(params, cluster.api(), check_mode=False, warn=said.append)
        assert len(said) == 1
        assert "expires at" in said[0]


class TestRefused:
    """Each for its own reason, and before anything is written."""

    @pytest.fixture
    def refused(self, cluster, certify, write):
        def run(cert, key, *chain, ca=None, match):
            with pytest.raises(CertificateError, match=match):
                certify(ca=ca, certificate=write(cert, key, *(chain or (signer("root").cert,))))
            assert cluster.writes() == []

        return run

    def test_key_of_another(self, refused):
        refused(leaf().cert, leaf().key_pem, match=r"own\.key is not the private key of .*own\.cert")

    def test_names(self, refused):
        issued = leaf(["docker-registry.default.svc", f"docker-registry.{'x'}.svc"])
        missing = rf"it does not cover docker-registry\.default\.svc\.cluster\.local, {IP}"
        refused(issued.cert, issued.key_pem, match=missing)

    def test_an_address_as_a_name_alone(self, refused):
        issued = leaf(HOSTS[1:])
        named = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
        cert = _with(issued.cert, named)
        refused(cert, issued.key_pem, match=rf"does not cover {IP}")

    def test_no_names_at_all(self, refused):
        issued = leaf()
        cert = _with(issued.cert, x509.SubjectAlternativeName([x509.RFC822Name("a@b.example")]))
        refused(cert, issued.key_pem, match="it has no subjectAltName")

    def test_over(self, refused):
        issued = leaf()
        start, end = {"not_valid_before": NOW - 9 * DAY}, {"not_valid_after": NOW - DAY}
        refused(resigned(issued.cert, signer("root"), **start, **end), issued.key_pem, match="it expired at")

    def test_not_yet(self, refused):
        issued = leaf()
        later = resigned(issued.cert, signer("root"), not_valid_before=NOW + DAY)
        refused(later, issued.key_pem, match="it is not valid before")

    def test_for_clients(self, refused):
        issued = leaf()
        cert = _with(issued.cert, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
        refused(cert, issued.key_pem, match="extendedKeyUsage does not allow serverAuth")

    def test_any_use_is_fine(self, certify, write):
        issued = leaf()
        cert = _with(issued.cert, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]))
        assert certify(ca=None, certificate=write(cert, issued.key_pem, signer("root").cert))["issued"]

    def test_for_signing_lists_only(self, refused):
        issued = leaf()
        usage = x509.KeyUsage(False, False, False, False, False, False, True, False, False)
        refused(_with(issued.cert, usage), issued.key_pem, match="keyUsage does not allow digitalSignature")

    def test_short_key(self, refused):
        key = rsa.generate_private_key(65537, 1024)
        cert = resigned(leaf().cert, signer("root"), public_key=key.public_key())
        refused(cert, key, match="its RSA key has only 1024 bits")

    def test_short_curve(self, refused):
        key = ec.generate_private_key(ec.SECP224R1())
        cert = resigned(leaf().cert, signer("root"), public_key=key.public_key())
        refused(cert, key, match="its ECDSA key has only 224 bits")

    def test_chain_to_another_ca(self, refused, tmp_path):
        issued = leaf()
        ca = {"cert_path": files_of(signer("other"), tmp_path)["cert_path"]}
        refused(
            issued.cert, issued.key_pem, ca=ca, match=r"does not lead to the CA \(CN=other\), but ends with CN=root"
        )

    def test_chain_without_its_root(self, refused):
        below = signer("below", above=signer("root"))
        issued = leaf(by=below)
        refused(
            issued.cert, issued.key_pem, below.cert, match=r"chain ends with CN=below, which is no root.*ca\.cert_path"
        )

    def test_a_link_is_missing(self, refused, tmp_path):
        issued = leaf(by=signer("below", above=signer("root")))
        ca = {"cert_path": files_of(signer("root"), tmp_path)["cert_path"]}
        refused(issued.cert, issued.key_pem, ca=ca, match=r"does not lead to the CA .* issued by CN=below")

    def test_ca_over(self, refused):
        over = resigned(signer("root").cert, signer("root"), not_valid_after=NOW - dt.timedelta(minutes=1))
        issued = leaf()
        refused(issued.cert, issued.key_pem, over, match="CA CN=root: it expired at")

    def test_ca_that_is_none(self, refused):
        issued = leaf()
        none = _with(signer("root").cert, x509.BasicConstraints(ca=False, path_length=None))
        refused(issued.cert, issued.key_pem, none, match="CA CN=root is not a CA certificate")

    def test_all_that_is_wrong_at_once(self, refused):
        issued = leaf(["a.example"], days=300)
        refused(issued.cert, leaf().key_pem, match="(?s)is not the private key.*does not cover")

    def test_files_that_are_not_there(self, cluster, certify, own):
        with pytest.raises(CertificateError, match=r"/nowhere cannot be read: No such file .*certificate\.key_path"):
            certify(ca=None, certificate={**own, "key_path": "/nowhere"})
        assert cluster.requests == []

    def test_options_that_do_not_go_together(self, certify, own, tmp_path):
        with pytest.raises(OptionError, match=r"ca\.create"):
            certify(ca={"cert_path": "x", "create": True}, certificate=own)
        with pytest.raises(OptionError, match=r"ca\.key_path"):
            certify(ca={"cert_path": "x"})


def _with(cert, extension):
    """The certificate with an extension of its own instead of the one of that kind, signed by the root."""
    root = signer("root")
    builder = (
        x509.CertificateBuilder().subject_name(cert.subject).issuer_name(root.cert.subject)
        .public_key(cert.public_key()).serial_number(9).not_valid_before(_pem.not_before(cert))
        .not_valid_after(_pem.not_after(cert)).add_extension(extension, False)
    )  # fmt: skip
    for one in cert.extensions:
        if one.oid != extension.oid:
            builder = builder.add_extension(one.value, one.critical)
    return builder.sign(root.key, hashes.SHA256())


LABEL = st.sampled_from(["a", "b", "apps", "registry"])
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
WILD = NAME.map("*.{}".format)
ADDRESS = st.ip_addresses().map(str)


class TestCoverage:
    @given(st.lists(st.one_of(NAME, WILD, ADDRESS), max_size=6), st.one_of(NAME, WILD, ADDRESS))
    @settings(max_examples=300, deadline=None)
    def test_exactly_what_a_client_accepts(self, have, wanted):
        names = _x509.server_names(have)
        accepted = wanted in have or (
            not _x509.server_names([wanted]).ips
            and not wanted.startswith("*.")
            and any(h.startswith("*.") and h[2:] == wanted.partition(".")[2] for h in have)
        )
        assert (_owncert.uncovered(names, [wanted]) == []) == accepted
