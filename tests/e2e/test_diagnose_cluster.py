# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cause that the cluster's own controllers can make, each at a registry of its own, all at once.

All are deployed, and the well ones have to be found well; then each gets ill in its way. Each cause has to be named,
and nothing else; then the printed advice is followed to the letter, after which nothing may be wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import harms
import pytest
import sandbox
from cluster_faults import FAULTS, Fault
from registries import NAMESPACE, Registries

NAMES = [fault.registry for fault in FAULTS]
HEALTHY = "healthy"
WELL = [HEALTHY, *(fault.registry for fault in FAULTS if not fault.unborn)]
Told = dict[str, dict[str, Any]]


def causes(told: dict[str, Any]) -> list[str]:
    return [finding["name"] for finding in told["findings"]]


def settled(site: Registries, names: list[str], wanted: Callable[[str], list[str]], seconds: float) -> Told:
    """What is told of each when it is what is wanted; at the latest what is told then.

    The cluster comes to the point by and by: a kubelet tries twice, a rollout is under way until then.
    """
    end, found = time.monotonic() + seconds, {}
    while True:
        left = [name for name in names if name not in found or causes(found[name]) != wanted(name)]
        if not left or time.monotonic() > end:
            return found
        found.update(site.diagnose(left))


def each(what: Callable[[Fault], harms.Harm | None], site: Registries) -> None:
    """Do one thing for all."""
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(harm, site, fault.registry) for fault in FAULTS if (harm := what(fault)) is not None]
        for one in done:
            one.result()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Registries:
    """All registries as they are deployed, before anything happens to them."""
    made = Registries(tmp_path_factory.mktemp("registries"))
    made.add(HEALTHY, {})
    for fault in FAULTS:
        made.add(fault.registry, fault.variables)
    for namespace in sorted({made.namespace(name) for name in NAMES} | {NAMESPACE}):
        sandbox.kubectl("create", "namespace", namespace)
    each(lambda fault: fault.before, made)
    made.deploy([HEALTHY, *NAMES])
    harms.until(lambda: made.ready(WELL) == set(WELL), "not all are ready", 300)
    return made


@pytest.fixture(scope="module")
def well(site: Registries) -> Told:
    """What is told of those to which nothing has happened yet."""
    return settled(site, WELL, lambda _name: [], 30)


@pytest.fixture(scope="module")
def ill(site: Registries, well: Told) -> Told:
    """What is told of each when it is ill."""
    assert well
    each(lambda fault: fault.harm, site)
    for fault in FAULTS:
        site.change(fault.registry, fault.later)
    wanted = {fault.registry: [fault.cause] for fault in FAULTS}
    return settled(site, NAMES, wanted.__getitem__, 60)


@pytest.fixture(scope="module")
def mended(site: Registries, ill: Told) -> tuple[dict[str, str], Told]:
    """What commands said that failed, and what is told of each when the advice was followed."""
    commands = {}
    for fault in FAULTS:
        site.change(fault.registry, fault.mend)
        if fault.cause == "ca_expired":
            site.change(fault.registry, {"registry_ca": site.ca(fault.registry, "new")})
        found = next((one for one in ill[fault.registry]["findings"] if one["name"] == fault.cause), {})
        if found.get("command") and not fault.only_looks:
            commands[fault.registry] = found["command"]
    each(lambda fault: fault.repair, site)
    return site.follow(commands), settled(site, NAMES, lambda _name: [], 120)


def test_a_registry_that_works_has_no_findings(well: Told) -> None:
    assert {name: causes(told) for name, told in well.items() if told["findings"] or told["unread"]} == {}
    assert len(well) > len(FAULTS) / 2


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_cause_is_named_alone(ill: Told, fault: Fault) -> None:
    told = ill[fault.registry]
    assert causes(told) == [fault.cause], told
    (found,) = told["findings"]
    assert fault.seen in " ".join(found["evidence"]), found
    for words in fault.says:
        assert words in found["fix"], found


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_the_advice_mends_it(mended: tuple[dict[str, str], Told], fault: Fault) -> None:
    failed, told = mended
    assert fault.registry not in failed, failed[fault.registry]
    assert told[fault.registry]["findings"] == []


def test_a_token_that_nobody_knows(site: Registries) -> None:
    site.change(HEALTHY, {"registry_check_token": "sha256~" + "x" * 43, "registry_check_project": "test"})
    told = site.diagnose([HEALTHY])[HEALTHY]
    assert causes(told) == ["token_refused"], told
    assert "give a token that is valid in registry_check_token" in told["findings"][0]["fix"]
    token = (sandbox.STATE / "tokens/alice").read_text(encoding="utf-8").strip()
    site.change(HEALTHY, {"registry_check_token": token})
    assert causes(site.diagnose([HEALTHY])[HEALTHY]) == []


def test_a_node_that_is_no_host(site: Registries) -> None:
    site.nodes.remove("node2")
    told = site.diagnose([HEALTHY])[HEALTHY]
    assert [(one["name"], one["object"]) for one in told["findings"]] == [("node_not_in_inventory", "Node node2")]
    assert "add it to the inventory's group registry_nodes" in told["findings"][0]["fix"]
    site.nodes.append("node2")
    assert causes(site.diagnose([HEALTHY])[HEALTHY]) == []
