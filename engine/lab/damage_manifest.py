"""Damage to the manifest, or to what it says of an export."""

import json
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.lab.damage_files import PAGE
from engine.lab.exports import MANIFEST, Entry, read_entries, write_manifest

Strike = Callable[[Path, Entry, random.Random], tuple[str, ...]]


def _said(words: tuple[str, ...], **said: Any) -> Strike:
    """The manifest says something else of the export; None leaves a key out."""

    def strike(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
        entries = read_entries(folder)
        for each in entries:
            if each["file"] == entry["file"]:
                for key, value in said.items():
                    each[key] = value(each) if callable(value) else value
                    if value is None:
                        del each[key]
        write_manifest(folder, entries)
        return words

    return strike


def _text(change: Callable[[str, random.Random], str | bytes], *words: str) -> Strike:
    """The manifest is another text."""

    def strike(folder: Path, _: Entry, rng: random.Random) -> tuple[str, ...]:
        path = folder / MANIFEST
        text = change(path.read_text(encoding="utf-8"), rng)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return MANIFEST, *words

    return strike


def _counted(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    """The manifest counts more or fewer rows than there are."""
    rows = entry["rows"] + rng.choice((-1, 1, entry["rows"]))
    _said((), rows=rows)(folder, entry, rng)
    return entry["file"], f"the manifest says {rows}"


def _of(key: str, *words: str) -> tuple[str, ...]:
    return (MANIFEST, "export ", f"'{key}'", *words)


def _digest(entry: Entry) -> str:
    first = "0" if entry["sha256"][0] != "0" else "1"
    return first + str(entry["sha256"][1:])


def _twice(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
    write_manifest(folder, [*read_entries(folder), entry])
    return MANIFEST, entry["dataset"], "the same too"


def _one_file(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
    """Two exports have one file, on systems that know no capitals."""
    second = {**entry, "version_to": entry["version_to"] + 50, "file": entry["file"].upper()}
    write_manifest(folder, [*read_entries(folder), second])
    return MANIFEST, entry["dataset"], "has the file"


MANIFESTS: Mapping[str, Strike] = {
    "manifest cut": _text(lambda text, rng: text[: rng.randrange(1, len(text) - 2)], "JSON"),
    "manifest empty": _text(lambda _, __: "", "is empty"),
    "manifest is a page": _text(lambda _, __: PAGE, "web page"),
    "manifest is not UTF-8": _text(lambda text, _: text.encode() + b"\xe9", "0xe9 is not UTF-8"),
    "manifest is a list": _text(lambda text, _: f"[{text}]", "no JSON object"),
    "manifest nests": _text(lambda _, __: "[" * 200_000, "nests too deeply"),
    "manifest of another format": _text(
        lambda text, _: text.replace("exports/1", "exports/2"), "'format' is"
    ),
    "manifest with an unknown key": _text(
        lambda text, _: text.replace('"exports"', '"sorted": true, "exports"'), "no key 'sorted'"
    ),
    "manifest without exports": _text(
        lambda text, _: json.dumps({"format": json.loads(text)["format"]}), "'exports' is missing"
    ),
    "key of JSON twice": _text(
        lambda text, _: text.replace('"rows"', '"rows": 1, "rows"', 1), "'rows' stands twice"
    ),
    "number without end": _text(
        lambda text, _: text.replace('"rows": ', '"rows": ' + "9" * 5000, 1), "more digits"
    ),
    "no number": _text(lambda text, _: text.replace('"rows": ', '"rows": NaN, "x": '), "NaN"),
    "export is no object": _text(
        lambda text, _: text.replace('"exports": [', '"exports": [7,'), "export 1", "not 7"
    ),
    "wrong digest": _said(("SHA-256 differs",), sha256=_digest),
    "no digest": _said(_of("sha256", "is missing"), sha256=None),
    "short digest": _said(_of("sha256"), sha256=lambda entry: entry["sha256"][:40]),
    "wrong size": _said(("bytes, the manifest says",), size=lambda entry: entry["size"] + 1),
    "size is a text": _said(_of("size", "a whole number"), size=lambda e: str(e["size"])),
    "size is a fraction": _said(_of("size", "a whole number"), size=lambda e: e["size"] + 0.5),
    "size is huge": _said(_of("size", "a whole number"), size=10**15),
    "wrong count": _counted,
    "negative count": _said(_of("rows", "a whole number"), rows=-1),
    "version is true": _said(_of("version_to", "a whole number"), version_to=True),
    "version from itself": _said(("version",), version_from=lambda entry: entry["version_to"]),
    "unknown kind": _said(_of("kind", "'partial'"), kind="partial"),
    "unknown key": _said((MANIFEST, "no key 'colour'"), colour="red"),
    "file with a path": _said((MANIFEST, "no name of a file"), file="../../till.yaml"),
    "file with a path of Windows": _said((MANIFEST, "no name of a file"), file="..\\till.yaml"),
    "file of a device": _said((MANIFEST, "no name of a file"), file="NUL.zip"),
    "file without a name": _said((MANIFEST, "no name of a file"), file=""),
    "export twice": _twice,
    "file twice": _one_file,
}
"""By name: what is done to the manifest."""
