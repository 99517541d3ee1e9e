"""Explores machines for the check: how far, and each one once."""

import time
from typing import NamedTuple

from engine.definition.machine import Definition
from engine.definition.reader import in_order
from engine.definition.tree import ROOT
from engine.problems import Problem, Refused


class Limit(NamedTuple):
    """How far machines are explored: until there are more situations, for so many seconds of a
    processor for each machine, so that a busy PC finds as much."""

    situations: float = float("inf")
    seconds: float = 5.0


USUAL = Limit()
NOT_AT_ALL = Limit(0, 0)


class Explorer:
    """Explores each machine, with each set of parameters, once: several till.yaml files may
    share one."""

    def __init__(self, limit: Limit = NOT_AT_ALL) -> None:
        self._limit = limit
        self._known: dict[str, tuple[int, tuple[Problem, ...]]] = {}

    def explore(self, definition: Definition) -> tuple[int, tuple[Problem, ...]]:
        """How many situations a machine can get into, as far as it was explored, and what there
        is to be warned of. Raises :class:`Refused` with the errors."""
        if self._limit == NOT_AT_ALL:
            _play_beginning(definition)
            return 0, ()
        if definition.hash not in self._known:
            self._known[definition.hash] = self._explored(definition)
        count, problems = self._known[definition.hash]
        if any(problem.severity == "error" for problem in problems):
            raise Refused(in_order([*problems, *definition.problems]))
        return count, problems

    def _explored(self, definition: Definition) -> tuple[int, tuple[Problem, ...]]:
        from engine.core.build import build
        from engine.core.exploration import explore
        from engine.core.exploration.beginning import begun

        most, seconds = self._limit
        end = time.process_time() + seconds
        found = begun(
            definition,
            lambda: explore(build(definition), most, lambda: time.process_time() > end),
        )
        return found.situations, found.problems


def _play_beginning(definition: Definition) -> None:
    """Begin a till once where the check does not see all: circles through regions that are
    active together, and what it found too much to try. Playing loads the core, which takes as
    long as the rest of the check."""
    tree = definition.tree
    doubtful = any(problem.code.endswith("-unproven") for problem in definition.problems)
    if doubtful or any(tree.parallel(name) for name in (ROOT, *tree.nodes)):
        from engine.core.build import build
        from engine.core.exploration.beginning import begun
        from engine.core.feed import begin

        begun(definition, lambda: begin(build(definition), "check", 0.0))
