"""What a machine does and where it goes: actions, transitions, delays, effects of a state."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from engine.definition.forms import (
    DelayText,
    EffectName,
    EventName,
    Part,
    Scalar,
    as_list,
    as_tuple,
    one_of,
    one_or_many,
)


class Backoff(Part):
    """A delay that grows: min(max, base * factor ** attempt), then jitter on top.

    The jitter adds between nothing and ``jitter`` times that delay, never takes away: the
    wait is a promise to a server that is down.
    """

    base: DelayText = Field(
        description="The first delay: a duration or a parameter.", examples=["message_retry_wait"]
    )
    factor: float | str = Field(2.0, description="By how much each attempt multiplies it.")
    max: DelayText = Field(
        description="The longest delay before jitter: a duration or a parameter.",
        examples=["10min"],
    )
    jitter: float | str = Field(0.0, description="The largest part added by chance, 0 to 1.")
    attempt: str = Field(
        description="An expression: how many attempts have failed before.", examples=["probes"]
    )


Delay = DelayText | Backoff
OnRestart = Literal["resume", "restart", "expire"]


VERBS = ("start", "assign", "raise", "cancel", "log")
ATTRIBUTES = {"raise": "raise_", "with": "with_"}


class Action(Part):
    """One thing to do. Exactly one of start, assign, raise, cancel and log."""

    model_config = one_of(*VERBS)

    start: EffectName | None = Field(None, description="The effect to start.", examples=["ping"])
    assign: dict[str, Scalar] | None = Field(
        None,
        description="Context variables and the expressions that give their new values.",
        examples=[{"failures": "failures + 1"}],
    )
    raise_: EventName | None = Field(
        None, alias="raise", description="An event to handle at once.", examples=["tickets.due"]
    )
    cancel: EffectName | None = Field(
        None, description="The effect whose running call to drop.", examples=["ping"]
    )
    log: str | None = Field(
        None, description="A line for the log.", examples=["the server refused"]
    )
    with_: dict[str, Scalar] | None = Field(
        None,
        alias="with",
        description="Arguments for start, data for raise: expressions.",
        examples=[{"timeout": "ping_timeout"}],
    )

    @model_validator(mode="after")
    def _one_verb(self) -> "Action":
        verbs = [verb for verb in VERBS if getattr(self, ATTRIBUTES.get(verb, verb)) is not None]
        if len(verbs) != 1:
            found = " and ".join(verbs) if verbs else "none"
            raise ValueError(f"an action has exactly one of {', '.join(VERBS)}; found {found}")
        if self.with_ is not None and verbs[0] not in ("start", "raise"):
            raise ValueError(f"'with' goes with start or raise, not with {verbs[0]}")
        return self


Actions = Annotated[tuple[Action, ...], one_or_many(Action)]


class Transition(Part):
    """Where an event leads."""

    target: str | None = Field(
        None, description="The state to enter; none: stay.", examples=["offline"]
    )
    guard: str | bool | None = Field(
        None, description="An expression that must hold.", examples=["failures >= 3"]
    )
    actions: Actions = Field(
        (), description="What to do on the way.", examples=[[{"raise": "link.lost"}]]
    )
    reenter: bool = Field(
        False, description="Leave and enter the declaring state even for a target inside it."
    )


def _transitions(raw: Any) -> Any:
    if isinstance(raw, str):
        return ({"target": raw},)
    if isinstance(raw, list):
        return tuple({"target": item} if isinstance(item, str) else item for item in raw)
    return as_list(raw)


Transitions = Annotated[
    tuple[Transition, ...],
    BeforeValidator(
        _transitions,
        json_schema_input_type=str | Transition | tuple[str | Transition, ...],
    ),
]


class DelayedTransition(Transition):
    """A transition taken when a state has lasted for the delay that it stands under."""

    on_restart: OnRestart = Field(
        "resume", description="What a restart of the process does to the time that has passed."
    )


class AfterDelay(DelayedTransition):
    """A transition taken when a state has lasted for a delay."""

    delay: Delay = Field(
        description="How long: a duration, a parameter or a backoff.",
        examples=["30s", "ping_interval"],
    )


class EveryDelay(Part):
    """Actions repeated as long as a state lasts."""

    delay: Delay = Field(
        description="How often: a duration, a parameter or a backoff.", examples=["ping_interval"]
    )
    actions: Actions = Field(description="What to do each time.", examples=[{"start": "ping"}])
    on_restart: OnRestart = Field(
        "resume", description="What a restart of the process does to the time that has passed."
    )


def _after(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return as_tuple(raw)
    return tuple(
        _delayed(delay, entry)
        for delay, transitions in raw.items()
        for entry in _transitions(transitions) or (None,)
    )


def _delayed(delay: Any, entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    if "delay" in entry:
        raise ValueError(f"the delay stands twice: before the ':' and in the mapping ({delay})")
    return {"delay": delay, **entry}


def _every(raw: Any) -> Any:
    if not isinstance(raw, dict):
        return as_tuple(raw)
    return tuple({"delay": delay, "actions": actions} for delay, actions in raw.items())


class Invocation(Part):
    """An effect bound to a state: leaving the state cancels it and drops its late answer."""

    effect: EffectName = Field(
        description="The effect to start when the state is entered.", examples=["send_tickets"]
    )
    with_: dict[str, Scalar] | None = Field(
        None,
        alias="with",
        description="Its arguments: expressions.",
        examples=[{"batch": "ticket_batch"}],
    )


def _invocations(raw: Any) -> Any:
    many = as_list(raw)
    if many is None:
        return many
    return tuple({"effect": item} if isinstance(item, str) else item for item in many)


_Entries = Annotated[tuple[str | DelayedTransition, ...], Field(min_length=1)]
_AfterEntry = str | DelayedTransition | _Entries
AfterDelays = Annotated[
    tuple[AfterDelay, ...],
    BeforeValidator(
        _after, json_schema_input_type=dict[DelayText, _AfterEntry] | tuple[AfterDelay, ...]
    ),
]
EveryDelays = Annotated[
    tuple[EveryDelay, ...],
    BeforeValidator(
        _every, json_schema_input_type=dict[DelayText, Actions] | tuple[EveryDelay, ...]
    ),
]
_Invoked = EffectName | Invocation
Invocations = Annotated[
    tuple[Invocation, ...],
    BeforeValidator(_invocations, json_schema_input_type=_Invoked | tuple[_Invoked, ...]),
]
