"""A machine explored by a process of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engine.agent import exploring
from engine.agent.clock import SystemClock
from engine.agent.exploring import Exploring
from engine.definition.machine import Definition, load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from tests.unit.agent.scripted import LINK

Play = Callable[[Coroutine[Any, Any, None]], None]


def machine(text: str) -> Definition:
    return load_machine(read(text, "machine.yaml"), VOCABULARY)


def test_what_is_found_comes_back_with_its_place_and_the_way_there(play: Play) -> None:
    """An invariant that a till can break, with parameters of till.yaml."""
    text = LINK + "invariants: [{about: Never down., never: {active: down}}]\n"

    async def story() -> None:
        explores = Exploring(SystemClock())
        found = await explores.ask(machine(text), {"patience": "20s"}, 8.0)
        assert found is not None
        (problem,) = found.told()
        assert (problem.code, problem.severity) == ("never-broken", "error")
        assert problem.line == text.splitlines().index(text.splitlines()[-1]) + 1
        assert "ping.failed" in problem.trace
        assert await explores.rest() is None
        await explores.end()

    play(story())


def test_there_is_an_answer_in_time_and_later_the_whole(play: Play) -> None:
    """At first what there was time for, here next to nothing, and without a fault."""

    async def story() -> None:
        explores = Exploring(SystemClock())
        found = await explores.ask(machine(LINK), {}, 0.0)
        while (more := await explores.rest()) is not None:
            found = more
        assert found is not None
        assert found.complete
        assert found.problems == []
        await explores.end()

    play(story())


def test_nothing_is_found_where_no_process_can_be_had(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or where it ends by itself: whoever waits is not held up."""

    async def story() -> None:
        for command in (("/no/such/program",), ("true",)):
            monkeypatch.setattr(exploring, "COMMAND", command)
            explores = Exploring(SystemClock())
            async with asyncio.timeout(5):
                assert await explores.ask(machine(LINK), {}, 5.0) is None
                assert await explores.rest() is None
                await explores.end()

    play(story())
