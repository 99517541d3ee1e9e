"""What the lab's central server has to tell tills: messages and offers, and who knows them.

With a storage directory all of it is also written to ``notices.json`` there, whole after every
change: it outlives the process, not a power cut, as the lab's tickets do.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from engine.lab.ledger import LabError

LEVELS = ("info", "warning", "urgent")
MOST = 1000
"""Messages, or offers, that one answer holds."""
LARGEST = 1 << 20
"""Bytes of messages that one answer holds, about; the rest comes once these are acknowledged."""

Row = dict[str, Any]
_MESSAGE = ("id", "at", "level", "title", "text")
_OFFER = ("id", "title", "text", "from", "until", "data")


class Notices:
    """Messages for one till or for all, offers in general or for one customer.

    Any thread may call. What is put is checked: LabError says in one sentence what is wrong,
    and nothing of it is kept then. ``clock`` gives epoch seconds.
    """

    def __init__(self, storage: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._path = None if storage is None else storage / "notices.json"
        self._lock = threading.Lock()
        self._messages: dict[str, list[Row]] = {}
        self._acknowledged: dict[str, dict[str, float]] = {}
        self._offers: dict[str, list[Row]] = {}
        self._unknown: frozenset[str] = frozenset()

    def open(self) -> None:
        """Read what the storage directory holds; LabError when that fails."""
        if self._path is None or not self._path.exists():
            return
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._messages = {str(till): list(rows) for till, rows in kept["messages"].items()}
            self._acknowledged = {
                str(till): dict(ids) for till, ids in kept["acknowledged"].items()
            }
            self._offers = {str(customer): list(rows) for customer, rows in kept["offers"].items()}
            self._unknown = frozenset(map(str, kept["unknown"]))
        except OSError as error:
            raise LabError(f"The lab cannot read {self._path}: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LabError(f"{self._path}: these are not the notices that a lab wrote.") from None

    def put_messages(
        self, messages: Sequence[object], till: str = "", *, more: bool = False
    ) -> int:
        """Put messages in the place of a till's (``more``: after them); "" is for every till.

        Each has an ``id`` and may have ``at``, ``level``, ``title`` and ``text``. Returns how
        many are there now. Acknowledged ids stay acknowledged.
        """
        now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fresh = [_message(row, now) for row in messages]
        with self._lock:
            rows = [*self._messages.get(till, ()), *fresh] if more else fresh
            _check_ids(rows, "messages")
            self._keep("_messages", {**self._messages, till: rows})
        return len(rows)

    def put_offers(self, offers: Sequence[object], customer: str = "") -> int:
        """Put offers in the place of a customer's; "" is for everybody.

        Each has an ``id`` and may have ``title``, ``text``, ``from``, ``until`` and ``data``.
        """
        rows = [_offer(row) for row in offers]
        _check_ids(rows, "offers")
        with self._lock:
            self._keep("_offers", {**self._offers, customer: rows})
        return len(rows)

    def forget_customers(self, customers: Iterable[str]) -> None:
        """These customers are unknown from now on, and no others."""
        with self._lock:
            self._keep("_unknown", frozenset(customers))

    def messages(self, till: str) -> list[Row]:
        """What a till has not acknowledged: that for every till first, each id once,
        and no more than fits in one answer."""
        with self._lock:
            known = self._acknowledged.get(till, {})
            rows = [*self._messages.get("", ()), *(self._messages.get(till, ()) if till else ())]
            found = {row["id"]: row for row in rows if row["id"] not in known}
        return list(_fitting(list(found.values())[:MOST]))

    def acknowledge(self, till: str, ids: Sequence[str]) -> list[str]:
        """Take note of ids, known or not, and return them each once."""
        at = self._clock()
        told = list(dict.fromkeys(ids))
        with self._lock:
            before = self._acknowledged.get(till, {})
            after = {**dict.fromkeys(told, at), **before}
            if after.keys() != before.keys():
                self._keep("_acknowledged", {**self._acknowledged, till: after})
        return told

    def offers(self, customer: str) -> list[Row] | None:
        """The general offers, then that customer's; None for a customer who is unknown."""
        with self._lock:
            if customer in self._unknown:
                return None
            own = self._offers.get(customer, ()) if customer else ()
            general = [{**row, "customer": ""} for row in self._offers.get("", ())]
            return [*general, *({**row, "customer": customer} for row in own)][:MOST]

    def as_data(self) -> dict[str, Any]:
        """Everything, as it is stored. ``acknowledged`` gives epoch seconds by till and id."""
        with self._lock:
            return self._data()

    def _data(self) -> dict[str, Any]:
        return {
            "messages": self._messages,
            "acknowledged": self._acknowledged,
            "offers": self._offers,
            "unknown": sorted(self._unknown),
        }

    def _keep(self, name: str, value: object) -> None:
        """Change one part, on the disk too, or (LabError) nothing."""
        before = getattr(self, name)
        setattr(self, name, value)
        if self._path is None:
            return
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(self._data()), encoding="utf-8")
            new.replace(self._path)
        except OSError as error:
            setattr(self, name, before)
            raise LabError(f"The lab cannot write {self._path}: {error.strerror}.") from error


def _fitting(rows: Sequence[Row]) -> Iterator[Row]:
    room = LARGEST
    for row in rows:
        yield row
        room -= len(json.dumps(row))
        if room <= 0:
            return


def _message(row: object, now: str) -> Row:
    fields = _fields(row, "message", _MESSAGE)
    level = fields.setdefault("level", "info")
    if level not in LEVELS:
        raise LabError(f"The level of a message is one of {', '.join(LEVELS)}; found {level!r}.")
    fields.setdefault("at", now)
    return {name: _text(fields, "message", name) for name in _MESSAGE}


def _offer(row: object) -> Row:
    fields = _fields(row, "offer", _OFFER)
    data = fields.pop("data", {})
    if not isinstance(data, dict):
        raise LabError(f"The data of an offer is a JSON object; found {data!r}.")
    texts = {name: _text(fields, "offer", name) for name in _OFFER if name != "data"}
    for name in ("from", "until"):
        if texts[name]:
            try:
                date.fromisoformat(texts[name])
            except ValueError:
                raise LabError(
                    f"'{name}' of an offer is a date such as 2026-11-30; found {texts[name]!r}."
                ) from None
    return {**texts, "data": data}


def _fields(row: object, what: str, allowed: Sequence[str]) -> Row:
    if not isinstance(row, Mapping):
        raise LabError(f"Each {what} is a JSON object; found {row!r}.")
    for name in row:
        if name not in allowed:
            raise LabError(f"The {what} has no '{name}'. Allowed: {', '.join(allowed)}.")
    if not row.get("id"):
        raise LabError(f"Each {what} has an 'id', a text.")
    return dict(row)


def _text(fields: Row, what: str, name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise LabError(f"'{name}' of the {what} is a text; found {value!r}.")
    return value


def _check_ids(rows: Sequence[Row], what: str) -> None:
    if len({row["id"] for row in rows}) < len(rows):
        raise LabError(f"Two of the {what} have one id.")
    if len(rows) > MOST:
        raise LabError(f"There are {len(rows)} {what}; at most {MOST} are told in one answer.")
