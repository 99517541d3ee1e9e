"""A scenario file: what a simulated day is like, for how many tills."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.json_schema import WithJsonSchema

from engine.definition.model import Part, Scalar, as_list, as_tuple
from engine.server.durations import Duration

DAY = 86_400.0
LONGEST = 31 * DAY
MOST_TILLS = 10_000

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)


def moment(raw: str) -> float:
    """Seconds since midnight of a time of day; ValueError with a sentence."""
    found = _CLOCK.fullmatch(raw)
    if not found:
        raise ValueError(f"'{raw}' is no time of day: it is written 09:00 or 09:00:30")
    return int(found[1]) * 3600.0 + int(found[2]) * 60 + int(found[3] or 0)


def _moment(raw: Any) -> Any:
    if isinstance(raw, str):
        return moment(raw)
    if isinstance(raw, float):
        return raw
    raise ValueError("a time of day is written 09:00 or 09:00:30")


def _spread(raw: Any) -> Any:
    return {"median": raw} if isinstance(raw, str) else raw


def _rates(raw: Any) -> Any:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return {0.0: raw}
    if isinstance(raw, Mapping):
        return {_moment(key): value for key, value in raw.items()}
    return raw


def _list(raw: Any) -> Any:
    return as_tuple(as_list(raw))


Moment = Annotated[
    float, BeforeValidator(_moment), WithJsonSchema({"type": "string", "examples": ["12:00"]})
]
"""Seconds since midnight; written as a time of day."""


def _lasting(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("it lasts no time at all; 1s is written for a second")
    return seconds


def _length(seconds: float) -> float:
    if not 0 < seconds <= LONGEST:
        raise ValueError("a simulation lasts more than 0s and 31d at the most")
    return seconds


def _again(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("it begins again after 1s at the soonest")
    return seconds


Lasting = Annotated[Duration, AfterValidator(_lasting)]
Length = Annotated[Duration, AfterValidator(_length)]
Again = Annotated[Duration, AfterValidator(_again)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=3600)]


Many = BeforeValidator(_list)
Names = Annotated[tuple[str, ...], Many]


class Latency(Part):
    """How long a way to the server and back takes, by chance. A bare duration is always that."""

    median: Duration = Field(description="Half of the calls take longer.")
    p99: Duration | None = Field(
        None, description="One call in a hundred takes longer. None: all take the median."
    )


Way = Annotated[Latency, BeforeValidator(_spread, json_schema_input_type=Duration | Latency)]


class Timed(Part):
    """Something that happens at a time of the day, once or again and again."""

    at: Moment = Field(description="The time of day at which it begins.")
    every: Again | None = Field(
        None, description="Then again after so long, to the end. None: once."
    )
    times: int | None = Field(
        None, ge=1, le=100_000, description="How often in all. None: to the end, with 'every'."
    )
    tills: Names = Field((), description="The tills that it is about. None: all, or the share.")
    share: Share = Field(1.0, description="The part of the tills that it is about, the first ones.")


class NetworkWindow(Timed):
    """A time in which the network is not as it is."""

    lasts: Lasting = Field(description="How long.")
    down: Literal["silent", "refused"] | None = Field(
        None,
        description="silent: nothing comes through and nobody says so; refused: the till is told "
        "at once that there is no way.",
    )
    latency: Way | None = Field(None, description="How long a way takes meanwhile.")
    loss: Share | None = Field(None, description="The part of the requests that get lost.")
    lost_answers: Share | None = Field(None, description="The part of the answers that get lost.")


class Network(Part):
    """What lies between the tills and their server."""

    latency: Way = Field(
        Latency(median=0.04, p99=0.25), description="How long a way takes, there and back."
    )
    loss: Share = Field(0.0, description="The part of the requests that get lost.")
    lost_answers: Share = Field(
        0.0,
        description="The part of the answers that get lost; the server has done its work.",
    )
    windows: Annotated[tuple[NetworkWindow, ...], Many] = Field(
        (), description="When it is otherwise."
    )


class ServerWindow(Part):
    """A time in which the server is not as it is."""

    at: Moment = Field(description="The time of day at which it begins.")
    every: Again | None = Field(None, description="Then again after so long.")
    times: int | None = Field(None, ge=1, le=100_000, description="How often in all.")
    lasts: Lasting = Field(description="How long.")
    down: Literal["refused", "silent", "errors"] | None = Field(
        None,
        description="refused: no process listens; silent: it takes calls and never answers; "
        "errors: every call ends in an error of the server (HTTP 500).",
    )
    slower: float = Field(1.0, ge=0.01, le=10_000, description="Work takes so many times as long.")


class Cost(Part):
    """What a call is to the server: how long one of its workers is at it, and how many SQL
    statements it makes. What is not given is as usual for the action."""

    work: Duration | None = Field(None, description="How long a worker is at it.")
    work_per_ticket: Duration | None = Field(None, description="And for each ticket in it.")
    sql: int | None = Field(None, ge=0, le=100_000, description="SQL statements that it makes.")
    sql_per_ticket: int | None = Field(None, ge=0, le=100_000, description="And for each ticket.")


Action = Literal["ping", "send_tickets", "ticket_status", "poll_messages", "fetch_offers", "load"]

USUAL: Mapping[str, tuple[float, float, int, int]] = {
    "ping": (0.005, 0.0, 1, 0),
    "send_tickets": (0.04, 0.01, 4, 12),
    "ticket_status": (0.01, 0.002, 1, 1),
    "poll_messages": (0.015, 0.0, 3, 0),
    "fetch_offers": (0.03, 0.0, 6, 0),
    "load": (0.05, 0.0, 10, 0),
}
"""``work``, ``work_per_ticket``, ``sql`` and ``sql_per_ticket`` where a scenario gives none. They
are our guess of a middling server, not a measurement: what is compared with them is machines."""


class Costs(Part):
    """What calls cost the server, by action."""

    ping: Cost = Field(Cost(), description="A ping.")
    send_tickets: Cost = Field(Cost(), description="A batch of tickets.")
    ticket_status: Cost = Field(Cost(), description="What became of tickets.")
    poll_messages: Cost = Field(Cost(), description="Are there messages?")
    fetch_offers: Cost = Field(Cost(), description="Are there offers?")
    load: Cost = Field(Cost(), description="Which files of the catalogue are the newest?")


class Server(Part):
    """The central server."""

    workers: int | None = Field(
        None, ge=1, le=10_000, description="Calls that it works on at once. None: any number."
    )
    queue: int = Field(
        1000, ge=0, le=1_000_000, description="Calls that wait for a worker; more are sent away."
    )
    retry_after: Duration = Field(
        0.0, description="The patience that it then asks for (HTTP 429); 0s: none (HTTP 503)."
    )
    costs: Costs = Field(default_factory=Costs, description="What calls cost it.")
    deduplicates: bool = Field(True, description="Whether it knows a ticket's key again.")
    tells_ticket_status: bool = Field(
        True, description="Whether it can be asked what became of a ticket."
    )
    settle: Duration = Field(
        120.0, description="How long a call that was given up may still be at work there."
    )
    windows: Annotated[tuple[ServerWindow, ...], Many] = Field(
        (), description="When it is otherwise."
    )


class FilesWindow(ServerWindow):
    """A time in which the FTP server is not as it is."""

    down: Literal["refused", "silent"] | None = Field(
        None, description="refused: nobody listens; silent: it takes connections and stalls."
    )


class Files(Part):
    """The FTP server with the catalogue's files. Without it, nothing can be loaded."""

    size: int = Field(20_000_000, ge=0, le=10**12, description="Bytes of a full load.")
    rows: int = Field(200_000, ge=0, le=10**9, description="Rows of a full load.")
    part: Share = Field(0.02, description="The part of it that a load of the changes is.")
    bytes_per_second: int = Field(
        1_000_000, ge=1, le=10**10, description="How fast a till downloads."
    )
    rows_per_second: int = Field(
        100_000, ge=1, le=10**9, description="How fast a till takes rows into its catalogue."
    )
    windows: Annotated[tuple[FilesWindow, ...], Many] = Field(
        (), description="When it is otherwise."
    )


class Tickets(Part):
    """What is sold at each till."""

    per_hour: Annotated[
        dict[Moment, Rate],
        BeforeValidator(_rates, json_schema_input_type=Rate | dict[Moment, Rate]),
    ] = Field(
        default_factory=lambda: {0.0: 40.0},
        description="Tickets of a till in an hour: one number, or numbers from a time of day on. "
        "They come by chance, while the till is open.",
    )
    takes: Duration = Field(60.0, description="From a ticket's beginning to its end, at the most.")
    customers: Share = Field(0.3, description="The part of them with a customer's code.")
    bytes: int = Field(1700, ge=1, le=1_000_000, description="How long a ticket is.")


class Cashier(Part):
    """What the till program does beside selling."""

    switched_on: Moment | None = Field(
        None, description="When a till's agent starts. None: when the simulation begins."
    )
    opens: Moment | None = Field(None, description="When a till opens. None: it is open.")
    closes: Moment | None = Field(None, description="When it closes. None: it stays open.")
    spread: Duration = Field(
        30.0, description="Each of these comes up to so much later, by chance, from till to till."
    )
    offers_within: Duration = Field(
        0.3, description="How long the till program waits for fresh offers (?within=)."
    )


class EventAt(Timed):
    """An event that the till program or a person posts."""

    event: str = Field(description="Its name, as in the machine file.")
    data: dict[str, Scalar] = Field(default_factory=dict, description="What it carries.")


class Scenario(Part):
    """A scenario file."""

    scenario: str = Field(description="Its name.")
    about: str = Field("", description="What happens, in one or two sentences.")
    machine: str | None = Field(
        None,
        min_length=1,
        description="The machine file, relative to this one. None: the connection machine that "
        "comes with the program.",
    )
    parameters: dict[str, Scalar | None] = Field(
        default_factory=dict, description="Values for the machine's parameters, as in till.yaml."
    )
    begins: Moment = Field(0.0, description="The time of day at which the simulation begins.")
    length: Length = Field(description="How long it lasts.")
    tills: int = Field(1, ge=1, le=MOST_TILLS, description="How many tills there are.")
    seed: int = Field(1, ge=0, le=2**53, description="Where chance begins.")
    network: Network = Field(default_factory=Network, description="Between tills and server.")
    server: Server = Field(default_factory=Server, description="The central server.")
    files: Files | None = Field(None, description="The FTP server with the catalogue's files.")
    tickets: Tickets = Field(default_factory=Tickets, description="What is sold.")
    cashier: Cashier = Field(default_factory=Cashier, description="What else the till does.")
    events: Annotated[tuple[EventAt, ...], Many] = Field(
        (), description="What is posted, and when."
    )
