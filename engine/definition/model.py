"""The language: what a machine file may say, as frozen models.

One key, one field: the JSON Schema, the reference page and the readers' messages are all made
from the descriptions below. Short forms (``event: target``, one action in place of a list) are
brought to the long form here, so that everything after this file knows one shape only.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from engine.definition.vocabulary import Type

Scalar = int | float | bool | str


class Part(BaseModel):
    """A mapping of the file. Unknown keys are refused; nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def as_list(raw: Any) -> Any:
    """One thing is a list of one."""
    return raw if raw is None or isinstance(raw, (list, tuple)) else (raw,)


def as_tuple(raw: Any) -> Any:
    """YAML gives lists, the frozen models hold tuples."""
    return tuple(raw) if isinstance(raw, list) else raw


class Texts(Part):
    """A text in the languages of the shop."""

    en: str
    fr: str


def _both_languages(raw: Any) -> Any:
    return {"en": raw, "fr": raw} if isinstance(raw, str) else raw


Label = Annotated[Texts, BeforeValidator(_both_languages)]


class Parameter(Part):
    """A value that an integrator may tune, per machine or per till."""

    default: Scalar = Field(
        description="The value when till.yaml gives none: a duration (`30s`), a whole number, a "
        "number, true or false, a text, or the name of another parameter to follow."
    )
    min: Scalar | None = Field(None, description="The smallest value allowed.")
    max: Scalar | None = Field(None, description="The largest value allowed.")
    about: str = Field(description="What it does, in one sentence.")
    label: Label | None = Field(None, description="What people call it, in English and French.")


class Variable(Part):
    """A small bounded variable of the machine's context."""

    initial: int | bool | str = Field(description="The value of a new till.")
    min: int = Field(0, description="The smallest whole number; an assignment stops there.")
    max: int | None = Field(
        None, description="The largest whole number; an assignment stops there. Needed for numbers."
    )
    values: Annotated[tuple[str, ...] | None, BeforeValidator(as_tuple)] = Field(
        None, description="The texts allowed. Needed for texts."
    )
    about: str = Field("", description="What it counts or remembers.")


class EventDeclaration(Part):
    """An event of the machine's own, posted by the till program or by a person."""

    about: str = Field("", description="When it comes.")
    data: dict[str, Type] = Field(
        default_factory=dict, description="The names and types of what it carries."
    )


class Backoff(Part):
    """A delay that grows: min(max, base * factor ** attempt), then jitter on top.

    The jitter adds between nothing and ``jitter`` times that delay, never takes away: the
    wait is a promise to a server that is down.
    """

    base: str = Field(description="The first delay: a duration or a parameter.")
    factor: float | str = Field(2.0, description="By how much each attempt multiplies it.")
    max: str = Field(description="The longest delay before jitter: a duration or a parameter.")
    jitter: float | str = Field(0.0, description="The largest part added by chance, 0 to 1.")
    attempt: str = Field(description="An expression: how many attempts have failed before.")


Delay = str | Backoff
OnRestart = Literal["resume", "restart", "expire"]


class Action(Part):
    """One thing to do. Exactly one of start, assign, raise, cancel and log."""

    start: str | None = Field(None, description="The effect to start.")
    assign: dict[str, Scalar] | None = Field(
        None, description="Context variables and the expressions that give their new values."
    )
    raise_: str | None = Field(None, alias="raise", description="An event to handle at once.")
    cancel: str | None = Field(None, description="The effect whose running call to drop.")
    log: str | None = Field(None, description="A line for the log.")
    with_: dict[str, Scalar] | None = Field(
        None, alias="with", description="Arguments for start, data for raise: expressions."
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


VERBS = ("start", "assign", "raise", "cancel", "log")
ATTRIBUTES = {"raise": "raise_", "with": "with_"}


Actions = Annotated[tuple[Action, ...], BeforeValidator(lambda raw: as_tuple(as_list(raw)))]


class Transition(Part):
    """Where an event leads."""

    target: str | None = Field(None, description="The state to enter; none: stay.")
    guard: str | bool | None = Field(None, description="An expression that must hold.")
    actions: Actions = Field((), description="What to do on the way.")
    reenter: bool = Field(
        False, description="Leave and enter the declaring state even for a target inside it."
    )


def _transitions(raw: Any) -> Any:
    if isinstance(raw, str):
        return ({"target": raw},)
    if isinstance(raw, list):
        return tuple({"target": item} if isinstance(item, str) else item for item in raw)
    return as_list(raw)


Transitions = Annotated[tuple[Transition, ...], BeforeValidator(_transitions)]


class AfterDelay(Transition):
    """A transition taken when a state has lasted for a delay."""

    delay: Delay = Field(description="How long: a duration, a parameter or a backoff.")
    on_restart: OnRestart = Field(
        "resume", description="What a restart of the process does to the time that has passed."
    )


class EveryDelay(Part):
    """Actions repeated as long as a state lasts."""

    delay: Delay = Field(description="How often: a duration, a parameter or a backoff.")
    actions: Actions = Field(description="What to do each time.")
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

    effect: str = Field(description="The effect to start when the state is entered.")
    with_: dict[str, Scalar] | None = Field(
        None, alias="with", description="Its arguments: expressions."
    )


def _invocations(raw: Any) -> Any:
    many = as_list(raw)
    if many is None:
        return many
    return tuple({"effect": item} if isinstance(item, str) else item for item in many)


class State(Part):
    """A state: simple, compound (it has states), parallel, history or final."""

    label: Label | None = Field(None, description="What the cashier reads.")
    code: int | None = Field(None, ge=0, description="The state's number on dashboards.")
    about: str = Field("", description="What it means, in one sentence.")
    offline: bool = Field(
        False,
        description="The central server counts as not there: the journal records how long.",
    )
    initial: str | None = Field(None, description="The state inside that is entered first.")
    parallel: bool = Field(False, description="All states inside are active at once.")
    final: bool = Field(False, description="The enclosing state is done.")
    history: Literal["shallow", "deep"] | None = Field(
        None, description="Not a state to be in: it leads back to where one was."
    )
    target: str | None = Field(
        None, description="Of a history: where it leads when there is nothing to go back to."
    )
    entry: Actions = Field((), description="What to do when it is entered.")
    exit: Actions = Field((), description="What to do when it is left.")
    on: dict[str, Transitions] = Field(
        default_factory=dict, description="Events and where they lead."
    )
    after: Annotated[tuple[AfterDelay, ...], BeforeValidator(_after)] = Field(
        (), description="Delays and where they lead."
    )
    every: Annotated[tuple[EveryDelay, ...], BeforeValidator(_every)] = Field(
        (), description="Delays and what to do each time."
    )
    always: Transitions = Field((), description="Transitions taken as soon as their guard holds.")
    invoke: Annotated[tuple[Invocation, ...], BeforeValidator(_invocations)] = Field(
        (), description="Effects that run as long as the state lasts."
    )
    states: dict[str, "State"] = Field(default_factory=dict, description="The states inside.")


class Condition(Part):
    """A situation of one till: everything named in it holds at once."""

    active: Annotated[tuple[str, ...], BeforeValidator(lambda raw: as_tuple(as_list(raw)))] = Field(
        (), description="States that are active."
    )
    starts: Annotated[tuple[str, ...], BeforeValidator(lambda raw: as_tuple(as_list(raw)))] = Field(
        (), description="Effects, one of which is being started."
    )
    running: Annotated[tuple[str, ...], BeforeValidator(lambda raw: as_tuple(as_list(raw)))] = (
        Field((), description="Effects that are running.")
    )
    guard: str | None = Field(None, description="An expression over context and parameters.")


class Invariant(Part):
    """What must hold in every situation that the machine can get into."""

    about: str = Field(description="What it protects, in one sentence.")
    never: Condition | None = Field(None, description="This must never be.")
    eventually: Condition | None = Field(
        None, description="From everywhere, this can be reached when the server answers."
    )
    unless: Condition | None = Field(
        None, description="Where 'eventually' need not hold: a till that a person holds, say."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Invariant":
        if (self.never is None) == (self.eventually is None):
            raise ValueError("an invariant has either 'never' or 'eventually'")
        if self.unless is not None and self.eventually is None:
            raise ValueError("'unless' goes with 'eventually'")
        if self.unless is not None and self.unless.starts:
            raise ValueError("'unless' says where a till is, not what a step starts")
        return self


class Machine(Part):
    """A machine file."""

    machine: str = Field(description="The machine's name.")
    about: str = Field("", description="What it looks after, in one sentence.")
    parameters: dict[str, Parameter] = Field(default_factory=dict, description="The tunables.")
    context: dict[str, Variable] = Field(
        default_factory=dict, description="Small bounded variables."
    )
    events: dict[str, EventDeclaration] = Field(
        default_factory=dict, description="Events of the machine's own."
    )
    initial: str | None = Field(None, description="The state that a new till enters first.")
    parallel: bool = Field(False, description="All top states are active at once.")
    on: dict[str, Transitions] = Field(
        default_factory=dict, description="Events handled in every state."
    )
    states: dict[str, State] = Field(description="The states.")
    invariants: tuple[Invariant, ...] = Field((), description="What must always hold.")
    renames: dict[str, str] = Field(
        default_factory=dict, description="Old state names and the states that took their place."
    )

    @model_validator(mode="before")
    @classmethod
    def _tuples(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("invariants"), list):
            return {**raw, "invariants": tuple(raw["invariants"])}
        return raw
