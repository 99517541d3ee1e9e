"""``GET /v1/stream``: what the agent tells by itself, as server-sent events.

The framing is small and written here: a library for it would bring its own way to stop, which
hangs on a server that is not ours, and waits for slow readers.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from engine.api.access import Denial, Limits
from engine.api.answers import Denied, Message, Receive, Scope, Send, unavailable, unknown_till
from engine.api.line import ONLY_HEAD, line_of
from engine.api.port import Office, UnknownTill
from engine.api.posted import LARGEST
from engine.api.routes import errors
from engine.api.stream import MOST_READERS, Reader, StreamEvent, TooManyReaders

log = logging.getLogger("tillwire.api")

KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent: a reader then knows that the line stands."""

COME_AGAIN = 3000
"""Milliseconds after which a browser that lost the line comes again."""

AT_ONCE = 100
"""Events in one piece of the answer, at the most."""

FAREWELL = 1.0
"""Seconds for the end of the answer to be sent."""

MEDIA_TYPE = "text/event-stream"
ABOUT = f"""\
Server-sent events: `step` (what happened to a till), `progress` (its tickets were counted),
`message` (messages came, or one was read), `load` (how far a load of the catalogue has got, or
what came of it) and `missed` (more happened since `Last-Event-ID` than
is kept: ask for the whole again). Each has an `id`; who comes again with `Last-Event-ID` hears
what came in between. Who does not keep up is dropped. At most {MOST_READERS} readers at a time.
"""


def framed(event: StreamEvent) -> str:
    """An event as the wire has it; its data is one line."""
    return f"id: {event.id}\nevent: {event.kind}\ndata: {event.data}\n\n"


class EventStream(Response):
    """An answer that goes on until its reader leaves, falls behind, or the agent stops."""

    media_type = MEDIA_TYPE

    def __init__(self, reader: Reader) -> None:
        super().__init__(headers={"x-accel-buffering": "no"}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if not scope.get(ONLY_HEAD):
                await self._go_on(scope, receive, send)
                return
            await send(_part(""))
        finally:
            self._reader.close()

    async def _go_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        line, reader = line_of(scope), self._reader
        if line is not None:
            line.lasts()
        telling = asyncio.ensure_future(self._tell(send))
        leaving = asyncio.ensure_future(_left(receive))
        over = asyncio.ensure_future(reader.over.wait())
        stop = asyncio.Event() if line is None else line.stopping
        watched = (telling, leaving, over, asyncio.ensure_future(stop.wait()))
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in watched:
                one.cancel()
            await asyncio.wait(watched)
        if leaving.cancelled():
            await self._end(scope, receive, send)

    async def _tell(self, send: Send) -> None:
        await send(_part(f"retry: {COME_AGAIN}\nid: {self._reader.since}\n\n", more=True))
        while True:
            events: Sequence[StreamEvent] = await self._reader.take(AT_ONCE, KEEP_ALIVE)
            text = "".join(map(framed, events)) or ": the line stands\n\n"
            await send(_part(text, more=True))
            await asyncio.sleep(0)  # a long past is told in turns with everybody else's work

    async def _end(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A proper end for a reader who takes it; else the line is cut."""
        line = line_of(scope)
        if self._reader.slow and line is not None:
            log.debug("stream.reader_dropped")
        else:
            try:
                async with asyncio.timeout(FAREWELL):
                    await send(_part(""))
            except TimeoutError:
                log.debug("stream.reader_cut")
            else:
                return
        if line is not None:
            line.cut()
            await _left(receive)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _part(text: str, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": text.encode(), "more_body": more}


FOREIGN = Denial(
    403,
    "foreign_origin",
    "Web pages of another site may not take a place in the stream.",
    "Pages that may call this API go into allowed_origins in till.yaml.",
)


class StreamRoute:
    """The operation on an office."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits

    async def stream(
        self,
        request: Request,
        last_event_id: Annotated[
            int | None,
            Header(ge=0, le=LARGEST, description="The id of the last event that was heard."),
        ] = None,
        till: Annotated[
            str | None, Query(max_length=128, description="Only what is about this till.")
        ] = None,
    ) -> Response:
        """The description is ABOUT."""
        if "origin" not in request.headers and _elsewhere(request):
            raise Denied(FOREIGN)
        async for _ in request.stream():  # whoever sends a body has to be done with it first
            pass
        try:
            reader = await self._office.subscribe(last_event_id, till)
        except UnknownTill as error:
            raise unknown_till(error.till) from None
        except TooManyReaders:
            raise unavailable(
                f"The stream has {MOST_READERS} readers, and more it does not take.", 5, "busy"
            ) from None
        return EventStream(reader)


def _elsewhere(request: Request) -> bool:
    """Whether a browser says that a page of another site asks. An image's address, say, comes
    without an origin, and would keep a place from somebody who needs it."""
    return request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")


def router(office: Office, limits: Limits) -> APIRouter:
    """The stream."""
    table = APIRouter()
    described: dict[int | str, dict[str, Any]] = {
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
        **errors(404, 408, 413, 422),
    }
    table.add_api_route(
        "/v1/stream",
        StreamRoute(office, limits).stream,
        summary="What happens, as it happens",
        description=ABOUT,
        response_class=Response,
        responses=described,
        tags=["tills"],
    )
    return table
