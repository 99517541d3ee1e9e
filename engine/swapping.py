"""A file swapped for a new one at once, the one of before kept beside it."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

PREVIOUS = ".previous"

HELD = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between two tries to give a name that is refused: Windows lets nobody replace or rename
a file that a virus scanner or an editor has open, and a scanner opens what was just written."""


def replace(path: Path, text: str) -> None:
    """Keep what ``path`` holds as ``.previous`` and put ``text`` in its place.

    Each of the two files is at any moment whole, as it was or as it will be, whatever is killed
    or loses its power. Raises OSError; ``path`` is as it was then.
    """
    old = path.read_bytes()
    put(path.with_name(path.name + PREVIOUS), old, path)
    put(path, text.encode("utf-8"), path)


def put(path: Path, content: bytes, like: Path) -> None:
    """Have ``path`` hold ``content``, for the accounts that may read ``like``.

    At any moment it is whole, as it was or as it will be. Raises OSError.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            _give(part, like)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename(part, path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_names(path.parent)


def rename(part: Path, path: Path, system: str = os.name) -> None:
    """Give ``part`` the name ``path``, in place of a file of that name, however briefly another
    process holds one of the two. Raises OSError."""
    for pause in HELD:
        try:
            part.replace(path)
        except PermissionError:
            if system != "nt":
                raise
        else:
            return
        time.sleep(pause)
    part.replace(path)


def _give(part: Path, like: Path) -> None:
    """The account that runs the agent must be able to read it as before, and no other one."""
    shutil.copymode(like, part)
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(part, like.stat().st_uid, like.stat().st_gid)


def _sync_names(folder: Path) -> None:
    """So that a power cut does not bring the old name back. Windows has no call for it, and some
    file systems refuse it."""
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
