"""The reference page: every key of every kind of file, and what a machine may name.

It is made from the same schemas that editors get, so from the models that read the files.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from engine.definition.values import DELAY_PATTERN, PATTERN
from engine.definition.vocabulary import FAILED, REJECTED, Field
from engine.effects.table import VOCABULARY
from engine.server.secret import SECRET_PATTERN
from engine.tools.schema import KINDS, PRINTED, schema_of

Schema = Mapping[str, Any]

_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "nothing",
    "object": "mapping",
    "array": "list",
}
_PATTERNS = {
    PATTERN: "duration",
    DELAY_PATTERN: "duration or parameter",
    SECRET_PATTERN: "`${env:NAME}` or `${file:path}`",
}
_HEAD = """# Reference

Every key of the files that tillwire reads, made from the models that read them: `tillwire schema \
--reference` prints this page. [language.md](language.md) tells how a machine is written, \
[operating.md](operating.md) how a till is run, [catalogue.md](catalogue.md) what datasets are.

A key may be left out, unless it is *needed*. The types are told in \
[language.md](language.md#how-values-are-written).

An editor with the YAML language server (VS Code with its YAML extension, say) shows all of this \
while you type, and marks what does not fit. `tillwire init` sets it up for a till.yaml. For other \
files write the schemas into a folder beside them:

```console
$ tillwire schema --write schemas
```

and name the one that fits in the first line of the file, for a machine \
`# yaml-language-server: $schema=schemas/machine.schema.json`.
"""


def reference() -> int:
    """Print the page; returns the exit code."""
    sys.stdout.write(page())
    return PRINTED


def page() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for name, kind in KINDS.items():
        parts += [f"## {kind.title}\n", *_kind(name, schema_of(name))]
    return "\n".join([*parts, *_effects(), *_events()]).rstrip() + "\n"


def _kind(kind: str, schema: Schema) -> Iterator[str]:
    """The sections of a kind, in the order in which its keys lead to them."""
    definitions: Schema = schema["definitions"]
    yield f"{schema['description']}\n"
    yield from _table(kind, schema)
    users = _users(schema)
    for name in _order(schema):
        found = definitions[name]
        if "properties" not in found:
            continue
        yield f"### {kind.capitalize()}: {_heading(name).lower()}\n"
        places = [
            f"{', '.join(f'`{key}`' for key in keys)} {_whose(kind, owner)}"
            for owner, keys in users[name].items()
        ]
        yield f"{found.get('description', '')} Stands under {'; '.join(places)}.\n"
        yield from _table(kind, found)


def _whose(kind: str, owner: str) -> str:
    return f"of [{_heading(owner)}](#{_anchor(kind, owner)})" if owner else "of the file"


def _anchor(kind: str, name: str) -> str:
    """The part of an address by which a section's heading is found."""
    return f"{kind}-{_heading(name).lower().replace(' ', '-')}"


def _heading(name: str) -> str:
    """The name of a model as people read it: ``every delay`` for ``EveryDelay``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Settings"))
    return words[:1] + words[1:].lower()


def _order(schema: Schema) -> list[str]:
    """The definitions as they are first met, reading from the top."""
    found: list[str] = []
    waiting = [schema]
    while waiting:
        for name in _named(waiting.pop(0).get("properties", {})):
            if name not in found:
                found.append(name)
                waiting.append(schema["definitions"][name])
    return found


def _users(schema: Schema) -> dict[str, dict[str, list[str]]]:
    """Who has a key that leads to a definition, and which; the file itself is ''."""
    users: dict[str, dict[str, list[str]]] = {}
    for owner in ("", *_order(schema)):
        part = schema["definitions"][owner] if owner else schema
        for key, value in part.get("properties", {}).items():
            for name in dict.fromkeys(_named(value)):
                users.setdefault(name, {}).setdefault(owner, []).append(key)
    return users


def _named(part: Any) -> Iterator[str]:
    """The definitions that a piece of a schema refers to."""
    if isinstance(part, Mapping):
        if "$ref" in part:
            yield str(part["$ref"]).rpartition("/")[2]
        for key, value in part.items():
            if key not in ("examples", "default"):
                yield from _named(value)
    elif isinstance(part, list):
        for each in part:
            yield from _named(each)


def _table(kind: str, part: Schema) -> Iterator[str]:
    yield "| key | takes | default | meaning | example |\n|---|---|---|---|---|"
    needed = part.get("required", ())
    for key, value in part["properties"].items():
        default = "*needed*" if key in needed else _code(value.get("default"))
        meaning = value.get("description", "")
        example = example_of(value)
        shown = "" if example is None else f"`{written(key, example)}`"
        cells = (f"`{key}`", takes(kind, value), default, meaning, shown)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def takes(kind: str, part: Schema) -> str:
    """What a key takes, in words."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{_heading(name).lower()}](#{_anchor(kind, name)})"
    for several in ("allOf", "anyOf"):
        if several in part:
            inner = [each for each in part[several] if each != {"type": "null"}]
            if {"type": "string"} in inner and any("enum" in each for each in inner):
                return "event"
            return _either(dict.fromkeys(takes(kind, each) for each in inner))
    if "enum" in part:
        if part["enum"] == sorted(VOCABULARY.effects):
            return "[effect](#effects)"
        return ", ".join(_code(each) for each in part["enum"])
    if "pattern" in part:
        return _PATTERNS[part["pattern"]]
    if part.get("type") == "array":
        return f"list of {takes(kind, part.get('items', {}))}"
    if isinstance(part.get("additionalProperties"), Mapping):
        return f"mapping to {takes(kind, part['additionalProperties'])}"
    return _plain(part)


def _either(kinds: Iterable[str]) -> str:
    """One of some kinds; a list of the same is not told twice."""
    *single, last = kinds
    alone = " or ".join(single)
    return f"{alone}, or a list" if last == f"list of {alone}" else " or ".join((*single, last))


def _plain(part: Schema) -> str:
    types = part.get("type", [])
    several = [types] if isinstance(types, str) else types
    words = " or ".join(_TYPES[each] for each in several if each != "null")
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None and high is not None and high < 2**53:
        return f"{words}, {low} to {high}"
    return words if low is None else f"{words}, at least {low}"


def example_of(part: Schema) -> Any:
    """A value that a key may have: the model's example, else what differs from the default."""
    default = part.get("default")
    if part.get("examples"):
        return part["examples"][0]
    if part.get("type") == "boolean":
        return not default
    if "enum" in part:
        return next((each for each in part["enum"] if each != default), default)
    return None if default in ("", [], {}) else default


def written(key: str, value: Any) -> str:
    """A key and its value on one line of YAML."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False
    )
    shown = text.removesuffix("...\n").strip().replace("'on':", "on:")
    return f"{key}: {shown}" if key else shown


def _code(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    return f"`{written('', value)}`"


def _effects() -> Iterator[str]:
    yield "## Effects\n"
    yield (
        "What a machine may `start`, `invoke` and `cancel`. Each answers with one event: its name "
        "and `.ok`, `.rejected` where the server can refuse it, or `.failed.` and the reason.\n"
    )
    yield "| effect | meaning | takes | `ok` carries | can be rejected |\n|---|---|---|---|---|"
    for name, effect in VOCABULARY.effects.items():
        told = (_fields(effect.arguments), _fields(effect.ok))
        rejected = "yes" if effect.can_be_rejected else "no"
        yield f"| `{name}` | {effect.about} | {told[0]} | {told[1]} | {rejected} |"
    yield f"\n`rejected` carries {_fields(REJECTED)}. `failed` carries {_fields(FAILED)}.\n"


def _events() -> Iterator[str]:
    yield "## Events\n"
    yield (
        "What comes from outside. A machine hears besides these the answers of effects, `done.` "
        "with the name of a state, what it raises itself, and what it declares under `events`.\n"
    )
    yield "| event | carries |\n|---|---|"
    for name, fields in VOCABULARY.events.items():
        yield f"| `{name}` | {_fields(fields)} |"


def _fields(fields: Mapping[str, Field]) -> str:
    return "; ".join(_field(name, field) for name, field in fields.items())


def _field(name: str, field: Field) -> str:
    choices: Sequence[str] = [f"`{each}`" for each in field.choices]
    kind = f"one of {', '.join(choices)}" if choices else field.type
    needed = ", needed" if field.required else ""
    about = f": {field.about}" if field.about else ""
    return f"`{name}` ({kind}{needed}){about}"
