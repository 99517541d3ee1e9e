"""The ``tickets:`` mapping of till.yaml: where tickets come from besides the API."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from engine.database_settings import Database
from engine.definition.model import Part, as_tuple
from engine.server.durations import Duration

if TYPE_CHECKING:
    from engine.store.place import Place
    from engine.store.source import SourceTable

_LONGEST_NAME = 128
_MOST_PARTS = 3


def _column(raw: Any) -> Any:
    """A name that may stand in SQL between its quotes."""
    if not isinstance(raw, str):
        return raw
    if not raw or len(raw) > _LONGEST_NAME:
        raise ValueError(f"a name has 1 to {_LONGEST_NAME} characters")
    strange = [letter for letter in raw if letter in "[]\"'`;" or not letter.isprintable()]
    if strange:
        raise ValueError(f"a name cannot have the character {strange[0]!r}")
    return raw


def _table(raw: Any) -> Any:
    if isinstance(raw, str):
        parts = raw.split(".")
        if len(parts) > _MOST_PARTS:
            raise ValueError("a table is named as in TICKETS, dbo.TICKETS or base.dbo.TICKETS")
        for part in parts:
            _column(part)
    return raw


Column = Annotated[str, BeforeValidator(_column)]
_Columns = Annotated[tuple[Column, ...], BeforeValidator(as_tuple)]


class Sent(Part):
    """The mark that says that the server has a ticket: the only thing that is ever changed."""

    column: Column = Field(description="The column of the mark.", examples=["ENVOYE"])
    value: int | str | bool = Field(
        description="What it holds when the server has the ticket. Anything else, and nothing at "
        "all, means that the ticket is still to be sent.",
        examples=[1],
    )


class Source(Part):
    """A table of the till program's own that tickets are read from."""

    database: Database | None = Field(
        None,
        description="The database of the table, with the keys of `database`. Empty: the one that "
        "tillwire itself uses.",
    )
    table: Annotated[str, BeforeValidator(_table)] = Field(
        description="The table or view, as in `dbo.TICKETS`.", examples=["dbo.TICKETS"]
    )
    number: Column = Field(
        description="The column of the ticket's number, a whole number.", examples=["NUMERO"]
    )
    payload: Column | None = Field(
        None,
        description="The column that holds the ticket as it is to be sent, bytes or text.",
        examples=["CONTENU"],
    )
    columns: _Columns = Field(
        (),
        description="In place of `payload`: the columns that make the ticket. It is sent as a "
        "JSON object with these names.",
        examples=[["NUMERO", "LIGNES"]],
    )
    till: Column | None = Field(
        None,
        description="The column of the till's id. Needed where this process looks after several.",
        examples=["CAISSE"],
    )
    sent: Sent = Field(description="The mark for sent.")
    first: int = Field(
        0,
        ge=0,
        le=2**63 - 1,
        description="Tickets with a lower number are not looked at.",
    )
    interval: Duration = Field(
        5.0,
        ge=0.5,
        le=3600,
        description="How often the table is looked at, besides at each ticket.closed; 5s when "
        "empty.",
    )

    @model_validator(mode="after")
    def _one_payload(self) -> Self:
        if (self.payload is None) == (not self.columns):
            raise ValueError("give either 'payload' or 'columns': what the ticket consists of")
        twice = {name for name in self.columns if self.columns.count(name) > 1}
        if twice:
            raise ValueError(f"'columns' names {min(twice)} more than once")
        if self.sent.column in (self.number, self.till, self.payload, *self.columns):
            raise ValueError(
                f"the mark cannot be {self.sent.column}: tillwire changes it, and that column is "
                "part of the ticket"
            )
        return self

    def described(self) -> "SourceTable":
        """The table as the store reads it."""
        from engine.store.source import SourceTable

        return SourceTable(
            tuple(self.table.split(".")),
            self.number,
            self.payload,
            self.columns,
            self.till,
            self.sent.column,
            self.sent.value,
            self.first,
        )


class Tickets(Part):
    """Where tickets come from."""

    source: Source | None = Field(
        None,
        description="A table that the till program writes its tickets to. Empty: it hands them "
        "to the API.",
    )


def source_place(source: Source, own: Database, folder: Path) -> "Place":
    """Where the table is: the place of its own database, or that of tillwire's."""
    return (source.database or own).place(folder)
