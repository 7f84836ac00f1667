# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CA's files: what is read, refused and written, and what a kill leaves."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _ca, _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._errors import CertificateError
from hypothesis import given
from hypothesis import strategies as st

NOW = dt.datetime(2026, 5, 1, 12, 0, 0, tzinfo=dt.timezone.utc)


@pytest.fixture
def files(tmp_path):
    return _ca.CaFiles(
        str(tmp_path / "pki/ca.crt"), str(tmp_path / "pki/ca.key"), str(tmp_path / "pki/ca.serial.txt"), create=True
    )


def mode(path):
    return Path(path).stat().st_mode & 0o777


def made(files, **more):
    return _ca.create_ca(files, name="registry-ca", now=NOW, **more)


class TestCreate:
    def test_nothing_there_means_still_to_be_made(self, files):
        assert _ca.load_ca(files, NOW) is None
        assert not Path(files.cert_path).parent.exists()

    def test_without_create_the_path_is_named(self, files):
        with pytest.raises(CertificateError, match=r"ca\.crt does not exist"):
            _ca.load_ca(_ca.CaFiles(files.cert_path, files.key_path), NOW)

    def test_made_and_read_again(self, files):
        ca = made(files)
        assert (mode(files.key_path), mode(files.cert_path), mode(files.serial_path)) == (0o600, 0o644, 0o640)
        again = _ca.load_ca(files, NOW)
        assert again.cert == ca.cert
        assert _pem.same_key(again.cert, again.key)
        assert Path(files.serial_path).read_text() == "01\n"
        assert _ca.next_serial(files) == 2

    def test_key_is_on_disk_before_the_certificate(self, files, monkeypatch):
        order = []
        real = _ca._write
        monkeypatch.setattr(_ca, "_write", lambda path, *a: (order.append(Path(path).name), real(path, *a)))
        made(files)
        assert order == ["ca.key", "ca.serial.txt", "ca.crt"]

    def test_key_left_alone_by_a_killed_run_is_used(self, files, monkeypatch):
        real = _ca._write

        def killed(path, *args):
            if path == files.cert_path:
                raise KeyboardInterrupt
            real(path, *args)

        monkeypatch.setattr(_ca, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            made(files)
        key = Path(files.key_path).read_bytes()
        monkeypatch.setattr(_ca, "_write", real)
        made(files)
        assert Path(files.key_path).read_bytes() == key
        assert _ca.load_ca(files, NOW) is not None

    def test_an_existing_serial_file_is_kept(self, files):
        Path(files.serial_path).parent.mkdir()
        Path(files.serial_path).write_text("2F")
        made(files)
        assert Path(files.serial_path).read_text() == "2F"

    def test_certificate_without_its_key_is_not_replaced(self, files):
        made(files)
        Path(files.key_path).unlink()
        with pytest.raises(CertificateError, match=r"its key .*ca\.key does not: restore the key"):
            made(files)

    def test_passphrase_protects_the_key(self, files):
        locked = _ca.CaFiles(files.cert_path, files.key_path, None, "geheim", create=True)
        made(locked)
        assert b"ENCRYPTED" in Path(files.key_path).read_bytes()
        with pytest.raises(CertificateError, match=r"ca\.key: it is encrypted"):
            _ca.load_ca(files, NOW)
        assert _ca.load_ca(locked, NOW) is not None

    def test_two_runs_at_once_make_one_ca(self, files):
        certs = []
        threads = [threading.Thread(target=lambda: certs.append(made(files).cert)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(certs)) == 1

    def test_no_leftovers(self, files):
        made(files)
        _ca.next_serial(files)
        assert sorted(p.name for p in Path(files.cert_path).parent.iterdir()) == ["ca.crt", "ca.key", "ca.serial.txt"]


class TestLoadRefuses:
    def test_key_of_another(self, files, tmp_path):
        made(files)
        Path(files.key_path).write_bytes(_pem.key_to_pem(_pem.new_key("ECDSA", None)))
        with pytest.raises(CertificateError, match=r"ca\.key is not the key of .*ca\.crt"):
            _ca.load_ca(files, NOW)

    def test_a_server_certificate(self, files):
        ca = made(files)
        leaf = _x509.issue(ca, _x509.server_names(["r.example"]), serial=2, now=NOW, days=9, key_type="ECDSA")
        Path(files.cert_path).write_bytes(leaf.bundle)
        Path(files.key_path).write_bytes(leaf.key_pem)
        with pytest.raises(CertificateError, match=r"ca\.crt \(CN=r\.example\) is not a CA certificate"):
            _ca.load_ca(files, NOW)

    @pytest.mark.parametrize(("days", "text"), [(1826, "expired at 2031"), (-2, "is not valid before")])
    def test_dates(self, files, days, text):
        made(files)
        with pytest.raises(CertificateError, match=text):
            _ca.load_ca(files, NOW + dt.timedelta(days=days))

    def test_garbage(self, files):
        made(files)
        Path(files.cert_path).write_text("hello")
        with pytest.raises(CertificateError, match=r"ca\.crt: no PEM certificate"):
            _ca.load_ca(files, NOW)

    def test_a_directory_in_the_way(self, files):
        Path(files.cert_path).mkdir(parents=True)
        with pytest.raises(CertificateError, match="Is a directory"):
            _ca.load_ca(files, NOW)

    def test_no_error_quotes_the_key(self, files):
        made(files)
        secret = Path(files.key_path).read_text().splitlines()[3]
        Path(files.key_path).write_text(Path(files.key_path).read_text().replace("BEGIN RSA", "BEGIN FOO"))
        with pytest.raises(CertificateError) as caught:
            _ca.load_ca(files, NOW)
        assert secret not in str(caught.value)


class TestChain:
    def test_certificates_after_the_first_are_the_chain(self, files):
        ca = made(files)
        other = _pem.new_key("ECDSA", None)
        root = _x509.self_signed_ca(other, name="root", now=NOW, days=9)
        Path(files.cert_path).write_text(_pem.pem_of(ca.cert, root))
        assert _ca.load_ca(files, NOW).chain == (root,)
        assert _ca.load_ca(files, NOW).pem() == Path(files.cert_path).read_text()


class TestSerial:
    @pytest.mark.parametrize(
        ("text", "following", "after"),
        [
            (b"00", 2, b"02"),  # as `oadm ca create-signer-cert` left it; 1 is the CA's own
            (b"01\n", 2, b"02\n"),
            (b"0F", 16, b"10"),
            (b"ff\n", 256, b"0100\n"),
            (b"  1f \n", 32, b"20\n"),
        ],
    )
    def test_hex_last_used_number(self, files, text, following, after):
        Path(files.serial_path).parent.mkdir()
        Path(files.serial_path).write_bytes(text)
        assert _ca.next_serial(files) == following
        assert Path(files.serial_path).read_bytes() == after

    def test_no_file_yet(self, files):
        assert [_ca.next_serial(files), _ca.next_serial(files)] == [2, 3]
        assert Path(files.serial_path).read_bytes() == b"03\n"

    @pytest.mark.parametrize("text", [b"", b"-1", b"xyz", b"\xff\xfe", b"1 2", b"F" * 60])
    def test_what_is_no_number_is_refused_and_kept(self, files, text):
        Path(files.serial_path).parent.mkdir()
        Path(files.serial_path).write_bytes(text)
        with pytest.raises(CertificateError, match=r"ca\.serial\.txt holds"):
            _ca.next_serial(files)
        assert Path(files.serial_path).read_bytes() == text

    def test_random_without_a_file(self):
        numbers = {_ca.next_serial(_ca.CaFiles("a", "b")) for _ in range(20)}
        assert len(numbers) == 20
        assert all(0 < n < 2**159 for n in numbers)

    def test_mode_and_links_are_kept(self, files, tmp_path):
        real = tmp_path / "elsewhere.txt"
        real.write_text("07\n")
        real.chmod(0o600)
        Path(files.serial_path).parent.mkdir()
        Path(files.serial_path).symlink_to(real)
        assert _ca.next_serial(files) == 8
        assert Path(files.serial_path).is_symlink()
        assert (real.read_text(), mode(real)) == ("08\n", 0o600)

    def test_at_once(self, files):
        numbers = []
        threads = [
            threading.Thread(target=lambda: numbers.extend(_ca.next_serial(files) for _ in range(10))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(numbers) == list(range(2, 42))

    @given(st.integers(0, 2**158), st.booleans())
    def test_text_and_number_agree(self, number, newline):
        text = _ca.serial_text(number, newline=newline)
        assert len(text.strip()) % 2 == 0
        assert _ca.serial_after(text, "x") == max(number, 1) + 1
