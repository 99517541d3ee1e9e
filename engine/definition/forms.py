"""What every mapping of a file has in common, and the short forms that a file may use.

A short form is brought to the long one by a validator; ``json_schema_input_type`` beside it
tells an editor what a file may hold.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from engine.definition.values import DELAY_PATTERN

Scalar = int | float | bool | str


class Part(BaseModel):
    """A mapping of the file. Unknown keys are refused; nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def one_of(*keys: str) -> ConfigDict:
    """Of a mapping, for its schema: exactly one of these keys is there."""
    return ConfigDict(json_schema_extra={"oneOf": [{"required": [key]} for key in keys]})


def as_list(raw: Any) -> Any:
    """One thing is a list of one."""
    return raw if raw is None or isinstance(raw, (list, tuple)) else (raw,)


def as_tuple(raw: Any) -> Any:
    """YAML gives lists, the frozen models hold tuples."""
    return tuple(raw) if isinstance(raw, list) else raw


class Texts(Part):
    """A text in the languages of the shop."""

    en: str = Field(description="The text in English.", examples=["Online"])
    fr: str = Field(description="The text in French.", examples=["En ligne"])


def _both_languages(raw: Any) -> Any:
    return {"en": raw, "fr": raw} if isinstance(raw, str) else raw


Label = Annotated[Texts, BeforeValidator(_both_languages, json_schema_input_type=str | Texts)]


def one_or_many(item: Any) -> BeforeValidator:
    """Of a tuple: the file may have one item in place of a list."""
    return BeforeValidator(
        lambda raw: as_tuple(as_list(raw)), json_schema_input_type=item | tuple[item, ...]
    )


Names = Annotated[tuple[str, ...], one_or_many(str)]
DelayText = Annotated[str, WithJsonSchema({"type": "string", "pattern": DELAY_PATTERN})]
"""A duration, or the name of a parameter."""
EffectName = Annotated[str, WithJsonSchema({"type": "string", "x-names": "effects"})]
EventName = Annotated[str, WithJsonSchema({"type": "string", "x-names": "events"})]
"""Names that whoever makes the schema knows; a file may have others, of which the check tells."""
EffectNames = Annotated[tuple[EffectName, ...], one_or_many(EffectName)]
