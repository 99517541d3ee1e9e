"""The shipped connection machine, in virtual time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.machines.virtual_till import (
    GOOD,
    NO_LOST_LINK,
    REFUSED,
    SLOW,
    Reply,
    VirtualTill,
    always,
    failing,
    good,
    hanging,
    machine,
    offline,
    online,
    parameter,
    pings,
)

ANSWER = 0.05
"""Seconds that a server takes to answer or to refuse."""


def test_a_new_till_is_online_with_the_first_good_ping() -> None:
    """It asks at once and needs no second answer."""
    till = VirtualTill()
    assert till.state == "degraded"
    assert [at for at, _ in till.started("ping")] == [0.0]
    assert till.wait_for("online") == ANSWER


@pytest.mark.parametrize("failures", [1, 2, 3, 5])
@pytest.mark.parametrize("died", [0.0, 0.3, 0.99])
def test_a_server_that_refuses_is_noticed_in_time(failures: int, died: float) -> None:
    """One ping online, one at once when degraded, then one every degraded interval."""
    till = online(failures_to_offline=failures)
    till.wait(died * parameter("ping_interval", till))
    till.server = always(REFUSED)
    bound = parameter("ping_interval", till) + min(2, failures) * ANSWER
    bound += max(0, failures - 2) * (parameter("degraded_ping_interval", till) + ANSWER)
    assert till.wait_for("offline-cooldown") <= bound


@pytest.mark.parametrize("timeout", ["2s", "10s", "60s"])
@pytest.mark.parametrize("failures", [1, 2, 3, 5])
@pytest.mark.parametrize("tickets", [False, True])
def test_a_server_that_hangs_is_noticed_in_time(timeout: str, failures: int, tickets: bool) -> None:
    """Each failure takes the ping's deadline and what is left of an interval; tickets that are
    closed meanwhile may put one call of their own between."""
    till = online(ping_timeout=timeout, failures_to_offline=failures)
    till.server = hanging
    if tickets:
        till.close_ticket()
    each = parameter("ping_timeout", till) + parameter("degraded_ping_interval", till)
    bound = parameter("ping_interval", till) + failures * each
    if tickets:
        bound += 2 * parameter("webservice_timeout", till)
    assert till.wait_for("offline-cooldown") <= bound


def test_tickets_that_come_all_the_time_do_not_keep_a_dead_server_from_being_noticed() -> None:
    """Nor does somebody who presses the button again and again."""
    till = online()
    till.server = hanging
    for _ in range(200):
        till.close_ticket()
        till.send("sync.now")
        till.wait(5.0)
        if till.state == "offline-cooldown":
            break
    assert till.state == "offline-cooldown"
    assert till.now < 5 * parameter("webservice_timeout", till)


POSTED = [
    "ticket.closed",
    "ticket.started",
    "ticket.customer",
    "sync.now",
    "load.full",
    "load.changes",
    "till.opened",
    "till.closed",
    "till.day_closed",
    "offline.release",
]


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(st.lists(st.tuples(st.sampled_from(POSTED), st.floats(0, 90)), max_size=30))
def test_in_cooldown_nothing_is_started_but_one_ping_at_the_end_of_each_wait(
    events: list[tuple[str, float]],
) -> None:
    """Whatever the till program and people do meanwhile."""
    till = offline(online())
    since = len(till.steps)
    for name, seconds in events:
        till.send(name, number=1)
        till.wait(seconds)
    assert till.state == "offline-cooldown"
    for effect in ("send_tickets", "poll_messages", "fetch_offers", "load"):
        assert till.started(effect, since) == []
    waits = [step for step in till.steps[since:] if step.event.name == "after message_retry_wait"]
    assert [at for at, _ in till.started("ping", since)] == [step.at for step in waits]


def test_a_ping_that_was_under_way_does_not_end_the_cooldown() -> None:
    """It was sent before the link was given up."""
    till = online()
    till.server = lambda run: SLOW if run.effect == "ping" else REFUSED
    till.wait(30.0)
    assert till.answers
    till.till.context["failures"] = 2
    till.send("sync.now")
    till.wait(ANSWER)
    assert till.state == "offline-cooldown"
    assert till.answers == {}


def lengths(till: VirtualTill) -> list[float]:
    """How long each wait of the cooldown was set to be."""
    return [
        timer.length
        for step in till.steps
        for timer in step.timers_started
        if timer.key == "offline-cooldown.after.0"
    ]


def test_the_wait_doubles_up_to_its_cap_and_jitter_only_adds() -> None:
    """One minute, two, four, eight, ten, ten: each up to a fifth longer."""
    till = offline(online())
    till.wait(3 * 3600.0)
    plain = [60, 120, 240, 480, *[600] * 20]
    found = lengths(till)
    assert len(found) > 10
    assert all(low <= got <= 1.2 * low for low, got in zip(plain, found, strict=False))


def test_tills_that_lose_their_server_together_do_not_come_back_together() -> None:
    """Each till has its own jitter, the same every time."""
    tills = [offline(VirtualTill(till=f"{number:02}")) for number in range(30)]
    assert len({lengths(till)[0] for till in tills}) == 30
    assert lengths(offline(VirtualTill(till="07"))) == lengths(tills[7])


def test_the_wait_begins_anew_with_the_next_outage() -> None:
    """Also when the server came back slow and the till was never online in between."""
    till = offline(online())
    till.wait(3600.0)
    till.server = always(SLOW)
    till.wait_for("degraded")
    assert till.till.context["probes"] == 0
    till.wait(600.0)
    assert till.state == "degraded"
    till.server = always(REFUSED)
    till.wait_for("offline-cooldown")
    assert lengths(till)[-1] <= 72.0


def test_one_failure_after_coming_back_is_not_offline_again() -> None:
    """What failed before the server answered is no longer in a row."""
    till = offline(online())
    till.close_ticket()
    till.server = pings(GOOD, REFUSED)
    till.wait_for("syncing")
    till.wait(ANSWER)
    assert till.state == "degraded"
    till.server = good
    till.wait_for("online")


def test_a_till_that_comes_back_sends_its_waiting_tickets_first() -> None:
    """Before it is online; without tickets it is online at once."""
    till = offline(online())
    for _ in range(3):
        till.close_ticket()
    till.server = good
    till.wait_for("syncing")
    till.wait_for("online")
    assert till.sent == 3
    empty = offline(online())
    empty.server = good
    empty.wait_for("online")
    assert empty.started("send_tickets") == []


@pytest.mark.parametrize("tickets", NO_LOST_LINK)
@pytest.mark.parametrize("ping", [GOOD, SLOW, *NO_LOST_LINK[1:]])
@pytest.mark.parametrize("failures", [1, 3])
def test_what_is_no_lost_link_never_leads_to_cooldown(
    ping: Reply, tickets: Reply, failures: int
) -> None:
    """A refusal, a wrong password, a server that asks for patience, a fault of this till: for
    hours, with tickets closed all the time, and with a person who presses the button."""
    till = online(failures_to_offline=failures)
    till.server = pings(ping, tickets)
    for _ in range(40):
        till.close_ticket()
        till.wait(70.0)
        till.send("sync.now")
        till.wait(1.0)
        assert till.state in ("degraded", "online", "syncing")
        assert till.waiting or till.state == "syncing"
    till.server = good
    till.wait(600.0)
    assert till.state == "online"
    assert till.sent == till.closed


@pytest.mark.parametrize(
    ("probe", "state", "grown"),
    [
        (failing("unauthorized"), "degraded", False),
        (failing("local_error"), "offline-cooldown", False),
        (failing("server_error", retry_after=9.0), "offline-cooldown", False),
        (failing("server_error"), "offline-cooldown", True),
        (failing("timeout", 60.0), "offline-cooldown", True),
        (SLOW, "degraded", False),
    ],
)
def test_what_a_probe_decides(probe: Reply, state: str, grown: bool) -> None:
    """Only a server that did not answer makes the wait grow."""
    till = offline(online())
    till.server = always(probe)
    till.wait(130.0)
    assert till.state == state
    assert (till.till.context["probes"] != 0) == grown


@pytest.mark.parametrize("ping", [REFUSED, *NO_LOST_LINK[1:], failing("server_error"), GOOD])
def test_a_ping_that_ends_while_tickets_are_sent_does_not_interrupt_the_sending(
    ping: Reply,
) -> None:
    """The sending tells by itself whether the server is there."""
    till = online()
    long = Reply("ok", 20.0)
    till.server = pings(ping._replace(seconds=5.0), long)
    till.wait(parameter("ping_interval", till))
    till.close_ticket()
    assert till.state == "syncing"
    till.wait(10.0)
    assert till.state == "syncing"
    assert [run for step in till.steps for run in step.cancelled] == []
    failed = ping in (REFUSED, failing("server_error"))
    assert till.till.context["failures"] == int(failed)
    till.wait(11.0)
    assert till.state == "online"
    assert till.sent == 1


def test_a_doubtful_link_is_trusted_after_two_good_pings_in_a_row() -> None:
    """One that is slow begins the count anew."""
    till = online()
    replies = iter([REFUSED, GOOD, SLOW, GOOD, GOOD])
    till.server = lambda _run: next(replies, GOOD)
    till.wait_for("degraded")
    since = len(till.steps)
    till.wait_for("online")
    heard = [step.event.name for step in till.steps[since:] if step.event.run is not None]
    assert heard == ["ping.ok"] * 4


@pytest.mark.parametrize("on_close", [True, False])
def test_a_closed_ticket_is_sent_at_once_or_with_the_next_synchronisation(on_close: bool) -> None:
    """As ticket_sync_on_close says."""
    till = online(ticket_sync_on_close=on_close)
    till.close_ticket()
    assert (till.state == "syncing") == on_close
    till.wait(parameter("ticket_sync_interval", till) + ANSWER)
    assert till.sent == 1
    assert not till.waiting


def test_a_ticket_that_is_closed_while_a_batch_is_under_way_is_sent_next() -> None:
    """The batch had been taken before; the next one follows at once."""
    till = online()
    till.server = lambda run: Reply("ok", 4.0) if run.effect == "send_tickets" else None
    till.close_ticket()
    till.wait(1.0)
    till.close_ticket()
    till.wait(3.0)
    assert till.sent == 1
    assert till.state == "syncing"
    till.wait(4.0)
    assert till.sent == 2
    assert till.state == "online"
    first, second = (at for at, _ in till.started("send_tickets"))
    assert second - first == 4.0


def test_the_shipped_machine_is_read_without_a_warning() -> None:
    """An integrator who edits it begins with a clean check."""
    assert machine().problems == ()


def test_the_states_have_their_names_and_numbers() -> None:
    """What dashboards and alerts are built on."""
    codes = {node.id: node.state.code for node in machine().tree if node.state.code}
    assert codes == {
        "online": 1,
        "syncing": 2,
        "degraded": 3,
        "loading": 4,
        "offline-cooldown": 5,
        "held": 6,
    }
