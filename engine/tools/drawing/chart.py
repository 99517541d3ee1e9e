"""What a drawing shows of a machine: its states, what leads where, and what is done on the way.

Everything comes from the definition that the core is built from. By default transitions between
two states are told together, and those that lead nowhere are counted; in detail each is told as
the file has it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from engine.definition.events import catches
from engine.definition.machine import Definition
from engine.definition.model import Action, Transition
from engine.definition.tree import ROOT, Kind, Node, Tree
from engine.tools.drawing.wording import Language, Reading, Words


class Arrow(NamedTuple):
    """What leads from one state to another, or back into itself: one text for each cause."""

    source: str
    target: str
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A state. ``title`` is its label, or its name where it has none; ``what`` says in a few words
    which sort it is; ``notes`` are what is done in it."""

    id: str
    title: str
    kind: Kind
    code: int | None
    what: str
    initial: bool
    parent: str
    inside: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def mark(self) -> str:
        """A sign before its title."""
        return {"history": "Ⓗ ", "final": "◉ "}.get(self.kind, "● " if self.initial else "")

    @property
    def told(self) -> str:
        """What stands beside or below its title: its name, its code, its sort."""
        name = self.id if self.title != self.id else ""
        code = "" if self.code is None else str(self.code)
        return " · ".join(part for part in (name, code, self.what) if part)

    @property
    def frame(self) -> bool:
        """Whether there are states inside."""
        return self.kind in ("compound", "parallel")


@dataclass(frozen=True, slots=True)
class Chart:
    """A machine to be drawn: its shapes by id in the order of the file, and its arrows."""

    name: str
    about: str
    words: Words
    parallel: bool
    top: tuple[str, ...]
    notes: tuple[str, ...]
    shapes: dict[str, Shape]
    arrows: tuple[Arrow, ...]

    def leaving(self, source: str) -> list[Arrow]:
        """The arrows of a state, of the machine itself with ``ROOT``."""
        return [arrow for arrow in self.arrows if arrow.source == source]

    def title(self, state: str) -> str:
        """What a state is called."""
        return self.shapes[state].title


class _Cause(NamedTuple):
    trigger: str
    guard: str
    actions: tuple[str, ...]
    target: str | None
    event: bool = False


def chart_of(definition: Definition, language: Language = "en", detail: bool = False) -> Chart:
    """The chart of a machine, with the values that its parameters have."""
    reading, tree = Reading(definition, language, detail), definition.tree
    causes = {state: list(_causes(reading, tree, state)) for state in (ROOT, *tree.nodes)}
    told = _each if detail else _together
    arrows = [
        Arrow(source, target, tuple(told(reading.words, group)))
        for source, found in causes.items()
        for target, group in _by_target(found).items()
    ]
    initial = {tree.initial(name) for name in (ROOT, *tree.nodes) if not tree.parallel(name)}
    shapes = {
        node.id: Shape(
            node.id,
            _title(node, language),
            node.kind,
            node.state.code,
            _what(reading.words, node, node.id in initial),
            node.id in initial,
            node.parent,
            node.children,
            (*_doings(reading, node), *_staying(reading, causes[node.id])),
        )
        for node in tree
    }
    machine = definition.model
    return Chart(
        machine.machine,
        machine.about,
        reading.words,
        machine.parallel,
        tree.top,
        tuple(_staying(reading, causes[ROOT])),
        shapes,
        tuple(arrows),
    )


def _what(words: Words, node: Node, initial: bool) -> str:
    if node.kind == "history":
        return words.deep if node.state.history == "deep" else words.shallow
    if node.kind == "parallel":
        return f"{words.start} · {words.parallel}" if initial else words.parallel
    return words.final if node.kind == "final" else words.start if initial else ""


def _title(node: Node, language: Language) -> str:
    label = node.state.label
    if label is None:
        return node.id
    return label.fr if language == "fr" else label.en


def _causes(reading: Reading, tree: Tree, source: str) -> Iterator[_Cause]:
    """Everything that can move a till out of a state or let it stay, in the order of the file."""
    words = reading.words
    if source == ROOT:
        yield from _of_events(reading, tree.machine.on)
        return
    node = tree[source]
    if node.kind == "history":
        yield _Cause(words.first, "", (), tree.default(source))
    yield from _of_events(reading, node.state.on)
    for delayed in node.state.after:
        trigger = words.after.format(reading.delay(delayed.delay))
        yield from _cause(reading, trigger, None, delayed)
    for eventless in node.state.always:
        trigger = "" if reading.guard(eventless.guard, None) else words.at_once
        yield from _cause(reading, trigger, None, eventless)


def _of_events(reading: Reading, on: dict[str, tuple[Transition, ...]]) -> Iterator[_Cause]:
    for event, transitions in on.items():
        for transition in transitions:
            yield from _cause(reading, event, event, transition)


def _cause(
    reading: Reading, trigger: str, event: str | None, transition: Transition
) -> Iterator[_Cause]:
    guard = reading.guard(transition.guard, event)
    if guard is not None:
        actions = tuple(reading.actions(transition.actions))
        yield _Cause(trigger, guard, actions, transition.target, event is not None)


def _by_target(causes: Iterable[_Cause]) -> dict[str, list[_Cause]]:
    groups: dict[str, list[_Cause]] = {}
    for cause in causes:
        if cause.target is not None:
            groups.setdefault(cause.target, []).append(cause)
    return groups


def _each(words: Words, causes: Iterable[_Cause]) -> Iterator[str]:  # noqa: ARG001 - as the other
    for cause in causes:
        yield _said(cause.trigger, [cause.guard], cause.actions)


def _together(words: Words, causes: Iterable[_Cause]) -> Iterator[str]:
    """The causes by their events; one that another of them stands for is left out."""
    guards: dict[str, list[str]] = {}
    for cause in causes:
        known = guards.setdefault(cause.trigger, [])
        if cause.guard not in known:
            known.append(cause.guard)
    for trigger, found in guards.items():
        around = [
            held
            for other, held in guards.items()
            if other and other != trigger and catches(other, trigger)
        ]
        if any("" in held or set(found) <= set(held) for held in around):
            continue
        yield _said(trigger, [f" {words.either} ".join(found) if "" not in found else ""])


def _said(trigger: str, guards: list[str], actions: Iterable[str] = ()) -> str:
    """``event [guard] / actions``, as statecharts have it."""
    held = [f"[{guard}]" for guard in guards if guard]
    done = ["/", ", ".join(actions)] if actions else []
    return " ".join(part for part in (trigger, *held, *done) if part)


def _doings(reading: Reading, node: Node) -> Iterator[str]:
    """What a state does by itself."""
    words, state = reading.words, node.state
    if state.offline:
        yield words.offline
    yield from _doing(reading, words.entry, state.entry)
    for invocation in state.invoke:
        yield f"{words.runs}: {invocation.effect}{reading.arguments(invocation.with_)}"
    for repeated in state.every:
        yield from _doing(
            reading, words.every.format(reading.delay(repeated.delay)), repeated.actions
        )
    yield from _doing(reading, words.exit, state.exit)


def _doing(reading: Reading, when: str, actions: Iterable[Action]) -> Iterator[str]:
    done = reading.actions(actions)
    if done:
        yield f"{when}: {', '.join(done)}"


def _staying(reading: Reading, causes: Iterable[_Cause]) -> Iterator[str]:
    """What happens without a way to another state: timers, and events, in detail one by one."""
    staying = [cause for cause in causes if cause.target is None]
    for cause in staying:
        if reading.exact or not cause.event:
            yield _said(cause.trigger, [cause.guard], cause.actions)
    events = {cause.trigger for cause in staying if cause.event}
    if events and not reading.exact:
        words = reading.words
        yield words.stays_once if len(events) == 1 else words.stays.format(len(events))
