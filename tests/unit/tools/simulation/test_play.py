"""A simulated day: outages, tickets, the server's limits, and nothing left to the machine it
runs on."""

import pytest

from tests.unit.tools.simulation.days import lived, machine, scenario


def test_a_quiet_hour_brings_every_ticket_to_the_server_within_a_moment() -> None:
    """The way there takes 20 ms, and nothing else is in it."""
    _, found = lived(scenario())
    assert found.sold.closed == found.sold.stored > 20
    assert found.sold.delay.p50 == pytest.approx(0.07, abs=0.011)
    assert found.calls.wasted == 0
    assert found.offline_share == 0.0


def test_an_outage_is_noticed_left_behind_and_made_up_for() -> None:
    """A network that is silent is noticed when a call's time is over; all that was sold
    meanwhile goes once, after the first probe that finds the server."""
    window = {"at": "11:10", "lasts": "15min", "down": "silent"}
    _, found = lived(scenario(network={"windows": [window]}))
    (outage,) = found.outages
    assert (outage.begins, outage.ends, outage.tills) == (600.0, 1500.0, 1)
    assert 60.0 <= (outage.noticed.max or 0) <= 181.0
    assert (outage.returned.max or 0) <= 720.0
    assert found.sold.waiting == 0
    assert found.sold.twice == 0
    assert (found.sold.delay.max or 0) > 600.0


def test_a_network_that_refuses_is_noticed_sooner_than_one_that_is_silent() -> None:
    """Nothing has to time out."""
    noticed = {}
    for down in ("silent", "refused"):
        window = {"at": "11:10", "lasts": "15min", "down": down}
        noticed[down] = lived(scenario(network={"windows": [window]}))[1].outages[0].noticed.max
    assert (noticed["refused"] or 0) + 30 < (noticed["silent"] or 0)


def test_answers_that_are_lost_make_tickets_come_again_and_never_twice() -> None:
    """The ledger knows a key again, and what is asked about need not be sent."""
    window = {"at": "11:10", "lasts": "20min", "lost_answers": 0.5}
    day = scenario(network={"windows": [window]}, server={"tells_ticket_status": False})
    _, found = lived(day, machine(webservice_timeout="5s"))
    assert found.sold.waiting == 0
    assert found.sold.again > 0
    assert found.sold.twice == 0
    assert found.calls.ended["send_tickets"]["failed.timeout"] > 0


def test_a_server_that_does_not_know_keys_and_tells_nothing_has_tickets_twice() -> None:
    """The counterpart: the simulated loss of answers is a real one."""
    window = {"at": "11:10", "lasts": "20min", "lost_answers": 0.5}
    day = scenario(
        network={"windows": [window]},
        server={"tells_ticket_status": False, "deduplicates": False},
    )
    _, found = lived(day, machine(webservice_timeout="5s"))
    assert found.sold.twice > 0


def test_a_till_comes_back_while_another_one_has_no_network() -> None:
    """A window may be about some of the tills."""
    window = {"at": "11:10", "lasts": "15min", "down": "refused", "tills": ["02"]}
    played, found = lived(scenario(tills=2, network={"windows": [window]}))
    assert played.record.tills["01"].offline == []
    assert len(played.record.tills["02"].offline) == 1
    assert found.outages[0].tills == 1


def test_a_full_server_queues_calls_and_sends_the_rest_away_with_patience() -> None:
    """One worker that takes 2 s for a ping, two places to wait: twenty tills at once are too
    many, and those sent away ask again no sooner than the server wanted."""
    day = scenario(
        tills=20,
        server={
            "workers": 1,
            "queue": 2,
            "retry_after": "30s",
            "costs": {"ping": {"work": "2s", "sql": 7}},
        },
        tickets={"per_hour": 0},
        length="2min",
    )
    _, found = lived(day)
    assert found.load.longest_queue == 2
    assert found.load.turned_away >= 17
    assert found.load.longest_wait == pytest.approx(4.0, abs=0.1)
    assert found.calls.ended["ping"]["failed.server_error"] >= 17
    pings = found.load.calls["ping"] - found.load.turned_away
    assert found.load.sql == pytest.approx(7 * pings, abs=0)


@pytest.mark.parametrize(
    ("down", "answer"),
    [
        ("refused", "failed.unreachable"),
        ("silent", "failed.timeout"),
        ("errors", "failed.server_error"),
    ],
)
def test_each_way_of_a_server_to_be_down_has_its_own_answer(down: str, answer: str) -> None:
    """And all of them are noticed and left behind."""
    day = scenario(server={"windows": [{"at": "11:10", "lasts": "15min", "down": down}]})
    _, found = lived(day)
    assert found.calls.ended["ping"][answer] > 0
    assert found.outages[0].noticed.count == 1
    assert found.sold.waiting == 0


def test_a_server_that_falls_takes_what_it_was_at_with_it() -> None:
    """The call is answered by a broken connection, and the work is not done."""
    day = scenario(
        server={
            "costs": {"send_tickets": {"work": "30s"}},
            "tells_ticket_status": False,
            "windows": [{"at": "11:20", "lasts": "20s", "down": "refused"}],
        },
        tickets={"per_hour": 3600},
        length="25min",
    )
    _, found = lived(day)
    assert found.calls.ended["send_tickets"]["failed.unreachable"] == 1
    assert found.sold.stored > 0
    assert found.sold.again == 0


def test_the_cashier_waits_for_offers_and_never_longer_than_asked() -> None:
    """Slow offers come too late; a quick answer is fresh; offline nobody waits."""
    slow = {"costs": {"fetch_offers": {"work": "2s"}}}
    cashier = {"spread": "0s", "offers_within": "400ms"}
    every = {"per_hour": 60, "customers": 1.0}
    quick = lived(scenario(tickets=every, cashier=cashier))[1].waited
    late = lived(scenario(tickets=every, cashier=cashier, server=slow))[1].waited
    down = {"windows": [{"at": "11:00", "lasts": "1h", "down": "refused"}]}
    offline = lived(scenario(tickets=every, cashier=cashier, network=down))[1].waited
    assert set(quick.answers) == {"fresh"}
    assert quick.offers.max == pytest.approx(0.07, abs=0.011)
    assert set(late.answers) == {"late"}
    assert late.offers.max == 0.4
    assert offline.answers["offline"] > 10
    assert offline.offers.max == 0.0


def test_tickets_and_chance_are_the_same_whatever_the_machine_does() -> None:
    """What is compared are machines: another one sells the same tickets at the same times."""
    first = lived(scenario(tills=3))[0].record
    other = lived(scenario(tills=3), machine(ping_interval="5s"))[0].record
    assert [till.closed for till in first.tills.values()] == [
        till.closed for till in other.tills.values()
    ]
    assert lived(scenario(tills=3, seed=2))[0].record.tills["01"].closed != first.tills["01"].closed


def test_rates_change_with_the_time_of_day() -> None:
    """Ten times as many from half past eleven on, none before eleven fifteen."""
    day = scenario(tickets={"per_hour": {"11:15": 60, "11:30": 600, "11:45": 0}})
    closed = lived(day)[0].record.tills["01"].closed
    assert min(closed) >= 900
    assert max(closed) <= 2700
    before = sum(at < 1800 for at in closed)
    assert 5 <= before <= 30
    assert 100 <= len(closed) - before <= 200


def test_a_month_of_changing_rates_comes_to_its_end() -> None:
    """However small the rest of a time of day is that is left after rounding."""
    rates = {"00:00:07": 0, "11:11:13": 3, "23:59:59": 0}
    day = scenario(begins="17:17:17", length="31d", tickets={"per_hour": rates}, tills=1)
    played, _ = lived(
        day.model_copy(update={"cashier": day.cashier.model_copy(update={"switched_on": 0.0})}),
        machine(ping_interval="1h", ticket_sync_interval="1d"),
    )
    assert 900 < len(played.record.tills["01"].closed) < 1500


def test_a_day_opens_closes_and_posts_what_the_file_says() -> None:
    """Each till is opened and closed at its time, and a person's events come when they are
    to."""
    day = scenario(
        begins="08:00",
        length="12h",
        cashier={"switched_on": "08:30", "opens": "09:00", "closes": "19:00", "spread": "0s"},
        events=[
            {"at": "10:00", "event": "offline.hold"},
            {"at": "10:30", "event": "offline.release"},
        ],
    )
    played, found = lived(day)
    till = played.record.tills["01"]
    assert till.states[0][0] == 1800.0
    assert (7200.0, "held") in till.states
    assert till.offline == [(7200.0, 9000.0)]
    assert min(till.closed) > 3600.0
    assert max(till.closed) < 11 * 3600.0
    assert found.sold.waiting == 0
