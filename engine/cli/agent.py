"""Runs the agent, in a process that loads nothing that reads command lines (3 MB) where it can do
without: it stays for months."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine import __version__
from engine.streams import say

if TYPE_CHECKING:
    from engine.agent.clock import Clock
    from engine.agent.last_good import LastGood
    from engine.agent.process import Watching
    from engine.agent.watching import Watch
    from engine.definition.machine import Definition
    from engine.problems import Refused
    from engine.settings import Settings

TILL_YAML = Path("till.yaml")
EXPANDED = frozenset("*?[~$%")
"""Letters that mean something else than themselves, to the shell of some system."""


def asked_for(words: Sequence[str]) -> Path | None:
    """The till.yaml of a command line that asks for an agent in the plainest way; None for any
    other, whatever it asks for."""
    match words:
        case ["run"]:
            return TILL_YAML
        case ["run", "-c" | "--config", file] if file[:1] not in ("", "-"):
            return None if EXPANDED.intersection(file) else Path(file)
    return None


def run_agent(config: Path) -> int:
    """Look after the tills of a till.yaml until somebody asks to stop; the exit code.

    Raises Refused for files that are at fault and have no older ones to take their place.
    """
    from engine.agent.files import patiently
    from engine.problems import Refused
    from engine.settings import load_settings

    last = None
    try:
        settings = patiently(lambda: load_settings(config))
    except Refused as refused:
        last = _last_good(config, refused)
        settings = last.settings
    from engine.agent.frugal import load_lazily

    load_lazily()
    from engine.agent.process import CannotRun, run

    try:
        try:
            return run(settings, _watcher(settings), last)
        except Refused as refused:
            if last is not None:
                raise
            last = _last_good(config, refused)
            return run(last.settings, _watcher(last.settings), last)
    except CannotRun as fault:
        say(f"tillwire cannot run: {fault}")
        return 1


def _last_good(config: Path, refused: "Refused") -> "LastGood":
    """The files that run in place of those that were refused; raises that where there are none."""
    from engine.agent.last_good import find
    from engine.definition.report import report

    last = find(config, refused)
    if last is None:
        raise refused
    say(report(refused.problems))
    say("tillwire runs with the files that were last good.")
    return last


def _watcher(settings: "Settings") -> "Watching":
    """Who counts, if anybody does."""
    from engine.agent.watching import Unwatched

    return _watching if settings.api.metrics else lambda *_: Unwatched()


def _watching(definition: "Definition", clock: "Clock") -> "Watch":
    """The metrics of an agent, behind a guard: whatever happens to them stops no till."""
    from engine.core.facts import machine_facts
    from metrics.exporter import Exporter
    from metrics.listening import Guarded

    return Guarded(Exporter(__version__, machine_facts(definition), clock.wall), clock.monotonic)
