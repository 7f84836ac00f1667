# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NO_PROXY as dockerd reads it: held against Go's own reading, where Go is there."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from ansible_collections.okd.registry.plugins.module_utils._node import endpoint, proxies
from ansible_collections.okd.registry.plugins.module_utils._node.proxies import Dialect, Settings
from hypothesis import given
from hypothesis import strategies as st

NEW, OLD = proxies.dialect_for("go1.19.8"), proxies.dialect_for("go1.9.4")
ENDPOINTS = [
    "172.30.124.220:5000", "docker-registry.default.svc:5000", "docker-registry.default.svc.cluster.local:5000",
    "registry.apps.example.com", "[2001:db8::5]:5000", "localhost:5000", "127.0.0.1:5000", "registry:443",
]  # fmt: skip
ENTRIES = [
    "172.30.124.220", "172.30.0.0/16", "172.31.0.0/16", "172.30.124.220:5000", "172.30.124.220:443", "172.30",
    ".svc", "svc", "*.svc", ".cluster.local", "*.cluster.local:5000", "cluster.local:443", "local",
    "docker-registry.default.svc", "DOCKER-REGISTRY.default.svc:5000", "default.svc", ".default.svc",
    "fault.svc", "*", "", " ", ":5000", "*.", ".", "example.com", "registry.apps.example.com",
    ".registry.apps.example.com", "registry", "[2001:db8::5]", "2001:db8::5", "[2001:db8::5]:5000",
    "[2001:db8::5]:443", "2001:db8::/32", "172.30.0.0/99", "172.30.0.0/", "/16", "a:b:c", "[", "]", "svc:",
    "*.*", "**",
]  # fmt: skip


def reads(none: str, name: str, dialect: Dialect = NEW) -> bool:
    return proxies.proxied(Settings("", "http://proxy:3128", none), endpoint.parse(name), dialect)


# Go's package is vendored in its standard library; it imports one thing that is not, which needs no test here.
MAIN = """package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/url"
	"os"

	"oracle/httpproxy"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var asked struct{ None, Name string }
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		config := httpproxy.Config{HTTPSProxy: "http://proxy:3128", NoProxy: asked.None}
		proxy, err := config.ProxyFunc()(&url.URL{Scheme: "https", Host: asked.Name})
		fmt.Println(err == nil && proxy != nil)
	}
}
"""
IDNA = """package idna

import "strings"

type profile struct{}

func (profile) ToASCII(s string) (string, error) { return strings.ToLower(s), nil }

var Lookup profile
"""


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that reads NO_PROXY by Go's own package."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("NO ORACLE: there is no go on this machine, so its reading of NO_PROXY was NOT compared")
    root = Path(subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip())
    source = root / "src/vendor/golang.org/x/net/http/httpproxy/proxy.go"
    if not source.exists():
        pytest.skip(f"NO ORACLE: {source} is not there, so Go's reading of NO_PROXY was NOT compared")
    folder = tmp_path_factory.mktemp("oracle")
    for name in ("httpproxy", "idna"):
        (folder / name).mkdir()
    (folder / "go.mod").write_text("module oracle\n\ngo 1.16\n")
    (folder / "main.go").write_text(MAIN)
    (folder / "idna/idna.go").write_text(IDNA)
    text = source.read_text(encoding="utf-8")
    (folder / "httpproxy/proxy.go").write_text(text.replace('"golang.org/x/net/idna"', '"oracle/idna"'))
    subprocess.run([go, "build", "-o", "oracle", "."], cwd=folder, check=True, timeout=300)
    return folder / "oracle"


def test_no_proxy_is_read_as_go_reads_it(oracle: Path) -> None:
    chosen = random.Random(5)
    asked = [(entry, name) for entry in ENTRIES for name in ENDPOINTS]
    asked += [
        (",".join(chosen.choices(ENTRIES, k=chosen.randint(2, 4))), chosen.choice(ENDPOINTS)) for _ in range(6000)
    ]
    whole = [endpoint.parse(name) for _none, name in asked]
    sent = "".join(
        json.dumps({"None": none, "Name": f"{one.text.rpartition(':')[0] if one.port != 443 else one.host}:{one.port}"})
        + "\n"
        for (none, _name), one in zip(asked, whole, strict=True)
    )
    said = subprocess.run([oracle], input=sent, capture_output=True, text=True, check=True, timeout=120).stdout.split()
    ours = [reads(none, name) for none, name in asked]
    differs = [
        (case, theirs, mine) for case, theirs, mine in zip(asked, said, ours, strict=True) if (theirs == "true") != mine
    ]
    assert differs == []


@pytest.mark.parametrize(
    ("none", "name", "old", "new"),
    [
        ("172.30.0.0/16", "172.30.124.220:5000", True, False),
        ("172.30.124.220", "172.30.124.220:5000", False, False),
        ("172.30.124.220:443", "172.30.124.220:5000", False, True),
        (".svc", "docker-registry.default.svc:5000", False, False),
        (".default.svc", "default.svc:5000", False, True),
        ("svc", "docker-registry.default.svc:5000", False, False),
        ("x,*", "docker-registry.default.svc:5000", True, False),
        ("*", "docker-registry.default.svc:5000", False, False),
        ("[2001:db8::5]", "[2001:db8::5]:5000", False, True),
        ("2001:db8::5", "[2001:db8::5]:5000", True, False),
        ("", "localhost:5000", False, False),
    ],
)
def test_what_changed_with_go(none: str, name: str, old: bool, new: bool) -> None:
    """docker 1.13 and 18.09 are built with Go before 1.11: networks in NO_PROXY mean nothing to them."""
    assert (reads(none, name, OLD), reads(none, name, NEW)) == (old, new)


def test_which_proxy_is_asked_over_https() -> None:
    plain = Settings("http://p:1", "", "")
    assert proxies.variable_of(plain, proxies.dialect_for("go1.15")) == "HTTP_PROXY"
    assert proxies.variable_of(plain, proxies.dialect_for("go1.16")) == ""
    assert proxies.variable_of(Settings("http://p:1", "http://q:1", ""), OLD) == "HTTPS_PROXY"
    assert proxies.variable_of(proxies.NONE, OLD) == ""


def test_the_environment_is_read_as_go_reads_it() -> None:
    environment = {"HTTPS_PROXY": "", "https_proxy": "low", "NO_PROXY": "up", "no_proxy": "down"}
    assert proxies.of_environment(environment) == Settings("", "low", "up")


@given(st.lists(st.sampled_from(ENTRIES)).map(",".join), st.booleans())
def test_what_is_advised_is_enough_and_keeps_what_was_there(none: str, old: bool) -> None:
    dialect = OLD if old else NEW
    settings = Settings("", "http://proxy", none)
    names = [endpoint.parse(name) for name in ENDPOINTS]
    advised = settings._replace(none=proxies.completed(settings, names, dialect))
    assert not [name for name in names if proxies.proxied(advised, name, dialect)]
    assert advised.none.startswith(none.strip().rstrip(","))


def test_no_password_is_shown() -> None:
    assert proxies.shown("http://user:secret@proxy.example.com:3128/") == "http://proxy.example.com:3128/"
