import time

import pytest

from engine.agent.clock import Clock, SystemClock, VirtualClock


def test_both_clocks_can_stand_in_for_each_other() -> None:
    """A system clock and a virtual one give floats for both readings."""
    clocks: list[Clock] = [SystemClock(), VirtualClock(at=1.0, wall=2.0)]
    for clock in clocks:
        assert isinstance(clock.monotonic(), float)
        assert isinstance(clock.wall(), float)


def test_system_clock_reads_the_clocks_of_the_machine() -> None:
    """Its readings lie between two readings of the machine's own clocks."""
    before = time.monotonic(), time.time()
    found = SystemClock().monotonic(), SystemClock().wall()
    after = time.monotonic(), time.time()
    assert before[0] <= found[0] <= after[0]
    assert before[1] <= found[1] <= after[1]


def test_virtual_time_passes_only_when_told() -> None:
    """A jump and an advance move both readings by the same number of seconds."""
    clock = VirtualClock(at=100.0, wall=1_000.0)
    assert (clock.monotonic(), clock.wall()) == (100.0, 1_000.0)
    clock.jump(130.0)
    clock.advance(5.0)
    assert (clock.monotonic(), clock.wall()) == (135.0, 1_035.0)


def test_setting_the_wall_clock_lets_no_time_pass() -> None:
    """The wall clock may go back; the monotonic reading stays and both go on together."""
    clock = VirtualClock(at=100.0, wall=1_000.0)
    clock.set_wall(400.0)
    clock.advance(1.0)
    assert (clock.monotonic(), clock.wall()) == (101.0, 401.0)


@pytest.mark.parametrize("at", [99.0, float("nan")])
def test_virtual_time_never_goes_back(at: float) -> None:
    """A jump into the past, or to no time at all, is refused and changes nothing."""
    clock = VirtualClock(at=100.0)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.jump(at)
    assert clock.monotonic() == 100.0
