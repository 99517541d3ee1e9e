"""A till's configuration as the central server offers it, and whether it came whole.

Nothing of it is published: the form is our own choice. By webservice it comes in one reply; on
the FTP server it lies in a folder, beside a manifest that is written last:

    {"shop": "0042", "tills": ["01", "02", "03"],
     "files": [{"name": "shop.yaml", "size": 2310, "sha256": "9f86d0…", "tills": ["01", "02"]}]}
"""

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from engine.server.port import Configuration
from engine.server.program import Said, Unfit, look_up, read_json

FOLDER = "config"
MANIFEST = "config.json"
LARGEST = 1024 * 1024
"""Bytes of a configuration or of its manifest."""
MOST_TILLS = 10_000
MOST_FILES = 10_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"[0-9]{1,10}")
_SHOWN = 60


class OfferedFile(NamedTuple):
    """A file of a manifest. ``tills`` are those that it is for."""

    name: str
    size: int
    sha256: str
    tills: tuple[str, ...]


class Manifest(NamedTuple):
    """What lies in the folder. ``tills`` are those that the server knows."""

    shop: str
    tills: tuple[str, ...]
    files: tuple[OfferedFile, ...]

    def chosen(self, tills: Collection[str]) -> OfferedFile:
        """The one file for all of ``tills``. Raises :class:`Unfit` when there is none."""
        fit = [one for one in self.files if set(tills) <= set(one.tills)]
        who = f"till {' and '.join(sorted(tills))}"
        if not fit:
            raise Unfit(f"it names no file for {who}")
        if len(fit) > 1:
            raise Unfit(f"it names {len(fit)} files for {who}: {fit[0].name} and {fit[1].name}")
        return fit[0]


def read_manifest(raw: bytes) -> Manifest:
    """The manifest of the folder. Raises :class:`Unfit`."""
    data = read_json(raw)
    if not isinstance(data, dict):
        raise Unfit("it is JSON and not an object")
    tills = _tills(data.get("tills"), "its 'tills'")
    rows = data.get("files")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unfit("its 'files' is no list of objects")
    if len(rows) > MOST_FILES:
        raise Unfit(f"it names {len(rows)} files; at most {MOST_FILES} are read")
    files = tuple(_file(row, tills) for row in rows)
    for name, count in Counter(one.name for one in files).items():
        if count > 1:
            raise Unfit(f"it names the file {name} twice")
    return Manifest(_shop(data.get("shop")), tills, files)


def told(said: Said) -> Configuration:
    """The configuration of a reply. Raises :class:`Unfit`."""
    fields = {
        name: look_up(said.fields, name)
        for name in ("shop", "tills", "name", "size", "sha256", "text", "base64")
    }
    tills = fields["tills"]
    known = _tills(read_json(tills) if isinstance(tills, str) else tills, "its 'tills'")
    offered = _file({**fields, "tills": None}, known)
    raw = _bytes(fields["text"], fields["base64"])
    check_whole(raw, offered)
    return Configuration(offered.name, raw, _shop(fields["shop"]), known)


def check_whole(raw: bytes, offered: OfferedFile) -> None:
    """Raises :class:`Unfit` for a file that is not the one that was offered."""
    if len(raw) != offered.size:
        raise Unfit(f"{offered.name} has {len(raw)} bytes where {offered.size} were told")
    found = hashlib.sha256(raw).hexdigest()
    if found != offered.sha256:
        raise Unfit(
            f"{offered.name} is not what was offered: its SHA-256 is {found} where "
            f"{offered.sha256} was told"
        )


def _bytes(text: Any, encoded: Any) -> bytes:
    if isinstance(text, str) and encoded is None:
        return text.encode("utf-8", "surrogatepass")
    if isinstance(encoded, str) and text is None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise Unfit("its 'base64' is no base64") from None
    raise Unfit("it has the file neither as 'text' nor as 'base64', or as both")


def _file(row: Mapping[str, Any], known: tuple[str, ...]) -> OfferedFile:
    name, size, digest, tills = (row.get(key) for key in ("name", "size", "sha256", "tills"))
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Unfit(
            "a file's 'name' is a plain name of letters, digits, '_', '.' and '-', at most 100"
        )
    if isinstance(size, str) and _SIZE.fullmatch(size.strip()):
        size = int(size)
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise Unfit(f"the 'size' of {name} is no whole number of 0 or more")
    if size > LARGEST:
        raise Unfit(f"{name} has {size} bytes; a configuration has at most {LARGEST // 1024} KiB")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest.strip().lower()):
        raise Unfit(f"the 'sha256' of {name} is no SHA-256 in hex")
    meant = known if tills is None else _tills(tills, f"the 'tills' of {name}")
    return OfferedFile(name, size, digest.strip().lower(), meant)


def _tills(found: Any, what: str) -> tuple[str, ...]:
    if not isinstance(found, list) or len(found) > MOST_TILLS:
        raise Unfit(f"{what} is no list of at most {MOST_TILLS} till numbers")
    for one in found:
        if not isinstance(one, str) or not one or len(one) > _SHOWN or not one.isprintable():
            raise Unfit(f'{what} holds a till number that is no text, as in "01"')
    return tuple(dict.fromkeys(found))


def _shop(found: Any) -> str:
    if not isinstance(found, str) or not found or len(found) > _SHOWN or not found.isprintable():
        raise Unfit("its 'shop' is no text, as in \"0042\"")
    return found
