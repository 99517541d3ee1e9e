"""What a test file names has to be there: states, effects, events, what they carry, timers."""

from collections.abc import Iterable, Mapping

from engine.core.plans import delay_label
from engine.definition.machine import Definition
from engine.definition.model import Condition, Scalar
from engine.definition.reader import Document
from engine.definition.values import NotOfType, convert, zero
from engine.definition.vocabulary import Field, Type, Value
from engine.problems import Problem, Refused, did_you_mean
from engine.tools.testing.model import Case, Entry, Expect, Left, Reply

Loc = tuple[str | int, ...]
ALL = "all"
"""Stands for every effect."""
NEVER = "none"
"""The answer that never comes."""


class Naming:
    """Holds the parts of one file against one machine; each call gives its problems."""

    def __init__(self, definition: Definition, document: Document) -> None:
        self._definition = definition
        self._document = document
        self._problems: list[Problem] = []
        words = definition.vocabulary
        self._effects = words.effects
        self._answers = {
            name: fields
            for each in words.effects.values()
            for name, fields in each.answers().items()
        }
        own = definition.model.events
        self._posted = {n: f for n, f in definition.events.items() if n in own or n in words.events}
        self._states = [node.id for node in definition.tree if node.kind != "history"]
        self._labels = timer_labels(definition)

    def case(self, case: Case, loc: Loc) -> list[Problem]:
        """All that is wrong with what a case names."""
        self.replies(case.answers, (*loc, "answers"))
        for index, entry in enumerate(case.timeline):
            self._entry(entry, (*loc, "timeline", index))
        if case.expect is not None:
            self._expect(case.expect, (*loc, "expect"))
        for key in ("never", "eventually"):
            condition = getattr(case, key)
            if condition is not None:
                self._condition(condition, (*loc, key))
        if case.eventually is not None:
            self._duration(case.eventually.within, (*loc, "eventually", "within"))
        if case.leaves is not None:
            self._named([case.leaves], self._states, "state", (*loc, "leaves"), bare=True)
        return self._problems

    def replies(self, replies: Mapping[str, Reply], loc: Loc) -> list[Problem]:
        """All that is wrong with standing answers."""
        for effect, reply in replies.items():
            at = (*loc, effect)
            if effect != ALL and effect not in self._effects:
                self._unknown("effect", effect, [*self._effects, ALL], at, key=True)
                continue
            if reply.after is not None:
                self._duration(reply.after, (*at, "after"))
            for each in self._effects if effect == ALL else [effect]:
                if reply.answer != NEVER and not self._reply(each, reply, at):
                    break
        return self._problems

    def _reply(self, effect: str, reply: Reply, at: Loc) -> bool:
        """Whether an effect can answer so."""
        before = len(self._problems)
        name = f"{effect}.{reply.answer}"
        if name not in self._answers:
            known = [n.partition(".")[2] for n in self._answers if n.startswith(effect + ".")]
            message = f"'{effect}' cannot be answered by '{reply.answer}'."
            hint = did_you_mean(reply.answer, [*known, NEVER])
            self._say("unknown-answer", (*at, "answer"), message, hint)
        else:
            self._carried(reply.with_ or {}, name, self._answers[name], (*at, "with"))
        return len(self._problems) == before

    def _entry(self, entry: Entry, loc: Loc) -> None:
        for key, known, what in (
            ("event", self._posted, "event from outside"),
            ("answer", self._answers, "answer"),
        ):
            name = getattr(entry, key)
            if name is not None and name not in known:
                self._unknown(what, name, known, (*loc, key))
            elif name is not None:
                self._carried(entry.with_ or {}, name, known[name], (*loc, "with"))
        if entry.answer in self._answers and entry.to is not None:
            takes = self._effects[entry.answer.partition(".")[0]].arguments
            self._carried(entry.to, entry.answer.partition(".")[0], takes, (*loc, "to"))
        self.replies(entry.answers or {}, (*loc, "answers"))
        if entry.wait is not None:
            self._duration(entry.wait, (*loc, "wait"))
        if entry.until is not None:
            self._condition(entry.until, (*loc, "until"))
            self._duration(entry.until.within, (*loc, "until", "within"))
        if entry.restart is not None:
            self._duration(entry.restart.away, (*loc, "restart", "away"))
        if entry.expect is not None:
            self._expect(entry.expect, (*loc, "expect"))

    def _expect(self, expect: Expect, loc: Loc) -> None:
        for key in ("active", "inactive", "entered"):
            names = getattr(expect, key) or ()
            self._named(names, self._states, "state", (*loc, key))
        for key in ("running", "not_running", "started", "not_started"):
            self._named(getattr(expect, key), self._effects, "effect", (*loc, key))
        self._named(expect.timers, self._labels, "timer", (*loc, "timers"))
        for name, left in expect.timers.items():
            self._left(left, (*loc, "timers", name))
        descriptors = [*self._definition.events, *self._heard(), *self._labels, "always"]
        self._named(expect.refused, descriptors, "event", (*loc, "refused"))
        self._context(expect.context, (*loc, "context"))
        if expect.guard is not None:
            self._guard(expect.guard, (*loc, "guard"))

    def _heard(self) -> Iterable[str]:
        yield from self._definition.model.on
        for node in self._definition.tree:
            yield from node.state.on

    def _left(self, left: Left, loc: Loc) -> None:
        for key in ("min", "max"):
            if getattr(left, key) is not None:
                self._duration(getattr(left, key), (*loc, key))

    def _context(self, values: Mapping[str, Scalar], loc: Loc) -> None:
        variables = self._definition.model.context
        for name, value in values.items():
            at = (*loc, name)
            if name not in variables:
                self._unknown("context variable", name, variables, at, key=True)
                continue
            variable = variables[name]
            field = Field(_kind(variable.initial), choices=variable.values or ())
            self._value(value, field, at)

    def _condition(self, condition: Condition, loc: Loc) -> None:
        self._named(condition.active, self._states, "state", (*loc, "active"))
        for key in ("starts", "running"):
            self._named(getattr(condition, key), self._effects, "effect", (*loc, key))
        if condition.guard is not None:
            self._guard(condition.guard, (*loc, "guard"))
        if not (condition.active or condition.starts or condition.running or condition.guard):
            self._say("value", loc, "This says nothing.", "Name active, starts, running or guard.")

    def _guard(self, text: str, loc: Loc) -> None:
        try:
            found = self._definition.expression(text)
        except Refused as refused:
            for fault in refused.problems:
                self._say(fault.code, loc, fault.message, fault.hint)
            return
        if found.type != "boolean":
            self._say("guard", loc, f"'{text}' is neither true nor false.", "Compare it.")

    def _named(
        self, names: Iterable[str], known: Iterable[str], what: str, loc: Loc, bare: bool = False
    ) -> None:
        known = [*known]
        for index, name in enumerate(names):
            if name not in known:
                at = loc if bare else (*loc, self._step(loc, index, name))
                self._unknown(what, name, known, at, key=True)

    def _step(self, loc: Loc, index: int, name: str) -> str | int:
        """Where a name stands in what may be a list or a mapping in the text."""
        return (
            name
            if self._document.place((*loc, name), key=True) != self._document.place(loc, key=True)
            else index
        )

    def _carried(
        self, given: Mapping[str, Scalar], who: str, fields: Mapping[str, Field], loc: Loc
    ) -> None:
        for name, value in given.items():
            at = (*loc, name)
            if name not in fields:
                hint = did_you_mean(name, fields)
                self._say("unknown-field", at, f"'{who}' carries no '{name}'.", hint, key=True)
            else:
                self._value(value, fields[name], at)

    def _value(self, value: Scalar, field: Field, loc: Loc) -> None:
        try:
            fit = convert(value, field.type)
        except NotOfType as fault:
            self._say("type", loc, str(fault), fault.hint)
            return
        if field.choices and fit not in field.choices:
            hint = did_you_mean(str(fit), field.choices)
            self._say("value", loc, f"'{fit}' is not allowed here.", hint)

    def _duration(self, text: str, loc: Loc) -> None:
        try:
            self._definition.seconds(text)
        except NotOfType as fault:
            self._say("type", loc, str(fault), fault.hint)

    def _unknown(
        self, what: str, name: str, known: Iterable[str], loc: Loc, key: bool = False
    ) -> None:
        code = "unknown-" + what.partition(" ")[0]
        self._say(code, loc, f"There is no {what} '{name}'.", did_you_mean(name, known), key)

    def _say(self, code: str, loc: Loc, message: str, hint: str = "", key: bool = False) -> None:
        problem = self._document.problem(code, loc, message, hint, key)
        if problem not in self._problems:
            self._problems.append(problem)


def timer_labels(definition: Definition) -> list[str]:
    """The names of all timers, as records have them: ``every ping_interval``."""
    return [
        delay_label(kind, entry.delay)
        for node in definition.tree
        for kind, entries in (("after", node.state.after), ("every", node.state.every))
        for entry in entries
    ]


def filled(
    given: Mapping[str, Scalar] | None, fields: Mapping[str, Field], name: str
) -> dict[str, Value]:
    """What an event carries: what is given, zero or empty for the rest, and the reason that is
    in the name of a failure."""
    data: dict[str, Value] = {}
    for field, kind in fields.items():
        if given is not None and field in given:
            data[field] = convert(given[field], kind.type)
        elif field == "reason" and ".failed." in name:
            data[field] = name.rpartition(".")[2]
        else:
            data[field] = kind.choices[0] if kind.choices else zero(kind.type)
    return data


def _kind(value: Value) -> Type:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "text"
