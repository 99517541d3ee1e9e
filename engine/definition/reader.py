"""The one reader of every YAML file: exact scalars, a place for every key, nothing clever.

YAML 1.2's core scalars only: ``on``, ``no`` and ``12:30`` are texts, ``010`` is ten. Keys are
always texts. Anchors, aliases, merge keys, tags, directives, duplicate keys and several
documents are refused, and the size and the depth of a file are bounded, so that a small file
can never cost much. All problems of a file come together.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel

from engine.definition.places import Node, Place, find, steps
from engine.definition.scalars import BadScalar, plain_value
from engine.definition.secrecy import veil
from engine.problems import Problem, Refused, Severity

LARGEST_FILE = 1024 * 1024
DEEPEST = 64
MOST_VALUES = 100_000
Loc = Sequence[str | int]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
_READABLE = ("anchor", "tag")
"""What is refused of a key that can be read all the same."""
_BREAK = re.compile(r"\r\n|\r|\n")
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: its data, and the way back from the data to the text.

    ``problems`` is what the reader refused and could read past; ``data`` is without it.
    """

    file: str
    text: str
    lines: tuple[str, ...]
    root: Node
    problems: tuple[Problem, ...] = ()

    @property
    def data(self) -> Any:
        """Plain dicts (keys are texts), lists, texts, numbers, truth values and None."""
        return self.root.value

    def place(self, loc: Loc, key: bool = False) -> Place:
        """Line and column, from 1, of the value at ``loc`` (of its key with ``key``).

        ``loc`` may go through what the models add to short forms: steps that the source does
        not have are passed over, and what is missing has the place of what it is missing from.
        """
        return find(self.root, loc, key)

    def problem(
        self,
        code: str,
        loc: Loc,
        message: str,
        hint: str = "",
        key: bool = False,
        severity: Severity = "error",
    ) -> Problem:
        """A problem at ``loc``, with the line that it speaks of."""
        if not key and self.hides(loc):
            message = veil(self.lines).words(message, hidden_place=True)
        return self.problem_at(self.place(loc, key), code, message, hint, severity)

    def problem_at(
        self, place: Place, code: str, message: str, hint: str = "", severity: Severity = "error"
    ) -> Problem:
        """A problem at a line and column. Neither its line nor its words show a secret."""
        hiding = veil(self.lines)
        # What the YAML parser says quotes its own grammar, never the text.
        message = hiding.words(message, code != "yaml" and hiding.hides(*place))
        text = hiding.line(place[0])
        return Problem(self.file, *place, code, message, hiding.words(hint), severity, text)

    def hides(self, loc: Loc) -> bool:
        """Whether the value at ``loc`` must not be shown.

        A text that does not stand in its first line as it is may go on in one that is hidden.
        """
        hiding = veil(self.lines)
        place = self.place(loc)
        way = steps(self.root, loc)
        value = way[-1][2].value if way else self.root.value
        spread = isinstance(value, str) and value not in self.lines[place[0] - 1]
        return hiding.hides(*place) or (spread and bool(hiding.hidden))


def in_order(problems: Sequence[Problem]) -> list[Problem]:
    """Sorted by place, each once."""
    return sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.column, p.code))


def read_file(path: Path, patient: bool = False) -> Document:
    """Reads a UTF-8 file; raises :class:`Refused` when it cannot be read or is not YAML.

    ``patient``: see :func:`read`.
    """
    file = str(path)
    try:
        # A pipe may wait for ever and a device may never end.
        if not S_ISREG(path.stat().st_mode):
            what = "it is a folder" if path.is_dir() else "it is no regular file"
            message = f"The file cannot be read: {what}."
            raise Refused([Problem(file, 0, 0, "unreadable", message)])
        with path.open("rb") as source:
            raw = source.read(LARGEST_FILE + 1)
    except OSError as error:
        reason = (error.strerror or "unknown").lower()
        message = f"The file cannot be read: {reason}."
        raise Refused([Problem(file, 0, 0, "unreadable", message)]) from None
    return read_bytes(raw, file, patient)


def read_bytes(raw: bytes, file: str, patient: bool = False) -> Document:
    """Reads UTF-8 bytes; ``file`` is only for the problems. Raises :class:`Refused`."""
    if len(raw) > LARGEST_FILE:
        raise Refused([_too_large(file)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        lines = _BREAK.split(before)
        message = f"The byte 0x{raw[error.start]:02x} is not UTF-8."
        hint = "Save the file as UTF-8."
        problem = Problem(file, len(lines), len(lines[-1]) + 1, "not-utf-8", message, hint)
        raise Refused([problem]) from None
    return read(text, file, patient)


def read(text: str, file: str, patient: bool = False) -> Document:
    """Reads a text; ``file`` is only for the problems. Raises :class:`Refused`.

    With ``patient``, what can be read past (a key that stands twice, an anchor, a tag) waits
    in ``Document.problems`` for :func:`parse`, which tells it with all that is wrong besides.
    """
    text = text.removeprefix("\ufeff")
    size = len(text.encode("utf-8", "replace"))
    lines = tuple(_BREAK.split(text))
    blank = Document(file, text, lines, Node(None, (1, 1)))
    if size > LARGEST_FILE:
        raise Refused([_too_large(file)])
    odd = [
        blank.problem_at(
            (number, found.start() + 1),
            "character",
            f"The character U+{ord(found[0]):04X} is not allowed.",
            "Delete it; it may be invisible.",
        )
        for number, line in enumerate(lines, 1)
        if (found := _UNREADABLE.search(line))
    ]
    if odd:
        raise Refused(odd)
    builder = _Builder(blank)
    root = builder.build()
    problems = tuple(in_order(builder.problems))
    if problems and (builder.stopped or not patient):
        raise Refused(problems)
    return Document(file, text, lines, root, problems)


def _too_large(file: str) -> Problem:
    message = f"The file is larger than {LARGEST_FILE // 1024} KiB."
    return Problem(file, 0, 0, "too-large", message)


class _Builder:
    """Makes nodes from the events of the YAML parser, and gathers what is refused."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.stopped = False
        self.count = 0
        self.depth = 0

    def build(self) -> Node:
        """The root node; a file with nothing in it has the value None."""
        root: Node | None = None
        try:
            events = self._events()
            for event in events:
                if isinstance(event, yaml.DocumentStartEvent):
                    if root is not None:
                        self._refuse(
                            event,
                            "documents",
                            "A file holds one document only.",
                            "Put the second one in a file of its own.",
                        )
                        break
                    if event.version or event.tags:
                        self._refuse(
                            event,
                            "directive",
                            "A YAML directive (%) is not allowed.",
                            "Delete it; tillwire reads YAML 1.2.",
                        )
                elif isinstance(event, yaml.NodeEvent):
                    root = self._node(event, events)
        except _Stop:
            self.stopped = True
        except yaml.MarkedYAMLError as error:
            self.stopped = True
            self._syntax(error)
        return root or Node(None, (1, 1))

    def _events(self) -> "Iterator[Any]":
        loader = _LOADER(self.document.text)
        try:
            while loader.check_event():
                yield loader.get_event()
        finally:
            loader.dispose()

    def _refuse(self, event: Any, code: str, message: str, hint: str = "") -> None:
        self.problems.append(self.document.problem_at(_start(event), code, message, hint))

    def _syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        last = len(self.document.lines)
        if place[0] > last:
            place = (last, len(self.document.lines[-1]) + 1)
        what = " ".join(part for part in (error.context, error.problem) if part)
        text = self.document.lines[place[0] - 1]
        hint = "Look at this line and the one above: indentation, quotes, a space after each ':'."
        if "\t" in text:
            hint = "Indent with spaces; a tab is not allowed there."
        elif text.count(": ") > 1 and "mapping values" in what:
            hint = "Put quotes around a text that holds ': '."
        self.problems.append(
            self.document.problem_at(place, "yaml", f"This is not YAML: {what}.", hint)
        )

    def _node(self, event: Any, events: "Iterator[Any]") -> Node:
        self.count += 1
        if self.count > MOST_VALUES:
            self._refuse(event, "too-large", f"The file holds more than {MOST_VALUES} values.")
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            self._refuse(
                event,
                "alias",
                f"The alias '*{event.anchor}' is not allowed.",
                "Write the value out, or put it in quotes if it is a text.",
            )
            return Node(None, _start(event), hole=True)
        if event.anchor is not None:
            self._refuse(
                event,
                "anchor",
                f"The anchor '&{event.anchor}' is not allowed.",
                "Write the value out where it is needed, or put it in quotes if it is a text.",
            )
        if event.tag is not None:
            self._refuse(
                event,
                "tag",
                f"The tag '{_short(event.tag)}' is not allowed.",
                "Write the value alone, or put it in quotes if it is a text.",
            )
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        self.depth += 1
        if self.depth > DEEPEST:
            self._refuse(event, "too-deep", f"The file nests deeper than {DEEPEST} levels.")
            raise _Stop
        if isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, events)
        else:
            node = self._mapping(event, events)
        self.depth -= 1
        return node

    def _scalar(self, event: Any) -> Node:
        plain = event.style in (None, "")
        value: Any = event.value
        hole = event.tag is not None
        if plain:
            try:
                value = plain_value(event.value)
            except BadScalar as error:
                self._refuse(event, "number", str(error))
                hole = True
        return Node(value, _start(event), plain=plain, hole=hole)

    def _sequence(self, event: Any, events: "Iterator[Any]") -> Node:
        items: list[Node] = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(self._node(item, events))
        return Node([item.value for item in items], _start(event), children=items)

    def _mapping(self, event: Any, events: "Iterator[Any]") -> Node:
        keys: dict[str, Place] = {}
        children: dict[str, Node] = {}
        dropped: list[tuple[str, Node]] = []
        while not isinstance(item := next(events), yaml.MappingEndEvent):
            before = len(self.problems)
            name = self._key(item, events)
            if name in keys:
                line = keys[name][0]
                self._refuse(
                    item,
                    "duplicate-key",
                    f"The key '{name}' stands here twice.",
                    f"The first is on line {line}.",
                )
            elif name == "<<" and item.style in (None, ""):
                self._refuse(
                    item, "merge-key", "The merge key '<<' is not allowed.", "Write the keys out."
                )
            unread = any(each.code not in _READABLE for each in self.problems[before:])
            value = self._node(next(events), events)
            if unread:
                dropped.append((name, value))
            else:
                keys[name] = _start(item)
                children[name] = value
        data = {name: child.value for name, child in children.items()}
        return Node(data, _start(event), keys, children, dropped=dropped)

    def _key(self, event: Any, events: "Iterator[Any]") -> str:
        node = self._node(event, events)
        if isinstance(event, yaml.ScalarEvent):
            if event.value == "" and node.plain:
                self._refuse(event, "key", "A key is missing before the ':'.")
            return str(event.value)
        if not isinstance(event, yaml.AliasEvent):
            self._refuse(
                event,
                "key",
                "A key is a text, not a list or a mapping.",
                "Put quotes around a text that begins with '[' or '{'.",
            )
        return f"\x00{event.start_mark.index}"


class _Stop(Exception):  # noqa: N818 - it ends the reading, the problem is already noted
    """Nothing more can be read."""


def _start(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def parse(document: Document, model: type[_Model]) -> _Model:
    """The document as a model; raises :class:`Refused` with all problems, sorted by place."""
    from engine.definition.salvage import salvage

    found = salvage(document, model)
    if found.model is None or found.problems:
        raise Refused(found.problems)
    return found.model
