"""What the account of the agent may read and write, and what has to be changed for it."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.server.secret import REFERENCE
from engine.settings import Settings, effective
from engine.tools.service.host import Account

READ, WRITE, ENTER = 4, 2, 1

LAST_GOOD = ".last-good"

SHARED = frozenset({"/var/lib", "/var/log", "/var/opt", "/usr/local", "/usr/share", "/usr/lib"})
"""Folders of many programs; those right below / are too."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Paths of a till.yaml, absolute: files that are read, files that are written, and the
    folders that the latter lie in."""

    read: tuple[Path, ...]
    written: tuple[Path, ...]
    folders: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that has to be different on the disk; ``sentence`` tells it."""

    path: Path
    sentence: str
    mode: int
    given: bool = False
    makes: bool = False

    def make(self, account: Account) -> None:
        """Raises OSError."""
        if self.makes:
            self.path.mkdir(parents=True)
        os.chown(self.path, account.user if self.given else -1, account.group)
        self.path.chmod(self.mode)


def reach(settings: Settings, config: Path) -> Reach:
    """What an agent of ``settings`` reads and writes on this disk."""
    folder, catalogue, ftp = settings.folder, settings.catalogue, settings.server.ftp
    names = [settings.machine, settings.server.ca_file, ftp.ca_file if ftp else None]
    names.append(catalogue.datasets if catalogue else None)
    for value in effective(settings):
        names += [name for kind, name in REFERENCE.findall(value.value) if kind == "file"]
    read = [config, *(folder / name.strip() for name in names if name)]
    written, folders = [config.with_name(config.name + LAST_GOOD)], []
    if settings.database.kind == "sqlite":
        written += [settings.database_path, *filter(None, [settings.catalogue_path])]
        folders += [path.parent for path in written[1:]]
    else:
        folders.append(config.parent)  # the last good files lie there or nowhere
    if settings.log_path is not None:
        written.append(settings.log_path)
        folders.append(settings.log_path.parent)
    if catalogue is not None:
        folders.append(folder / catalogue.downloads)
    return Reach(_each(read), _each(written), _each(folders))


def _each(paths: list[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(Path(os.path.normpath(path)) for path in paths))


def unfit_folders(reached: Reach) -> list[str]:
    """Sentences about folders that cannot be given to one service."""
    return [
        f"The agent would write to {folder}, which others use too. Give it a folder of its own in "
        "till.yaml, as with database.path: /var/lib/tillwire/tillwire.db."
        for folder in reached.folders
        if len(folder.parts) <= 2 or str(folder) in SHARED
    ]


def changes(reached: Reach, account: Account | None) -> Iterator[Change]:
    """What has to be changed for ``account``; None: it is not there yet, and so has no rights."""
    for folder in reached.folders:
        if not folder.exists():
            yield Change(folder, f"makes the folder {folder}", 0o750, given=True, makes=True)
        elif not _may(folder, account, READ | WRITE | ENTER):
            yield Change(folder, f"lets it write to the folder {folder}", _mode(folder) | 0o070)
    entered = dict.fromkeys(path.parent for path in reached.read)
    for folder in entered:
        if folder.exists() and folder not in reached.folders and not _may(folder, account, ENTER):
            yield Change(folder, f"lets it enter the folder {folder}", _mode(folder) | 0o010)
    for path in reached.read:
        if path.is_file() and not _may(path, account, READ):
            yield Change(path, f"lets it read {path}", _mode(path) | 0o040)
    for path in reached.written:
        # A database has files beside it whose names begin with its own; a log has older ones.
        for file in sorted(path.parent.glob(f"{path.name}*")):
            if file.is_file() and not file.is_symlink() and not _owned(file, account):
                yield Change(file, f"gives it {file}", _mode(file) | 0o600, given=True)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _owned(path: Path, account: Account | None) -> bool:
    return account is not None and path.stat().st_uid == account.user


def _may(path: Path, account: Account | None, wanted: int) -> bool:
    """By owner, group and mode; access lists are not looked at."""
    found = path.stat()
    granted = found.st_mode
    if account is not None and found.st_uid == account.user:
        granted >>= 6
    elif account is not None and found.st_gid == account.group:
        granted >>= 3
    return granted & wanted == wanted
