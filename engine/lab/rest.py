"""The newer wire: Authent/Auth gives a token, WebService/Execute runs a program."""

import json
import secrets
from collections.abc import Callable
from typing import Any

from pydantic_core import from_json

from engine.lab.answers import PROGRAMS, Call, Outcome, Request, Response, fixed, json_response
from engine.lab.programs import Programs, action_of

ROOT = "/DhsDivaltoServiceDivaApiRest/api/v1"
EXECUTE = f"{ROOT}/WebService/Execute"
AUTH = f"{ROOT}/Authent/Auth"
LIFETIME = 45 * 60.0


class Tokens:
    """The tokens that were given and when each ends. ``lifetime`` is in seconds, at any time."""

    def __init__(
        self,
        clock: Callable[[], float],
        lifetime: float = LIFETIME,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.lifetime = lifetime
        self.credentials = credentials
        self._clock = clock
        self._ends: dict[str, float] = {}

    def issue(self) -> str:
        """A new token that is good for ``lifetime`` seconds from now."""
        now = self._clock()
        self._ends = {token: end for token, end in self._ends.items() if end > now}
        token = secrets.token_hex(16)
        self._ends[token] = now + self.lifetime
        return token

    def good(self, token: str) -> bool:
        """Whether this token was given and has not ended."""
        return self._ends.get(token, 0.0) > self._clock()

    def expire(self) -> None:
        """End every token at once."""
        self._ends = {}


def understand(request: Request, programs: Programs, tokens: Tokens) -> Call:
    """What a request to one of the two REST addresses asks for."""
    if request.method != "POST":
        return fixed("OTHER", json_response(405, _failed(405, "POST only."), {"Allow": "POST"}))
    if request.media_type != "application/json":
        return fixed("OTHER", json_response(415, _failed(415, "The body is not JSON.")))
    try:
        body = from_json(request.body)
        if not isinstance(body, dict):
            raise ValueError
    except ValueError:
        return fixed("OTHER", json_response(400, _failed(400, "The body is not a JSON object.")))
    if request.path == AUTH:
        return Call("AUTH", lambda: _authenticate(body, tokens), _render_auth)
    return _execute(request, body, programs, tokens)


def _execute(request: Request, body: dict[str, Any], programs: Programs, tokens: Tokens) -> Call:
    action, param, token = body.get("action", ""), body.get("param", ""), body.get("access_token")
    if not isinstance(action, str) or not isinstance(param, str):
        problem = _failed(400, "'action' and 'param' must be strings.")
        return fixed("OTHER", json_response(400, problem))
    action = action_of(action, param)
    if not token:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""

    def work() -> Outcome | Response:
        if not isinstance(token, str) or not tokens.good(token):
            return unauthorized()
        return programs.run(action, param)

    return Call(action.upper() if action.upper() in PROGRAMS else "OTHER", work, render)


def unauthorized() -> Response:
    """The answer to a token that is unknown or has ended."""
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return json_response(401, _failed(401, "The token is unknown or has expired."), challenge)


def render(outcome: Outcome) -> Response:
    """``{"error", "txterr", "result"}``; the result is the program's reply as JSON text."""
    result = "" if outcome.error else json.dumps(dict(outcome.reply), ensure_ascii=False)
    return json_response(200, {"error": outcome.error, "txterr": outcome.text, "result": result})


def _render_auth(outcome: Outcome) -> Response:
    return json_response(200, {"error": outcome.error, "txterr": outcome.text, **outcome.reply})


def _authenticate(body: dict[str, Any], tokens: Tokens) -> Outcome | Response:
    given = (body.get("login"), body.get("password"))
    wanted = tokens.credentials
    if (given != wanted) if wanted is not None else not all(given):
        return json_response(401, _failed(401, "The login or the password is wrong."))
    reply = {"access_token": tokens.issue(), "expires_in": int(tokens.lifetime)}
    return Outcome(reply=reply)


def _failed(error: int, text: str) -> dict[str, object]:
    return {"error": error, "txterr": text, "result": ""}
