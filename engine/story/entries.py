"""The shapes in which a story is told: by the API, by ``tillwire trace --json``, to the page."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from engine.definition.vocabulary import Value

MOMENT = "2026-03-14T09:26:53.589000Z"


class Telling(BaseModel):
    """A part of a story."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Moved(Telling):
    """A transition that was taken."""

    event: str = Field(
        description="What led to it, as the machine file names it.", examples=["ping.failed"]
    )
    source: str = Field(description="The state left.", examples=["online"])
    target: str = Field(description="The state entered.", examples=["degraded"])
    stays: bool = Field(False, description="Nothing was left or entered.")


class Refused(Telling):
    """A transition that was asked for and whose guard did not hold."""

    state: str = Field(description="The state that declares it.", examples=["degraded"])
    event: str = Field(description="What asked for it.", examples=["ping.ok"])
    guard: str = Field(
        description="The guard, as the machine file has it.", examples=["successes >= 3"]
    )
    seen: dict[str, Value] = Field(
        default_factory=dict,
        description="The values that it went by; durations are seconds. Empty for steps of an "
        "earlier version.",
        examples=[{"successes": 1}],
    )


class Answer(Telling):
    """What a step is the answer of."""

    effect: str = Field(description="The effect that answered.", examples=["ping"])
    outcome: str = Field(
        description="`ok`, `rejected` or `failed.` with a reason.", examples=["failed.timeout"]
    )
    took: float | None = Field(
        description="Seconds from its start to its answer; null where the history no longer has "
        "the start.",
        examples=[5.01],
    )
    began: AwareDatetime | None = Field(description="When it was started.", examples=[MOMENT])
    by: str | None = Field(
        description="What started it: the event, or the timer, of that step.",
        examples=["every ping_interval"],
    )


class Entry(Telling):
    """One thing that happened to a till, or to the agent that looks after it."""

    number: int = Field(description="Its place in the history; `before` takes it.", examples=[981])
    at: AwareDatetime = Field(description="When it happened.", examples=[MOMENT])
    kind: Literal["step", "agent"] = Field(
        description="`step`: the till's machine played an event. `agent`: it befell the process: "
        "`agent.started`, `agent.stopped`, `config.refused`, `clock.jumped`."
    )
    event: str = Field(description="What happened.", examples=["ping.failed.timeout"])
    states: tuple[str, ...] = Field(
        description="The states active afterwards, outermost first; empty for the agent.",
        examples=[["reachable", "degraded"]],
    )
    taken: tuple[Moved, ...] = Field((), description="The transitions taken, in order.")
    refused: tuple[Refused, ...] = Field((), description="Transitions that were not taken.")
    ignored: bool = Field(False, description="No active state asked for the event.")
    answer: Answer | None = Field(None, description="Of an effect's answer: its call.")
    timer: bool = Field(False, description="A delay of the machine ran out.")
    started: tuple[str, ...] = Field((), description="Effects started.", examples=[["ping"]])
    joined: tuple[str, ...] = Field(
        (), description="Effects not started: the same call was under way."
    )
    dropped: tuple[str, ...] = Field((), description="Effects whose answer nobody waits for now.")
    changed: dict[str, tuple[Value, Value]] = Field(
        default_factory=dict,
        description="Variables with their value before and after.",
        examples=[{"failures": [0, 1]}],
    )
    raised: tuple[str, ...] = Field((), description="Events that its actions raised, in order.")
    log: tuple[str, ...] = Field((), description="What its actions noted.")
    data: dict[str, Any] = Field(
        default_factory=dict,
        description="What an answer, or a thing that befell the agent, carried.",
    )
    dull: bool = Field(False, description="No state was left or entered.")
    machine: str | None = Field(
        None, description="The hash of the machine that played it, as far as it is known."
    )


Held = Literal["due", "never", "refused", "passed", "open"]


class Way(Telling):
    """A transition that leads out of where a till is, and what held it."""

    state: str = Field(
        description="The state that declares it; empty: the machine itself.", examples=["degraded"]
    )
    event: str = Field(description="The event, `after` a delay, or `always`.", examples=["ping.ok"])
    target: str = Field(description="The state that it leads to.", examples=["online"])
    guard: str | None = Field(
        description="The condition, as the machine file has it; null where there is none.",
        examples=["successes + 1 >= successes_to_online"],
    )
    held: Held = Field(
        description="`never`: the event has not come since the till is there. `refused`: it came "
        "last at `last`, and the guard did not hold. `passed`: it came, and another rule was "
        "first. `due`: a delay runs out at `due`. `open`: nothing that is known holds it."
    )
    last: AwareDatetime | None = Field(
        None, description="When the event came last.", examples=[MOMENT]
    )
    seen: dict[str, Value] = Field(
        default_factory=dict, description="The values that the guard went by then."
    )
    due: AwareDatetime | None = Field(
        None, description="When the delay runs out, or the call is made that can bring the event."
    )
    by: str | None = Field(
        None,
        description="The delay that makes that call; `under way` when it has been made.",
        examples=["every degraded_ping_interval"],
    )
    now: dict[str, Value] = Field(
        default_factory=dict,
        description="What the guard would go by now, but for what an event carries.",
    )


class WhyNot(Telling):
    """Why a till is not elsewhere."""

    till: str = Field(description="The till's id.", examples=["01"])
    machine: str = Field(description="The hash of the machine that was asked.")
    state: str = Field(
        description="The innermost active state that has a label.", examples=["degraded"]
    )
    states: tuple[str, ...] = Field(
        description="All active states, outermost first.", examples=[["reachable", "degraded"]]
    )
    since: AwareDatetime = Field(description="When the state was entered.", examples=[MOMENT])
    ways: tuple[Way, ...] = Field(
        description="The transitions that lead out of it: the innermost state's first, in the "
        "order of the file."
    )
