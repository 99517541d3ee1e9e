"""The ``log:`` mapping of till.yaml: where log lines go, and which."""

from typing import Literal

from pydantic import Field

from engine.definition.model import Part


class Log(Part):
    """The log lines."""

    format: Literal["auto", "text", "json"] = Field(
        "auto", description="text for people, json for machines; auto: text on a terminal."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least important lines still written."
    )
    file: str | None = Field(
        None,
        min_length=1,
        description="The file that lines go to, relative to till.yaml. None: standard error.",
        examples=["logs/tillwire.log"],
    )
    megabytes: int = Field(
        50,
        ge=1,
        le=100_000,
        description="What the file and its older ones may take of the disk together.",
    )
