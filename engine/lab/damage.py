"""Every way to damage what a server publishes, and the words that have to tell of it.

A damage strikes one export, or the manifest, of a folder that :mod:`engine.lab.exports` wrote.
Those that are *sealed* make the manifest fit what they did, as a faulty program on the server
would: size and digest find nothing there, so that the reader itself has to.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.lab.damage_files import FILES
from engine.lab.damage_manifest import MANIFESTS
from engine.lab.damage_rows import CHANGED_ROWS, LOADED_ROWS, ROWS
from engine.lab.exports import Entry, read_entries

Strike = Callable[[Path, Entry, random.Random], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Damage:
    """One way to damage an export.

    ``kinds`` are the kinds of exports that it fits. ``loaded`` says that nobody sees it before
    the rows are in a database: a key that is there twice.
    """

    name: str
    strike: Strike
    kinds: tuple[str, ...] = ("full", "changes")
    loaded: bool = False

    def do(self, folder: Path, rng: random.Random, kind: str = "full") -> tuple[str, ...]:
        """Damages one export of that kind, chosen by chance; words that the sentence must hold."""
        entries = [each for each in read_entries(folder) if each["kind"] == kind and each["rows"]]
        return self.strike(folder, rng.choice(entries), rng)


DAMAGES: Mapping[str, Damage] = {
    each.name: each
    for each in (
        *(Damage(name, strike) for name, strike in {**MANIFESTS, **FILES, **ROWS}.items()),
        *(Damage(name, strike, ("changes",)) for name, strike in CHANGED_ROWS.items()),
        *(Damage(name, strike, ("full",), loaded=True) for name, strike in LOADED_ROWS.items()),
    )
}
"""All of them by name."""
