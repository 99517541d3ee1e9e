"""One bad scenario file, one exact report."""

from pathlib import Path

import pytest

from engine.definition.reader import read
from engine.definition.report import report
from engine.problems import Refused
from engine.tools.simulation.reading import load_played, load_scenario

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_wrong_with_a_scenario_is_said_exactly(path: Path) -> None:
    """All of it at once, each with its place and what to do."""
    document = read(path.read_text(encoding="utf-8"), path.name, patient=True)
    with pytest.raises(Refused) as caught:
        load_played(load_scenario(document)[0], document)
    said = report(caught.value.problems) + "\n"
    assert said == path.with_suffix(".txt").read_text(encoding="utf-8")
