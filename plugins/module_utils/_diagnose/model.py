# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a registry, in one frozen value, and what a rule says of it. Pure.

What is not known is None or empty, never a guess: a rule is silent where its facts are missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SOON = 30  # days in which a certificate ends
USUAL_ROOTS = ("/registry", "/var/lib/registry")  # of OpenShift's image, and of distribution's


@dataclass(frozen=True)
class Finding:
    """One cause, seen at one place. ``judge`` joins those that differ by endpoint only.

    :param name: of the cause, a key of ``causes.CAUSES``.
    :param evidence: what was seen, as a sentence without a full stop.
    :param fix: what mends it, as a sentence.
    :param command: the command line that does so; None where there is none of this collection.
    :param host: the host of the inventory at which it is; None for all of them.
    :param endpoint: the name of the registry that it is about; None for all of them, empty for none.
    :param object: the object of the cluster that it is about, as ``Route default/docker-registry``.
    """

    name: str
    evidence: str
    fix: str
    command: str | None = None
    host: str | None = None
    endpoint: str | None = None
    object: str | None = None


@dataclass(frozen=True)
class Workload:
    """A registry's workload, as far as rules ask.

    :param kind: DeploymentConfig, Deployment, DaemonSet or Config.
    :param storage: kind of the volume with the images; None where there is no volume.
    :param tls: whether its pods are told to serve TLS; None where that cannot be told.
    :param probes: of the probes of the registry's port, by name: HTTP or HTTPS.
    :param labels: those of its pods.
    :param node_selector: that of its pods.
    :param roots: directories of the container in which its images may be.
    """

    ref: str
    kind: str
    replicas: int = 1
    storage: str | None = None
    claim: str | None = None
    tls: bool | None = None
    probes: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = USUAL_ROOTS

    @property
    def unwanted(self) -> bool:
        """Whether nobody asks for pods. A DaemonSet asks for no number: without pods, no node fits it."""
        return self.replicas == 0 and self.kind != "DaemonSet"


@dataclass(frozen=True)
class Rollout:
    """``registry_rollout_info``'s ``rollout``."""

    done: bool
    failed: bool
    stuck: str | None
    reason: str | None
    line: str


@dataclass(frozen=True)
class Pod:
    """A pod of the workload. :param ips: its addresses, one of each family of the cluster's network."""

    name: str
    node: str | None
    ips: tuple[str, ...]
    ready: bool


@dataclass(frozen=True)
class Served:
    """What a pod serves.

    :param sha256: of the certificate; None where it serves none.
    :param matches: whether it is the Secret's; None where that was not compared.
    """

    pod: str
    sha256: str | None
    matches: bool | None
    error: str | None


@dataclass(frozen=True)
class Certificate:
    """The certificate in the Secret, or in a Route."""

    subject: str
    sans: tuple[str, ...]
    days_left: int | None
    not_after: str
    sha256: str


@dataclass(frozen=True)
class Authority:
    """A published CA. :param signs: whether it signed the certificate in the Secret; None where that is not known."""

    subject: str
    days_left: int | None
    signs: bool | None


@dataclass(frozen=True)
class Route:
    """A Route to the Service. :param router: who spoke about it; None while nobody has."""

    ref: str
    host: str | None
    admitted: bool
    router: str | None
    reason: str | None
    message: str | None


@dataclass(frozen=True)
class RouterEnd:
    """A Route whose router ends TLS.

    :param certificate: the Route's own; None where the router shows one of its own.
    """

    ref: str
    host: str
    termination: str
    certificate: Certificate | None


@dataclass(frozen=True)
class Stream:
    """An image stream.

    :param repository: the registry in its repository, which is where the cluster has its integrated one.
    :param registries: that one, and those to which its images were pushed. Imported ones are others' matter.
    :param failures: (host, what an import said).
    """

    ref: str
    repository: str | None
    registries: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Token:
    """The token with which the registry is checked; the token itself is not here.

    :param expired: since when, in UTC, by its own words; None where it has not, or says nothing.
    :param accepted: whether the cluster takes it; None where it was not asked.
    :param user: whose it is.
    :param lacking: what the user may not do in the project, as ``update imagestreams/layers``.
    """

    expired: str | None
    accepted: bool | None
    error: str | None
    user: str | None
    project: str | None
    lacking: tuple[str, ...]


@dataclass(frozen=True)
class Writable:
    """Whether a pod may write where its images are. :param said: of what it may not write."""

    pod: str
    said: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What one engine of a host thinks of one name: an entry of ``registry_trust_info``'s ``endpoints``.

    :param at_router: whether it was asked about the CA of a router, whose certificate is seen by that name.
    """

    endpoint: str
    engine: str
    state: str
    reason: str | None
    path: str | None
    verified: bool
    at_router: bool = False


@dataclass(frozen=True)
class CertFile:
    """A file in an engine's directory of CAs.

    :param ours: whether it is on record for this registry.
    :param theirs: whether it is on record for another one.
    """

    path: str
    endpoint: str
    kind: str
    target: str | None
    dangling: bool
    ours: bool
    matches: bool
    problem: str | None
    theirs: bool = False


@dataclass(frozen=True)
class Insecure:
    """A flag that keeps docker from verifying. :param network: whether it names a network."""

    value: str
    where: str
    endpoints: tuple[str, ...]
    network: bool


@dataclass(frozen=True)
class Step:
    """A step of ``registry_check`` that failed.

    :param kind: its ``reason``.
    :param by: the engine that did it; None where that is not told.
    :param by_engine: whether the host's engine did it, by what it trusts; else it was asked by the published CA.
    :param reached: False where no connection can be made from there, and the check was not to fail by that.
    """

    endpoint: str
    step: str
    kind: str
    error: str
    by: str | None = None
    by_engine: bool = True
    reached: bool = True


@dataclass(frozen=True)
class Host:
    """A host that was looked at.

    :param client: whether it is no node of the cluster.
    :param listed: whether it is in the inventory's group for what it is.
    :param unreachable: why Ansible could not look; None where it could.
    :param failed: why a module could not tell; None where it could.
    :param trusted_anyway: whether the system's own store has the CA.
    :param router_trusted_anyway: whether it has that of the router.
    :param proven: names by which all steps of the host's engine worked -> that engine; empty where no step tells it.
    :param used: names by which its docker has logged in, pushed or pulled.
    :param proxied: names for which its docker asks a proxy, as (endpoint, sentence with what to set).
    :param worked: steps of ``registry_check`` that went well by some name, and failed by none.
    """

    name: str
    client: bool = False
    listed: bool = True
    unreachable: str | None = None
    failed: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    files: tuple[CertFile, ...] = ()
    insecure: tuple[Insecure, ...] = ()
    covered: tuple[str, ...] = ()
    trusted_anyway: bool = False
    router_trusted_anyway: bool = False
    proven: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    used: tuple[str, ...] = ()
    proxied: tuple[tuple[str, str], ...] = ()
    worked: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """All that the rules look at. None and empty mean not known, but for the two that say whether something is there.

    :param has_service: whether the Service is there; None where that is not known.
    :param has_workload: the same of the workload.
    :param selector: the Service's.
    :param backends: addresses that the Service leads to.
    :param modes: access modes of the claim.
    :param asks_cluster: whether the registry asks the cluster who somebody is, and what he may do.
    :param asked_host: the host of the Route that is asked for.
    :param routes: all that lead to the Service; None where they are not known.
    :param others: addresses of other Services that are looked at -> ``namespace/name``; None where they are not known.
    :param operator: whether OpenShift 4's image-registry operator has the registry, and the cluster its certificate.
    :param log: lines of the registry's newest log that tell of errors, as (pod, line).
    :param uncovered: Nodes that no host of the inventory is.
    :param soon: a certificate with fewer days left is told.
    """

    name: str = "docker-registry"
    namespace: str = "default"
    port: int = 5000
    endpoints: tuple[str, ...] = ()
    cluster_ips: tuple[str, ...] = ()
    has_service: bool | None = None
    has_workload: bool | None = None
    operator: bool = False
    workload: Workload | None = None
    rollout: Rollout | None = None
    pods: tuple[Pod, ...] | None = None
    selector: Mapping[str, str] = field(default_factory=dict)
    backends: tuple[str, ...] | None = None
    modes: tuple[str, ...] | None = None
    has_ca: bool | None = None
    certificate: Certificate | None = None
    authorities: tuple[Authority, ...] = ()
    served: tuple[Served, ...] = ()
    asks_cluster: bool | None = None
    asked_host: str | None = None
    routes: tuple[Route, ...] | None = None
    router_ends: tuple[RouterEnd, ...] = ()
    streams: tuple[Stream, ...] = ()
    others: Mapping[str, str] | None = None
    token: Token | None = None
    writable: tuple[Writable, ...] = ()
    log: tuple[tuple[str, str], ...] = ()
    hosts: tuple[Host, ...] = ()
    uncovered: tuple[str, ...] = ()
    soon: int = SOON

    @property
    def registry(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def tls(self) -> bool | None:
        """Whether the pods speak TLS: by what they serve, else by what they are told."""
        if any(one.sha256 for one in self.served):
            return True
        if any("does not speak TLS" in (one.error or "") for one in self.served):
            return False
        return self.workload.tls if self.workload else None

    def at_router(self, endpoint: str) -> RouterEnd | None:
        """The Route of that host, where its router ends TLS."""
        return next((one for one in self.router_ends if one.host == endpoint.lower()), None)
