"""Several simulations of one scenario, on as many processors as there are."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from engine.definition.parameters import Overrides
from engine.definition.reader import Document, read
from engine.tools.simulation.figures import Figures, figures
from engine.tools.simulation.play import play
from engine.tools.simulation.reading import load_played
from engine.tools.simulation.scenario import Scenario

WORTH_IT = 20.0
"""Hours of tills from which on another process is worth its start."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One of several: a machine in place of the scenario's, and values for its parameters as they
    were typed, ``name: text``."""

    label: str
    machine: Path | None = None
    given: tuple[tuple[str, str], ...] = ()

    @property
    def overrides(self) -> Overrides | None:
        """The values, read as a file would have them."""
        if not self.given:
            return None
        text = "\n".join(f"{name}: {value}" for name, value in self.given)
        document = read(text, "the command line")
        return Overrides(document.data, document)


def run(scenario: Scenario, document: Document, variant: Variant) -> Figures:
    """Play one of them."""
    definition = load_played(scenario, document, variant.machine, variant.overrides)
    return figures(scenario, definition, play(scenario, definition))


def run_all(scenario: Scenario, document: Document, variants: Sequence[Variant]) -> list[Figures]:
    """Play all of them, in their order. What comes of one does not depend on how many run."""
    processes = min(len(variants), os.cpu_count() or 1)
    if processes < 2 or scenario.tills * scenario.length / 3600 < WORTH_IT:
        return [run(scenario, document, variant) for variant in variants]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        work = [
            pool.submit(_run_apart, scenario, document.text, document.file, variant)
            for variant in variants
        ]
        return [each.result() for each in work]


def _run_apart(scenario: Scenario, text: str, file: str, variant: Variant) -> Figures:
    """In another process."""
    return run(scenario, read(text, file), variant)
