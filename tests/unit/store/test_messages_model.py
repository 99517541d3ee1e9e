"""Random sequences of calls on messages against a plain dictionary."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from engine.store import Store
from engine.store.messages import Messages
from tests.unit.store.backends import BACKENDS, clear, fresh
from tests.unit.store.test_messages import Told

TILLS = st.sampled_from(["01", "02"])
IDS = st.lists(st.sampled_from([f"m{n}" for n in range(8)]), max_size=5)
KEEP = 20.0
MOST = 3


class MessagesModel(RuleBasedStateMachine):
    """The store on one side; per till, in order, id -> [told, shown, read, acknowledged at]."""

    def __init__(self, backend: str) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.backend = backend
        self.place = fresh(backend, Path(self.directory.name) / "till.db")
        self.store = Store.open(self.place)
        self.messages = Messages(self.store._database, KEEP, MOST)
        self.tills: dict[str, dict[str, list[float | None]]] = {"01": {}, "02": {}}
        self.clock = 0.0

    @rule(seconds=st.integers(1, 30))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.clock += seconds

    @rule(till=TILLS, ids=IDS)
    def keep(self, till: str, ids: list[str]) -> None:
        """New is what is not there; settled ones that are old or too many go."""
        self.clock += 1
        known = self.tills[till]
        expected = [each for each in dict.fromkeys(ids) if each not in known]
        assert self.messages.keep(till, [Told(each) for each in ids], self.clock) == expected
        for each in ids:
            known.setdefault(each, [None] * 4)[0] = self.clock
        self.drop(till, lambda told, read: max(told, read) < self.clock - KEEP, list(known))
        self.drop(till, lambda told, _: told < self.clock, list(known)[:-MOST])

    def drop(self, till: str, old: Callable[[float, float], bool], candidates: list[str]) -> None:
        for each in candidates:
            told, _, read, acknowledged = self.tills[till][each]
            assert told is not None
            if read is not None and acknowledged is not None and old(told, read):
                del self.tills[till][each]

    def mark(self, till: str, ids: list[str], place: int) -> list[str]:
        self.clock += 1
        known = self.tills[till]
        marked = []
        for each in ids:
            if each in known and known[each][place] is None:
                known[each][place] = self.clock
                marked.append(each)
        return marked

    @rule(till=TILLS, ids=IDS)
    def show(self, till: str, ids: list[str]) -> None:
        """Each id once."""
        expected = self.mark(till, ids, 1)
        assert self.messages.shown(till, ids, self.clock) == expected

    @rule(till=TILLS, ids=IDS)
    def read(self, till: str, ids: list[str]) -> None:
        """Read, again or unknown."""
        for each in ids:
            there = each in self.tills[till]
            fresh = self.mark(till, [each], 2)
            expected = "read" if fresh else "again" if there else "unknown"
            assert self.messages.read(till, each, self.clock) == expected

    @rule(till=TILLS, ids=IDS)
    def acknowledge(self, till: str, ids: list[str]) -> None:
        """Each id once."""
        expected = self.mark(till, ids, 3)
        assert self.messages.mark_acknowledged(till, ids, self.clock) == expected

    @invariant()
    def agree(self) -> None:
        """Everything that can be asked says what the dictionary says."""
        for till, known in self.tills.items():
            rows = self.messages.all(till)
            assert [(row.id, [row.shown_at, row.read_at, row.acknowledged_at]) for row in rows] == [
                (each, times[1:]) for each, times in reversed(known.items())
            ]
            unread = [each for each, times in known.items() if times[2] is None]
            assert [row.id for row in self.messages.unread(till)] == unread
            assert self.messages.unread_count(till) == len(unread)
            told = [each for each, times in known.items() if times[3] is None]
            assert self.messages.to_acknowledge(till) == told

    def teardown(self) -> None:
        self.store.close()
        clear(self.place)
        self.directory.cleanup()


@pytest.mark.parametrize("backend", BACKENDS)
def test_messages_are_what_the_dictionary_says(backend: str) -> None:
    """On each database; those that answer slowly are asked less."""
    run_state_machine_as_test(
        partial(MessagesModel, backend),  # type: ignore[arg-type]
        settings=settings(
            max_examples=25 if backend == "sqlite" else 10,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        ),
    )
