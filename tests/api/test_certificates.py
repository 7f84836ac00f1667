# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_cert on a real API server: certificates brought in, CAs that come and go, and where others break."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.okd.registry.plugins.module_utils import _pem, _x509
from ansible_collections.okd.registry.plugins.module_utils._api import Api
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.modules import (
    registry_cert,
    registry_deploy,
    registry_info,
    registry_preflight_info,
    registry_service,
)

pytestmark = pytest.mark.cluster
Object = dict[str, Any]


def signer(name: str) -> _x509.Ca:
    key, now = _pem.new_key("ECDSA", None), dt.datetime.now(dt.timezone.utc)
    return _x509.Ca(_x509.self_signed_ca(key, name=name, now=now, days=1825), key)


_WRITTEN: list[list[str]] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Note every file that is opened for writing, whoever does it and however."""
    if _WRITTEN and event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        _WRITTEN[-1].append(os.fsdecode(arguments[0]) if not isinstance(arguments[0], int) else "")


sys.addaudithook(_note)


@contextlib.contextmanager
def written() -> Iterator[list[str]]:
    """The files that are opened for writing meanwhile, but for devices."""
    _WRITTEN.append([])
    try:
        yield _WRITTEN[-1]
    finally:
        files = _WRITTEN.pop()
        files[:] = [path for path in files if path and not path.startswith("/dev/")]


def files_of(ca: _x509.Ca, folder: Path) -> Object:
    name = _pem.name_text(ca.cert.subject).removeprefix("CN=")
    (folder / f"{name}.crt").write_text(ca.pem())
    (folder / f"{name}.key").write_bytes(_pem.key_to_pem(ca.key, "geheim"))
    paths = {"cert_path": str(folder / f"{name}.crt"), "key_path": str(folder / f"{name}.key")}
    return {**paths, "passphrase": "geheim"}


@pytest.fixture
def ca(tmp_path: Path) -> Object:
    return files_of(signer("old"), tmp_path)


@pytest.fixture
def certify(run: Any) -> Callable[..., Object]:
    def module(**options: Any) -> Object:
        result: Object = run(registry_cert, **{"key_type": "ECDSA", **options})
        return result

    return module


@pytest.fixture
def service(run: Any) -> str:
    """The registry's Service; its address."""
    return str(run(registry_service)["registry"]["cluster_ip"])


@pytest.fixture
def secret(admin: Api, namespace: str) -> Callable[[], Object]:
    """Reads the Secret."""
    return lambda: admin.get(ObjectRef("v1", "Secret", "registry-secret", namespace)) or {}


def chain(secret: Object) -> list[Any]:
    return _pem.parse_certificates(base64.b64decode(secret["data"]["registry.crt"]), "registry.crt")


def deployed(run: Any, admin: Api, namespace: str) -> None:
    """A registry that serves, as far as the API goes."""
    meta = {"name": "default", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta})
    deploy(run)


def deploy(run: Any) -> None:
    made = run(
        registry_deploy, image="i", tls_secret="registry-secret", wait=False, kind="Deployment",
        storage={"kind": "ephemeral"}, cluster_role="",
    )  # fmt: skip
    assert not made.get("failed"), made["msg"]


# ---- where others break ----------------------------------------------------------------------------------------------


def test_casl_ansible_fails_where_it_is_secured_already(
    certify: Any, ca: Object, service: str, audit: Callable[[], Object]
) -> None:
    """Again, it finds nothing to do, and writes nothing."""
    assert service in certify(ca=ca)["certificate"]["sans"]
    audit()
    again = certify(ca=ca)
    assert (again["changed"], again["reason"], again["diff"]) == (False, None, [])
    assert {verb: count for verb, count in audit().items() if verb != "get"} == {"post": 0, "patch": 0, "delete": 0}


def test_openshift_ansible_has_the_names_hardcoded(
    run: Any, certify: Any, ca: Object, admin: Api, namespace: str, service: str, secret: Any
) -> None:
    """A registry of any name in any namespace, beside one of the usual name, with what is named after it its own."""
    certify(ca=ca)
    usual = secret()
    other = str(run(registry_service, name="images", port=5443)["registry"]["cluster_ip"])
    done = certify(ca=ca, name="images", port=5443, secret_name="images-tls")
    assert set(done["certificate"]["sans"]) == {
        other, f"images.{namespace}.svc", f"images.{namespace}.svc.cluster.local",
    }  # fmt: skip
    assert admin.get(ObjectRef("v1", "ConfigMap", "images-ca", namespace))
    made = admin.get(ObjectRef("v1", "Secret", "images-tls", namespace)) or {}
    assert _x509.names_of(chain(made)[0]).as_set() == set(done["certificate"]["sans"])
    assert secret() == usual
    assert service != other


def test_casl_ansible_deletes_the_secret_and_makes_it_anew(
    certify: Any, ca: Object, service: str, admin: Api, namespace: str, secret: Any, audit: Callable[[], Object]
) -> None:
    """It is changed in place, in one write: no moment without it, and what others have in it stays."""
    certify(ca=ca)
    before = secret()
    before["data"]["theirs"] = "eA=="
    admin.patch(ObjectRef.of(before), [{"op": "add", "path": "/data/theirs", "value": "eA=="}])  # somebody else's
    audit()
    assert certify(ca=ca, route_host="r.example.com")["issued"]
    assert audit() | {"get": 0} == {"get": 0, "post": 0, "patch": 1, "delete": 0}
    after = secret()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"]["theirs"] == "eA=="
    assert after["data"]["registry.crt"] != before["data"]["registry.crt"]


def test_openshift_ansible_says_changed_and_replaces_nothing_when_forced(
    certify: Any, ca: Object, service: str, secret: Any
) -> None:
    certify(ca=ca)
    before = chain(secret())[0]
    forced = certify(ca=ca, force=True)
    assert (forced["changed"], forced["reason"]) == (True, "a new one was asked for (force)")
    assert chain(secret())[0].serial_number != before.serial_number
    assert forced["certificate"]["sha256"] == _pem.fingerprint(chain(secret())[0])


def test_registry_ssl_expose_wants_the_address_typed_and_stops_where_there_is_a_secret(
    certify: Any, ca: Object, service: str, admin: Api, namespace: str, secret: Any
) -> None:
    meta = {"name": "registry-secret", "namespace": namespace}
    admin.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"theirs": "eA=="}})
    spec = {"host": f"{namespace}.example.com", "to": {"kind": "Service", "name": "docker-registry"}}
    spec["tls"] = {"termination": "passthrough"}
    meta = {"name": "theirs", "namespace": namespace}
    admin.create({"apiVersion": "route.openshift.io/v1", "kind": "Route", "metadata": meta, "spec": spec})
    result = certify(ca=ca)
    assert {service, f"docker-registry.{namespace}.svc", f"{namespace}.example.com"} <= set(
        result["certificate"]["sans"]
    )
    assert set(secret()["data"]) == {"theirs", "registry.crt", "registry.key"}


def test_openshift_ansible_redeploys_the_text_cat_ca_crt(
    run: Any, certify: Any, ca: Object, service: str, admin: Api, namespace: str, secret: Any, tmp_path: Path
) -> None:
    """Its playbook sets "$(cat ca.crt)" without a shell; here what is redeployed is what the files hold."""
    certify(ca=ca)
    deployed(run, admin, namespace)
    new = files_of(signer("new"), tmp_path)
    wanted = Path(new["cert_path"]).read_text()
    done = certify(ca=new, allow_ca_change=True)
    assert done["ca_cert"] == wanted, done
    deploy(run)
    config_map = admin.get(ObjectRef("v1", "ConfigMap", "docker-registry-ca", namespace)) or {}
    assert config_map["data"]["ca.crt"] == wanted
    assert _pem.name_text(chain(secret())[0].issuer) == "CN=new"
    objects = [config_map, secret(), admin.get(ObjectRef("apps/v1", "Deployment", "docker-registry", namespace))]
    assert "$(" not in json.dumps(objects)
    refused = certify(ca={**new, "cert_path": f"$(cat {new['cert_path']})"})
    assert "does not exist" in refused["msg"]


def test_openshift_ansible_writes_the_secret_to_a_predictable_file_of_tmp(
    certify: Any, ca: Object, service: str, secret: Any, tmp_path: Path
) -> None:
    """oc_secret puts it into /tmp/<name> when it updates; here the only files are the CA's own, and those asked for."""
    certify(ca=ca)
    before = secret()
    with written() as files:
        assert certify(ca=ca, force=True, route_host="r.example.com")["issued"]
    assert secret()["data"] != before["data"]
    assert {Path(path).parent for path in files} <= {tmp_path}, files
    with written() as files:
        made = certify(ca=ca, force=True, cert_path=str(tmp_path / "own.crt"), key_path=str(tmp_path / "own.key"))
    assert made["issued"]
    assert (tmp_path / "own.key").stat().st_mode & 0o777 == 0o600
    assert {Path(path).parent for path in files} <= {tmp_path}, files
    assert str(tmp_path / "own.key") not in files, "under a name that nobody can have put there, then renamed"


# ---- another CA ------------------------------------------------------------------------------------------------------


def test_another_ca_comes_with_overlap_or_not_at_all(
    run: Any, certify: Any, ca: Object, service: str, admin: Api, namespace: str, secret: Any, tmp_path: Path
) -> None:
    certify(ca=ca)
    deployed(run, admin, namespace)
    new = files_of(signer("new"), tmp_path)
    refused = certify(ca=new)
    assert "playbooks/rotate_certificates.yml" in refused["msg"]
    assert refused["failed"]

    first = certify(ca=new, ca_bundle="overlap", issue=False)
    assert [(c["subject"], c["signs"]) for c in first["ca"]] == [("CN=old", True), ("CN=new", False)]
    assert [r["action"] for r in first["resources"]] == ["updated", "unchanged"]
    second = certify(ca=new, ca_bundle="overlap")
    assert _pem.name_text(chain(secret())[0].issuer) == "CN=new"
    assert second["ca_cert"] == first["ca_cert"]
    assert [c["subject"] for c in run(registry_info)["ca"]] == ["CN=old", "CN=new"]
    third = certify(ca=new)
    assert [(c["subject"], c["signs"]) for c in third["ca"]] == [("CN=new", True)]
    assert certify(ca=new)["changed"] is False


# ---- made elsewhere --------------------------------------------------------------------------------------------------


@pytest.fixture
def own(namespace: str, service: str, tmp_path: Path) -> Object:
    """A certificate of the company's CA, with a passphrase on its key."""
    root, now = signer("company"), dt.datetime.now(dt.timezone.utc)
    hosts = [service, f"docker-registry.{namespace}.svc", f"docker-registry.{namespace}.svc.cluster.local"]
    issued = _x509.issue(root, _x509.server_names(hosts), serial=9, now=now, days=90, key_type="ECDSA")
    (tmp_path / "own.crt").write_bytes(issued.bundle)
    (tmp_path / "own.key").write_bytes(_pem.key_to_pem(_pem.parse_key(issued.key_pem, "x"), "geheim"))
    paths = {"cert_path": str(tmp_path / "own.crt"), "key_path": str(tmp_path / "own.key")}
    return {**paths, "passphrase": "geheim"}


def test_one_that_was_made_elsewhere(run: Any, certify: Any, own: Object, secret: Any) -> None:
    planned = run(registry_cert, check=True, certificate=own)
    result = certify(certificate=own)
    assert {k: planned[k] for k in ("actions", "resources", "certificate")} == {
        k: result[k] for k in ("actions", "resources", "certificate")
    }
    assert certify(certificate=own)["changed"] is False
    found = run(registry_info)
    assert found["certificate"] | {"days_left": 89} == result["certificate"] | {"days_left": 89}
    assert (found["certificate"]["key_type"], found["certificate"]["chain_length"]) == ("ECDSA", 2)
    assert [(c["subject"], c["signs"]) for c in found["ca"]] == [("CN=company", True)]
    assert base64.b64decode(secret()["data"]["registry.key"]).startswith(b"-----BEGIN EC PRIVATE KEY-----")


def test_one_that_will_not_do_is_refused_before_anything_is_written(
    run: Any, certify: Any, own: Object, audit: Callable[[], Object]
) -> None:
    audit()
    refused = certify(certificate=own, extra_hosts=["registry.example.com"])
    assert "does not cover registry.example.com. Nothing was changed." in refused["msg"]
    assert {verb: count for verb, count in audit().items() if verb != "get"} == {"post": 0, "patch": 0, "delete": 0}
    wrong = {**own, "passphrase": "falsch"}
    found = run(registry_preflight_info, image="i", certificate=wrong)
    assert any("own.key: the passphrase is wrong" in problem for problem in found["problems"])
