"""The till's database: tickets, the journal of their transfers, history, messages, offers.

One SQLite file, or a schema of an SQL Server; one writing connection, used by one thread at a
time. Nothing that was not sent is ever deleted or changed.
"""

from engine.store.days import Counted, DaySummary, OfflinePeriod
from engine.store.errors import (
    Busy,
    Damaged,
    DiskFailing,
    DiskFull,
    LoginRefused,
    Missing,
    NotWritable,
    StoreError,
    Unanswered,
    Undone,
    Unreachable,
)
from engine.store.history import HistoryRow
from engine.store.journal import JournalReport, Kind
from engine.store.messages import KeptMessage, Read
from engine.store.offers import Cached, KeptOffer, valid
from engine.store.store import Store
from engine.store.tickets import Accepted, Backlog, Ticket

__all__ = [
    "Accepted",
    "Backlog",
    "Busy",
    "Cached",
    "Counted",
    "Damaged",
    "DaySummary",
    "DiskFailing",
    "DiskFull",
    "HistoryRow",
    "JournalReport",
    "KeptMessage",
    "KeptOffer",
    "Kind",
    "LoginRefused",
    "Missing",
    "NotWritable",
    "OfflinePeriod",
    "Read",
    "Store",
    "StoreError",
    "Ticket",
    "Unanswered",
    "Undone",
    "Unreachable",
    "valid",
]
