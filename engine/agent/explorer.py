"""Explores a machine in a process of its own: ``python -m engine.agent.explorer``.

A machine and its limits come as one line of JSON; for each limit a line goes back, until all is
known. An exploration is a second of pure Python and 50 MB: in the agent's process it would hold
up the loop, and the memory would stay.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from engine.agent.exploring import Asked, Found
from engine.core.build import build
from engine.core.exploration import explore
from engine.core.exploration.beginning import begun
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused

MODEST = 10
"""How much this process steps back, once nobody waits for it."""


def main() -> None:
    """Explore what stdin asks for."""
    asked = Asked.model_validate_json(sys.stdin.buffer.readline())
    definition = load_machine(
        read(asked.text, asked.file, patient=True), VOCABULARY, asked.parameters
    )
    chart = build(definition)

    def look(expired: Callable[[], bool]) -> Found:
        try:
            found = begun(definition, lambda: explore(chart, expired=expired))
        except Refused as refused:
            return _found(refused.problems, 0, True)
        return _found(found.problems, found.situations, found.complete)

    first = look(lambda: time.time() > asked.until)
    _say(first)
    if first.complete or any(one["severity"] == "error" for one in first.problems):
        return
    if hasattr(os, "nice"):
        os.nice(MODEST)
    end = time.process_time() + asked.seconds
    _say(look(lambda: time.process_time() > end))


def _found(problems: Sequence[Problem], situations: int, complete: bool) -> Found:
    told = [asdict(problem) for problem in problems if problem.code != "explored-in-part"]
    return Found(problems=told, situations=situations, complete=complete)


def _say(found: Found) -> None:
    sys.stdout.buffer.writelines([found.model_dump_json().encode(), b"\n"])
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
