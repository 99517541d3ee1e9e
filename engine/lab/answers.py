"""What the lab understood of a request, and what it answers: plain records, no sockets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from engine.lab.ledger import LabError

#: Every action that the lab counts and that a fault can be turned on for. PROGRAMS are those
#: of the central server; OTHER is every request that is none of the named ones.
PROGRAMS = (
    "PING",
    "TICKETS",
    "TICKETSTATUS",
    "MESSAGES",
    "MESSAGESACK",
    "OFFERS",
    "TICKETCOUNT",
    "CONFIG",
    "TABLES",
)
ACTIONS = (*PROGRAMS, "AUTH", "WSDL", "OTHER")


@dataclass(frozen=True, slots=True)
class Request:
    """One whole HTTP request. Header names are in lower case; ``body`` is already unpacked."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    secure: bool

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def origin(self) -> str:
        """``scheme://host:port`` as the client wrote it."""
        return f"{'https' if self.secure else 'http'}://{self.headers.get('host', 'localhost')}"


@dataclass(frozen=True, slots=True)
class Response:
    """One whole HTTP answer. ``headers`` come on top of Content-Type and Content-Length."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Outcome(NamedTuple):
    """What a program made of a call.

    ``error`` other than 0 is a technical failure, told in ``text``; ``reply`` is the JSON object
    that the program answers (its ``resultcode`` other than 0 is a business refusal).
    """

    error: int = 0
    text: str = ""
    reply: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was understood, before anything is done about it.

    ``work`` does what is asked and commits it: a fault that must not commit never calls it. It
    may answer a whole :class:`Response` where the wire has no room for an outcome (a 401).
    ``render`` puts an outcome on the wire that the request came by.
    """

    action: str
    work: Callable[[], Outcome | Response]
    render: Callable[[Outcome], Response]

    def answer(self) -> Response:
        """Do the work and put the outcome on the wire."""
        try:
            outcome = self.work()
        except LabError as error:
            outcome = Outcome(error=3, text=str(error))
        return outcome if isinstance(outcome, Response) else self.render(outcome)


def fixed(action: str, response: Response) -> Call:
    """A call that has one answer and nothing to do."""
    return Call(action, lambda: response, lambda _outcome: response)


def json_response(status: int, data: object, headers: Mapping[str, str] | None = None) -> Response:
    """``data`` as JSON."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(status, body, "application/json; charset=utf-8", headers or {})


def login_page(status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The HTML page that a proxy or a portal puts in the place of an answer."""
    page = (
        "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Sign in</h1>"
        '<form method="post"><input name="user"><input name="password" type="password">'
        "</form></body></html>"
    )
    return Response(status, page.encode(), "text/html; charset=utf-8", headers or {})
