"""What is wrong with a machine beyond its shape: everything that reading it closely shows."""

from typing import TYPE_CHECKING

from engine.problems import Problem

if TYPE_CHECKING:
    from engine.definition.machine import Definition


def check(_definition: "Definition") -> list[Problem]:
    """All static problems of a machine, errors and warnings."""
    return []
