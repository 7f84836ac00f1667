# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart docker, and say whether the node is as healthy as it was before."""

import time
from collections import namedtuple

from .errors import EngineError, RestartError

_POD = "io.kubernetes.pod.uid"
_CONTAINER = "io.kubernetes.container.name"
_CONTAINERS_WAIT = 60.0  # seconds

# by_policy: dict of container id to name, for those that docker itself starts again; by_kubelet: dict of
# (pod uid, container name) to the name shown, for those that the kubelet makes anew
Running = namedtuple("Running", "by_policy by_kubelet")


class Runtime:
    """dockerd as a service of this node.

    :param systemd: systemd.Systemd
    :param engine: engine.Engine
    :param timeout: seconds in which docker must be healthy again
    """

    def __init__(self, systemd, engine, timeout, clock=time):
        self._systemd = systemd
        self._engine = engine
        self._timeout = timeout
        self._clock = clock

    def containers(self):
        """Say which containers run and are to run again after a restart (Running); none where docker is down."""
        try:
            listed = self._engine.running()
            by_policy = {
                container["Id"]: _name(container)
                for container in listed
                if not _pod_key(container)
                and container.get("State") == "running"
                and self._engine.restart_policy(container["Id"]) in _COME_BACK
            }
        except EngineError:
            return Running({}, {})
        return Running(by_policy, {_pod_key(found): _name(found) for found in listed if _pod_key(found)})

    def restart(self, unit, before, first=()):
        """Restart docker and wait until it is healthy.

        :param unit: systemd.Unit, as it was before
        :param before: Running, from containers()
        :param first: units that are restarted in the same step, before docker
        :returns: warnings (list of str) that name containers which are not back yet: one that cannot run does not
            run any better with docker as it was, so it is no reason to put anything back
        :raises RestartError: where docker does not come back
        """
        deadline = self._clock.monotonic() + self._timeout
        if unit.needs_reload:
            self._systemd.daemon_reload()
        said = self._systemd.restart(self._timeout, first)
        if said:
            raise RestartError("systemctl restart docker: {}".format(said))
        self._wait_until_up(deadline)
        return self._wait_for_containers(before, min(deadline, self._clock.monotonic() + _CONTAINERS_WAIT))

    def _wait_until_up(self, deadline):
        while True:
            wrong = self._is_not_up()
            if not wrong:
                return
            if self._clock.monotonic() > deadline:
                raise RestartError("{} {:g} s after the restart began".format(wrong, self._timeout))
            self._clock.sleep(0.3)

    def _is_not_up(self):
        """Say what is wrong with docker, or ""."""
        if not self._engine.ping():
            return "dockerd does not answer"
        return "" if self._systemd.unit().active else "docker.service is not active"

    def _wait_for_containers(self, before, deadline):
        by_policy, by_kubelet = dict(before.by_policy), dict(before.by_kubelet)
        while by_policy or by_kubelet:
            for container in self._engine.running():
                by_policy.pop(container["Id"], None)
                by_kubelet.pop(_pod_key(container), None)
            if self._clock.monotonic() > deadline:
                break
            if by_policy or by_kubelet:
                self._clock.sleep(0.5)
        missing = ((by_policy, _POLICY_MISSING), (by_kubelet, _KUBELET_MISSING))
        return [text.format(", ".join(sorted(names.values()))) for names, text in missing if names]


_POLICY_MISSING = "not running again, though docker is to restart them (see docker ps -a): {}"
_KUBELET_MISSING = "not running again yet, which is for the kubelet: {}"
_COME_BACK = ("always", "unless-stopped")


def _pod_key(container):
    labels = container.get("Labels") or {}
    if labels.get("io.kubernetes.docker.type") == "podsandbox" or not labels.get(_POD):
        return None
    return labels[_POD], labels.get(_CONTAINER, "")


def _name(container):
    labels = container.get("Labels") or {}
    if labels.get(_POD):
        namespace, pod = labels.get("io.kubernetes.pod.namespace", ""), labels.get("io.kubernetes.pod.name", "")
        return "{}/{} ({})".format(namespace, pod, labels.get(_CONTAINER, ""))
    return ((container.get("Names") or [container["Id"][:12]])[0]).lstrip("/")
