"""How fast days are simulated: one till's day, and the hour after an outage for 1,000 tills.

Both as ``tillwire simulate`` plays them, figures included; the start of the process is not
counted. The server of the fleet has few workers, so that there is a queue to keep.
"""

from pathlib import Path
from time import perf_counter
from typing import Any

from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.tools.simulation.figures import Figures, figures
from engine.tools.simulation.play import play
from engine.tools.simulation.scenario import Scenario

MACHINE = Path(__file__).parents[2] / "machines" / "connection.yaml"

DAY = {
    "scenario": "one till's day",
    "begins": "08:30",
    "length": "11h30",
    "network": {
        "windows": [
            {"at": "12:00", "lasts": "47min", "down": "silent"},
            {"at": "16:00", "lasts": "20min", "down": "refused"},
        ]
    },
    "tickets": {"per_hour": 38},
    "cashier": {"opens": "09:00", "closes": "19:30"},
}
FLEET = {
    "scenario": "1,000 tills after an outage",
    "begins": "11:30",
    "length": "1h30",
    "tills": 1000,
    "network": {"latency": {"median": "40ms", "p99": "300ms"}},
    "server": {
        "workers": 32,
        "queue": 200,
        "retry_after": "30s",
        "windows": [{"at": "11:35", "lasts": "25min", "down": "silent"}],
    },
    "tickets": {"per_hour": 40},
}


def _lived(day: dict[str, Any]) -> tuple[Figures, float]:
    started = perf_counter()
    definition = load_machine(MACHINE, VOCABULARY)
    scenario = Scenario.model_validate(day)
    found = figures(scenario, definition, play(scenario, definition))
    return found, perf_counter() - started


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    day, day_took = _lived(DAY)
    fleet, fleet_took = _lived(FLEET)
    return [
        {"name": "a till's day simulated", "value": day_took, "unit": "s", "must": "< 2"},
        {"name": "its tickets", "value": day.sold.closed, "unit": "", "must": ">= 380"},
        {
            "name": "1,000 tills, an outage and the hour after it",
            "value": fleet_took,
            "unit": "s",
            "must": "< 60",
        },
        {"name": "their tickets", "value": fleet.sold.stored, "unit": "", "must": ">= 55,000"},
        {"name": "their steps", "value": fleet.steps / fleet_took, "unit": "1/s", "must": ""},
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
