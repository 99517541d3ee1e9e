"""What a machine may name: effects with their arguments and answers, and events with their data.

The definition knows no effect itself. Whoever reads a machine passes the vocabulary in, so
that the check, the schema and the reference page speak of the effects that really exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Type = Literal["integer", "number", "boolean", "text", "duration"]
"""The types of the language. A duration is a float of seconds once it is read."""

Value = int | float | bool | str

REASONS = (
    "timeout",
    "unreachable",
    "unauthorized",
    "server_error",
    "bad_reply",
    "local_error",
)
"""Why an effect failed: every failure is one of these six."""


@dataclass(frozen=True, slots=True)
class Field:
    """A named value that an event carries or an effect takes.

    ``choices`` lists the only texts allowed; ``required`` speaks of arguments only.
    """

    type: Type
    about: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class EffectSignature:
    """What an effect takes and what it can answer.

    Its answers are ``<name>.ok`` with ``ok`` as data, ``<name>.rejected`` with ``code`` and
    ``message`` (only where ``can_be_rejected``), and ``<name>.failed.<reason>`` with
    ``reason``, ``message`` and ``retry_after`` (seconds; 0 when the server named none).
    """

    name: str
    about: str
    arguments: Mapping[str, Field] = field(default_factory=dict)
    ok: Mapping[str, Field] = field(default_factory=dict)
    can_be_rejected: bool = True

    def answers(self) -> dict[str, Mapping[str, Field]]:
        """Every event that this effect can answer with, and the data that it carries."""
        answers: dict[str, Mapping[str, Field]] = {f"{self.name}.ok": self.ok}
        if self.can_be_rejected:
            answers[f"{self.name}.rejected"] = REJECTED
        answers.update({f"{self.name}.failed.{reason}": FAILED for reason in REASONS})
        return answers


REJECTED: Mapping[str, Field] = {
    "code": Field("text", "the server's code for the refusal"),
    "message": Field("text", "the server's words"),
}
FAILED: Mapping[str, Field] = {
    "reason": Field("text", "why it failed", choices=REASONS),
    "message": Field("text", "what happened, in a sentence"),
    "retry_after": Field("number", "seconds that the server asks us to wait; 0 when it does not"),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The effects and events that a machine may name, besides those that it declares itself."""

    effects: Mapping[str, EffectSignature] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, Field]] = field(default_factory=dict)
