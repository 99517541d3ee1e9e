"""Files saved over a running machine: the till never stops, bad ones are refused."""

import os
from pathlib import Path

from tests.faults.saves import run

BUSY = 5.0
TIMES = int(os.environ.get("TILLWIRE_TIMES", "1"))


def test_whatever_is_saved_the_till_goes_on(tmp_path: Path) -> None:
    """Good edits are live, bad ones refused with their place, no ticket and no timer is lost.
    Within a second is for the program to measure, on a machine that does nothing else."""
    verdict = run(tmp_path, 8 * TIMES, TIMES, live_within=BUSY)
    assert verdict["wrong"] == []
    assert verdict["met"]["live"]
