"""Durations in the sections of till.yaml that speak of servers."""

from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic.json_schema import WithJsonSchema

from engine.definition.values import PATTERN, parse_duration


def _duration(raw: Any) -> float:
    if isinstance(raw, str):
        return parse_duration(raw)
    if isinstance(raw, float):
        return raw
    raise ValueError("a duration is written with its unit: 500ms, 30s, 2min, 1h30")


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["2min"]}),
]
"""Seconds; written as a duration in the file."""
