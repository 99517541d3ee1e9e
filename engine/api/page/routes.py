"""The routes of the page, and of the views that only people look at."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response

from engine.api.access import Denial, Limits, shown
from engine.api.answers import Denied, unknown_till
from engine.api.page import diagram, files, icon
from engine.api.page.languages import Language, choose
from engine.api.port import MachineView, Office, TillView
from engine.api.routes import TillId, answer, errors
from engine.api.waiting import begin, within

Asked = Annotated[
    Language | None,
    Query(description="The language; without it, the one that Accept-Language asks for."),
]
Accepted = Annotated[str, Header(include_in_schema=False)]
SVG = "image/svg+xml"
NO_CODE = {"content-security-policy": "default-src 'none'"}


class PageRoutes:
    """The operations on an office that show something."""

    def __init__(self, office: Office, limits: Limits) -> None:
        self._office = office
        self._limits = limits

    async def page(self, accept_language: Accepted = "", lang: Asked = None) -> Response:
        """The page that the shop sees."""
        return _page("page", lang or choose(accept_language), files.ALONE)

    async def widget(self, accept_language: Accepted = "", lang: Asked = None) -> Response:
        """The same in 220 x 48, for till programs to embed. It has no buttons."""
        return _page("widget", lang or choose(accept_language), files.POLICY)

    async def file(self, name: Annotated[str, Path(max_length=64)]) -> Response:
        """A style sheet or a script of the page."""
        found = files.content(name)
        if found is None:
            message = f"There is nothing at /page/{shown(name)}."
            raise Denied(
                Denial(404, "unknown_route", message, "GET /openapi.json lists what there is.")
            )
        return Response(found[0], media_type=found[1])

    async def machine(self) -> Response:
        """The states and transitions of the machine that looks after the tills."""
        return answer(await self._machine())

    async def diagram(self, accept_language: Accepted = "", lang: Asked = None) -> Response:
        """The machine as a drawing. States carry `data-state`, lines `data-source` and
        `data-target`."""
        image = diagram.drawn(await self._machine(), lang or choose(accept_language))
        return _svg(image)

    async def icon(
        self, till: TillId, accept_language: Accepted = "", lang: Asked = None
    ) -> Response:
        """The state of a till as an icon. Its shape, not only its colour, says which of
        connected, sending, loading, unsure and barred it is; its title says so in words."""
        view = await within(self._limits.answer, begin(self._told(till)))
        if view is None:
            raise unknown_till(till)
        language = lang or choose(accept_language)
        label = "" if view.label is None else getattr(view.label, language)
        return _svg(icon.drawn(icon.sign_of(await self._machine(), view), label, language))

    async def _machine(self) -> MachineView:
        return await within(self._limits.answer, begin(self._drawn()))

    async def _drawn(self) -> MachineView:
        return await self._office.machine()

    async def _told(self, till: str) -> TillView | None:
        return await self._office.till(till)


def _page(name: str, language: Language, policy: str) -> Response:
    headers = {
        "content-security-policy": policy,
        "content-language": language,
        "referrer-policy": "no-referrer",
        "vary": "Accept-Language",
    }
    return Response(files.page(name, language), headers=headers, media_type="text/html")


def _svg(image: str) -> Response:
    return Response(image, headers={**NO_CODE, "vary": "Accept-Language"}, media_type=SVG)


def router(office: Office, limits: Limits) -> APIRouter:
    """The page and what it is made of."""
    routes, table = PageRoutes(office, limits), APIRouter()
    for path, endpoint in (("/", routes.page), ("/widget", routes.widget)):
        table.add_api_route(path, endpoint, include_in_schema=False)
    table.add_api_route("/page/{name}", routes.file, include_in_schema=False)
    table.add_api_route(
        "/v1/machine",
        routes.machine,
        summary="The machine",
        response_model=MachineView,
        responses=errors(),
        tags=["tills"],
    )
    image: dict[int | str, dict[str, Any]] = {
        200: {"content": {SVG: {"schema": {"type": "string"}}}}
    }
    table.add_api_route(
        "/v1/machine/diagram.svg",
        routes.diagram,
        summary="The machine as a drawing",
        response_class=Response,
        responses={**image, **errors(422)},
        tags=["tills"],
    )
    table.add_api_route(
        "/v1/tills/{till}/icon.svg",
        routes.icon,
        summary="The state as an icon",
        response_class=Response,
        responses={**image, **errors(404, 422)},
        tags=["tills"],
    )
    return table
