"""A program that brings a database up to the newest schema and is killed on the way.

    python store_migrator.py old DATABASE TICKETS     makes a database of version 1
    python store_migrator.py kill DATABASE STATEMENT  dies by SIGKILL before that statement
    python store_migrator.py bring DATABASE           brings it up, and says so when it begins

``STATEMENT`` counts what is executed inside the transaction, from 0; the one after the last is
the commit.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from engine.store import Store
from engine.store.database import Database
from engine.store.queries import MIGRATION, Queries, load


def version_1() -> Queries:
    """The statements without the migrations that came later."""
    text = {
        name: statement
        for name, statement in load().text.items()
        if (match := MIGRATION.match(name)) is None or match[1] == "1"
    }
    return Queries(text)


def make_old(path: Path, tickets: int) -> None:
    """A database of version 1 with tickets, every second one sent."""
    database = Database.open(path, queries=version_1())
    store = Store(database, 100, 100)
    with store.transaction():
        for number in range(1, tickets + 1):
            store.tickets.accept("0042", "01", number, f"ticket {number}".encode() * 50, number)
        store.tickets.acknowledged("01", range(1, tickets + 1, 2), "b", tickets + 1.0)
    store.close()


def kill_at(path: Path, statement: int) -> None:
    """Dies before the statement is executed; the operating system has what came before."""
    execute = Database._execute
    count = 0
    inside = False

    def counting(self: Database, text: str, *parameters: Any) -> Any:
        nonlocal count, inside
        inside = inside or text == "BEGIN IMMEDIATE"
        if inside and text != "BEGIN IMMEDIATE":
            if count == statement:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            count += 1
        return execute(self, text, *parameters)

    Database._execute = counting  # type: ignore[assignment,method-assign]
    Store.open(path, create=False).close()


def main(verb: str, database: str, number: str = "0") -> int:
    path = Path(database)
    if verb == "old":
        make_old(path, int(number))
    elif verb == "kill":
        kill_at(path, int(number))
    else:
        os.write(1, b"begins\n")
        Store.open(path, create=False).close()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
