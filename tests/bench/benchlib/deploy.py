# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench C(deploy): our four steps beside C(kubernetes.core.k8s) tasks that apply the very same objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchlib import cluster
from benchlib.playbook import BENCH, OUTPUT, Timed, play, spent, unchanged
from benchlib.report import Report
from benchlib.stats import REQUESTS, SECONDS, Ratio, alternate, series

OURS = BENCH / "playbooks" / "deploy.yml"
STEPS = tuple(f"okd.registry.registry_{step}" for step in ("service", "cert", "deploy", "route"))
DEPLOY = "okd.registry.registry_deploy"
K8S = "kubernetes.core.k8s"
#: How the wait for the rollout is said to kubernetes.core.k8s. It looks every 5 s unless told otherwise.
WAIT = {
    "wait": True,
    "wait_sleep": 1,
    "wait_timeout": 600,
    "wait_condition": {"type": "Available", "status": "True"},
}
WORKLOADS = ("DeploymentConfig", "Deployment", "DaemonSet")
#: Of what the same objects take with kubernetes.core, registry_deploy must not take more than this, converged.
TARGET = 0.30
#: A figure's name, its unit, and how it is read from a run.
Figure = tuple[str, str, Callable[[Timed], float]]


def tasks_for(objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One task for each object; that of the workload waits for its rollout."""
    return [
        {
            "name": f"{one['kind']} {one['metadata']['name']}",
            K8S: {
                "kubeconfig": "{{ registry_kubeconfig }}",
                "apply": True,
                "definition": dict(one),
                **(WAIT if one["kind"] in WORKLOADS else {}),
            },
        }
        for one in objects
    ]


def one_task(objects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All objects in one task. A condition to wait for would be asked of each of them, so it does not wait."""
    definition = [dict(one) for one in objects]
    return [{"name": "All", K8S: {"kubeconfig": "{{ registry_kubeconfig }}", "apply": True, "definition": definition}}]


def playbook_of(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A playbook that differs from ours in its tasks alone."""
    play_ours = yaml.safe_load(OURS.read_text(encoding="utf-8"))[0]
    kept = {key: value for key, value in play_ours.items() if key not in ("name", "roles")}
    return [{"name": "Apply", **kept, "tasks": tasks}]


def _write(name: str, tasks: list[dict[str, Any]]) -> Path:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    path = OUTPUT / name
    path.touch(mode=0o600)  # it holds the Secrets
    path.write_text(yaml.safe_dump(playbook_of(tasks), sort_keys=False), encoding="utf-8")
    return path


def _resources(run: Timed, *actions: str) -> list[dict[str, Any]]:
    return [one for task in run.of(*actions) for one in task.resources]


def _names(resources: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The names of the other playbook's tasks for these objects."""
    return frozenset(f"{one['kind']} {one['name']}" for one in resources)


def run(repetitions: int) -> Report:
    """Measure first runs, then converged ones."""
    cluster.reset()
    # This first run of all is not counted: caches are cold.
    made = _resources(play(OURS), *STEPS)
    theirs = _write("deploy-k8s.yml", tasks_for(cluster.fetch(made)))

    def from_nothing(playbook: Path) -> Callable[[], Timed]:
        def measured() -> Timed:
            cluster.delete(made)
            return play(playbook)

        return measured

    first = alternate({"ours": from_nothing(OURS), "other": from_nothing(theirs)}, repetitions, warm_ups=0)

    # What lies there now was written by the other; ours takes it over, and both then start from the same objects.
    play(OURS)
    objects = cluster.fetch(made)
    theirs = _write("deploy-k8s.yml", tasks_for(objects))
    single = _write("deploy-k8s-list.yml", one_task(objects))
    play(theirs)
    converged = alternate(
        {
            "ours": lambda: unchanged(play(OURS)),
            "other": lambda: unchanged(play(theirs)),
            "single": lambda: unchanged(play(single)),
        },
        repetitions,
    )
    own = _names(_resources(converged["ours"][0], DEPLOY))
    return report(first, converged, own, len(objects))


def report(
    first: Mapping[str, Sequence[Timed]], converged: Mapping[str, Sequence[Timed]], own: frozenset[str], objects: int
) -> Report:
    """What was measured, as ratios.

    :param own: the names of the other playbook's tasks for what registry_deploy looks after.
    :param objects: how many objects there are in all.
    """
    settled, single = converged["ours"], converged["single"]
    ratios = compare("converged", settled, converged["other"], own, objects)
    in_one = series(f"converged: all {objects} objects in one k8s task", (spent(one.of(K8S)) for one in single))
    for ratio in (ratios[0], ratios[2]):  # registry_deploy's task, and the four steps'
        what = ratio.what.partition(" ÷ ")[0]
        ratios.append(Ratio(f"{what} ÷ all {objects} objects in one task", ratio.ours, in_one))
    more = [
        *(
            series(f"converged: {step.rpartition('.')[2]}'s task", [spent(one.of(step)) for one in settled])
            for step in STEPS
            if step != DEPLOY
        ),
        series("converged: whole playbook, all objects in one k8s task", (one.seconds for one in single)),
        series("converged: requests, all objects in one k8s task", (len(one.requests) for one in single), REQUESTS),
    ]
    ratios += compare("first run", first["ours"], first["other"], own, objects)
    return Report("deploy: beside kubernetes.core.k8s", ratios, more)


def compare(how: str, ours: Sequence[Timed], other: Sequence[Timed], own: frozenset[str], objects: int) -> list[Ratio]:
    """The same figures of two sets of runs; the first is registry_deploy's beside the tasks for the same objects."""

    def ratio(what: str, one: Figure, another: Figure, at_most: float | None = None) -> Ratio:
        left, right = (
            series(f"{how}: {name}", map(figure, runs), unit)
            for (name, unit, figure), runs in ((one, ours), (another, other))
        )
        return Ratio(f"{how}: {what}", left, right, at_most)

    task: Figure = ("registry_deploy's task", SECONDS, lambda run: spent(run.of(DEPLOY)))
    asked: Figure = ("registry_deploy's requests", REQUESTS, lambda run: run.sent(run.of(DEPLOY)))
    steps: Figure = ("the four steps' tasks", SECONDS, lambda run: spent(run.of(*STEPS)))
    same = f"k8s tasks for registry_deploy's {len(own)} objects"
    same_task: Figure = (same, SECONDS, lambda run: spent(run.named(own)))
    same_asked: Figure = (f"requests of the {same}", REQUESTS, lambda run: run.sent(run.named(own)))
    tasks: Figure = (f"all {objects} k8s tasks", SECONDS, lambda run: spent(run.of(K8S)))
    target = TARGET if how == "converged" else None
    return [
        ratio(f"registry_deploy's task ÷ the tasks for its {len(own)} objects", task, same_task, target),
        ratio(f"registry_deploy's task ÷ all {objects} tasks", task, tasks),
        ratio(f"the four steps' tasks ÷ all {objects} tasks", steps, tasks),
        ratio("whole playbook", *_both("whole playbook", ours, other, lambda run: run.seconds)),
        ratio(f"requests of registry_deploy's task ÷ of the tasks for its {len(own)} objects", asked, same_asked),
        ratio(
            "requests of the whole playbook", *_both("requests", ours, other, lambda run: len(run.requests), REQUESTS)
        ),
        ratio(
            "of these, requests that write",
            *_both("writing requests", ours, other, lambda run: sum(one.writes for one in run.requests), REQUESTS),
        ),
    ]


def _both(
    name: str, ours: Sequence[Timed], other: Sequence[Timed], value: Callable[[Timed], float], unit: str = SECONDS
) -> tuple[Figure, Figure]:
    """The same figure of both; requests are told with their user agents."""
    names = [name, name]
    if unit == REQUESTS:
        names = [f"{name} by {', '.join(sorted({one.agent for one in runs[0].requests}))}" for runs in (ours, other)]
    return (f"{names[0]}, ours", unit, value), (f"{names[1]}, k8s tasks", unit, value)
