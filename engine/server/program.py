"""What is said to the server's program and what it says back, the same on both wires.

Source of the form: Divalto's public descriptions (``param`` as HMP, a technical result apart
from a business refusal). The payloads of tickets and the names inside the replies are
published nowhere and are our own choice:

    {"resultcode": 0, "errormessage": "", "batch": "b1", "count": 1,
     "tickets": [{"key": "0042/01/17", "status": "stored", "code": "", "message": ""}]}
"""

import base64
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from engine.server import hmp
from engine.server.actions import ActionSettings, Scalar, render
from engine.server.port import CallRejected, TicketParcel, TicketVerdict
from engine.server.secret import Secret

LONGEST_WORDS = 300
"""Characters of the server's own words that a message of ours repeats."""

_NOT_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_OUR_JSON = ("tickets", "keys", "ids")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_Status = Literal["stored", "refused", "unknown"]
_SENT: Mapping[str, _Status] = {"stored": "stored", "duplicate": "stored", "refused": "refused"}
_ASKED: Mapping[str, _Status] = {**_SENT, "unknown": "unknown"}


class Unfit(ValueError):  # noqa: N818 - it says what the reply is
    """A reply that is not what the action gives; the text says what is wrong with it."""


class Said(NamedTuple):
    """A program's reply: its text, and its fields where it has some."""

    text: str
    fields: Any


def parameter(
    action: ActionSettings, values: Mapping[str, str], secrets: Mapping[str, str] | None = None
) -> str:
    """The HMP text of one call; ``secrets`` holds the values of secret parameters by name.

    Raises ValueError for a value that no wire can carry; the text repeats none of them.
    """
    secrets = secrets or {}
    for name, value in values.items():
        if name not in _OUR_JSON and not value.isprintable() and _NOT_XML.search(value):
            raise ValueError(f"the {name} holds a character that cannot be sent")
    for name, value in secrets.items():
        if _NOT_XML.search(value):
            raise ValueError(f"the secret for {name} holds a character that cannot be sent")
    known = {"action": action.action, **values}
    return hmp.encode(
        (name, secrets[name] if isinstance(template, Secret) else render(template, known))
        for name, template in action.parameters.items()
    )


def tickets_text(tickets: Sequence[TicketParcel]) -> str:
    """The tickets as JSON in ASCII, which comes through XML, HMP and JSON unchanged.

    A payload is text where it is UTF-8, which gives back the very same bytes, else base64.
    """
    return json.dumps([_ticket(ticket) for ticket in tickets], separators=(",", ":"))


def _ticket(ticket: TicketParcel) -> dict[str, str | int]:
    shown: dict[str, str | int] = {
        "key": ticket.key,
        "number": ticket.number,
        "sha256": ticket.sha256,
    }
    try:
        shown["text"] = ticket.payload.decode("utf-8")
    except UnicodeDecodeError:
        shown["base64"] = base64.b64encode(ticket.payload).decode("ascii")
    return shown


def list_text(texts: Sequence[str]) -> str:
    """Keys or ids as a JSON list in ASCII."""
    return json.dumps(list(texts), separators=(",", ":"))


def table_text(versions: Mapping[str, int | None]) -> str:
    """Tables and their versions as a JSON object in ASCII."""
    return json.dumps(dict(versions), separators=(",", ":"))


def read_json(text: str | bytes) -> Any:
    """JSON, or :class:`Unfit` with a sentence, however deep or odd it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unfit("it is not JSON, or it is cut short") from None


def read(action: ActionSettings, text: str) -> Said:
    """The reply of a program whose technical result is good.

    Raises :class:`Unfit` for one of the wrong form, CallRejected for a refusal.
    """
    if action.escaped:
        text = html.unescape(text)
    fields: Any = None
    if action.reply == "json":
        fields = read_json(text)
        if not isinstance(fields, dict):
            raise Unfit("it is JSON and not an object")
    elif action.reply == "hmp":
        try:
            fields = hmp.decode(text)
        except ValueError as error:
            raise Unfit(str(error)) from None
    _judge(action, fields)
    return Said(text, fields)


def _judge(action: ActionSettings, fields: Any) -> None:
    success = action.success
    if success.field is None:
        return
    found = look_up(fields, success.field)
    if found is None:
        raise Unfit(f"it has no {success.field}")
    if not same(found, success.equals):
        words = look_up(fields, success.message) if success.message else None
        raise CallRejected(shown(found, 60), "" if words is None else shown(words))


def look_up(fields: Any, path: str) -> Any:
    """The value at a path with dots, None when there is none. Names are compared exactly
    first, then without regard to case; a number steps into a list."""
    for step in path.split("."):
        if isinstance(fields, list):
            place = int(step) if step.isascii() and step.isdigit() and len(step) < 6 else -1
            fields = fields[place] if 0 <= place < len(fields) else None
        elif isinstance(fields, dict):
            if step in fields:
                fields = fields[step]
            else:
                near = [name for name in fields if str(name).lower() == step.lower()]
                fields = fields[near[0]] if len(near) == 1 else None
        else:
            return None
    return fields


def same(found: Any, wanted: Scalar) -> bool:
    """Whether a value is the wanted one: ``0`` and ``"0"`` are, ``0`` and ``false`` are not."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return str(found).strip().lower() == str(wanted).lower()
    if isinstance(found, (int, float)) and isinstance(wanted, (int, float)):
        return found == wanted
    return isinstance(found, (int, float, str)) and str(found).strip() == str(wanted)


def shown(value: Any, longest: int = LONGEST_WORDS) -> str:
    """A value of the server's on one line, without control characters, not too long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = _CONTROL.sub(" ", text[: longest * 2]).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def batch_verdicts(said: Said, batch: str, tickets: Sequence[TicketParcel]) -> list[TicketVerdict]:
    """The verdicts on a batch. Raises :class:`Unfit` unless the reply is about this batch.

    A ticket that the server stored with other bytes than ours is refused: somebody has to
    look at it, and it must not be sent again and again.
    """
    if not same(look_up(said.fields, "batch"), batch):
        raise Unfit("it is not about the batch that was sent")
    count = look_up(said.fields, "count")
    if not isinstance(count, (int, str)) or not same(count, len(tickets)):
        raise Unfit(f"it counts {shown(count, 20)} tickets where {len(tickets)} were sent")
    digests = {ticket.key: ticket.sha256 for ticket in tickets}
    verdicts = _verdicts(said, digests.__contains__, _SENT)
    return [_compared(verdict, digests[verdict.key]) for verdict in verdicts]


def status_verdicts(said: Said, keys: Sequence[str]) -> list[TicketVerdict]:
    """The answers to a question about tickets. Raises :class:`Unfit`."""
    return _verdicts(said, frozenset(keys).__contains__, _ASKED)


def _compared(verdict: TicketVerdict, digest: str) -> TicketVerdict:
    if verdict.status != "stored" or verdict.sha256 in ("", digest.lower()):
        return verdict
    return verdict._replace(
        status="refused",
        code="sha256_differs",
        message="the server stored other bytes than those that were sent",
    )


def _verdicts(
    said: Said, asked: Callable[[str], bool], statuses: Mapping[str, _Status]
) -> list[TicketVerdict]:
    rows = look_up(said.fields, "tickets")
    if isinstance(rows, str):
        rows = read_json(rows)
    if not isinstance(rows, list):
        raise Unfit("it has no list of tickets")
    verdicts: dict[str, TicketVerdict] = {}
    for row in rows:
        key = row.get("key") if isinstance(row, dict) else None
        if not isinstance(key, str) or not asked(key):
            raise Unfit("it names a ticket that was not asked about")
        status = row.get("status")
        if not isinstance(status, str) or status not in statuses:
            raise Unfit(f"it says neither {' nor '.join(statuses)} of a ticket")
        verdict = TicketVerdict(
            key,
            statuses[status],
            _words(row, "code", 60),
            _words(row, "message", LONGEST_WORDS),
            _words(row, "sha256", 64).lower(),
        )
        if verdicts.setdefault(key, verdict).status != verdict.status:
            raise Unfit("it says two things of one ticket")
    return list(verdicts.values())


def _words(row: Mapping[str, Any], name: str, longest: int) -> str:
    value = row.get(name)
    return "" if value is None or value == "" else shown(value, longest)
