"""Charts of machine files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.tools.drawing.chart import Chart, chart_of

EVERYTHING = Path(__file__).with_name("everything.yaml")
"""A machine with a state and a transition of each kind."""


@pytest.fixture
def chart() -> Callable[..., Chart]:
    """The chart of a machine's text, with what ``chart_of`` takes besides."""

    def chart(text: str, *given: Any, **values: Any) -> Chart:
        definition = load_machine(read(text, "machine.yaml"), VOCABULARY, values)
        return chart_of(definition, *given)

    return chart
