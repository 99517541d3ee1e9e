"""Rows of the history become a story: calls find their answers, and what is dull is gathered."""

from json import dumps

import pytest

from engine.store.history import AGENT, HistoryRow
from engine.story.entries import Entry
from engine.story.reading import Unreadable, gathered, story, tell
from tests.unit.tools.replaying.lives import NOW, Life

HASH = "3f2a"


@pytest.fixture(scope="module")
def life() -> Life:
    """A till that is well, loses its server, restarts, and is well again."""
    life = Life(7, posts=False)
    life.live(100)
    life.there = False
    life.live(300)
    life.restart()
    life.there = True
    life.live(700)
    return life


def test_every_answer_finds_its_call(life: Life) -> None:
    """What started it and how long it took, over restarts, timers that are not kept included."""
    labels = {key: plan.label for key, plan in life.chart.timers.items()}
    entries = story(life.kept, "01", 10_000, labels=labels)[::-1]
    answers = [entry.answer for entry in entries if entry.answer is not None]
    assert len(answers) > 20
    assert all(one.took is not None and 0 < one.took < 4 for one in answers)
    assert {one.by for one in answers if one.effect == "ping"} >= {
        "every ping_interval",
        "after message_retry_wait",
    }
    failed = next(one for one in answers if one.outcome == "failed.unreachable")
    assert failed.effect == "ping"
    assert failed.took is not None
    assert failed.took > 0.4


def test_a_page_of_a_story_is_the_same_as_the_whole(life: Life) -> None:
    """Calls that began before the page are known all the same."""
    whole = story(life.kept, "01", 10_000)
    first = story(life.kept, "01", 15)
    rest = story(life.kept, "01", 15, before=first[-1].number)
    assert [one.model_copy(update={"machine": None}) for one in (*first, *rest)] == [
        one.model_copy(update={"machine": None}) for one in whole[:30]
    ]


def test_a_step_tells_what_it_did_and_what_held_it(life: Life) -> None:
    """States, variables, and guards with the values that they went by."""
    entries = story(life.kept, "01", 10_000)[::-1]
    lost = next(entry for entry in entries if entry.states == ("offline-cooldown",))
    assert lost.taken[0].target == "offline-cooldown"
    assert not lost.dull
    idle = next(entry for entry in entries if entry.event == "every ticket_sync_interval")
    (held,) = [one for one in idle.refused if one.event == "tickets.due"]
    assert (held.guard, held.seen, idle.timer) == ("waiting", {"waiting": False}, True)


def row(seq: int, event: str, till: str = "01", dull: bool = True, **detail: object) -> HistoryRow:
    return HistoryRow(till, NOW + seq, event, ("up",), "[]", dull, dumps(detail), seq)


def test_what_befell_the_agent_is_told_among_the_steps() -> None:
    """In the order in which it was written; a row of an earlier version, without values, too."""
    entries = tell(
        [
            row(1, "agent.started", AGENT, dull=False, data={"hash": HASH}),
            row(2, "x", refused=[["up", "x", "a > 1"]], unhandled=True),
            row(3, "agent.stopped", AGENT, dull=False),
        ]
    )
    assert [(one.kind, one.event) for one in entries] == [
        ("agent", "agent.started"),
        ("step", "x"),
        ("agent", "agent.stopped"),
    ]
    assert entries[1].refused[0].seen == {}
    assert entries[1].ignored
    assert {one.machine for one in entries} == {HASH}


def test_what_changes_nothing_again_and_again_is_one_line() -> None:
    """Where it came last, also where two such things take turns; a change or a stop ends it."""

    def lines(*entries: Entry) -> list[tuple[str, int, int]]:
        return [(one.entry.event, one.times, one.entry.number) for one in gathered(entries)]

    turns = tell([row(n, ("ping.ok", "every 30s")[n % 2]) for n in range(6)])
    assert lines(*turns) == [("ping.ok", 3, 4), ("every 30s", 3, 5)]
    between = tell([row(1, "x"), row(2, "y", dull=False), row(3, "x")])
    assert [times for _, times, _ in lines(*between)] == [1, 1, 1]
    changing = tell([row(n, "x", changed={"n": [n, n + 1]}) for n in range(3)])
    assert [times for _, times, _ in lines(*changing)] == [1, 1, 1]


@pytest.mark.parametrize("detail", ["", "[]", '{"replay": 5}', '{"refused": [5]}'])
def test_a_row_that_another_hand_changed_is_said(detail: str) -> None:
    """In a sentence."""
    with pytest.raises(Unreadable, match="changed by another hand"):
        tell([row(1, "x")._replace(detail=detail)])
