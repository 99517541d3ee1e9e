"""What a caller writes is taken as it is written, or not at all.

A web framework reads ``1_0`` as 10, ``007`` as 7, and of what comes twice it takes the last. A
till program with such a fault would have a ticket stored under another one's number.
"""

import json
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError

from engine.api.access import shown
from engine.api.answers import NOT_DIGITS, Denied, invalid
from engine.definition.vocabulary import Value

LARGEST = 2**63 - 1
"""The largest ticket number: what the store's integers hold."""

DIGITS = re.compile(r"0|[1-9][0-9]{0,18}")
"""A whole number as it is written; twenty digits are more than LARGEST."""


def _whole_text(text: str) -> str:
    # JSON may spell half a character; it could be neither stored nor sent on
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("half a character")
    return text


def _storable(value: Value) -> Value:
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError("more than 64 bits")
    return value


FiniteFloat = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(strict=True, max_length=4096), AfterValidator(_whole_text)]
Posted = Annotated[StrictBool | StrictInt | FiniteFloat | Text, AfterValidator(_storable)]


class EventPosted(BaseModel):
    """Something that happened to a till, or that a person wants."""

    model_config = ConfigDict(extra="forbid")

    event: Annotated[str, AfterValidator(_whole_text)] = Field(
        strict=True,
        min_length=1,
        max_length=128,
        description="The event's name.",
        examples=["ticket.customer"],
    )
    data: dict[Text, Posted] = Field(
        default_factory=dict,
        max_length=64,
        description="What it carries.",
        examples=[{"customer": "C-1007"}],
    )


def as_written(text: str) -> int:
    """The ticket number that ``text`` spells; pydantic's error for any other spelling."""
    if DIGITS.fullmatch(text) is None or int(text) > LARGEST:
        raise PydanticCustomError(NOT_DIGITS, "not a number as it is written")
    return int(text)


def only_one(request: Request, name: str) -> None:
    """Raises :class:`Denied` (422) when a query parameter comes more than once."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise Denied(invalid(f"The query parameter '{name}' is there {len(given)} times."))


class PostedRequest(Request):
    """A request whose JSON says nothing twice."""

    async def json(self) -> Any:
        """The body. Raises :class:`Denied` (422) for a name that is repeated in an object."""
        return json.loads(await self.body(), object_pairs_hook=_each_once)


class PostedRoute(APIRoute):
    """A route that reads its body as a :class:`PostedRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See the class."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(PostedRequest(request.scope, request.receive))

        return handle


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Denied(
                invalid(
                    f"The body has '{shown(name)}' more than once in one object.",
                    "Send each name once.",
                )
            )
        found[name] = value
    return found
