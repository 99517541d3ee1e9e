"""The shapes of loads of the catalogue, and what the agent answers to whoever asks for one.

Shapes as in :mod:`engine.api.port`, which names them in what it asks of the agent.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from engine.api.view import MOMENT, View

LoadKind = Literal["full", "changes"]
Became = Literal["started", "later"]
Stage = Literal["asking", "downloading", "loading", "swapping"]
Refused = Literal["no_catalogue", "load_under_way", "not_loaded"]

KIND = "`full`: everything; `changes`: what has changed since."


class LoadNowView(View):
    """How far a load has got. What is not known yet is 0."""

    till: str = Field("", description="The till that asked for it.", examples=["01"])
    kind: LoadKind = Field(description=KIND)
    started: AwareDatetime = Field(description="When it began.", examples=[MOMENT])
    stage: Stage = Field(
        description="What it is at: `asking` which files there are, `downloading` them, "
        "`loading` their rows beside the live tables, `swapping` them in."
    )
    table: str = Field(
        description="The table that it is at; empty while there is none.", examples=["articles"]
    )
    tables_done: int = Field(description="Tables whose rows are all there.", examples=[2])
    tables_total: int = Field(description="Tables to load.", examples=[7])
    bytes_done: int = Field(description="Bytes that are downloaded.", examples=[1048576])
    bytes_total: int = Field(description="Bytes to download.", examples=[5242880])
    rows_done: int = Field(description="Rows, or changes, that are loaded.", examples=[0])
    rows_total: int = Field(description="Rows, or changes, to load.", examples=[100000])


class DatasetView(View):
    """One dataset of the catalogue, as the till program reads it."""

    name: str = Field(description="Its name, and its table's.", examples=["articles"])
    version: int | None = Field(
        description="The version that is there; null: it has to be loaded in full.", examples=[42]
    )
    loaded: AwareDatetime | None = Field(description="When it was loaded.", examples=[MOMENT])
    rows: int | None = Field(description="How many rows it has.", examples=[100000])


class LoadView(View):
    """A load that has come to its end."""

    started: AwareDatetime = Field(description="When it began.", examples=[MOMENT])
    ended: AwareDatetime = Field(description="When it ended.", examples=[MOMENT])
    kind: LoadKind = Field(description=KIND)
    outcome: str = Field(
        description="`ok`; `gap` (the changes do not join on, so a full load follows); `rejected`; "
        "`cancelled` (the link was lost, or the agent stopped: it is begun again); or `failed.` "
        "with the reason.",
        examples=["ok"],
    )
    sentence: str = Field(
        description="What came of it; of what failed, which file and line is wrong and why.",
        examples=["100000 rows loaded; versions now: articles 42."],
    )
    rows: int = Field(description="Rows, or changes, that it had loaded.", examples=[100000])
    bytes: int = Field(description="Bytes of the files that held them.", examples=[5242880])


class LoadsView(View):
    """The catalogue's loads. The tills of one agent share one catalogue."""

    till: str = Field(description="The till's id.", examples=["01"])
    configured: bool = Field(description="till.yaml declares a catalogue.")
    now: LoadNowView | None = Field(
        description="The load that is under way, of whichever till; null when there is none."
    )
    datasets: tuple[DatasetView, ...] = Field(description="As till.yaml's datasets file has them.")
    last: tuple[LoadView, ...] = Field(description="The last 20 loads, newest first.")
    runs: bool = Field(False, description="The load under way is this till's.")
    waits: LoadKind | None = Field(
        None,
        description="What this till loads as soon as its link is good; null when nothing waits.",
    )


class LoadAnswer(View):
    """What became of asking for a load."""

    till: str = Field(description="The till's id.", examples=["01"])
    kind: LoadKind = Field(description=KIND)
    became: Became = Field(
        description="`started`: it is under way. `later`: it begins when the tickets are sent or "
        "the link is back.",
        examples=["started"],
    )
    at: AwareDatetime = Field(
        description="When it was asked for; its record, in time, ends later.", examples=[MOMENT]
    )
    state: str = Field(description="The state that the till is in now.", examples=["loading"])


class LoadTold(View):
    """Event `load` of the stream: how far a load has got, or that it has ended."""

    till: str = Field(description="The till that asked for it.", examples=["01"])
    at: AwareDatetime = Field(description="When.", examples=[MOMENT])
    now: LoadNowView | None = Field(description="How far it has got; null when it is over.")
    ended: LoadView | None = Field(description="What came of it; null while it is under way.")


class LoadRefused(Exception):  # noqa: N818 - it is what became of the request
    """No load can be asked for just now. ``why`` is a stable name, ``sentence`` says it."""

    def __init__(self, why: Refused, sentence: str, hint: str = "") -> None:
        self.why = why
        self.sentence = sentence
        self.hint = hint
        super().__init__(sentence)
