"""Tickets whose outcome nobody knows: asked about, waited for, or sent again with their keys."""

import pytest

from engine.server.port import Reason
from tests.unit.effects.scripted import (
    SETTLE,
    TIMEOUT,
    Make,
    Till,
    breaks,
    key,
    rejects,
    says,
)

WAIT = TIMEOUT + SETTLE
LOST = breaks(reached=True)


def unsure(make: Make, *numbers: int, deduplicates: bool = True, tells: bool = True) -> Till:
    """A till whose first sending got no answer; the server has nothing of it."""
    till = make(deduplicates, tells)
    till.sell(*numbers)
    till.server.send = [LOST]
    assert till.run().name == "failed.timeout"
    return till


def test_a_request_that_never_left_is_taken_back(till: Till) -> None:
    """The attempt stays in the journal; no question will be asked about it."""
    till.sell(1)
    till.server.send = [breaks(Reason.UNREACHABLE, reached=False)]
    assert till.run().name == "failed.unreachable"
    assert till.attempted() == {1: None}
    assert len(till.journal("attempted")) == len(till.journal("withdrawn")) == 1
    till.run()
    assert till.server.questions == []


def test_a_request_that_never_left_keeps_an_older_doubt(make: Make) -> None:
    """What was unknown before it is as unknown after it, since the same moment."""
    till = unsure(make, 1)
    till.clock.advance(5)
    till.server.send = [breaks(Reason.UNREACHABLE, reached=False)]
    till.run()
    assert till.attempted() == {1: 50_000.0}


def test_a_request_that_may_have_arrived_leaves_a_doubt(make: Make) -> None:
    """The tickets wait, noted as attempted."""
    till = unsure(make, 1, 2)
    assert till.attempted() == {1: 50_000.0, 2: 50_000.0}


def test_the_server_is_asked_first_and_what_it_has_is_not_sent_again(make: Make) -> None:
    """The answer was lost after the commit: the question settles it."""
    till = make()
    till.sell(1, 2)
    lost = breaks(reached=True)
    till.server.lost = lambda *_: lost([])
    till.run()
    till.server.lost = None
    assert till.run() == ("ok", {"sent": 2, "refused": 0, "pending": 0})
    assert till.server.questions == [[key(1), key(2)]]
    assert till.server.batches == [[1, 2]]
    assert till.journal("acknowledged")[0]["batch"] == "status"


def test_what_the_server_does_not_know_is_sent_again_with_the_same_keys(make: Make) -> None:
    """With what came since behind it, in one batch."""
    till = unsure(make, 1)
    till.sell(2)
    assert till.run() == ("ok", {"sent": 2, "refused": 0, "pending": 0})
    assert till.server.batches == [[1], [1, 2]]
    assert till.at_server() == [1, 2]


def test_only_doubtful_tickets_are_asked_about(make: Make) -> None:
    """Of the others the answer is known: they were never sent."""
    till = unsure(make, 1)
    till.sell(2)
    till.run()
    assert till.server.questions == [[key(1)]]


def test_a_ticket_that_the_server_refused_meanwhile_is_set_aside(make: Make) -> None:
    """The question brings its refusal."""
    till = unsure(make, 1)
    till.server.tell = [says(n1="refused")]
    assert till.run() == ("ok", {"sent": 0, "refused": 1, "pending": 0})
    assert till.server.batches == [[1]]


@pytest.mark.parametrize(
    ("fault", "name"), [(breaks(), "failed.timeout"), (rejects, "rejected")], ids=["lost", "no"]
)
def test_while_the_question_gets_no_answer_nothing_is_sent(
    make: Make, fault: object, name: str
) -> None:
    """The doubt stays as it was."""
    till = unsure(make, 1)
    till.server.tell = [fault]  # type: ignore[list-item]
    assert till.run().name == name
    assert till.server.batches == [[1]]
    assert till.attempted() == {1: 50_000.0}


def test_a_doubtful_ticket_that_was_not_asked_about_waits_for_the_next_question(
    make: Make,
) -> None:
    """It came into the batch when others left it."""
    till = unsure(make, 1, 2, 3)
    till.server.tell = [says(n1="stored")]
    assert till.run(batch=1) == ("ok", {"sent": 1, "refused": 0, "pending": 2})
    assert till.server.batches == [[1, 2, 3]]
    till.run(batch=2)
    assert till.server.questions == [[key(1)], [key(2), key(3)]]
    assert till.at_server() == [2, 3]


def test_without_status_a_doubtful_ticket_is_sent_again_with_the_same_key(make: Make) -> None:
    """A server that recognises the key stores it once."""
    till = make(tells=False)
    till.sell(1)
    till.server.lost = lambda *_: breaks(reached=True)([])
    till.run()
    till.server.lost = None
    till.clock.advance(1)
    assert till.run().data["sent"] == 1
    assert till.server.questions == []
    assert (till.at_server(), till.server.twice()) == ([1], {})


def test_without_status_and_deduplication_it_is_sent_again_at_once(make: Make) -> None:
    """Waiting would not tell more: the key is in both requests, for a person to see."""
    till = unsure(make, 1, deduplicates=False, tells=False)
    assert till.run().data["sent"] == 1
    assert till.server.batches == [[1], [1]]
    assert till.server.keys == [key(1)]


def fragile(make: Make, *numbers: int) -> Till:
    """Unsure tickets of a server that stores twice what it is sent twice."""
    return unsure(make, *(numbers or (1,)), deduplicates=False)


def test_without_deduplication_the_time_to_settle_is_waited_for(make: Make) -> None:
    """The answer says for how long, as a server that asks for patience does."""
    till = fragile(make)
    till.clock.advance(30)
    name, data = till.run()
    assert name == "failed.server_error"
    assert data["retry_after"] == pytest.approx(WAIT - 30)
    till.clock.advance(WAIT - 30.5)
    assert till.run().name == "failed.server_error"
    till.clock.advance(1)
    assert till.run().data == {"sent": 1, "refused": 0, "pending": 0}
    assert till.at_server() == [1]


def test_the_wait_is_counted_from_the_end_of_the_request(make: Make) -> None:
    """Not from the note that it would be made: the disk may have taken its time between."""
    till = make(deduplicates=False)
    till.sell(1)
    till.server.on_send = lambda: till.clock.advance(40)
    till.server.send = [LOST]
    till.run()
    assert till.run().data["retry_after"] == pytest.approx(WAIT)


def test_a_question_asked_too_early_proves_nothing(make: Make) -> None:
    """The time to settle ends while the question is under way: what was at work when it was
    asked may be stored by now."""
    till = fragile(make)
    till.clock.advance(WAIT - 1)

    def slow(keys: list[str]) -> object:
        till.clock.advance(2)
        return says(n1="unknown")(keys)

    till.server.tell = [slow]  # type: ignore[list-item]
    assert till.run().name == "failed.server_error"
    assert till.run().name == "ok"
    assert till.server.questions == [[key(1)], [key(1)]]


@pytest.mark.parametrize("hours", [-9000, -1, 1, 9000])
def test_a_clock_that_is_set_changes_nothing_of_the_wait(make: Make, hours: int) -> None:
    """Set forth it does not shorten the wait, set back it does not make it endless."""
    till = fragile(make)
    till.clock.set_wall(50_000.0 + hours * 3600)
    till.clock.advance(WAIT - 1)
    assert till.run().name == "failed.server_error"
    till.clock.advance(2)
    assert till.run().data == {"sent": 1, "refused": 0, "pending": 0}


def test_after_a_restart_the_wall_clock_is_all_there_is(make: Make) -> None:
    """A wait that has passed while the process was away is not begun again."""
    till = fragile(make)
    till.restart()
    till.clock.advance(WAIT - 1)
    assert till.run().data["retry_after"] == pytest.approx(1)
    till.clock.advance(1)
    assert till.run().name == "ok"


def test_after_a_restart_a_clock_that_was_set_back_costs_one_wait_at_the_most(
    make: Make,
) -> None:
    """The attempt seems to be still to come; the process counts from when it met it."""
    till = fragile(make)
    till.restart()
    till.clock.set_wall(10.0)
    assert till.run().data["retry_after"] == pytest.approx(WAIT)
    till.clock.advance(WAIT)
    assert till.run().name == "ok"


def test_nothing_overtakes_a_ticket_that_waits_for_the_server_to_settle(make: Make) -> None:
    """Later tickets wait behind it, earlier ones go."""
    till = fragile(make)
    till.sell(2, 3)
    assert till.run().name == "failed.server_error"
    assert till.server.batches == [[1]]
    till.clock.advance(WAIT)
    till.run()
    assert till.at_server() == [1, 2, 3]


def test_tickets_before_one_that_waits_may_go(make: Make) -> None:
    """They were not in the request whose outcome is unknown."""
    till = make(deduplicates=False)
    till.sell(1, 2, 3)
    till.store.tickets.attempted("01", [3], "other", till.clock.wall())
    assert till.run() == ("ok", {"sent": 2, "refused": 0, "pending": 1})
    assert till.at_server() == [1, 2]


def test_a_settled_ticket_is_told_before_the_wait_for_another(make: Make) -> None:
    """The machine hears of the progress; the next call says how long to wait."""
    till = fragile(make, 1, 2)
    till.server.tell = [says(n1="stored", n2="unknown")]
    assert till.run() == ("ok", {"sent": 1, "refused": 0, "pending": 1})
    assert till.run().name == "failed.server_error"


def test_silence_about_a_ticket_is_not_unknown_to_a_server_that_stores_twice(
    make: Make,
) -> None:
    """An answer that leaves it out tells nothing: it is not sent again on such a word."""
    till = fragile(make, 1, 2)
    till.clock.advance(WAIT)
    till.server.tell = [says(n1="stored")]
    answer = till.run()
    assert (answer.name, till.backlog().sent) == ("failed.bad_reply", 1)
    assert till.server.batches == [[1, 2]]


def test_silence_about_a_ticket_does_no_harm_where_keys_are_recognised(make: Make) -> None:
    """It is sent again."""
    till = unsure(make, 1)
    till.server.tell = [says()]
    assert till.run().data["sent"] == 1


def test_what_is_remembered_of_requests_is_forgotten_when_they_are_settled(make: Make) -> None:
    """A till runs for months."""
    till = fragile(make)
    till.clock.advance(WAIT)
    till.run()
    till.run()
    assert (till.patience._under_way, till.patience._met) == ({}, {})
