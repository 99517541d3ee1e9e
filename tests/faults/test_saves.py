"""Files saved over a running machine: the till never stops, bad ones are refused."""

import os
from pathlib import Path

from tests.faults.saves import run

TIMES = int(os.environ.get("TILLWIRE_TIMES", "1"))


def test_whatever_is_saved_the_till_goes_on(tmp_path: Path) -> None:
    """Good edits are live, bad ones refused with their place, no ticket and no timer is lost."""
    verdict = run(tmp_path, 8 * TIMES, TIMES)
    assert verdict["wrong"] == []
    assert verdict["met"]["live"]
