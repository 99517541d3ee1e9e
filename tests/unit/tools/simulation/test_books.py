"""The books in memory say what the real store would have said, whatever is done to both."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.store import Store
from engine.tools.simulation.books import MemoryTickets

NUMBERS = st.lists(st.integers(1, 8), max_size=4)
BATCH = st.sampled_from(["a", "b"])
DEEDS = st.one_of(
    st.tuples(st.just("accept"), st.integers(1, 8), st.sampled_from([b"x", b"y"])),
    st.tuples(st.just("attempted"), NUMBERS, BATCH),
    st.tuples(st.just("withdrawn"), NUMBERS, BATCH),
    st.tuples(st.just("acknowledged"), NUMBERS, BATCH),
    st.tuples(st.just("refused"), NUMBERS, BATCH),
)


def _do(tickets: Any, deed: tuple[Any, ...], at: float) -> Any:
    name, what, more = deed
    if name == "accept":
        return tickets.accept("1", "01", what, more, at)
    if name == "withdrawn":
        return tickets.withdrawn("01", [(number, 0.5) for number in what], more, at)
    if name == "refused":
        return tickets.refused("01", [(number, "7", "no") for number in what], more, at)
    return getattr(tickets, name)("01", what, more, at)


def _seen(tickets: Any) -> Iterator[Any]:
    yield tickets.backlog("01")
    yield tickets.batch("01", 3)
    yield tickets.batch("01", 99)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(DEEDS, max_size=25))
def test_the_books_in_memory_are_as_the_store_is(deeds: list[tuple[Any, ...]]) -> None:
    """Every answer and everything that can be asked afterwards is the same."""
    with TemporaryDirectory() as folder, Store.open(Path(folder) / "till.db") as store:
        memory = MemoryTickets()
        for at, deed in enumerate(deeds, 1):
            with store.transaction():
                expected = _do(store.tickets, deed, float(at))
            assert _do(memory, deed, float(at)) == expected, deed
            assert list(_seen(memory)) == list(_seen(store.tickets)), deed
