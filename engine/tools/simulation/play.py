"""One simulation: a scenario, a machine, and what came of them."""

from dataclasses import dataclass

from engine.agent.clock import VirtualClock
from engine.agent.tills import Tills
from engine.core.build import Chart, build
from engine.core.repeating import Repeating
from engine.definition.machine import Definition
from engine.tools.simulation.books import MemoryBooks
from engine.tools.simulation.effects import Effects
from engine.tools.simulation.loading import SimulatedLoad
from engine.tools.simulation.network import Lines
from engine.tools.simulation.record import Record
from engine.tools.simulation.scenario import Scenario
from engine.tools.simulation.server import SimulatedServer
from engine.tools.simulation.shop import Shop
from engine.tools.simulation.world import World

MIDNIGHT = 1_767_571_200.0
"""The midnight before the simulation begins: a Monday, 5 January 2026, in UTC."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which the server cannot be reached: from when to when, in seconds, for which
    tills (None: all), and what is down."""

    begins: float
    ends: float
    tills: frozenset[str] | None
    what: str


@dataclass(frozen=True, slots=True)
class Played:
    """What a simulation wrote down, and when the server could not be reached."""

    record: Record
    outages: tuple[Span, ...]


def till_names(count: int) -> list[str]:
    """The ids of so many tills: 01, 02 and so on."""
    width = max(2, len(str(count)))
    return [f"{number:0{width}}" for number in range(1, count + 1)]


def play(
    scenario: Scenario,
    definition: Definition,
    keep_moves: bool = False,
    chart: Chart | None = None,
) -> Played:
    """Live the scenario. ``keep_moves``: note every transition of every till. ``chart``: the
    definition's, where it was built before."""
    chart = chart or build(definition)
    names = till_names(scenario.tills)
    clock = VirtualClock(0.0, MIDNIGHT + scenario.begins)
    world, record = World(clock), Record(chart.tree, names, keep_moves)
    lines = Lines(scenario, names, world)
    server = SimulatedServer(scenario, lines, world, record)
    load = None
    if scenario.files is not None:
        load = SimulatedLoad(scenario, scenario.files, lines, world)
    books = MemoryBooks()
    effects = Effects(world, server, books, record, load)
    shop = Shop(scenario, definition, world, books, record)
    listeners = (record.observe, shop.observe)
    tills = Tills(chart, clock, effects, listeners, play=Repeating().feed)
    effects.open(tills)
    shop.open(tills)
    world.run(tills, scenario.length)
    return Played(record, _outages(scenario, lines, server))


def _outages(scenario: Scenario, lines: Lines, server: SimulatedServer) -> tuple[Span, ...]:
    """The windows in which something is down, in the order of time."""
    found = [
        Span(start, min(end, scenario.length), lines.concerned(window), f"network {window.down}")
        for window, start, end in lines.spells.all
        if window.down is not None
    ]
    found += [
        Span(start, min(end, scenario.length), None, f"server {spell.down}")
        for spell, start, end in server.spells.all
        if spell.down is not None
    ]
    return tuple(sorted(found, key=lambda span: (span.begins, span.ends, span.what)))
