"""From a definition to a chart: the one place that knows python-statemachine.

One chart, with one state machine object, serves every till of the process: a turn sets the
machine to where its till is, sends one event, and reads back where it came to. The library is
used for what it does well, choosing transitions and the order of exits and entries; delays,
effects and queues are ours, since its own block the caller or cost a thread.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from statemachine.engines.sync import SyncEngine
from statemachine.io import create_machine_class_from_definition
from statemachine.orderedset import OrderedSet

from engine.core.plans import ALWAYS, Act, Planner, StatePlan, TimerPlan, after_groups
from engine.core.routes import Route, route
from engine.definition.events import catches
from engine.definition.machine import Definition
from engine.definition.model import State, Transition
from engine.definition.tree import ROOT, Tree

if TYPE_CHECKING:
    from engine.core.feed import Turn
    from engine.core.records import Step, Till

# Names of the file do not reach the library as they are, because it turns states and events
# into attributes of one object: an event `send` or `states` would break it.
STATE = "s:"
BEFORE = "before:"
BEGIN = "begin"
NUDGE = "nudge"
"""Nothing listens to it: it makes the machine look at its transitions without event."""
NOTHING: dict[str, tuple[str, ...]] = {}


class Witness(Protocol):
    """Who is told which of the file's transitions are taken and how their guards come out.

    Records name a transition by its event and its states, which two branches may share.
    """

    def taken(self, part: Transition) -> None:
        """A transition of the file is taken."""

    def guarded(self, part: Transition, held: bool) -> None:
        """Its guard was asked."""


class Chart:
    """A machine that is ready to play turns.

    ``plans`` and ``timers`` are what its states do; ``turn`` is the turn being played, which
    the library's callbacks speak to; ``beginning`` is how a till began, kept for those to come.
    A chart belongs to one thread.
    """

    def __init__(self, definition: Definition, witness: Witness | None = None) -> None:
        self.definition = definition
        self.witness = witness
        self.tree = definition.tree
        self.plans: dict[str, StatePlan] = {}
        self.timers: dict[str, TimerPlan] = {}
        self.descriptors = _numbered("e", _descriptors(definition))
        self.timer_ids: dict[str, str] = {}
        self.turn: Turn | None = None
        self.beginning: tuple[Till, Step] | None = None
        self.initial_context = {
            name: variable.initial for name, variable in definition.model.context.items()
        }
        self.has_history = any(node.kind == "history" for node in self.tree)
        self.machine = _Assembly(self, definition).machine()
        self._known: dict[str, str | None] = {}
        self._raw: dict[tuple[str, ...], OrderedSet[str]] = {}
        self._at: tuple[str, ...] | None = None
        self._read: dict[frozenset[str], tuple[str, ...]] = {}

    @property
    def name(self) -> str:
        """The machine's name in the file."""
        return self.definition.model.machine

    def id_of(self, event: str) -> str | None:
        """The library's id of an event, or None when nothing in the file listens to it.

        Events that the same descriptors catch are one to the library: the longest descriptor
        decides.
        """
        if event not in self._known:
            if len(self._known) > 4096:  # names come from outside: never keep them all
                self._known.clear()
            self._known[event] = self._look_up(event)
        return self._known[event]

    def _look_up(self, event: str) -> str | None:
        parts = event.split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((self.descriptors[text] for text in prefixes if text in self.descriptors), None)

    def place(self, configuration: tuple[str, ...]) -> None:
        """Set the machine to where a till is; the empty configuration is before the start."""
        if configuration is self._at:  # most tills are in the state where the last one was left
            return
        raw = self._raw.get(configuration)
        if raw is None:
            ids = [STATE + ROOT, *(STATE + name for name in configuration)]
            raw = OrderedSet(ids if configuration else [STATE + BEFORE])
            self._raw[configuration] = raw
        self.machine.current_state_value = raw
        self._at = configuration

    def send(self, event: str) -> None:
        """Have the machine take an event, by the library's id, from where it was placed."""
        self.machine.send(event)

    def lose_place(self) -> None:
        """After a step that failed nothing is known of where the machine is."""
        self._at = None

    def configuration(self) -> tuple[str, ...]:
        """Where the machine is now: ids of the file, outermost first, in its order."""
        active = frozenset(self.machine.configuration_values)
        found = self._read.get(active)
        if found is None:
            names = {value.removeprefix(STATE) for value in active} - {ROOT, BEFORE}
            found = tuple(name for name in self.tree.nodes if name in names)
            self._read[active] = found
        self._at = found
        return found

    def remember(self, remembered: dict[str, tuple[str, ...]]) -> None:
        """Hand the library what history states go back to."""
        if not self.has_history:
            return
        states = self.machine.states_map
        self.machine.history_values = {
            STATE + name: [states[STATE + active] for active in actives]
            for name, actives in remembered.items()
        }

    def remembered(self) -> dict[str, tuple[str, ...]]:
        """What history states go back to now."""
        if not self.has_history:
            return NOTHING
        return {
            name.removeprefix(STATE): tuple(state.value.removeprefix(STATE) for state in states)
            for name, states in self.machine.history_values.items()
        }


def build(definition: Definition, witness: Witness | None = None) -> Chart:
    """Make the chart of a checked definition. About 10 ms for a machine of ten states.

    A ``witness`` costs at each guard and transition: a running agent has none.
    """
    return Chart(definition, witness)


class _Engine(SyncEngine):
    """The library's engine, which asks less often what is always the same for one chart.

    The library looks at every transition of every active state, three times in a step, and
    gathers for each callback what none of ours reads.
    """

    def __init__(self, machine: Any) -> None:
        super().__init__(machine)
        self._asked: dict[tuple[str, str | None], tuple[Any, ...]] = {}

    def _first_transition_that_matches(
        self, state: Any, trigger_data: Any, predicate: Callable[[Any, Any], bool]
    ) -> Any:
        event = trigger_data.event  # None when only transitions without event are looked for
        asked = self._asked.get((state.value, event))
        if asked is None:
            asked = tuple(
                transition
                for around in (state, *state.ancestors())
                for transition in around.transitions
                if not transition.initial and predicate(transition, event)
            )
            self._asked[state.value, event] = asked
        for transition in asked:
            if self._conditions_match(transition, trigger_data):
                return transition
        return None

    def _get_args_kwargs(self, *_: object, **__: object) -> tuple[tuple[()], dict[str, Any]]:
        return (), {}


class _Assembly:
    """Writes the library's definition of a chart, with callbacks that speak to its turn."""

    def __init__(self, chart: Chart, definition: Definition) -> None:
        self._chart = chart
        self._definition = definition
        self._planner = Planner(definition)
        self._callbacks: dict[str, Any] = {"state": None}

    @staticmethod
    def engine(machine: Any) -> SyncEngine:
        """What moves the machine."""
        return _Engine(machine)

    def machine(self) -> Any:
        model = self._definition.model
        root: dict[str, Any] = {
            "parallel": model.parallel,
            "transitions": self._events(ROOT, model.on),
        }
        root |= self._inside(model.states, ROOT)
        states: dict[str, Any] = {
            # The library runs the entry actions of its initial state when the object is made,
            # for no till at all: this state has none, and each new till leaves it by BEGIN.
            STATE + BEFORE: {
                "initial": True,
                "transitions": [{"target": STATE + ROOT, "event": BEGIN}],
            },
            STATE + ROOT: root,
        }
        # Always the same class name: a registry in the library keeps one class per name alive
        # for ever, and a till that reloads for years must not fill it.
        machine_class = create_machine_class_from_definition(
            "TillwireChart",
            states=states,
            validate_disconnected_states=False,
            validate_trap_states=False,
            validate_final_reachability=False,
            # Errors must come out, and a step that fails must leave the machine where it was.
            catch_errors_as_events=False,
            atomic_configuration_update=True,
            _get_engine=self.engine,
        )
        _in_document_order(machine_class, self._chart.tree)
        return machine_class(type("Callbacks", (), self._callbacks)())

    def _callback(self, act: Callable[[], object]) -> str:
        """The name under which the library finds a callback on the machine's model.

        It is a property there, which the library only reads. The parameters of a function it
        would match anew at every call, for longer than most callbacks take.
        """
        name = f"c{len(self._callbacks)}"
        self._callbacks[name] = property(lambda _model: act())
        return name

    def _inside(self, states: dict[str, State], outer: str) -> dict[str, Any]:
        tree = self._chart.tree
        initial = None if tree.parallel(outer) else tree.initial(outer)
        built: dict[str, Any] = {"states": {}}
        for name, state in states.items():
            if state.history is not None:
                built.setdefault("history", {})[STATE + name] = self._history(name, state)
            else:
                built["states"][STATE + name] = self._state(name, state, name == initial)
        return built

    def _history(self, name: str, state: State) -> dict[str, Any]:
        # Without a default the library leaves the state around it for nothing to enter.
        default = self._chart.tree.default(name)
        return {"type": state.history, "transitions": [{"target": STATE + default}]}

    def _state(self, name: str, state: State, initial: bool) -> dict[str, Any]:
        plan = self._planner.state(name, state)
        self._chart.plans[name] = plan
        for timer in plan.timers:
            self._chart.timers[timer.key] = timer
            self._chart.timer_ids[timer.key] = f"t{len(self._chart.timer_ids)}"
        built: dict[str, Any] = {
            "initial": initial,
            "final": state.final,
            "parallel": state.parallel,
            "enter": self._acting(lambda turn: turn.enter(plan)),
            "exit": self._acting(lambda turn: turn.leave(plan)),
        }
        transitions = [*self._events(name, state.on), *self._delays(name, state, plan)]
        transitions += [self._transition(name, None, ALWAYS, part) for part in state.always]
        if not state.final:  # the library allows a final state no transition, not even none
            built["transitions"] = transitions
        if state.states:
            built |= self._inside(state.states, name)
        return built

    def _events(self, name: str, on: dict[str, tuple[Transition, ...]]) -> list[dict[str, Any]]:
        """The longest descriptor comes first, so that the more exact rule wins."""
        built = []
        for descriptor in sorted(on, key=lambda text: -len(text.split("."))):
            event = self._caught(descriptor)
            built += [
                self._transition(name, event, descriptor, part, descriptor)
                for part in on[descriptor]
            ]
        return built

    def _caught(self, descriptor: str) -> str:
        """The ids of all that a descriptor catches, as the library wants them."""
        known = self._chart.descriptors
        return " ".join(known[other] for other in known if catches(descriptor, other))

    def _delays(self, name: str, state: State, plan: StatePlan) -> list[dict[str, Any]]:
        """The delays that lead somewhere. One that repeats only acts, and needs no machine."""
        return [
            self._transition(name, self._chart.timer_ids[timer.key], timer.label, entry)
            for timer, group in zip(plan.timers, after_groups(state), strict=False)
            for entry in group
        ]

    def _transition(
        self,
        name: str,
        event: str | None,
        label: str,
        part: Transition,
        descriptor: str | None = None,
    ) -> dict[str, Any]:
        way = route(self._chart.tree, name, part)
        acts = self._planner.actions(part.actions, descriptor)
        witness = self._chart.witness
        if witness is not None:
            acts = (lambda _turn: witness.taken(part), *acts)
        named = name if name != ROOT else self._definition.model.machine
        built: dict[str, Any] = {
            "target": None if way.target is None else STATE + way.target,
            "event": event,
            "internal": way.inside,
            "on": self._acting(_taking(named, label, way, acts)),
        }
        if part.guard is not None:
            built["cond"] = self._guard(named, label, part, descriptor)
        return built

    def _acting(self, act: Act) -> str:
        chart = self._chart

        def acting() -> None:
            if chart.turn is not None:
                act(chart.turn)

        return self._callback(acting)

    def _guard(self, name: str, label: str, part: Transition, descriptor: str | None) -> str:
        chart, witness = self._chart, self._chart.witness
        guard = self._planner.guard(True if part.guard is None else part.guard, descriptor)
        holds = guard.holds

        def condition() -> bool:
            turn = chart.turn
            if turn is None:  # the library reads it once while the machine is made
                return False
            held = bool(holds(turn)) or turn.refuse(name, label, guard)
            if witness is not None:
                witness.guarded(part, held)
            return held

        return self._callback(condition)


def _in_document_order(machine_class: Any, tree: Tree) -> None:
    """Have states entered, left and asked in the order of the file.

    The library counts the states inside each state on their own, so that those of two regions
    come in no order, and it keeps active states in the order in which they were entered: what
    a till does would depend on its past, and on the tills played before it.
    """
    order = {STATE + name: number for number, name in enumerate((BEFORE, ROOT, *tree.nodes))}
    for value, state in machine_class.states_map.items():
        state.document_order = order[value]
    if not any(tree.parallel(name) for name in (ROOT, *tree.nodes)):
        return  # one innermost state at a time has one order
    plain = machine_class.configuration

    def move(machine: Any, states: OrderedSet[Any]) -> None:
        plain.fset(machine, OrderedSet(sorted(states, key=lambda state: order[state.value])))

    machine_class.configuration = plain.setter(move)


def _descriptors(definition: Definition) -> list[str]:
    """Every event descriptor of the file, once, in its order."""
    states = [node.state.on for node in definition.tree]
    return list(dict.fromkeys(text for on in (definition.model.on, *states) for text in on))


def _numbered(letter: str, texts: list[str]) -> dict[str, str]:
    return {text: f"{letter}{number}" for number, text in enumerate(texts)}


def _taking(named: str, label: str, way: Route, acts: tuple[Act, ...]) -> Act:
    def taking(turn: "Turn") -> None:
        if turn.take(label, named, way):
            for act in acts:
                act(turn)

    return taking
