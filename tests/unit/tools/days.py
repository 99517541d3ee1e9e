"""A shop's day in a database, and how to tamper with it."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from engine.lab.ledger import Parcel
from engine.lab.stub import StubServer
from engine.store import Store

DAY = "2026-03-14"
NOON = datetime.fromisoformat("2026-03-14T12:00").timestamp()
TILL_YAML = """\
shop: '0042'
tills: ['01', '02']
server: {protocol: soap, url: 'http://127.0.0.1:9/'}
database: {path: till.db}
"""

Prove = Callable[..., Any]


def payload(number: int) -> bytes:
    """The bytes of a ticket."""
    return f"ticket {number}".encode()


def fill(store: Store, numbers: Sequence[int], at: float = NOON, till: str = "01") -> None:
    """Accept tickets."""
    for number in numbers:
        store.tickets.accept("0042", till, number, payload(number), at)


def settle(store: Store, numbers: Sequence[int], till: str = "01") -> None:
    """Send tickets and have them acknowledged."""
    store.tickets.attempted(till, numbers, "b-1", NOON + 1)
    store.tickets.acknowledged(till, numbers, "b-1", NOON + 2)


def parcel(till: str, number: int, content: bytes) -> Parcel:
    """A ticket as the server takes it."""
    key, digest = f"0042/{till}/{number}", sha256(content).hexdigest()
    return Parcel("0042", till, number, key, content, digest)


def stock(server: StubServer, numbers: Sequence[int], till: str = "01") -> None:
    """Give the server tickets."""
    server.ledger.receive([parcel(till, number, payload(number)) for number in numbers], "b-1")


def faults(found: tuple[int, Any]) -> list[str]:
    """The sentences about the till, of a proof that is not complete."""
    code, data = found
    assert (code, data["complete"]) == (1, False)
    said: list[str] = data["tills"][0]["faults"]
    return said


def tamper(path: Path, *statements: str) -> None:
    """Change a database as somebody would who knows SQLite."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
