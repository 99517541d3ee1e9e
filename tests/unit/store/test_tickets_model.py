"""Random sequences of calls against a plain dictionary that counts by hand."""

import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from engine.store import Backlog, Store
from tests.unit.store.backends import BACKENDS, clear, fresh

TILLS = st.sampled_from(["01", "02"])
NUMBERS = st.integers(1, 8)
SEVERAL = st.lists(NUMBERS, max_size=6)
BATCHES = st.sampled_from(["b1", "b2"])


class TicketsModel(RuleBasedStateMachine):
    """The store on one side; number -> [bytes, state, accepted at] per till on the other."""

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.backend = backend
        self.place = fresh(backend, Path(self.directory.name) / "till.db")
        self.store = Store.open(self.place)
        self.tills: dict[str, dict[int, list[object]]] = {"01": {}, "02": {}}
        self.attempts: dict[tuple[str, int], tuple[str, float | None]] = {}
        self.entries = 0
        self.clock = 0.0

    @rule(till=TILLS, number=NUMBERS, payload=st.sampled_from([b"a", b"b"]))
    def accept(self, till: str, number: int, payload: bytes) -> None:
        """New once; then the same or different for ever."""
        self.clock += 1
        there = self.tills[till].get(number)
        expected = "new" if there is None else "same" if there[0] == payload else "different"
        assert self.store.tickets.accept("s", till, number, payload, self.clock) == expected
        if there is None:
            self.tills[till][number] = [payload, "pending", self.clock]
            self.entries += 1

    def _in(self, till: str, numbers: list[int], *states: str) -> set[int]:
        known = self.tills[till]
        return {number for number in numbers if number in known and known[number][1] in states}

    @rule(till=TILLS, numbers=SEVERAL, batch=BATCHES)
    def attempt(self, till: str, numbers: list[int], batch: str) -> None:
        """Only pending tickets are noted."""
        self.clock += 1
        expected = self._in(till, numbers, "pending")
        assert set(self.store.tickets.attempted(till, numbers, batch, self.clock)) == expected
        self.attempts |= {(till, number): (batch, self.clock) for number in expected}
        self.entries += bool(expected)

    @rule(till=TILLS, numbers=SEVERAL, batch=BATCHES, before=st.sampled_from([None, 0.5]))
    def withdraw(self, till: str, numbers: list[int], batch: str, before: float | None) -> None:
        """Only pending tickets whose last attempt was this one are taken back."""
        expected = {
            number
            for number in self._in(till, numbers, "pending")
            if self.attempts.get((till, number), ("", 0.0))[0] == batch
        }
        asked = [(number, before) for number in numbers]
        assert set(self.store.tickets.withdrawn(till, asked, batch, self.clock)) == expected
        self.attempts |= {(till, number): (batch, before) for number in expected}
        self.entries += bool(expected)

    @rule(till=TILLS, numbers=SEVERAL)
    def acknowledge(self, till: str, numbers: list[int]) -> None:
        """Everything known and not yet sent is sent."""
        expected = self._in(till, numbers, "pending", "refused")
        assert set(self.store.tickets.acknowledged(till, numbers, "b", self.clock)) == expected
        for number in expected:
            self.tills[till][number][1] = "sent"
        self.entries += len(expected)

    @rule(till=TILLS, numbers=SEVERAL)
    def refuse(self, till: str, numbers: list[int]) -> None:
        """Only pending tickets are set aside."""
        expected = self._in(till, numbers, "pending")
        said = [(number, "1", "no") for number in numbers]
        assert set(self.store.tickets.refused(till, said, "b", self.clock)) == expected
        for number in expected:
            self.tills[till][number][1] = "refused"
        self.entries += len(expected)

    @rule(till=TILLS, number=NUMBERS)
    def undone(self, till: str, number: int) -> None:
        """A transaction that fails leaves no trace."""

        class Stop(Exception):  # noqa: N818 - it says what it does
            pass

        try:
            with self.store.transaction():
                self.store.tickets.accept("s", till, number, b"c", 1.0)
                self.store.tickets.acknowledged(till, [number], "b", 1.0)
                raise Stop
        except Stop:
            pass

    @rule()
    def reopen(self) -> None:
        """Closing and opening changes nothing."""
        self.store.close()
        self.store = Store.open(self.place, create=False)

    @invariant()
    def counted(self) -> None:
        """Counters, order and the chain agree with the count by hand."""
        for till, known in self.tills.items():
            states = [state for _, state, _ in known.values()]
            waiting = [number for number, each in known.items() if each[1] == "pending"]
            expected = Backlog(
                states.count("pending"),
                states.count("refused"),
                states.count("sent"),
                known[waiting[0]][2] if waiting else None,  # type: ignore[arg-type]
                max(known, default=None),
                max(known) - min(known) + 1 - len(known) if known else 0,
            )
            assert self.store.tickets.backlog(till) == expected
            batch = self.store.tickets.batch(till, 99)
            assert [each.number for each in batch] == waiting
            for each in batch:
                assert each.attempted_at == self.attempts.get((till, each.number), ("", None))[1]
        assert self.store.journal.verify() == (self.entries, None, "")

    def teardown(self) -> None:
        """Closes and clears away."""
        self.store.close()
        clear(self.place)
        self.directory.cleanup()


@pytest.mark.parametrize("backend", BACKENDS)
def test_tickets_are_what_the_dictionary_says(backend: str) -> None:
    """On each database; those that answer slowly are asked less."""
    run_state_machine_as_test(
        partial(TicketsModel, backend),  # type: ignore[arg-type]
        settings=settings(
            max_examples=25 if backend == "sqlite" else 10,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )
