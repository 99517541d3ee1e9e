"""Scenario files through the one reader, and the machines that they are about."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from engine.definition.machine import Definition, load_machine
from engine.definition.parameters import Overrides
from engine.definition.reader import Document, Loc, in_order, read_file
from engine.definition.salvage import salvage
from engine.definition.values import NotOfType, convert
from engine.effects.table import VOCABULARY
from engine.problems import Problem, Refused, did_you_mean
from engine.shipped import shipped_machine
from engine.tools.simulation.play import till_names
from engine.tools.simulation.scenario import NetworkWindow, Scenario, ServerWindow, Timed


def load_scenario(source: Path | Document) -> tuple[Scenario, Document]:
    """Read a scenario. Raises :class:`Refused` with every problem of the file."""
    document = source if isinstance(source, Document) else read_file(source, patient=True)
    rest = salvage(document, Scenario)
    problems = [*rest.problems]
    if rest.model is not None:
        problems += _unfit(rest.model, rest.document)
    if rest.model is None or problems:
        raise Refused(in_order(problems))
    return rest.model, document


def load_played(
    scenario: Scenario,
    document: Document,
    machine: Path | Document | None = None,
    given: Overrides | None = None,
) -> Definition:
    """The machine of a scenario (``machine``: another in its place) with the scenario's
    parameters, and those ``given`` in their place. Raises :class:`Refused`."""
    if machine is None:
        machine = machine_of(scenario, document)
    overrides = Overrides(scenario.parameters, document, ("parameters",))
    definition = load_machine(machine, VOCABULARY, overrides)
    problems = list(_strange_events(scenario, definition, document))
    if problems:
        raise Refused(problems)
    if given is not None and given.values:
        values = {**scenario.parameters, **given.values}
        together = Overrides(values, given.document, given.loc)
        definition = load_machine(definition.document, VOCABULARY, together)
    return definition


def machine_of(scenario: Scenario, document: Document) -> Path:
    """Where the machine of a scenario lies."""
    if scenario.machine is None:
        return shipped_machine()
    return Path(document.file).parent / scenario.machine


def _unfit(scenario: Scenario, document: Document) -> Iterator[Problem]:
    """What pydantic cannot tell: what does not go together."""
    names = set(till_names(scenario.tills))
    for way, timed in _timed(scenario):
        for index, till in enumerate(timed.tills):
            if till not in names:
                loc = (*way, "tills", index) if len(timed.tills) > 1 else (*way, "tills")
                yield document.problem(
                    "no-till",
                    loc,
                    f"There is no till '{till}'.",
                    f"The {scenario.tills} tills are {min(names)} to {max(names)}.",
                )
        if timed.tills and timed.share < 1:
            yield document.problem(
                "either", (*way, "share"), "Either 'tills' or 'share', not both.", key=True
            )
    yield from _lonely_times(scenario, document)
    parts: tuple[tuple[str, Sequence[NetworkWindow | ServerWindow]], ...] = (
        ("network", scenario.network.windows),
        ("server", scenario.server.windows),
        ("files", scenario.files.windows if scenario.files else ()),
    )
    for part, windows in parts:
        for index, window in enumerate(windows):
            if window.every is not None and window.lasts >= window.every:
                yield document.problem(
                    "overlap",
                    _place(document, (part, "windows"), index, "lasts"),
                    "It lasts until it begins again.",
                    "'lasts' is less than 'every'.",
                )


def _lonely_times(scenario: Scenario, document: Document) -> Iterator[Problem]:
    """How often, where nothing says after how long again."""
    lists: tuple[tuple[tuple[str, ...], Sequence[Timed | ServerWindow]], ...] = (
        (("network", "windows"), scenario.network.windows),
        (("server", "windows"), scenario.server.windows),
        (("files", "windows"), scenario.files.windows if scenario.files else ()),
        (("events",), scenario.events),
    )
    for way, several in lists:
        for index, each in enumerate(several):
            if each.times is not None and each.every is None:
                yield document.problem(
                    "lonely",
                    _place(document, way, index, "times"),
                    "'times' says how often, and nothing says after how long.",
                    "Add 'every', or leave 'times' out.",
                    key=True,
                )


def _timed(scenario: Scenario) -> Iterator[tuple[Loc, Timed]]:
    for index, window in enumerate(scenario.network.windows):
        yield ("network", "windows", index), window
    for index, event in enumerate(scenario.events):
        yield ("events", index), event


def _place(document: Document, way: Loc, index: int, key: str) -> Loc:
    """The place of a key in one of a list, which may be written as one thing."""
    data: Any = document.data
    for step in way:
        data = data[step]
    return (*way, index, key) if isinstance(data, list) else (*way, key)


def _strange_events(
    scenario: Scenario, definition: Definition, document: Document
) -> Iterator[Problem]:
    """Events that nobody can post, and data that they do not carry."""
    vocabulary, own = definition.vocabulary.events, definition.model.events
    postable = {
        name: definition.events[name]
        for name in (*vocabulary, *own)
        if not name.startswith("agent.")
    }
    for index, event in enumerate(scenario.events):
        way = ("events",)
        fields = postable.get(event.event)
        if fields is None:
            yield document.problem(
                "unknown-event",
                _place(document, way, index, "event"),
                f"There is no event '{event.event}' to post.",
                did_you_mean(event.event, postable),
            )
            continue
        for name, value in event.data.items():
            loc = (*_place(document, way, index, "data"), name)
            if name not in fields:
                yield document.problem(
                    "unknown-field",
                    loc,
                    f"The event '{event.event}' carries no '{name}'.",
                    did_you_mean(name, fields),
                    key=True,
                )
                continue
            try:
                convert(value, fields[name].type)
            except NotOfType as fault:
                yield document.problem("type", loc, str(fault), fault.hint)
