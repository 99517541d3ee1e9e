"""``tillwire check --probe``: whether databases, webservice and FTP server answer, and how fast.

Each is tried once and changes nothing: a database is opened for reading alone, the webservice
gets a ping, the FTP server a log-in and a question for its manifest. No ticket or message call is
made. None takes longer than the settings allow: what hangs is left behind.
"""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from engine.database_settings import Database
from engine.definition.machine import Definition
from engine.server.connecting import connect
from engine.server.ftp_settings import FtpSettings
from engine.server.port import CallFailed
from engine.server.secret import SecretUnavailable
from engine.settings import Settings
from engine.store.errors import Busy, Missing, StoreError
from engine.store.examining import Examination
from engine.ticket_settings import Source, source_place

OPENING = 10.0
"""Seconds in which a database is open, or something is wrong with it or its disk."""
GRACE = 1.0
"""Seconds more that a probe gets to say what came of it."""
CALL = 60.0
"""Seconds for a call where the machine has no parameter for it."""


class Probed(NamedTuple):
    """What came of one try. ``way`` are the keys of till.yaml that it is about."""

    name: str
    way: tuple[str, ...]
    good: bool
    sentence: str

    @property
    def line(self) -> str:
        """For a person."""
        return f"  {self.name:<10}  {'good ' if self.good else 'WRONG'}  {self.sentence}"


class Amiss(Exception):  # noqa: N818 - it says how it is
    """A probe found something wrong: a sentence."""


class _Try(NamedTuple):
    name: str
    way: tuple[str, ...]
    limit: float
    run: Callable[[], str]


def probe(settings: Settings, definition: Definition) -> list[Probed]:
    """Try all at once; in the order database, the till program's tickets, webservice, ftp."""
    ping = _seconds(definition, "ping_timeout")
    call = _seconds(definition, "webservice_timeout")
    tries = [
        _Try("database", ("database",), _opening(settings.database), lambda: _database(settings)),
        _Try("webservice", ("server", "url"), ping, lambda: _webservice(settings, ping)),
    ]
    if (source := settings.tickets.source) is not None:
        limit = _opening(source.database or settings.database)
        way = ("tickets", "source")
        tries.insert(1, _Try("tickets", way, limit, lambda: _tickets(source, settings)))
    if (ftp := settings.server.ftp) is not None:
        way = ("server", "ftp")
        tries.append(_Try("ftp", way, call, lambda: _ftp(ftp, settings, call)))
    return _tried(tries)


def _seconds(definition: Definition, name: str) -> float:
    found = definition.parameters.get(name)
    usable = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if usable and found is not None else CALL


def _tried(tries: Sequence[_Try]) -> list[Probed]:
    """Each in a thread of its own, which is left behind when it does not end."""
    found: dict[str, Probed] = {}

    def run(one: _Try) -> None:
        try:
            sentence, good = one.run(), True
        except Amiss as amiss:
            sentence, good = str(amiss), False
        except CallFailed as failure:
            sentence, good = f"{failure.message} [{failure.reason}]", False
        except Exception as fault:  # noqa: BLE001 - the other probes have their say all the same
            sentence, good = (
                f"it met a fault of tillwire's own: {type(fault).__name__}: {fault}",
                False,
            )
        found[one.name] = Probed(one.name, one.way, good, sentence)

    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in tries]
    ends = [time.monotonic() + one.limit + GRACE for one in tries]
    for thread in threads:
        thread.start()
    for thread, end in zip(threads, ends, strict=True):
        thread.join(max(0.0, end - time.monotonic()))
    return [
        found.get(one.name)
        or Probed(one.name, one.way, False, f"it hangs: no answer within {one.limit:g} s")
        for one in tries
    ]


def _opening(database: Database) -> float:
    """Seconds in which a database is open: SQL Server has its own limits for that."""
    if database.kind == "sqlite":
        return OPENING
    return database.login_timeout + database.query_timeout + OPENING


def _database(settings: Settings) -> str:
    place = settings.database_place
    if isinstance(place, Path) and not place.exists():
        return _to_be_made(place)
    began = time.perf_counter()
    try:
        Examination.open(place).close()
    except Missing:
        return f"{place} lets this till in and has no tables yet, in {_milliseconds(began)}"
    except Busy as busy:
        if not _agent_answers(settings):
            raise Amiss(str(busy)) from None
        return f"{place} is held by the agent that answers at {settings.api.url}"
    except (StoreError, SecretUnavailable) as fault:
        raise Amiss(str(fault)) from None
    took = _milliseconds(began)
    beside = f", beside the agent at {settings.api.url}" if _agent_answers(settings) else ""
    return f"{place} can be read, in {took}{beside}"


def _tickets(source: Source, settings: Settings) -> str:
    """The till program's own table: its columns are there, and nothing is marked."""
    from engine.store.source import TicketSource

    till = settings.tills[0]
    began = time.perf_counter()
    try:
        place = source_place(source, settings.database, settings.folder)
        table = TicketSource(place, source.described())
        try:
            waiting = table.numbers(till, source.first - 1)
            table.payloads(till, list(waiting.times)[:1] or [source.first])
        finally:
            table.close()
    except (StoreError, SecretUnavailable) as fault:
        raise Amiss(str(fault)) from None
    took = _milliseconds(began)
    if waiting.unfit:
        raise Amiss(
            f"the {table.label} can be read, and holds numbers that are no whole number from 0 on "
            f"({', '.join(waiting.unfit[:3])}): those tickets are left alone"
        )
    count = f"{len(waiting.times)}{'' if waiting.after is None else ' or more'}"
    return f"the {table.label} can be read, {count} not marked as sent, in {took}"


def _milliseconds(began: float) -> str:
    return f"{round((time.perf_counter() - began) * 1000)} ms"


def _to_be_made(path: Path) -> str:
    """A database that is not there yet is no fault where it can be made."""
    folder = next(each for each in path.parents if each.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise Amiss(f"there is no database {path}, and none can be made in {folder}")
    return f"{path} is not there yet and can be made"


def _agent_answers(settings: Settings) -> bool:
    from engine.tools.status import NoAnswer, ask

    try:
        ask(settings.api.url)
    except NoAnswer:
        return False
    return True


def _webservice(settings: Settings, timeout: float) -> str:
    server = connect(settings.server, settings.shop, settings.folder)
    try:
        began = time.perf_counter()
        server.ping(settings.tills[0], timeout)
        return f"{settings.server.endpoint} answers a ping, in {_milliseconds(began)}"
    finally:
        server.close()


def _ftp(ftp: FtpSettings, settings: Settings, timeout: float) -> str:
    from engine.catalogue.manifest import LARGEST_MANIFEST, MANIFEST
    from engine.server.ftp import FtpSource
    from engine.server.ftp_control import NoFile

    source = FtpSource(ftp, settings.folder)
    began = time.perf_counter()
    try:
        text = source.read(MANIFEST, LARGEST_MANIFEST, timeout=timeout)
    except NoFile:
        # Where the server tells the files by webservice, or nothing is loaded, none is needed.
        if settings.catalogue is not None and settings.server.actions.newest_files is None:
            raise
        has = f"there is no {MANIFEST}"
    else:
        has = _offered(text, settings)
    return f"{source.where} lets this till in and {has}, in {_milliseconds(began)}"


def _offered(text: bytes, settings: Settings) -> str:
    """What a manifest offers for the catalogue. Raises :class:`Amiss`."""
    from engine.catalogue.manifest import MANIFEST, Unusable, choose, read_manifest
    from engine.catalogue.settings import tables_of

    if settings.catalogue is None:
        return f"its {MANIFEST} has {len(text)} bytes"
    tables = tables_of(settings.catalogue, settings.folder)
    try:
        exports = read_manifest(text, tables)
        choose(exports, "full", {}, tables)
    except Unusable as fault:
        raise Amiss(f"the till is let in, and cannot load: {fault}") from None
    return f"its {MANIFEST} offers {len(exports)} exports for {len(tables)} tables"
