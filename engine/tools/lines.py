"""The lines of a key of a YAML file: found, taken out, put in.

Only keys in block form, each on lines of its own, have lines. Whoever changes a file by its lines
reads the outcome again and compares what it says: what stands here may not understand a file.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import yaml

from engine.definition.places import Node
from engine.definition.reader import Document

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WIDTH = 10_000


class Block(NamedTuple):
    """A key with all that belongs to it: its lines as they stand, and its column from 0.

    ``first`` and ``end`` count the file's lines from 0, ``end`` not included; ``comments`` are the
    comment lines right above the key.
    """

    lines: tuple[str, ...]
    column: int
    first: int
    end: int
    comments: tuple[str, ...]


def block(document: Document, way: Sequence[str]) -> Block | None:
    """The lines of the key at ``way``; None where it shares a line with others."""
    node, end = document.root, len(document.lines)
    for key in way[:-1]:
        if not isinstance(node.children, dict) or key not in node.children:
            return None
        end = _end(node, key, end)
        node = node.children[key]
    key = way[-1]
    if key not in node.keys:
        return None
    line, column = node.keys[key]
    first, column = line - 1, column - 1
    if document.lines[first][:column].strip():
        return None
    end = _end(node, key, end)
    lines = document.lines[first:end]
    while len(lines) > 1 and _outside(lines[-1], column):
        lines = lines[:-1]
    above = _with_comments(document, first)
    return Block(lines, column, first, first + len(lines), document.lines[above:first])


def _with_comments(document: Document, first: int) -> int:
    """The first of the comment lines right above a line."""
    column = len(document.lines[first]) - len(document.lines[first].lstrip())
    while first and _is_comment(document.lines[first - 1], column):
        first -= 1
    return first


def _is_comment(line: str, column: int) -> bool:
    """Deeper ones belong to the block above, which ends with them."""
    text = line.lstrip()
    return text.startswith("#") and len(line) - len(text) <= column


def _end(mapping: Node, key: str, end: int) -> int:
    """The first line behind a key: that of the next key, or where its mapping ends."""
    after = [place[0] - 1 for place in mapping.keys.values() if place > mapping.keys[key]]
    return min(after, default=end)


def _outside(line: str, column: int) -> bool:
    """Whether a line at a block's end belongs to what follows: blank, or a comment no deeper."""
    text = line.lstrip()
    return not text or (text.startswith("#") and len(line) - len(text) <= column)


def joined_lines(
    document: Document, edits: Sequence[tuple[Block | None, Block | None, Sequence[str]]]
) -> str | None:
    """The document's text with each old block replaced by a new one.

    Without a new one the old one goes; without an old one the new one comes at the end of its
    mapping, or, for the first keys of a till.yaml, before the others. None where it cannot be.
    """
    # (first line, end, order) -> what stands there instead
    changes: list[tuple[int, int, list[str]]] = []
    begins: list[str] = []
    for old, new, way in edits:
        if old is not None:
            lines = [] if new is None else _moved(new.lines, new.column, old.column)
            changes.append((old.first, old.end, lines))
        elif new is not None and len(way) == 1:
            text = ["", *new.comments, *new.lines]
            if way[0] in ("shop", "till", "tills"):
                begins += [*new.lines]
            else:
                changes.append((len(document.lines), len(document.lines), text))
        elif new is not None:
            place = block(document, way[:-1])
            inside = _column_inside(document, way[:-1])
            if place is None or inside is None:
                return None
            lines = _moved(new.lines, new.column, inside)
            changes.append((place.end, place.end, lines))
    if begins:
        at = _first_key(document)
        changes.append((at, at, [*begins, ""]))
    return _changed(list(document.lines), changes)


def _changed(lines: list[str], changes: list[tuple[int, int, list[str]]]) -> str:
    while lines and not lines[-1].strip():
        lines.pop()
    # From the end, so that no change moves the lines of another; of those at one place the last
    # comes first.
    numbered = [(first, end, number) for number, (first, end, _) in enumerate(changes)]
    for first, end, number in sorted(numbered, reverse=True):
        at = min(first, len(lines))
        lines[at : max(at, min(end, len(lines)))] = changes[number][2]
    return "\n".join(lines) + "\n"


def _first_key(document: Document) -> int:
    """The line where the first key begins, with the comments right above it."""
    first = min((place[0] - 1 for place in document.root.keys.values()), default=0)
    return _with_comments(document, first)


def _column_inside(document: Document, way: Sequence[str]) -> int | None:
    """The column of the keys of a mapping in block form."""
    node = document.root
    for key in way:
        node = node.children[key] if isinstance(node.children, dict) else node
    places = list(node.keys.values())
    if not places or len({line for line, _ in places}) < len(places):
        return None
    line, column = places[0]
    return None if document.lines[line - 1][: column - 1].strip() else column - 1


def _moved(lines: Sequence[str], column: int, to: int) -> list[str]:
    """Lines of a block, moved to another column."""
    moved = []
    for line in lines:
        deep = len(line) - len(line.lstrip(" "))
        rest = line[min(column, deep) :]
        moved.append(" " * to + rest if rest.strip() else "")
    return moved


class _Dumper(yaml.SafeDumper):
    """Texts in quotes, so that none is taken for a number or a truth value."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    quote = "'" if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quote)


def _mapping(dumper: yaml.SafeDumper, value: Mapping[str, Any]) -> yaml.Node:
    node = dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)
    for key, _ in node.value:
        if _PLAIN_KEY.fullmatch(key.value):
            key.style = None
    return node


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)


def dumped(data: Any) -> str:
    """Data as YAML, without comments."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text
