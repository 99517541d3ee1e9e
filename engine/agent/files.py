"""The files that say how tills work: till.yaml and the machine that it names, read together.

All of this waits for a disk and belongs in a thread that may be given up.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from engine.definition.machine import Definition
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused
from engine.settings import Settings, effective, load_till, unreadable_secrets

RELOADED = ("machine", "parameters")
"""The keys of till.yaml that a reload takes in; what another one says needs a restart."""

MOST_READS = 5
"""Times that files are read which change while they are read."""

HELD = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between two tries to read a file that is there and cannot be opened: Windows's virus
scanners keep a file to themselves for a moment after it was saved."""

T = TypeVar("T")

Seen = tuple[tuple[int, int, int] | None, ...]
"""What tells a file from the one of before: time, size, number; None for one that is not there."""


@dataclass(frozen=True, slots=True)
class Files:
    """Both files, good: ``definition`` with the places of its file, ``warnings`` of both."""

    settings: Settings
    definition: Definition
    warnings: tuple[Problem, ...] = ()

    @property
    def bare(self) -> "Files":
        """The same without the places of the machine's file, which nobody needs any more who
        has been told all that is wrong with it."""
        return replace(self, definition=self.definition.without_places())


def read_files(config: Path, machine: Path) -> Files:
    """Read and check both; ``machine`` is where it was last. Raises Refused with every problem.

    Files that change meanwhile are read again: one of before and one of after go with nothing.
    """
    paths = [config, machine]
    for _ in range(MOST_READS):
        before = seen(paths)
        settings, definition = patiently(lambda: load_till(config, VOCABULARY))
        named = [config, settings.machine_path]
        if named == paths and seen(paths) == before:
            break
        paths = named
    return Files(settings, definition, (*unreadable_secrets(settings), *definition.problems))


def patiently(load: Callable[[], T]) -> T:
    """What ``load`` reads, tried again for a moment where a file is held. Raises Refused."""
    for pause in HELD:
        try:
            return load()
        except Refused as refused:
            if not held(refused.problems):
                raise
        time.sleep(pause)
    return load()


def held(problems: Sequence[Problem]) -> bool:
    """Whether a file is there and could not be read: it may be readable later, unchanged."""
    return any(each.code == "unreadable" and Path(each.file).is_file() for each in problems)


def seen(paths: Sequence[Path]) -> Seen:
    """What there is now of each file."""
    return tuple(_seen(path) for path in paths)


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino


def for_a_restart(running: Settings, read: Settings) -> tuple[str, ...]:
    """The keys of till.yaml, dotted, whose values differ and take effect at a restart."""
    values = [{one.key: one.value for one in effective(settings)} for settings in (running, read)]
    keys = dict.fromkeys((*values[0], *values[1]))
    return tuple(
        key
        for key in keys
        if key.partition(".")[0] not in RELOADED and values[0].get(key) != values[1].get(key)
    )
