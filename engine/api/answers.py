"""Every answer that is not what the caller hoped for: one shape, exact sentences."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from email.utils import formatdate
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from engine.api.access import Denial, shown
from engine.problems import did_you_mean

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SOURCES = {
    "query": "The query parameter",
    "path": "The path's part",
    "header": "The header",
    "body": "The field",
}
NOT_JSON = "The body is not a JSON object."
NOT_DIGITS = "not_digits"
"""The kind of fault of a number that is not written in digits alone."""

SEND_JSON = 'Send it as application/json: {"event": "sync.now", "data": {}}.'
SEND_LOAD = 'Send it as application/json: {"kind": "changes"}.'


class ErrorView(BaseModel):
    """Why a request was not served."""

    error: str = Field(description="A short stable name, for programs.", examples=["unknown_till"])
    message: str = Field(
        description="What happened, in a sentence.", examples=["There is no till '07'."]
    )
    hint: str = Field(
        description="What to do about it; may be empty.", examples=["Did you mean '01'?"]
    )


class Denied(HTTPException):
    """A request that ends with an :class:`ErrorView`."""

    def __init__(self, denial: Denial) -> None:
        self.denial = denial
        super().__init__(denial.status, denial.message, dict(denial.headers))


def failure() -> Denial:
    """An error of ours. The log holds what happened; the caller gets no internals."""
    return Denial(
        500,
        "internal_error",
        "Something went wrong inside tillwire; the log says what.",
        "A ticket may be posted again with the same number and bytes.",
    )


def invalid(message: str, hint: str = "", status: int = 422) -> Denial:
    """Something about the request that is not as documented."""
    return Denial(status, "invalid_request", message, hint)


def encoded(denial: Denial) -> bytes:
    """The body of the answer."""
    view = {"error": denial.error, "message": denial.message, "hint": denial.hint}
    return json.dumps(view, ensure_ascii=False).encode("utf-8", "backslashreplace")


def standard_headers() -> list[tuple[bytes, bytes]]:
    """The headers of every answer: nothing is kept, guessed, or read by another origin."""
    return [
        (b"date", formatdate(usegmt=True).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]


def denial_headers(denial: Denial, body: bytes) -> list[tuple[bytes, bytes]]:
    """Type, length and what else the denial carries."""
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode("ascii")),
        *((name.encode("ascii"), value.encode("latin-1")) for name, value in denial.headers),
    ]


async def deny(send: Send, denial: Denial) -> None:
    """Answer outside of any framework."""
    body = encoded(denial)
    headers = denial_headers(denial, body)
    await send({"type": "http.response.start", "status": denial.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def response(denial: Denial) -> Response:
    """The same answer as a Starlette response."""
    return Response(
        encoded(denial), denial.status, dict(denial.headers), media_type="application/json"
    )


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Unknown routes, other methods, bodies that cannot be read, and our own denials."""
    if isinstance(error, Denied):
        return response(error.denial)
    if not isinstance(error, HTTPException):
        return response(failure())
    path = shown(request.url.path)
    headers = tuple((name.lower(), value) for name, value in (error.headers or {}).items())
    if error.status_code == 404:
        denial = Denial(404, "unknown_route", f"There is nothing at {path}.", _ROUTES, headers)
    elif error.status_code == 405:
        allowed = dict(headers).get("allow", "")
        hint = f"Possible: {allowed}." if allowed else ""
        method = shown(request.method)
        message = f"{method} is not possible at {path}."
        denial = Denial(405, "unknown_method", message, hint, headers)
    else:
        denial = Denial(400, "bad_json", NOT_JSON, _as_json(request), headers)
    return response(denial)


_ROUTES = "GET /openapi.json lists what there is."


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Parameters and bodies that are not as documented: all of them in one sentence each."""
    faults = error.errors() if isinstance(error, RequestValidationError) else ()
    first = faults[0] if faults else {}
    if first.get("type") == "json_invalid":
        reason = shown(str(first.get("ctx", {}).get("error", ""))).rstrip(".")
        position = first["loc"][-1]
        message = f"The body is not JSON: {reason} at character {position}."
        return response(Denial(400, "bad_json", message, _as_json(request)))
    sentences = list(dict.fromkeys(_sentence(fault) for fault in faults))
    return response(invalid(" ".join(sentences), _hint(faults, request)))


async def on_failure(_request: Request, _error: Exception) -> Response:
    """A fault of ours; the guard logs it."""
    return response(failure())


async def on_disconnect(_request: Request, _error: Exception) -> Response:
    """The caller went away in the middle of the body; nobody reads this answer."""
    return response(invalid("The body ended too early.", status=400))


def unknown_till(till: str) -> Denied:
    """No such till."""
    message = f"There is no till '{shown(till)}'."
    return Denied(Denial(404, "unknown_till", message, "GET /v1/tills lists the tills."))


def no_metrics() -> Denied:
    """Nobody counts here."""
    message = "This agent counts nothing for Prometheus."
    return Denied(Denial(404, "no_metrics", message, "till.yaml says so: api.metrics."))


def unknown_event(event: str, allowed: Sequence[str]) -> Denied:
    """No such event; the hint names the nearest."""
    message = f"There is no event '{shown(event)}' that may be posted."
    return Denied(Denial(422, "unknown_event", message, did_you_mean(event, allowed)))


def unavailable(sentence: str, seconds: int, error: str = "store_unavailable") -> Denied:
    """Not now: the caller may come again after that many seconds."""
    hint = f"Try again in {seconds} s, with the same number and bytes if it is a ticket."
    headers = (("retry-after", str(seconds)),)
    return Denied(Denial(503, error, sentence, hint, headers))


def step_failed(sentence: str) -> Denied:
    """The machine could not play the event; posting it again would end the same way."""
    hint = "The machine file is at fault: look for what it raises endlessly. The till goes on."
    return Denied(Denial(500, "step_failed", sentence, hint))


def _sentence(fault: Mapping[str, Any]) -> str:
    kind, loc = str(fault.get("type", "")), tuple(fault.get("loc", ()))
    if len(loc) < 2:
        return "The body is missing." if kind == "missing" else NOT_JSON
    # what a value may be is a union: its members follow the name in loc
    names = loc[1:3] if loc[:2] == ("body", "data") else loc[1:2]
    place = f"{SOURCES.get(str(loc[0]), 'The')} '{shown('.'.join(map(str, names)))}'"
    found = shown(json.dumps(fault.get("input"), default=str, ensure_ascii=False))
    limits = fault.get("ctx", {})
    if len(names) == 2:
        return f"{place} must be a number of up to 64 bits, true, false or a text; found {found}."
    if place.endswith("'data'"):
        return f"{place} must be a JSON object of names and values; found {found}."
    sentences = {
        "missing": f"{place} is missing.",
        "extra_forbidden": f"{place} is not known.",
        "int_parsing": f"{place} must be a whole number; found {found}.",
        NOT_DIGITS: f"{place} must be a whole number from 0 to {2**63 - 1}, in digits alone "
        f"and without leading zeros; found {found}.",
        "int_from_float": f"{place} must be a whole number; found {found}.",
        "greater_than_equal": f"{place} must be at least {limits.get('ge')}; found {found}.",
        "less_than_equal": f"{place} must be at most {limits.get('le')}; found {found}.",
        "literal_error": f"{place} must be {limits.get('expected')}; found {found}.",
        "string_type": f"{place} must be a text; found {found}.",
        "string_too_short": f"{place} must not be empty.",
        "string_too_long": f"{place} must have at most {limits.get('max_length')} characters.",
    }
    return sentences.get(kind, f"{place} is not right: {fault.get('msg', kind)}; found {found}.")


def _hint(faults: Sequence[Mapping[str, Any]], request: Request) -> str:
    places = {fault.get("loc", ("",))[0] for fault in faults}
    return _as_json(request) if "body" in places else ""


def _as_json(request: Request) -> str:
    """What a body looks like that is sent to this address."""
    return SEND_LOAD if request.url.path.endswith("/loads") else SEND_JSON
