"""A test file as frozen models: what it may say, one key declared once."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from engine.definition.forms import DelayText, Names, Part, Scalar, as_list, as_tuple, one_of
from engine.definition.model import Condition

Values = dict[str, Scalar]


def _counts(raw: Any) -> Any:
    """A name alone, or a list of names: at least once each."""
    names = as_tuple(as_list(raw))
    named = isinstance(names, tuple) and all(isinstance(each, str) for each in names)
    return dict.fromkeys(names) if named else raw


def _answer(raw: Any) -> Any:
    return {"answer": raw} if isinstance(raw, str) else raw


def _left(raw: Any) -> Any:
    if raw == "off":
        return {"off": True}
    return {"min": raw, "max": raw} if isinstance(raw, str) else raw


Counts = Annotated[
    dict[str, int | None],
    BeforeValidator(_counts, json_schema_input_type=str | tuple[str, ...] | dict[str, int | None]),
]


class Reply(Part):
    """What every call of an effect is answered from now on. A bare text is the answer alone."""

    answer: str = Field(
        description="`ok`, `rejected`, `failed.<reason>`, or `none`: it never answers.",
        examples=["failed.timeout"],
    )
    after: DelayText | None = Field(
        None,
        description="How long it takes: 50ms without it; `failed.timeout` takes the call's own "
        "timeout.",
        examples=["3s"],
    )
    with_: Values | None = Field(
        None,
        alias="with",
        description="What it carries; what is not given is zero or empty.",
        examples=[{"message": "no route"}],
    )


Replies = dict[str, Annotated[Reply, BeforeValidator(_answer, json_schema_input_type=str | Reply)]]


class Left(Part):
    """How long a timer still runs. A bare duration is exactly that long, `off`: not at all."""

    min: DelayText | None = Field(None, description="At least so long.", examples=["58s"])
    max: DelayText | None = Field(None, description="At most so long.", examples=["1min"])
    off: bool = Field(False, description="It does not run.")


Timers = dict[str, Annotated[Left, BeforeValidator(_left, json_schema_input_type=DelayText | Left)]]


class Expect(Part):
    """What has to be so now. ``started``, ``not_started``, ``entered``, ``refused`` and
    ``logged`` speak of what happened since the expectation before, or since the beginning; an
    empty one, ``expect: {}``, is a mark from which they count."""

    active: Names = Field((), description="States that are active.", examples=["online"])
    inactive: Names = Field(
        (), description="States that are not active.", examples=["offline-cooldown"]
    )
    running: Names = Field(
        (), description="Effects that have been started and not answered.", examples=["load"]
    )
    not_running: Names = Field((), description="Effects that are not under way.", examples=["ping"])
    started: Counts = Field(
        default_factory=dict,
        description="Effects that were started: names, or names with how often.",
        examples=[{"ping": 3}],
    )
    not_started: Names = Field(
        (), description="Effects that were not started.", examples=[["send_tickets"]]
    )
    entered: Names | None = Field(
        None,
        description="Where the transitions led, in order: these and no others.",
        examples=[["syncing", "online"]],
    )
    context: Values = Field(
        default_factory=dict,
        description="Context variables and their values.",
        examples=[{"failures": 0}],
    )
    guard: str | None = Field(
        None, description="An expression over context and parameters.", examples=["probes == 2"]
    )
    timers: Timers = Field(
        default_factory=dict,
        description="Timers, named as in `every ping_interval`, and how long they still run.",
        examples=[{"every ping_interval": "30s"}],
    )
    refused: Names = Field((), description="Events that a guard refused.", examples=["tickets.due"])
    logged: Names = Field(
        (), description="Lines that were logged.", examples=["the load was refused"]
    )
    metrics: dict[str, float | int] = Field(
        default_factory=dict,
        description="Metrics as the agent's own exporter shows them: all series that have these "
        "labels, together.",
        examples=[{'tillwire_state{state="online"}': 1}],
    )


class Restart(Part):
    """The process ends and starts again."""

    away: DelayText = Field("0s", description="How long nothing runs in between.")


class Until(Condition):
    """Time passes until all of this holds."""

    within: DelayText = Field("1d", description="It has to hold before so long has passed.")


VERBS = ("event", "answer", "answers", "wait", "until", "restart", "expect")


class Entry(Part):
    """One line of a timeline. Exactly one of event, answer, answers, wait, until, restart and
    expect."""

    model_config = one_of(*VERBS)

    event: str | None = Field(
        None, description="An event of the till program or of a person.", examples=["ticket.closed"]
    )
    answer: str | None = Field(
        None,
        description="An answer, `ping.ok` say, to the oldest call that is under way.",
        examples=["ping.ok"],
    )
    to: Values | None = Field(
        None,
        description="Of an answer: arguments by which the call is known.",
        examples=[{"customer": "C42"}],
    )
    with_: Values | None = Field(
        None,
        alias="with",
        description="What an event or an answer carries; what is not given is zero or empty.",
        examples=[{"message": "no route"}],
    )
    answers: Replies | None = Field(
        None,
        description="How effects are answered from now on; `all` stands for every one.",
        examples=[{"ping": "ok"}],
    )
    wait: DelayText | None = Field(None, description="Time that passes.", examples=["30s"])
    until: Until | None = Field(
        None, description="Time passes until this holds.", examples=[{"active": "online"}]
    )
    restart: Restart | None = Field(
        None, description="The process ends and starts again.", examples=[{"away": "10min"}]
    )
    expect: Expect | None = Field(
        None, description="What has to be so now.", examples=[{"active": "online"}]
    )

    @model_validator(mode="after")
    def _one_verb(self) -> "Entry":
        verbs = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(verbs) != 1:
            found = " and ".join(verbs) if verbs else "none"
            raise ValueError(
                f"a line of a timeline has exactly one of {', '.join(VERBS)}; found {found}"
            )
        if self.with_ is not None and verbs[0] not in ("event", "answer"):
            raise ValueError(f"'with' goes with event or answer, not with {verbs[0]}")
        if self.to is not None and verbs[0] != "answer":
            raise ValueError(f"'to' goes with answer, not with {verbs[0]}")
        return self


class Eventually(Condition):
    """What a till comes to by itself when the timeline has ended and everything answers ok."""

    within: DelayText = Field("1d", description="It has to hold before so long has passed.")


class Case(Part):
    """One case: a till, what happens to it, and what has to be so."""

    case: str = Field(
        description="What it shows, in one sentence.",
        examples=["A ticket goes out as soon as it is closed"],
    )
    till: str | None = Field(
        None, description="The till's id, by which chance is seeded.", examples=["07"]
    )
    parameters: dict[str, Scalar | None] = Field(
        default_factory=dict,
        description="Parameters of the machine, as in till.yaml.",
        examples=[{"message_retry_wait": "5min"}],
    )
    answers: Replies = Field(
        default_factory=dict,
        description="How effects are answered from the beginning.",
        examples=[{"all": "ok"}],
    )
    timeline: Annotated[tuple[Entry, ...], BeforeValidator(as_tuple)] = Field(
        (), description="What happens, line by line.", examples=[[{"event": "ticket.closed"}]]
    )
    expect: Expect | None = Field(
        None, description="What has to be so at the end.", examples=[{"active": "online"}]
    )
    never: Condition | None = Field(
        None,
        description="What may not be after any step.",
        examples=[{"active": "offline-cooldown", "starts": "send_tickets"}],
    )
    eventually: Eventually | None = Field(
        None,
        description="What a till comes to by itself, if everything is answered well.",
        examples=[{"active": "online"}],
    )
    leaves: str | None = Field(
        None,
        description="A state that something can lead out of when the timeline has ended.",
        examples=["loading"],
    )


class Suite(Part):
    """A test file."""

    machine: str | None = Field(
        None,
        description="The machine file, from here; NAME.yaml for NAME.test.yaml without it.",
        examples=["connection.yaml"],
    )
    about: str = Field(
        "", description="What the file is about.", examples=["What the cashier is promised."]
    )
    till: str = Field("01", description="The id of the tills, by which chance is seeded.")
    parameters: dict[str, Scalar | None] = Field(
        default_factory=dict,
        description="Parameters of the machine, for all cases.",
        examples=[{"message_retry_wait": "5min"}],
    )
    answers: Replies = Field(
        default_factory=dict,
        description="How effects are answered, in all cases.",
        examples=[{"all": "ok"}],
    )
    cases: Annotated[tuple[Case, ...], BeforeValidator(as_tuple)] = Field(
        description="The cases.", examples=[[{"case": "It begins"}]]
    )
