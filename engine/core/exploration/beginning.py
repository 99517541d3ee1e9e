"""A machine with which no till can even begin."""

from collections.abc import Callable
from typing import TypeVar

from engine.core.feed import StepFailed
from engine.definition.machine import Definition
from engine.problems import Refused

Found = TypeVar("Found")


def begun(definition: Definition, play: Callable[[], Found]) -> Found:
    """What playing gives; raises :class:`Refused` when no till can begin with the machine."""
    try:
        return play()
    except StepFailed as fault:
        reason = str(fault).partition(": ")[2]
        message = f"A till cannot begin with this machine: {reason}."
        hint = "Look at what is entered first, and at what its actions raise."
        problem = definition.document.problem("cannot-begin", ("states",), message, hint, key=True)
        raise Refused([problem, *definition.problems]) from None
