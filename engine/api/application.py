"""The whole API as one ASGI application."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engine import __version__
from engine.api.access import Access, Limits
from engine.api.answers import (
    on_disconnect,
    on_failure,
    on_http_exception,
    on_invalid_request,
)
from engine.api.config_routes import router as config_router
from engine.api.event_stream import router as stream_router
from engine.api.guard import Guard
from engine.api.load_routes import router as load_router
from engine.api.page.routes import router as page_router
from engine.api.port import Office
from engine.api.routes import router
from engine.api.shop_routes import router as shop_router
from engine.api.story_routes import router as story_router

ABOUT = """\
The local API of a tillwire agent: the till program posts events and tickets, people and
programs ask where a till is.

Everything that changes something needs the token (`Authorization: Bearer …`). Every error
answer has the same shape: `error` (a stable name), `message` (a sentence), `hint`.
"""


class LocalApi(Guard):
    """The API of one agent, ready to be served. It is an ASGI application."""

    def __init__(self, framework: FastAPI, access: Access, limits: Limits) -> None:
        super().__init__(framework, access, limits)
        self._framework = framework
        self.limits = limits

    def document(self) -> dict[str, Any]:
        """The OpenAPI document, as ``GET /openapi.json`` gives it."""
        return self._framework.openapi()


def create_api(office: Office, access: Access, limits: Limits | None = None) -> LocalApi:
    """The API that speaks for ``office`` to whom ``access`` lets in."""
    limits = limits or Limits()
    framework = FastAPI(
        title="tillwire",
        summary="Looks after a shop till's link to its central server.",
        description=ABOUT,
        version=__version__,
        docs_url=None,  # the framework's pages load their scripts from elsewhere:
        redoc_url=None,  # a till may have no way out, and should not need one
        redirect_slashes=False,
        strict_content_type=False,  # the token and the origin protect; a till program may forget
    )
    framework.include_router(router(office, limits))
    framework.include_router(shop_router(office, limits))
    framework.include_router(story_router(office, limits))
    framework.include_router(load_router(office, limits))
    framework.include_router(config_router(office, limits))
    framework.include_router(stream_router(office, limits))
    framework.include_router(page_router(office, limits))
    framework.add_exception_handler(HTTPException, on_http_exception)
    framework.add_exception_handler(RequestValidationError, on_invalid_request)
    framework.add_exception_handler(Exception, on_failure)
    framework.add_exception_handler(ClientDisconnect, on_disconnect)
    return LocalApi(framework, access, limits)
