"""Messages are kept once, shown once, read once, and go only when all of it is done."""

from typing import NamedTuple

import pytest

from engine.store import Store
from engine.store.messages import KEEP_MESSAGES, KEEP_SECONDS, Messages


class Told(NamedTuple):
    """A message as a server tells it."""

    id: str
    at: str = "2026-11-24T10:00:00Z"
    level: str = "info"
    title: str = "Soldes"
    text: str = "Dès demain."


def told(*ids: str) -> list[Told]:
    return [Told(each) for each in ids]


def settle(messages: Messages, till: str, ids: list[str], at: float) -> None:
    """Read and acknowledged, as a message is in the end."""
    messages.mark_acknowledged(till, ids, at)
    for each in ids:
        messages.read(till, each, at)


def ids(store: Store, till: str = "01") -> list[str]:
    return [message.id for message in store.messages.all(till, limit=10_000)]


def test_a_message_is_kept_with_all_that_was_told(store: Store) -> None:
    assert store.messages.keep("01", told("m1"), 5.0) == ["m1"]
    message = store.messages.unread("01")[0]
    assert message[:6] == (*Told("m1"), 5.0)
    assert (message.shown_at, message.read_at, message.acknowledged_at) == (None, None, None)


def test_the_same_id_again_is_nothing_new_even_when_it_was_read(store: Store) -> None:
    """Within one answer, in the next one, and whatever it says by then."""
    assert store.messages.keep("01", told("m1", "m1", "m2"), 1.0) == ["m1", "m2"]
    store.messages.read("01", "m1", 2.0)
    assert store.messages.keep("01", [Told("m1", text="other"), Told("m3")], 3.0) == ["m3"]
    assert [message.id for message in store.messages.unread("01")] == ["m2", "m3"]
    assert store.messages.all("01")[-1].text == "Dès demain."


def test_tills_do_not_share_messages(store: Store) -> None:
    store.messages.keep("01", told("m1"), 1.0)
    assert store.messages.keep("02", told("m1"), 1.0) == ["m1"]
    store.messages.read("01", "m1", 2.0)
    assert store.messages.unread_count("02") == 1
    assert store.messages.read("03", "m1", 2.0) == "unknown"


def test_reading_is_once_and_keeps_its_first_time(store: Store) -> None:
    store.messages.keep("01", told("m1"), 1.0)
    answers = [store.messages.read("01", name, at) for name, at in (("m1", 2), ("m1", 3), ("x", 4))]
    assert answers == ["read", "again", "unknown"]
    assert store.messages.all("01")[0].read_at == 2.0
    assert (store.messages.unread("01"), store.messages.unread_count("01")) == ([], 0)


def test_what_is_shown_is_told_once(store: Store) -> None:
    store.messages.keep("01", told("m1", "m2"), 1.0)
    assert store.messages.shown("01", ["m1", "x"], 2.0) == ["m1"]
    assert store.messages.shown("01", ["m1", "m2"], 3.0) == ["m2"]
    assert [message.shown_at for message in store.messages.unread("01")] == [2.0, 3.0]


def test_what_is_to_be_acknowledged_is_what_the_server_was_not_told(store: Store) -> None:
    """Reading a message does not tell the server."""
    store.messages.keep("01", told("m1", "m2", "m3"), 1.0)
    store.messages.read("01", "m2", 2.0)
    assert store.messages.mark_acknowledged("01", ["m3", "x"], 3.0) == ["m3"]
    assert store.messages.to_acknowledge("01") == ["m1", "m2"]
    assert store.messages.mark_acknowledged("01", ["m3", "m1"], 4.0) == ["m1"]


def test_pages_go_from_the_newest_back(store: Store) -> None:
    store.messages.keep("01", told(*(f"m{n}" for n in range(5))), 1.0)
    page = store.messages.all("01", limit=2)
    assert [message.id for message in page] == ["m4", "m3"]
    rest = store.messages.all("01", before=page[-1].seq)
    assert [message.id for message in rest] == ["m2", "m1", "m0"]


def test_after_ninety_days_read_and_acknowledged_messages_go_and_no_others(store: Store) -> None:
    messages = store.messages
    messages.keep("01", told("both", "read", "acknowledged", "neither"), 1.0)
    settle(messages, "01", ["both"], 2.0)
    messages.read("01", "read", 2.0)
    messages.mark_acknowledged("01", ["acknowledged"], 2.0)
    messages.keep("01", told("new"), 2.0 + KEEP_SECONDS)
    assert "both" in ids(store)
    messages.keep("01", [], 3.0 + KEEP_SECONDS)
    assert ids(store) == ["new", "neither", "acknowledged", "read"]


def test_beyond_a_thousand_read_and_acknowledged_messages_go_oldest_first(store: Store) -> None:
    names = [f"m{n}" for n in range(KEEP_MESSAGES + 5)]
    with store.transaction():
        store.messages.keep("01", told(*names), 1.0)
        settle(store.messages, "01", [name for name in names if name != "m1"], 2.0)
        store.messages.keep("01", [], 3.0)
    assert ids(store) == [*reversed(names[5:]), "m1"]


def test_what_the_server_goes_on_telling_never_comes_back_as_new(store: Store) -> None:
    """A server that ignores acknowledgements for a year, and one that tells more than is kept."""
    messages = Messages(store._database, keep_messages=2)
    messages.keep("01", told("a", "b", "c", "d"), 1.0)
    settle(messages, "01", ["a", "b", "c", "d"], 2.0)
    for month in range(1, 13):
        assert messages.keep("01", told("a", "b", "c", "d"), month * KEEP_SECONDS / 3) == []
    assert messages.keep("01", told("d"), 5 * KEEP_SECONDS + 1) == []
    assert ids(store) == ["d"]


def test_an_answer_is_kept_whole_or_not_at_all(store: Store) -> None:
    bad = [Told("m1"), Told("m2", text="\ud800")]
    with pytest.raises(UnicodeEncodeError):
        store.messages.keep("01", bad, 1.0)
    assert ids(store) == []
