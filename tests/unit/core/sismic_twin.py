"""Turns a machine's model into a statechart of sismic, an interpreter that shares nothing with
our core: neither code nor the library underneath.

Where sismic cannot say a thing in our words, it is said in its own: a transition that does not
leave the compound state that declares it becomes one transition of each child, a repetition
becomes a counter and a guard over time, the end of a compound state an event that its final
child sends.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sismic.clock import SimulatedClock
from sismic.interpreter import Interpreter
from sismic.model import (
    BasicState,
    CompoundState,
    DeepHistoryState,
    FinalState,
    OrthogonalState,
    ShallowHistoryState,
    Statechart,
)
from sismic.model import Transition as Theirs

from engine.definition.model import Action, Machine, State, Transition
from engine.definition.vocabulary import Value

ROOT = "the machine"


class Unsayable(Exception):  # noqa: N818 - it is said of a chart, which is not at fault
    """sismic has no way to say this."""


class Twin:
    """A machine's statechart. ``interpreter()`` makes a till of it; ``seconds`` reads a delay."""

    def __init__(self, model: Machine, seconds: Callable[[Any], float]) -> None:
        self._model = model
        self._seconds = seconds
        self._parents: dict[str, str] = {}
        self._states: dict[str, State] = {}
        self._children: dict[str, list[str]] = {ROOT: []}
        self._index(ROOT, model.states)
        self._events = [*model.events, *self._raised(), *self._ends()]
        self._priorities: dict[str, int] = {}
        self.chart = Statechart(model.machine)
        self._add_states()
        self._add_transitions()
        self.chart.validate()

    def interpreter(self) -> Interpreter:
        """A new one, in its initial states at time 0."""
        context = {name: variable.initial for name, variable in self._model.context.items()}
        context |= {f"_{kind}": 0 for kind in self._counters()}
        interpreter = Interpreter(
            self.chart, initial_context=context, clock=SimulatedClock(), ignore_contract=True
        )
        interpreter.execute()
        return interpreter

    def active(self, interpreter: Interpreter) -> set[str]:
        """The active states by their names in the file."""
        return set(interpreter.configuration) - {ROOT}

    def context(self, interpreter: Interpreter) -> dict[str, Value]:
        """The context variables of the file."""
        return {name: interpreter.context[name] for name in self._model.context}

    def _index(self, parent: str, states: dict[str, State]) -> None:
        for name, state in states.items():
            self._parents[name] = parent
            self._states[name] = state
            self._children[name] = []
            self._children[parent].append(name)
            self._index(name, state.states)

    def _raised(self) -> Iterator[str]:
        for part in self._all_parts():
            yield from (action.raise_ for action in part.actions if action.raise_)
        for state in self._states.values():
            actions = [*state.entry, *state.exit, *(a for e in state.every for a in e.actions)]
            yield from (action.raise_ for action in actions if action.raise_)

    def _ends(self) -> list[str]:
        return [f"done.{name}" for name, inside in self._children.items() if inside]

    def _all_parts(self) -> Iterator[Transition]:
        for parts in self._model.on.values():
            yield from parts
        for state in self._states.values():
            for parts in (*state.on.values(), state.always, state.after):
                yield from parts

    def _parallel(self, name: str) -> bool:
        return self._model.parallel if name == ROOT else self._states[name].parallel

    def _initial(self, name: str) -> str:
        named = self._model.initial if name == ROOT else self._states[name].initial
        plain = [child for child in self._children[name] if not self._states[child].history]
        return named or plain[0]

    def _inside(self, name: str, outer: str) -> bool:
        """Whether a state lies within another one and is not that one."""
        while name != ROOT:
            name = self._parents[name]
            if name == outer:
                return True
        return False

    def _counters(self) -> Iterator[str]:
        for name, state in self._states.items():
            yield from (f"{name}_{index}" for index in range(len(state.every)))

    def _add_states(self) -> None:
        if self._model.parallel:
            self.chart.add_state(OrthogonalState(ROOT), None)
        else:
            self.chart.add_state(CompoundState(ROOT, self._initial(ROOT)), None)
        for name, state in self._states.items():
            self.chart.add_state(self._state(name, state), self._parents[name])

    def _state(self, name: str, state: State) -> Any:
        entry = self._code(state.entry)
        entry += [f"_{name}_{index} = 0" for index in range(len(state.every))]
        texts = {"on_entry": "\n".join(entry), "on_exit": "\n".join(self._code(state.exit))}
        if state.history == "shallow":
            return ShallowHistoryState(name, memory=self._back(name))
        if state.history == "deep":
            return DeepHistoryState(name, memory=self._back(name))
        if state.final:
            return FinalState(name, on_entry="\n".join([*entry, *self._end(name)]))
        if not state.states:
            return BasicState(name, **texts)
        if state.parallel:
            return OrthogonalState(name, **texts)
        return CompoundState(name, self._initial(name), **texts)

    def _back(self, history: str) -> str:
        return self._states[history].target or self._initial(self._parents[history])

    def _end(self, final: str) -> list[str]:
        """What a final state sends: it is not active yet while it is being entered."""
        compound = self._parents[final]
        if compound == ROOT:
            raise Unsayable("a final state at the top ends sismic's interpreter")
        code = [f"send('done.{compound}')"]
        around = self._parents[compound]
        if self._parallel(around):
            others = [region for region in self._children[around] if region != compound]
            ends = [
                " or ".join(
                    f"active({child!r})"
                    for child in self._children[region]
                    if self._states[child].final
                )
                for region in others
            ]
            if all(ends):
                condition = " and ".join(f"({end})" for end in ends) or "True"
                code.append(f"if {condition}: send('done.{around}')")
        return code

    def _add_transitions(self) -> None:
        # What comes first wins: children before the transitions that their parent lends them.
        inner_first = sorted([ROOT, *self._states], key=self._depth, reverse=True)
        for name in inner_first:
            on = self._model.on if name == ROOT else self._states[name].on
            for event in dict.fromkeys(self._events):
                exact_first = sorted(on, key=lambda text: -text.count("."))
                caught = [text for text in exact_first if f"{event}.".startswith(f"{text}.")]
                self._declare(name, event, [part for text in caught for part in on[text]])
            if name != ROOT:
                self._declare(name, None, list(self._states[name].always))
                self._add_delays(name, self._states[name])

    def _depth(self, name: str) -> int:
        return 0 if name == ROOT else 1 + self._depth(self._parents[name])

    def _declare(self, name: str, event: str | None, parts: list[Transition]) -> None:
        if any(self._stays_in(name, part) for part in parts):
            if any(part.reenter and self._inside(str(part.target), name) for part in parts):
                raise Unsayable("some leave the state that declares them, some do not")
            for child in self._children[name]:
                if self._states[child].final or self._states[child].history:
                    continue
                for part in parts:
                    self._add(child, event, part, self._target(name, part), self._guard(part))
            return
        for part in parts:
            self._add(name, event, part, self._target(name, part), self._guard(part))

    def _stays_in(self, name: str, part: Transition) -> bool:
        if part.target is None or part.reenter or not self._children[name]:
            return False
        return not self._parallel(name) and (part.target == name or self._inside(part.target, name))

    def _target(self, name: str, part: Transition) -> str | None:
        if part.target == name and not part.reenter:
            plain = not self._children[name] or self._parallel(name)
            return None if plain else self._initial(name)
        return part.target

    def _guard(self, part: Transition) -> str | None:
        return None if part.guard is None else str(part.guard)

    def _add_delays(self, name: str, state: State) -> None:
        for part in state.after:
            if part.guard is not None or self._stays_in(name, part):
                raise Unsayable("sismic asks a delay's guard again and again")
            length = self._seconds(part.delay)
            self._add(name, None, part, self._target(name, part), f"after({length!r})")
        for index, each in enumerate(state.every):
            counter, length = f"_{name}_{index}", self._seconds(each.delay)
            code = [f"{counter} = {counter} + 1", *self._code(each.actions)]
            guard = f"after({length!r} * ({counter} + 1))"
            self._link(Theirs(name, None, None, guard, "\n".join(code)))

    def _add(
        self, source: str, event: str | None, part: Transition, target: str | None, guard: Any
    ) -> None:
        code = "\n".join(self._code(part.actions))
        self._link(Theirs(source, target, event, guard, code))

    def _link(self, transition: Theirs) -> None:
        rank = self._priorities.get(transition.source, 0) - 1
        self._priorities[transition.source] = rank
        transition.priority = rank
        self.chart.add_transition(transition)

    def _code(self, actions: tuple[Action, ...]) -> list[str]:
        return [self._line(action) for action in actions]

    def _line(self, action: Action) -> str:
        if action.raise_ is not None:
            data = "".join(f", {name}={text}" for name, text in (action.with_ or {}).items())
            return f"send({action.raise_!r}{data})"
        if action.assign is None:
            raise Unsayable("sismic has no effects")
        names, values = [], []
        for name, text in action.assign.items():
            low, high = self._model.context[name].min, self._model.context[name].max
            names.append(name)
            values.append(f"({text})" if high is None else f"max({low}, min({high}, ({text})))")
        return f"{', '.join(names)}, = {', '.join(values)},"
