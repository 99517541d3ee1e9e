"""The routes for loads of the catalogue."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from engine.api.access import Denial, Limits
from engine.api.answers import Denied, ErrorView, step_failed, unavailable, unknown_till
from engine.api.loads import KIND, LoadAnswer, LoadKind, LoadRefused, LoadsView
from engine.api.port import EventFailed, Office, StoreUnavailable, UnknownTill
from engine.api.posted import PostedRoute
from engine.api.routes import CHANGES, TOKEN, TillId, answer, errors
from engine.api.waiting import begin, within

NOT_NOW = (
    "No catalogue is declared (`no_catalogue`), a load is under way (`load_under_way`), or the "
    "machine file has none (`not_loaded`)."
)


class LoadPosted(BaseModel):
    """Which load somebody wants."""

    model_config = ConfigDict(extra="forbid")

    kind: LoadKind = Field(description=KIND, examples=["changes"])


class LoadRoutes:
    """The operations on an office."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits

    async def post(self, till: TillId, posted: LoadPosted) -> Response:
        """Load the catalogue: all of it, or what has changed since.

        The answer says whether the load has begun or begins later; how far it has got and what
        came of it is told by the same address with GET, and in the stream.
        """
        work = self._office.post_load(till, posted.kind)
        try:
            return answer(await within(self._limits.answer, begin(work)), 202)
        except UnknownTill:
            raise unknown_till(till) from None
        except LoadRefused as refusal:
            raise Denied(Denial(409, refusal.why, refusal.sentence, refusal.hint)) from None
        except EventFailed as error:
            raise step_failed(error.sentence) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after) from None

    async def loads(self, till: TillId) -> Response:
        """How far a load has got, what the last ones came to, and what the catalogue holds. The
        tills of one agent share one catalogue."""
        work = self._office.loads(till)
        try:
            return answer(await within(self._limits.answer, begin(work)))
        except UnknownTill:
            raise unknown_till(till) from None


def router(office: Office, limits: Limits) -> APIRouter:
    """Loads."""
    routes, table = LoadRoutes(office, limits), APIRouter(tags=["tills"])
    refused: dict[int | str, dict[str, Any]] = {409: {"model": ErrorView, "description": NOT_NOW}}
    table.add_api_route(
        "/v1/tills/{till}/loads",
        routes.post,
        methods=["POST"],
        status_code=202,
        summary="Load the catalogue",
        route_class_override=PostedRoute,
        response_model=LoadAnswer,
        responses={**errors(*CHANGES, 404, 422), **refused},
        dependencies=[TOKEN],
    )
    table.add_api_route(
        "/v1/tills/{till}/loads",
        routes.loads,
        summary="Loads of the catalogue",
        response_model=LoadsView,
        responses=errors(404, 422),
    )
    return table
