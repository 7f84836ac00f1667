# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart docker, and say whether the node is as healthy as it was before."""

import http.client
import time
from collections import namedtuple

from .errors import ContainersError, EngineError, RestartError

_POD = "io.kubernetes.pod.uid"
_CONTAINER = "io.kubernetes.container.name"
_CONTAINERS_WAIT = 60.0  # seconds

HEALTHZ = ("127.0.0.1", 10248)  # where kubelets answer, of every version, unless they are told otherwise

# by_docker: dict of container id to Expected, for those that docker itself is to have running again; by_kubelet: dict
# of (pod uid, container name) to the name shown, for those that the kubelet makes anew; kubelet: whether it was healthy
Running = namedtuple("Running", "by_docker by_kubelet kubelet")
# name: str; may_end: whether it may have come to its own end meanwhile, since no policy starts it again
Expected = namedtuple("Expected", "name may_end")


class Runtime:
    """dockerd as a service of this node.

    :param systemd: systemd.Systemd
    :param engine: engine.Engine
    :param timeout: seconds in which docker must be healthy again
    :param healthz: host and port of the kubelet's health check
    """

    def __init__(self, systemd, engine, timeout, clock=time, healthz=HEALTHZ):
        self._systemd = systemd
        self._engine = engine
        self._timeout = timeout
        self._clock = clock
        self._healthz = healthz

    def containers(self):
        """Say what runs and is to run again after a restart (Running); no containers where docker is down."""
        kubelet = not kubelet_problem(self._healthz)
        by_docker = {}
        try:
            listed = self._engine.running()
            keeps = bool(self._engine.info().get("LiveRestoreEnabled"))
            for container in listed:
                if _is_kubelets(container) or container.get("State") != "running":
                    continue
                comes_back = _policy(self._engine.inspect(container["Id"])) in _COME_BACK
                if comes_back or keeps:
                    by_docker[container["Id"]] = Expected(_name(container), not comes_back)
        except EngineError:
            return Running({}, {}, kubelet)
        by_kubelet = {_pod_key(found): _name(found) for found in listed if _pod_key(found)}
        return Running(by_docker, by_kubelet, kubelet)

    def restart(self, unit, before, first=()):
        """Restart docker and wait until it is healthy.

        :param unit: systemd.Unit, as it was before
        :param before: Running, from containers()
        :param first: units that are restarted in the same step, before docker
        :returns: warnings (list of str) that name the kubelet's containers which are not back yet: they are its
            business, and it is asked itself
        :raises RestartError: where docker does not come back, or the kubelet, which was healthy before
        :raises ContainersError: where both are well, and docker has not brought back what it is to
        """
        deadline = self._clock.monotonic() + self._timeout
        if unit.needs_reload:
            self._systemd.daemon_reload()
        said = self._systemd.restart(self._timeout, first)
        if said:
            raise RestartError("systemctl restart docker: {}".format(said))
        self._wait_until(self._is_not_up, deadline)
        if before.kubelet:
            self._wait_until(lambda: kubelet_problem(self._healthz), deadline)
        return self._wait_for_containers(before, min(deadline, self._clock.monotonic() + _CONTAINERS_WAIT))

    def _wait_until(self, problem, deadline):
        """Wait until a function says "" instead of what is wrong."""
        while True:
            wrong = problem()
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
        by_docker, by_kubelet = dict(before.by_docker), dict(before.by_kubelet)
        while True:
            listed = self._engine.running()
            now = {container["Id"] for container in listed} | {_name(container) for container in listed}
            by_docker = {
                key: expected
                for key, expected in by_docker.items()
                if not {key, expected.name} & now and not self._has_ended(key, expected)
            }
            for container in listed:
                by_kubelet.pop(_pod_key(container), None)
            if not (by_docker or by_kubelet) or self._clock.monotonic() > deadline:
                break
            self._clock.sleep(0.5)
        if by_docker:
            states = sorted(self._state(key, expected) for key, expected in by_docker.items())
            raise ContainersError(_MISSING.format("; ".join(states)))
        return [_KUBELET_MISSING.format(", ".join(sorted(by_kubelet.values())))] if by_kubelet else []

    def _has_ended(self, key, expected):
        """Say whether a container came to its own end, or was taken away, rather than being lost."""
        if not expected.may_end:
            return False
        found = self._engine.inspect(key)
        state = (found or {}).get("State") or {}
        return found is None or (state.get("Status") == "exited" and state.get("ExitCode") == 0)

    def _state(self, key, expected):
        """Say what has become of a container."""
        found = self._engine.inspect(key)
        if found is None:
            return "{} (is there no more)".format(expected.name)
        state = found.get("State") or {}
        said = "{}, exit code {}".format(state.get("Status"), state.get("ExitCode"))
        return "{} ({})".format(expected.name, ": ".join(part for part in (said, state.get("Error")) if part))


def kubelet_problem(healthz, timeout=5.0):
    """Ask the kubelet of this node whether it is healthy; "" or what is wrong (str).

    :param healthz: (host, port)
    """
    connection = http.client.HTTPConnection(healthz[0], healthz[1], timeout=timeout)
    where = "http://{}:{}/healthz".format(*healthz)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        said = response.read(200).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException) as exc:
        return "the kubelet, which was healthy before, does not answer at {} ({})".format(where, exc)
    finally:
        connection.close()
    if response.status == 200:
        return ""
    return "the kubelet, which was healthy before, says {} at {} ({})".format(response.status, where, said)


_MISSING = "docker does not have running again what ran before, and is to: {}"
_KUBELET_MISSING = "not running again yet, which is for the kubelet: {}"
_COME_BACK = ("always", "unless-stopped")


def _policy(inspected):
    return (((inspected or {}).get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name", "")


def _is_kubelets(container):
    """Say whether a container is a pod's, its sandbox included."""
    if (container.get("Labels") or {}).get(_POD):
        return True
    return any(name.lstrip("/").startswith("k8s_") for name in container.get("Names") or [])


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
