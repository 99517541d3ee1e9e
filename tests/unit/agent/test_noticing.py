"""Files are noticed however they were saved."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import watchfiles

from engine.agent import noticing
from engine.agent.noticing import Noticing

Play = Callable[[Coroutine[Any, Any, None]], None]


def written(path: Path) -> None:
    path.write_text("x", encoding="utf-8")


def put_in_place(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("x", encoding="utf-8")
    other.replace(path)


def gone_and_back(path: Path) -> None:
    path.unlink()
    path.write_text("x", encoding="utf-8")


@pytest.mark.parametrize("save", [written, put_in_place, gone_and_back, os.utime])
def test_a_save_is_noticed(play: Play, tmp_path: Path, save: Callable[[Path], None]) -> None:
    """And what happens to other files in the folder, such as the database, is not."""
    watched, other = tmp_path / "till.yaml", tmp_path / "tillwire.db"
    watched.touch()

    async def story() -> None:
        noticed: list[int] = []
        notices = Noticing(asyncio.get_running_loop(), lambda: noticed.append(1))
        notices.follow([watched])
        await asyncio.sleep(0.15)  # until the system watches
        noticed.clear()
        other.write_text("x", encoding="utf-8")
        await asyncio.sleep(0.3)
        assert noticed == []
        save(watched)
        while not noticed:  # noqa: ASYNC110 - a thread of its own notices
            await asyncio.sleep(0.01)
        notices.close()

    play(story())


def test_where_nothing_can_be_watched_the_clock_tells(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(*_: object, **__: object) -> Any:
        raise OSError("no space left for watches")

    monkeypatch.setattr(watchfiles, "watch", watch)
    monkeypatch.setattr(noticing, "OFTEN", 0.01)

    async def story() -> None:
        noticed = asyncio.Event()
        notices = Noticing(asyncio.get_running_loop(), noticed.set)
        notices.follow([tmp_path / "till.yaml"])
        await noticed.wait()
        notices.close()

    play(story())
