"""What the server offers: the exports that its manifest or its answer lists.

The manifest is written last. What it does not list does not exist, and nothing is believed of
a file that is not as it says.
"""

import json
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from engine.catalogue.tables import Table
from engine.problems import did_you_mean

Kind = Literal["full", "changes"]
MANIFEST = "manifest.json"
OFFER = "the server's list of exports"
FORMAT = "tillwire-exports/1"
LARGEST_MANIFEST = 4 * 1024 * 1024
"""Bytes of a manifest; a larger one is refused."""
LARGEST_FILE = 2 * 1024**3
"""Bytes of an export as it travels."""
MOST_ROWS = 1_000_000_000
LARGEST_VERSION = 2**63 - 1
MOST_EXPORTS = 10_000

_KEYS = ("dataset", "kind", "version_from", "version_to", "file", "size", "rows", "sha256")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}(?<!\.)", re.ASCII)
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Export:
    """One file that the server offers: the whole of a dataset, or what changed in it.

    ``version_from`` is None for the whole. ``size`` is in bytes, ``rows`` without the header,
    ``sha256`` in lower-case hex.
    """

    dataset: str
    kind: Kind
    version_from: int | None
    version_to: int
    file: str
    size: int
    rows: int
    sha256: str


class Unusable(Exception):  # noqa: N818 - it is what the file is, not a fault of ours
    """An export or a manifest cannot be used. The text is a sentence: file, line, what is wrong."""


class Gap(Unusable):
    """The changes do not join on to what the till has: a full load is needed."""


def read_manifest(text: bytes, tables: Sequence[Table]) -> tuple[Export, ...]:
    """The exports of the declared tables. Raises :class:`Unusable`.

    Exports of datasets that are not declared here are nobody's business here and left out.
    """
    if len(text) > LARGEST_MANIFEST:
        raise Unusable(f"{MANIFEST} has more than {LARGEST_MANIFEST // 1024**2} MiB.")
    data = _parsed(text)
    if not isinstance(data, dict):
        raise Unusable(f"{MANIFEST} is no JSON object with 'format' and 'exports'.")
    for key in data:
        if key not in ("format", "made", "exports"):
            raise Unusable(f"{MANIFEST}: there is no key '{_short(key)}' in a manifest.")
    if data.get("format") != FORMAT:
        found = f"not {_told(data['format'])}" if "format" in data else "and it is missing"
        raise Unusable(f"{MANIFEST}: 'format' is '{FORMAT}', {found}.")
    if not isinstance(data.get("made", ""), str):
        raise Unusable(f"{MANIFEST}: 'made' is a text, not {_told(data['made'])}.")
    if not isinstance(data.get("exports"), list):
        raise Unusable(f"{MANIFEST}: 'exports' is missing, or is no list.")
    return _exports(data["exports"], tables, MANIFEST)


def read_offer(offered: Sequence[Mapping[str, Any]], tables: Sequence[Table]) -> tuple[Export, ...]:
    """The same of the exports in the server's answer. Raises :class:`Unusable`."""
    return _exports(offered, tables, OFFER)


def _parsed(text: bytes) -> Any:
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        byte = text[error.start]
        raise Unusable(f"{MANIFEST}, line {line}: the byte 0x{byte:02x} is not UTF-8.") from None
    if not decoded.strip():
        raise Unusable(f"{MANIFEST} is empty.")
    if decoded.lstrip().startswith("<"):
        raise Unusable(f"{MANIFEST} is no JSON: it begins with '<', as a web page does.")
    try:
        return json.loads(decoded, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        said = error.msg.lower().removesuffix(" starting at")
        raise Unusable(f"{MANIFEST}, {where}: this is no JSON, or was cut: {said}.") from None
    except RecursionError:
        raise Unusable(f"{MANIFEST} is no manifest: it nests too deeply.") from None
    except ValueError:
        raise Unusable(f"{MANIFEST} holds a number of more digits than can be meant.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys stand in it once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Unusable(f"{MANIFEST}: the key '{_short(twice)}' stands twice in one object.")
    return found


def _no_number(word: str) -> NoReturn:
    raise Unusable(f"{MANIFEST}: {word} is no number.")


def _exports(offered: Sequence[Any], tables: Sequence[Table], source: str) -> tuple[Export, ...]:
    if len(offered) > MOST_EXPORTS:
        raise Unusable(f"{source}: there are {len(offered)} exports; at most {MOST_EXPORTS}.")
    declared = {table.name for table in tables}
    found: list[Export] = []
    seen: dict[object, int] = {}
    for number, entry in enumerate(offered, 1):
        where = f"{source}, export {number}"
        if not isinstance(entry, Mapping):
            raise Unusable(f"{where}: an export is an object, not {_told(entry)}.")
        if not isinstance(entry.get("dataset"), str):
            raise Unusable(f"{where}: 'dataset' is missing, or is no text.")
        if entry["dataset"] not in declared:
            continue
        export = _export(entry, f"{where} ({entry['dataset']})")
        span = (export.dataset, export.kind, export.version_from, export.version_to)
        for what in (span, export.file.lower()):
            if what in seen:
                said = f"the file '{export.file}'" if what != span else "the same"
                raise Unusable(f"{where} ({export.dataset}): export {seen[what]} has {said} too.")
            seen[what] = number
        found.append(export)
    return tuple(found)


def _export(entry: Mapping[str, Any], where: str) -> Export:
    for key in _KEYS:
        if key not in entry and key != "version_from":
            raise Unusable(f"{where}: '{key}' is missing.")
    for key in entry:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS)
            raise Unusable(f"{where}: there is no key '{_short(key)}'. {hint}")
    kind, file, digest = entry["kind"], entry["file"], entry["sha256"]
    if kind not in ("full", "changes"):
        raise Unusable(f"{where}: 'kind' is full or changes, not {_told(kind)}.")
    if not isinstance(file, str) or not _plain(file):
        hint = "letters, digits, '.', '_' and '-', and no path"
        raise Unusable(f"{where}: {_told(file)} is no name of a file: {hint}.")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest.lower()):
        raise Unusable(f"{where}: 'sha256' is no SHA-256 of 64 hex digits.")
    before = entry.get("version_from")
    after = _number(entry, "version_to", 1, LARGEST_VERSION, where)
    if kind == "full" and before is not None:
        raise Unusable(f"{where}: a full export has no 'version_from'.")
    if kind == "changes":
        before = _number(entry, "version_from", 0, LARGEST_VERSION, where)
        if before >= after:
            raise Unusable(
                f"{where}: changes lead to a later version, not from {before} to {after}."
            )
    return Export(
        dataset=entry["dataset"],
        kind=kind,
        version_from=before,
        version_to=after,
        file=file,
        size=_number(entry, "size", 1, LARGEST_FILE, where),
        rows=_number(entry, "rows", 0, MOST_ROWS, where),
        sha256=digest.lower(),
    )


def _plain(name: str) -> bool:
    """Whether a name is one on every system, and leads nowhere else."""
    part = name.lower().endswith(".part")
    return bool(_FILE.fullmatch(name)) and not _DEVICE.fullmatch(name.lower()) and not part


def _number(entry: Mapping[str, Any], key: str, least: int, most: int, where: str) -> int:
    value = entry.get(key)
    if type(value) is not int or not least <= value <= most:
        wanted = f"a whole number from {least} to {most}"
        raise Unusable(f"{where}: '{key}' is {wanted}, not {_told(value)}.")
    return value


def _short(text: object) -> str:
    """A text that the server sent, in so few signs that it fits into a sentence."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in str(text))
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _told(value: object) -> str:
    if isinstance(value, str):
        return f"'{_short(value)}'"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return _short(value) if isinstance(value, int | float) else "an object or a list"


def choose(
    exports: Sequence[Export], kind: Kind, have: Mapping[str, int | None], tables: Sequence[Table]
) -> tuple[Export, ...]:
    """The exports to load, in this order. Raises :class:`Unusable`, or :class:`Gap`.

    ``full``: the newest full export of every table. ``changes``: for each table those that
    lead from the version that the till has to the newest, as few as can be; none when the till
    has that already, or when nothing is offered.
    """
    chosen: list[Export] = []
    for table in tables:
        offered = [each for each in exports if each.dataset == table.name]
        if kind == "full":
            fulls = [each for each in offered if each.kind == "full"]
            if not fulls:
                raise Unusable(f"The server offers no full export of '{table.name}'.")
            chosen.append(max(fulls, key=lambda each: each.version_to))
        elif have.get(table.name) is None:
            raise Gap(f"'{table.name}' was never loaded here. A full load is needed.")
        else:
            chosen += _chain(offered, int(have[table.name] or 0), table.name)
    return tuple(chosen)


def _chain(offered: Sequence[Export], begin: int, name: str) -> list[Export]:
    """The fewest changes from a version to the newest."""
    newest = max((each.version_to for each in offered), default=begin)
    reached: dict[int, list[Export]] = {begin: []}
    waiting = deque([begin])
    while waiting and newest not in reached:
        at = waiting.popleft()
        for each in offered:
            if each.version_from == at and each.version_to not in reached:
                reached[each.version_to] = [*reached[at], each]
                waiting.append(each.version_to)
    if newest in reached:
        return reached[newest]
    if newest < begin:
        has = f"the till has version {begin}, the server's newest is {newest}"
    else:
        last = max(reached)
        lead = f"changes lead to {last} only" if last > begin else "no changes begin there"
        has = f"the till has version {begin}, the newest is {newest}, and {lead}"
    raise Gap(f"'{name}': {has}. A full load is needed.")
