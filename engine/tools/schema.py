"""``tillwire schema``: JSON Schema for editors, made from the models that read the files.

Draft 7, which every version of the YAML language server and of its kin understands. A schema
knows the shape of a file; what its names mean, ``tillwire check`` knows.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from engine.definition.events import descriptors_of
from engine.definition.machine import load_machine
from engine.definition.model import Parameter
from engine.definition.values import DELAY_PATTERN, HOW, PATTERN, format_duration
from engine.definition.vocabulary import Vocabulary
from engine.effects.table import VOCABULARY
from engine.server.secret import SECRET_PATTERN
from engine.shipped import shipped_machine

PRINTED, NOT_WRITTEN = 0, 1
DRAFT = "http://json-schema.org/draft-07/schema#"
FOLDER = "schemas"
"""Where files look for their schema: a folder beside them."""


class Kind(NamedTuple):
    """A kind of file: its title, and the module and name of its model."""

    title: str
    module: str
    model: str

    @property
    def part(self) -> type[BaseModel]:
        """The model; only the kinds that are asked for are imported."""
        found: type[BaseModel] = getattr(import_module(self.module), self.model)
        return found


KINDS: Mapping[str, Kind] = {
    "machine": Kind("Machine file", "engine.definition.model", "Machine"),
    "till": Kind("till.yaml", "engine.settings", "Settings"),
    "datasets": Kind("Datasets file", "engine.catalogue.datasets", "Datasets"),
    "test": Kind("Test file", "engine.tools.testing.model", "Suite"),
    "scenario": Kind("Scenario file", "engine.tools.simulation.scenario", "Scenario"),
    "tills": Kind("tills.yaml", "engine.tools.fleet", "Fleet"),
}
"""Every kind of file by the name that ``tillwire schema`` takes. A new kind is a line here."""


def schema(kind: str) -> int:
    """Print the schema of a kind; returns the exit code."""
    sys.stdout.write(as_text(kind))
    return PRINTED


def schemas(folder: Path) -> int:
    """Write the schemas of all kinds into a folder and say so; returns the exit code."""
    try:
        paths = write(folder)
    except OSError as error:
        where = error.filename or folder
        sys.stderr.write(f"{where} cannot be written: {error.strerror or error}.\n")
        return NOT_WRITTEN
    for path in paths:
        sys.stdout.write(f"Wrote {path}.\n")
    name = folder.name if folder.name == FOLDER else str(folder)
    sys.stdout.write(
        "The first line of a file beside that folder names its schema:\n"
        f"# yaml-language-server: $schema={name}/{file_name('machine')}\n"
    )
    return PRINTED


def file_name(kind: str) -> str:
    """The name of the file that holds a kind's schema."""
    return f"{kind}.schema.json"


def modeline(kind: str) -> str:
    """The comment by which a file names its schema to an editor."""
    return f"# yaml-language-server: $schema={FOLDER}/{file_name(kind)}"


def schema_of(kind: str, vocabulary: Vocabulary = VOCABULARY) -> dict[str, Any]:
    """The JSON Schema of a kind of file; effects and events are those of the vocabulary."""
    made = KINDS[kind].part.model_json_schema(
        ref_template="#/definitions/{model}", schema_generator=_Generator
    )
    made["definitions"] = made.pop("$defs")
    head = {"$schema": DRAFT, "title": f"tillwire: {KINDS[kind].title}"}
    tidy = {**head, **_Tidy(vocabulary).schema(made)}
    if kind == "till":
        _explain_parameters(tidy["properties"]["parameters"])
    return tidy


def _explain_parameters(part: dict[str, Any]) -> None:
    """Tell of the parameters of the machine that comes with the program; others may be set too."""
    declared = load_machine(shipped_machine(), VOCABULARY).model.parameters
    part["properties"] = {
        name: {**part["additionalProperties"], "description": _about(parameter)}
        for name, parameter in declared.items()
    }


def _about(parameter: Parameter) -> str:
    label = f"{parameter.label.fr} ({parameter.label.en}). " if parameter.label else ""
    ends = (parameter.min, parameter.max)
    limits = " From {} to {}.".format(*ends) if None not in ends else ""
    default = str(parameter.default)
    shown = default.lower() if isinstance(parameter.default, bool) else default
    return f"{label}{parameter.about}{limits} Empty: {shown}."


def as_text(kind: str) -> str:
    """A kind's schema as its file has it."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path, kinds: Sequence[str] = tuple(KINDS)) -> list[Path]:
    """Write the schemas of some kinds into a folder, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / file_name(kind) for kind in kinds]
    for kind, path in zip(kinds, paths, strict=True):
        path.write_text(as_text(kind), encoding="utf-8", newline="\n")
    return paths


class _Generator(GenerateJsonSchema):
    """Pydantic's own, with durations as a file writes them."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """The schema of a model; what a duration may be at least and at most is said of it."""
        made = super().model_schema(schema)
        cls = schema["cls"]
        for name, info in cls.model_fields.items():
            found = made["properties"][info.alias or name]
            if info.description:  # pydantic leaves one out that the model has as well
                found["description"] = info.description
            if found.get("pattern") == PATTERN:
                found["description"] = " ".join([info.description or "", *_limits(info)]).strip()
                if isinstance(found.get("default"), float):
                    found["default"] = format_duration(found["default"])
            elif isinstance(info.default, BaseModel) or found.get("type") == "string":
                # A value as the program has it, where a file writes it in another way.
                if not isinstance(found.get("default"), str):
                    found.pop("default", None)
            elif found.get("type") == "object" and info.default_factory is not None:
                found.setdefault("default", info.get_default(call_default_factory=True))
        return made


def _limits(info: Any) -> list[str]:
    words = {"ge": "At least", "le": "At most", "gt": "More than", "lt": "Less than"}
    return [
        f"{said} {format_duration(getattr(each, limit))}."
        for each in info.metadata
        for limit, said in words.items()
        if hasattr(each, limit)
    ]


class _Tidy:
    """Makes draft 7 of what pydantic gives, shorter, and with the names of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        answers = [answer for each in vocabulary.effects.values() for answer in each.answers()]
        self._names: dict[str, dict[str, Any]] = {
            "effects": {"enum": sorted(vocabulary.effects)},
            "events": {
                "anyOf": [
                    {"enum": sorted({*vocabulary.events, *descriptors_of(answers)})},
                    {"type": "string"},
                ]
            },
        }

    def schema(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """One schema, with those inside it."""
        left = dict(raw)
        left.pop("title", None)
        if left.get("default", "") is None:
            del left["default"]
        if "description" in left:
            left["description"] = _prose(left["description"])
        if names := left.pop("x-names", None):
            left.pop("type", None)
            left.update(self._names[names])
        if "pattern" in left:
            left["patternErrorMessage"] = _MISFITS.get(left["pattern"], "")
        if "$ref" in left and len(left) > 1:
            # Beside a $ref nothing else counts in draft 7.
            left = {"allOf": [{"$ref": left.pop("$ref")}], **left}
        if patterns := left.pop("patternProperties", None):
            ((pattern, left["additionalProperties"]),) = patterns.items()
            left["propertyNames"] = {"pattern": pattern}
        inside = {key: self._inside(key, value) for key, value in left.items()}
        return _joined({key: value for key, value in inside.items() if value != ""})

    def _inside(self, key: str, value: Any) -> Any:
        if key in ("properties", "definitions"):
            return {name: self.schema(each) for name, each in value.items()}
        if key in ("anyOf", "oneOf", "allOf"):
            return [self.schema(each) for each in value]
        if key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
            return self.schema(value)
        return value


_MISFITS = {
    PATTERN: HOW,
    DELAY_PATTERN: f"{HOW} The name of a parameter will do too.",
    SECRET_PATTERN: "A secret is written ${env:NAME} or ${file:path}.",
}
"""What an editor says of a text that does not fit its pattern."""


def _prose(text: str) -> str:
    """A description in one piece, its code in single backquotes."""
    return " ".join(text.replace("``", "`").split())


def _joined(schema: dict[str, Any]) -> dict[str, Any]:
    """One list of types in place of a choice between bare types."""
    choices = schema.get("anyOf", [])
    if not choices or not all(each.keys() == {"type"} for each in choices):
        return schema
    types = [each["type"] for each in choices]
    if "number" in types and "integer" in types:
        types.remove("integer")
    del schema["anyOf"]
    return {"type": types, **schema}
