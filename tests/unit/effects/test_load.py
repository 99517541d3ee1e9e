"""``load`` with a real catalogue and real exports: what it answers, tells, keeps and leaves."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from engine.catalogue import export
from engine.effects import catalogue_load
from engine.effects.call import Answer, Call, Patience
from engine.effects.load import LOAD, MARGIN
from engine.effects.table import perform
from engine.server.port import CallFailed, CallRejected, Reason
from engine.store.catalogue import LoadRecord
from engine.store.catalogue_sqlite import SqliteCatalogue
from engine.store.errors import Busy, StoreError, Unanswered, Undone
from tests.unit.effects.catalogue_bench import LIMIT, ROWS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.catalogue.close()


@pytest.fixture
def loaded(bench: Bench) -> Bench:
    """A catalogue at version 1."""
    bench.articles(ROWS, 1)
    bench.staff(1, 2)
    assert bench.load().name == "ok"
    bench.told.clear()
    bench.records.clear()
    bench.files.asked.clear()
    return bench


def test_a_full_load_brings_every_table(bench: Bench) -> None:
    """The answer says how much, the record says it in words, no file is left behind."""
    bench.articles(ROWS, 7)
    bench.staff(1, 2, version=3)
    answer = bench.load()
    size = sum(entry["size"] for entry in bench.files.entries)
    assert answer == Answer(
        "ok", {"kind": "full", "tables": 2, "rows": 5, "bytes": size, "gap": False}
    )
    assert set(answer.data) == set(LOAD.signature.ok)
    assert bench.rows() == [("oil", 7.0), ("salt", 1.2), ("tea", 3.5)]
    assert bench.rows("staff") == [(1,), (2,)]
    assert bench.versions() == {"articles": 7, "staff": 3}
    sentence = "5 rows loaded; versions now: articles 7, staff 3."
    record = LoadRecord(50_000.0, 50_000.0, "full", "ok", sentence, 5, size)
    assert bench.records == [record]
    assert bench.catalogue.records() == [record]
    assert bench.left() == []


def test_what_is_told_on_the_way_only_grows(bench: Bench) -> None:
    """Stage after stage, with totals as soon as they are known."""
    bench.articles(ROWS, 1)
    bench.staff(1, 2)
    bench.load()
    stages = [progress.stage for progress in bench.told]
    assert list(dict.fromkeys(stages)) == ["asking", "downloading", "loading", "swapping"]
    size = sum(entry["size"] for entry in bench.files.entries)
    after = [progress for progress in bench.told if progress.stage != "asking"]
    totals = {(each.tables_total, each.bytes_total, each.rows_total) for each in after}
    assert totals == {(2, size, 5)}
    for name in ("tables_done", "bytes_done", "rows_done"):
        values = [getattr(progress, name) for progress in bench.told]
        assert values == sorted(values), name
    assert (bench.told[-1].tables_done, bench.told[-1].rows_done) == (2, 5)
    assert {progress.table for progress in after} == {"articles", "staff", ""}


def test_changes_are_made_one_after_the_other(loaded: Bench) -> None:
    """An upsert, a delete; only what joins on is downloaded."""
    loaded.changes([["upsert", "tea", "4.00"], ["delete", "oil", ""]], 1, 2)
    loaded.changes([["upsert", "rum", "9.00"]], 2, 4)
    answer = loaded.load("changes")
    assert answer.name == "ok"
    assert (answer.data["rows"], answer.data["tables"], answer.data["gap"]) == (3, 1, False)
    assert loaded.rows() == [("rum", 9.0), ("salt", 1.2), ("tea", 4.0)]
    assert loaded.versions() == {"articles": 4, "staff": 1}
    assert loaded.records[-1].sentence == "3 changes loaded; versions now: articles 4."
    assert not [name for name in loaded.files.asked if "full" in name]


def test_without_changes_nothing_is_swapped(loaded: Bench) -> None:
    """The time of the last load stays, too."""
    before = loaded.catalogue.versions()
    loaded.clock.advance(60.0)
    answer = loaded.load("changes")
    assert (answer.name, answer.data["tables"], answer.data["rows"]) == ("ok", 0, 0)
    assert loaded.records[-1].sentence == "Nothing has changed since the last load."
    assert loaded.catalogue.versions() == before


@pytest.mark.parametrize("known", [True, False])
def test_changes_that_do_not_join_on_are_a_gap(bench: Bench, known: bool) -> None:
    """So they are where nothing was ever loaded. No table is touched."""
    bench.articles(ROWS, 1)
    bench.staff(1)
    if known:
        bench.load()
    bench.changes([["upsert", "rum", "9.00"]], 2, 3)
    before = bench.versions()
    answer = bench.load("changes")
    assert (answer.name, answer.data["gap"], answer.data["rows"]) == ("ok", True, 0)
    assert bench.versions() == before
    record = bench.catalogue.records()[0]
    assert record.outcome == "gap"
    assert "full load is needed" in record.sentence


def test_a_damaged_export_leaves_everything_as_it_was_and_says_what_is_wrong(
    loaded: Bench,
) -> None:
    """File and line; neither the file nor a piece of it is kept; the next load succeeds."""
    loaded.files.entries.clear()
    loaded.staff(1, 2, 3, version=2)
    loaded.articles([*ROWS, ["rum", "dear"]], 2)
    before = loaded.rows(), loaded.versions()
    answer = loaded.load()
    assert answer.name == "failed.bad_reply"
    assert "articles-full-2.zip, line 5" in str(answer.data["message"])
    assert (loaded.rows(), loaded.versions()) == before
    assert loaded.rows("staff") == [(1,), (2,)]
    assert loaded.records[-1].outcome == "failed.bad_reply"
    assert loaded.records[-1].sentence == answer.data["message"]
    assert loaded.left() == []
    loaded.files.entries.pop()
    loaded.articles([*ROWS, ["rum", "9.00"]], 3)
    assert loaded.load().name == "ok"
    assert loaded.versions() == {"articles": 3, "staff": 2}


def test_a_manifest_that_cannot_be_used_is_a_bad_reply(loaded: Bench) -> None:
    loaded.files.content["manifest.json"] = b"<html>"
    answer = loaded.load()
    assert answer.name == "failed.bad_reply"
    assert "manifest.json" in str(answer.data["message"])


def test_the_server_s_own_action_tells_the_files_where_there_is_one(loaded: Bench) -> None:
    """The manifest is not asked for then; a refusal is a refusal."""
    loaded.server.tells_files = True
    loaded.changes([["upsert", "tea", "4.00"]], 1, 2)
    loaded.server.exports = loaded.files.entries
    assert loaded.load("changes").data["rows"] == 1
    assert "manifest.json" not in loaded.files.asked
    assert loaded.server.calls["TABLES"] == 1

    def refuse(_action: str, _till: str) -> None:
        raise CallRejected("9", "not this till")

    loaded.server.strike = refuse
    answer = loaded.load("changes")
    assert answer == Answer("rejected", {"code": "9", "message": "not this till"})
    assert loaded.records[-1].outcome == "rejected"


@pytest.mark.parametrize("reason", list(Reason))
def test_files_that_cannot_be_had_fail_with_their_reason(loaded: Bench, reason: Reason) -> None:
    """What was downloaded stays for the next attempt, which does not ask for it again."""
    loaded.files.entries.clear()
    loaded.articles(ROWS[:2], 2)
    loaded.staff(1, version=2)

    def fail(name: str) -> None:
        if name.startswith("staff"):
            raise CallFailed(reason, "the cable")

    loaded.files.before = fail
    answer = loaded.load()
    assert answer.name == f"failed.{reason}"
    assert loaded.records[-1].outcome == f"failed.{reason}"
    assert loaded.versions() == {"articles": 1, "staff": 1}
    kept = loaded.left()
    assert [name.rpartition(".")[2] for name in kept] == ["zip", "part"]
    loaded.files.before = lambda _name: None
    loaded.files.asked.clear()
    assert loaded.load().name == "ok"
    assert loaded.files.asked == ["manifest.json", "staff-full-2.zip"]
    assert loaded.left() == []


def test_a_download_that_was_changed_on_the_disk_is_fetched_anew(loaded: Bench) -> None:
    loaded.files.entries.clear()
    loaded.articles(ROWS[:1], 2)
    loaded.staff(1, version=2)
    loaded.files.before = lambda name: _fail() if name.startswith("staff") else None
    loaded.load()
    (there,) = loaded.downloads.glob("*.zip")
    there.write_bytes(b"x" * there.stat().st_size)
    loaded.files.before = lambda _name: None
    assert loaded.load().name == "ok"
    assert loaded.rows() == [("tea", 3.5)]


def _fail() -> None:
    raise CallFailed(Reason.UNREACHABLE, "the cable")


@pytest.mark.parametrize("when", ["manifest.json", "articles-full-2.zip", "loading"])
def test_a_load_that_nobody_waits_for_ends_at_once(
    loaded: Bench, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Nothing is swapped, and its files stay."""
    loaded.files.entries.clear()
    loaded.articles(ROWS[:1], 2)
    loaded.staff(1, version=2)
    if when == "loading":
        chunks = export.chunks

        def cut(*given: Any) -> Iterator[Any]:
            for chunk in chunks(*given):
                yield chunk
                loaded.cancelled.set()

        monkeypatch.setattr(catalogue_load, "chunks", cut)
    else:
        loaded.files.before = lambda name: loaded.cancelled.set() if name == when else None
    answer = loaded.load()
    assert answer.name == "failed.local_error"
    assert loaded.versions() == {"articles": 1, "staff": 1}
    assert loaded.records[-1].outcome == "cancelled"
    assert "cut off" in loaded.records[-1].sentence
    assert len(loaded.left()) == {"manifest.json": 0, "loading": 2}.get(when, 1)


def test_a_load_that_takes_too_long_ends_with_a_timeout(loaded: Bench) -> None:
    loaded.files.before = lambda _name: loaded.clock.advance(LIMIT)
    answer = loaded.load()
    assert answer.name == "failed.timeout"
    assert "100 s" in str(answer.data["message"])
    assert LOAD.deadline({"limit": LIMIT}) == LIMIT + MARGIN


def test_a_second_load_is_rejected(loaded: Bench) -> None:
    """Whoever began the other one."""
    with loaded.catalogue.load(1.0):
        answer = loaded.load()
    assert answer == Answer("rejected", {"code": "busy", "message": "A load is under way already."})
    assert loaded.files.asked == []


def test_a_catalogue_that_cannot_be_opened_is_this_till_s_own_fault(loaded: Bench) -> None:
    def fail() -> SqliteCatalogue:
        raise Busy("The catalogue is in use by another tillwire.")

    loaded.opened = fail
    answer = loaded.load()
    assert answer.name == "failed.local_error"
    assert answer.data["message"] == "The catalogue is in use by another tillwire."
    assert loaded.records[-1].sentence == answer.data["message"]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Unanswered("No answer came."), "failed.unreachable"),
        (Undone("All of it was undone."), "failed.server_error"),
        (StoreError("It cannot."), "failed.local_error"),
    ],
)
def test_a_database_that_is_away_is_no_fault_of_this_till(
    loaded: Bench, monkeypatch: pytest.MonkeyPatch, fault: StoreError, outcome: str
) -> None:
    """The machine tries such a load again, and no other one that the database could not take."""

    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(type(loaded.catalogue), "versions", fail)
    answer = loaded.load("full")
    assert (answer.name, answer.data["message"]) == (outcome, str(fault))


def test_a_folder_that_cannot_be_made_is_a_sentence(loaded: Bench) -> None:
    loaded.downloads = loaded.downloads.parent / "catalogue.db" / "downloads"
    answer = loaded.load()
    assert answer.name == "failed.local_error"
    assert "could not read or keep the files" in str(answer.data["message"])


def test_without_a_catalogue_a_load_is_refused_with_what_to_do(loaded: Bench) -> None:
    call = Call(
        "0042",
        "01",
        {"timeout": 1.0, "kind": "full", "limit": 1.0},
        loaded.server,
        None,  # type: ignore[arg-type]
        Patience(),
        Event(),
        loaded.clock.wall,
        loaded.clock.monotonic,
        lambda *_: None,
    )
    answer = perform("load", call)
    assert answer.name == "rejected"
    assert "under 'catalogue'" in str(answer.data["message"])


def test_what_loads_leave_behind_is_swept_until_it_is_gone_or_somebody_stops_it(
    loaded: Bench,
) -> None:
    """The table that was replaced is the first."""
    assert loaded.load().name == "ok"
    stop = Event()
    stop.set()
    catalogue_load.sweep(loaded.catalogue, stop)
    assert loaded.catalogue._leftover() is not None
    catalogue_load.sweep(loaded.catalogue, Event())
    assert loaded.catalogue._leftover() is None
