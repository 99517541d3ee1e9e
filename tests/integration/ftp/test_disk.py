"""The till's disk: room for tickets, nothing half written, nothing left lying about."""

import errno
import os
import shutil
import stat
import subprocess
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.lab.ftp import FtpLab
from engine.server import ftp_part
from engine.server.ftp import FtpSource, sweep_parts
from engine.server.port import CallFailed, Reason
from tests.integration.ftp.conftest import Blob

Source = Callable[..., FtpSource]
BOUND = 20.0
Usage = namedtuple("Usage", "total used free")


def test_room_is_looked_for_before_anything_is_asked(
    lab: FtpLab, source: Source, blob: Blob, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there already counts; 32 MiB stay free for tickets."""
    free = ftp_part.RESERVE + 500_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, free))
    with pytest.raises(CallFailed, match=r"35 MB are needed on the disk of .*, 34 MB") as caught:
        source(lab.port).fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert not lab.commands
    target.with_name("articles.zip.part").write_bytes(blob.content[:600_000])
    source(lab.port).fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 600 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    subprocess.run(mount, check=True, timeout=20)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True, timeout=20)


def test_a_disk_that_fills_up_meanwhile_is_given_back(
    lab: FtpLab,
    source: Source,
    blob: Blob,
    small_disk: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The half of a file that fills the disk would keep tickets out."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 10**9))
    target = small_disk / "articles.zip"
    with pytest.raises(CallFailed, match="No space left on device") as caught:
        source(lab.port).fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert str(target) in caught.value.message
    assert target.with_name("articles.zip.part").stat().st_size == 0
    assert not target.exists()


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_disk_that_fails_is_the_tills_own_fault(
    lab: FtpLab,
    source: Source,
    blob: Blob,
    target: Path,
    call: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At whatever step; no file is there then, and the next call brings it."""

    def fails(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        if call == "write":
            target.parent.mkdir()
            target.with_name("articles.zip.part").mkdir()
        elif call == "fsync":
            broken.setattr(os, "fsync", fails)
        else:
            broken.setattr(Path, "replace", fails)
        with pytest.raises(CallFailed, match=r"the file .*articles\.zip\.part cannot be") as caught:
            source(lab.port).fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert not target.exists()
    if call == "write":
        target.with_name("articles.zip.part").rmdir()
    source(lab.port).fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert target.read_bytes() == blob.content


def test_a_file_has_its_name_only_when_its_bytes_are_on_the_disk(
    lab: FtpLab, source: Source, blob: Blob, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flushed, then renamed, then the folder flushed: a power cut leaves it whole or away."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushing(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def renaming(path: Path, to: Path) -> Path:
        done.append("name")
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(Path, "replace", renaming)
    source(lab.port).fetch(blob.name, target, *blob.expected, deadline=BOUND)
    assert done == ["file", "name", "folder"]


def test_a_large_file_goes_to_the_disk_in_steps(
    lab: FtpLab, source: Source, folder: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket that is kept meanwhile does not wait for the whole of it."""
    flushed: list[int] = []
    fsync = os.fsync

    def flushing(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    large = Blob("large.zip", bytes(20_000_000))
    (folder / "exports" / large.name).write_bytes(large.content)
    monkeypatch.setattr(os, "fsync", flushing)
    source(lab.port).fetch(large.name, target, *large.expected, deadline=BOUND)
    steps = [after - before for before, after in zip([0, *flushed[:-2]], flushed[:-1], strict=True)]
    assert len(flushed) == 4, "twice on the way, at the end, and the folder"
    assert max(steps) <= 9_000_000


def test_what_no_export_needs_is_swept(tmp_path: Path) -> None:
    """Downloads and parts alone; what a person put there, other zips too, and folders, stay."""
    one, two, three = (f"articles-{digit * 20}.zip" for digit in "12a")
    others = ["accounts-2025.zip", "half.part", "notes.txt"]
    for name in (one, two, f"{two}.part", f"{three}.part", three.upper(), *others):
        (tmp_path / name).touch()
    (tmp_path / f"old-{'0' * 20}.zip").mkdir()
    others.append(f"old-{'0' * 20}.zip")
    sweep_parts(tmp_path, {two})
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([*others, two, f"{two}.part"])
    sweep_parts(tmp_path, ())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(others)


def test_a_folder_that_is_not_there_needs_no_sweeping(tmp_path: Path) -> None:
    sweep_parts(tmp_path / "none", ())


def test_a_file_that_cannot_be_swept_now_is_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a file in use cannot be removed; the others are."""
    unlink = Path.unlink

    def busy(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("a-"):
            raise PermissionError(errno.EACCES, "in use")
        unlink(path, missing_ok)

    for name in "ab":
        (tmp_path / f"{name}-{'0' * 20}.zip").touch()
    monkeypatch.setattr(Path, "unlink", busy)
    sweep_parts(tmp_path, ())
    assert [path.name[0] for path in tmp_path.iterdir()] == ["a"]
