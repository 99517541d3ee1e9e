"""What a server's program tells of messages, offers and its count of tickets, checked.

Nothing of it is published: the form is our own choice, and each field is taken or refused with
a sentence. Texts that are too long are cut, everything else that does not fit is refused.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from engine.server.port import Message, Offer, TicketCount
from engine.server.program import LONGEST_WORDS, Said, Unfit, look_up, read_json, same

MOST_ROWS = 1000
"""Messages, or offers, in one reply."""
MOST_EXPORTS = 10_000
LONGEST_ID = 100
LONGEST_TIME = 40
LONGEST_TEXT = 4000
"""Characters of a message's or an offer's text; what follows is cut off."""
LONGEST_DATA = 20_000
"""Characters of an offer's data as JSON."""
LONGEST_MISSING = 20_000

_Level = Literal["info", "warning", "urgent"]
_LEVELS: Mapping[str, _Level] = {"info": "info", "warning": "warning", "urgent": "urgent"}
# Control characters but tab and line feed, and halves of characters, which UTF-8 cannot hold.
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"[0-9]{1,19}")
_RANGES = re.compile(r"(?:[0-9]{1,19}(?:-[0-9]{1,19})?(?:,(?=[0-9]))?)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def messages(said: Said) -> list[Message]:
    """The messages of a reply, each once, in its order. Raises :class:`Unfit`."""
    found: dict[str, Message] = {}
    for message in (_message(row) for row in _rows(said, "messages", "message")):
        if found.setdefault(message.id, message) != message:
            raise Unfit("it has two messages of one id")
    return list(found.values())


def acknowledged(said: Said, asked: Collection[str]) -> list[str]:
    """The ids that the server took note of. Raises :class:`Unfit`."""
    ids = look_up(said.fields, "acknowledged")
    if isinstance(ids, str):
        ids = read_json(ids)
    if not isinstance(ids, list):
        raise Unfit("it has no list of what it acknowledged")
    known = frozenset(asked)
    for one in ids:
        if not isinstance(one, str) or one not in known:
            raise Unfit("it acknowledges a message that was not told")
    return list(dict.fromkeys(ids))


def offers(said: Said, customer: str) -> list[Offer]:
    """The general offers and those of ``customer``, each once, in the reply's order.

    Raises :class:`Unfit`, whose text never holds the customer's code.
    """
    whose = look_up(said.fields, "customer")
    if whose is None or not same(whose, customer.strip()):
        raise Unfit("it is not about the customer that was asked about")
    found: dict[tuple[str, str], Offer] = {}
    for offer in (_offer(row, customer) for row in _rows(said, "offers", "offer")):
        if found.setdefault((offer.customer, offer.id), offer) != offer:
            raise Unfit("it has two offers of one id")
    return list(found.values())


def ticket_count(said: Said, first: int, last: int) -> TicketCount:
    """The count of the numbers from ``first`` to ``last``. Raises :class:`Unfit`."""
    count = _number(said, "count")
    if count is None:
        raise Unfit("it has no count")
    lowest, highest = (_number(said, name) for name in ("first", "last")) if count else (None, None)
    if count:
        if lowest is None or highest is None:
            raise Unfit(f"it counts {count} tickets and does not say which is the first or last")
        if not first <= lowest <= highest <= last or highest - lowest + 1 < count:
            raise Unfit(
                f"it counts {count} tickets from {lowest} to {highest}, where it was asked about "
                f"{first} to {last}"
            )
    digest = _short(said, "digest", 64).lower()
    if digest and not _SHA256.fullmatch(digest):
        raise Unfit("its digest is no SHA-256 in hex")
    missing = _short(said, "missing", LONGEST_MISSING)
    if not _RANGES.fullmatch(missing):
        raise Unfit("its missing is not written as 5,9-11")
    return TicketCount(count, lowest, highest, digest, missing)


def exports(said: Said) -> list[dict[str, Any]]:
    """The exports of a reply, as they are written there. Raises :class:`Unfit`."""
    return [dict(row) for row in _rows(said, "exports", "export", MOST_EXPORTS)]


def _short(said: Said, name: str, longest: int) -> str:
    value = look_up(said.fields, name)
    value = "" if value is None else value
    if not isinstance(value, str) or len(value) > longest:
        raise Unfit(f"its {name} is no text of at most {longest} characters")
    return value.strip()


def _rows(said: Said, name: str, one: str, most: int = MOST_ROWS) -> Sequence[Mapping[str, Any]]:
    rows = look_up(said.fields, name)
    if isinstance(rows, str):
        rows = read_json(rows)
    if not isinstance(rows, list):
        raise Unfit(f"it has no list of {name}")
    if len(rows) > most:
        raise Unfit(f"it has {len(rows)} {name}; at most {most} come in one reply")
    if not all(isinstance(row, dict) for row in rows):
        raise Unfit(f"it has {'an' if one[0] in 'aeiou' else 'a'} {one} that is not an object")
    return rows


def _message(row: Mapping[str, Any]) -> Message:
    at = row.get("at", "")
    at = "" if at is None else at
    if not isinstance(at, str) or len(at) > LONGEST_TIME or not at.isprintable():
        raise Unfit(f"the 'at' of a message is no text of at most {LONGEST_TIME} characters")
    level = row.get("level")
    level = "info" if level is None else level
    if not isinstance(level, str) or level not in _LEVELS:
        raise Unfit(f"the level of a message is none of {', '.join(_LEVELS)}")
    return Message(
        _id(row, "a message"), at, _LEVELS[level], _title(row, "message"), _text(row, "message")
    )


def _offer(row: Mapping[str, Any], customer: str) -> Offer:
    whose = row.get("customer")
    if whose is not None and whose != "" and not same(whose, customer.strip()):
        raise Unfit("it has an offer for another customer")
    return Offer(
        _id(row, "an offer"),
        customer if whose else "",
        _title(row, "offer"),
        _text(row, "offer"),
        _day(row, "from"),
        _day(row, "until"),
        _data(row),
    )


def _id(row: Mapping[str, Any], what: str) -> str:
    name = row.get("id")
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= LONGEST_ID
        or not name.isprintable()
        or name != name.strip()
    ):
        raise Unfit(
            f"the id of {what} is no text of 1 to {LONGEST_ID} printable characters without "
            "blanks around it"
        )
    return name


def _title(row: Mapping[str, Any], what: str) -> str:
    return " ".join(_words(row, "title", what, LONGEST_WORDS).split())


def _text(row: Mapping[str, Any], what: str) -> str:
    return _words(row, "text", what, LONGEST_TEXT)


def _words(row: Mapping[str, Any], name: str, what: str, longest: int) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unfit(f"the {name} of {'an' if what[0] in 'aeiou' else 'a'} {what} is no text")
    text = _ODD.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _day(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if value != "":
        try:
            if not isinstance(value, str) or not _DAY.fullmatch(value):
                raise ValueError
            date.fromisoformat(value)
        except ValueError:
            raise Unfit(f"the '{name}' of an offer is no date such as 2026-11-30") from None
    return str(value)


def _data(row: Mapping[str, Any]) -> str:
    try:
        # ASCII, so that no half of a character comes through.
        text = json.dumps(row.get("data", {}), separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise Unfit("the data of an offer cannot be written as JSON") from None
    if len(text) > LONGEST_DATA:
        raise Unfit(f"the data of an offer has more than {LONGEST_DATA} characters")
    return text


def _number(said: Said, name: str) -> int | None:
    """A whole number of 0 or more; in HMP it comes as a text."""
    value = look_up(said.fields, name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    raise Unfit(f"its {name} is no whole number of 0 or more")
