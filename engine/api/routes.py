"""The routes: each asks the office one thing and says what came of it."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Security
from fastapi.responses import Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, BeforeValidator, Field

from engine.api.access import Denial, Limits
from engine.api.answers import (
    Denied,
    ErrorView,
    invalid,
    no_metrics,
    step_failed,
    unavailable,
    unknown_event,
    unknown_till,
)
from engine.api.port import (
    BadData,
    EventFailed,
    Health,
    HistoryView,
    Office,
    StepView,
    StoreUnavailable,
    TillView,
    UnknownEvent,
    UnknownTill,
)
from engine.api.posted import LARGEST, EventPosted, PostedRoute, as_written, only_one
from engine.api.waiting import Room, begin, within

ERRORS = {
    400: "The request is not HTTP, not JSON, or not addressed to this API.",
    401: "The token is missing or wrong.",
    403: "A web page of another origin asks, or this agent has no token and changes nothing.",
    404: "This agent looks after no such till.",
    408: "The body took too long to arrive.",
    409: "The number was used for a ticket with other bytes.",
    413: "The body is too large.",
    415: "The body is compressed or encoded.",
    422: "Something is not as documented here.",
    500: "An error of tillwire's own, or of the machine file (`step_failed`).",
    503: "Not now: the store is full or stalled, or too much is going on. Retry-After says when.",
}
BREATH = 100
"""After so many tills written the loop gets its turn: a shop's PC may have ten thousand."""

ALWAYS = (400, 403, 500, 503)
CHANGES = (401, 408, 413, 415)


TillId = Annotated[str, Path(max_length=128, description="The till's id.", examples=["01"])]
TOKEN = Security(
    HTTPBearer(
        scheme_name="token",
        description="The token that till.yaml names.",
        auto_error=False,  # the guard has looked at it before any route is chosen
    )
)


class TillsAnswer(BaseModel):
    """All tills of this agent."""

    tills: tuple[TillView, ...] = Field(description="In the order of the settings.")


class HistoryAnswer(BaseModel):
    """A part of a till's past."""

    steps: tuple[HistoryView, ...] = Field(description="Newest first.")
    next_before: int | None = Field(
        description="The `before` that gives the steps before these; null when there are none.",
        examples=[881],
    )


class TicketAnswer(BaseModel):
    """What became of a ticket."""

    till: str = Field(description="The till's id.", examples=["01"])
    number: int = Field(description="The ticket's number.", examples=[17])
    stored: str = Field(
        description="`new`: stored now. `same`: it was stored before, with the same bytes.",
        examples=["new"],
    )


def errors(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The documented error answers of an operation."""
    described: dict[int | str, dict[str, Any]] = {
        code: {"model": ErrorView, "description": ERRORS[code]}
        for code in sorted({*ALWAYS, *codes})
    }
    described[503]["headers"] = {
        "Retry-After": {"description": "Whole seconds to wait.", "schema": {"type": "integer"}}
    }
    return described


def answer(view: BaseModel, status: int = 200) -> Response:
    """A view as JSON, written once: the framework would check and copy it again."""
    return Response(view.model_dump_json(), status, media_type="application/json")


class Routes:
    """The operations on an office."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits
        self._room = Room(limits.room)

    async def tills(self) -> Response:
        """Where every till is, and how far its tickets have got."""
        found = await within(self._limits.answer, begin(self._tills()))
        parts = []
        for count, view in enumerate(found, start=1):
            parts.append(view.model_dump_json())
            if count % BREATH == 0:
                await asyncio.sleep(0)
        return Response(f'{{"tills":[{",".join(parts)}]}}', media_type="application/json")

    async def _tills(self) -> Sequence[TillView]:
        return await self._office.tills()

    async def till(self, till: TillId) -> Response:
        """Where one till is, and how far its tickets have got."""
        found = await within(self._limits.answer, begin(self._office.till(till)))
        if found is None:
            raise unknown_till(till)
        return answer(found)

    async def post_event(self, till: TillId, posted: EventPosted) -> Response:
        """Tell a till's machine that something happened, or ask it for something.

        The event has been handled when the answer comes; the answer says what it did.
        """
        work = self._office.post_event(till, posted.event, posted.data)
        try:
            return answer(await within(self._limits.answer, begin(work)))
        except UnknownTill:
            raise unknown_till(till) from None
        except UnknownEvent as error:
            raise unknown_event(posted.event, error.allowed) from None
        except BadData as error:
            raise Denied(invalid_data(error.sentence)) from None
        except EventFailed as error:
            raise step_failed(error.sentence) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None

    async def post_ticket(
        self,
        till: TillId,
        request: Request,
        number: Annotated[
            int,
            BeforeValidator(as_written),
            Query(ge=0, le=LARGEST, description="The ticket's number.", examples=[17]),
        ],
    ) -> Response:
        """Hand over a ticket, bytes exactly as they are to reach the server.

        The answer comes once the ticket is on disk. Posting the same number and bytes again
        is safe at any time and after any answer.
        """
        only_one(request, "number")
        reserved = self._size(request)
        self._room.take(reserved)
        try:
            payload = b"".join([part async for part in request.stream()])
            if not payload:
                raise Denied(EMPTY)
            task = begin(self._office.accept_ticket(till, number, payload))
        except BaseException:
            self._room.give(reserved)
            raise
        task.add_done_callback(lambda _: self._room.give(reserved))
        try:
            stored = await within(self._limits.answer, task, "The store")
        except UnknownTill:
            raise unknown_till(till) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None
        if stored == "different":
            raise Denied(_conflict(till, number))
        view = TicketAnswer(till=till, number=number, stored=stored)
        return answer(view, 201 if stored == "new" else 200)

    def _size(self, request: Request) -> int:
        # the guard has refused a length above the limit; in chunks it is not known before
        length = request.headers.get("content-length", "")
        chunked = "transfer-encoding" in request.headers
        return int(length) if length.isdecimal() and not chunked else self._limits.ticket

    async def history(
        self,
        till: TillId,
        limit: Annotated[int, Query(ge=1, le=1000, description="How many steps.")] = 100,
        before: Annotated[
            int | None,
            Query(ge=0, le=LARGEST, description="Only steps with a number below this one."),
        ] = None,
        dull: Annotated[
            bool,
            Query(description="Also steps in which no state was left or entered."),
        ] = True,
    ) -> Response:
        """What happened to a till, newest first."""
        work = self._office.history(till, limit, before, dull)
        try:
            steps = tuple(await within(self._limits.answer, begin(work), "The store"))
        except UnknownTill:
            raise unknown_till(till) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None
        older = steps[-1].number if len(steps) == limit else None
        return answer(HistoryAnswer.model_construct(steps=steps, next_before=older))

    async def metrics(self, request: Request) -> Response:
        """The metrics, for Prometheus."""
        body, media_type = await self._office.metrics(request.headers.get("accept", ""))
        if not body:
            raise no_metrics()
        return Response(body, headers={"content-type": media_type})

    async def alive(self) -> Response:
        """Whether the agent lives."""
        health = self._office.health()
        return answer(health, 200 if health.alive else 503)

    async def ready(self) -> Response:
        """Whether the agent can do its work: the store is open, the machines are running."""
        health = self._office.health()
        return answer(health, 200 if health.alive and health.ready else 503)


EMPTY = Denial(
    400, "empty_ticket", "The ticket is empty.", "The request's body is the ticket, as it is."
)


def invalid_data(sentence: str) -> Denial:
    """An event's data that the event does not carry."""
    denial = invalid(sentence)
    return denial._replace(error="bad_data")


def _conflict(till: str, number: int) -> Denial:
    return Denial(
        409,
        "different_ticket",
        f"Ticket {number} of till '{till}' is stored already, with other bytes.",
        "The stored one was kept and this one was not. A ticket has a number of its own.",
    )


def router(office: Office, limits: Limits) -> APIRouter:
    """All routes of the API."""
    routes, table = Routes(office, limits), APIRouter()
    _reading(table, routes)
    _changing(table, routes)
    _watching(table, routes)
    return table


def _reading(table: APIRouter, routes: Routes) -> None:
    table.add_api_route(
        "/v1/tills",
        routes.tills,
        summary="All tills",
        response_model=TillsAnswer,
        responses=errors(),
        tags=["tills"],
    )
    table.add_api_route(
        "/v1/tills/{till}",
        routes.till,
        summary="One till",
        response_model=TillView,
        responses=errors(404, 422),
        tags=["tills"],
    )
    table.add_api_route(
        "/v1/tills/{till}/history",
        routes.history,
        summary="What happened to a till",
        response_model=HistoryAnswer,
        responses=errors(404, 422),
        tags=["tills"],
    )


def _changing(table: APIRouter, routes: Routes) -> None:
    table.add_api_route(
        "/v1/tills/{till}/events",
        routes.post_event,
        methods=["POST"],
        summary="Post an event",
        route_class_override=PostedRoute,
        response_model=StepView,
        responses=errors(*CHANGES, 404, 422),
        dependencies=[TOKEN],
        tags=["tills"],
    )
    body = {"schema": {"type": "string", "format": "binary"}}
    same = {"model": TicketAnswer, "description": "Stored before, with the same bytes."}
    table.add_api_route(
        "/v1/tills/{till}/tickets",
        routes.post_ticket,
        methods=["POST"],
        status_code=201,
        summary="Hand over a ticket",
        response_model=TicketAnswer,
        response_description="Stored: it is on disk.",
        responses={200: same, **errors(*CHANGES, 404, 409, 422)},
        dependencies=[TOKEN],
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "The ticket, of any content type; it is not looked into.",
                "content": {"application/octet-stream": body, "*/*": body},
            }
        },
        tags=["tills"],
    )


def _watching(table: APIRouter, routes: Routes) -> None:
    text = {"schema": {"type": "string"}}
    formats = {"text/plain": text, "application/openmetrics-text": text}
    table.add_api_route(
        "/metrics",
        routes.metrics,
        summary="Metrics",
        response_class=Response,
        responses={200: {"content": formats}, **errors(404)},
        tags=["watching"],
    )
    not_now = {"model": Health, "description": "It is not so; `reasons` says why."}
    for path, endpoint, summary in (
        ("/healthz", routes.alive, "Alive?"),
        ("/readyz", routes.ready, "Ready?"),
    ):
        table.add_api_route(
            path,
            endpoint,
            summary=summary,
            response_model=Health,
            responses={**errors(), 503: not_now},
            tags=["watching"],
        )
