"""The words of a drawing: its own in two languages, and the machine's made short to read."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from engine.definition.machine import Definition, Growing
from engine.definition.model import ATTRIBUTES, VERBS, Action, Backoff, Delay, Scalar
from engine.definition.values import format_duration, show

Language = Literal["en", "fr"]


class Words(NamedTuple):
    """What a drawing says itself; ``{}`` stands for what is filled in."""

    everywhere: str
    anywhere: str
    start: str
    at_once: str
    after: str
    every: str
    growing: str
    doubling: str
    chance: str
    entry: str
    exit: str
    runs: str
    stays: str
    stays_once: str
    again: str
    shallow: str
    deep: str
    first: str
    final: str
    offline: str
    parallel: str
    either: str


WORDS = {
    "en": Words(
        everywhere="In every state",
        anywhere="in any of these",
        start="begins here",
        at_once="at once",
        after="after {}",
        every="every {}",
        growing="{0}, each time × {1}, to {2}",
        doubling="{0}, doubling to {1}",
        chance="{0}, plus {1} % by chance",
        entry="on entry",
        exit="on exit",
        runs="meanwhile",
        stays="{} events are handled in place",
        stays_once="one event is handled in place",
        again="again",
        shallow="where it was last",
        deep="where it was last, with all inside",
        first="at first",
        final="end",
        offline="the server counts as not there",
        parallel="all at once",
        either="or",
    ),
    "fr": Words(
        everywhere="Dans chaque état",
        anywhere="dans chacun de ceux-ci",
        start="commence ici",
        at_once="aussitôt",
        after="après {}",
        every="toutes les {}",
        growing="{0}, chaque fois × {1}, jusqu'à {2}",
        doubling="{0}, puis le double, jusqu'à {1}",
        chance="{0}, plus {1} % au hasard",
        entry="à l'entrée",
        exit="à la sortie",
        runs="pendant ce temps",
        stays="{} événements sont traités sur place",
        stays_once="un événement est traité sur place",
        again="à nouveau",
        shallow="là où on était",
        deep="là où on était, jusqu'au fond",
        first="au début",
        final="fin",
        offline="le serveur est réputé absent",
        parallel="tous à la fois",
        either="ou",
    ),
}

_TOKENS = re.compile(r"'[^']*'|\"[^\"]*\"|[^\W\d][\w.]*|[<>=!]=")
_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}


class Reading:
    """How the delays, guards and actions of a machine read, with the parameters in force.

    With ``exact`` they stand as the file has them.
    """

    def __init__(self, definition: Definition, language: Language, exact: bool) -> None:
        self._definition = definition
        self.words = WORDS[language]
        self.exact = exact

    def delay(self, delay: Delay) -> str:
        """A delay with its parameters filled in."""
        found = self._definition.delay(delay)
        if not isinstance(found, Growing) or not isinstance(delay, Backoff):
            said = format_duration(found) if isinstance(found, float) else ""
            return self._named(said, [delay])
        base, most = format_duration(found.base), format_duration(found.max)
        if found.factor == 2:
            said = self.words.doubling.format(base, most)
        else:
            said = self.words.growing.format(base, f"{found.factor:g}", most)
        if self.exact and found.jitter:
            said = self.words.chance.format(said, f"{found.jitter * 100:g}")
        return self._named(said, [delay.base, delay.max])

    def _named(self, said: str, written: Iterable[object]) -> str:
        names = [name for name in written if name in self._definition.parameters]
        return f"{said} ({', '.join(map(str, names))})" if names and self.exact else said

    def guard(self, guard: str | bool | None, event: str | None) -> str | None:
        """A guard; empty for one that always holds, None for one that never does."""
        if guard is None:
            return ""
        constant = self._definition.expression(guard, event).constant
        if constant is not None and not self.exact:
            return "" if constant else None
        return self.expression(str(guard))

    def expression(self, text: str) -> str:
        """An expression with the signs of print."""
        return text if self.exact else _TOKENS.sub(self._token, text)

    def _token(self, found: "re.Match[str]") -> str:
        token = found[0]
        kind = self._definition.parameter_types.get(token)
        if kind in ("duration", "integer", "number"):
            return show(self._definition.parameters[token], kind)
        return _SIGNS.get(token, token.removeprefix("event."))

    def actions(self, actions: Iterable[Action]) -> list[str]:
        """What is done: effects and events by name; the rest only where it is to be exact."""
        return [said for action in actions if (said := self._action(action))]

    def _action(self, action: Action) -> str:
        if not self.exact:
            return action.start or action.raise_ or ""
        if action.assign is not None:
            return ", ".join(f"{name} := {_value(value)}" for name, value in action.assign.items())
        verb = next(verb for verb in VERBS if getattr(action, ATTRIBUTES.get(verb, verb)))
        named = f"{verb} {getattr(action, ATTRIBUTES.get(verb, verb))}"
        return named + self.arguments(action.with_)

    def arguments(self, given: Mapping[str, Scalar] | None) -> str:
        """What is given to an effect or an event, where it is to be exact."""
        if not self.exact or not given:
            return ""
        return f" ({', '.join(f'{name} = {_value(value)}' for name, value in given.items())})"


def _value(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
