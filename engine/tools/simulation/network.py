"""The network between the tills and their server."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from engine.tools.simulation.chance import draw, generator
from engine.tools.simulation.scenario import Latency, Network, NetworkWindow, Scenario
from engine.tools.simulation.windows import Spells, concerns
from engine.tools.simulation.world import World


class Line(NamedTuple):
    """How a till's way to the server is just now."""

    down: Literal["silent", "refused"] | None
    latency: Latency
    loss: float
    lost_answers: float


class Lines:
    """The ways of all tills."""

    def __init__(self, scenario: Scenario, names: Sequence[str], world: World) -> None:
        network: Network = scenario.network
        self._usual = Line(None, network.latency, network.loss, network.lost_answers)
        self._chances = {name: generator(scenario.seed, name, "network") for name in names}
        self.spells: Spells[NetworkWindow] = Spells(
            network.windows, world, scenario.begins, scenario.length
        )
        self._tills: Mapping[int, frozenset[str] | None] = {
            id(window): concerns(window, names) for window in network.windows
        }

    def concerned(self, window: NetworkWindow) -> frozenset[str] | None:
        """The tills of a window; None for all."""
        return self._tills[id(window)]

    def line(self, till: str) -> Line:
        """A till's way now. Of several windows the last one says what it says."""
        line = self._usual
        for window in self.spells.now:
            tills = self._tills[id(window)]
            if tills is not None and till not in tills:
                continue
            line = Line(
                window.down or line.down,
                window.latency or line.latency,
                line.loss if window.loss is None else window.loss,
                line.lost_answers if window.lost_answers is None else window.lost_answers,
            )
        return line

    def way(self, till: str, line: Line) -> float:
        """Seconds that one way there and back takes."""
        return draw(line.latency, self._chances[till])

    def happens(self, till: str, share: float) -> bool:
        """Whether chance has it that something of that share happens."""
        return share > 0 and self._chances[till].random() < share
