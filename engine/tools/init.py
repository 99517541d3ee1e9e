"""``tillwire init``: a commented till.yaml, and the API token that it refers to."""

import errno
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from engine.definition.machine import load_machine
from engine.definition.reader import parse, read
from engine.effects.table import VOCABULARY
from engine.settings import Settings
from engine.shipped import shipped_machine
from engine.swapping import rename
from engine.tools import schema
from engine.tools.questions import InputEnded, NotTaken, Questions, given
from engine.tools.template import Answers, till_yaml

WRITTEN, NOT_WRITTEN = 0, 1
TOKEN_BYTES = 32
LOCK_TIMEOUT = 15.0


def init(path: Path, defaults: bool, force: bool, settings: Sequence[str] = ()) -> int:
    """Write ``path`` and a token beside it; returns 0, or 1 with a sentence.

    ``settings`` are ``KEY=VALUE``: they are not asked for. Nothing is overwritten without
    ``force``, and a token that is already there is kept even then: the till program knows it.
    """
    path = path / "till.yaml" if path.is_dir() else path
    token = path.with_suffix(".token")
    if path.exists() and not force:
        return _refuse(f"{path} is already there. Use --force to overwrite it.")
    try:
        answers = Questions(given(settings), silent=defaults).answers()
    except InputEnded:
        return _refuse("The input ended before the last question: nothing was written.")
    except NotTaken as fault:
        return _refuse(str(fault))
    text = till_yaml(answers, load_machine(shipped_machine(), VOCABULARY), token.name)
    parse(read(text, str(path)), Settings)  # nothing is written that would be refused later
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = write_token(token)
        example = _write_datasets(path.parent, answers.datasets)
        schema.write(path.parent / schema.FOLDER)
        _write(path, text, force)
    except OSError as error:
        return _refuse(f"{error.filename or path} cannot be written: {error.strerror or error}.")
    typer.echo(f"Wrote {path}.")
    owner = "which only you may read" if made else "which was there already and stays as it is"
    typer.echo(f"The API's token is in {token}, {owner}.")
    if example is not None:
        typer.echo(f"Wrote {example}, an example: declare in it what your server publishes.")
    for whose, where in _passwords(answers):
        typer.echo(f"{whose} password is read from {where}: put it there.")
    typer.echo(f"Editors find the meaning of every key in {path.parent / schema.FOLDER}.")
    name = f'"{path}"' if " " in str(path) else str(path)
    typer.echo(f"Next: tillwire check {name}, then tillwire run -c {name}")
    return WRITTEN


def _write_datasets(folder: Path, name: str | None) -> Path | None:
    """The example that comes with the program, where there is no such file yet."""
    if name is None or (folder / name).exists():
        return None
    _write(folder / name, shipped_machine("datasets").read_text("utf-8"), force=False)
    return folder / name


def _passwords(answers: Answers) -> Iterator[tuple[str, str]]:
    if answers.user is not None:
        yield "The server's", answers.password
    if answers.database is not None and answers.database.user is not None:
        yield "The database's", answers.database.password
    if answers.ftp is not None and answers.ftp.password is not None:
        yield "The FTP server's", answers.ftp.password


def _refuse(sentence: str) -> int:
    typer.echo(sentence, err=True)
    return NOT_WRITTEN


def _write(path: Path, text: str, force: bool) -> None:
    """All of the text or nothing: a till must never find half a file."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if path.exists() and not force:
        part.unlink()
        raise FileExistsError(errno.EEXIST, "it is already there", str(path))
    rename(part, path)


def write_token(path: Path) -> bool:
    """Make a token that only its owner may read; False when there is one already."""
    if path.exists() and path.stat().st_size:
        return False
    path.unlink(missing_ok=True)
    # The file stays empty until nobody else may open it.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        if os.name == "nt":
            _lock(path)
        file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    return True


def _lock(path: Path) -> None:
    """Windows has no mode bits: its access list is narrowed by its own command."""
    try:
        subprocess.run(windows_lock(path), check=True, capture_output=True, timeout=LOCK_TIMEOUT)
    except subprocess.SubprocessError as error:
        raise OSError(errno.EACCES, "icacls cannot keep it to its owner", str(path)) from error


def windows_lock(path: Path) -> list[str]:
    """The command that leaves a file to its owner and to the account that services run under."""
    owner = os.environ.get("USERNAME", "")
    domain = os.environ.get("USERDOMAIN", "")
    account = f"{domain}\\{owner}" if domain else owner
    system = "*S-1-5-18"
    return [
        "icacls",
        str(path),
        "/inheritance:r",
        "/grant:r",
        f"{account}:F",
        f"{system}:F",
    ]
