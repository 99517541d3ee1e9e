"""A machine with all that the agent knows by it."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.agent.views import postable
from engine.api.machine import machine_view
from engine.api.port import MachineView
from engine.core.build import Chart
from engine.definition.vocabulary import Field


@dataclass(frozen=True, slots=True)
class Rules:
    """Made as a whole and swapped as a whole: whoever kept a part of an older one would speak of
    a machine that is gone.

    ``events`` may be posted, with the fields that they carry; in ``offline`` states the server
    counts as not there.
    """

    chart: Chart
    view: MachineView
    events: Mapping[str, Mapping[str, Field]]
    offline: frozenset[str]

    @property
    def hash(self) -> str:
        """The definition's hash."""
        return self.view.hash


def rules_of(chart: Chart) -> Rules:
    """All that is known by a chart. Some 10 ms for a machine of ten states."""
    definition = chart.definition
    return Rules(
        chart,
        machine_view(definition),
        postable(chart),
        frozenset(node.id for node in chart.tree if node.state.offline),
    )
