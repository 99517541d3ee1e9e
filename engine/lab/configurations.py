"""The configurations that the lab's central server has for tills.

They are told by webservice, or published into a folder for an FTP server; the manifest there is
written last. Both forms are tillwire's own choice, written here a second time on purpose.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.lab.ledger import LabError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
FOLDER = "config"
MANIFEST = "config.json"


class TillFile(NamedTuple):
    """A file and the tills that it is for; none named: every till of the shop."""

    name: str
    raw: bytes
    tills: tuple[str, ...] = ()


class Configurations:
    """Files by shop, and the tills that the server knows there. Any thread may call.

    ``otherwise`` holds fields of an answer, or of the entry of a file in the manifest, that are
    told in place of the true ones: to see what a till makes of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shops: dict[str, tuple[tuple[str, ...], tuple[TillFile, ...]]] = {}
        self.otherwise: dict[str, object] = {}

    def put(self, shop: str, tills: Sequence[str], files: Sequence[TillFile]) -> None:
        """Know these tills of a shop, and no others, and have these files for them."""
        names = [file.name for file in files]
        if len(set(names)) < len(names):
            raise LabError("Two of the files have one name.")
        if odd := [name for name in names if not _NAME.fullmatch(name) or name == MANIFEST]:
            raise LabError(f"'{odd[0]}' is not a plain name such as shop.yaml.")
        with self._lock:
            self._shops[shop] = (tuple(tills), tuple(files))

    def told(self, shop: str, till: str) -> dict[str, object] | None:
        """What the action CONFIG answers with; None where there is no file for that till."""
        with self._lock:
            tills, files = self._shops.get(shop, ((), ()))
        for file in files:
            if not file.tills or till in file.tills:
                told = _described(file)
                try:
                    told["text"] = file.raw.decode("utf-8")
                except UnicodeDecodeError:
                    told["base64"] = base64.b64encode(file.raw).decode("ascii")
                return {"shop": shop, "tills": list(tills), **told, **self.otherwise}
        return None

    def publish(self, root: Path, shop: str) -> None:
        """Write a shop's files into ``root``/config, the manifest last. LabError when it fails."""
        with self._lock:
            tills, files = self._shops.get(shop, ((), ()))
        rows = []
        for file in files:
            meant = {"tills": list(file.tills)} if file.tills else {}
            rows.append({**_described(file), **meant, **self.otherwise})
        manifest = json.dumps({"shop": shop, "tills": list(tills), "files": rows}).encode()
        contents = [(file.name, file.raw) for file in files]
        folder = root / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, raw in [*contents, (MANIFEST, manifest)]:
                new = folder / f"{name}.new"
                new.write_bytes(raw)
                new.replace(folder / name)
        except OSError as error:
            why = error.strerror or str(error)
            raise LabError(f"The lab cannot publish in {folder}: {why}.") from error


def _described(file: TillFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "size": len(file.raw),
        "sha256": hashlib.sha256(file.raw).hexdigest(),
    }


def read_files(shop: object, tills: object, files: object) -> tuple[str, list[str], list[TillFile]]:
    """What the control was given, as :meth:`Configurations.put` takes it; LabError with why not."""
    if not isinstance(shop, str) or not shop:
        raise LabError("'shop' is the shop's id, a text.")
    known = _texts(tills, "tills")
    if not isinstance(files, Mapping):
        raise LabError('\'files\' is an object such as {"shop.yaml": "shop: …"}.')
    made = []
    for name, text in files.items():
        if not isinstance(text, str):
            raise LabError(f"The file '{name}' is a text.")
        made.append(TillFile(str(name), text.encode("utf-8", "surrogatepass")))
    return shop, known, made


def _texts(found: object, name: str) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise LabError(f"'{name}' is a list of till numbers, each a text.")
    return found
