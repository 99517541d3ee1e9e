"""What a server is told beside the named statements: how a session is set up, who writes, and
what the database must be like."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from engine.store.errors import Busy, Damaged, NotWritable, StoreError, Unreachable
from engine.store.transactions import SQL_SERVER, Words

if TYPE_CHECKING:
    from engine.store.place import OdbcPlace

Ask = Callable[[str], list[tuple[Any, ...]]]
"""Runs a statement without parameters and gives the rows that it answers with."""

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT"
FORCED = 2
"""The delayed durability with which nothing that is committed is on the disk yet."""


class Dialect(ABC):
    """``name`` is that of the file of statements, ``words`` those of transactions; ``one_array``
    says whether many rows are one JSON array or a statement each, which bears any text.

    ``Ask`` raises StoreError, and so does everything here.
    """

    name: ClassVar[str]
    words: ClassVar[Words]
    one_array: ClassVar[bool] = False

    @abstractmethod
    def begin_session(self, ask: Ask, place: "OdbcPlace") -> None:
        """Set up a new connection."""

    @abstractmethod
    def own(self, ask: Ask, place: "OdbcPlace") -> None:
        """Become the only one that writes; Busy when another one is."""

    @abstractmethod
    def examine(self, ask: Ask, place: "OdbcPlace") -> None:
        """Refuse a database that cannot keep what it is to keep."""

    @abstractmethod
    def prepare(self, ask: Ask, place: "OdbcPlace") -> None:
        """Before the first table is made."""

    @abstractmethod
    def only_read(self, ask: Ask) -> None:
        """Let a connection that writes nothing wait for those that do as little as it can."""

    @abstractmethod
    def one_moment(self, ask: Ask, place: "OdbcPlace") -> None:
        """Let the transaction that begins next see one moment, without keeping anybody waiting."""

    @abstractmethod
    def alive(self, ask: Ask) -> bool:
        """Whether the transaction that was begun is still there."""


class SqlServer(Dialect):
    """SQL Server from 2016 on."""

    name = "sqlserver"
    words = SQL_SERVER

    def begin_session(self, ask: Ask, place: "OdbcPlace") -> None:
        """One batch. What filtered indexes need is said here: drivers differ in what they set."""
        ask(
            "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, "
            "QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT, XACT_ABORT, NOCOUNT, "
            "IMPLICIT_TRANSACTIONS OFF; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; "
            f"SET LOCK_TIMEOUT {_milliseconds(place.lock_timeout)}"
        )

    def own(self, ask: Ask, place: "OdbcPlace") -> None:
        """A lock that the session holds until it ends, however it ends."""
        rows = ask(
            "DECLARE @got INT; EXEC @got = sp_getapplock "
            f"@Resource = N'tillwire.{place.schema}', @LockMode = N'Exclusive', "
            "@LockOwner = N'Session', "
            f"@LockTimeout = {_milliseconds(place.lock_timeout)}; SELECT @got"
        )
        if rows[0][0] < 0:
            raise Busy(
                f"The schema {place.schema} of the database {place} is in use by another "
                "tillwire, or by a connection of this one that SQL Server has not yet given up. "
                "Only one may write to it: stop that one first."
            )

    def examine(self, ask: Ask, place: "OdbcPlace") -> None:
        """Too old a server or compatibility level, commits that are not durable, a copy that is
        read only."""
        try:
            ask("SELECT COUNT(*) FROM OPENJSON(N'[1]')")
        except Unreachable:
            raise
        except StoreError as fault:
            raise StoreError(
                f"The database {place} does not know OPENJSON: tillwire needs SQL Server 2016 or "
                "later, and a database with compatibility level 130 or higher. Raise the level, "
                "or give tillwire a database of its own on that server."
            ) from fault
        durability, read_only = ask(
            "SELECT delayed_durability, is_read_only FROM sys.databases WHERE database_id = DB_ID()"
        )[0]
        if durability == FORCED:
            raise StoreError(
                f"The database {place} has DELAYED_DURABILITY = FORCED: what it says is stored "
                "can be lost in a power cut. Set it to DISABLED or ALLOWED."
            )
        if read_only:
            raise NotWritable(f"The database {place} is read only.")

    def prepare(self, ask: Ask, place: "OdbcPlace") -> None:
        """The schema of our own; what another program has put into it stays alone."""
        schema = place.schema
        (there,) = ask(
            # Its letters and digits were checked with the settings.
            f"SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = N'{schema}'"  # noqa: S608
        )
        if there[0]:
            raise Damaged(
                f"The schema {schema} of the database {place} holds tables of another program. "
                "Give tillwire a schema of its own with database.schema."
            )
        if ask(f"SELECT SCHEMA_ID(N'{schema}')")[0][0] is None:
            ask(f"CREATE SCHEMA [{schema}]")

    def only_read(self, ask: Ask) -> None:
        """By snapshot isolation where the database allows it; else it waits for transactions."""
        if self._keeps_versions(ask):
            ask(SNAPSHOT)

    def one_moment(self, ask: Ask, place: "OdbcPlace") -> None:
        """By snapshot isolation: anything else would keep the agent from writing."""
        if not self._keeps_versions(ask):
            raise StoreError(
                f"The database {place} does not allow snapshot isolation, without which nothing "
                "can be proven while tillwire writes. Let an administrator run: ALTER DATABASE "
                "CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON."
            )
        ask(SNAPSHOT)

    def _keeps_versions(self, ask: Ask) -> bool:
        state = ask(
            "SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()"
        )
        return bool(state[0][0] == 1)

    def alive(self, ask: Ask) -> bool:
        """A transaction that can only be rolled back is none any more."""
        return bool(ask("SELECT XACT_STATE()")[0][0] == 1)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
