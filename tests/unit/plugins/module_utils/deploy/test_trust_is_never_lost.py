# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is run in whatever order, and killed in between: what the pods serve, the nodes accept."""

from __future__ import annotations

import base64
import dataclasses
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.okd.registry.plugins.module_utils import _cabundle, _certify, _pem, _served
from ansible_collections.okd.registry.plugins.module_utils._errors import RefusedError
from certifying import DEFAULTS, files_of, service, signer, workload
from hypothesis import event, given, settings
from hypothesis import strategies as st
from memory_cluster import MemoryCluster

CAS = ("b", "a", "c")
LABELS = {"docker-registry": "default"}
#: A plain run, the publishing of a CA, its signing, each with one of the CAs; the nodes' part; a rollout.
STEP = st.one_of(
    st.tuples(st.sampled_from(["plain", "publish", "sign"]), st.sampled_from(CAS)),
    st.tuples(st.sampled_from(["trust", "roll out"]), st.just("")),
)
#: A rotation, which nothing that is done in between may harm.
ROTATION = [("publish", "b"), ("trust", ""), ("sign", "b"), ("roll out", ""), ("plain", "b"), ("trust", "")]


@dataclasses.dataclass
class World:
    """A cluster with one pod, and one node."""

    folder: Path
    cluster: MemoryCluster = dataclasses.field(default_factory=MemoryCluster)
    trusted: list[Any] = dataclasses.field(default_factory=list)
    served: list[Any] = dataclasses.field(default_factory=list)

    def start(self) -> None:
        self.cluster.put(service())
        self.certify("a")
        made = workload()
        made["spec"] = {"selector": {"matchLabels": LABELS}}
        self.cluster.put(made)
        meta = {"name": "docker-registry-1", "namespace": "default", "labels": LABELS}
        self.cluster.put(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": {"phase": "Running"}}
        )
        self.roll_out()
        self.trust()

    def certify(self, ca: str, **options: Any) -> None:
        params = {**DEFAULTS, "ca": files_of(signer(ca), self.folder), **options}
        now = _pem.fingerprint(self.served[0]) if self.served else None
        with mock.patch.object(_served, "leaf_sha256", return_value=now):
            _certify.run(params, self.cluster.api(), check_mode=False)

    def published(self) -> list[Any]:
        text = self.cluster.find("v1", "ConfigMap", "docker-registry-ca")["data"]["ca.crt"]
        return _pem.parse_certificates(text.encode(), "ca.crt")

    def trust(self) -> None:
        self.trusted = self.published()

    def roll_out(self) -> None:
        text = self.cluster.find("v1", "Secret", "registry-secret")["data"]["registry.crt"]
        self.served = _pem.parse_certificates(base64.b64decode(text), "registry.crt")

    def do(self, step: str, ca: str) -> None:
        if step == "plain":
            self.certify(ca)
        elif step == "publish":
            self.certify(ca, ca_bundle="overlap", issue=False)
        elif step == "sign" and self.trusted == self.published():  # whoever lets it sign knows that
            self.certify(ca, ca_bundle="overlap")
        elif step == "trust":
            self.trust()
        elif step == "roll out":
            self.roll_out()


@st.composite
def disturbed(draw: st.DrawFn) -> list[tuple[str, str]]:
    """A rotation with steps left out, as by a kill, and others in between."""
    steps = [step for step in ROTATION if draw(st.integers(0, 4))]
    for step in draw(st.lists(STEP, max_size=4)):
        steps.insert(draw(st.integers(0, len(steps))), step)
    return steps


@given(st.one_of(disturbed(), st.lists(STEP, max_size=12)))
@settings(max_examples=120, deadline=None)
def test_nodes_accept_what_is_served_at_every_moment(steps: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.start()
        for step, ca in steps:
            try:
                world.do(step, ca)
            except RefusedError:
                event(f"refused: {step}")
            assert _cabundle.trusted(world.served, world.trusted), (step, ca)
