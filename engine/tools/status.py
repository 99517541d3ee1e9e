"""``tillwire status``: what the agent on this machine says of its tills."""

import json as encoding
import locale
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

ALL_ONLINE, SOME_NOT, NO_ANSWER = 0, 1, 2
ONLINE_STATES = frozenset({"online", "syncing", "loading"})
"""The states in which the server answers as it should."""

TIMEOUT = 5.0
"""Seconds to wait for the agent: it is on this machine and answers from memory."""

COLUMNS = ("till", "state", "since", "next try", "pending", "oldest pending")

Row = Mapping[str, Any]


class NoAnswer(Exception):  # noqa: N818 - it is what happened, in a sentence
    """The agent did not answer, or what answered is no agent."""


def status(url: str, json: bool) -> int:
    """Print a row per till. ``url`` is the API's, as in ``http://127.0.0.1:8344``.

    Returns 0 when every till is online, 1 when one is not, 2 when the agent does not answer.
    """
    try:
        rows = ask(url)
    except NoAnswer as problem:
        sys.stderr.write(f"{problem}\n")
        return NO_ANSWER
    if json:
        sys.stdout.write(encoding.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(table(rows, time.time(), language()))
    return ALL_ONLINE if all(row.get("state") in ONLINE_STATES for row in rows) else SOME_NOT


def ask(url: str) -> list[Row]:
    """The tills as ``GET /v1/tills`` gives them. Raises :class:`NoAnswer`."""
    if not _is_address(url):
        raise NoAnswer(f"'{url}' is not an address: write http://HOST:PORT.")
    import requests

    address = f"{url.rstrip('/')}/v1/tills"
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business between us and this machine
            reply = session.get(address, timeout=TIMEOUT, allow_redirects=False)
            body: Any = reply.json() if reply.status_code == requests.codes.ok else None
    except requests.exceptions.JSONDecodeError as error:
        raise NoAnswer(f"What answers at {address} is not a tillwire agent.") from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise NoAnswer(
            f"No agent answers at {address}. Start it with: tillwire run -c till.yaml"
        ) from error
    if reply.status_code != requests.codes.ok:
        raise NoAnswer(f"{address} answered with HTTP status {reply.status_code}.")
    rows = body.get("tills") if isinstance(body, dict) else body
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NoAnswer(f"What answers at {address} is not a tillwire agent.")
    return rows


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def table(rows: Sequence[Row], now: float, language: str = "en") -> str:
    """The rows in columns; ``now`` is the wall clock in epoch seconds, ``language`` en or fr."""
    if not rows:
        return "The agent looks after no till.\n"
    lines = [COLUMNS, *(_cells(row, now, language) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def language() -> str:
    """The language of the labels: French where the account's is French, else English."""
    return "fr" if (locale.getlocale()[0] or "").lower().startswith("fr") else "en"


def _cells(row: Row, now: float, language: str) -> tuple[str, ...]:
    tickets = row.get("tickets")
    tickets = tickets if isinstance(tickets, Mapping) else {}
    return (
        str(row.get("till", "?")),
        _label(row, language),
        _ago(row.get("since"), now),
        _ahead(row.get("next_try"), now),
        str(tickets.get("pending", "?")),
        _ago(tickets.get("oldest_pending"), now),
    )


def _label(row: Row, language: str) -> str:
    label, state = row.get("label"), str(row.get("state", "?"))
    text = label.get(language) if isinstance(label, Mapping) else None
    return f"{text} ({state})" if text else state


def _ago(moment: Any, now: float) -> str:
    at = _epoch(moment)
    return "-" if at is None else f"{_span(max(0.0, now - at))} ago"


def _ahead(moment: Any, now: float) -> str:
    at = _epoch(moment)
    if at is None:
        return "-"
    return f"in {_span(at - now)}" if at > now else "now"


def _epoch(moment: Any) -> float | None:
    """Epoch seconds of what the API gives: a number, an ISO time, or nothing."""
    if isinstance(moment, str):
        try:
            return datetime.fromisoformat(moment).timestamp()
        except ValueError:
            return None
    return float(moment) if isinstance(moment, int | float) else None


def _span(seconds: float) -> str:
    whole = int(seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
