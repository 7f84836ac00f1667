# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: names, issue, reasons for a new one."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = dt.datetime(2026, 5, 1, 12, 0, 0, tzinfo=dt.timezone.utc)
DAY = dt.timedelta(days=1)
DOC_HOSTS = ["172.30.124.220", "docker-registry.default.svc", "docker-registry.default.svc.cluster.local"]


@functools.lru_cache
def make_ca(name="registry-ca", days=1825, key_type="ECDSA"):
    key = _pem.new_key(key_type, None)
    return _x509.Ca(_x509.self_signed_ca(key, name=name, now=NOW, days=days), key)


def leaf_of(hosts=tuple(DOC_HOSTS), ca=None, days=730, key_type="ECDSA", key_size=None, now=NOW, serial=2):
    ca = ca or make_ca()
    return _x509.issue(
        ca, _x509.server_names(hosts), serial=serial, now=now, days=days, key_type=key_type, key_size=key_size
    )


def reason(issued, hosts=tuple(DOC_HOSTS), ca=None, now=NOW, renew=30, **more):
    certs = _pem.parse_certificates(issued.bundle, "registry.crt")
    key = _pem.parse_key(issued.key_pem, "registry.key")
    return _x509.needs_reissue(
        certs, key, ca or make_ca(), _x509.server_names(hosts), now=now, renew_before=renew * DAY, **more
    )


def extension(cert, kind):
    return cert.extensions.get_extension_for_class(kind)


class TestServerNames:
    def test_the_documents_names(self):
        names = _x509.server_names(DOC_HOSTS)
        assert names.dns == ("docker-registry.default.svc", "docker-registry.default.svc.cluster.local")
        assert names.ips == (ipaddress.ip_address("172.30.124.220"),)

    def test_addresses_come_last_among_the_dns_entries(self):
        assert _x509.server_names(DOC_HOSTS).dns_sans()[-1] == "172.30.124.220"

    def test_ipv6_in_brackets_and_long_form_is_one_address(self):
        names = _x509.server_names(["[fd00::1]", "fd00:0:0:0:0:0:0:1", "FD00::1"])
        assert names.ips == (ipaddress.ip_address("fd00::1"),)
        assert names.dns == ()

    def test_case_and_the_root_dot_do_not_make_two_names(self):
        assert _x509.server_names(["Registry.Example.com.", "registry.example.com"]).dns == ("registry.example.com",)

    def test_wildcard(self):
        assert _x509.server_names(["*.apps.example.com"]).dns == ("*.apps.example.com",)

    @pytest.mark.parametrize(
        "bad", ["", "a b", "registry:5000", "-a.example", "a..b", "x" * 64 + ".example", "a.*.b", "é.example"]
    )
    def test_what_is_no_name_is_named(self, bad):
        with pytest.raises(CertificateError, match="neither a host name nor an IP address"):
            _x509.server_names([bad])

    def test_common_name_skips_what_is_too_long(self):
        long = "docker-registry." + "x" * 50 + ".svc.cluster.local"
        assert _x509.server_names([long, "registry.example.com"]).common_name() == "registry.example.com"
        assert _x509.server_names([long, "10.0.0.1"]).common_name() == "10.0.0.1"
        assert _x509.server_names([long]).common_name() == "registry"

    def test_common_name_is_a_host_name_where_there_is_one(self):
        assert _x509.server_names(DOC_HOSTS).common_name() == "docker-registry.default.svc"


class TestIssue:
    def test_profile(self):
        issued = leaf_of(key_type="RSA")
        cert = issued.cert
        usage = extension(cert, x509.KeyUsage)
        assert usage.critical
        assert (usage.value.digital_signature, usage.value.key_encipherment) == (True, True)
        assert not usage.value.key_cert_sign
        assert list(extension(cert, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
        assert extension(cert, x509.BasicConstraints).value.ca is False
        assert cert.serial_number == 2
        assert isinstance(cert.signature_hash_algorithm, hashes.SHA256)
        assert cert.public_key().key_size == 2048

    def test_ecdsa_does_not_claim_key_encipherment(self):
        usage = extension(leaf_of(key_type="ECDSA").cert, x509.KeyUsage).value
        assert (usage.digital_signature, usage.key_encipherment) == (True, False)

    def test_sans_hold_addresses_both_ways(self):
        san = extension(leaf_of().cert, x509.SubjectAlternativeName).value
        assert san.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("172.30.124.220")]
        assert san.get_values_for_type(x509.DNSName)[-1] == "172.30.124.220"

    def test_key_identifiers_link_leaf_and_ca(self):
        ca, cert = make_ca(), leaf_of().cert
        own = extension(ca.cert, x509.SubjectKeyIdentifier).value.digest
        assert extension(cert, x509.AuthorityKeyIdentifier).value.key_identifier == own
        assert extension(cert, x509.SubjectKeyIdentifier).value.digest != own

    def test_bundle_is_leaf_then_chain(self):
        root = make_ca()
        mid = _x509.Ca(make_ca("intermediate").cert, make_ca("intermediate").key, (root.cert,))
        issued = leaf_of(ca=mid)
        assert _pem.parse_certificates(issued.bundle, "x") == [issued.cert, mid.cert, root.cert]

    def test_key_in_the_form_old_tools_read(self):
        assert leaf_of(key_type="RSA").key_pem.startswith(b"-----BEGIN RSA PRIVATE KEY-----")
        assert leaf_of(key_type="ECDSA").key_pem.startswith(b"-----BEGIN EC PRIVATE KEY-----")

    def test_valid_a_little_before_now_and_for_730_days(self):
        cert = leaf_of(now=NOW + DAY).cert
        assert _pem.not_before(cert) == NOW + DAY - _x509.SKEW
        assert _pem.not_after(cert) == NOW + 731 * DAY

    def test_never_beyond_or_before_its_ca(self):
        ca = make_ca("short", 100)
        cert = leaf_of(ca=ca).cert
        assert _pem.not_after(cert) == _pem.not_after(ca.cert)
        assert _pem.not_before(cert) == _pem.not_before(ca.cert)

    def test_an_ed25519_ca_can_sign(self):
        key = ed25519.Ed25519PrivateKey.generate()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ed")])
        cert = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(NOW - DAY).not_valid_after(NOW + 900 * DAY)
            .add_extension(x509.BasicConstraints(True, None), True).sign(key, None)
        )  # fmt: skip
        issued = leaf_of(ca=_x509.Ca(cert, key))
        assert _pem.signed_by(issued.cert, cert)
        assert reason(issued, ca=_x509.Ca(cert, key)) is None

    @pytest.mark.parametrize(("kind", "size"), [("RSA", 1024), ("RSA", 16384), ("ECDSA", 192), ("ECDSA", 2048)])
    def test_unsafe_sizes_are_refused(self, kind, size):
        with pytest.raises(CertificateError, match=str(size)):
            leaf_of(key_type=kind, key_size=size)

    def test_ecdsa_sizes(self):
        assert leaf_of(key_type="ECDSA", key_size=384).cert.public_key().curve.name == "secp384r1"


class TestNeedsReissue:
    def test_fresh_one_will_do(self):
        assert reason(leaf_of()) is None

    def test_nothing_there(self):
        assert _x509.needs_reissue([], None, make_ca(), _x509.server_names(DOC_HOSTS), now=NOW, renew_before=DAY) == (
            "there is no certificate yet"
        )

    def test_missing_name(self):
        assert reason(leaf_of(), [*DOC_HOSTS, "registry.apps.example.com"]) == (
            "it does not cover registry.apps.example.com"
        )

    def test_other_cluster_ip(self):
        assert "it does not cover 172.30.1.1" in reason(leaf_of(), ["172.30.1.1", *DOC_HOSTS[1:]])

    def test_surplus_name(self):
        assert "still covers docker-registry.default.svc.cluster.local" in reason(leaf_of(), DOC_HOSTS[:2])

    def test_surplus_name_that_may_be_there(self):
        gone, kept = DOC_HOSTS[2], DOC_HOSTS[:2]
        assert reason(leaf_of(), kept, spare=[gone, "another.example.com"]) is None
        assert reason(leaf_of(), kept[:1], spare=[gone]).startswith(f"it still covers {kept[1]}, no")

    def test_order_does_not_matter(self):
        assert reason(leaf_of(), reversed(DOC_HOSTS)) is None

    def test_ipv6_is_compared_as_an_address(self):
        assert reason(leaf_of(["fd00::1", "r.example"]), ["r.example", "[FD00:0::1]"]) is None

    def test_other_ca(self):
        assert "it was issued by CN=registry-ca, not by this CA (CN=other)" in reason(leaf_of(), ca=make_ca("other"))

    def test_ca_of_the_same_name_with_another_key(self):
        key = _pem.new_key("ECDSA", None)
        twin = _x509.Ca(_x509.self_signed_ca(key, name="registry-ca", now=NOW, days=1825), key)
        assert "not by this CA" in reason(leaf_of(), ca=twin)

    def test_ca_renewed_with_its_key_still_holds(self):
        ca = make_ca()
        again = _x509.Ca(_x509.self_signed_ca(ca.key, name="registry-ca", now=NOW, days=3650, serial=7), ca.key)
        assert reason(leaf_of(), ca=again) is None

    def test_key_of_another(self):
        mixed = _x509.Issued(leaf_of().cert, leaf_of().bundle, leaf_of().key_pem)
        assert "private key" in reason(mixed)

    @pytest.mark.parametrize(("days", "expected"), [(699, None), (701, "expires at"), (731, "it expired at")])
    def test_time(self, days, expected):
        got = reason(leaf_of(), now=NOW + days * DAY)
        assert got is None if expected is None else expected in got

    def test_not_valid_yet(self):
        assert "not valid before" in reason(leaf_of(now=NOW + 5 * DAY))

    def test_end_of_the_ca_does_not_cause_a_reissue_on_every_run(self):
        ca = make_ca("short", 10)
        assert reason(leaf_of(ca=ca), ca=ca, renew=30) is None

    def test_asked_for_kind_and_size(self):
        assert "its key is ECDSA, asked for is RSA" in reason(leaf_of(), key_type="RSA")
        assert "asked for are 384" in reason(leaf_of(), key_size=384)
        assert reason(leaf_of(key_size=384), key_type="ECDSA", key_size=256) is None

    def test_weak_rsa_key(self):
        ca, key = make_ca(), rsa.generate_private_key(65537, 1024)
        cert = self.rebuilt(leaf_of().cert, ca, key)
        got = _x509.needs_reissue([cert], key, ca, _x509.server_names(DOC_HOSTS), now=NOW, renew_before=DAY)
        assert got == "its RSA key has only 1024 bits"

    @pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.MD5()])
    def test_weak_signature(self, digest, monkeypatch):
        """Libraries refuse to make such signatures nowadays, so this one only says that it is one."""

        class Weak:
            """A certificate whose signature was made with another digest."""

            signature_hash_algorithm = digest

            def __getattr__(self, name):
                return getattr(leaf_of().cert, name)

        assert _x509.weakness(Weak()) == f"its signature is made with {digest.name}, which clients refuse"

    def test_usage_for_clients_only(self):
        ca, key = make_ca(), ec.generate_private_key(ec.SECP256R1())
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        cert = self.rebuilt(leaf_of().cert, ca, key, usage)
        got = _x509.needs_reissue([cert], key, ca, _x509.server_names(DOC_HOSTS), now=NOW, renew_before=DAY)
        assert "serverAuth" in got

    @staticmethod
    def rebuilt(like, ca, key, usage=None):
        builder = (
            x509.CertificateBuilder().subject_name(like.subject).issuer_name(ca.cert.subject)
            .public_key(key.public_key()).serial_number(3)
            .not_valid_before(NOW - DAY).not_valid_after(NOW + 300 * DAY)
            .add_extension(extension(like, x509.SubjectAlternativeName).value, False)
        )  # fmt: skip
        if usage is not None:
            builder = builder.add_extension(usage, False)
        return builder.sign(ca.key, hashes.SHA256())


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join).filter(lambda h: not h.replace(".", "").isdigit())
ADDRESS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
HOSTS = st.lists(st.one_of(HOST, HOST.map("*.{}".format), ADDRESS), min_size=1, max_size=8)


class TestProperties:
    @given(HOSTS)
    @settings(max_examples=150, deadline=None)
    def test_what_is_issued_covers_what_was_asked_and_is_not_reissued(self, hosts):
        issued = leaf_of(tuple(hosts))
        assert _x509.names_of(issued.cert).as_set() == _x509.server_names(hosts).as_set()
        assert reason(issued, hosts) is None
        assert reason(issued, reversed(hosts)) is None

    @given(HOSTS)
    @settings(deadline=None)
    def test_common_name_fits_and_is_one_of_the_names(self, hosts):
        names = _x509.server_names(hosts)
        common = names.common_name()
        assert len(common) <= 64
        assert common in names.as_set() or all(len(n) > 64 for n in names.dns)

    @given(HOSTS, HOSTS)
    @settings(max_examples=60, deadline=None)
    def test_any_other_set_of_names_is_a_reason(self, first, second):
        differ = _x509.server_names(first).as_set() != _x509.server_names(second).as_set()
        assert (reason(leaf_of(tuple(first)), second) is not None) == differ

    @given(st.integers(-800, 1900), st.integers(1, 200))
    @settings(max_examples=60, deadline=None)
    def test_renewal_at_any_time_holds_for_the_next_run(self, days, renew):
        ca, now = make_ca(), NOW + days * DAY
        if not _pem.not_before(ca.cert) <= now < _pem.not_after(ca.cert):
            return
        assert reason(leaf_of(now=now), now=now, renew=renew) is None


class TestFacts:
    def test_they_say_what_people_ask(self):
        issued = leaf_of(serial=0x1F)
        facts = _x509.facts(issued.cert, NOW)
        assert facts == {
            "subject": "CN=docker-registry.default.svc",
            "issuer": "CN=registry-ca",
            "serial": "1F",
            "sans": [*DOC_HOSTS[1:], DOC_HOSTS[0]],
            "not_before": "2026-05-01T11:00:00Z",
            "not_after": "2028-04-30T12:00:00Z",
            "days_left": 730,
            "sha256": issued.cert.fingerprint(hashes.SHA256()).hex(),
            "key_type": "ECDSA",
            "key_size": 256,
            "signature_algorithm": "ECDSA_WITH_SHA256",
        }
        assert _x509.bundle_facts([issued.cert, make_ca().cert], NOW) == {**facts, "chain_length": 2}

    def test_of_a_pem_text(self):
        assert _x509.certificate_facts(leaf_of().bundle.decode(), NOW)["days_left"] == 730
        with pytest.raises(CertificateError, match="no PEM certificate"):
            _x509.certificate_facts("nothing")


class TestPem:
    @pytest.mark.parametrize("signs", ["RSA", "ECDSA", "Ed25519"])
    def test_signatures_where_the_library_does_not_look_at_them_itself(self, signs):
        """As before cryptography 40."""

        def made(kind, name):
            key = ed25519.Ed25519PrivateKey.generate() if kind == "Ed25519" else _pem.new_key(kind, None)
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            form = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            form = form.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + DAY)
            return form.sign(key, None if kind == "Ed25519" else hashes.SHA256())

        cert = made(signs, "ca")
        _pem._verify(cert, cert)
        for other in (made(kind, name) for kind in ("RSA", "ECDSA", "Ed25519") for name in ("ca", "other")):
            with pytest.raises((InvalidSignature, TypeError, ValueError)):
                _pem._verify(cert, other)

    def test_garbage_between_the_markers_names_the_source(self):
        text = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        with pytest.raises(CertificateError, match=r"ca\.crt: certificate number 1"):
            _pem.parse_certificates(text, "ca.crt")

    def test_a_key_is_no_certificate(self):
        with pytest.raises(CertificateError, match="no PEM certificate"):
            _pem.parse_certificates(leaf_of().key_pem, "ca.crt")

    def test_passphrases(self):
        key = _pem.new_key("ECDSA", None)
        locked = _pem.key_to_pem(key, "geheim")
        assert b"ENCRYPTED" in locked
        assert _pem.same_key(make_ca().cert, _pem.parse_key(locked, "ca.key", "geheim")) is False
        with pytest.raises(CertificateError, match=r"ca\.key: it is encrypted: give its passphrase"):
            _pem.parse_key(locked, "ca.key")
        with pytest.raises(CertificateError, match=r"ca\.key: the passphrase is wrong"):
            _pem.parse_key(locked, "ca.key", "falsch")
        with pytest.raises(CertificateError, match="not encrypted, yet a passphrase was given"):
            _pem.parse_key(_pem.key_to_pem(key), "ca.key", "geheim")

    def test_dates_of_older_releases_of_the_library(self):
        class Old:
            not_valid_before = dt.datetime(2026, 1, 1)  # noqa: DTZ001  naive UTC, as they gave it
            not_valid_after = dt.datetime(2027, 1, 1)  # noqa: DTZ001

        assert _pem.not_before(Old()) == dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
        assert _pem.not_after(Old()) == dt.datetime(2027, 1, 1, tzinfo=dt.timezone.utc)

    def test_signatures_without_the_newer_releases_help(self):
        for kind in ("RSA", "ECDSA"):
            ca = make_ca("signer", 900, kind)
            _pem._verify(leaf_of(ca=ca).cert, ca.cert)
            with pytest.raises(ValueError, match="another issuer"):
                _pem._verify(leaf_of(ca=ca).cert, make_ca("another").cert)
