"""One owner at a time, on either system; names that are on the disk."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.store import Busy, DiskFull, NotWritable, files
from engine.store.files import LOCKED_BYTE, make_directory, own, sync_directory, sync_file


class FakeMsvcrt(SimpleNamespace):
    """Windows's byte locks as far as they are used: one holder per place, OSError at once."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[int, int], int] = {}

    def locking(self, descriptor: int, mode: int, length: int) -> None:
        """Locks where the descriptor stands, for as long as that descriptor is open."""
        assert (mode, length) == (self.LK_NBLCK, 1)
        place = os.fstat(descriptor).st_ino, os.lseek(descriptor, 0, os.SEEK_CUR)
        holder = self.held.setdefault(place, descriptor)
        if holder != descriptor:
            raise PermissionError(13, "Permission denied")


@pytest.fixture(params=["posix", "nt"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each system's way, Windows's with its module played."""
    name: str = request.param
    if name != os.name:
        played = "msvcrt" if name == "nt" else "fcntl"
        monkeypatch.setitem(sys.modules, played, FakeMsvcrt())
    return name


def test_a_second_owner_is_refused_and_told_who_has_it(path: Path, system: str) -> None:
    """Busy at once, with the number of the process that holds it."""
    lock = own(path, system)
    with pytest.raises(Busy, match=rf"{path.name} is in use .*\(process {os.getpid()}\)"):
        own(path, system)
    lock.release()
    lock.release()


def test_a_released_lock_can_be_taken_again(path: Path) -> None:
    """The file stays, the lock does not."""
    own(path).release()
    assert path.with_name("till.db.lock").read_text() == str(os.getpid())
    own(path).release()


def test_windows_locks_a_byte_far_from_the_number(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locked byte cannot be read there: the number of the process must stay readable."""
    played = FakeMsvcrt()
    monkeypatch.setitem(sys.modules, "msvcrt", played)
    own(path, "nt").release()
    assert [place for _, place in played.held] == [LOCKED_BYTE]
    assert path.with_name("till.db.lock").read_text() == str(os.getpid())


@pytest.mark.parametrize("content", [b"", b"nobody\xff"])
def test_a_holder_without_a_number_is_just_another(path: Path, content: bytes) -> None:
    """A lock file that says nothing gives a shorter sentence."""
    lock = own(path)
    lock.path.write_bytes(content)
    with pytest.raises(Busy, match=r"another tillwire\. Only one"):
        own(path)
    lock.release()


def test_a_holder_that_cannot_be_read_is_just_another(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence does not fail for want of a number."""
    lock = own(path)

    def fail(*_: int) -> bytes:
        raise OSError(5, "I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "read", fail)
        with pytest.raises(Busy, match=r"another tillwire\. Only one"):
            own(path)
    lock.release()


def test_a_full_disk_still_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the process is a courtesy, the lock is not."""

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", fail)
        lock = own(path)
    with pytest.raises(Busy):
        own(path)
    lock.release()


@pytest.mark.parametrize(
    ("error", "kind"),
    [(PermissionError(13, "Permission denied"), NotWritable), (OSError(28, "full"), DiskFull)],
)
def test_a_lock_file_that_cannot_be_made_is_a_sentence_about_the_database(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, kind: type[Exception]
) -> None:
    """The person knows the database, not the lock."""

    def fail(*_: object) -> int:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", fail)
        with pytest.raises(kind, match=r"till\.db[ .]"):
            own(path)


def test_a_directory_is_synced_where_the_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One fsync on POSIX; Windows has no such call and makes none."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    sync_directory(tmp_path, "nt")
    assert synced == []
    sync_directory(tmp_path, "posix")
    (tmp_path / "file").touch()
    sync_file(tmp_path / "file")
    assert len(synced) == 2


def test_each_new_directory_is_synced_in_the_one_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the top down, and nothing for what was there."""
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_directory", synced.append)
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]
