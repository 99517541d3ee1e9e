"""``tillwire load`` against an API that is really served, on a terminal and elsewhere."""

import asyncio
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.api.access import Access
from engine.api.application import create_api
from engine.api.loads import LoadNowView, LoadsView, LoadView
from engine.api.serving import start
from engine.api.stand_in import BEGAN, StandIn

ROOT = Path(__file__).parents[3]
TOKEN = "correct horse"
LIMIT = 20.0
NOT_ASKED = LoadsView(till="", configured=True, now=None, datasets=(), last=())


def moving(stage: str, **far: int) -> LoadsView:
    """A load that has got so far."""
    usual = dict.fromkeys(("tables_done", "bytes_done", "rows_done"), 0)
    totals = {"tables_total": 1, "bytes_total": 5_000_000, "rows_total": 100_000}
    now = LoadNowView.model_validate(
        {"kind": "full", "started": BEGAN, "stage": stage, "table": "articles"}
        | {**usual, **totals, **far}
    )
    return NOT_ASKED.model_copy(update={"now": now, "runs": True})


def over(outcome: str, sentence: str) -> LoadsView:
    """A load that has ended."""
    at = datetime.now(UTC)
    load = LoadView(
        started=BEGAN, ended=at, kind="full", outcome=outcome, sentence=sentence, rows=9, bytes=9
    )
    return NOT_ASKED.model_copy(update={"last": (load,)})


SCRIPT = (
    moving("asking"),
    moving("downloading", bytes_done=1_000_000),
    moving("downloading", bytes_done=3_000_000),
    moving("loading", bytes_done=5_000_000, rows_done=10_000),
    moving("loading", bytes_done=5_000_000, rows_done=60_000),
)


class Served(StandIn):
    """An API whose load moves on each time that somebody asks how far it has got."""

    def __init__(self) -> None:
        super().__init__(("01",))
        self.script: list[LoadsView] = []
        self.before_each = self._move
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), daemon=True)
        self._thread.start()
        assert self._ready.wait(LIMIT)

    def _move(self, call: str) -> None:
        if call == "loads" and self.script:
            self.catalogue = self.script.pop(0)

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        serving = await start(create_api(self, Access(token=TOKEN)), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{serving.port}"
        self._ready.set()
        await self._end.wait()
        await serving.stop()

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(LIMIT)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.stop()


def arguments(served: Served) -> list[str]:
    return [sys.executable, "-m", "engine.cli", "load", "full", "--url", served.url]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TILLWIRE_TOKEN": TOKEN, **more}


def test_without_a_terminal_there_are_plain_lines(served: Served, tmp_path: Path) -> None:
    """No sign moves a cursor; the last line says what came of it."""
    served.script = [*SCRIPT, over("ok", "100000 rows loaded; versions now: articles 4.")]
    ran = subprocess.run(
        arguments(served),
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "\x1b" not in ran.stdout
    lines = ran.stdout.splitlines()
    assert lines[0] == "asking which files there are"
    assert lines[1].startswith("downloading of articles: 20 %")
    assert lines[-1] == "100000 rows loaded; versions now: articles 4."


def on_a_terminal(served: Served, folder: Path, columns: int) -> tuple[int, str]:
    """Exit code and everything that a terminal of so many columns was sent."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        arguments(served),
        env=environment(TERM="xterm-256color", COLUMNS=str(columns), LINES="24"),
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown, end = b"", time.monotonic() + LIMIT
        while time.monotonic() < end:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other side has gone
                break
            if not part:
                break
            shown += part
        os.close(ours)
        return process.wait(LIMIT), shown.decode()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
@pytest.mark.parametrize("columns", [120, 60])
def test_a_terminal_shows_a_bar_with_rate_and_time_left(
    served: Served, tmp_path: Path, columns: int
) -> None:
    """For each stage; the sentence stands below when all is over."""
    served.script = [*SCRIPT, over("ok", "100000 rows loaded.")]
    code, shown = on_a_terminal(served, tmp_path, columns)
    assert code == 0
    assert "━" in shown
    for words in (
        "downloading of articles",
        "loading rows of articles",
        " MB/s",
        " rows/s",
        "left",
    ):
        assert words in shown, words
    assert shown.rstrip().endswith("100000 rows loaded.")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_a_load_that_fails_says_why_below_its_bars(served: Served, tmp_path: Path) -> None:
    """[brackets] in the server's words are only brackets."""
    served.script = [*SCRIPT, over("failed.bad_reply", "[red]articles.zip, line 7")]
    code, shown = on_a_terminal(served, tmp_path, 100)
    assert code == 1
    assert shown.rstrip().endswith("[red]articles.zip, line 7")


@pytest.mark.parametrize(
    ("url", "token", "code", "words"),
    [
        ("", "wrong", 2, "token"),
        ("http://127.0.0.1:1", TOKEN, 2, "No agent answers"),
    ],
)
def test_an_agent_that_does_not_answer_or_listen_is_2(
    served: Served, tmp_path: Path, url: str, token: str, code: int, words: str
) -> None:
    given = arguments(served)
    given[-1] = url or served.url
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run
    ran = run(
        given,
        env=environment(TILLWIRE_TOKEN=token),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == code
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr
