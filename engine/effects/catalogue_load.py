"""How a catalogue is loaded: asked for, downloaded, put beside the live tables, swapped in.

The order of things is the guarantee. Every file is whole and proven before a row of it is
read; every row is beside the live tables before one of them goes live; then all go live at
once. Whatever stops in between leaves tables and versions as they were, and what was downloaded
is there for the next attempt.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import cast

from engine.catalogue.export import chunks, verify
from engine.catalogue.manifest import (
    LARGEST_MANIFEST,
    MANIFEST,
    Export,
    Gap,
    Unusable,
    choose,
    read_manifest,
    read_offer,
)
from engine.catalogue.tables import Table
from engine.definition.vocabulary import Value
from engine.effects.call import Answer, Call
from engine.effects.loading import Kind, Loading, LoadProgress
from engine.server.port import CallFailed, CallRejected, Reason
from engine.store.catalogue import Catalogue, Load, LoadRecord
from engine.store.errors import Busy, StoreError, Undone, Unreachable

TELL_EVERY = 0.2
"""Seconds between two words on how far a load has got."""

PAUSE = 0.1
"""Seconds between two steps of sweeping up, for whoever reads the catalogue."""

MOST_NAMED = 5
"""Tables named in the sentence of a load that went well."""

CUT_OFF = "It was cut off: the link was lost, the till was held offline, or the agent stopped."


class NotWanted(Exception):  # noqa: N818 - it is what became of the load, not a fault
    """Nobody waits for the load any more."""


@dataclass(slots=True)
class _Done:
    """What a load has brought."""

    tables: int = 0
    rows: int = 0
    bytes: int = 0
    gap: bool = False
    sentence: str = ""


class CatalogueLoad:
    """One load, from the question to the swap. For one thread."""

    def __init__(self, call: Call, loading: Loading) -> None:
        self._call = call
        self._loading = loading
        self._kind = cast("Kind", call.text("kind"))
        self._began = call.wall()
        self._end = call.monotonic() + call.seconds("limit")
        self._next_word = 0.0
        self._progress = LoadProgress(self._kind, "asking")
        self._done = _Done()
        self._catalogue: Catalogue | None = None
        self._needed: list[str] | None = None

    def run(self) -> Answer:
        """Load. Whatever comes of it is written down; raises as ``perform`` takes it."""
        outcome, sentence = "failed.local_error", ""
        try:
            answer = self._answer()
            outcome, sentence = ("gap" if self._done.gap else "ok"), self._done.sentence
        except CallRejected as refusal:
            outcome, sentence = "rejected", refusal.message
            raise
        except CallFailed as fault:
            outcome, sentence = f"failed.{fault.reason}", fault.message
            raise
        except Exception as fault:
            sentence = str(fault) or type(fault).__name__
            raise
        finally:
            if self._call.cancelled.is_set() and outcome not in ("ok", "gap"):
                outcome, sentence = "cancelled", CUT_OFF
            self._note(outcome, sentence)
            self._tidy()
        return answer

    def _tidy(self) -> None:
        """Remove the files that no load needs any more."""
        if self._needed is not None:
            from engine.server.ftp import sweep_parts

            sweep_parts(self._loading.folder, self._needed)

    def _answer(self) -> Answer:
        try:
            self._load()
        except Gap as gap:
            self._done = _Done(gap=True, sentence=str(gap))
            self._give_up_files()
        except NotWanted:
            raise CallFailed(Reason.LOCAL_ERROR, CUT_OFF) from None
        except Unusable as fault:
            self._give_up_files()
            raise CallFailed(Reason.BAD_REPLY, str(fault), reached=True) from None
        except Unreachable as fault:  # a server of databases, which may be there at the next try
            raise CallFailed(Reason.UNREACHABLE, str(fault)) from fault
        except Undone as fault:
            raise CallFailed(Reason.SERVER_ERROR, str(fault)) from fault
        except OSError as fault:
            where = f" ({fault.filename})" if fault.filename else ""
            why = (fault.strerror or type(fault).__name__).lower()
            raise CallFailed(
                Reason.LOCAL_ERROR,
                f"this till could not read or keep the files to load{where}: {why}",
            ) from fault
        done = self._done
        data: dict[str, Value] = {
            "kind": self._kind,
            "tables": done.tables,
            "rows": done.rows,
            "bytes": done.bytes,
            "gap": done.gap,
        }
        return Answer("ok", data)

    def _give_up_files(self) -> None:
        """Neither a file that cannot be used nor a piece of it is worth keeping."""
        if self._needed is not None:
            self._needed = []

    def _load(self) -> None:
        catalogue = self._catalogue = self._loading.open()
        with ExitStack() as stack:
            try:
                load = stack.enter_context(catalogue.load(self._began))
            except Busy:
                raise CallRejected("busy", "A load is under way already.") from None
            self._tell(force=True)
            have = {name: loaded.version for name, loaded in catalogue.versions().items()}
            tables = self._loading.tables
            chosen = choose(self._ask(have), self._kind, dict(have), tables)
            self._needed = [_name(export) for export in chosen]
            by_name = {table.name: table for table in tables}
            self._download(chosen)
            self._fill(load, chosen, by_name)
            if chosen:
                self._progress = replace(self._progress, stage="swapping", table="")
                self._tell(force=True)
                load.swap()
        self._needed = []
        self._done.tables = len({export.dataset for export in chosen})
        self._done.sentence = _sentence(self._kind, chosen, self._done.rows)

    def _ask(self, have: Mapping[str, int]) -> tuple[Export, ...]:
        """What the server offers: by its own action, or as its manifest has it."""
        call, loading = self._call, self._loading
        timeout = min(call.seconds("timeout"), self._left())
        if call.server.tells_files:
            versions = {table.name: have.get(table.name) for table in loading.tables}
            offered = call.server.newest_files(call.till, versions, timeout)
            self._look()
            return read_offer(offered, loading.tables)
        manifest = loading.source.read(
            MANIFEST, LARGEST_MANIFEST, timeout=timeout, cancelled=call.cancelled.is_set
        )
        self._look()
        return read_manifest(manifest, loading.tables)

    def _download(self, chosen: tuple[Export, ...]) -> None:
        """All files, before the first row is read."""
        self._loading.folder.mkdir(parents=True, exist_ok=True)
        self._progress = replace(
            self._progress,
            stage="downloading",
            tables_total=len({export.dataset for export in chosen}),
            bytes_total=sum(export.size for export in chosen),
            rows_total=sum(export.rows for export in chosen),
        )
        for export in chosen:
            before = self._done.bytes
            self._progress = replace(self._progress, table=export.dataset, bytes_done=before)
            self._tell(force=True)
            self._fetch(export, partial(self._bytes, before))
            self._done.bytes = before + export.size
            self._look()

    def _fetch(self, export: Export, progress: Callable[[int], None]) -> None:
        target = self._file(export)
        if target.exists():  # from a load that was cut off after its downloads
            try:
                verify(target, export)
            except Unusable:
                target.unlink()
            else:
                return
        self._loading.source.fetch(
            export.file,
            target,
            export.size,
            export.sha256,
            deadline=self._left(),
            cancelled=self._call.cancelled.is_set,
            progress=progress,
        )
        self._look()
        verify(target, export)

    def _fill(self, load: Load, chosen: tuple[Export, ...], tables: Mapping[str, Table]) -> None:
        """All rows, beside the live tables."""
        loaded: set[str] = set()
        for export in chosen:
            before, table = self._done.rows, tables[export.dataset]
            self._progress = replace(
                self._progress,
                stage="loading",
                table=table.name,
                tables_done=len(loaded - {table.name}),
                bytes_done=self._progress.bytes_total,
                rows_done=before,
            )
            self._tell(force=True)
            tell = self._rows_from(before)
            # Closed at once whatever happens: Windows removes no file that is open.
            with closing(chunks(self._file(export), export, table)) as rows:
                if export.version_from is None:
                    count = load.full(table, export.version_to, rows, tell)
                else:
                    count = load.changes(table, export.version_from, export.version_to, rows, tell)
            loaded.add(table.name)
            self._done.rows = before + count
        self._progress = replace(self._progress, tables_done=len(loaded), rows_done=self._done.rows)
        self._look()

    def _rows_from(self, before: int) -> Callable[[int], None]:
        def tell(count: int) -> None:
            self._progress = replace(self._progress, rows_done=before + count)
            self._tell()
            self._look()

        return tell

    def _bytes(self, before: int, there: int) -> None:
        self._progress = replace(self._progress, bytes_done=before + there)
        self._tell()

    def _tell(self, force: bool = False) -> None:
        now = self._call.monotonic()
        if force or now >= self._next_word:
            self._next_word = now + TELL_EVERY
            self._loading.progress(self._call.till, self._progress)

    def _look(self) -> None:
        """Raises when nobody waits any more, or too long a time has passed."""
        if self._call.cancelled.is_set():
            raise NotWanted
        self._left()

    def _left(self) -> float:
        left = self._end - self._call.monotonic()
        if left <= 0:
            raise CallFailed(
                Reason.TIMEOUT,
                f"the load did not end within its limit of {self._call.seconds('limit'):g} s",
            )
        return left

    def _file(self, export: Export) -> Path:
        return self._loading.folder / _name(export)

    def _note(self, outcome: str, sentence: str) -> None:
        done = self._done
        record = LoadRecord(
            self._began, self._call.wall(), self._kind, outcome, sentence, done.rows, done.bytes
        )
        if self._catalogue is not None and outcome != "rejected":
            with suppress(StoreError):  # the answer says what is wrong with the disk
                self._catalogue.note(record)
        self._loading.ended(self._call.till, record)


def sweep(catalogue: Catalogue, stop: Event) -> None:
    """Drop what loads have left behind, in small steps, until it is done or ``stop`` is set."""
    while not stop.is_set() and not catalogue.sweep():
        stop.wait(PAUSE)


def _name(export: Export) -> str:
    """The name of a download: nothing in it is the server's own choice, which may be a name that
    this system cannot have, and a file of other content has another one."""
    return f"{export.dataset}-{export.sha256[:20]}.zip"


def _sentence(kind: str, chosen: tuple[Export, ...], rows: int) -> str:
    newest = {export.dataset: export.version_to for export in chosen}
    if not newest:
        return "Nothing has changed since the last load."
    named = [f"{name} {version}" for name, version in list(newest.items())[:MOST_NAMED]]
    more = len(newest) - len(named)
    if more:
        named.append(f"{more} more")
    what = "rows" if kind == "full" else "changes"
    return f"{rows} {what} loaded; versions now: {', '.join(named)}."
