"""``tillwire init``: a commented till.yaml, and the API token that it refers to."""

import errno
import os
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError

from engine.definition.machine import load_machine
from engine.definition.reader import parse, read
from engine.effects.table import VOCABULARY
from engine.server.secret import Secret
from engine.server.settings import ServerSettings
from engine.settings import Id, Settings
from engine.shipped import shipped_machine
from engine.tools.template import Answers, till_yaml

WRITTEN, NOT_WRITTEN = 0, 1
TOKEN_BYTES = 32
LOCK_TIMEOUT = 15.0
YES = {"y": True, "yes": True, "o": True, "oui": True, "n": False, "no": False, "non": False}

Reader = Callable[[str], Any]
"""Turns what was typed into a value, or raises ValueError with a sentence."""


def init(path: Path, defaults: bool, force: bool) -> int:
    """Write ``path`` and a token beside it; returns 0, or 1 with a sentence.

    Nothing is overwritten without ``force``, and a token that is already there is kept even
    then: the till program knows it.
    """
    path = path / "till.yaml" if path.is_dir() else path
    token = path.with_suffix(".token")
    if path.exists() and not force:
        return _refuse(f"{path} is already there. Use --force to overwrite it.")
    answers = Answers() if defaults else ask()
    if answers is None:
        return _refuse("The input ended before the last question: nothing was written.")
    text = till_yaml(answers, load_machine(shipped_machine(), VOCABULARY), token.name)
    parse(read(text, str(path)), Settings)  # nothing is written that would be refused later
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = write_token(token)
        _write(path, text, force)
    except OSError as error:
        return _refuse(f"{error.filename or path} cannot be written: {error.strerror or error}.")
    typer.echo(f"Wrote {path}.")
    owner = "which only you may read" if made else "which was there already and stays as it is"
    typer.echo(f"The API's token is in {token}, {owner}.")
    if answers.user is not None:
        typer.echo(f"The server's password is read from {answers.password}: put it there.")
    name = f'"{path}"' if " " in str(path) else str(path)
    typer.echo(f"Next: tillwire check {name}, then tillwire run -c {name}")
    return WRITTEN


def ask() -> Answers | None:
    """Ask for everything that has no good default; None when the input ends."""
    typer.echo("Enter takes the value in brackets.")
    try:
        return _answers()
    except typer.Abort:
        return None


def _answers() -> Answers:
    usual = Answers()
    shop = _ask("The shop's id at the server", usual.shop, _read_id)
    tills = _ask("The till's id, or several with commas", ",".join(usual.tills), _read_ids)
    protocol = _ask("The server's protocol, soap or rest", usual.protocol, _read_protocol)
    url = _ask("The server's address", usual.url, lambda text: _read_url(protocol, text))
    user = _ask("The user that the till logs in with, - for none", usual.user or "-", _read_user)
    password = usual.password
    if user:
        password = _ask(
            "Where the password lies, ${file:path} or ${env:NAME}", password, _read_reference
        )
    while True:
        deduplicates = _ask("Does the server store a ticket sent twice only once", "yes", _read_yes)
        tells = _ask("Has the server an action that tells a ticket's status", "yes", _read_yes)
        if deduplicates or tells:
            break
        typer.echo("One of the two is needed, or a lost answer would store a ticket twice.")
    return Answers(shop, tills, protocol, url, user, password, deduplicates, tells)


def _ask(question: str, usual: str, read: Reader) -> Any:
    """Ask until the answer can be used."""
    while True:
        answer = str(typer.prompt(question, default=usual)).strip()
        try:
            return read(answer)
        except ValueError as error:
            typer.echo(f"{_sentence(error)} Once more, please.")


def _sentence(error: ValueError) -> str:
    """The first fault in words, without what pydantic adds around them."""
    text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    text = text.removeprefix("Value error, ")
    return text[:1].upper() + text[1:].rstrip(".") + "."


_ID: TypeAdapter[str] = TypeAdapter(Id)


def _read_id(text: str) -> str:
    return _ID.validate_python(text)


def _read_ids(text: str) -> tuple[str, ...]:
    ids = tuple(_read_id(part.strip()) for part in text.split(","))
    if len(set(ids)) < len(ids):
        raise ValueError("the same till stands there twice")
    return ids


def _read_protocol(text: str) -> str:
    if text.lower() not in ("soap", "rest"):
        raise ValueError(f"'{text}' is neither soap nor rest")
    return text.lower()


def _read_url(protocol: str, text: str) -> str:
    return ServerSettings.model_validate({"protocol": protocol, "url": text}).url


def _read_user(text: str) -> str | None:
    if not text.isprintable():
        raise ValueError("a user's name has no control characters")
    return None if text == "-" else text


def _read_reference(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a reference has no control characters")
    return Secret(text).reference


def _read_yes(text: str) -> bool:
    if text.lower() not in YES:
        raise ValueError("answer yes or no")
    return YES[text.lower()]


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
    part.replace(path)


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
