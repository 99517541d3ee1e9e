"""What pydantic found, said in the words of the file.

A fault of a union is reported by pydantic once for each member; here they become one sentence
that names all that is allowed. A value that its file must not show is not repeated.
"""

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from engine.definition.model import AfterDelay, Invocation, Texts, Transition
from engine.definition.places import steps
from engine.definition.reader import Document
from engine.definition.values import HOW, describe
from engine.problems import Problem, did_you_mean

Steps = tuple[str | int, ...]
Fault = Mapping[str, Any]

_WANTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
"""Pydantic's type errors that are said together, in the order in which they are said."""


_LENGTHS = ("delay", "base", "max")
_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def problems_of(
    document: Document, model: type[BaseModel], faults: Sequence[Fault]
) -> list[Problem]:
    """One problem for each fault, at the key or value at fault."""
    found = []
    mistyped: dict[tuple[int, int], list[Fault]] = {}
    for fault in faults:
        if fault["type"] not in _WANTED:
            found.append(_problem(document, model, fault))
        elif not _other_member(fault, faults):
            mistyped.setdefault(document.place(fault["loc"]), []).append(fault)
    found += [_mistyped(document, model, group) for group in mistyped.values()]
    return found


def _other_member(fault: Fault, faults: Sequence[Fault]) -> bool:
    """Whether a mapping was meant for another member of the union, which has its own faults."""
    around = fault["loc"][:-1]
    return isinstance(fault["input"], dict) and any(
        other["loc"][: len(around)] == around and len(other["loc"]) > len(fault["loc"])
        for other in faults
    )


def _text_will_do(document: Document, model: type[BaseModel], loc: Steps) -> bool:
    """Whether a mapping has a short form: a target, an effect, one text in all languages."""
    found = _models_at(model, loc)
    if AfterDelay in found:
        way = steps(document.root, loc)
        return "delay" not in loc and isinstance(way[-1][1], str)
    return any(kind in found for kind in (Transition, Invocation, Texts))


def _mistyped(document: Document, model: type[BaseModel], faults: Sequence[Fault]) -> Problem:
    kinds = {fault["type"] for fault in faults}
    wanted = [words for kind, words in _WANTED.items() if kind in kinds]
    if "float_type" in kinds and "int_type" in kinds:
        wanted.remove("a whole number")
    if "model_type" in kinds and _text_will_do(document, model, faults[0]["loc"]):
        wanted.insert(0, "a text")
    wanted = list(dict.fromkeys(wanted))
    *first, last = wanted
    allowed = f"{', '.join(first)} or {last}" if first else last
    loc, raw = faults[0]["loc"], faults[0]["input"]
    names = [step for step in loc if isinstance(step, str) and step in _LENGTHS]
    elsewhere = "attempt" in loc or loc[:1] == (
        "datasets",
    )  # whose columns have names of their own
    if names and not elsewhere and type(raw) in (int, float):
        message = f"Expected a duration, found {describe(raw)} without a unit."
        hint = f"Did you mean '{raw}s'?" if isinstance(raw, int) else HOW
        return document.problem("type", loc, message, hint)
    message = f"Expected {allowed}, found {_shown(document, loc, raw)}."
    return document.problem("type", loc, message, _type_hint(raw, kinds))


def _shown(document: Document, loc: Steps, raw: Any) -> str:
    if document.hides(loc) and not isinstance(raw, (dict, list, type(None))):
        return "a value of another kind"
    return describe(raw)


def _type_hint(raw: Any, kinds: set[str]) -> str:
    if raw is None and kinds & {"model_type", "dict_type"}:
        return "Write {} for an empty one, or delete the key."
    if raw is None:
        return "Write a value, or delete the key."
    if kinds == {"bool_type"} and isinstance(raw, str):
        word = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(raw.lower())
        return f"Write {word}." if word else "Write true or false, without quotes."
    if kinds == {"string_type"} and not isinstance(raw, (dict, list)):
        return "Put quotes around it."
    return ""


def _problem(document: Document, model: type[BaseModel], fault: Fault) -> Problem:
    kind, loc = fault["type"], fault["loc"]
    if kind == "extra_forbidden":
        if re.search(r"[()'\"]", str(loc[-1])):
            hint = "Between { and }, put quotes around an expression that holds a comma."
        else:
            hint = did_you_mean(str(loc[-1]), keys_at(model, loc[:-1]))
        return document.problem("unknown-key", loc, f"Unknown key '{loc[-1]}'.", hint, key=True)
    if kind == "missing":
        hint = _description(model, loc)
        message = f"The key '{loc[-1]}' is missing."
        return document.problem("missing-key", loc[:-1], message, hint, key=True)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        hint = did_you_mean(str(fault["input"]), allowed)
        message = f"Found {_shown(document, loc, fault['input'])}."
        return document.problem("choice", loc, message, hint)
    if kind == "value_error":
        reason = str(fault["ctx"]["error"])
        message = f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
        return document.problem("value", loc, message)
    if kind in _LIMITS:
        words, limit = _LIMITS[kind]
        wanted = f"Expected {words} {fault['ctx'][limit]}"
    else:
        wanted = fault["msg"].replace("Input should be", "Expected")
    return document.problem(
        "value", loc, f"{wanted}, found {_shown(document, loc, fault['input'])}."
    )


def keys_at(model: type[BaseModel], loc: Steps) -> list[str]:
    """The keys that a mapping at ``loc`` may have."""
    return [
        info.alias or name
        for found in _models_at(model, loc)
        for name, info in found.model_fields.items()
    ]


def _description(model: type[BaseModel], loc: Steps) -> str:
    descriptions = (
        info.description or ""
        for found in _models_at(model, loc[:-1])
        for name, info in found.model_fields.items()
        if loc[-1] == (info.alias or name)
    )
    return next(descriptions, "")


def _models_at(model: type[BaseModel], loc: Steps) -> list[type[BaseModel]]:
    """The models that a mapping at ``loc`` may be."""
    current: list[Any] = [model]
    for step in loc:
        current = [inner for kind in current for inner in _inside(kind, step)]
    return [kind for outer in current for kind in _members(outer) if _is_model(kind)]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _members(kind: Any) -> Iterator[Any]:
    """The types behind Annotated and unions."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _members(get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(kind):
            yield from _members(member)
    else:
        yield kind


def _inside(kind: Any, step: str | int) -> list[Any]:
    members = list(_members(kind))
    found = []
    for member in members:
        origin, arguments = get_origin(member), get_args(member)
        if origin in (tuple, list) and isinstance(step, int):
            found.append(arguments[0])
        elif origin is dict:
            found.append(arguments[1])
        elif _is_model(member):
            found += [
                info.annotation
                for name, info in member.model_fields.items()
                if step == (info.alias or name)
            ]
    # A step that no member knows is the name that pydantic gives to a member of the union.
    return found or [member for member in members if _is_model(member)]
