import sys
import tracemalloc

from engine.agent.timers import SMALL, TimerHeap
from engine.core.records import Timer


def timer(key: str, due: float) -> Timer:
    return Timer(key, due, 0.0, due)


class Tills:
    """The timers that each till runs, as the agent would look them up."""

    def __init__(self) -> None:
        self.timers: dict[tuple[str, str], Timer] = {}
        self.asked = 0

    def start(self, heap: TimerHeap, till: str, new: Timer) -> None:
        self.timers[till, new.key] = new
        heap.push(till, new)

    def is_current(self, till: str, found: Timer) -> bool:
        self.asked += 1
        return self.timers.get((till, found.key)) is found


def always(_till: str, _timer: Timer) -> bool:
    return True


def test_timers_come_out_by_due_time_then_by_start() -> None:
    """The earliest comes first; of two with one due time, the one started first."""
    heap = TimerHeap(always)
    for till, new in [("b", timer("x", 5.0)), ("a", timer("y", 5.0)), ("c", timer("z", 3.0))]:
        heap.push(till, new)
    assert heap.pop_due(5.0) == [
        ("c", timer("z", 3.0)),
        ("b", timer("x", 5.0)),
        ("a", timer("y", 5.0)),
    ]


def test_what_is_not_due_stays() -> None:
    """Only what is due at the time given comes out, that very moment included."""
    heap = TimerHeap(always)
    heap.push("a", timer("x", 1.0))
    heap.push("a", timer("y", 2.0))
    assert heap.pop_due(0.999) == []
    assert heap.pop_due(1.0) == [("a", timer("x", 1.0))]
    assert heap.next_due() == 2.0


def test_an_empty_heap_has_no_next_time() -> None:
    """There is nothing to wake up for when no timer runs."""
    heap = TimerHeap(always)
    assert heap.next_due() is None
    assert heap.pop_due(1e9) == []


def test_a_restarted_timer_runs_out_once() -> None:
    """Starting a timer anew under its key makes the first one worth nothing."""
    tills = Tills()
    heap = TimerHeap(tills.is_current)
    tills.start(heap, "a", timer("x", 1.0))
    tills.start(heap, "a", timer("x", 4.0))
    assert heap.pop_due(2.0) == []
    assert heap.pop_due(4.0) == [("a", timer("x", 4.0))]


def test_a_limit_leaves_the_rest_due() -> None:
    """With a limit the earliest come out and the others stay for the next call."""
    heap = TimerHeap(always)
    for number in range(5):
        heap.push("a", timer(str(number), float(number)))
    assert [due.key for _, due in heap.pop_due(9.0, limit=2)] == ["0", "1"]
    assert heap.next_due() == 2.0
    assert [due.key for _, due in heap.pop_due(9.0)] == ["2", "3", "4"]


def churn(heap: TimerHeap, tills: Tills, restarts: int) -> None:
    """100 tills with one timer each that is started anew again and again, never due before 1e6."""
    for number in range(restarts):
        tills.start(heap, str(number % 100), timer("x", 1e6 + number % 7))
        heap.pop_due(0.0)


def test_stopped_timers_never_make_up_more_than_a_fifth() -> None:
    """Restarting for ever keeps few more than the running timers, and loses none of them."""
    tills = Tills()
    heap = TimerHeap(tills.is_current)
    churn(heap, tills, 10_000)
    assert len(heap) <= 125
    due = heap.pop_due(1e9)
    assert [found.due for _, found in due] == sorted(found.due for _, found in due)
    assert sorted(till for till, _ in due) == sorted({str(number) for number in range(100)})


def test_sweeping_costs_a_constant_per_push() -> None:
    """10,000 restarts ask about 5 times per push whether a timer runs, not 100 times."""
    tills = Tills()
    heap = TimerHeap(tills.is_current)
    churn(heap, tills, 10_000)
    assert tills.asked < 5.5 * 10_000


def test_few_entries_are_never_swept() -> None:
    """A heap as small as one till's is left alone."""
    tills = Tills()
    heap = TimerHeap(tills.is_current)
    for number in range(SMALL):
        tills.start(heap, "a", timer("x", 1e6 + number))
    heap.pop_due(0.0)
    assert len(heap) == SMALL


def test_an_entry_is_small() -> None:
    """30,000 entries cost less than 200 bytes each besides the tills' own timers."""
    timers = [timer("x", float(number)) for number in range(30_000)]
    tills = [sys.intern(str(number % 10_000)) for number in range(30_000)]
    tracemalloc.start()
    try:
        heap = TimerHeap(always)
        for till, new in zip(tills, timers, strict=True):
            heap.push(till, new)
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(heap) == 30_000
    assert size / 30_000 < 200
