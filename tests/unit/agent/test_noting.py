"""What is noted beside the steps of the history, so that they can be played again."""

import json
from typing import Any

from engine.agent.keeping import history_row, worth_keeping
from engine.agent.noting import MOST_QUIET, WHOLE_EVERY, Notes
from engine.agent.tills import Tills
from engine.core.carrying import Carrying
from engine.core.noting import recalled
from engine.core.records import Event, Step, Till
from engine.store.history import REPLAY
from tests.unit.agent.scripted import LINK, NotingRunner, chart_of, clock

ASKS = """\
      ticket.customer:
        actions: [{start: fetch_offers, with: {timeout: patience, customer: event.customer}}]
      fetch_offers: {}
"""
CHART = chart_of(LINK.replace("      ticket.customer: {}\n", ASKS))


class Desk:
    """A till and its notes."""

    def __init__(self) -> None:
        self.clock = clock()
        self.notes = Notes(CHART.definition)
        self.kept: list[dict[str, Any]] = []
        self.tills = Tills(CHART, self.clock, NotingRunner(), [self.observe])
        self.tills.add("01")

    def observe(self, step: Step, till: Till) -> None:
        if worth_keeping(step):
            row = history_row(step, self.clock.wall(), self.notes.note(step, till))
            self.kept.append(json.loads(row.detail)[REPLAY])
        else:
            self.notes.quiet(step)

    def post(self, name: str, **data: Any) -> dict[str, Any]:
        self.tills.deliver("01", Event(name, data))
        return self.kept[-1]

    def pass_by(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.tills.advance()


def test_a_life_begins_with_the_whole_till() -> None:
    """And the hash of its machine."""
    desk = Desk()
    (begin,) = desk.kept
    assert (begin["n"], begin["at"], begin["machine"]) == (0, 1000.0, CHART.definition.hash)
    assert recalled("01", begin["till"]) == desk.tills["01"]


def test_every_so_often_the_till_is_noted_whole() -> None:
    """A replay can begin there when what was before is gone."""
    desk = Desk()
    for _ in range(3 * WHOLE_EVERY):
        desk.post("till.opened")
    assert sum("till" in note for note in desk.kept) == 3
    assert [note["n"] for note in desk.kept] == list(range(3 * WHOLE_EVERY + 1))


def test_steps_that_are_not_kept_go_with_the_next_one() -> None:
    """A timer that only started a ping: when, and which call."""
    desk = Desk()
    desk.pass_by(60)
    note = desk.post("till.opened")
    pings = [quiet for quiet in note["quiet"] if quiet[0] == "up.every.0"]
    assert pings == [["up.every.0", 1060.0, [[1, "ping", 10.0]]]]
    assert "quiet" not in desk.post("till.opened")


def test_too_many_of_them_leave_a_gap_in_the_numbers() -> None:
    """So that no replay takes the rest for all."""
    desk = Desk()
    before = desk.kept[-1]["n"]
    step = Step("01", Event("every 1min", timer="up.every.0"), 0.0)
    for _ in range(MOST_QUIET + 1):
        desk.notes.quiet(step)
    note = desk.post("till.opened")
    assert note["n"] == before + 2
    assert len(note["quiet"]) == 1


def test_a_customers_code_is_a_sign_while_its_call_lasts() -> None:
    """In what was posted and in the call's arguments; afterwards it is another one."""
    desk = Desk()
    first = desk.post("ticket.customer", customer="C-1")["data"]
    assert desk.post("ticket.customer", customer="C-2")["data"] != first
    assert desk.post("ticket.customer", customer="C-1")["data"] == first
    calls = desk.tills["01"].running.values()
    run = next(run for run in calls if run.arguments["customer"] == "C-1")
    desk.tills.deliver("01", Event("fetch_offers.ok", {"offers": 0}, run=run.number))
    assert desk.post("ticket.customer", customer="C-1")["data"] != first
    for _ in range(WHOLE_EVERY):
        desk.post("till.opened")
    whole = next(note["till"] for note in reversed(desk.kept) if "till" in note)
    assert [run[2]["customer"] for run in whole["running"]] == ["#2", "#3"]
    assert not any("C-" in json.dumps(note) for note in desk.kept)


def test_words_of_the_machine_file_and_numbers_stay() -> None:
    """A guard may compare them."""
    desk = Desk()
    data = {"word": "waiting", "other": "gone", "empty": "", "number": 7, "flag": True}
    note = desk.post("till.opened", **data)
    assert note["data"] == {**data, "other": "#1"}


def test_after_a_reload_the_till_is_noted_whole_with_the_new_hash() -> None:
    """With the first step that the new machine plays."""
    desk = Desk()
    edited = chart_of(LINK.replace("1min", "2min"))
    desk.tills.swap(Carrying(CHART, edited))
    desk.notes.follow(edited.definition)
    note = desk.post("till.opened")
    assert "till" not in desk.kept[-2]
    assert note["machine"] == edited.definition.hash
    assert recalled("01", note["till"]) == desk.tills["01"]
