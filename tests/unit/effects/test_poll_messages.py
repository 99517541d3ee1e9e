"""``poll_messages``: nothing that the server said is lost, and nothing comes twice."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from engine.effects.call import Answer
from engine.server.port import CallFailed, CallRejected, Message, Reason
from tests.unit.effects.scripted import ScriptedServer, Till


class Shop(ScriptedServer):
    """A server with messages; ``asked`` notes what it was asked, in order.

    ``before`` and ``after`` are called around a message call with its name, and may raise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, object]] = []
        self.before: Callable[[str], None] = lambda _name: None
        self.after: Callable[[str], None] = lambda _name: None

    def poll_messages(self, till: str, reason: str, timeout: float) -> list[Any]:
        self.asked.append(("poll", reason))
        self.before("poll")
        told = super().poll_messages(till, reason, timeout)
        self.after("poll")
        return told

    def acknowledge_messages(self, till: str, ids: Sequence[str], timeout: float) -> list[str]:
        self.asked.append(("acknowledge", list(ids)))
        self.before("acknowledge")
        noted = super().acknowledge_messages(till, ids, timeout)
        self.after("acknowledge")
        return noted

    def say(self, *names: str) -> None:
        """More messages for everybody."""
        self.notices.put_messages([{"id": name, "title": name} for name in names], more=True)


@pytest.fixture
def shop(till: Till) -> Shop:
    """The till's server, with messages."""
    server = Shop()
    till.server = server
    return server


def poll(till: Till) -> Answer:
    return till.run("poll_messages", reason="opened")


def unread(till: Till) -> list[str]:
    return [message.id for message in till.store.messages.unread("01")]


def fails(on: str, reason: Reason = Reason.TIMEOUT) -> Callable[[str], None]:
    def fail(name: str) -> None:
        if name == on:
            raise CallFailed(reason, "the cable", reached=True)

    return fail


def test_what_comes_is_kept_before_the_server_hears_of_it(till: Till, shop: Shop) -> None:
    """While it is being acknowledged it is on the disk already."""
    shop.say("m-1", "m-2")
    seen: list[list[str]] = []
    shop.before = lambda name: seen.append(unread(till)) if name == "acknowledge" else None

    answer = poll(till)

    assert answer == ("ok", {"new": 2, "unread": 2})
    assert shop.asked == [("poll", "opened"), ("acknowledge", ["m-1", "m-2"])]
    assert seen == [["m-1", "m-2"]]
    assert till.store.messages.to_acknowledge("01") == []
    assert poll(till) == ("ok", {"new": 0, "unread": 2})
    assert shop.asked[2:] == [("poll", "opened")]


def test_new_messages_are_told_as_soon_as_they_are_kept(till: Till, shop: Shop) -> None:
    """Also when the acknowledgement then fails; and once."""
    shop.say("m-1")
    shop.before = fails("acknowledge")
    assert poll(till).name == "failed.timeout"
    assert till.told == [(["m-1"], 1)]
    shop.before = lambda _name: None
    assert poll(till).data["new"] == 0
    assert till.told == [(["m-1"], 1)]


@pytest.mark.parametrize("lost", ["before", "after"])
def test_what_was_kept_and_not_acknowledged_is_acknowledged_first(
    till: Till, shop: Shop, lost: str
) -> None:
    """After a lost call and a restart, whether the server had heard of it or not."""
    shop.say("m-1")
    setattr(shop, lost, fails("acknowledge"))
    poll(till)
    setattr(shop, lost, lambda _name: None)
    till.restart()
    shop.say("m-2")
    shop.asked.clear()

    assert poll(till) == ("ok", {"new": 1, "unread": 2})

    assert shop.asked == [
        ("acknowledge", ["m-1"]),
        ("poll", "opened"),
        ("acknowledge", ["m-2"]),
    ]
    assert unread(till) == ["m-1", "m-2"]


def test_a_message_that_was_read_does_not_come_back(till: Till, shop: Shop) -> None:
    """The server goes on telling it, as it never heard of the acknowledgement."""
    shop.say("m-1")
    shop.before = fails("acknowledge")
    poll(till)
    assert till.store.messages.read("01", "m-1", 1.0) == "read"
    shop.acknowledge_messages = lambda *_: []  # type: ignore[method-assign]

    assert poll(till) == ("ok", {"new": 0, "unread": 0})
    assert unread(till) == []


def test_a_refused_acknowledgement_does_not_keep_new_messages_from_coming(
    till: Till, shop: Shop
) -> None:
    """The refusal is the answer in the end: somebody may see it; no lost link."""
    shop.say("m-1")

    def refuse(name: str) -> None:
        if name == "acknowledge":
            raise CallRejected("9", "no such id")

    shop.before = refuse
    assert poll(till).name == "rejected"
    shop.say("m-2")
    shop.asked.clear()
    assert poll(till) == ("rejected", {"code": "9", "message": "no such id"})
    assert [name for name, _ in shop.asked] == ["acknowledge", "poll", "acknowledge"]
    assert unread(till) == ["m-1", "m-2"]


def test_only_what_the_server_took_note_of_is_marked(till: Till, shop: Shop) -> None:
    """Ids that it does not name are acknowledged again; ids that nobody asked about are not."""
    shop.say("m-1", "m-2")
    shop.acknowledge_messages = lambda *_: ["m-2", "m-9"]  # type: ignore[method-assign]
    poll(till)
    assert till.store.messages.to_acknowledge("01") == ["m-1"]


def test_an_acknowledgement_holds_a_thousand_ids_at_the_most(till: Till, shop: Shop) -> None:
    """The rest goes with the next run."""
    many = [Message(f"m-{n}", "", "info", "", "") for n in range(1500)]
    till.store.messages.keep("01", many, 1.0)
    poll(till)
    assert [len(ids) for name, ids in shop.asked if name == "acknowledge"] == [1000]  # type: ignore[arg-type]
    poll(till)
    assert till.store.messages.to_acknowledge("01") == []


def test_a_server_that_takes_no_acknowledgements_is_sent_none(till: Till, shop: Shop) -> None:
    """What it told counts as acknowledged, so that it may go one day."""
    shop.takes_acknowledgements = False
    shop.say("m-1")
    assert poll(till) == ("ok", {"new": 1, "unread": 1})
    assert [name for name, _ in shop.asked] == ["poll"]
    assert till.store.messages.to_acknowledge("01") == []


def test_a_server_that_tells_no_messages_is_not_asked(till: Till, shop: Shop) -> None:
    """Nor is the database."""
    shop.tells_messages = False
    assert poll(till) == ("ok", {"new": 0, "unread": 0})
    assert (shop.asked, till.visits) == ([], 0)


def test_a_run_that_was_given_up_makes_no_more_calls(till: Till, shop: Shop) -> None:
    """What came meanwhile is kept all the same; in cooldown the server hears nothing."""
    shop.say("m-1")
    shop.after = lambda name: till.cancelled.set() if name == "poll" else None
    poll(till)
    assert unread(till) == ["m-1"]
    assert [name for name, _ in shop.asked] == ["poll"]
    assert poll(till) == ("ok", {"new": 0, "unread": 0})
    assert [name for name, _ in shop.asked] == ["poll"]


@pytest.mark.parametrize("visit", [1, 2, 3])
def test_a_disk_that_fails_loses_nothing(till: Till, shop: Shop, visit: int) -> None:
    """In any of the visits to the database: the next run has all of it, once."""
    shop.say("m-1")
    till.fail_visits = {visit: OSError("the disk")}
    assert poll(till).name == "failed.local_error"
    till.fail_visits = {}
    assert poll(till).name == "ok"
    assert unread(till) == ["m-1"]
    assert till.store.messages.to_acknowledge("01") == []
    assert sum(len(ids) for ids, _ in till.told) == 1
