"""Transactions and the savepoints in them, alike on every database."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from engine.store.errors import StoreError

if TYPE_CHECKING:
    from engine.store.place import Place


class Words(NamedTuple):
    """What a dialect says for each step; savepoints have a name in place of ``{}``.

    ``release`` is empty where a savepoint ends by itself.
    """

    begin: str
    commit: str
    rollback: str
    save: str
    undo: str
    release: str


SQLITE = Words(
    "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK", "SAVEPOINT {}", "ROLLBACK TO {}", "RELEASE {}"
)
SQL_SERVER = Words(
    "BEGIN TRANSACTION",
    "COMMIT TRANSACTION",
    "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION",
    "SAVE TRANSACTION {}",
    "ROLLBACK TRANSACTION {}",
    "",
)


class Transactions(ABC):
    """What ``transaction``, ``savepoint`` and ``atomic`` mean. A database that undoes a whole
    transaction by itself is found out before anything passes for kept."""

    def __init__(self, place: "Place", words: Words) -> None:
        self.place = place
        self._words = words
        self._inside = False
        self._depth = 0
        self._failure: StoreError | None = None

    @abstractmethod
    def _say(self, statement: str) -> object:
        """Runs one of the words; StoreError when it fails."""

    @abstractmethod
    def _alive(self) -> bool:
        """Whether the transaction that was begun is still there."""

    def _gone(self) -> StoreError:
        """Why the transaction is no longer there."""
        return self._failure or StoreError(f"The database {self.place} undid a transaction.")

    def _begin(self) -> None:
        self._say(self._words.begin)

    def _commit(self) -> None:
        self._say(self._words.commit)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on the disk when the block ends without an error.

        RuntimeError inside another transaction: there it is ``savepoint`` or ``atomic``.
        """
        if self._inside:
            raise RuntimeError("a transaction is open already: use savepoint() inside it")
        self._failure = None
        try:
            self._begin()
            self._inside = True
            yield
            self._still_open()
            self._commit()
        except BaseException:
            self._undo(self._words.rollback)
            raise
        finally:
            self._inside = False

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes the block alone when it raises; only inside a transaction."""
        if not self._inside:
            raise RuntimeError("no transaction is open: use transaction()")
        self._still_open()
        name = f"savepoint_{self._depth + 1}"
        self._say(self._words.save.format(name))
        self._depth += 1
        try:
            yield
            self._still_open()
            self._release(name)
        except BaseException:
            self._undo(self._words.undo.format(name))
            self._release(name)
            raise
        finally:
            self._depth -= 1

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction of its own, or a savepoint where one is open."""
        with self.savepoint() if self._inside else self.transaction():
            yield

    def _still_open(self) -> None:
        """A full or failing disk makes a database roll back by itself: the block is then void."""
        if not self._alive():
            raise self._gone()

    def _release(self, name: str) -> None:
        if self._words.release:
            self._undo(self._words.release.format(name))

    def _undo(self, statement: str) -> None:
        if self._alive():
            self._say(statement)
