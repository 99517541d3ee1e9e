"""Scenarios for tests, small and without chance where a test counts."""

from pathlib import Path
from typing import Any

from engine.definition.machine import Definition, load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.tools.simulation.figures import Figures, figures
from engine.tools.simulation.play import Played, play
from engine.tools.simulation.scenario import Scenario

QUIET: dict[str, Any] = {
    "scenario": "test",
    "begins": "11:00",
    "length": "1h",
    "network": {"latency": "40ms"},
    "tickets": {"per_hour": 40},
    "cashier": {"spread": "0s"},
}


def scenario(**given: Any) -> Scenario:
    """A quiet hour with one till; ``given`` in place of its parts, ``network`` beside its own."""
    network = {**QUIET["network"], **given.pop("network", {})}
    return Scenario.model_validate({**QUIET, **given, "network": network})


def machine(path: Path | None = None, **parameters: Any) -> Definition:
    """The shipped machine, or another one."""
    return load_machine(path or shipped_machine(), VOCABULARY, parameters)


def lived(day: Scenario, definition: Definition | None = None) -> tuple[Played, Figures]:
    """What came of a scenario."""
    definition = definition or machine()
    played = play(day, definition, keep_moves=True)
    return played, figures(day, definition, played)
