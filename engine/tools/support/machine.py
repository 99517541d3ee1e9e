"""This computer for the zip: versions, drivers, its clock."""

import platform
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module, metadata
from typing import Any

from engine import __version__
from engine.tools.support.pack import Entry, as_json

DRIVERS_SECONDS = 5.0


def versions() -> Iterator[Entry]:
    """tillwire, Python, the system, packages, SQLite and the ODBC drivers."""
    data = {
        "tillwire": __version__,
        "python": sys.version,
        "executable": sys.executable,
        "system": platform.platform(),
        "machine": platform.machine(),
        "encoding": sys.getfilesystemencoding(),
        "sqlite": sqlite3.sqlite_version,
        "odbc": _odbc(),
        "packages": _packages(),
    }
    yield Entry("versions.json", "Of tillwire and all that it stands on.", as_json(data))


def clock() -> Iterator[Entry]:
    """What time it is here."""
    now = datetime.now(UTC)
    local = now.astimezone()
    data = {
        "utc": now.isoformat(),
        "local": local.isoformat(),
        "zone": local.tzname(),
        "seconds_since_1970": now.timestamp(),
        "monotonic_seconds": time.monotonic(),
    }
    yield Entry("clock.json", "The clock of this computer when this was packed.", as_json(data))


def _packages() -> dict[str, str]:
    """What tillwire requires and what is there of it."""
    found = {}
    for wanted in metadata.requires("tillwire") or ():
        if "extra ==" in wanted:
            continue
        name = next(part for part in wanted.replace("[", " ").split() if part)
        name = name.split("=")[0].split(">")[0].split("<")[0].split(";")[0].strip("~!")
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not there"
    return found


def _odbc() -> Any:
    """Its drivers; a broken one may hang, so they are asked for in a thread that is left behind."""
    found: list[Any] = []

    def look() -> None:
        try:
            # It needs a library of the system, which may not be there.
            pyodbc: Any = import_module("pyodbc")
            found.append({"pyodbc": pyodbc.version, "drivers": pyodbc.drivers()})
        except Exception as fault:  # noqa: BLE001 - whatever is wrong with it is what is asked for
            found.append(f"{type(fault).__name__}: {fault}")

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(DRIVERS_SECONDS)
    return found[0] if found else f"no answer within {DRIVERS_SECONDS:g} s"
