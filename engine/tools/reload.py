"""``tillwire reload``: has the agent on this machine read its files again."""

import json as encoding
import sys
from typing import Any

LIVE, REFUSED, NO_ANSWER = 0, 1, 2

TIMEOUT = 20.0
"""Seconds: the agent explores the machine first."""


def reload(url: str, token: str | None, json: bool) -> int:
    """Ask the agent at ``url`` for a reload and print what came of it.

    Returns 0 when the files are in force, 1 when they are refused, 2 when the agent does not
    answer or does not let this account.
    """
    if token is None:
        sys.stderr.write(
            "The agent wants its token: name its till.yaml with -c, or put the token into the "
            "environment variable TILLWIRE_TOKEN.\n"
        )
        return NO_ANSWER
    address = f"{url.rstrip('/')}/-/reload"
    status, told = _ask(address, token)
    if status == 0:
        sys.stderr.write(f"No tillwire agent answers at {address}.\n")
        return NO_ANSWER
    refused = status == 422 and "problems" in told
    if status != 200 and not refused:
        sys.stderr.write(f"{told.get('message', '')} {told.get('hint', '')}".strip() + "\n")
        return NO_ANSWER
    if json:
        sys.stdout.write(encoding.dumps(told, indent=2, ensure_ascii=False) + "\n")
    elif refused:
        sys.stdout.write(f"{told['text']}\n")
        sys.stderr.write(f"{told['message']}\n")
    else:
        sys.stdout.write(_sentences(told))
    return REFUSED if refused else LIVE


def _ask(address: str, token: str) -> tuple[int, dict[str, Any]]:
    """The status and the body; 0 when no agent answers."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business between us and this machine
            reply = session.post(
                address,
                headers={"authorization": f"Bearer {token}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            told: Any = reply.json()
    except (requests.exceptions.RequestException, ValueError):
        return 0, {}
    return (reply.status_code, told) if isinstance(told, dict) else (0, {})


def _sentences(told: dict[str, Any]) -> str:
    became = "plays now" if told["changed"] else "plays on, as the files have it"
    lines = [f"The machine {told['machine']} {became} ({told['hash'][:12]})."]
    lines += [f"{one['file']}:{one['line']}: {one['message']}" for one in told["problems"]]
    if told["restart"]:
        lines.append(f"Takes effect at a restart: {', '.join(told['restart'])}.")
    return "".join(f"{line}\n" for line in lines)
