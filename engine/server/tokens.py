"""REST's token: asked for when it is needed, renewed before it ends, by one thread at a time."""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from engine.server import program
from engine.server.deadline import Deadline
from engine.server.port import CallFailed, Reason
from engine.server.rest_reply import CONTENT, answered
from engine.server.secret import Secret, SecretUnavailable
from engine.server.settings import ServerSettings
from engine.server.transport import Transport, endpoint

_EARLY = 60.0
_EARLY_SHARE = 0.1


class Tokens:
    """The token of one server. Neither it nor the log-in's secrets are ever shown."""

    def __init__(self, settings: ServerSettings, transport: Transport, base: Path) -> None:
        if settings.auth is None:
            raise ValueError("there is no log-in to get a token from")
        self._auth = settings.auth
        self._target = endpoint(settings.token_endpoint)
        self._transport = transport
        self._base = base
        self._renewing = threading.Lock()
        self._held = ("", 0.0)
        self._struck: tuple[str, ...] = ()
        self._failure: tuple[float, CallFailed] | None = None

    def __repr__(self) -> str:
        return f"Tokens({self._target.where})"

    def secrets(self) -> Sequence[str]:
        """What a server's words must not repeat."""
        return (self._held[0], *self._struck)

    def current(self, deadline: Deadline) -> str:
        """A token that is still good. Raises :class:`CallFailed`."""
        token, ends = self._held
        if token and time.monotonic() < ends:
            return token
        return self.renewed(token, deadline)

    def renewed(self, old: str, deadline: Deadline) -> str:
        """Another token than ``old``, which the server does not take any more.

        Threads that come while one renews wait for it, within their own deadlines, and share
        what it gets, be it a failure. Raises :class:`CallFailed`, never with ``reached``: the
        request itself has not been made.
        """
        came = time.monotonic()
        deadline.where = self._target.where
        deadline.stage = "waiting for a token"
        deadline.begin()
        if not self._renewing.acquire(timeout=deadline.left()):
            raise deadline.passed()
        try:
            token, ends = self._held
            if token != old and time.monotonic() < ends:
                return token
            if self._failure is not None and self._failure[0] >= came:
                raise self._failure[1]
            return self._fetch(deadline)
        except CallFailed as failure:
            unmade = CallFailed(failure.reason, failure.message, failure.retry_after)
            # A deadline is one call's own: the next may have more time.
            if failure.reason is not Reason.TIMEOUT:
                self._failure = (time.monotonic(), unmade)
            raise unmade from None
        finally:
            self._renewing.release()

    def _fetch(self, deadline: Deadline) -> str:
        body = self._body()
        begun = time.monotonic()
        reply = self._transport.post(self._target, CONTENT, body, deadline, harmless=True)
        try:
            fields = answered(reply, deadline)
            error = program.look_up(fields, "error")
            if error is not None and not program.same(error, 0):
                words = program.shown(program.look_up(fields, "txterr") or "")
                raise CallFailed(
                    Reason.UNAUTHORIZED,
                    f"{self._target.where}: the log-in is refused with "
                    f"{program.shown(error, 30)}{': ' if words else ''}{words}",
                )
            token = program.look_up(fields, self._auth.token)
            if not isinstance(token, str) or not _fit(token):
                raise program.Unfit(f"it has no {self._auth.token}")
        except program.Unfit as unfit:
            raise CallFailed(
                Reason.BAD_REPLY,
                f"{self._target.where}: the reply to the log-in cannot be used: {unfit}",
            ) from None
        lifetime = self._lifetime(program.look_up(fields, "expires_in"))
        self._held = (token, begun + lifetime - min(_EARLY, lifetime * _EARLY_SHARE))
        return token

    def _lifetime(self, told: object) -> float:
        """Seconds that a token lasts: what the server tells, never more than the setting."""
        if isinstance(told, (int, float)) and not isinstance(told, bool) and told > 0:
            return min(float(told), self._auth.lifetime)
        return self._auth.lifetime

    def _body(self) -> bytes:
        fields: dict[str, str] = {}
        struck: list[str] = []
        try:
            for name, value in (self._auth.body or {}).items():
                if isinstance(value, Secret):
                    fields[name] = value.reveal(self._base)
                    struck.append(fields[name])
                else:
                    fields[name] = value
        except SecretUnavailable as error:
            raise CallFailed(
                Reason.LOCAL_ERROR, f"{self._target.where} was not called: {error}"
            ) from None
        self._struck = tuple(struck)
        return json.dumps(fields, separators=(",", ":")).encode()


def _fit(token: str) -> bool:
    """Whether a token can stand in a header."""
    return 0 < len(token) <= 16384 and token.isascii() and token.isprintable() and " " not in token
