"""The routes for what a till asks its server for, messages and offers, and for its closing."""

import math
from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from engine.api.access import Denial, Limits, shown
from engine.api.answers import Denied, invalid, unavailable, unknown_till
from engine.api.port import BadData, Office, StoreUnavailable, UnknownTill
from engine.api.routes import CHANGES, TOKEN, TillId, answer, errors, invalid_data
from engine.api.shop import MOST_WITHIN, ClosingView, MessageView, OffersView
from engine.api.waiting import begin, within
from engine.definition.values import NotOfType, parse_duration

Result = TypeVar("Result")

WITHIN = "1500ms"
MARGIN = 2.0
"""Seconds on top of the caller's own before the agent counts as silent."""

MessageId = Annotated[str, Path(max_length=256, description="The message's id.", examples=["m-17"])]
Customer = Annotated[
    str, Query(max_length=200, description="The customer's code; empty: general offers alone.")
]
Unread = Annotated[bool, Query(description="Only those that nobody has marked read.")]
Within = Annotated[
    str,
    Query(
        max_length=32,
        description="How long the answer may take, as a duration (`1500ms`, `2s`), at most "
        f"{MOST_WITHIN:g} s: after that, what is kept is told.",
        examples=[WITHIN],
    ),
]


class MessagesAnswer(BaseModel):
    """The messages of a till."""

    messages: tuple[MessageView, ...] = Field(
        description="The unread ones oldest first; all of them newest first."
    )


class ReadView(BaseModel):
    """What became of marking a message read."""

    till: str = Field(description="The till's id.", examples=["01"])
    message: str = Field(description="The message's id.", examples=["m-17"])
    result: str = Field(
        description="`read`: marked now. `again`: it was marked before.", examples=["read"]
    )


class ShopRoutes:
    """The operations on an office."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits

    async def messages(self, till: TillId, unread: Unread = False) -> Response:
        """What the central server has to say to the cashier, at most 1,000 messages. A message
        counts as shown once it was told here."""
        found = await self._of(till, self._office.messages(till, unread))
        return answer(MessagesAnswer.model_construct(messages=tuple(found)))

    async def read(self, till: TillId, message: MessageId) -> Response:
        """Mark a message read, for everybody. The answer comes once that is on disk."""
        result = await self._of(till, self._office.read_message(till, message))
        if result == "unknown":
            raise Denied(_unknown_message(till, message))
        return answer(ReadView(till=till, message=message, result=result))

    async def offers(
        self, till: TillId, customer: Customer = "", within: Within = WITHIN
    ) -> Response:
        """The general offers and a customer's own: fresh from the central server if they come in
        time, else as they are kept, with their age and the reason. While the server counts as
        not there the answer comes at once."""
        seconds = _seconds(within)
        work = self._office.offers(till, customer, seconds)
        return answer(await self._of(till, work, seconds + MARGIN))

    async def closing(self, till: TillId) -> Response:
        """Whether the day can be closed: whether the server has acknowledged every ticket."""
        return answer(await self._of(till, self._office.closing(till)))

    async def _of(self, till: str, work: Awaitable[Result], seconds: float = 0.0) -> Result:
        """What the office answers, or why it does not."""

        async def done() -> Result:
            return await work

        try:
            return await within(max(self._limits.answer, seconds), begin(done()))
        except UnknownTill:
            raise unknown_till(till) from None
        except BadData as error:
            raise Denied(invalid_data(error.sentence)) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except NotOfType as error:
        raise Denied(invalid(f"The query parameter 'within': {error}", error.hint)) from None
    if not math.isfinite(seconds) or seconds > MOST_WITHIN:
        sentence = (
            f"The query parameter 'within' must be at most {MOST_WITHIN:g}s; found '{shown(text)}'."
        )
        raise Denied(invalid(sentence))
    return seconds


def _unknown_message(till: str, message: str) -> Denial:
    return Denial(
        404,
        "unknown_message",
        f"Till '{till}' has no message '{shown(message)}'.",
        f"GET /v1/tills/{till}/messages lists them; read ones go after 90 days.",
    )


def router(office: Office, limits: Limits) -> APIRouter:
    """Messages, offers and the closing."""
    routes, table = ShopRoutes(office, limits), APIRouter(tags=["tills"])
    for path, endpoint, summary, view in (
        ("/v1/tills/{till}/messages", routes.messages, "Messages", MessagesAnswer),
        ("/v1/tills/{till}/offers", routes.offers, "Offers", OffersView),
        ("/v1/tills/{till}/closing", routes.closing, "Can the day be closed?", ClosingView),
    ):
        table.add_api_route(
            path, endpoint, summary=summary, response_model=view, responses=errors(404, 422)
        )
    table.add_api_route(
        "/v1/tills/{till}/messages/{message:path}/read",  # an id may hold a slash
        routes.read,
        methods=["POST"],
        summary="Mark a message read",
        response_model=ReadView,
        responses=errors(*CHANGES, 404, 422),
        dependencies=[TOKEN],
    )
    return table
