"""What the server offers: the exports that its manifest or its answer lists."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.catalogue.tables import Table

Kind = Literal["full", "changes"]
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 4 * 1024 * 1024
"""Bytes of a manifest; a larger one is refused."""


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
    """The exports of the declared tables. Raises :class:`Unusable`."""
    try:
        data = json.loads(text)
    except ValueError:
        raise Unusable(f"{MANIFEST} is not JSON.") from None
    return read_offer(data["exports"], tables)


def read_offer(offered: Sequence[Mapping[str, Any]], tables: Sequence[Table]) -> tuple[Export, ...]:
    """The exports of the declared tables that the server's answer lists. Raises Unusable."""
    names = {table.name for table in tables}
    return tuple(Export(**each) for each in offered if each["dataset"] in names)


def choose(
    exports: Sequence[Export], kind: Kind, have: Mapping[str, int | None], tables: Sequence[Table]
) -> tuple[Export, ...]:
    """The exports to load, in this order. Raises :class:`Unusable`, or :class:`Gap`.

    ``full``: the newest full export of every table. ``changes``: for each table those that
    lead from the version that the till has to the newest; none when it has that already.
    """
    chosen: list[Export] = []
    for table in tables:
        of_table = [each for each in exports if each.dataset == table.name]
        if kind == "full":
            fulls = [each for each in of_table if each.kind == "full"]
            if not fulls:
                raise Unusable(f"The server offers no full export of '{table.name}'.")
            chosen.append(max(fulls, key=lambda each: each.version_to))
            continue
        newest = max((each.version_to for each in of_table), default=have.get(table.name))
        at = have.get(table.name)
        while at != newest:
            after = [e for e in of_table if e.kind == "changes" and e.version_from == at]
            if at is None or not after:
                raise Gap(f"No changes of '{table.name}' lead from version {at} to {newest}.")
            chosen.append(max(after, key=lambda each: each.version_to))
            at = chosen[-1].version_to
    return tuple(chosen)
