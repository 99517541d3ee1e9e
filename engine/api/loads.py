"""The shapes of what a till knows of its catalogue: the load under way, the versions, the past.

Shapes as in :mod:`engine.api.port`, which names them in what it asks of the agent.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from engine.api.view import MOMENT, View

LoadKind = Literal["full", "changes"]


class LoadNowView(View):
    """A load under way. What is not known yet is 0."""

    kind: LoadKind = Field(description="Everything, or what has changed.")
    stage: Literal["asking", "downloading", "loading", "swapping"] = Field(
        description="What it is at: asking which files there are, downloading them, loading their "
        "rows, taking the new tables into use."
    )
    table: str = Field(description="The table it is at; may be empty.", examples=["articles"])
    tables_done: int = Field(description="Tables that are through this stage.")
    tables_total: int = Field(description="Tables of this load.")
    bytes_done: int = Field(description="Bytes downloaded.")
    bytes_total: int = Field(description="Bytes to download in all.")
    rows_done: int = Field(description="Rows loaded.")
    rows_total: int = Field(description="Rows to load in all.")
    started: AwareDatetime = Field(description="When it began.", examples=[MOMENT])


class DatasetView(View):
    """A declared table and what is in it."""

    name: str = Field(description="The table's name.", examples=["articles"])
    version: int | None = Field(
        description="The version loaded last; null: it was never loaded, or was declared anew.",
        examples=[214],
    )
    loaded: AwareDatetime | None = Field(description="When that was.", examples=[MOMENT])
    rows: int | None = Field(description="Rows in it.", examples=[18204])


class LoadView(View):
    """A load that came to its end."""

    started: AwareDatetime = Field(description="When it began.", examples=[MOMENT])
    ended: AwareDatetime = Field(description="When it ended.", examples=[MOMENT])
    kind: LoadKind = Field(description="Everything, or what had changed.")
    outcome: str = Field(
        description="`ok`, `gap` (the changes did not join on, a full load is needed), `rejected` "
        "or `failed.` and the reason.",
        examples=["ok"],
    )
    sentence: str = Field(description="What became of it, in words.")
    rows: int = Field(description="Rows loaded.")
    bytes: int = Field(description="Bytes downloaded.")


class LoadsView(View):
    """The catalogue of a till."""

    till: str = Field(description="The till's id.", examples=["01"])
    configured: bool = Field(description="Whether till.yaml declares a catalogue.")
    now: LoadNowView | None = Field(description="The load under way; null when there is none.")
    datasets: tuple[DatasetView, ...] = Field(description="Every declared table.")
    last: tuple[LoadView, ...] = Field(description="The last loads, newest first.")
