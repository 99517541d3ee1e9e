"""The till's database: tickets, the journal of their transfers, history, snapshots.

One SQLite file, one writing connection, used by one thread at a time. Nothing that was not
sent is ever deleted or changed.
"""

from engine.store.errors import (
    Busy,
    Damaged,
    DiskFailing,
    DiskFull,
    Missing,
    NotWritable,
    StoreError,
)
from engine.store.history import HistoryRow
from engine.store.journal import JournalReport, Kind
from engine.store.store import Store
from engine.store.tickets import Accepted, Backlog, Ticket

__all__ = [
    "Accepted",
    "Backlog",
    "Busy",
    "Damaged",
    "DiskFailing",
    "DiskFull",
    "HistoryRow",
    "JournalReport",
    "Kind",
    "Missing",
    "NotWritable",
    "Store",
    "StoreError",
    "Ticket",
]
