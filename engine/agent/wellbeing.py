"""Whether the agent lives and can do its work, in sentences."""

from collections.abc import Mapping
from itertools import islice

from engine.agent.log_output import trouble
from engine.api.port import Health

SILENT = 10.0
"""Seconds without an answer after which the database counts as stuck."""

MOST_NAMED = 5
"""Tills named in a reason for not being well."""


def health(
    running: bool,
    silent: float,
    failing: str,
    unplayed: Mapping[str, str],
    stuck: int,
    concerns: Mapping[str, str],
) -> Health:
    """``silent`` is for how many seconds the database has not answered, ``failing`` why it did not
    take what was last to be written; ``unplayed`` has the sentence of each till whose last event
    could not be played, ``stuck`` counts calls that were given up and still hang; ``concerns``
    are what others of the process have to say."""
    reasons = []
    if not running:
        reasons.append("The machines are not running.")
    if silent > SILENT:
        reasons.append(f"The database has not answered for {silent:.0f} s.")
    if failing:
        reasons.append(failing)
    reasons += concerns.values()
    if log := trouble():
        reasons.append(log)
    reasons += [not_played(sentence) for sentence in islice(unplayed.values(), MOST_NAMED)]
    if len(unplayed) > MOST_NAMED:
        reasons.append(f"So it is with {len(unplayed) - MOST_NAMED} more tills.")
    if stuck:
        few = "A call hangs and was given up."
        reasons.append(few if stuck == 1 else f"{stuck} calls hang and were given up.")
    ready = running and silent <= SILENT and not failing
    return Health(alive=True, ready=ready, reasons=tuple(reasons))


def not_played(sentence: str) -> str:
    """Why a till stayed where it was."""
    return f"The machine could not play an event: {sentence.rstrip('.')}."
