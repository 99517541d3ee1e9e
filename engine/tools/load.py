"""``tillwire load``: asks the agent here for a load of the catalogue and follows it to its end."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

from engine.server.secret import SecretUnavailable
from engine.settings import load_settings
from engine.tools.load_board import Board, board_for

Kind = Literal["full", "changes"]
LOADED, NOT_LOADED, NO_ANSWER = 0, 1, 2

TIMEOUT = 5.0
"""Seconds to wait for one answer: the agent is on this machine and answers from memory."""
EACH = 0.5
"""Seconds between two questions how far it has got."""
AWAY = 60.0
"""Seconds for which an agent that was there may be gone: it may be starting again."""
UNTOLD = 5.0
"""Seconds after which a load that is over and has no story counts as not known."""

GOING_ON = ("gap", "cancelled")
"""Outcomes after which the load goes on by itself."""


class NoAnswer(Exception):  # noqa: N818 - it is what happened, in a sentence
    """The agent did not answer, or what answered is no agent."""


class Refused(Exception):  # noqa: N818 - it is what happened, in a sentence
    """The agent will not have it. ``status`` is the HTTP status."""

    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


class Api(Protocol):
    """The agent's API, as far as it is needed here."""

    def get(self, path: str) -> Any:
        """The JSON at a path. Raises NoAnswer or Refused."""

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that answers to ``body``. Raises NoAnswer or Refused."""


def token_of(file: Path | None) -> str | None:
    """The token for the agent's API: from the environment, else where its till.yaml says.

    None where neither has one, or where it cannot be read, which is said.
    """
    given = os.environ.get("TILLWIRE_TOKEN")
    if given or file is None:
        return given or None
    settings = load_settings(file)
    try:
        return settings.api.token.reveal(settings.folder) if settings.api.token else None
    except SecretUnavailable as fault:
        sys.stderr.write(f"The token cannot be read: {fault}.\n")
        return None


def load(kind: Kind, url: str, token: str | None, till: str | None) -> int:
    """Ask the agent at ``url`` for a load and show how far it gets until it has ended.

    ``till`` may be None where the agent looks after one till. Returns 0 when everything is
    loaded, 1 when it is not, 2 when the agent does not answer or will not have it.
    """
    api = HttpApi(url, token)
    try:
        name = till or _only_till(api)
        answer = api.post(f"/v1/tills/{quote(name, safe='')}/loads", {"kind": kind})
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return NOT_LOADED if refusal.status == 409 else NO_ANSWER
    except NoAnswer as problem:
        sys.stderr.write(f"{problem}\n")
        return NO_ANSWER
    board = board_for(sys.stdout)
    try:
        with board:
            outcome, sentence = follow(api, name, _epoch(answer["at"]), board)
            if outcome == "ok":
                board.finish()
    except NoAnswer as problem:
        sys.stderr.write(f"{problem}\n")
        return NO_ANSWER
    except KeyboardInterrupt:
        sys.stderr.write("The load goes on without this command.\n")
        raise
    (sys.stdout if outcome == "ok" else sys.stderr).write(f"{sentence}\n")
    return LOADED if outcome == "ok" else NOT_LOADED


def follow(
    api: Api,
    till: str,
    asked: float,
    board: Board,
    *,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> tuple[str, str]:
    """Show a till's load until it has ended: its outcome and a sentence.

    ``asked`` is when it was asked for, in the agent's epoch seconds. Raises NoAnswer.
    """
    heard = over = monotonic()
    while True:
        try:
            view = api.get(f"/v1/tills/{quote(till, safe='')}/loads")
        except (NoAnswer, Refused) as problem:
            if monotonic() - heard > AWAY:
                raise NoAnswer(str(problem)) from problem
            sleep(EACH)
            continue
        heard = monotonic()
        ended = [each for each in view["last"] if _epoch(each["ended"]) >= asked]
        for each in ended:
            if each["outcome"] in GOING_ON or view["runs"] or view["waits"]:
                board.note(each["ended"], each["sentence"])
        if view["runs"] and view["now"] is not None:
            board.show(view["now"])
        elif view["waits"]:
            board.wait("The load waits: it begins when the tickets are sent and the link is good.")
        elif ended and ended[0]["outcome"] not in GOING_ON:
            return str(ended[0]["outcome"]), str(ended[0]["sentence"])
        elif not view["runs"] and heard - over > UNTOLD:
            return "", "The load has ended, and the agent does not say how."
        if view["runs"] or view["waits"]:
            over = heard
        sleep(EACH)


class HttpApi:
    """The API by HTTP."""

    def __init__(self, url: str, token: str | None) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def get(self, path: str) -> Any:
        """See :class:`Api`."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """See :class:`Api`."""
        if self._token is None:
            raise Refused(
                401,
                "The agent wants its token: name its till.yaml with -c, or put the token into the "
                "environment variable TILLWIRE_TOKEN.",
            )
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        import requests

        address = self._url + path
        headers = {} if body is None else {"authorization": f"Bearer {self._token}"}
        try:
            with requests.Session() as session:
                session.trust_env = False  # a proxy has no business between us and this machine
                reply = session.request(
                    method,
                    address,
                    json=body,
                    headers=headers,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
                told: Any = reply.json()
        except requests.exceptions.JSONDecodeError as error:
            raise NoAnswer(f"What answers at {address} is not a tillwire agent.") from error
        except (requests.exceptions.RequestException, ValueError) as error:
            raise NoAnswer(
                f"No agent answers at {address}. Start it with: tillwire run -c till.yaml"
            ) from error
        if not isinstance(told, dict):
            raise NoAnswer(f"What answers at {address} is not a tillwire agent.")
        if not reply.ok:
            words = (told.get("message"), told.get("hint"))
            sentence = " ".join(str(each) for each in words if each)
            raise Refused(reply.status_code, sentence or f"{address}: HTTP {reply.status_code}.")
        return told


def _only_till(api: Api) -> str:
    names = [str(each.get("till")) for each in api.get("/v1/tills").get("tills", ())]
    if len(names) == 1:
        return names[0]
    sentence = f"The agent looks after {len(names)} tills: say which one asks, with --till."
    raise Refused(422, sentence)


def _epoch(moment: Any) -> float:
    """Epoch seconds of a moment as the API writes it; 0 for anything else."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return 0.0
