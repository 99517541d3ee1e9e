"""The routes about the files that are in force."""

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from engine.api.access import Denial, Limits
from engine.api.answers import Denied, ErrorView, unavailable
from engine.api.config import ConfigView, NoFiles, ProblemView, ReloadRefused, ReloadView
from engine.api.port import Office, StoreUnavailable
from engine.api.routes import CHANGES, TOKEN, answer, errors
from engine.api.waiting import begin, within

STILL = "The tills go on with the files of before. Mend what is named and save it."


NO_FILES = Denial(
    409,
    "no_files",
    "There are no files to read: this agent was not started from any, or is only starting.",
)


class RefusedView(ErrorView):
    """Why the files were refused."""

    problems: tuple[ProblemView, ...] = Field(description="Every problem, with its place.")
    text: str = Field(description="The same for people, as `tillwire check` prints it.")


class ConfigRoutes:
    """The operations on an office."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits

    async def config(self) -> Response:
        """Which files are in force, and what is wrong with those on the disk."""
        try:
            return answer(await within(self._limits.answer, begin(self._office.config())))
        except NoFiles:
            raise Denied(NO_FILES) from None

    async def reload(self) -> Response:
        """Read till.yaml and its machine again and have all tills play it, or none.

        The machine is explored first, for some seconds at the most. The files are watched, so
        that saving them does the same by itself; this says what came of it.
        """
        try:
            return answer(await within(self._limits.answer, begin(self._office.reload())))
        except ReloadRefused as refused:
            body = {
                "error": "refused",
                "message": refused.sentence,
                "hint": STILL,
                "problems": [problem.model_dump() for problem in refused.problems],
                "text": refused.text,
            }
            text = json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace")
            return Response(text, 422, media_type="application/json")
        except NoFiles:
            raise Denied(NO_FILES) from None
        except StoreUnavailable as error:
            raise unavailable(error.sentence, error.retry_after, "not_read") from None


def router(office: Office, limits: Limits) -> APIRouter:
    """The files in force."""
    routes, table = ConfigRoutes(office, limits), APIRouter(tags=["watching"])
    none: dict[int | str, dict[str, Any]] = {
        409: {"model": ErrorView, "description": "There are no files (`no_files`)."}
    }
    refused: dict[int | str, dict[str, Any]] = {
        422: {"model": RefusedView, "description": "The files are refused (`refused`)."}
    }
    table.add_api_route(
        "/v1/config",
        routes.config,
        summary="The files in force",
        response_model=ConfigView,
        responses={**errors(), **none},
    )
    table.add_api_route(
        "/-/reload",
        routes.reload,
        methods=["POST"],
        summary="Reload the files",
        response_model=ReloadView,
        responses={**errors(*CHANGES), **none, **refused},
        dependencies=[TOKEN],
    )
    return table
