"""The ordinary way of a ticket: noted, sent, and marked by a reply that names it."""

from pathlib import Path

import pytest

from engine.effects.send_tickets import BATCH, SEND_TICKETS, SLICE
from engine.server.port import Reason, TicketVerdict
from tests.unit.effects.scripted import Till, breaks, key, payload, rejects, says


def test_tickets_go_in_the_order_in_which_they_came(till: Till) -> None:
    """Not by their number: by their arrival, and the bytes are those that came."""
    till.sell(3, 1, 2)
    assert till.run() == ("ok", {"sent": 3, "refused": 0, "pending": 0})
    assert till.at_server() == [3, 1, 2]
    assert [t.payload for t in till.server.tickets("01")] == [payload(n) for n in (3, 1, 2)]


def test_a_call_carries_a_hundred_tickets_unless_told_otherwise(till: Till) -> None:
    """Call follows call until nothing waits."""
    till.sell(*range(1, 131))
    assert till.run() == ("ok", {"sent": 130, "refused": 0, "pending": 0})
    till.sell(*range(131, 181))
    till.run(batch=20)
    assert [len(batch) for batch in till.server.batches] == [BATCH, 30, 20, 20, 10]


def test_the_machine_hears_of_a_long_sending_after_a_slice_of_it(till: Till) -> None:
    """No further call begins after that; what still waits is told."""
    till.sell(*range(1, 131))
    till.server.on_send = lambda: till.clock.advance(SLICE / 2)
    assert till.run(batch=10) == ("ok", {"sent": 20, "refused": 0, "pending": 110})
    assert till.attempted()[21] is None


def test_each_further_batch_costs_one_visit_to_the_store(till: Till) -> None:
    """What was sent is marked and what comes next is noted in one wait for the disk."""
    till.sell(*range(1, 31))
    till.run(batch=10)
    assert till.visits == 4
    assert [entry["numbers"] for entry in till.journal("attempted")] == ["1-10", "11-20", "21-30"]
    assert len(set(till.server.ids)) == 3


def test_a_ticket_in_doubt_ends_the_slice(till: Till) -> None:
    """Nothing overtakes it: the next run asks about it first."""
    till.sell(1, 2, 3)
    till.server.send = [says(n1="stored")]
    assert till.run(batch=2) == ("ok", {"sent": 1, "refused": 0, "pending": 2})
    assert till.server.batches == [[1, 2]]


def test_what_fails_in_the_middle_leaves_the_batches_before_it_sent(till: Till) -> None:
    """The answer is the failure; the backlog tells the rest."""
    till.sell(*range(1, 31))
    till.server.on_send = lambda: till.server.send.extend(
        [breaks(reached=True)] if till.server.batches else []
    )
    assert till.run(batch=10).name == "failed.timeout"
    assert (till.backlog().sent, till.counted[-1].pending) == (10, 20)


@pytest.mark.parametrize("batch", [0, -1])
def test_a_batch_of_less_than_one_is_one(till: Till, batch: int) -> None:
    """Else the machine would ask for more for ever, or get all at once."""
    till.sell(1, 2)
    assert till.run(batch=batch).data["pending"] == 0
    assert till.server.batches == [[1], [2]]


def test_each_ticket_has_a_key_of_shop_till_and_number(till: Till) -> None:
    """And each batch an id of its own."""
    till.sell(17)
    till.run()
    assert till.server.keys == ["0042/01/17"]
    till.sell(18)
    till.run()
    assert len(set(till.server.ids)) == 2


def test_nothing_to_send_makes_no_call(till: Till) -> None:
    """And no entry in the journal."""
    assert till.run() == ("ok", {"sent": 0, "refused": 0, "pending": 0})
    assert till.server.calls.total() == 0
    assert till.journal("attempted") == []


def test_tickets_are_noted_before_the_request_leaves(till: Till) -> None:
    """At the moment of the call the store already knows that the outcome will be unknown."""
    till.sell(1, 2)
    noted: dict[int, float | None] = {}
    entries: list[dict[str, object]] = []

    def look() -> None:
        noted.update(till.attempted())
        entries.extend(till.journal("attempted"))

    till.server.on_send = look
    till.run()
    assert noted == {1: 50_000.0, 2: 50_000.0}
    assert [entry["numbers"] for entry in entries] == ["1-2"]
    assert entries[0]["batch"] == till.server.ids[0]


def test_a_common_sending_takes_two_visits_to_the_store(till: Till) -> None:
    """One to take and note, one to mark and count: each is a wait for the disk."""
    till.sell(1)
    till.run()
    assert till.visits == 2


def test_a_ticket_is_marked_sent_only_by_a_reply_that_names_it(till: Till) -> None:
    """One that the reply leaves out waits on, and the next call asks about it."""
    till.sell(1, 2, 3)
    till.server.send = [says(n1="stored", n3="stored")]
    assert till.run() == ("ok", {"sent": 2, "refused": 0, "pending": 1})
    assert till.attempted() == {2: 50_000.0}
    till.run()
    assert till.server.questions == [[key(2)]]
    assert till.server.batches[1:] == [[2]]
    assert till.backlog().pending == 0


def test_a_reply_that_names_nobody_is_a_bad_reply(till: Till) -> None:
    """Nothing is marked, and it is not called a success for the machine to repeat at once."""
    till.sell(1)
    till.server.send = [says()]
    answer = till.run()
    assert answer.name == "failed.bad_reply"
    assert till.attempted() == {1: 50_000.0}


def test_tickets_that_were_not_sent_are_not_believed(till: Till) -> None:
    """A reply that names other tickets, even ones that wait, marks only what was sent."""
    till.sell(1, 2)
    till.server.send = [says(n1="stored", n2="stored", n99="stored"), rejects]
    assert till.run(batch=1).name == "rejected"
    assert (till.backlog().sent, list(till.attempted())) == (1, [2])


def test_a_refused_ticket_is_set_aside_with_the_servers_words(till: Till) -> None:
    """The others pass; it is counted and stays in the journal."""
    till.sell(1, 2)
    till.server.send = [
        lambda _: [
            TicketVerdict(key(1), "refused", "E42", "no such article"),
            TicketVerdict(key(2), "stored", "", ""),
        ]
    ]
    assert till.run() == ("ok", {"sent": 1, "refused": 1, "pending": 0})
    (entry,) = till.journal("refused")
    assert (entry["number"], entry["code"], entry["message"]) == (1, "E42", "no such article")
    assert till.backlog().refused == 1


@pytest.mark.parametrize("asked", [False, True])
def test_other_bytes_under_the_same_key_are_a_refusal(till: Till, asked: bool) -> None:
    """Whether the sending shows it or a question: somebody has to look at it."""
    till.sell(1)
    different = [TicketVerdict(key(1), "stored", "", "", "ab" * 32)]
    if asked:
        till.server.send = [breaks(reached=True)]
        till.run()
        till.server.tell = [lambda _: different]
    else:
        till.server.send = [lambda _: different]
    assert till.run() == ("ok", {"sent": 0, "refused": 1, "pending": 0})
    assert till.journal("refused")[0]["code"] == "DIFFERENT"


def test_a_call_that_is_refused_as_a_whole_marks_nothing(till: Till) -> None:
    """It is an answer with the server's code and words; the tickets wait."""
    till.sell(1)
    till.server.send = [rejects]
    assert till.run() == ("rejected", {"code": "7", "message": "not today"})
    assert till.backlog().pending == 1


def test_a_cancelled_sending_makes_no_call_and_leaves_no_doubt(till: Till) -> None:
    """The tickets are as they were: nobody needs to ask about them."""
    till.sell(1)
    till.cancelled.set()
    till.run()
    assert till.server.batches == []
    assert till.attempted() == {1: None}


def test_the_backlog_is_told_whenever_it_is_known(till: Till) -> None:
    """After a sending, after an empty look, and after a question whose sending then failed."""
    till.sell(1)
    till.run()
    till.sell(2)
    assert [each.pending for each in till.counted] == [0]
    till.server.send = [breaks(reached=True), breaks()]
    till.run()
    till.server.tell = [says(n2="stored")]
    till.sell(3)
    assert till.run().name == "failed.timeout"
    assert [(each.pending, each.sent) for each in till.counted[1:]] == [(1, 2)]


def test_the_deadline_leaves_time_for_a_question_a_slice_and_a_sending() -> None:
    """A question and the last sending each have the whole timeout, the database its own."""
    assert SEND_TICKETS.deadline({"timeout": 60.0}) == 150.0 + SLICE


def test_a_failure_keeps_reason_message_and_the_wait_asked_for(till: Till) -> None:
    """What the machine's guards and the logs read."""
    till.sell(1)
    till.server.send = [breaks(Reason.SERVER_ERROR, retry_after=30.0)]
    name, data = till.run()
    assert name == "failed.server_error"
    assert data == {"reason": "server_error", "message": "the cable", "retry_after": 30.0}


def test_the_store_survives_and_verifies(till: Till, tmp_path: Path) -> None:
    """After all that, the chain of the journal holds."""
    till.sell(1, 2)
    till.server.send = [breaks(reached=True), breaks(reached=False), says(n1="refused")]
    for _ in range(4):
        till.run()
    till.restart()
    assert till.store.journal.verify().broken_at is None
    assert till.backlog().pending == 0
