# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose name a Route's host is follows from where TLS ends."""

from __future__ import annotations

import pytest
from ansible_collections.okd.registry.plugins.filter.registry_own_host import FilterModule

HOST = "registry.apps.example.com"
own_host = FilterModule().filters()["registry_own_host"]


@pytest.mark.parametrize(("said", "own"), [((), HOST), (("passthrough",), HOST), (("reencrypt",), ""), (("edge",), "")])
def test_it_is_the_registrys_where_the_router_passes_tls_through(said: tuple[str, ...], own: str) -> None:
    assert own_host(HOST, *said) == own
    assert own_host("", *said) == ""
