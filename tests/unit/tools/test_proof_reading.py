"""``tillwire proof``: what cannot be read, and days that are hard to read."""

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.lab.stub import StubServer
from engine.tools.proof import proof as run_proof
from engine.tools.spans import between, size, spans, within, without, written
from tests.unit.tools.days import DAY, Prove, tamper


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--day", "14/3"), "'14/3' is no day: write it as 2026-11-24, or today."),
        (("--day", "2026-02-30"), "'2026-02-30' is no day: write it as 2026-11-24, or today."),
        (("--day", "9999-12-31"), "'9999-12-31' is no day: write it as 2026-11-24, or today."),
        (("--day", DAY, "--till", "1"), "till.yaml names no till '1'."),
    ],
)
def test_what_cannot_be_proven_is_2_and_a_sentence(
    tillwire: Any,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    """Nothing on standard output."""
    monkeypatch.chdir(path.parent)
    result = tillwire("proof", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(sentence)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no database "),
        (b"", "the file is empty (zero bytes)"),
        (b"SQLite format 3\x00" + b"x" * 4096, "cannot be used"),
    ],
)
def test_a_database_that_cannot_be_read_is_2(
    tillwire: Any, path: Path, content: bytes | None, sentence: str
) -> None:
    """Gone, empty, or something else: never taken for a day without tickets."""
    path.unlink()
    for companion in ("till.db-wal", "till.db-shm"):
        path.with_name(companion).unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    result = tillwire("proof", "--day", DAY, "-c", path.with_name("till.yaml"))
    assert (result.code, result.out) == (2, "")
    assert sentence in result.err


def test_a_number_that_is_none_is_2(tillwire: Any, path: Path) -> None:
    """SQLite keeps a word where a number belongs; nothing can be proven with that."""
    tamper(path, "UPDATE tickets SET number = 'seven' WHERE number = 7")
    result = tillwire("proof", "--day", DAY, "-c", path.with_name("till.yaml"))
    assert (result.code, result.out) == (2, "")
    assert "the number of a ticket is no number" in result.err


def test_a_day_that_nothing_was_sold_on_is_complete(
    tillwire: Any, path: Path, server: StubServer
) -> None:
    """There is nothing to ask, and that is said."""
    result = tillwire("proof", "--day", "2026-03-20", "-c", path.with_name("till.yaml"))
    assert result.code == 0
    assert "no ticket was accepted, so there is nothing to ask." in result.out
    assert server.calls["TICKETCOUNT"] == 0


def test_a_copy_in_a_folder_that_nobody_may_write_to_is_read(
    prove: Prove, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite cannot make its files beside it: without a log none is needed."""
    real: Callable[..., sqlite3.Connection] = sqlite3.connect

    def guarded(address: str, **details: Any) -> sqlite3.Connection:
        if address.endswith("?mode=ro"):
            raise sqlite3.OperationalError("unable to open database file")
        return real(address, **details)

    monkeypatch.setattr("sqlite3.connect", guarded)
    assert prove()[0] == 0
    path.with_name("till.db-wal").write_bytes(b"something that was not written back")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert run_proof(path.with_name("till.yaml"), DAY, None, json=True) == 2


def test_a_till_yaml_that_is_refused_is_2(tillwire: Any, tmp_path: Path) -> None:
    """With what is wrong with it: 1 is for days that are not complete."""
    (tmp_path / "till.yaml").write_text("shop: 42\n", encoding="utf-8")
    result = tillwire("proof", "--day", "today", "-c", tmp_path / "till.yaml")
    assert (result.code, result.out) == (2, "")
    assert "write it in quotes" in result.err


def test_numbers_are_handled_in_spans() -> None:
    """What is written is what was read, and a leap of a billion costs nothing."""
    read = spans("5, 9-11,2000000000-4000000000")
    assert read == [(5, 5), (9, 11), (2_000_000_000, 4_000_000_000)]
    assert written(read) == "5,9-11,2000000000-4000000000"
    assert spans("") == []
    assert list(between(1, 12, read)) == [(1, 4), (6, 8), (12, 12)]
    assert list(between(5, 5, read)) == []
    assert without(read[:2], [9, 10]) == [(5, 5), (11, 11)]
    assert within(read, [4, 5, 10, 12, 3_000_000_000]) == [5, 10, 3_000_000_000]
    assert size(read[:2]) == 4
