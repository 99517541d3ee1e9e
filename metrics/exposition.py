"""The text of a scrape, written directly for what each till has by the hundred.

prometheus_client builds an object for every sample and needs 0.8 s for 1,000 tills with 100
series each. Here the lines of one till are a template with holes, made once for a machine, so
that a till costs one formatting. Formats: Prometheus text 0.0.4 and OpenMetrics 1.0, see
https://prometheus.io/docs/instrumenting/exposition_formats/ .
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.core.facts import MachineFacts
from metrics import families
from metrics.families import Family
from metrics.tills import Numbering, TillRecord

HOLE = "\0"
"""Stands for the till in a template: no label of ours can hold it."""


def escaped(value: str) -> str:
    """A label's value as it stands between its quotes. What UTF-8 cannot say becomes ``?``."""
    value = value.encode("utf-8", "replace").decode("utf-8").replace(HOLE, "?")
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def heading(family: Family, openmetrics: bool) -> str:
    """HELP and TYPE. OpenMetrics leaves a counter's ``_total`` to its samples."""
    name = family.name
    if openmetrics and family.kind == "counter":
        name = name.removesuffix("_total")
    return f"# HELP {name} {family.about}\n# TYPE {name} {family.kind}\n"


def line(family: Family, labels: Sequence[str], value: str) -> str:
    """One sample. ``labels`` are the values of the family's labels, escaped, in its order."""
    pairs = ",".join(f'{name}="{text}"' for name, text in zip(family.labels, labels, strict=True))
    return f"{family.name}{{{pairs}}} {value}\n"


class Block:
    """All lines of one family for any till, with whole numbers as values.

    ``rows`` pairs the number under which a series is counted with its labels after ``till``.
    """

    def __init__(self, family: Family, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        lines = []
        self._positions: dict[int, int] = {}
        for position, (number, labels) in enumerate(rows):
            texts = (HOLE, *(escaped(label).replace("%", "%%") for label in labels))
            lines.append(line(family, texts, "%d"))
            self._positions[number] = position
        self._template = "".join(lines)
        self._zeros = self._template % ((0,) * len(self._positions))

    def template(self, counted: Iterable[tuple[int, int]]) -> str:
        """The lines with only the till left open. Series that are not named here are 0."""
        values: list[int] | None = None
        for number, value in counted:
            position = self._positions.get(number)
            if position is not None:
                values = values or [0] * len(self._positions)
                values[position] = value
        return self._zeros if values is None else self._template % tuple(values)

    def text(self, till: str, counted: Iterable[tuple[int, int]]) -> str:
        """The lines of one till, whose id comes escaped."""
        return self.template(counted).replace(HOLE, till)


class Picture(NamedTuple):
    """What one configuration looks like on every till that is in it.

    ``place`` is where the state that dashboards show stands in the configuration, None when no
    state is active; ``code`` is its code, None when no active state has one. ``offline`` is a
    line, empty when no state is active: a till that is nowhere is not known to be online.
    """

    states: str
    offline: str
    place: int | None
    code: int | None


def shown(
    configuration: Sequence[str], codes: Mapping[str, int | None], depths: Mapping[str, int]
) -> int | None:
    """Which active state stands for all: the innermost that has a code.

    With parallel regions it is the first region, in document order, in which a state has a
    code; without any code it is the innermost state of the first region.
    """
    coded = any(codes.get(state) is not None for state in configuration)
    found: int | None = None
    for place, state in enumerate(configuration):
        # Not deeper than what was found: its subtree is over, here begins another region.
        if found is not None and depths.get(state, 0) <= depths.get(configuration[found], 0):
            break
        if not coded or codes.get(state) is not None:
            found = place
    return found


Lines = Callable[[TillRecord], str]


class TillLines:
    """Writes what a scrape says of one till, family by family.

    ``counted`` are the numberings of ``families.COUNTED``, in that order.
    """

    def __init__(self, machine: MachineFacts, counted: Sequence[Numbering]) -> None:
        self._machine = machine.name
        self._label = escaped(machine.name)
        self._counted = tuple(zip(families.COUNTED, counted, strict=True))
        self._codes = {state.id: state.code for state in machine.states}
        self._offline = frozenset(state.id for state in machine.states if state.offline)
        self._held = frozenset(state.id for state in machine.states if state.held)
        self._depths = {state.id: state.depth for state in machine.states}
        self._positions = {state.id: place for place, state in enumerate(machine.states)}
        self._states = Block(
            families.STATE,
            ((place, (machine.name, state)) for state, place in self._positions.items()),
        )

    def of_families(self) -> Iterator[tuple[Family, Lines]]:
        """Each family that tills have, with what writes one till's lines of it."""
        pictures: dict[tuple[str, ...], Picture] = {}

        def picture(record: TillRecord) -> Picture:
            known = pictures.get(record.configuration)
            if known is None:
                known = pictures[record.configuration] = self._picture(record.configuration)
            return known

        yield families.STATE, lambda till: picture(till).states.replace(HOLE, till.label)
        yield families.STATE_CODE, lambda till: self._code(till, picture(till))
        yield families.STATE_ENTERED, lambda till: self._entered(till, picture(till))
        yield families.OFFLINE, lambda till: picture(till).offline.replace(HOLE, till.label)
        for family, numbering in self._counted:
            yield family, self._counts(family, numbering)
        yield families.STEPS_FAILED, self._failed
        yield families.PENDING, lambda till: _told(families.PENDING, till, till.pending)
        yield families.SENT, lambda till: _told(families.SENT, till, till.sent)
        yield families.REFUSED, lambda till: _told(families.REFUSED, till, till.refused)
        yield (
            families.OLDEST_PENDING,
            lambda till: _told(families.OLDEST_PENDING, till, till.oldest_at),
        )
        yield families.MISSING, lambda till: _told(families.MISSING, till, till.missing)
        yield families.MESSAGES, lambda till: _had(families.MESSAGES, till, till.messages)
        yield families.UNREAD, lambda till: _had(families.UNREAD, till, till.unread or 0)

    def _picture(self, configuration: tuple[str, ...]) -> Picture:
        active = [
            (self._positions[state], 1) for state in configuration if state in self._positions
        ]
        place = shown(configuration, self._codes, self._depths)
        code = None if place is None else self._codes.get(configuration[place])
        offline = not self._offline.isdisjoint(configuration)
        held = offline and not self._held.isdisjoint(configuration)
        value = str(int(offline) + int(held))
        return Picture(
            self._states.template(active),
            line(families.OFFLINE, (HOLE,), value) if configuration else "",
            place,
            code,
        )

    def _code(self, till: TillRecord, picture: Picture) -> str:
        if picture.code is None:
            return ""
        return line(families.STATE_CODE, (till.label, self._label), str(picture.code))

    def _entered(self, till: TillRecord, picture: Picture) -> str:
        if picture.place is None:
            return ""
        at = till.entered[picture.place]
        return line(families.STATE_ENTERED, (till.label, self._label), repr(float(at)))

    def _failed(self, till: TillRecord) -> str:
        return line(families.STEPS_FAILED, (till.label, self._label), repr(till.failed))

    def _counts(self, family: Family, numbering: Numbering) -> Lines:
        # Made anew for each scrape: a series that nothing announced may have come meanwhile.
        rows = ((number, (self._machine, *labels)) for labels, number in numbering.numbers.items())
        block = Block(family, rows)
        return lambda till: block.text(till.label, till.counted())


def _had(family: Family, till: TillRecord, value: int) -> str:
    """A line about a till's messages, none before the store has told about them."""
    return "" if till.unread is None else line(family, (till.label,), repr(value))


def _told(family: Family, till: TillRecord, value: float | None) -> str:
    """A line about a till's tickets, none before the store has told about them."""
    if till.pending is None or value is None:
        return ""
    return line(family, (till.label,), repr(value))
