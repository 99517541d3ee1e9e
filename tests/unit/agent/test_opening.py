"""The store is opened when the agent starts; a server that comes up late is waited for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.agent.opening import PATIENCE, opener
from engine.store.errors import Busy, LoginRefused, StoreError, Unreachable
from engine.store.place import OdbcPlace, Place

SERVER = OdbcPlace("TPV on CAISSE01", lambda: "")
Made = Callable[..., "Late"]


class Late:
    """A store that opens where its turn has no fault; the clock moves when it is slept."""

    def __init__(self, *faults: StoreError | None) -> None:
        self.faults = list(faults)
        self.time = 0.0
        self.tries = 0
        self.stopping_at = float("inf")

    def open(self, _place: Place, **_kept: int) -> str:
        self.tries += 1
        fault = self.faults.pop(0) if len(self.faults) > 1 else self.faults[0]
        if fault is not None:
            raise fault
        return "open"

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def __call__(self, place: Place) -> object:
        return opener(
            place,
            lambda: self.time >= self.stopping_at,
            now=lambda: self.time,
            sleep=self.sleep,
        )()


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Made:
    def make(*faults: StoreError | None) -> Late:
        made = Late(*faults)
        monkeypatch.setattr("engine.agent.opening.Store.open", made.open)
        return made

    return make


def test_a_server_that_comes_up_late_is_waited_for(
    late: Made, caplog: pytest.LogCaptureFixture
) -> None:
    """What keeps it is said once, not at each try."""
    store = late(*[Unreachable("not yet")] * 3, Busy("an old connection"), None)
    assert store(SERVER) == "open"
    assert store.tries == 5
    said = [record.fields["message"] for record in caplog.records]  # type: ignore[attr-defined]
    assert said == ["not yet", "an old connection"]


def test_a_server_that_never_comes_is_a_sentence_in_the_end(late: Made) -> None:
    store = late(Unreachable("not there"))
    with pytest.raises(Unreachable, match="not there"):
        store(SERVER)
    assert PATIENCE <= store.time < PATIENCE + 3


def test_a_stop_ends_the_waiting(late: Made) -> None:
    store = late(Unreachable("not there"))
    store.stopping_at = 5.0
    with pytest.raises(Unreachable):
        store(SERVER)
    assert store.time < 6.0


@pytest.mark.parametrize(
    ("place", "fault"),
    [(Path("till.db"), Busy("in use")), (SERVER, LoginRefused("who are you"))],
)
def test_what_will_not_pass_is_said_at_once(late: Made, place: Place, fault: StoreError) -> None:
    """A file that another agent has, a login that is not let in."""
    store = late(fault)
    with pytest.raises(type(fault)):
        store(place)
    assert (store.tries, store.time) == (1, 0.0)
