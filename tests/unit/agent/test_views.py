"""What the API shows of a till: the state, the next try, moments, the past."""

from datetime import UTC, datetime

import pytest

from engine.agent.clock import VirtualClock
from engine.agent.keeping import history_row
from engine.agent.tills import Tills
from engine.agent.views import MOST_KNOWN, Views, event_data, history, moment
from engine.api.port import BadData, TillView
from engine.core.build import Chart
from engine.core.records import Event, Step
from engine.definition.vocabulary import Field, Value
from engine.store import Backlog
from tests.unit.agent.scripted import NotingRunner, chart_of, clock

LINK = chart_of()
NESTED = chart_of("""
machine: nested
about: Labels at several depths, and two regions.
initial: outer
states:
  outer:
    label: {en: Outer, fr: Dehors}
    parallel: true
    on: {sync.now: plain}
    states:
      left:
        initial: quiet
        states:
          quiet: {on: {till.opened: named}}
          named: {label: {en: Named, fr: Nommé}, on: {till.closed: quiet}}
      right: {}
  plain:
    on: {sync.now: outer}
""")


class Desk:
    """One till and the views of it."""

    def __init__(self, chart: Chart = LINK, time: VirtualClock | None = None) -> None:
        self.clock = time or clock()
        self.tills = Tills(chart, self.clock, NotingRunner())
        self.tills.add("01")
        self.views = Views(chart, self.clock, "0042")

    def play(self, name: str, **data: Value) -> Step:
        run = next(iter(self.tills["01"].running), None)
        step = self.tills.deliver(
            "01", Event(name, data, run=run if name.startswith(("ping", "send")) else None)
        )
        assert step is not None
        return step

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.tills.advance()

    def view(self, backlog: Backlog | None = None) -> TillView:
        return self.views.till(self.tills["01"], backlog or Backlog())

    def next_in(self) -> float | None:
        """Seconds until the next try."""
        moment = self.view().next_try
        return None if moment is None else moment.timestamp() - self.clock.wall()


def test_a_till_is_shown_with_its_state_label_and_tickets() -> None:
    """All that a cashier or an operator is told."""
    desk = Desk()
    desk.advance(5)
    view = desk.view(Backlog(3, 1, 20, 1_799_999_000.0, 30, 0))
    assert (view.till, view.shop, view.machine) == ("01", "0042", "link")
    assert (view.state, view.active) == ("up", ("up",))
    assert view.label is not None
    assert (view.label.en, view.label.fr) == ("Up", "Joignable")
    assert view.since == datetime.fromtimestamp(1_800_000_000.0, UTC)
    assert view.tickets.model_dump() == {
        "pending": 3,
        "sent": 20,
        "refused": 1,
        "oldest_pending": datetime.fromtimestamp(1_799_999_000.0, UTC),
    }
    assert view.context == {"failures": 0, "waiting": False}


@pytest.mark.parametrize(
    ("events", "state", "label"),
    [
        ([], "outer", "Outer"),
        (["till.opened"], "named", "Named"),
        (["sync.now"], "plain", None),
    ],
)
def test_the_state_shown_is_the_innermost_with_a_label(
    events: list[str], state: str, label: str | None
) -> None:
    """Where none has one, the innermost."""
    desk = Desk(NESTED)
    for event in events:
        desk.play(event)
    view = desk.view()
    assert view.state == state
    assert (view.label.en if view.label else None) == label


def test_a_till_that_is_nowhere_is_shown_without_a_state() -> None:
    """An empty configuration has no label and no next try."""
    desk = Desk()
    desk.tills["01"].configuration = ()
    desk.tills["01"].timers.clear()
    view = desk.view()
    assert (view.state, view.label, view.next_try) == ("", None, None)


def test_offline_the_next_try_is_the_probe() -> None:
    """What the cashier wants to know: when is the server asked again."""
    desk = Desk()
    desk.play("sync.now")
    desk.play("send_tickets.failed.timeout")
    assert desk.next_in() == pytest.approx(300)
    desk.advance(100)
    assert desk.next_in() == pytest.approx(200)


def test_while_the_probe_is_under_way_there_is_no_next_try() -> None:
    """It is this one; what comes after depends on its answer."""
    desk = Desk()
    desk.play("sync.now")
    desk.play("send_tickets.failed.timeout")
    desk.advance(300)
    assert desk.next_in() is None
    desk.play("ping.failed.timeout")
    assert desk.next_in() == pytest.approx(300)


def test_online_a_timer_that_would_find_nothing_to_send_is_no_try() -> None:
    """The ping is; with a ticket waiting, the sending is."""
    desk = Desk()
    assert desk.next_in() == pytest.approx(60)
    desk.play("ticket.closed", number=1)
    assert desk.next_in() == pytest.approx(10)


def test_while_tickets_are_sent_there_is_no_next_try() -> None:
    """The call is being made."""
    desk = Desk()
    desk.play("sync.now")
    assert desk.next_in() is None


def test_asking_for_the_next_try_changes_nothing() -> None:
    """The core plays it on a copy: state, variables, timers and runs are as they were."""
    desk = Desk()
    desk.play("ticket.closed", number=1)
    till = desk.tills["01"]
    before = (till.configuration, dict(till.context), dict(till.timers), dict(till.running))
    desk.view()
    assert (till.configuration, till.context, till.timers, till.running) == before
    desk.advance(10)
    assert desk.tills["01"].configuration == ("sending",)


def test_what_is_known_of_timers_is_bounded() -> None:
    """A machine may have many situations."""
    desk = Desk()
    desk.views._calling = {(number,): True for number in range(MOST_KNOWN)}
    assert desk.next_in() == pytest.approx(60)
    assert len(desk.views._calling) < 5


@pytest.mark.parametrize(("wall", "year"), [(-1e18, 1970), (-1.0, 1970), (0.0, 1970), (1e18, 9999)])
def test_a_clock_that_is_set_to_no_date_is_no_error(wall: float, year: int) -> None:
    """It reads as the first or the last moment there is."""
    assert moment(wall).year == year


def test_a_till_is_shown_whatever_the_clock_says() -> None:
    """A battery that ran out sets it to 1970."""
    desk = Desk(time=VirtualClock(at=5000.0, wall=0.0))
    desk.clock.advance(1)
    desk.clock.set_wall(0.0)
    assert desk.view().since.year == 1970


def test_a_step_is_shown_with_what_it_took_and_refused() -> None:
    """The answer to a posted event."""
    desk = Desk()
    before = desk.tills["01"].configuration
    shown = desk.views.step(desk.play("sync.now"), before)
    assert (shown.state_before, shown.state_after, shown.unhandled) == ("up", "sending", False)
    assert [(t.event, t.source, t.target, t.stays) for t in shown.taken] == [
        ("sync.now", "up", "sending", False)
    ]
    desk = Desk()
    shown = desk.views.step(desk.play("tickets.due"), before)
    assert [(r.state, r.event, r.guard) for r in shown.refused] == [
        ("up", "tickets.due", "waiting")
    ]
    assert desk.views.step(desk.play("till.opened"), before).unhandled


def test_a_row_of_the_history_is_shown_as_it_was() -> None:
    """Through the text that the store keeps."""
    desk = Desk()
    row = history_row(desk.play("sync.now"), 1_800_000_005.0)._replace(seq=17)
    shown = history(row)
    assert (shown.number, shown.event, shown.states, shown.dull) == (
        17,
        "sync.now",
        ("sending",),
        False,
    )
    assert shown.at == datetime.fromtimestamp(1_800_000_005.0, UTC)
    assert shown.taken[0].target == "sending"
    assert shown.detail == {"started": ["send_tickets"]}


def test_no_view_shows_what_a_till_program_posted() -> None:
    """A customer's code passes through."""
    desk = Desk()
    code = "CUSTOMER-4711"
    step = desk.play("ticket.customer", customer=code)
    shown = (
        desk.views.step(step, ("up",)).model_dump_json()
        + history(history_row(step, 0.0)).model_dump_json()
        + desk.view().model_dump_json()
    )
    assert code not in shown


FIELDS = {
    "customer": Field("text", ""),
    "number": Field("integer", ""),
    "share": Field("number", ""),
    "wait": Field("duration", ""),
    "whole": Field("boolean", ""),
}


def test_data_that_fits_is_taken_as_it_is() -> None:
    """Fields may be missing: they read as zero or empty."""
    data: dict[str, Value] = {"customer": "A", "number": 3, "share": 2, "wait": 1.5, "whole": True}
    assert event_data("e", FIELDS, data) == data
    assert event_data("e", FIELDS, {}) == {}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            {"costumer": "A"},
            "'e' has no 'costumer'; it carries customer, number, share, wait, whole.",
        ),
        ({"customer": 4711}, "'customer' of 'e' is a whole number, where a text is needed."),
        ({"number": "4711"}, "'number' of 'e' is a text, where a whole number is needed."),
        ({"number": 1.5}, "'number' of 'e' is a number, where a whole number is needed."),
        ({"number": True}, "'number' of 'e' is true or false, where a whole number is needed."),
        ({"whole": 1}, "'whole' of 'e' is a whole number, where true or false is needed."),
        ({"share": "x"}, "'share' of 'e' is a text, where a number is needed."),
        ({"wait": False}, "'wait' of 'e' is true or false, where a number of seconds is needed."),
        (
            {"wait": float("nan")},
            "'wait' of 'e' is no number, where a number of seconds is needed.",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused_with_a_sentence(
    data: dict[str, Value], sentence: str
) -> None:
    """What was found and what is needed, without the value: it may be a customer's."""
    with pytest.raises(BadData) as refused:
        event_data("e", FIELDS, data)
    assert refused.value.sentence == sentence


def test_an_event_without_data_says_so() -> None:
    """Instead of an empty list."""
    with pytest.raises(BadData, match="it carries no data"):
        event_data("sync.now", {}, {"now": True})
