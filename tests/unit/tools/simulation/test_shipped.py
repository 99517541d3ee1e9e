"""The scenarios that come with the program: each is good, and shows what its name says."""

from functools import cache

import pytest

from engine.shipped import shipped_scenario, shipped_scenarios
from engine.tools.simulation.figures import Figures
from engine.tools.simulation.reading import load_played, load_scenario
from tests.unit.tools.simulation.days import lived

FEW = 10
"""So many tills of a thousand are enough to see that a scenario plays, and two of a shop's."""
NIGHT = 12 * 3600.0


@cache
def told(name: str) -> Figures:
    """What comes of a shipped scenario, with few of its tills and one of its nights."""
    path = shipped_scenario(name)
    assert path is not None
    scenario, document = load_scenario(path)
    smaller = {
        "tills": FEW if scenario.tills > FEW else min(scenario.tills, 2),
        "length": min(scenario.length, NIGHT),
    }
    scenario = scenario.model_copy(update=smaller)
    return lived(scenario, load_played(scenario, document))[1]


@pytest.mark.parametrize("name", shipped_scenarios())
def test_each_shipped_scenario_is_named_as_its_file_and_loses_nothing(name: str) -> None:
    """What is sold is at the server, or still on its way when the scenario ends, and there
    once."""
    found = told(name)
    assert found.scenario == name
    assert found.sold.closed > 0
    assert found.sold.waiting <= FEW
    assert found.sold.twice == 0


def test_they_are_those_that_people_ask_about() -> None:
    """Seven, and the hour after an outage for a fleet."""
    assert set(shipped_scenarios()) == {
        "back-after-an-outage",
        "fibre-cut-at-noon",
        "flapping-link",
        "ftp-down",
        "lost-answers",
        "opening-of-1000-tills",
        "server-restart-every-night",
        "slow-adsl",
    }


def test_in_each_something_happens_to_the_link() -> None:
    """A cut and a restart are noticed by all, a flapping link twenty times, a slow line makes
    offers late, lost answers make tickets come again, and files that cannot be had end loads."""
    assert told("fibre-cut-at-noon").outages[0].noticed.count == 2
    assert told("back-after-an-outage").outages[0].noticed.count == FEW
    assert told("server-restart-every-night").outages[0].noticed.count == 2
    assert len(told("flapping-link").outages) == 20
    assert told("slow-adsl").waited.answers["late"] > 50
    assert told("lost-answers").sold.again > 0
    assert told("opening-of-1000-tills").load.busiest_minute.most > FEW
    loads = told("ftp-down").calls.ended["load"]
    assert loads["ok"] > 0
    assert loads["failed.unreachable"] > 0
    assert loads["failed.timeout"] > 0
