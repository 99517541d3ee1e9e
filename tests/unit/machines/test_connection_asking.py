"""Messages, offers, the ping of a ticket and the switch by hand, in virtual time."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.records import Run
from tests.unit.machines.virtual_till import (
    GOOD,
    NO_LOST_LINK,
    REFUSED,
    REJECTED,
    Reply,
    Server,
    VirtualTill,
    failing,
    good,
    hanging,
    offline,
    online,
    parameter,
)

LOST = [
    REFUSED,
    failing("timeout", 60.0),
    failing("server_error"),
    failing("bad_reply"),
]
OCCASIONS = {
    "till.opened": "opened",
    "till.closed": "closed",
    "till.day_closed": "day_closed",
    "ticket.closed": "ticket",
}
ASKING = ("poll_messages", "fetch_offers")


def only(effect: str, reply: Reply, others: Reply = GOOD) -> Server:
    """A server that answers one effect in its own way."""
    return lambda run: reply if run.effect == effect else others


def reasons(till: VirtualTill, since: int = 0) -> list[str]:
    """Why messages were asked for."""
    return [str(run.arguments["reason"]) for _, run in till.started("poll_messages", since)]


def degraded() -> VirtualTill:
    """A till that doubts its link for the next two pings."""
    till = online()
    till.server = only("ping", REFUSED)
    till.wait_for("degraded")
    till.server = good
    return till


def syncing(seconds: float = 20.0) -> VirtualTill:
    """A till whose batch takes some time; messages were asked for and have come."""
    till = online()
    till.server = only("send_tickets", Reply("ok", seconds))
    till.close_ticket()
    till.wait(1.0)
    assert till.state == "syncing"
    return till


REACHABLE = pytest.mark.parametrize("make", [online, degraded, syncing])


@REACHABLE
@pytest.mark.parametrize("event", OCCASIONS)
def test_messages_are_asked_for_at_each_moment_that_calls_for_it(
    make: Callable[[], VirtualTill], event: str
) -> None:
    """Opening, closing, clôture and the end of a ticket: once, with why, and with the timeout
    of webservices; a batch that is under way goes on."""
    till = make()
    since, sending = len(till.steps), till.state == "syncing"
    till.send(event, number=9)
    assert reasons(till, since) == [OCCASIONS[event]]
    (_, run), *_ = till.started("poll_messages", since)
    assert run.arguments["timeout"] == parameter("webservice_timeout", till)
    if sending:
        assert till.state == "syncing"
        assert till.started("send_tickets", since) == []
    till.wait(1.0)
    assert not till.till.context["asking"]


@pytest.mark.parametrize("on_close", [True, False])
def test_a_closed_ticket_asks_for_messages_also_when_it_is_sent_later(on_close: bool) -> None:
    """The tickets' own setting has nothing to do with messages."""
    till = online(ticket_sync_on_close=on_close)
    till.close_ticket()
    assert reasons(till) == ["ticket"]


@REACHABLE
def test_a_customer_s_code_asks_for_offers_once(make: Callable[[], VirtualTill]) -> None:
    """The same code again while the answer is awaited is the same call; another is another."""
    till = make()
    for code in ("C1", "C1", "C2", "", "C1"):
        till.send("ticket.customer", customer=code)
    asked = [str(run.arguments["customer"]) for _, run in till.started("fetch_offers")]
    assert asked == ["C1", "C2", ""]
    state = till.state
    till.wait(0.05)
    till.send("ticket.customer", customer="C1")
    assert len(till.started("fetch_offers")) == 4
    assert till.state in (state, "online")


@REACHABLE
def test_a_ticket_that_begins_pings_and_waits_for_nothing(
    make: Callable[[], VirtualTill],
) -> None:
    """With the ping's own timeout; the machine stays where it is."""
    till = make()
    till.wait(1.0)
    since = len(till.steps)
    step = till.send("ticket.started")
    (run,) = step.started
    assert (run.effect, run.arguments) == ("ping", {"timeout": parameter("ping_timeout", till)})
    assert step.entered == []
    assert len(till.started("ping", since)) == 1


@pytest.mark.parametrize("reply", LOST)
@pytest.mark.parametrize("effect", ASKING)
@pytest.mark.parametrize("make", [online, degraded])
def test_one_call_that_finds_no_server_is_enough(
    make: Callable[[], VirtualTill], effect: str, reply: Reply
) -> None:
    """Whatever pings say: the till is offline at once, and asks again after the wait."""
    till = make()
    till.server = only(effect, reply)
    till.send("till.opened" if effect == "poll_messages" else "ticket.customer")
    began = till.now
    assert till.wait_for("offline-cooldown") == pytest.approx(reply.seconds)
    since = len(till.steps)
    till.wait(parameter("message_retry_wait", till) - 0.01)
    assert [run for each in ASKING for run in till.started(each, since)] == []
    assert till.now - began > parameter("message_retry_wait", till) - 1.0


@pytest.mark.parametrize("reply", NO_LOST_LINK)
@pytest.mark.parametrize("effect", ASKING)
@pytest.mark.parametrize("make", [online, degraded, syncing])
def test_what_is_no_lost_link_changes_no_state(
    make: Callable[[], VirtualTill], effect: str, reply: Reply
) -> None:
    """A refusal, an unknown customer, a wrong password, a wish for patience, a fault of this
    till: the link is as it was."""
    till = make()
    state = till.state
    till.server = only(effect, reply, Reply("ok", 5.0, {"latency": 0.05}))
    step = till.send("till.opened" if effect == "poll_messages" else "ticket.customer")
    assert [run.effect for run in step.started] == [effect]
    till.wait(0.1)
    assert till.state == state
    assert not till.till.context["lost"]
    assert not till.till.context["asking"]


def test_a_till_that_comes_back_asks_once_for_all_messages_that_it_missed() -> None:
    """However many tickets, openings and closings there were meanwhile, after its tickets."""
    till = offline(online())
    for event in (*OCCASIONS, *OCCASIONS):
        till.send(event, number=1)
    till.server = good
    since = len(till.steps)
    till.wait_for("online")
    till.wait(600.0)
    assert reasons(till, since) == ["returned"]
    first = next(run.effect for step in till.steps[since:] for run in step.started)
    assert first == "ping"


def test_a_till_that_missed_nothing_asks_nothing_when_it_comes_back() -> None:
    """A customer's code is forgotten: what the cashier had was kept from before."""
    till = offline(online())
    till.send("ticket.customer", customer="C1")
    till.server = good
    since = len(till.steps)
    till.wait(600.0)
    assert till.state == "online"
    assert [run for effect in ASKING for run in till.started(effect, since)] == []


def test_a_call_that_was_under_way_when_the_link_was_lost_is_made_up_for() -> None:
    """Its late answer is nobody's any more."""
    till = online()
    till.server = lambda run: failing("timeout", 60.0) if run.effect == "poll_messages" else REFUSED
    till.send("till.opened")
    till.wait_for("offline-cooldown")
    assert till.now < 60.0
    assert till.till.context["missed"]
    assert till.answers == {}
    till.server = good
    since = len(till.steps)
    till.wait(300.0)
    assert reasons(till, since) == ["returned"]


def test_a_messages_call_that_fails_again_after_the_return_leads_to_the_next_wait() -> None:
    """Each time one ping, one call, one wait: never a crowd; tickets go in between."""
    till = online()
    till.server = only("poll_messages", REFUSED)
    till.close_ticket()
    till.wait(3600.0)
    calls = [at for at, _ in till.started("poll_messages")]
    gaps = [after - before for before, after in pairwise(calls)]
    assert len(calls) > 10
    assert min(gaps) >= parameter("message_retry_wait", till)
    assert till.sent == 1


@pytest.mark.parametrize("reply", LOST)
@pytest.mark.parametrize("effect", ASKING)
@pytest.mark.parametrize(
    "ending", [Reply("ok", 20.0), REJECTED._replace(seconds=20.0), failing("timeout", 20.0)]
)
def test_a_batch_under_way_is_not_cut_off_by_a_call_that_finds_no_server(
    effect: str, reply: Reply, ending: Reply
) -> None:
    """Nothing more is asked, and when the sending ends the till is offline."""
    till = syncing(200.0)
    till.server = only(effect, reply._replace(seconds=0.5))
    till.send("till.opened" if effect == "poll_messages" else "ticket.customer")
    till.wait(1.0)
    assert till.state == "syncing"
    since = len(till.steps)
    till.send("till.closed")
    till.send("ticket.customer", customer="C2")
    assert [run for each in ASKING for run in till.started(each, since)] == []
    number = next(iter(till.answers))
    at, event, took = till.answers[number]
    till.answers[number] = (
        till.now + ending.seconds,
        event._replace(name=f"send_tickets.{ending.name}", data=ending.data),
        took,
    )
    assert at > till.now
    till.wait(ending.seconds)
    assert till.state == "offline-cooldown"
    assert till.sent == int(ending.name == "ok")
    assert till.waiting == (till.sent == 0)
    assert not till.till.context["lost"]
    assert "online" not in [name for step in till.steps[since:] for name in step.entered]


def test_a_till_that_restarts_in_cooldown_goes_on_waiting_and_still_knows_what_it_missed() -> None:
    """Nothing is asked before the rest of the wait is over."""
    till = offline(online(message_retry_jitter=0.0))
    till.send("till.closed")
    since = len(till.steps)
    till.wait(20.0)
    till.server = good
    till.restart(away=10.0)
    began = till.now
    assert till.wait_for("online") == pytest.approx(30.05)
    assert [at - began for at, _ in till.started("poll_messages", since)] == [pytest.approx(30.05)]


def cooling() -> VirtualTill:
    """A till whose server is not there."""
    till = offline(online())
    till.server = good
    return till


EVERYWHERE = pytest.mark.parametrize("make", [online, degraded, syncing, cooling])
DEEDS = [*OCCASIONS, "ticket.started", "ticket.customer", "sync.now", "load.full", "offline.hold"]


@EVERYWHERE
@settings(max_examples=20, derandomize=True, deadline=None, database=None)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.floats(0, 600)), max_size=12))
def test_a_till_that_is_held_asks_nothing_until_it_is_released(
    make: Callable[[], VirtualTill], deeds: list[tuple[str, float]]
) -> None:
    """From any state, whatever happens meanwhile, over restarts too; then it asks for what was
    missed, once, and sends its tickets."""
    till = make()
    till.send("offline.hold")
    assert till.state == "held"
    since, entered = len(till.steps), till.till.entered["held"]
    for name, seconds in deeds:
        if name == "ticket.closed":
            till.close_ticket()
        else:
            till.send(name)
        till.wait(seconds)
    assert till.till.entered["held"] == entered
    till.restart(3600.0)
    assert till.state == "held"
    assert [run for step in till.steps[since:] for run in step.started] == []
    since = len(till.steps)
    step = till.send("offline.release")
    assert [run.effect for run in step.started] == ["ping"]
    missed = till.till.context["missed"]
    till.wait_for("online")
    till.wait(60.0)
    assert reasons(till, since) == (["returned"] if missed else [])
    assert till.sent == till.closed


def test_a_batch_that_is_under_way_when_a_person_holds_the_till_is_asked_about_later() -> None:
    """The person wants no call now; the ticket is still known to wait."""
    till = syncing()
    till.send("offline.hold")
    assert till.answers == {}
    till.server = good
    till.send("offline.release")
    till.wait_for("online")
    till.wait(60.0)
    assert till.sent == till.closed == 1


def test_the_switch_by_hand_is_offline_and_says_so_in_french() -> None:
    """The journal counts it as an offline period."""
    state = online().chart.tree["held"].state
    assert state.offline
    assert state.label is not None
    assert state.label.fr == "Mise hors ligne manuelle"


def test_a_hanging_server_sees_one_crowd_at_the_most() -> None:
    """What was asked before the first call failed, and nothing after it until the wait is over."""
    till = online()
    till.server = hanging
    for code in "ABC":
        till.send("ticket.customer", customer=code)
        till.wait(5.0)
    till.wait_for("offline-cooldown")
    since, began = len(till.steps), till.now
    for code in "ABCDEFGHIJ":
        till.send("ticket.customer", customer=code)
        till.send("ticket.closed", number=1)
        till.wait(5.0)
    started: list[Run] = [run for step in till.steps[since:] for run in step.started]
    assert started == []
    till.server = good
    till.wait_for("online")
    assert till.now - began >= parameter("message_retry_wait", till)
