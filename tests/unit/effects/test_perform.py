"""Whatever an effect meets, the machine gets an answer."""

import logging
from dataclasses import replace

import pytest

from engine.definition.vocabulary import REASONS
from engine.effects import table
from engine.effects.call import Answer, Call, Patience
from engine.effects.ping import PING
from engine.effects.table import EFFECTS, VOCABULARY
from engine.server.port import CallFailed, Reason
from engine.store.errors import DiskFull
from tests.unit.effects.scripted import Till, breaks


def strike(fault: Exception) -> object:
    def raises(*_: object) -> None:
        raise fault

    return raises


def test_a_ping_that_is_answered_tells_its_latency(till: Till) -> None:
    """In seconds."""
    name, data = till.run("ping")
    assert name == "ok"
    assert 0 <= float(data["latency"]) < 5


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_of_a_failure_is_an_answer_of_its_own(till: Till, reason: Reason) -> None:
    """And one that the vocabulary has."""
    till.server.strike = lambda *_: breaks(reason)([])
    assert till.run("ping").name == f"failed.{reason}"
    assert str(reason) in REASONS


def test_a_disk_that_is_full_is_a_local_error(till: Till) -> None:
    """With the store's own sentence."""
    till.fail_visits = {1: DiskFull("no room on /x")}
    name, data = till.run()
    assert (name, data["message"]) == ("failed.local_error", "no room on /x")


def test_a_reply_that_cannot_be_written_down_leaves_a_doubt(till: Till) -> None:
    """The server has the ticket; this till cannot say so and asks next time."""
    till.sell(1)
    till.fail_visits = {2: DiskFull("no room")}
    assert till.run().name == "failed.local_error"
    till.fail_visits = {}
    assert till.run() == ("ok", {"sent": 1, "refused": 0, "pending": 0})
    assert till.server.batches == [[1]]


def test_a_fault_of_an_effects_own_is_a_local_error_and_is_logged(
    till: Till, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The till goes on; the log has the traceback."""

    def broken(_call: Call) -> Answer:
        raise ZeroDivisionError("oops")

    effects = {"ping": replace(PING, run=broken)}
    monkeypatch.setattr(table, "EFFECTS", effects)
    name, data = till.run("ping")
    assert (name, data["message"]) == ("failed.local_error", "ZeroDivisionError: oops")
    (record,) = caplog.records
    assert (record.getMessage(), record.levelno) == ("effect.broken", logging.ERROR)
    assert record.exc_info is not None


def test_retry_after_is_obeyed_until_it_is_over(till: Till) -> None:
    """No call leaves before that, however often the machine asks; the answers say the rest."""
    till.server.strike = lambda *_: breaks(Reason.SERVER_ERROR, retry_after=60.0)([])
    assert till.run("ping").data["retry_after"] == 60.0
    till.server.strike = None
    for left in (60.0, 50.0, 40.0, 30.0, 20.0, 10.0):
        name, data = till.run("ping")
        assert name == "failed.server_error"
        assert data["retry_after"] == pytest.approx(left)
        till.clock.advance(10)
    assert till.server.calls["PING"] == 1
    assert till.run("ping").name == "ok"


def test_retry_after_holds_for_one_till_and_one_effect() -> None:
    """Others are not concerned."""
    patience = Patience()
    patience.ask("01", "ping", 50.0)
    assert patience.left("01", "ping", 40.0) == 10.0
    assert patience.left("02", "ping", 40.0) == 0.0
    assert patience.left("01", "send_tickets", 40.0) == 0.0


def test_a_shorter_wish_does_not_shorten_a_longer_one() -> None:
    """Two answers may cross: no call before the time that the server named last of all."""
    patience = Patience()
    patience.ask("01", "ping", 50.0)
    patience.ask("01", "ping", 20.0)
    assert patience.left("01", "ping", 30.0) == 20.0


def test_patience_that_is_over_is_forgotten() -> None:
    """A process lives for months."""
    patience = Patience()
    patience.ask("01", "ping", 50.0)
    assert patience.left("01", "ping", 50.0) == 0.0
    assert patience._until == {}


def test_patience_is_not_fooled_by_the_wall_clock(till: Till) -> None:
    """It counts on the clock that nobody sets."""
    till.server.strike = strike(CallFailed(Reason.SERVER_ERROR, "busy", 60.0))  # type: ignore[assignment]
    till.run("ping")
    till.clock.set_wall(9e9)
    assert till.run("ping").data["retry_after"] == 60.0


def test_the_vocabulary_names_every_effect_with_its_signature() -> None:
    """What the check believes is what runs."""
    assert {name: effect.signature for name, effect in EFFECTS.items()} == dict(VOCABULARY.effects)
    assert all(name == effect.signature.name for name, effect in EFFECTS.items())


def test_answers_are_what_the_signatures_say(till: Till) -> None:
    """Names and no more: guards read them."""
    till.sell(1)
    without = {"load"}  # it needs a catalogue: see test_load.py
    for name, effect in EFFECTS.items():
        answered = till.run(name)
        assert (answered.name != "ok") == (name in without)
        told = set(effect.signature.ok) if answered.name == "ok" else {"code", "message"}
        assert set(answered.data) == told
