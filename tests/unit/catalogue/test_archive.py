"""The zip of an export: what its structure may be, beyond the damages of the lab."""

import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.catalogue import archive
from engine.catalogue.export import verify
from tests.unit.catalogue.exports import sealed, sheet, told, zipped

CONTENT = sheet(("code", "name", "price"), ("A", "", ""))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good export."""
    path = tmp_path / "a.zip"
    zipped(path, CONTENT, 1)
    return path


def test_a_zip_behind_another_is_refused(path: Path) -> None:
    """Programs differ in which of two files they read in it."""
    path.write_bytes(path.read_bytes() * 2)
    said = "a.zip contradicts itself: its header and its directory differ."
    assert told(path, sealed(path, 1)) == said


def test_a_member_of_two_names_is_refused(path: Path) -> None:
    """The header names another file than the directory."""
    path.write_bytes(path.read_bytes().replace(b"articles.csv", b"articles.exe", 1))
    said = "a.zip contradicts itself: its header and its directory differ."
    assert told(path, sealed(path, 1)) == said


def test_a_large_directory_is_not_read(path: Path) -> None:
    """It could fill the memory before it is known how many files there are."""
    with zipfile.ZipFile(path, "w") as zipped_many:
        for number in range(6000):
            zipped_many.writestr(f"{number:0200d}", b"")
    said = "a.zip is no whole zip: its directory is too large."
    assert told(path, sealed(path, 1)) == said


def test_a_directory_that_points_outside_is_refused(path: Path) -> None:
    """Before the file's begin, and behind its end."""
    for where, value in ((16, 0x7FFF_FFFF), (12, 0x000F_FFFF)):
        raw = bytearray(path.read_bytes())
        struct.pack_into("<I", raw, raw.rfind(b"PK\x05\x06") + where, value)
        other = path.with_name(f"{where}.zip")
        other.write_bytes(raw)
        assert told(other, sealed(other, 1)).startswith(f"{where}.zip ")


def test_a_seek_that_the_system_refuses_is_a_fault_of_the_zip(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other refusal of the system's is a fault of this machine, and passes."""

    def refusing(code: int) -> Any:
        def open_zip(file: io.FileIO) -> zipfile.ZipFile:
            raise OSError(code, os.strerror(code))

        return open_zip

    export = sealed(path, 1)
    monkeypatch.setattr(zipfile, "ZipFile", refusing(22))
    assert told(path, export) == "a.zip is no whole zip: it points outside itself."
    monkeypatch.setattr(zipfile, "ZipFile", refusing(5))
    with pytest.raises(OSError, match="Input/output error"):
        verify(path, export)


def test_a_text_has_a_largest_size(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the ratio."""
    monkeypatch.setattr(archive, "LARGEST_TEXT", len(CONTENT) - 1)
    assert told(path, sealed(path, 1)) == (
        f"a.zip unpacks to {len(CONTENT)} bytes; at most {len(CONTENT) - 1} are taken."
    )


def test_a_small_file_may_have_any_ratio(path: Path) -> None:
    """A table of one value is no bomb."""
    rows = [("A", "x" * 100, "")] * 20_000
    content = sheet(("code", "name", "price"), *rows)
    export = zipped(path, content, 20_000)
    assert len(content) > archive.HIGHEST_RATIO * export.size
    verify(path, export)
