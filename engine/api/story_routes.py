"""The routes for a till's story: what happened and why, and what holds the till where it is."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from engine.api.access import Limits
from engine.api.answers import unavailable, unknown_till
from engine.api.port import Office, StoreUnavailable, UnknownTill
from engine.api.posted import LARGEST
from engine.api.routes import TillId, answer, errors
from engine.api.waiting import begin, within
from engine.story.entries import Entry, WhyNot


class TraceAnswer(BaseModel):
    """A part of a till's story."""

    entries: tuple[Entry, ...] = Field(description="Newest first.")
    next_before: int | None = Field(
        description="The `before` that gives the entries before these; null when there are none.",
        examples=[881],
    )


class StoryRoutes:
    """The operations on an office."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits

    async def trace(
        self,
        till: TillId,
        limit: Annotated[int, Query(ge=1, le=500, description="How many entries.")] = 100,
        before: Annotated[
            int | None,
            Query(ge=0, le=LARGEST, description="Only entries with a number below this one."),
        ] = None,
        dull: Annotated[
            bool, Query(description="Also steps in which no state was left or entered.")
        ] = True,
    ) -> Response:
        """What happened to a till and why, and what befell its agent, newest first: calls with
        their answers, conditions with the values that they went by."""
        work = self._office.trace(till, limit, before, dull)
        try:
            entries = tuple(await within(self._limits.answer, begin(work), "The store"))
        except UnknownTill:
            raise unknown_till(till) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None
        older = entries[-1].number if len(entries) == limit else None
        return answer(TraceAnswer.model_construct(entries=entries, next_before=older))

    async def why_not(self, till: TillId) -> Response:
        """The transitions that lead out of where a till is, and what held each of them."""
        work = self._office.why_not(till)
        try:
            return answer(await within(self._limits.answer, begin(work), "The store"))
        except UnknownTill:
            raise unknown_till(till) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None


def router(office: Office, limits: Limits) -> APIRouter:
    """Stories."""
    routes, table = StoryRoutes(office, limits), APIRouter(tags=["tills"])
    table.add_api_route(
        "/v1/tills/{till}/trace",
        routes.trace,
        summary="The story of a till",
        response_model=TraceAnswer,
        responses=errors(404, 422),
    )
    table.add_api_route(
        "/v1/tills/{till}/why-not",
        routes.why_not,
        summary="Why a till is not elsewhere",
        response_model=WhyNot,
        responses=errors(404, 422),
    )
    return table
