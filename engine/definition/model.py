"""The language: what a machine file may say, as frozen models.

One key, one field: the JSON Schema, the reference page and the readers' messages are all made
from the descriptions below. Short forms (``event: target``, one action in place of a list) are
brought to the long form as they are read, so that everything after this knows one shape only.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from engine.definition.forms import (
    EffectNames,
    EventName,
    Label,
    Names,
    Part,
    Scalar,
    Texts,
    as_list,
    as_tuple,
    one_of,
)
from engine.definition.moves import (
    ATTRIBUTES,
    VERBS,
    Action,
    Actions,
    AfterDelay,
    AfterDelays,
    Backoff,
    Delay,
    EveryDelay,
    EveryDelays,
    Invocation,
    Invocations,
    OnRestart,
    Transition,
    Transitions,
)
from engine.definition.vocabulary import Type

__all__ = [
    "ATTRIBUTES",
    "VERBS",
    "Action",
    "AfterDelay",
    "Backoff",
    "Colour",
    "Condition",
    "Delay",
    "EventDeclaration",
    "EveryDelay",
    "Invariant",
    "Invocation",
    "Machine",
    "OnRestart",
    "Parameter",
    "Part",
    "Scalar",
    "State",
    "Texts",
    "Transition",
    "Variable",
    "as_list",
    "as_tuple",
    "one_of",
]


Colour = Literal["green", "blue", "yellow", "purple", "sky", "grey", "red", "orange"]
"""Names, not numbers: ``#`` begins a comment in YAML, and each has to be told from the others by
people who confuse some of them."""


class Parameter(Part):
    """A value that an integrator may tune, per machine or per till."""

    default: Scalar = Field(
        description="The value when till.yaml gives none: a duration (`30s`), a whole number, a "
        "number, true or false, a text, or the name of another parameter to follow.",
        examples=["30s"],
    )
    min: Scalar | None = Field(None, description="The smallest value allowed.", examples=["1s"])
    max: Scalar | None = Field(None, description="The largest value allowed.", examples=["1h"])
    about: str = Field(
        description="What it does, in one sentence.", examples=["How often the till pings."]
    )
    label: Label | None = Field(
        None,
        description="What people call it, in English and French.",
        examples=[{"en": "Ping timeout", "fr": "Délai du ping"}],
    )


class Variable(Part):
    """A small bounded variable of the machine's context."""

    initial: int | bool | str = Field(description="The value of a new till.", examples=[0, "good"])
    min: int = Field(0, description="The smallest whole number; an assignment stops there.")
    max: int | None = Field(
        None,
        description="The largest whole number; an assignment stops there. Needed for numbers.",
        examples=[20],
    )
    values: Annotated[tuple[str, ...] | None, BeforeValidator(as_tuple)] = Field(
        None, description="The texts allowed. Needed for texts.", examples=[["good", "slow"]]
    )
    about: str = Field(
        "", description="What it counts or remembers.", examples=["Pings in a row that failed."]
    )


class EventDeclaration(Part):
    """An event of the machine's own, posted by the till program or by a person."""

    about: str = Field("", description="When it comes.", examples=["The scales have answered."])
    data: dict[str, Type] = Field(
        default_factory=dict,
        description="The names and types of what it carries.",
        examples=[{"weight": "integer"}],
    )


class State(Part):
    """A state: simple, compound (it has states), parallel, history or final."""

    label: Label | None = Field(
        None, description="What the cashier reads.", examples=[{"en": "Online", "fr": "En ligne"}]
    )
    code: int | None = Field(
        None, ge=0, description="The state's number on dashboards.", examples=[1]
    )
    colour: Colour | None = Field(
        None,
        description="The state's colour on dashboards, beside its label; without one it gets one.",
        examples=["green"],
    )
    about: str = Field(
        "", description="What it means, in one sentence.", examples=["The server answers."]
    )
    offline: bool = Field(
        False,
        description="The central server counts as not there: the journal records how long.",
    )
    initial: str | None = Field(
        None, description="The state inside that is entered first.", examples=["degraded"]
    )
    parallel: bool = Field(False, description="All states inside are active at once.")
    final: bool = Field(False, description="The enclosing state is done.")
    history: Literal["shallow", "deep"] | None = Field(
        None,
        description="Not a state to be in: it leads back to where one was.",
        examples=["shallow"],
    )
    target: str | None = Field(
        None,
        description="Of a history: where it leads when there is nothing to go back to.",
        examples=["degraded"],
    )
    entry: Actions = Field(
        (), description="What to do when it is entered.", examples=[[{"assign": {"failures": 0}}]]
    )
    exit: Actions = Field(
        (), description="What to do when it is left.", examples=[{"cancel": "ping"}]
    )
    on: dict[EventName, Transitions] = Field(
        default_factory=dict,
        description="Events and where they lead.",
        examples=[{"ping.failed": "offline"}],
    )
    after: AfterDelays = Field(
        (), description="Delays and where they lead.", examples=[{"1min": "online"}]
    )
    every: EveryDelays = Field(
        (), description="Delays and what to do each time.", examples=[{"30s": {"start": "ping"}}]
    )
    always: Transitions = Field(
        (),
        description="Transitions taken as soon as their guard holds.",
        examples=[[{"guard": "lost", "target": "offline"}]],
    )
    invoke: Invocations = Field(
        (),
        description="Effects that run as long as the state lasts.",
        examples=[{"effect": "send_tickets"}],
    )
    states: dict[str, "State"] = Field(
        default_factory=dict, description="The states inside.", examples=[{"online": {}}]
    )


class Condition(Part):
    """A situation of one till: everything named in it holds at once."""

    active: Names = Field((), description="States that are active.", examples=["offline"])
    starts: EffectNames = Field(
        (), description="Effects, one of which is being started.", examples=[["send_tickets"]]
    )
    running: EffectNames = Field((), description="Effects that are running.", examples=["load"])
    guard: str | None = Field(
        None, description="An expression over context and parameters.", examples=["probes > 0"]
    )


class Invariant(Part):
    """What must hold in every situation that the machine can get into."""

    model_config = one_of("never", "eventually")

    about: str = Field(
        description="What it protects, in one sentence.",
        examples=["In cooldown no tickets are sent."],
    )
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

    machine: str = Field(description="The machine's name.", examples=["connection"])
    about: str = Field(
        "", description="What it looks after, in one sentence.", examples=["Looks after the link."]
    )
    parameters: dict[str, Parameter] = Field(
        default_factory=dict,
        description="The tunables.",
        examples=[{"wait": {"default": "30s", "about": "How long."}}],
    )
    context: dict[str, Variable] = Field(
        default_factory=dict,
        description="Small bounded variables.",
        examples=[{"failures": {"initial": 0, "max": 20}}],
    )
    events: dict[str, EventDeclaration] = Field(
        default_factory=dict,
        description="Events of the machine's own.",
        examples=[{"scales.ready": {"data": {"weight": "integer"}}}],
    )
    initial: str | None = Field(
        None, description="The state that a new till enters first.", examples=["online"]
    )
    parallel: bool = Field(False, description="All top states are active at once.")
    on: dict[EventName, Transitions] = Field(
        default_factory=dict,
        description="Events handled in every state.",
        examples=[{"offline.hold": "held"}],
    )
    states: dict[str, State] = Field(
        description="The states.", examples=[{"online": {"on": {"ping.failed": "offline"}}}]
    )
    invariants: tuple[Invariant, ...] = Field(
        (),
        description="What must always hold.",
        examples=[[{"about": "It comes back.", "eventually": {"active": "online"}}]],
    )
    renames: dict[str, str] = Field(
        default_factory=dict,
        description="Old state names and the states that took their place.",
        examples=[{"hors-ligne": "offline"}],
    )

    @model_validator(mode="before")
    @classmethod
    def _tuples(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and isinstance(raw.get("invariants"), list):
            return {**raw, "invariants": tuple(raw["invariants"])}
        return raw
