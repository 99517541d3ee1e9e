"""A machine as the local API shows it: its states and where they lead.

This file knows no web framework: the agent makes its view with it.
"""

from collections.abc import Iterator

from engine.api.port import LabelView, MachineView, Sign, StateView, TransitionView
from engine.definition.machine import Definition
from engine.definition.model import Backoff, Delay, State, Transition
from engine.definition.tree import ROOT, Node, Tree

CONNECTED = 1
"""The ``code`` of the states in which a machine says that its server answers."""


def machine_view(definition: Definition) -> MachineView:
    """The view of a checked machine."""
    tree, model = definition.tree, definition.model
    transitions = list(_declared(ROOT, model.on))
    for node in tree:
        transitions += _of_state(node.id, node.state)
    return MachineView(
        machine=model.machine,
        about=model.about,
        hash=definition.hash,
        states=tuple(_state(tree, node) for node in tree),
        transitions=tuple(transitions),
    )


def _state(tree: Tree, node: Node) -> StateView:
    state = node.state
    first = not tree.parallel(node.parent) and tree.initial(node.parent) == node.id
    return StateView(
        id=node.id,
        parent=node.parent,
        kind=node.kind,
        label=None if state.label is None else LabelView(en=state.label.en, fr=state.label.fr),
        about=state.about,
        code=state.code,
        offline=state.offline,
        initial=first,
        sign=_sign(state),
    )


def _sign(state: State) -> Sign:
    """What the icon shows. It is never "connected" unless the machine says so."""
    if state.offline:
        return "barred"
    begun = {invocation.effect for invocation in state.invoke}
    begun |= {action.start for action in state.entry if action.start}
    if "send_tickets" in begun:
        return "sending"
    if "load" in begun:
        return "loading"
    return "connected" if state.code == CONNECTED else "unsure"


def _of_state(source: str, state: State) -> Iterator[TransitionView]:
    yield from _declared(source, state.on)
    for delayed in state.after:
        yield _transition(source, f"after {_delay(delayed.delay)}", delayed)
    for transition in state.always:
        yield _transition(source, "always", transition)
    if state.history and state.target:
        yield TransitionView(event="", source=source, target=state.target, guard=None)


def _declared(source: str, on: dict[str, tuple[Transition, ...]]) -> Iterator[TransitionView]:
    for event, transitions in on.items():
        for transition in transitions:
            yield _transition(source, event, transition)


def _transition(source: str, event: str, transition: Transition) -> TransitionView:
    guard = None if transition.guard is None else str(transition.guard)
    return TransitionView(event=event, source=source, target=transition.target, guard=guard)


def _delay(delay: Delay) -> str:
    return delay.base if isinstance(delay, Backoff) else delay
