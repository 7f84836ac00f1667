# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who made the registry that is there, and what about it matters, as sentences. Pure.

Every tool for this job leaves its own names: of the Secret with the certificate, of where that is mounted, of variables
and volumes. Nothing is decided by a layout (``_build.layout`` answers what the live object has, whoever made it); it is
for people, who want to know what is going to be taken over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import configfile, layout
from ansible_collections.okd.registry.plugins.module_utils._build import operator_config as configs
from ansible_collections.okd.registry.plugins.module_utils._build.storage import ROOT_ENV
from ansible_collections.okd.registry.plugins.module_utils._plan import owned_by_us

#: Names of layouts, from the oldest tool to ours.
NONE = "none"
DOCUMENT = "oadm-3.0"  # oadm registry --credentials, oc volume, oc env: the document of OpenShift 3.0
OADM = "oadm"  # oadm or oc adm registry of later versions, without --tls-certificate
OADM_TLS = "oadm-tls"  # with --tls-certificate and --tls-key
OPENSHIFT_ANSIBLE = "openshift-ansible"
OWN = "okd.registry"
PLAIN = "plain"
OPERATOR = "operator"

#: What ``oadm registry --credentials`` of 3.0 put into the environment, and of it what is secret.
CREDENTIALS = ("OPENSHIFT_MASTER", "OPENSHIFT_CA_DATA", "OPENSHIFT_CERT_DATA", "OPENSHIFT_KEY_DATA")
_SECRET = "OPENSHIFT_KEY_DATA"  # noqa: S105  a name
_CERT, _KEY = "REGISTRY_HTTP_TLS_CERTIFICATE", "REGISTRY_HTTP_TLS_KEY"
_LETSENCRYPT = "REGISTRY_HTTP_TLS_LETSENCRYPT_CACHEFILE"
_CONFIG = "REGISTRY_CONFIGURATION_PATH"
_GENERATED = ("REGISTRY_HTTP_ADDR", "REGISTRY_HTTP_NET", "REGISTRY_HTTP_SECRET")
#: Kinds of storage that have no files: drivers', and what the operator calls its own.
ELSEWHERE = ("azure", "gcs", "ibmcos", "inmemory", "oss", "s3", "swift")
#: Where images keep their images: OpenShift's, and those of the distribution.
_DEFAULT_ROOTS = ("/registry", "/var/lib/registry")
#: Volumes that hold settings or credentials, never images.
_SETTINGS = frozenset({"secret", "configMap", "downwardAPI", "projected"})

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """What there is.

    :param name: one of the names above.
    :param kind: of the workload; ``Config`` where the operator has it; None without one.
    :param tls: whether it is told to serve TLS; None where only a configuration file, or variables of an object, say so, and that
        is not known.
    :param tls_secret: the Secret with its certificate, where it is mounted from one.
    :param tls_mount_path: where that is mounted.
    :param storage: kind of its storage (``pvc``, ``ephemeral``, ``host_path``, another volume's kind, a driver's name).
    :param claim: the claim with its images.
    :param service_account: that the pods run as.
    :param config: the Secret or ConfigMap with its configuration file, as ``Secret registry-config``.
    :param differences: what matters when it is taken over, as sentences without a full stop.
    """

    name: str
    kind: str | None = None
    tls: bool | None = False
    tls_secret: str | None = None
    tls_mount_path: str | None = None
    storage: str | None = None
    claim: str | None = None
    service_account: str | None = None
    config: str | None = None
    differences: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The ``layout`` return value."""
        return {**asdict(self), "differences": list(self.differences)}


def recognise(
    workload: Object | None, service_account: Object | None = None, file: configfile.File | None = None
) -> Layout:
    """The layout of a workload.

    :param service_account: the object of the account that its pods run as, where it was read.
    :param file: its configuration file, where that was read.
    """
    if workload is None:
        return Layout(NONE)
    seen = _Seen(workload, file)
    return Layout(
        name=seen.name(),
        kind=str(workload.get("kind")),
        tls=seen.tls,
        tls_secret=seen.tls_secret,
        tls_mount_path=seen.tls_path if seen.tls_secret else None,
        storage=seen.storage_kind(),
        claim=seen.claim(),
        service_account=seen.account,
        config=seen.config(),
        differences=tuple(seen.differences(service_account)),
    )


def certificate_file(workload: Object | None) -> str:
    """The name of the file with the certificate that a workload serves, and so mostly its key in the Secret; or ""."""
    found = {str(e.get("name")): e for e in layout.likely_container(workload).get("env") or []}
    return str(found.get(_CERT, {}).get("value") or "").rpartition("/")[2]


def of_operator(config: Object | None) -> Layout:
    """The layout of a registry that the image-registry operator runs.

    :param config: its Config.
    """
    if config is None:
        return Layout(NONE)
    spec, value = config.get("spec") or {}, configs.storage_value(config) or {}
    said = []
    if not value:
        said.append("the operator has been told no storage, so it runs no registry")
    elif value["kind"] == "ephemeral":
        said.append("ephemeral storage: images go with the pods")
    if spec.get("managementState") not in configs.LOOKED_AFTER:
        said.append(f"the operator is told to leave the registry alone (managementState {spec.get('managementState')})")
    if spec.get("readOnly"):
        said.append("read-only: pushes are refused")
    return Layout(
        name=OPERATOR,
        kind=configs.REF.kind,
        tls=True,
        tls_secret=f"{configs.NAME}-tls",
        tls_mount_path="/etc/secrets",
        storage=value.get("kind"),
        claim=(value.get("source") or {}).get("claim") if value.get("kind") == "pvc" else None,
        service_account="registry",
        differences=tuple(said),
    )


class _Seen:
    """A workload, looked at closely."""

    def __init__(self, workload: Object, file: configfile.File | None = None) -> None:
        self._workload = workload
        self._container = layout.likely_container(workload)
        self.env = {str(e.get("name")): e for e in self._container.get("env") or []}
        self._pod = layout.template(workload).get("spec") or {}
        self._mounts: list[dict[str, Any]] = self._container.get("volumeMounts") or []
        self.account: str | None = self._pod.get("serviceAccountName") or self._pod.get("serviceAccount")
        self.tls_path = self._value(_CERT).rpartition("/")[0]
        self.tls_secret = self._mounted(self.tls_path, "secret", "secretName") if self.tls_path else None
        self.tls = self._tls(file)

    # ---- facts ----------------------------------------------------------------------------------------------------

    def _value(self, name: str) -> str:
        return str(self.env.get(name, {}).get("value") or "")

    def _tls(self, file: configfile.File | None) -> bool | None:
        """See :class:`Layout`. A variable goes before the file, an empty one, too (distribution's parser.overwriteFields)."""
        said = self.env.get(_CERT)
        if self._value(_LETSENCRYPT) or (said and (said.get("value") or said.get("valueFrom"))):
            return True
        if said:
            return False
        mounted = configfile.source(layout.to_look_at(self._workload)[0])
        if file and file.facts and file.source == mounted:
            return file.facts.tls
        return None if mounted or self.config() or self._container.get("envFrom") else False

    def _source(self, mount: Object) -> tuple[str, dict[str, Any]] | None:
        return layout.volume_source(layout.volume(self._workload, mount.get("name")))

    def _at(self, path: str) -> list[dict[str, Any]]:
        """The mounts at a path, or else those nearest above it; several are a mistake that some tools make."""
        while True:
            found = [m for m in self._mounts if _normal(m.get("mountPath")) == path]
            if found or path in ("/", ""):
                return found
            path = path.rpartition("/")[0] or "/"

    def _mounted(self, path: str, kind: str, name: str) -> str | None:
        for mount in self._at(_normal(path)):
            source = self._source(mount)
            if source and source[0] == kind:
                return str(source[1].get(name) or "") or None
        return None

    def root(self) -> str:
        """Where images are kept in the container: as it is told, or else the usual place that has a volume."""
        there = {_normal(m.get("mountPath")) for m in self._mounts}
        usual = next((path for path in _DEFAULT_ROOTS if path in there), _DEFAULT_ROOTS[0])
        return _normal(self._value(ROOT_ENV) or usual)

    def _only_the_file_knows(self) -> bool:
        """Whether a configuration file of the user's says where images are kept, and nothing else does."""
        return bool(self.config()) and not self._value(ROOT_ENV) and not self._value("REGISTRY_STORAGE")

    def driver(self) -> str:
        """The storage driver that the environment names; ``filesystem`` where it names none."""
        named = self._value("REGISTRY_STORAGE")
        if named:
            return named
        for one in ("S3", "AZURE", "GCS", "SWIFT", "OSS"):
            if any(name.startswith(f"REGISTRY_STORAGE_{one}_") for name in self.env):
                return one.lower()
        return "filesystem"

    def _images(self) -> tuple[str, dict[str, Any]] | None:
        """The source of the volume with the images; None where they are in no volume."""
        found = self._at(self.root())
        return self._source(found[-1]) if found and _normal(found[-1].get("mountPath")) != "/" else None

    def storage_kind(self) -> str | None:
        """See :class:`Layout`."""
        if self.driver() != "filesystem":
            return self.driver()
        if self._only_the_file_knows():
            return None
        kinds = {"persistentVolumeClaim": "pvc", "emptyDir": "ephemeral", "hostPath": "host_path"}
        source = self._images()
        return kinds.get(source[0], source[0]) if source else "ephemeral"

    def claim(self) -> str | None:
        """The claim with the images."""
        source = self._images() if self.storage_kind() == "pvc" else None
        return str(source[1].get("claimName")) if source and source[0] == "persistentVolumeClaim" else None

    def config(self) -> str | None:
        """Where the configuration file comes from."""
        path = self._value(_CONFIG)
        for place in (path.rpartition("/")[0], "/etc/registry", "/etc/docker/registry", "/etc/distribution"):
            for kind, word, name in (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name")):
                found = self._mounted_exactly(place, kind, name) if place else None
                if found:
                    return f"{word} {found}"
        return None

    def _mounted_exactly(self, path: str, kind: str, name: str) -> str | None:
        """Of a mount at a directory, or of one file in it; what lies below for others, such as a key, is no such one."""
        for mount in self._mounts:
            at = _normal(mount.get("mountPath"))
            if at == _normal(path) or (at.startswith(f"{_normal(path)}/") and at.endswith((".yml", ".yaml"))):
                source = self._source(mount)
                if source and source[0] == kind:
                    return str(source[1].get(name) or "") or None
        return None

    # ---- whose ----------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """The name of the layout: ours where we wrote it before, else by what only one tool leaves."""
        volumes = {str(v.get("name")) for v in self._pod.get("volumes") or []}
        meta = self._workload.get("metadata") or {}
        if _owned(self._workload):
            return OWN
        if any(o.get("kind") == "Config" and o.get("name") == "cluster" for o in meta.get("ownerReferences") or []) or (
            meta.get("namespace") == configs.NAMESPACE and meta.get("name") == configs.NAME
        ):
            return OPERATOR
        if set(CREDENTIALS) & set(self.env):
            return DOCUMENT
        generated = all(name in self.env for name in _GENERATED)
        if self.tls_secret == "registry-certs" or "server-certificate" in volumes:  # noqa: S105  a name
            return OADM_TLS
        by_ansible = {"registry-certificates", "docker-config"} & volumes
        if generated and (by_ansible or self.tls_secret == "registry-certificates"):  # noqa: S105  a name
            return OPENSHIFT_ANSIBLE
        return OADM if generated and self._workload.get("kind") in ("DeploymentConfig", "DaemonSet") else PLAIN

    # ---- what matters ---------------------------------------------------------------------------------------------

    def differences(self, service_account: Object | None) -> Iterator[str]:
        """See :class:`Layout`."""
        if _SECRET in self.env and self.env[_SECRET].get("value"):
            yield "credentials of openshift-registry in clear in the environment"
        if self.tls is False:
            yield "plain http"
        elif _CERT in self.env and not self.tls_secret:
            yield f"its certificate {self._value(_CERT)} is in no mounted Secret"
        elif _CERT in self.env and _KEY not in self.env:
            yield f"{_CERT} is set, but {_KEY} is not"
        yield from self._probe_differences()
        yield from self._volume_differences()
        yield from self._account_differences(service_account)
        if not self._value("REGISTRY_HTTP_SECRET") and not self.env.get("REGISTRY_HTTP_SECRET", {}).get("valueFrom"):
            yield "no HTTP secret: each pod makes up its own, so uploads fail when several serve"
        twice = sorted(n for n, count in Counter(str(e.get("name")) for e in self._env_list()).items() if count > 1)
        if twice:
            yield f"variables set twice, of which the last one counts: {', '.join(twice)}"
        others = [str(c.get("name")) for c in layout.containers(self._workload) if c is not self._container]
        if others:
            yield f"other containers beside the registry: {', '.join(others)}"
        if (self._workload.get("spec") or {}).get("paused"):
            yield "paused: changes are not rolled out"

    def _env_list(self) -> list[dict[str, Any]]:
        return self._container.get("env") or []

    def _probe_differences(self) -> Iterator[str]:
        probes = [self._container.get(name) for name in ("livenessProbe", "readinessProbe")]
        if not any(probes):
            yield "no probes"
            return
        if not probes[1]:
            yield "no readiness probe: a pod counts as ready before it serves"
        wanted = "HTTPS" if self.tls else "HTTP"
        schemes = {str((p.get("httpGet") or {}).get("scheme") or "HTTP") for p in probes if p and p.get("httpGet")}
        if schemes - {wanted} and self.tls is not None:
            yield f"a probe asks by {' and '.join(sorted(schemes - {wanted}))}, but the registry serves {wanted}"

    def _volume_differences(self) -> Iterator[str]:
        root, by_file = self.root(), self._only_the_file_knows()
        uses_volume = self.driver() == "filesystem"
        if uses_volume and not self._images() and not by_file:
            yield f"ephemeral storage: nothing is mounted at {root}, so images go with the container"
        elif self.storage_kind() == "ephemeral":
            yield "ephemeral storage: images go with the pod"
        paths = Counter(_normal(m.get("mountPath")) for m in self._mounts)
        for path, count in paths.items():
            if count > 1:
                yield f"{'two' if count == 2 else count} volumes mounted at {path}"
        mounted = {str(m.get("name")): _normal(m.get("mountPath")) for m in self._mounts}
        for volume in self._pod.get("volumes") or []:
            name, source = str(volume.get("name")), layout.volume_source(volume)
            if source is None or source[0] in _SETTINGS or source[0] == "emptyDir":
                continue
            text = f"volume {name} ({_source_text(source)})"
            if name not in mounted:
                yield f"{text} is mounted nowhere"
            elif not by_file and not (uses_volume and (root == mounted[name] or root.startswith(f"{mounted[name]}/"))):
                yield f"{text} is mounted at {mounted[name]} and is not used for images"

    def _account_differences(self, service_account: Object | None) -> Iterator[str]:
        if self.account in (None, "", "default"):
            yield "runs as the namespace's default service account"
        limits = ((service_account or {}).get("metadata") or {}).get("annotations") or {}
        linked = {str(s.get("name")) for s in (service_account or {}).get("secrets") or []}
        limited = limits.get("kubernetes.io/enforce-mountable-secrets") == "true"
        if limited and self.tls_secret and self.tls_secret not in linked:
            yield f"Secret {self.tls_secret} is not linked to service account {self.account or 'default'}"


def _owned(workload: Object) -> bool:
    return bool(workload.get("metadata")) and owned_by_us(workload)


def _normal(path: Any) -> str:
    return str(path or "").rstrip("/") or "/"


def _source_text(source: tuple[str, dict[str, Any]]) -> str:
    kind, fields = source
    if kind == "persistentVolumeClaim":
        return f"claim {fields.get('claimName')}"
    if kind == "nfs":
        return f"NFS {fields.get('server')}:{fields.get('path')}"
    return f"hostPath {fields.get('path')}" if kind == "hostPath" else kind
