"""Loads by FTP that cannot succeed change nothing, say why, and the next one succeeds."""

import os
from collections.abc import Callable

import pytest

from tests.faults.loads import Bench, bench, damaged, full_disks, kills, rounds

TIMES = int(os.environ.get("TILLWIRE_TIMES", "1"))


@pytest.mark.parametrize(("fault", "times"), [(damaged, 12), (rounds, 6), (kills, 3)])
def test_a_load_brings_all_or_nothing(fault: Callable[[Bench, int], None], times: int) -> None:
    """Damage, gaps and kills: the live tables are those of before, or all those of the shop."""
    with bench(TIMES) as (made, _):
        fault(made, times * TIMES)
        assert made.wrong == []


def small_disk() -> None:
    """A load finds no room: nothing is touched, it says so, and with room it succeeds."""
    with bench(TIMES, small=True) as (made, disk):
        full_disks(made, disk, 3 * TIMES)
        assert made.wrong == []
        assert made.met["failed.local_error"]


if os.name == "posix" and os.geteuid() == 0:
    # A mount needs root. test_catalogue_full.py fills disks in another way where there is none.
    test_a_load_that_finds_no_room_changes_nothing = small_disk
