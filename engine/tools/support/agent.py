"""What the running agent says, for the zip; without one, that there is none."""

import json
import time
from collections.abc import Iterator
from typing import Any

from engine.tools.status import NoAnswer, ask
from engine.tools.support.pack import Entry, LeftOut, as_json
from engine.tools.support.place import Till

USUAL = "http://127.0.0.1:8344"

SECONDS = 10.0
"""For one answer of an agent on this machine."""

LARGEST = 32_000_000
"""Bytes of one: the metrics of 10,000 tills, say."""

QUESTIONS = (
    ("/metrics", "agent/metrics.txt", "The metrics, as Prometheus would read them just now."),
    ("/readyz", "agent/readyz.json", "Whether it is ready, and what is not well."),
    ("/v1/config", "agent/config.json", "The files in force, and what is wrong with others."),
)


def asked(till: Till, url: str | None) -> Iterator[Entry]:
    """Status, metrics, readiness, files in force."""
    address = (url or (till.settings.api.url if till.settings else USUAL)).rstrip("/")
    try:
        rows = ask(address)
    except NoAnswer as fault:
        raise LeftOut(str(fault)) from None
    yield Entry("agent/status.json", "What tillwire status says.", as_json(rows))
    for path, name, about in QUESTIONS:
        yield Entry(name, about, _get(address + path))


def _get(address: str) -> bytes:
    import requests

    with requests.Session() as session:
        session.trust_env = False  # a proxy has no business between us and this machine
        end = time.monotonic() + SECONDS
        pieces, size = [], 0
        with session.get(address, timeout=SECONDS, allow_redirects=False, stream=True) as reply:
            for piece in reply.iter_content(65536):
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST or time.monotonic() > end:
                    raise LeftOut(f"{address} answers with too much, or too slowly.")
    return _readable(b"".join(pieces))


def _readable(content: bytes) -> bytes:
    try:
        data: Any = json.loads(content)
    except ValueError:
        return content
    return as_json(data)
