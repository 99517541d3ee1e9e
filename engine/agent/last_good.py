"""The last good files, kept for a restart that finds bad ones.

Both texts lie in one file, so that they are of one moment: beside the database. Where that is in
another folder, they lie beside till.yaml too, if there may be written: a till.yaml may be so bad
that it does not say where its database is. All of this waits for a disk.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.agent.files import Files
from engine.definition.machine import Definition
from engine.definition.reader import read, read_file
from engine.definition.salvage import salvage
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused
from engine.settings import Settings, load_till
from engine.swapping import put

SUFFIX = ".last-good"


class Kept(BaseModel):
    """What the file holds. ``at`` is in seconds since 1970; the machine's own path says what
    its problems are called by."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)

    about: str
    at: float
    till_yaml: str
    machine: str
    machine_file: str


@dataclass(frozen=True, slots=True)
class LastGood:
    """Good files of ``at``, in seconds since 1970, that take the place of those on the disk,
    which ``problems`` are about."""

    settings: Settings
    definition: Definition
    at: float
    problems: tuple[Problem, ...]


def keep(files: Files, at: float) -> None:
    """Keep good files. Raises OSError when they could be kept nowhere."""
    settings = files.settings
    if settings.document is None:
        return
    config = Path(settings.document.file)
    day = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    kept = Kept.model_construct(
        about=f"The files that tillwire last found good, {day}. It looks after this file itself.",
        at=at,
        till_yaml=settings.document.text,
        machine=files.definition.document.text,
        machine_file=files.definition.document.file,
    )
    content = json.dumps(kept.__dict__, indent=1, ensure_ascii=False).encode()
    faults = []
    places = list(dict.fromkeys(_places(config, _database(settings, config))))
    for place in places:
        try:
            put(place, content, config)
        except OSError as fault:
            faults.append(fault)
    if len(faults) == len(places):
        raise faults[0]


def find(config: Path, refused: Refused) -> LastGood | None:
    """The last good files of a till.yaml that was refused, or whose machine was; None when there
    are none that can be read."""
    database = None
    with suppress(Refused):
        # What can be read of a till.yaml that is at fault may still say where its database is.
        rest = salvage(read_file(config, patient=True), Settings)
        database = None if rest.model is None else _database(rest.model, config)
    for place in _places(config, database):
        with suppress(OSError, ValidationError, Refused):
            kept = Kept.model_validate_json(place.read_text(encoding="utf-8"))
            document = read(kept.till_yaml, str(config), patient=True)
            machine = read(kept.machine, kept.machine_file, patient=True)
            settings, definition = load_till(document, VOCABULARY, machine)
            return LastGood(settings, definition, kept.at, refused.problems)
    return None


def _database(settings: Settings, config: Path) -> Path | None:
    """Where the database is; None when it is no file of its own."""
    database = settings.database
    return config.absolute().parent / database.path if database.kind == "sqlite" else None


def _places(config: Path, database: Path | None) -> Iterator[Path]:
    beside = config.absolute()
    if database is not None and database.resolve().parent != beside.resolve().parent:
        yield database.with_name(database.name + SUFFIX)
    yield beside.with_name(beside.name + SUFFIX)
