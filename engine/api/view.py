"""What all parts of an answer have in common."""

from pydantic import BaseModel, ConfigDict

MOMENT = "2026-03-14T09:26:53.589000Z"
"""The moment that examples show."""


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
