# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options on where and how pods run (documented in the fragment of this name) as checked values. Pure.

What the API would refuse, or what its defaults would make something else of, is refused here, by the option's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._build.pdb import Budget
from ansible_collections.okd.registry.plugins.module_utils._build.podoptions import PodOptions
from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._fields import element_key, quantity
from ansible_collections.okd.registry.plugins.module_utils._model import dns_name, labels, port_number
from ansible_collections.okd.registry.plugins.module_utils._options.affinity import affinity, whole_number

SPEC: dict[str, Any] = {
    "node_selector": {"type": "dict"},
    "affinity": {"type": "dict"},
    "tolerations": {"type": "list", "elements": "dict"},
    "priority_class": {"type": "str"},
    "fs_group": {"type": "int"},
    "supplemental_groups": {"type": "list", "elements": "int"},
    "pull_secrets": {"type": "list", "elements": "str", "no_log": False},
    "extra_ports": {"type": "list", "elements": "int"},
    "resources": {"type": "dict"},
    "pod_disruption_budget": {
        "type": "dict",
        "options": {"min_available": {"type": "str"}, "max_unavailable": {"type": "str"}},
        "mutually_exclusive": [("min_available", "max_unavailable")],
        "required_one_of": [("min_available", "max_unavailable")],
    },
}
_TOLERATION = frozenset({"key", "operator", "value", "effect", "tolerationSeconds"})
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def from_params(params: Mapping[str, Any]) -> PodOptions:
    """Raises OptionError, naming the option, for values that cannot work."""
    priority, group = params.get("priority_class"), params.get("fs_group")
    return PodOptions(
        node_selector=labels("node_selector", params.get("node_selector") or {}),
        resources=resources(params.get("resources") or {}) or None,
        affinity=affinity(params.get("affinity") or {}),
        tolerations=tolerations(params.get("tolerations") or []),
        priority_class=dns_name("priority_class", priority) if priority else None,
        fs_group=None if group is None else _group("fs_group", group),
        supplemental_groups=tuple(
            dict.fromkeys(_group("supplemental_groups", one) for one in params.get("supplemental_groups") or [])
        ),
        pull_secrets=tuple(dict.fromkeys(dns_name("pull_secrets", one) for one in params.get("pull_secrets") or [])),
        extra_ports=_ports(params.get("extra_ports") or [], 5000 if params.get("port") is None else params["port"]),
        budget=_budget(params.get("pod_disruption_budget")),
    )


def _group(option: str, value: int) -> int:
    if not 0 <= value < 2**31:
        raise OptionError(option, value, "is not the number of a group (0 to 2147483647)")
    return value


def _ports(found: list[int], own: int) -> tuple[int, ...]:
    for number in found:
        port_number("extra_ports", number)
        if number == own:
            raise OptionError("extra_ports", number, "is the registry's own port, which is there without being named")
    return tuple(dict.fromkeys(found))


# ---- resources -------------------------------------------------------------------------------------------------------


def resources(value: Mapping[str, Any]) -> dict[str, Any]:
    """Requests and limits, each a map from a resource to a quantity; a request is no more than its limit."""
    for name in value:
        if name not in ("requests", "limits"):
            raise OptionError(f"resources.{name}", value[name], "has no place here; there are requests and limits")
    for part, amounts in value.items():
        if amounts is not None and not isinstance(amounts, Mapping):
            raise OptionError(f"resources.{part}", amounts, "must be a map such as {cpu: 100m, memory: 256Mi}")
        for name, amount in (amounts or {}).items():
            number = quantity(amount)
            if number is None or number < 0:
                raise OptionError(
                    f"resources.{part}.{name}", amount, "is no amount (a number, or one with m, k, Ki, M, Mi, G, Gi …)"
                )
    requests, limits = value.get("requests") or {}, value.get("limits") or {}
    for name in requests.keys() & limits.keys():
        wanted, most = quantity(requests[name]), quantity(limits[name])
        if wanted is not None and most is not None and wanted > most:
            raise OptionError(f"resources.requests.{name}", requests[name], f"is more than its limit, {limits[name]}")
    return {part: {name: str(amount) for name, amount in (amounts or {}).items()} for part, amounts in value.items()}


# ---- tolerations -----------------------------------------------------------------------------------------------------


def tolerations(found: list[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Tolerations as the API takes them: texts as texts, the seconds as a number."""
    made = [_toleration(f"tolerations[{index}]", one) for index, one in enumerate(found)]
    # Twice the same is what a list put together from several variables may hold, and means no more than once.
    return tuple({element_key("tolerations", one): one for one in made}.values())


def _toleration(option: str, given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in _TOLERATION:
            raise OptionError(f"{option}.{name}", given[name], f"has no place here; there are {_list(_TOLERATION)}")
    made: dict[str, Any] = {}
    for name, value in given.items():
        if value not in (None, ""):
            made[name] = str(value).lower() if isinstance(value, bool) else str(value)
    operator, effect = made.get("operator", "Equal"), made.get("effect")
    if operator not in ("Equal", "Exists"):
        raise OptionError(f"{option}.operator", operator, "must be Equal or Exists")
    if effect is not None and effect not in _EFFECTS:
        raise OptionError(f"{option}.effect", effect, f"must be one of {', '.join(_EFFECTS)}, or be left out for all")
    if operator == "Exists" and "value" in made:
        raise OptionError(f"{option}.value", made["value"], "has no place beside operator: Exists, which takes any")
    if operator == "Equal" and "key" not in made:
        raise OptionError(f"{option}.key", None, "is required; only operator: Exists goes without, and tolerates all")
    if "key" in made:
        labels(f"{option}.key", {made["key"]: ""})
    if "tolerationSeconds" in made:
        if effect != "NoExecute":
            raise OptionError(f"{option}.tolerationSeconds", made["tolerationSeconds"], "needs effect: NoExecute")
        made["tolerationSeconds"] = whole_number(f"{option}.tolerationSeconds", made["tolerationSeconds"])
    return made


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


# ---- disruption ------------------------------------------------------------------------------------------------------


def _budget(value: Mapping[str, Any] | None) -> Budget | None:
    if not value:
        return None
    names = ("min_available", "max_unavailable")
    least, most = (_amount(f"pod_disruption_budget.{name}", value.get(name)) for name in names)
    return Budget(least, most)


def _amount(option: str, value: Any) -> int | str | None:
    if value is None:
        return None
    text = str(value).strip()
    if not re.fullmatch(r"\d+|\d+%", text) or (text.endswith("%") and int(text[:-1]) > 100):
        raise OptionError(option, value, "must be a number of pods, or a percentage from 0% to 100%")
    return text if text.endswith("%") else int(text)
