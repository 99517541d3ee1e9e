"""``tillwire trace``: a story in lines and as data, and a sentence where there is none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core.restore import pack
from engine.store import Store
from engine.store.history import AGENT, HistoryRow
from tests.unit.tools.replaying.lives import NOW, TEXT, Life

Tillwire = Callable[..., Any]
TILL = """\
shop: '1'
tills: ['01', '02']
machine: machine.yaml
server: {protocol: soap, url: 'http://server.example'}
database: {path: till.db}
"""


def own(event: str, at: float, **data: object) -> HistoryRow:
    """A row of the agent's own."""
    return HistoryRow(AGENT, at, event, (), "[]", False, json.dumps({"data": data}))


@pytest.fixture(scope="module")
def life() -> Life:
    """A till that loses its server and is offline at the end."""
    life = Life(5, posts=False)
    life.live(200)
    life.there = False
    life.live(100)
    return life


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, life: Life, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is called, with that till's database."""
    now, wall = life.clock.monotonic(), life.clock.wall()
    told = {"version": "0.1", "machine": "connection", "hash": "3f2a1b7c99"}
    with Store.open(tmp_path / "till.db") as store:
        store.history.record([own("agent.started", NOW, before="crashed", last=NOW - 60, **told)])
        store.history.record(life.kept.rows)
        store.history.record(
            [
                own("clock.jumped", wall, seconds=-3600.0),
                own("config.refused", wall, message="The files are refused."),
                own("agent.stopped", wall, reason="SIGTERM"),
            ]
        )
        store.snapshots.save([("01", pack(life.tills["01"], now, wall), wall)])
    (tmp_path / "machine.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "till.yaml").write_text(TILL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.time", lambda: wall + 5)
    return tmp_path


def test_the_story_names_what_happened_and_why(tillwire: Tillwire) -> None:
    """Moves with their causes, calls with how long they took, guards with values, the agent."""
    result = tillwire("trace", "01")
    assert (result.code, result.err) == (0, "")
    for words in (
        "the agent started: tillwire 0.1, machine connection 3f2a1b7c; the one before it was",
        " not stopped, last heard of at ",
        "degraded → offline-cooldown       ping.failed.unreachable\n",
        "by every ping_interval: failed.unreachable after ",
        "not taken, reachable on tickets.due: waiting (waiting = false)\n",
        "the clock went 1h back: it was set, or all slept\n",
        "config.refused: The files are refused.\n",
        "the agent stopped (SIGTERM)\n",
    ):
        assert words in result.out


def test_programs_get_one_object_a_line(tillwire: Tillwire) -> None:
    """Oldest first, with moments in UTC and numbers that grow."""
    lines = [json.loads(line) for line in tillwire("trace", "01", "--json").out.splitlines()]
    assert [line["number"] for line in lines] == sorted(line["number"] for line in lines)
    lost = next(line for line in lines if line["states"] == ["offline-cooldown"])
    assert lost["at"].endswith("Z")
    assert lost["answer"]["effect"] == "ping"
    assert lost["answer"]["by"]


def test_a_part_is_told_by_time_and_by_state(tillwire: Tillwire) -> None:
    """So long ago, until, and only what has to do with a state."""
    whole = tillwire("trace", "01", "--json").out.splitlines()
    late = tillwire("trace", "01", "--json", "--since", "2min").out.splitlines()
    assert 0 < len(late) < len(whole)
    assert late == whole[-len(late) :]
    early = tillwire("trace", "01", "--json", "--since", "1h", "--until", "2min").out.splitlines()
    assert early == whole[: len(early)]
    assert len(early) + len(late) == len(whole)
    offline = tillwire("trace", "01", "--json", "--state", "offline-cooldown").out.splitlines()
    assert offline
    assert all("offline-cooldown" in line for line in offline)


def test_why_a_till_is_not_online_is_told_way_by_way(tillwire: Tillwire) -> None:
    """What has not come, and when the next call is due that can bring it."""
    result = tillwire("trace", "01", "--why-not")
    assert result.code == 0
    assert "Till 01 is in offline-cooldown since " in result.out
    assert "  ping.ok → " in result.out
    assert "it has not come since" in result.out
    told = json.loads(tillwire("trace", "01", "--why-not", "--json").out)
    assert told["state"] == "offline-cooldown"
    assert {way["held"] for way in told["ways"]} >= {"never"}


def test_an_edited_machine_is_said_not_to_be_the_one_that_is_played(
    tillwire: Tillwire, folder: Path
) -> None:
    """Its ways out are told all the same; where it has not got the state, that is said."""
    (folder / "machine.yaml").write_text(f"{TEXT}\n# edited\n", encoding="utf-8")
    result = tillwire("trace", "01", "--why-not")
    assert (result.code, "another machine" in result.err) == (0, True)
    renamed = TEXT.replace("offline-cooldown", "apart")
    (folder / "machine.yaml").write_text(renamed, encoding="utf-8")
    result = tillwire("trace", "01", "--why-not")
    assert (result.code, result.err) == (
        2,
        "The till is in offline-cooldown, which the machine of till.yaml has not got.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["03"], 2, "There is no till '03'. Allowed: 01, 02.\n"),
        ([], 2, "Name a till: 01, 02.\n"),
        (["02"], 1, "Nothing has been recorded of till 02 yet.\n"),
        (["02", "--why-not"], 1, "Nothing has been recorded of till 02 yet.\n"),
        (["01", "--state", "onlin"], 2, "There is no state 'onlin'. Did you mean 'online'?\n"),
        (["01", "--state", "loading"], 1, "The till was not in loading in that time.\n"),
        (
            ["--database", "till.db", "--why-not"],
            2,
            "--why-not needs the machine: name a till.yaml with --config.\n",
        ),
    ],
)
def test_where_there_is_no_story_a_sentence_says_why(
    tillwire: Tillwire, arguments: list[str], code: int, sentence: str
) -> None:
    """And what there is."""
    result = tillwire("trace", *arguments)
    assert (result.code, result.out, result.err) == (code, "", sentence)


def test_a_time_after_the_last_step_is_said_with_what_came_last(
    tillwire: Tillwire, folder: Path
) -> None:
    """No empty output."""
    with Store.open(folder / "till.db") as store:
        newest = store.history.recent("01", 1)[0]
    result = tillwire("trace", "01", "--since", "1s")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(
        f"Nothing happened to till 01 in that time. The last that is known of it is {newest.event}"
    )


@pytest.mark.parametrize("when", ["2x", "25:00", "2026-13-01T10:00", ""])
def test_a_time_that_is_none_is_said(tillwire: Tillwire, when: str) -> None:
    """With what may be written."""
    result = tillwire("trace", "01", "--since", when)
    assert result.code == 2
    assert f"'{when}' is no time." in " ".join(result.err.split())


def test_what_happens_is_followed_until_it_is_stopped(
    tillwire: Tillwire, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each entry once; Ctrl-C ends it with 0, and a database that is away is waited for."""
    looks = 0

    def pause(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 1:
            (folder / "till.db").rename(folder / "away.db")
        elif looks == 2:
            (folder / "away.db").rename(folder / "till.db")
            with Store.open(folder / "till.db") as store:
                store.history.record([own("agent.stopped", NOW + 400, reason="again")])
        elif looks == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", pause)
    for more in (["--state", "online"], ["--state", "loading"], ["--state", "online", "--json"]):
        looks = 0
        result = tillwire("trace", "01", "--follow", *more)
        assert (result.code, result.err, "again" in result.out) == (0, "", False)
    looks = 0
    result = tillwire("trace", "01", "--follow", "--since", "1s")
    assert (result.code, result.err, result.out.count("(again)")) == (
        0,
        "",
        4,
    )  # of this time and of those before
    looks = 0
    result = tillwire("trace", "01", "--follow")
    assert result.code == 0
    assert result.out.count("(again)") == 5
