# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards around a registry's storage. Pure: a function of what was asked for and what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build import claim as claims
from ansible_collections.okd.registry.plugins.module_utils._build import layout, place, scc, secrets
from ansible_collections.okd.registry.plugins.module_utils._build import workload as build
from ansible_collections.okd.registry.plugins.module_utils._build.configfile import File
from ansible_collections.okd.registry.plugins.module_utils._build.storage import HOSTNAME
from ansible_collections.okd.registry.plugins.module_utils._deploycheck import Live, own_http_secret, replicas, wanted
from ansible_collections.okd.registry.plugins.module_utils._deployspec import DeploySpec
from ansible_collections.okd.registry.plugins.module_utils._kinds import ObjectRef
from ansible_collections.okd.registry.plugins.module_utils._plan import Change, plan
from ansible_collections.okd.registry.plugins.module_utils._storage import Stored, claim_ref

Object = dict[str, Any]
VOLUME = "volume"
#: Volumes that are there without a pod.
MOUNTED = frozenset({"persistentVolumeClaim", "nfs", "hostPath"})
LOST = "pushed images would be lost"


@dataclass(frozen=True)
class Problem:
    """One thing that stands against what was asked for.

    :param name: of the guard; "" for what cannot be overridden.
    :param text: what is wrong, why, and what to do, in finished sentences.
    :param movable: of images that would be left behind: whether ``migrate`` can take them along.
    :param in_pods: of images that would be lost: whether each pod has its own.
    :param later: what to say in check mode instead, where an earlier step of the same run may cure it.
    """

    name: str
    text: str
    later: str = ""
    movable: bool = False
    in_pods: bool = False

    @property
    def sentence(self) -> str:
        """The text with the way round."""
        if self.name in ("", VOLUME):  # the latter's text names its option
            return self.text
        return f"{self.text} (Guard {self.name}; ignore_guards: [{self.name}] overrides it.)"

    def is_overridden(self, spec: DeploySpec) -> bool:
        """Whether the user said that this is not to count."""
        if self.name == VOLUME:
            return spec.allow_data_loss or self.is_met(spec)
        return self.name in spec.ignore_guards

    def is_met(self, spec: DeploySpec) -> bool:
        """Whether this run sees to it that it is none."""
        return self.movable and spec.migrate

    def with_figures(self, figures: str) -> Problem:
        """Of images that would be lost: with how much that is, see ``_losses``."""
        return replace(self, text=self.text.replace(LOST, f"{LOST}{figures}", 1))

    def as_dict(self) -> dict[str, str]:
        """For return values."""
        return {"name": self.name, "message": self.text}


@dataclass(frozen=True)
class Seen:
    """What the guards look at.

    :param change: of the workload.
    :param elsewhere: whether variables or a file of the user's choose another storage.
    """

    spec: DeploySpec
    live: Live
    stored: Stored
    change: Change
    elsewhere: bool

    @classmethod
    def of(cls, spec: DeploySpec, live: Live) -> Seen:
        """With the change that this run would make."""
        known = secrets.http_identity(live.http_secret)
        want = wanted(spec, live, known if own_http_secret(spec, live) else None)
        change = plan(live.workload, build.desired(want, live.workload))
        elsewhere = not want.storage.objects and build.is_configured(want, live.workload)
        return cls(spec, live, live.storage, change, elsewhere)

    @property
    def new_file(self) -> File | None:
        """The configuration file as it is going to be."""
        return self.stored.planned_file(self.spec.settings, self.change.after)

    @property
    def pods(self) -> int:
        """Pods asked for; 0 for a DaemonSet, of which only the cluster knows."""
        return 0 if self.live.kind == "DaemonSet" else replicas(self.spec, self.live.workload)

    @property
    def several(self) -> str | None:
        """How many pods there would be, for people; None where there is one at most."""
        if self.live.kind == "DaemonSet":
            return "A DaemonSet has a pod on each node, and so"
        return f"With {self.pods} replicas" if self.pods > 1 else None


def storage_problems(seen: Seen) -> Iterator[Problem]:
    """All guards of this file."""
    yield from _impossible(seen)
    yield from _claim(seen)
    yield from _node(seen)
    if not seen.elsewhere:
        yield from _replicas(seen)
        yield from _strategy(seen)
    yield from _volume(seen)


def _replicas(seen: Seen) -> Iterator[Problem]:
    want, several = seen.stored.want, seen.several
    claim = seen.stored.planned_claim(seen.spec.registry.namespace)
    why = None
    if several is None or want.objects:
        return
    if want.host_path:
        why = "pods on several nodes have a directory each, so that a pull finds an image only by chance"
    elif claims.for_one_node(claim):
        modes = ", ".join(((claim or {}).get("spec") or {}).get("accessModes") or [])
        why = f"claim {want.claim_name} ({modes}) can be mounted by one node only: pods on others never start"
    elif not want.claim_name and not want.nfs:
        why = "each has a storage of its own (emptyDir), so that a pull finds an image only by chance"
    if why:
        yield Problem("replicas", f"{several}, {why}. Use one replica, or storage that all nodes share.")


def _strategy(seen: Seen) -> Iterator[Problem]:
    claim = seen.stored.planned_claim(seen.spec.registry.namespace)
    if seen.spec.strategy == "Rolling" and seen.live.kind != "DaemonSet" and claims.for_one_node(claim):
        yield Problem(
            "strategy",
            f"With strategy Rolling the new pod starts beside the old one, but claim {seen.stored.want.claim_name} can"
            " be mounted by one node only: on another node, the new pod waits for ever. Leave strategy out, or say"
            " Recreate.",
        )


def _claim(seen: Seen) -> Iterator[Problem]:
    stored, namespace = seen.stored, seen.spec.registry.namespace
    if not stored.want.claim_name:
        return
    ref, live = claim_ref(stored.want, namespace), stored.claim
    if live is None and stored.want.new_claim is None:
        yield Problem(
            "claim",
            f"{ref}, which storage.claim_name names, does not exist: create it first, or say storage.size to have it"
            " made.",
            later=f"{ref} does not exist yet; the run itself will need it.",
        )
        return
    if live and live["metadata"].get("deletionTimestamp"):
        yield Problem("claim", f"{ref} is being deleted: wait until it is gone and make it anew, or use another claim.")
    elif live and (live.get("status") or {}).get("phase") == "Lost":
        yield Problem("claim", f"{ref} has lost its volume (phase Lost): restore the volume, or use another claim.")
    elif not stored.want.nfs:  # its volume is made with the claim
        planned = stored.planned_claim(namespace) or {}
        why = claims.unbindable(planned, stored.classes, stored.volumes)
        if why:
            yield Problem(
                "claim",
                f"{ref} {why}: the pods would never start. Make a volume that fits, or a class, or name another"
                " storage_class.",
            )


def _node(seen: Seen) -> Iterator[Problem]:
    """A directory that the next pod may look for on another node."""
    host = seen.stored.want.host_path
    selector = (layout.template(seen.change.after).get("spec") or {}).get("nodeSelector") or {}
    if host is None or host.node or HOSTNAME in selector or seen.live.kind == "DaemonSet":
        return
    nodes, told = seen.stored.nodes, ",".join(f"{k}={v}" for k, v in sorted(selector.items())) or "none"
    if nodes is None:
        why = "may lead to several nodes: which there are cannot be told, for you may not list nodes"
    else:
        fit = [n["metadata"] for n in nodes if selector.items() <= (n["metadata"].get("labels") or {}).items()]
        if len(fit) == 1:
            return
        some = ", ".join(sorted(str(meta["name"]) for meta in fit)[:3])
        why = f"leads to {len(fit)} nodes ({some}{', …' if len(fit) > 3 else ''})" if fit else "leads to no node"
    yield Problem(
        "node",
        f"The directory {host.path} is on one node, but node_selector ({told}) {why}. A pod that starts on another node"
        f" has none of the images: say storage.node, or a node_selector with {HOSTNAME}.",
    )


def _impossible(seen: Seen) -> Iterator[Problem]:
    """What no cluster would carry out, and what would fail half-way."""
    stored, namespace, want = seen.stored, seen.spec.registry.namespace, seen.stored.want
    if want.host_path and stored.has_scc and stored.scc is None:
        yield Problem("", f"{scc.REF} does not exist, which storage.kind: host_path needs: restore it.")
    if want.new_claim and stored.claim:
        why = want.new_claim.cannot_become(stored.claim, claims.class_of(stored.claim, stored.classes))
        if why:
            yield Problem("", f"{claim_ref(want, namespace)} {why}: keep to that, or use another storage.claim_name.")
    yield from _nfs_volume(seen)
    objects = want.objects
    if objects and objects.secret_name:
        ref = ObjectRef("v1", "Secret", objects.secret_name, namespace)
        if stored.secrets.get(objects.secret_name) is None:
            yield Problem(
                "",
                f"{ref}, which storage.secret_name names, does not exist: create it first.",
                later=f"{ref} does not exist yet; the run itself will need it.",
            )
        else:
            twice = sorted(set(objects.parameters) & set(objects.secret_keys))
            if objects.missing():
                has = ", ".join(objects.secret_keys) or "nothing"
                yield Problem(
                    "", f"{ref} lacks {' and '.join(objects.missing())}, which {objects.driver} requires; it has {has}."
                )
            if twice:
                yield Problem("", f"{', '.join(twice)} is in {ref} and in storage.parameters: leave one of them out.")


def _nfs_volume(seen: Seen) -> Iterator[Problem]:
    """A volume of the wanted name that is for something else: its source cannot be changed."""
    nfs, claim = seen.stored.want.nfs, seen.stored.want.new_claim
    if not nfs or not claim or not claim.volume:
        return
    ref = ObjectRef("v1", "PersistentVolume", claim.volume)
    live = seen.stored.there.get(ref)
    if live is None:
        return
    spec = live.get("spec") or {}
    source, owner = spec.get("nfs") or {}, spec.get("claimRef") or {}
    has = (source.get("server"), str(source.get("path") or "").rstrip("/") or "/")
    mine = claim_ref(seen.stored.want, seen.spec.registry.namespace)
    if has != (nfs.server, nfs.path):
        what = f"NFS {has[0]}:{has[1]}" if source else "no NFS volume"
        yield Problem(
            "", f"{ref} is {what}, which cannot become {nfs}: give the new one another name by storage.claim_name."
        )
    elif owner and (owner.get("namespace"), owner.get("name")) != (mine.namespace, mine.name):
        whose = f"{owner.get('namespace')}/{owner.get('name')}"
        yield Problem("", f"{ref} belongs to claim {whose}: use another storage.claim_name.")


def moves_images(seen: Seen) -> bool:
    """Whether the change would leave images behind that can be taken along."""
    return any(one.movable for one in _volume(seen))


def _volume(seen: Seen) -> Iterator[Problem]:
    """A change that leaves pushed images behind."""
    spec, live, stored, change = seen.spec, seen.live, seen.stored, seen.change
    lost = place.abandons(
        stored.want, live.workload, change.after,
        replicas=layout.replicas(change.after), rolls=build.rolls(change.fields),
        secrets=stored.secrets, new_secrets=stored.planned_secrets(), node=stored.node,
        file=stored.file, new_file=seen.new_file,
    )  # fmt: skip
    if lost:
        before, after = place.leaves(
            stored.want, live.workload, change.after, secrets=stored.secrets, new_secrets=stored.planned_secrets(),
            file=stored.file, new_file=seen.new_file,
        )  # fmt: skip
        held = before is not None and before.kind not in ("object", "file")
        movable = before is not None and held and after.kind in MOUNTED and _can_be_copied(seen, before, after)
        way = "say migrate: true to take the images along" if movable else "copy the images first"
        what = ", ".join(field for field in change.fields if field.startswith(("spec.template", "spec.replicas")))
        yield Problem(
            VOLUME,
            f"{live.kind} {spec.registry}: {lost}; {LOST}. Keep the storage as it is, {way},"
            f" or say allow_data_loss: true. (The change: {what or 'the bucket that the Secret names'}.)",
            later=""
            if held or after.kind != "file"
            else f"Whether the images stay where they are is known with {after}.",
            movable=movable,
            in_pods=before is not None and before.kind == "emptyDir",
        )


def _can_be_copied(seen: Seen, before: place.Place, after: place.Place) -> bool:
    """Whether images go from one volume to another, in the same directory of the mount, as ``_migrate`` copies them."""
    other = not replace(before, inside="").same(replace(after, inside=""))
    return other and after.inside == place.below_mount(seen.live.workload, seen.stored.file)
