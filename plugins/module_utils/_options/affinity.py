# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``affinity``: its shape, checked, and its texts as texts. Pure.

Fields that are not known here are passed on as they are: newer APIs have more of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.okd.registry.plugins.module_utils._errors import OptionError
from ansible_collections.okd.registry.plugins.module_utils._model import labels

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_KINDS = ("nodeAffinity", "podAffinity", "podAntiAffinity")
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")

Checked = Callable[[str, Any], dict[str, Any]]


def affinity(value: Mapping[str, Any]) -> dict[str, Any]:
    """The affinity as the API takes it. Raises OptionError, naming the place."""
    found = {}
    for kind, rules in value.items():
        if kind not in _KINDS:
            raise OptionError(f"affinity.{kind}", rules, f"has no place here; there are {', '.join(_KINDS)}")
        if rules:
            found[kind] = _rules(f"affinity.{kind}", kind, rules)
    return found


def whole_number(option: str, value: Any) -> int:
    """A number that a template may have made a text of."""
    text = str(value).strip()
    if isinstance(value, bool) or not text.removeprefix("-").isdigit():
        raise OptionError(option, value, "is not a whole number")
    return int(text)


def _rules(option: str, kind: str, rules: Any) -> dict[str, Any]:
    made = {}
    for name, content in _map(option, rules).items():
        where = f"{option}.{name}"
        if name not in (_REQUIRED, _PREFERRED):
            raise OptionError(where, content, f"has no place here; there are {_REQUIRED} and {_PREFERRED}")
        if not content:
            continue
        if kind == "nodeAffinity":
            made[name] = (
                _node_terms(where, content) if name == _REQUIRED else _weighted(where, content, _node_preferred)
            )
        else:
            made[name] = (
                _each(where, content, _pod_term) if name == _REQUIRED else _weighted(where, content, _pod_preferred)
            )
    return made


def _map(option: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise OptionError(option, value, "must be a map")
    return dict(value)


def _each(option: str, value: Any, check: Checked) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise OptionError(option, value, "must be a list")
    return [check(f"{option}[{index}]", _map(f"{option}[{index}]", one)) for index, one in enumerate(value)]


def _needs(option: str, value: Mapping[str, Any], name: str) -> Any:
    if not value.get(name):
        raise OptionError(f"{option}.{name}", value.get(name), "is required")
    return value[name]


def _weighted(option: str, value: Any, check: Checked) -> list[dict[str, Any]]:
    def one(where: str, term: Any) -> dict[str, Any]:
        weight = whole_number(f"{where}.weight", term.get("weight"))
        if not 1 <= weight <= 100:
            raise OptionError(f"{where}.weight", weight, "must be from 1 to 100")
        return {**check(where, term), "weight": weight}

    return _each(option, value, one)


def _node_terms(option: str, value: Any) -> dict[str, Any]:
    terms = _needs(option, _map(option, value), "nodeSelectorTerms")
    return {**value, "nodeSelectorTerms": _each(f"{option}.nodeSelectorTerms", terms, _node_term)}


def _node_preferred(option: str, term: Any) -> dict[str, Any]:
    preference = _map(f"{option}.preference", _needs(option, term, "preference"))
    return {**term, "preference": _node_term(f"{option}.preference", preference)}


def _pod_preferred(option: str, term: Any) -> dict[str, Any]:
    wanted = _map(f"{option}.podAffinityTerm", _needs(option, term, "podAffinityTerm"))
    return {**term, "podAffinityTerm": _pod_term(f"{option}.podAffinityTerm", wanted)}


def _node_term(option: str, term: Any) -> dict[str, Any]:
    made = dict(term)
    for name in ("matchExpressions", "matchFields"):
        if term.get(name):
            made[name] = _each(f"{option}.{name}", term[name], _expression)
    return made


def _pod_term(option: str, term: Any) -> dict[str, Any]:
    _needs(option, term, "topologyKey")
    made = dict(term)
    if term.get("labelSelector"):
        where = f"{option}.labelSelector"
        chosen = _map(where, term["labelSelector"])
        if chosen.get("matchExpressions"):
            chosen["matchExpressions"] = _each(f"{where}.matchExpressions", chosen["matchExpressions"], _expression)
        if chosen.get("matchLabels"):
            chosen["matchLabels"] = labels(f"{where}.matchLabels", _map(where, chosen["matchLabels"]))
        made["labelSelector"] = chosen
    return made


def _expression(option: str, found: Any) -> dict[str, Any]:
    _needs(option, found, "key")
    operator, values = found.get("operator"), found.get("values") or []
    if operator not in _OPERATORS:
        raise OptionError(f"{option}.operator", operator, f"must be one of {', '.join(_OPERATORS)}")
    if not isinstance(values, list) or bool(values) == (operator in ("Exists", "DoesNotExist")):
        raise OptionError(f"{option}.values", found.get("values"), f"does not fit operator {operator}")
    texts = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return {**found, **({"values": texts} if texts else {})}
