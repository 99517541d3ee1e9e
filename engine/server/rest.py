"""The REST wire: ``POST …/WebService/Execute`` in JSON, with a token that is renewed.

Source: the public descriptions of Divalto Harmony's REST service (from version 405): the body
``{"action", "param", "access_token"}``, the reply ``{"error", "txterr", "result"}``, and
``POST …/Authent/Auth`` whose token lasts 45 minutes.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from engine.server import program
from engine.server.actions import ActionSettings
from engine.server.calls import CalledServer, Exchange
from engine.server.deadline import Deadline
from engine.server.port import CallFailed
from engine.server.rest_reply import CONTENT, answered
from engine.server.settings import ServerSettings
from engine.server.tokens import Tokens


class RestServer(CalledServer):
    """A server spoken to by REST."""

    def __init__(self, settings: ServerSettings, shop: str, base: Path | None) -> None:
        super().__init__(settings, shop, base)
        self._tokens = Tokens(settings, self._transport, self._base) if settings.auth else None

    def _secrets(self) -> Sequence[str]:
        return self._tokens.secrets() if self._tokens else ()

    def _exchange(
        self, action: ActionSettings, text: str, deadline: Deadline, harmless: bool
    ) -> Exchange:
        if self._tokens is None:
            return self._execute(action, text, "", deadline, harmless)
        token = self._tokens.current(deadline)
        try:
            return self._execute(action, text, token, deadline, harmless)
        except CallFailed:
            if deadline.status != 401:
                raise
        # A 401 comes before anything is done, so that even a batch can go out again.
        token = self._tokens.renewed(token, deadline)
        return self._execute(action, text, token, deadline, harmless)

    def _execute(
        self, action: ActionSettings, text: str, token: str, deadline: Deadline, harmless: bool
    ) -> Exchange:
        asked = {"action": action.action, "param": text}
        headers = dict(CONTENT)
        if token:
            asked["access_token"] = token
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps(asked, separators=(",", ":")).encode()
        reply = self._transport.post(self._target, headers, body, deadline, harmless)
        fields = answered(reply, deadline)
        error = program.look_up(fields, "error")
        wanted = action.success.result
        if wanted is not None:
            if error is None:
                raise program.Unfit("it has no error")
            if not program.same(error, wanted):
                words = program.look_up(fields, "txterr") or ""
                raise self._technical(deadline, error, program.shown(words))
        result = program.look_up(fields, "result")
        if result is None and action.reply != "text":
            raise program.Unfit("it has no result")
        text = result if isinstance(result, str) else json.dumps(result)
        return Exchange(text, reply.seconds)
