"""Damage to the file of an export: on its way, or in the zip that the server made."""

import bz2
import gzip
import random
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.lab.exports import Entry, fingerprint, read_entries, write_manifest

PAGE = b"<!DOCTYPE html>\n<html><body><h1>401 Unauthorized</h1></body></html>\n"
_LOCAL, _DIRECTORY = b"PK\x03\x04", b"PK\x01\x02"


def seal(folder: Path, entry: Entry, **said: Any) -> None:
    """Makes the manifest say of a file what it is now, and whatever else of it."""
    entries = read_entries(folder)
    for each in entries:
        if each["file"] == entry["file"]:
            each.update(fingerprint(folder / each["file"]))
            each.update(said)
    write_manifest(folder, entries)


def unpacked(folder: Path, entry: Entry) -> bytes:
    """The CSV of an export."""
    with zipfile.ZipFile(folder / entry["file"]) as archive:
        return archive.read(archive.namelist()[0])


def pack(
    folder: Path, entry: Entry, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED
) -> None:
    """Writes the zip anew with these members, and seals it."""
    with zipfile.ZipFile(folder / entry["file"], "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    seal(folder, entry)


def _cut(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    path = folder / entry["file"]
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])
    return entry["file"], "bytes, the manifest says"


def _grown(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    path = folder / entry["file"]
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randrange(1, 100)))
    return entry["file"], "bytes, the manifest says"


def _flipped(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    path = folder / entry["file"]
    content = bytearray(path.read_bytes())
    for at in rng.sample(range(len(content)), rng.randrange(1, 9)):
        content[at] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return entry["file"], "SHA-256 differs"


def _zeroed(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    """A block that the disk never wrote."""
    path = folder / entry["file"]
    content = bytearray(path.read_bytes())
    begin = rng.randrange(len(content) // 2)
    content[begin : begin + 64] = bytes(len(content[begin : begin + 64]))
    path.write_bytes(content)
    return entry["file"], "SHA-256 differs"


def _page(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
    """A log-in page of just the right size."""
    page = PAGE * (entry["size"] // len(PAGE) + 1)
    (folder / entry["file"]).write_bytes(page[: entry["size"]])
    return entry["file"], "SHA-256 differs"


def _gone(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
    (folder / entry["file"]).unlink()
    return entry["file"], "is not there"


def _exchanged(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    """Another export under its name."""
    others = [each for each in read_entries(folder) if each["sha256"] != entry["sha256"]]
    content = (folder / rng.choice(others)["file"]).read_bytes()
    (folder / entry["file"]).write_bytes(content)
    return entry["file"], "manifest"


def _sealed(content: Callable[[bytes, random.Random], bytes], *words: str) -> Any:
    """Damage that puts something in place of the zip."""

    def strike(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
        path = folder / entry["file"]
        path.write_bytes(content(path.read_bytes(), rng))
        seal(folder, entry)
        return entry["file"], *words

    return strike


def _repacked(members: Callable[[str, bytes], Mapping[str, bytes]], *words: str) -> Any:
    """Damage that puts other members into the zip."""

    def strike(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
        pack(folder, entry, members(f"{entry['dataset']}.csv", unpacked(folder, entry)))
        return entry["file"], *words

    return strike


def _patched(field: str, at: tuple[int, int], change: int, *words: str) -> Any:
    """Damage to a number that stands in the header and in the directory of a zip."""

    def strike(folder: Path, entry: Entry, _: random.Random) -> tuple[str, ...]:
        path = folder / entry["file"]
        content = bytearray(path.read_bytes())
        for where in (at[0], content.rfind(_DIRECTORY) + at[1]):
            (number,) = struct.unpack_from(field, content, where)
            struct.pack_into(field, content, where, number + change)
        path.write_bytes(content)
        seal(folder, entry)
        return entry["file"], *words

    return strike


def _one_size(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    """The directory says another size than the header."""
    path = folder / entry["file"]
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rfind(_DIRECTORY) + 24, rng.randrange(1, 10))
    path.write_bytes(content)
    seal(folder, entry)
    return entry["file"], "contradicts itself"


def _broken_inside(content: bytes, rng: random.Random) -> bytes:
    """Bits that were flipped before the manifest was written."""
    spoilt = bytearray(content)
    begin = content.find(b".csv") + 4
    end = content.rfind(_DIRECTORY)
    for at in rng.sample(range(begin, end), min(8, end - begin)):
        spoilt[at] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def _bomb(name: str, csv: bytes) -> Mapping[str, bytes]:
    """Lines that pack to a thousandth: enough of them to outweigh whatever the rows pack to."""
    return {name: csv + b"\n" * max(16 * 1024**2, 200 * len(csv))}


def _other_method(folder: Path, entry: Entry, rng: random.Random) -> tuple[str, ...]:
    members = {f"{entry['dataset']}.csv": unpacked(folder, entry)}
    pack(folder, entry, members, rng.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
    return entry["file"], "another way than deflate"


FILES: Mapping[str, Callable[[Path, Entry, random.Random], tuple[str, ...]]] = {
    "cut": _cut,
    "grown": _grown,
    "bits flipped": _flipped,
    "block of zeros": _zeroed,
    "page of the right size": _page,
    "file gone": _gone,
    "another export": _exchanged,
    "page": _sealed(lambda _, __: PAGE, "is no zip", "web page"),
    "cut when made": _sealed(lambda zipped, rng: zipped[: rng.randrange(4, len(zipped) - 22)]),
    "bits flipped when made": _sealed(_broken_inside),
    "gzip": _sealed(lambda zipped, _: gzip.compress(zipped), "is no zip"),
    "bzip2": _sealed(lambda zipped, _: bz2.compress(zipped), "is no zip"),
    "text in front of the zip": _sealed(lambda zipped, _: b"PK: 1\n" + zipped, "contradicts"),
    "CSV without a zip": _sealed(lambda _, __: b"code,name\r\n", "is no zip"),
    "path": _repacked(lambda name, csv: {f"../../{name}": csv}, "a path for a name"),
    "absolute path": _repacked(lambda name, csv: {f"/etc/{name}": csv}, "a path for a name"),
    "path of Windows": _repacked(lambda name, csv: {f"..\\{name}": csv}, "a path for a name"),
    "drive": _repacked(lambda name, csv: {f"C:{name}": csv}, "a path for a name"),
    "two files": _repacked(lambda name, csv: {name: csv, "b.csv": csv}, "holds 2 files"),
    "no file": _repacked(lambda _, __: {}, "holds 0 files"),
    "bomb": _repacked(_bomb, "times its size"),
    "zip in a zip": _repacked(lambda name, csv: {name: b"PK\x03\x04" + csv}),
    "size too small": _patched("<I", (22, 24), -1, "more bytes than it says"),
    "size too large": _patched("<I", (22, 24), 1, "does not fit"),
    "huge size": _patched("<I", (22, 24), 0x7FFF_0000, "times its size"),
    "packed size too small": _patched("<I", (18, 20), -1, "damaged"),
    "packed size too large": _patched("<I", (18, 20), 1, "does not fit"),
    "two sizes": _one_size,
    "checksum": _patched("<I", (14, 16), -1, "does not fit"),
    "encrypted": _patched("<H", (6, 8), 1, "is encrypted"),
    "other method": _other_method,
    "unknown method": _patched("<H", (8, 10), 90, "another way than deflate"),
}
"""By name: what is done to the file."""
