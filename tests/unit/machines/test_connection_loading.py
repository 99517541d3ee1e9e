"""Loads of the catalogue on the shipped machine, in virtual time."""

from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.records import Run
from tests.unit.machines.virtual_till import (
    GOOD,
    LOADED,
    REFUSED,
    REJECTED,
    SLOW,
    Reply,
    Server,
    VirtualTill,
    always,
    failing,
    good,
    offline,
    online,
    parameter,
)

LONG = 600.0
GAP = Reply("ok", 1.0, {**LOADED, "kind": "changes", "gap": True})
GIVEN_UP = ["bad_reply", "unauthorized", "local_error"]
NOT_HAD = ["timeout", "unreachable", "server_error"]


def loads(reply: Reply, others: Reply | None = None) -> Server:
    """A server whose loads end so, and which answers all else well or with ``others``."""
    return lambda run: reply if run.effect == "load" else others


def kinds(till: VirtualTill, since: int = 0) -> list[str]:
    """What was loaded, in order."""
    return [str(run.arguments["kind"]) for _, run in till.started("load", since)]


def loading(seconds: float = LONG) -> VirtualTill:
    """A till whose full load takes so long."""
    till = online()
    till.server = loads(Reply("ok", seconds))
    till.send("load.full")
    assert till.state == "loading"
    return till


@pytest.mark.parametrize("kind", ["full", "changes"])
def test_a_load_begins_at_once_and_leads_back_online(kind: str) -> None:
    """With the timeout of webservices and a limit of its own."""
    till = online()
    till.server = loads(Reply("ok", LONG))
    (run,) = (run for run in till.send(f"load.{kind}").started if run.effect == "load")
    assert run.arguments == {
        "timeout": parameter("webservice_timeout", till),
        "kind": kind,
        "limit": parameter("load_limit", till),
    }
    till.wait(LONG - 1)
    assert till.state == "loading"
    till.wait(2)
    assert till.state == "online"
    till.wait(LONG)
    assert kinds(till) == [kind]


def test_tickets_are_sent_while_a_load_runs() -> None:
    """Each at once, and the load goes on untouched."""
    till = loading()
    for number in range(1, 6):
        till.close_ticket()
        assert till.state == "syncing"
        till.wait(1.0)
        assert till.state == "loading"
        assert till.sent == number
    assert len(till.started("load")) == 1
    till.wait(LONG)
    assert till.state == "online"


def test_tickets_that_wait_are_sent_with_the_synchronisation() -> None:
    """As ``ticket_sync_on_close`` says, also while a load runs."""
    till = online(ticket_sync_on_close=False)
    till.server = loads(Reply("ok", LONG))
    till.send("load.changes")
    till.close_ticket()
    assert till.state == "loading"
    till.wait(parameter("ticket_sync_interval", till) + 1.0)
    assert till.sent == 1
    assert till.state == "loading"


def test_pings_messages_and_offers_go_on_while_a_load_runs() -> None:
    till = loading()
    since = len(till.steps)
    till.send("till.closed")
    till.send("ticket.customer", customer="C1")
    till.send("ticket.started")
    till.wait(LONG / 2)
    assert len(till.started("poll_messages", since)) == 1
    assert len(till.started("fetch_offers", since)) == 1
    due = LONG / 2 / parameter("degraded_ping_interval", till)
    assert len(till.started("ping", since)) >= due - 1
    assert till.state == "loading"


def test_a_second_load_is_not_begun_while_one_runs() -> None:
    """Neither of the same kind nor of the other, nor while tickets are sent."""
    till = loading()
    for sending in (False, True):
        if sending:
            till.server = lambda run: Reply("ok", 5.0) if run.effect == "send_tickets" else None
            till.close_ticket()
        for kind in ("full", "changes"):
            step = till.send(f"load.{kind}")
            assert [refusal.guard for refusal in step.refused] == ["load != 'runs'"]
            assert (step.started, step.changed) == ([], {})
    till.wait(2 * LONG)
    assert kinds(till) == ["full"]


@pytest.mark.parametrize("away", ["offline-cooldown", "held"])
@pytest.mark.parametrize("kind", ["full", "changes"])
def test_a_load_that_is_asked_for_without_a_link_begins_when_it_is_back(
    away: str, kind: str
) -> None:
    """Nothing is loaded before, and only the last of several wishes counts."""
    till = offline(online())
    if away == "held":
        till.send("offline.hold")
    till.send("load.full")
    till.send(f"load.{kind}")
    till.wait(30.0)
    assert kinds(till) == []
    till.server = good
    if away == "held":
        till.send("offline.release")
    till.wait_for("loading")
    till.wait(1.0)
    assert till.state == "online"
    assert kinds(till) == [kind]


@pytest.mark.parametrize("lose", ["pings", "messages", "hold"])
def test_a_lost_link_cuts_a_load_off_and_it_begins_again_when_the_link_is_back(lose: str) -> None:
    """Whoever notices it first: pings, a call for messages, or a person."""
    till = loading()
    till.wait(5.0)
    if lose == "hold":
        step = till.send("offline.hold")
        assert [run.effect for run in step.cancelled if run.effect == "load"] == ["load"]
    else:
        till.server = loads(Reply("ok", LONG), REFUSED)
        if lose == "messages":
            till.send("till.opened")
        till.wait_for("offline-cooldown", 60.0)
    assert not till.till.calls("load")
    since = len(till.steps)
    till.wait(40.0)
    assert kinds(till, since) == []
    till.server = good
    if lose == "hold":
        till.send("offline.release")
    till.wait_for("loading")
    assert kinds(till, since) == ["full"]


def test_waiting_tickets_go_before_a_load_that_is_owed() -> None:
    till = loading()
    till.server = loads(Reply("ok", LONG), REFUSED)
    till.wait_for("offline-cooldown")
    till.close_ticket()
    till.server = good
    since = len(till.steps)
    till.wait_for("loading")
    started = [run.effect for step in till.steps[since:] for run in step.started]
    assert [each for each in started if each != "ping"] == ["send_tickets", "load", "poll_messages"]


def test_a_slow_link_is_good_enough_for_a_load_that_is_owed() -> None:
    """Otherwise a till behind a slow line would never have its prices."""
    till = loading()
    till.server = loads(Reply("ok", LONG), REFUSED)
    till.wait_for("offline-cooldown")
    till.server = loads(Reply("ok", 100.0), SLOW)
    till.wait_for("loading", 300.0)
    till.wait_for("degraded", 300.0)
    assert kinds(till) == ["full", "full"]


@pytest.mark.parametrize("sending", [False, True])
def test_changes_that_do_not_join_on_lead_to_a_full_load(sending: bool) -> None:
    """Also when that becomes known while tickets are sent."""
    till = online()
    till.server = lambda run: {
        "load": GAP if run.arguments.get("kind") == "changes" else Reply("ok", 2.0),
        "send_tickets": Reply("ok", 3.0),
    }.get(run.effect)
    till.send("load.changes")
    if sending:
        till.close_ticket()
    till.wait(4.5 if sending else 1.5)
    assert kinds(till) == ["changes", "full"]
    assert till.state == "loading"
    till.wait(2.5)
    assert till.state == "online"
    till.wait(LONG)
    assert kinds(till) == ["changes", "full"]


@pytest.mark.parametrize("reason", GIVEN_UP)
def test_what_would_fail_again_is_told_and_not_tried_again(reason: str) -> None:
    """A damaged export, a wrong password, a full disk: the link is not to blame."""
    till = online()
    till.server = loads(failing(reason))
    till.send("load.full")
    till.wait(0.1)
    assert till.steps[-1].logged
    assert till.state == "online"
    till.wait(3600.0)
    assert kinds(till) == ["full"]
    till.server = good
    till.send("load.full")
    assert till.state == "loading"


def test_a_refused_load_is_told_and_over() -> None:
    till = online()
    till.server = loads(REJECTED)
    till.send("load.full")
    till.wait(3600.0)
    assert till.state == "online"
    assert kinds(till) == ["full"]


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize("reason", NOT_HAD)
def test_files_that_cannot_be_had_are_tried_for_some_times(reason: str, attempts: int) -> None:
    """The pings say that the link is good, so the load is given up in the end; not at once, and
    not in a hurry."""
    till = online(load_attempts=attempts)
    till.server = loads(failing(reason))
    till.send("load.changes")
    till.wait(3600.0)
    assert till.state == "online"
    times = [at for at, _ in till.started("load")]
    assert len(times) == attempts
    assert all(later - sooner >= 30.0 for sooner, later in pairwise(times))


def test_a_server_that_asks_for_patience_gets_it_and_the_load_is_not_given_up() -> None:
    till = online()
    replies = [failing("server_error", retry_after=60.0)] * 20
    till.server = lambda run: (
        (replies.pop() if replies else Reply("ok", 1.0)) if run.effect == "load" else None
    )
    till.send("load.full")
    till.wait(3600.0)
    assert len(till.started("load")) == 21
    assert till.state == "online"
    assert till.till.context["load"] == "none"


def test_a_load_whose_files_cannot_be_had_since_the_link_is_lost_is_owed() -> None:
    """The load may notice before the pings do."""
    till = online()
    till.server = always(REFUSED)
    till.send("load.full")
    till.wait_for("offline-cooldown", 120.0)
    till.server = good
    till.wait_for("loading")
    assert till.till.context["load_tries"] == 0
    till.wait(1.0)
    assert till.state == "online"


@pytest.mark.parametrize(
    "tickets", [REJECTED, failing("unauthorized"), failing("local_error"), REFUSED]
)
def test_a_load_goes_on_whatever_becomes_of_the_tickets(tickets: Reply) -> None:
    """The link is doubted and asked about; the load is not cut off for that."""
    till = loading()
    till.server = lambda run: tickets if run.effect == "send_tickets" else None
    till.close_ticket()
    till.wait(1.0)
    assert till.state == "loading"
    assert [run.effect for step in till.steps for run in step.cancelled] == []
    assert len(till.started("load")) == 1


def test_a_load_from_a_doubtful_link_does_not_make_it_a_good_one() -> None:
    """One that ends before any ping has leads back to where the link is doubted."""
    till = online()
    till.server = lambda run: failing("timeout", 60.0) if run.effect == "ping" else None
    till.wait_for("degraded")
    till.send("load.full")
    assert till.state == "loading"
    till.wait(0.1)
    assert till.state == "degraded"


def test_a_restart_in_the_middle_of_a_load_begins_it_again() -> None:
    till = loading()
    till.restart()
    assert till.state == "loading"
    assert len(till.started("load")) == 2
    till.wait(LONG + 1)
    assert till.state == "online"


def test_a_restart_with_a_load_that_is_owed_keeps_it() -> None:
    till = offline(online())
    till.send("load.full")
    till.restart()
    till.server = good
    till.wait_for("loading")
    assert kinds(till) == ["full"]


DEEDS = [
    "load.full",
    "load.changes",
    "ticket.closed",
    "ticket.started",
    "till.opened",
    "sync.now",
    "offline.hold",
    "offline.release",
]
ANSWERS = [
    GOOD,
    SLOW,
    REFUSED,
    REJECTED,
    GAP,
    failing("bad_reply"),
    failing("timeout", 60.0),
    failing("server_error", retry_after=20.0),
]


@settings(max_examples=150, derandomize=True, deadline=None, database=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(DEEDS), st.floats(0, 90), st.integers(0, 2**32)), max_size=40
    )
)
def test_whatever_happens_one_load_runs_at_a_time_and_none_without_a_link(
    deeds: list[tuple[str, float, int]],
) -> None:
    """And what the machine says of its load is so; in the end nothing is owed."""
    till = online()
    for name, seconds, seed in deeds:
        till.server = lambda run, seed=seed: (  # type: ignore[misc]
            _fit(run, ANSWERS[crc32(f"{run.effect} {run.number} {seed}".encode()) % len(ANSWERS)])
        )
        till.close_ticket() if name == "ticket.closed" else till.send(name)
        till.wait(seconds)
        running = till.till.calls("load")
        assert len(running) == (till.till.context["load"] == "runs")
        assert not (running and till.state in ("offline-cooldown", "held"))
        assert running or till.state != "loading"
    till.server = good
    till.send("offline.release")
    till.wait(3600.0)
    assert till.state == "online"
    assert till.till.context["load"] == "none"
    assert till.sent == till.closed


def _fit(run: Run, reply: Reply) -> Reply | None:
    """An answer that the effect can give."""
    if reply is GAP and run.effect != "load":
        return None
    return GOOD if reply is REJECTED and run.effect == "ping" else reply
