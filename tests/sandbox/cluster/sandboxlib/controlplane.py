# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd, kube-apiserver, kube-controller-manager, kube-scheduler, OAuth's stand-in: files, arguments and order."""

from __future__ import annotations

import dataclasses
import json
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import settings
from .kubeclient import Client, until
from .pki import Authority, write
from .processes import SandboxError, Service

READY_SECONDS = 90.0


@dataclasses.dataclass(frozen=True)
class Ports:
    """Where one control plane listens; etcd and the managers on the loopback only."""

    api: int
    etcd_client: int
    etcd_peer: int
    oauth: int
    manager: int = 0
    scheduler: int = 0


# Kept apart from the usual ports, so that another cluster's parts on the machine are not in the way.
# OAuth's is that of OpenShift 3's master.
SANDBOX_PORTS = Ports(settings.API_PORT, 16379, 16380, 8443, 16257, 16259)


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody the API server knows by a bearer token."""

    name: str
    uid: str
    groups: Sequence[str]


@dataclasses.dataclass(frozen=True)
class ControlPlane:
    """One control plane: its directory, addresses and binary."""

    directory: Path
    binary: Path
    ports: Ports
    bind: str
    advertise: str
    audit_policy: Path

    @property
    def server(self) -> str:
        """The URL in kubeconfigs."""
        return f"https://{self.advertise}:{self.ports.api}"

    @property
    def oauth_server(self) -> str:
        """The URL of the stand-in for OpenShift's OAuth server, by which the API is reached as well."""
        return f"https://{self.advertise}:{self.ports.oauth}"

    @property
    def authority(self) -> Authority:
        """The cluster's certificate authority."""
        return Authority(self.directory / "pki")

    def etcd(self) -> Service:
        """etcd; its data need not survive a power cut, so no fsync."""
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.ports.etcd_client, self.ports.etcd_peer))
        return self._service(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            "--name=sandbox",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=sandbox={peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        )

    def apiserver(self, *extra: str) -> Service:
        """kube-apiserver with RBAC, the Node authorizer, token users and the audit log."""
        pki = self.directory / "pki"
        return self._service(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self.ports.etcd_client}",
            f"--secure-port={self.ports.api}",
            f"--bind-address={self.bind}",
            f"--advertise-address={self.advertise}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
            f"--kubelet-client-key={pki / 'kubelet-client.key'}",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            # else `kubectl logs` asks the machine's resolver for the nodes' names
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki / 'service-accounts.pub'}",
            f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
            f"--service-cluster-ip-range={settings.SERVICE_CIDR},{settings.SERVICE_CIDR_6}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--token-auth-file={self.directory / 'tokens.csv'}",
            # whose a token is that OAuth issued; a user who logs out is forgotten soon
            f"--authentication-token-webhook-config-file={self.directory / 'oauth.kubeconfig'}",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=1s",
            "--allow-privileged=true",
            f"--audit-policy-file={self.audit_policy}",
            f"--audit-log-path={self.directory / 'audit.log'}",
            "--audit-log-mode=blocking",
            "--audit-log-maxsize=1024",
            "--audit-log-maxbackup=1",
            *extra,
        )

    def oauth(self) -> Service:
        """The stand-in for OpenShift's OAuth server."""
        program = settings.CLUSTER.parent / "openshift/standins/oauth"
        # The interpreter itself: the virtualenv's is called by several names, and each would be other arguments.
        argv = [str(Path(sys.executable).resolve()), "-B", str(program), str(self.directory / "oauth.json")]
        return Service("oauth", argv, self.directory)

    def manager(self) -> Service:
        """kube-controller-manager. Pod ranges are fixed by the sandbox, so it hands out none."""
        pki = self.directory / "pki"
        return self._service(
            "kube-controller-manager",
            f"--kubeconfig={self.directory / 'manager.kubeconfig'}",
            f"--root-ca-file={pki / 'ca.crt'}",
            f"--service-account-private-key-file={pki / 'service-accounts.key'}",
            f"--cluster-signing-cert-file={pki / 'ca.crt'}",
            f"--cluster-signing-key-file={pki / 'ca.key'}",
            "--use-service-account-credentials=true",
            # a claim that comes before its volume is looked at again only then (15 s otherwise)
            "--pvclaimbinder-sync-period=1s",
            "--allocate-node-cidrs=false",
            f"--cluster-cidr={settings.POD_CIDR}",
            f"--service-cluster-ip-range={settings.SERVICE_CIDR}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.ports.manager}",
            "--kube-api-qps=100",
            "--kube-api-burst=200",
        )

    def scheduler(self) -> Service:
        """kube-scheduler."""
        return self._service(
            "kube-scheduler",
            f"--kubeconfig={self.directory / 'scheduler.kubeconfig'}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.ports.scheduler}",
            "--kube-api-qps=100",
            "--kube-api-burst=200",
        )

    def _service(self, component: str, *arguments: str) -> Service:
        return Service(component, [str(self.binary), component, *arguments], self.directory)

    def services(self) -> list[Service]:
        """All five, in the order in which they are started."""
        return [self.etcd(), self.apiserver(), self.oauth(), self.manager(), self.scheduler()]

    def write_files(self) -> None:
        """Certificates and kubeconfigs of the parts; what is there stays as it is."""
        authority = self.authority
        sans = [
            self.advertise,
            "127.0.0.1",
            "172.30.0.1",
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            f"kubernetes.default.svc.{settings.CLUSTER_DOMAIN}",
        ]
        authority.issue("apiserver", common_name="kube-apiserver", sans=list(dict.fromkeys(sans)))
        authority.issue("kubelet-client", common_name="kube-apiserver-kubelet-client", organization="system:masters")
        authority.signing_pair("service-accounts")
        for name, user in (("manager", "system:kube-controller-manager"), ("scheduler", "system:kube-scheduler")):
            config = authority.kubeconfig(name, server=self.server, common_name=user)
            write(self.directory / f"{name}.kubeconfig", config)
        # A log that exists is opened for appending, so that emptying it later leaves no hole in it.
        (self.directory / "audit.log").touch(mode=0o600)

    def kubeconfig(self, path: Path, *, user: str) -> None:
        """A cluster administrator's kubeconfig under the user name given."""
        name = path.name.partition(".")[0]
        write(
            path, self.authority.kubeconfig(name, server=self.server, common_name=user, organization="system:masters")
        )

    def write_tokens(self, users: Sequence[User], tokens: Path) -> None:
        """The token file of the API server, and for each user a file with the token alone (no newline)."""
        lines = []
        for user in users:
            file = tokens / user.name
            if not file.exists():
                write(file, f"sha256~{secrets.token_urlsafe(32)}".encode())
            lines.append(f'{file.read_text()},{user.name},{user.uid},"{",".join(user.groups)}"\n')
        write(self.directory / "tokens.csv", "".join(lines).encode())

    def write_oauth(self, users: Sequence[User], passwords: Path) -> None:
        """What the OAuth server goes by, how the API server asks it, and for each user a file with the password."""
        pki = self.directory / "pki"
        for user in users:
            if not (passwords / user.name).exists():
                write(passwords / user.name, secrets.token_urlsafe(18).encode())
        known = [
            {"name": u.name, "uid": u.uid, "groups": list(u.groups), "password": str(passwords / u.name)} for u in users
        ]
        config = {
            "bind": self.bind,
            "port": self.ports.oauth,
            "certificate": str(pki / "apiserver.crt"),
            "key": str(pki / "apiserver.key"),
            "api": {"host": self.advertise, "port": self.ports.api, "ca": str(pki / "ca.crt")},
            "users": known,
        }
        write(self.directory / "oauth.json", json.dumps(config).encode())
        asking = self.authority.kubeconfig(
            "oauth-webhook", server=f"{self.oauth_server}/token-review", common_name="system:oauth-webhook"
        )
        write(self.directory / "oauth.kubeconfig", asking)

    def start(self, services: Sequence[Service], *, marker: str) -> list[str]:
        """Start what does not run; returns the names of what was started."""
        return [service.name for service in services if service.start(marker=marker)]

    def wait_ready(self, client: Client) -> None:
        """Wait until the API server is ready; a component that has ended is reported with its log."""
        watched = [self.etcd(), self.apiserver()]

        def missing() -> str | None:
            for service in watched:
                if service.recorded()[0] is None:
                    raise SandboxError(f"{service.name} has ended; its log {service.log} says:\n{service.tail()}")
            return None if client.ready() else "/readyz is not ok yet"

        until(missing, what=f"API server {self.server}", seconds=READY_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    sockets = [socket.socket() for _number in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def sandbox_control_plane(binary: Path, paths: settings.Paths) -> ControlPlane:
    """The control plane of the whole sandbox."""
    return ControlPlane(
        directory=paths.control_plane,
        binary=binary,
        ports=SANDBOX_PORTS,
        bind="0.0.0.0",
        advertise=settings.GATEWAY,
        audit_policy=settings.CLUSTER / "audit-policy.yml",
    )


def api_alone(binary: Path, paths: settings.Paths, ports: Mapping[str, int]) -> ControlPlane:
    """etcd and the API server by themselves, on the loopback."""
    return ControlPlane(
        directory=paths.api,
        binary=binary,
        ports=Ports(**ports),
        bind="127.0.0.1",
        advertise="127.0.0.1",
        audit_policy=settings.CLUSTER / "audit-policy.yml",
    )
