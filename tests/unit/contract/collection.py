# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as the contract tests see it: its modules with their full documentation, its roles and its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import fragment_loader
from ansible.utils.plugin_docs import get_docstring

ROOT = Path(__file__).resolve().parents[3]
NAME = "okd.registry"
# Keywords of a task that hold other tasks.
SECTIONS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")
# A value for every type that a template may turn out to be.
STAND_INS: dict[str, Any] = {"int": 1, "float": 1.0, "bool": True, "list": [], "dict": {}}


class Task(NamedTuple):
    """A task that calls one of our modules, and where it stands."""

    place: str
    module: str
    args: Mapping[str, Any]


def load_yaml(path: Path) -> Any:
    """A file's content as Ansible reads it (with its own tags, such as !vault and !unsafe)."""
    return DataLoader().load_from_file(str(path)) if path.exists() else None


def module_names() -> list[str]:
    """The names of all modules."""
    return sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")


def role_names() -> list[str]:
    """The names of all roles."""
    return sorted(path.name for path in (ROOT / "roles").glob("*") if path.is_dir())


def specs(role: str) -> dict[str, Any]:
    """The entry points of a role and their options."""
    content = load_yaml(ROOT / "roles" / role / "meta" / "argument_specs.yml") or {}
    return dict(content.get("argument_specs") or {})


def options_of(role: str) -> dict[str, Mapping[str, Any]]:
    """The options of all entry points together."""
    found: dict[str, Mapping[str, Any]] = {}
    for entry in specs(role).values():
        found.update(entry.get("options") or {})
    return found


@cache
def module_docs(name: str) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """A module's documentation with all fragments merged in, its examples as text, and what it returns."""
    path = ROOT / "plugins" / "modules" / f"{name}.py"
    doc, examples, returns, _meta = get_docstring(
        str(path), fragment_loader, is_module=True, collection_name=NAME, plugin_type="module"
    )
    return doc or {}, examples or "", returns or {}


def argument_spec(options: Mapping[str, Any], *, required: bool) -> dict[str, dict[str, Any]]:
    """The argument spec that the documented options stand for; sanity tests hold the two together."""
    spec: dict[str, dict[str, Any]] = {}
    for name, option in options.items():
        entry: dict[str, Any] = {"type": option.get("type", "str"), "aliases": list(option.get("aliases") or [])}
        for key in ("choices", "elements"):
            if option.get(key):
                entry[key] = option[key]
        if option.get("required") and required:
            entry["required"] = True
        if option.get("suboptions"):
            entry["options"] = argument_spec(option["suboptions"], required=required)
        spec[name] = entry
    return spec


def with_aliases(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by all their names."""
    return {name: option for key, option in options.items() for name in (key, *(option.get("aliases") or ()))}


def option_of(module: str, name: str) -> Mapping[str, Any]:
    """What a module documents of an option, by its name or an alias. Raises LookupError where there is none."""
    found = with_aliases(module_docs(module)[0].get("options") or {})
    if name not in found:
        raise LookupError(f"{module} has no option {name}")
    return dict(found[name])


def fill_templates(value: Any, option: Mapping[str, Any]) -> Any:
    """A value with every template in it replaced by one of the type that the option takes."""
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        choices = option.get("choices")
        return choices[0] if choices else deepcopy(STAND_INS.get(str(option.get("type", "str")), "x"))
    if isinstance(value, Mapping):
        inner = with_aliases(option.get("suboptions") or {})
        return {key: fill_templates(item, inner.get(key, {})) for key, item in value.items()}
    if isinstance(value, list):
        element = {"type": option.get("elements", "str"), "suboptions": option.get("suboptions")}
        return [fill_templates(item, element) for item in value]
    return value


def errors_of(task: Task, *, required: bool) -> list[str]:
    """What a task's arguments do not agree with in the module's documentation."""
    if task.module not in module_names():
        return [f"{task.place}: there is no module {NAME}.{task.module}"]
    options = module_docs(task.module)[0].get("options") or {}
    if not isinstance(task.args, Mapping):
        return [f"{task.place}: the arguments are no mapping"]
    known = with_aliases(options)
    # A value that may be C(omit) is a template like others, and its option must be there all the same.
    filled = {key: fill_templates(value, known.get(key, {})) for key, value in task.args.items()}
    result = ArgumentSpecValidator(argument_spec(options, required=required)).validate(filled)
    return [f"{task.place}: {message}" for message in result.error_messages]


def our_tasks(content: Any, place: str, plugins: tuple[str, ...] = ()) -> Iterator[Task]:
    """All tasks in a loaded list of plays or tasks that call a module of ours, blocks included."""
    for entry in content if isinstance(content, list) else ():
        if not isinstance(entry, Mapping):
            continue
        for key, value in entry.items():
            if key in SECTIONS:
                yield from our_tasks(value, place, plugins)
            elif isinstance(key, str) and key.startswith(f"{NAME}."):
                yield Task(f"{place}: {entry.get('name', key)}", key.removeprefix(f"{NAME}."), value or {})


def tasks_of_files() -> list[Task]:
    """All tasks of the roles, playbooks and scenarios that call a module of ours."""
    folders = (ROOT / "roles", ROOT / "playbooks", ROOT / "extensions")
    files = sorted(path for folder in folders for path in folder.rglob("*.yml"))
    found: list[Task] = []
    for path in files:
        relative = path.relative_to(ROOT)
        if "meta" not in relative.parts and "defaults" not in relative.parts and "vars" not in relative.parts:
            found += our_tasks(load_yaml(path), str(relative))
    return found


def example_tasks(name: str) -> list[Task]:
    """The tasks in a module's examples. Raises yaml.YAMLError where they are no YAML."""
    return list(our_tasks(yaml.safe_load(module_docs(name)[1]), f"examples of {name}"))
