"""A till.yaml from the server, with what is this till's own put in its place.

Who the till is, its database, its API, its log, its log-ins and the files and folders of this
machine are never taken from anywhere else, nor is the reference to any secret: a file from
outside must not say which variable or file of this machine is read and sent.

The imported text is kept as it is, comments and all, and the lines of the local keys are put in
it. Where that cannot be done line by line (keys inside braces, say), the file is written anew from
its data, without comments.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from engine.definition.reader import Document, read
from engine.problems import Problem, Refused
from engine.server.secret import REFERENCE
from engine.tools.lines import Block, block, dumped, joined_lines

Way = tuple[str, ...]

LOCAL: tuple[Way, ...] = (
    ("shop",),
    ("till",),
    ("tills",),
    ("database",),
    ("tickets",),
    ("api",),
    ("log",),
    ("server", "ca_file"),
    ("server", "auth"),
    ("server", "ftp"),
    ("catalogue", "path"),
    ("catalogue", "schema"),
    ("catalogue", "downloads"),
)
"""The keys that stay as this till's own file has them, there or not. docs/configuration.md lists
them too. Besides them every reference to a secret is local, at whatever key it stands."""


class Joined(NamedTuple):
    """The new text. ``comments`` says whether those of the imported file are still in it;
    ``kept`` are the local keys, with dots, whose imported value was set aside."""

    text: str
    comments: bool
    kept: tuple[str, ...]


def join(imported: Document, local: Document) -> Joined:
    """What the till's file becomes. Raises :class:`Refused`, with places in the imported file."""
    if not isinstance(imported.data, dict):
        what = "The file is empty." if imported.data is None else "This is no mapping of keys."
        raise Refused([imported.problem("empty", (), what)])
    own: dict[str, Any] = local.data
    foreign = [*_foreign_secrets(imported, own)]
    if foreign:
        raise Refused(foreign)
    ways = [*LOCAL, *_secret_ways(imported.data)]
    wanted = _with_own(imported.data, own, ways)
    kept = tuple(
        ".".join(way)
        for way in ways
        if (found := look(imported.data, way)) is not None and found != look(own, way)
    )
    text = _by_lines(imported, local, ways)
    if text is not None and _says(text, wanted):
        return Joined(text, True, kept)
    text = dumped(wanted)
    if not _says(text, wanted):
        message = "The local part cannot be put into this file."
        raise Refused([imported.problem("cannot-join", (), message)])
    return Joined(text, False, kept)


def look(data: Any, way: Sequence[str]) -> Any:
    """The value at a way of keys, None where there is none."""
    for key in way:
        if not isinstance(data, Mapping) or key not in data:
            return None
        data = data[key]
    return data


def _has(data: Any, way: Sequence[str]) -> bool:
    above = look(data, way[:-1])
    return isinstance(above, Mapping) and way[-1] in above


def _secret_ways(data: Any, way: Way = ()) -> Iterator[Way]:
    """Where references to secrets stand, the local keys left out."""
    if way in LOCAL:
        return
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _secret_ways(value, (*way, str(key)))
    elif any(REFERENCE.search(str(one)) for one in (data if isinstance(data, list) else [data])):
        yield way


def _foreign_secrets(imported: Document, own: Mapping[str, Any]) -> Iterator[Problem]:
    for way in _secret_ways(imported.data):
        if not _has(own, way):
            yield imported.problem(
                "foreign-secret",
                way,
                f"'{'.'.join(way)}' refers to a secret that this till's own file does not have.",
                "Which secret is read is never taken from outside: write the reference into the "
                "till.yaml here first.",
                key=True,
            )


def _with_own(imported: Any, own: Any, ways: Sequence[Way]) -> dict[str, Any]:
    data: dict[str, Any] = deepcopy(imported)
    for way in ways:
        above = look(data, way[:-1])
        if not isinstance(above, dict):
            continue
        if _has(own, way):
            above[way[-1]] = deepcopy(look(own, way))
        else:
            above.pop(way[-1], None)
    return data


def _says(text: str, wanted: Any) -> bool:
    """Whether a text reads as that data, kinds of values included."""
    try:
        found = read(text, "").data
    except Refused:
        return False
    return json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True)


def _by_lines(imported: Document, local: Document, ways: Sequence[Way]) -> str | None:
    """The imported lines with the local ones among them; None where lines are not enough."""
    edits: list[tuple[Block | None, Block | None, Way]] = []
    for way in ways:
        theirs, ours = _has(imported.data, way), _has(local.data, way)
        same = theirs and ours and look(imported.data, way) == look(local.data, way)
        if same or not (theirs or ours) or not isinstance(look(imported.data, way[:-1]), Mapping):
            continue
        old = block(imported, way) if theirs else None
        new = block(local, way) if ours else None
        if (theirs and old is None) or (ours and new is None):
            return None
        edits.append((old, new, way))
    return joined_lines(imported, edits)
