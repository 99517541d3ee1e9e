"""The zip itself: written beside its name, bounded, with a manifest of what is in it and what not.

Every text that goes in is looked through for the secrets that are known here, whatever made it.
"""

import json
import os
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.definition.secrecy import STARS

FOLDER = "tillwire-support/"
"""The one folder that everything lies in."""

MANIFEST = "manifest.json"

LARGEST = 64_000_000
"""Bytes of all that is packed, before it is compressed: a few MB as a zip."""

SHORTEST_SECRET = 4
"""Signs of a secret that is struck out wherever it stands: a shorter one is a part of any text."""


class Entry(NamedTuple):
    """One thing for the zip: its name, a sentence about it, and its bytes."""

    name: str
    about: str
    content: bytes


class LeftOut(Exception):  # noqa: N818 - it is what becomes of it
    """Something does not go in; the text is a sentence that says why."""


Source = tuple[str, Callable[[], Iterable[Entry]]]
"""A name for what it brings, and what gathers it; it may raise anything."""


@dataclass
class Pack:
    """What has been packed so far. ``secrets`` are struck out of every text."""

    secrets: tuple[str, ...] = ()
    entries: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    size: int = 0

    def take(self, sources: Iterable[Source], archive: zipfile.ZipFile, at: float) -> None:
        """Pack what each source brings. What cannot be had is left out, and said."""
        for name, gather in sources:
            try:
                for entry in gather():
                    self._add(archive, entry, at)
            except _Unwritable:
                raise
            except LeftOut as why:
                self.leave_out(name, str(why))
            except Exception as fault:  # noqa: BLE001 - the rest is worth having all the same
                self.leave_out(name, f"It could not be had: {type(fault).__name__}: {fault}")

    def leave_out(self, name: str, why: str) -> None:
        """Say why something is not there."""
        self.left_out.append({"name": name, "why": self._struck(why)})

    def finish(self, archive: zipfile.ZipFile, about: dict[str, Any], at: float) -> None:
        """Write the manifest, which is always the last."""
        manifest = {**about, "entries": self.entries, "left_out": self.left_out}
        _write(archive, MANIFEST, as_json(manifest), at)

    def _add(self, archive: zipfile.ZipFile, entry: Entry, at: float) -> None:
        content = self._struck(entry.content.decode("utf-8", "replace")).encode()
        if self.size + len(content) > LARGEST:
            raise LeftOut(f"{entry.name} would make the zip larger than it may be.")
        _write(archive, entry.name, content, at)
        self.size += len(content)
        told = {"name": entry.name, "about": entry.about, "bytes": len(content)}
        self.entries.append(told)

    def _struck(self, text: str) -> str:
        for secret in self.secrets:
            if len(secret) >= SHORTEST_SECRET:
                for written in (secret, json.dumps(secret)[1:-1]):
                    text = text.replace(written, STARS)
        return text


class _Unwritable(Exception):  # noqa: N818 - it says what the zip is
    """The zip cannot be written."""


def as_json(data: Any) -> bytes:
    """Data as a person can read it too."""
    return (json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def write_zip(path: Path, fill: Callable[[zipfile.ZipFile], None]) -> None:
    """Have ``path`` hold a zip, whole or not at all. Raises OSError."""
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                fill(archive)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except _Unwritable as fault:
        raise fault.__cause__ or OSError(str(fault)) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


_BINARY = getattr(os, "O_BINARY", 0)  # Windows alone has it


def _write(archive: zipfile.ZipFile, name: str, content: bytes, at: float) -> None:
    moment = max(time.localtime(at)[:6], (1980, 1, 1, 0, 0, 0))  # a zip knows no earlier one
    info = zipfile.ZipInfo(FOLDER + name, moment)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    try:
        archive.writestr(info, content)
    except OSError as fault:
        raise _Unwritable from fault
