# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the library cryptography is missing: who needs it says so in a sentence, all else works."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest

PREFIX = "ansible_collections.okd.registry.plugins.module_utils"
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#: Runs an expression without the library, and tells what came of it.
PROGRAM = f"""
import importlib, json, sys
sys.modules["cryptography"] = None
from types import SimpleNamespace
from {PREFIX} import _errors

def module(name):
    return importlib.import_module("{PREFIX}." + name)

class Api:
    def get(self, _ref):
        return secret
    def has(self, _group):
        return False

PEM, secret = json.loads(sys.argv[1])
try:
    told = ["done", eval(sys.argv[2])]
except _errors.RegistryError as exc:
    told = [type(exc).__name__, str(exc), sorted(exc.details)]
print(json.dumps(told))
"""
READER = "module('_info')._Reader(Api(), SimpleNamespace(name='docker-registry', namespace='default'), print)"
ROUTE = "{'apiVersion': 'route.openshift.io/v1', 'kind': 'Route', 'metadata': {'name': 'r'}, 'spec': "
WITH_CERTIFICATE = ROUTE + "{'tls': {'certificate': PEM}}}"
SPEC = "SimpleNamespace(registry=SimpleNamespace(namespace='default'), termination='passthrough', host='h')"


def outcome(expression: str) -> Any:
    secret = {"type": "kubernetes.io/tls", "metadata": {"name": "s"}, "data": dict.fromkeys(
        ("tls.crt", "tls.key", "registry.crt", "registry.key"), base64.b64encode(PEM.encode()).decode()
    )}  # fmt: skip
    call = [sys.executable, "-c", PROGRAM, json.dumps([PEM, secret]), expression]
    return json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "expression",
    [
        f"{READER}.certificate(secret, 'tls.crt')",
        f"{READER}.authorities({{'metadata': {{'name': 'm'}}, 'data': {{'ca.crt': PEM}}}}, 'ca.crt', None)",
        f"{READER}.route({WITH_CERTIFICATE})",
        f"module('_routecover').Cover(Api(), {SPEC}, 's', promised=False, check_mode=False).remark('h')",
        "module('_trustconfig')._pem(PEM, check_mode=False)",
        "module('_pem').parse_key(PEM.encode(), 'x')",
        "module('_x509').certificate_facts(PEM)",
    ],
)
def test_who_needs_it_says_so(expression: str) -> None:
    kind, text, details = outcome(expression)
    assert kind == "MissingLibraryError"
    assert text.startswith("Failed to import the required Python library (cryptography)")
    assert details == ["exception"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (f"{READER}.certificate(None, 'tls.crt')", [None, None]),
        (f"{READER}.authorities(None, 'ca.crt', None)", []),
        (f"{READER}.route({ROUTE}{{}}}})['certificate']", None),
        ("module('_redact')._certificates(PEM)", None),
    ],
)
def test_what_needs_no_certificate_works(expression: str, value: Any) -> None:
    assert outcome(expression) == ["done", value]


def test_the_look_before_a_run_names_it() -> None:
    params = {"name": "x", "namespace": "y", "ca": {"cert_path": "/nowhere"}, "certificate": None}
    [text] = outcome(f"list(module('_preflight')._Preflight({params}, None).files())")[1]
    assert text.startswith("ca: Failed to import the required Python library (cryptography)")
