"""A database reached by ODBC in which tillwire is a guest: no schema of ours, no lock."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from engine.store.errors import Unanswered, Unreachable
from engine.store.odbc import OdbcDatabase
from engine.store.odbc_line import Line
from engine.store.odbc_session import Session
from engine.store.place import OdbcPlace
from engine.store.port import Row
from engine.store.queries import Queries


class OdbcGuest(OdbcDatabase):
    """Connects at the first question, and again after a break."""

    def __init__(self, place: OdbcPlace) -> None:
        super().__init__(place, Queries({}), "reads")

    def found(self, statement: str, parameters: Sequence[Any]) -> list[Row]:
        """The rows that a query answers with."""
        work = partial(Session.fetched, name=statement, statement=statement, given=parameters)
        old = self._line
        try:
            return self._do(work)
        except Unanswered:
            raise
        except Unreachable:
            if old is None:
                raise
            return self._do(work)  # it broke while nothing was asked of it

    def changed(self, statement: str, parameters: Sequence[Any]) -> int:
        """Runs a statement, which stands for itself, and gives how many rows it changed."""
        return self._do(lambda session: session.changed(statement, statement, parameters))

    def _begin_session(self, line: Line[Session]) -> None:
        place = self.where
        self._do(lambda _: None, line, place.login_timeout)
        place.dialect.begin_session(self._ask, place)
