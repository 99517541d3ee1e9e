"""What is different between two machines, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, get_args

from engine.definition.machine import Definition
from engine.settings import Settings
from engine.tools.comparison.meaning import Fact, Group, Meaning, Piece

Kind = Literal["added", "removed", "changed", "moved"]

FLAGS = {
    "offline": "counts as offline",
    "parallel": "has all its states active at once",
    "reenter": "leaves and enters the state anew",
}
LISTS = ("actions", "entry actions", "exit actions")


@dataclass(frozen=True, slots=True)
class Side:
    """A machine, and the till.yaml that gives its parameters their values, if any."""

    definition: Definition
    settings: Settings | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``before`` and ``after`` are what the two machines have (None: nothing),
    ``places`` where, as ``file:line:column``; ``aspect`` is empty for a whole piece."""

    group: Group
    kind: Kind
    subject: str
    aspect: str
    before: str | None
    after: str | None
    message: str
    places: tuple[str | None, str | None]


def differences(before: Side, after: Side) -> list[Difference]:
    """All of them, in the groups' order; none where both machines mean the same."""
    names = _renamed(before.definition, after.definition)
    old = Meaning(before.definition, lambda name: names.get(name, name), before.settings)
    new = Meaning(after.definition, lambda name: name, after.settings)
    found: list[Difference] = []
    one, other = _by_key(old.pieces()), _by_key(new.pieces())
    for key in dict.fromkeys([*other, *one]):
        found += _between(one.get(key, []), other.get(key, []))
    found += _renames(before.definition, after.definition, names)
    order = get_args(Group)
    return sorted(found, key=lambda each: order.index(each.group))


def _renamed(before: Definition, after: Definition) -> dict[str, str]:
    """The names that the first machine's states have in the second, where they differ.

    Either file may say so: an edit is compared with what it was made from, or the other way
    round.
    """
    one, other = before.tree, after.tree
    pairs = [
        *after.model.renames.items(),
        *((new, old) for old, new in before.model.renames.items()),
    ]
    return {
        old: new
        for old, new in pairs
        if old in one and old not in other and new in other and new not in one
    }


def _renames(
    before: Definition, after: Definition, names: Mapping[str, str]
) -> Iterator[Difference]:
    """What the files say of former names, beyond the names that were found to be changed."""
    old, new = before.model.renames, after.model.renames
    told = [*names.items(), *((now, was) for was, now in names.items())]
    for name in dict.fromkeys([*old, *new]):
        was, now = old.get(name), new.get(name)
        if was == now or (name, was or now) in told:
            continue
        kind: Kind = "added" if was is None else "removed" if now is None else "changed"
        sentence = _changed("present name", was, now)
        places = tuple(
            None if side.model.renames.get(name) is None else _place(side, ("renames", name))
            for side in (before, after)
        )
        yield Difference(
            "renames",
            kind,
            f"Former state {name}",
            "present name",
            was,
            now,
            f"Former state {name}: {sentence}.",
            (places[0], places[1]),
        )


def _place(side: Definition, loc: tuple[str, ...]) -> str:
    line, column = side.document.place(loc)
    return f"{side.document.file}:{line}:{column}"


_Key = tuple[Group, tuple[str, ...]]


def _by_key(pieces: Iterator[Piece]) -> dict[_Key, list[Piece]]:
    found: dict[_Key, list[Piece]] = {}
    for piece in pieces:
        found.setdefault((piece.group, piece.key), []).append(piece)
    return found


def _between(old: Sequence[Piece], new: Sequence[Piece]) -> Iterator[Difference]:
    """The differences of pieces with one key, which are matched first: they may be several."""
    pairs = _pairs(old, new)
    moved = _moved([(one, other) for one, other in pairs if one and other], old, new)
    for one, other in pairs:
        if one is None and other is not None:
            yield _whole(other, "added")
        elif other is None and one is not None:
            yield _whole(one, "removed")
        elif one is not None and other is not None:
            if id(other) in moved:
                yield _turned(one, other, old, new)
            yield from _aspects(one, other)


def _pairs(old: Sequence[Piece], new: Sequence[Piece]) -> list[tuple[Piece | None, Piece | None]]:
    """Each piece with the one most like it, in the order of ``new``; the rest alone."""
    likeness = sorted(
        (
            (-_likeness(one, other), abs(i - j), i, j)
            for i, one in enumerate(old)
            for j, other in enumerate(new)
        ),
    )
    of_old: dict[int, int] = {}
    of_new: dict[int, int] = {}
    for minus, _, i, j in likeness:
        if i not in of_old and j not in of_new and (minus or old[i].group != "invariants"):
            of_old[i], of_new[j] = j, i
    pairs: list[tuple[Piece | None, Piece | None]] = [
        (old[of_new[j]] if j in of_new else None, piece) for j, piece in enumerate(new)
    ]
    return pairs + [(piece, None) for i, piece in enumerate(old) if i not in of_old]


def _likeness(one: Piece, other: Piece) -> float:
    """How much of two pieces is the same; a whole more where all of it is."""
    shared = [name for name in one.facts if _same(one.facts[name], other.facts.get(name))]
    same = len(shared) + (one.about != "" and one.about == other.about)
    whole = len(shared) == len(one.facts) == len(other.facts)
    return same + 100 * whole


def _same(one: Fact | None, other: Fact | None) -> bool:
    return one is not None and other is not None and one.text == other.text


def _moved(
    pairs: Sequence[tuple[Piece, Piece]], old: Sequence[Piece], new: Sequence[Piece]
) -> set[int]:
    """Those of ``new`` that come in another order among their like, as few as there can be."""
    found: set[int] = set()
    for turns in dict.fromkeys(other.turns for _, other in pairs):
        like = [pair for pair in pairs if pair[0].turns == turns == pair[1].turns]
        if turns is None:
            continue
        was = [_index(old, one) for one, _ in sorted(like, key=lambda pair: _index(old, pair[0]))]
        now = [_index(old, one) for one, _ in sorted(like, key=lambda pair: _index(new, pair[1]))]
        kept = {
            now[block.b + step]
            for block in SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks()
            for step in range(block.size)
        }
        found |= {id(other) for one, other in like if _index(old, one) not in kept}
    return found


def _index(many: Sequence[Piece], piece: Piece) -> int:
    return next(index for index, each in enumerate(many) if each is piece)


def _turned(one: Piece, other: Piece, old: Sequence[Piece], new: Sequence[Piece]) -> Difference:
    was, now = (str(_index(many, each) + 1) for many, each in ((old, one), (new, other)))
    message = (
        f"{other.title}: comes as number {now}, came as number {was}; the first that may is taken."
    )
    places = (one.place, other.place)
    return Difference(other.group, "moved", other.title, "order", was, now, message, places)


def _whole(piece: Piece, kind: Literal["added", "removed"]) -> Difference:
    parts = [
        FLAGS.get(name, f"{name} {fact.shown}")
        for name, fact in piece.facts.items()
        if name not in ("name", "value")
    ]
    told = f": {', '.join(parts)}" if parts else ""
    word = "is new" if kind == "added" else "is gone"
    text = ", ".join(parts)
    added = kind == "added"
    return Difference(
        piece.group,
        kind,
        piece.title,
        "",
        None if added else text,
        text if added else None,
        f"{piece.title} {word}{told}.",
        (None, piece.place) if added else (piece.place, None),
    )


def _aspects(one: Piece, other: Piece) -> Iterator[Difference]:
    for name in dict.fromkeys([*other.facts, *one.facts]):
        before, after = one.facts.get(name), other.facts.get(name)
        if _same(before, after) or (name == "value" and _follows_default(one, other)):
            continue
        was = None if before is None else before.shown
        now = None if after is None else after.shown
        told = _acts(name, before, after) if name in LISTS else _changed(name, was, now)
        places = (
            before.place if before is not None else one.place,
            after.place if after is not None else other.place,
        )
        message = f"{other.title}: {told}."
        yield Difference(other.group, "changed", other.title, name, was, now, message, places)


def _follows_default(one: Piece, other: Piece) -> bool:
    """Whether what a parameter comes to changes just as its default does."""
    return all(piece.facts["value"].text == piece.facts["default"].text for piece in (one, other))


def _changed(noun: str, was: str | None, now: str | None) -> str:
    if noun in FLAGS:
        return f"now {FLAGS[noun]}" if was is None else f"{FLAGS[noun]} no longer"
    if was is None:
        return f"has the {noun} {now}, had none"
    if now is None:
        return f"has no {noun} any more, had {was}"
    return f"the {noun} is {now}, was {was}"


def _acts(noun: str, before: Fact | None, after: Fact | None) -> str:
    """What is done now, and what no longer; or that it is done in another order."""
    old, new = (() if fact is None else fact.items for fact in (before, after))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    gone: list[str] = []
    come: list[str] = []
    for kind, i1, i2, j1, j2 in matcher.get_opcodes():
        if kind != "equal":
            gone += old[i1:i2]
            come += new[j1:j2]
    if sorted(gone) == sorted(come):
        return f"the {noun} come in another order: {'; '.join(new)}"
    parts = ["now does " + "; ".join(come)] if come else []
    parts += ["no longer does " + "; ".join(gone)] if gone else []
    when = {"entry actions": "when entered, ", "exit actions": "when left, "}
    return when.get(noun, "") + ", and ".join(parts)
