"""Random machines of bounded size, as the data of their YAML: for comparisons.

They hold only what means the same in our language and in sismic: see test_against_sismic.
"""

from typing import Any

from hypothesis import strategies as st

MOST_STATES = 8
EVENTS = ("e1", "e2", "e3")
GUARDS = (None, None, "count > 1", "count % 2 == 0", "not flag", "flag or count == 3")
ACTIONS: tuple[list[Any], ...] = (
    [],
    [{"assign": {"count": "count + 1"}}],
    [{"assign": {"count": "count + 2", "flag": "count > 1"}}],
)
Draw = Any


class Shape:
    """The states of a machine being made: parents, children, and which are parallel."""

    def __init__(self, draw: Draw) -> None:
        self.parents: dict[str, str] = {}
        self.children: dict[str, list[str]] = {"": []}
        self.parallel: set[str] = set()
        for number in range(draw(st.integers(2, MOST_STATES))):
            name = f"s{number}"
            parent = draw(st.sampled_from(["", "", *self.parents]))
            self.parents[name] = parent
            self.children[name] = []
            self.children[parent].append(name)
        for name, inside in self.children.items():
            if len(inside) > 1 and draw(st.booleans()):
                self.parallel.add(name)

    def around(self, name: str) -> list[str]:
        """The states around it, from the inside out, the machine last."""
        outer = []
        while name:
            name = self.parents[name]
            outer.append(name)
        return outer

    def region(self, name: str, parallel: str) -> str | None:
        """The region of a parallel state that a state is or lies in."""
        path = [name, *self.around(name)]
        return path[path.index(parallel) - 1] if parallel in path[1:] else None

    def targets(self, source: str) -> list[str]:
        """Where a transition may lead: out, or within the source's own regions."""
        return [target for target in self.parents if self._may(source, target)]

    def _may(self, source: str, target: str) -> bool:
        around = [outer for outer in self.around(target) if outer in self.parallel]
        if self.parents[target] in self.parallel or (source in self.parallel and source == target):
            return False
        return all(self.region(source, p) == self.region(target, p) != None for p in around)  # noqa: E711


@st.composite
def machines(draw: Draw) -> dict[str, Any]:
    """A machine with up to eight states, three events, a counter and a flag."""
    shape = Shape(draw)
    moves = {
        name: {event: _transitions(draw, shape, name) for event in EVENTS if draw(st.booleans())}
        for name in shape.parents
    }
    always = {
        name: [{"guard": "count >= 3", "actions": [{"assign": {"count": 0}}], "target": target}]
        for name in shape.parents
        for target in [_target(draw, shape, name)]
        if target is not None and draw(st.integers(0, 5)) == 0
    }
    for event in EVENTS:
        _keep_apart(shape, {name: on.get(event, []) for name, on in moves.items()})
    _keep_apart(shape, always)
    machine: dict[str, Any] = {
        "machine": "random",
        "events": {event: {} for event in EVENTS},
        "context": {"count": {"initial": 0, "max": 3}, "flag": {"initial": False}},
        "parallel": "" in shape.parallel,
        "states": _states(shape, "", moves, always),
    }
    return machine


def _target(draw: Draw, shape: Shape, source: str) -> str | None:
    possible = shape.targets(source)
    return draw(st.sampled_from(possible)) if possible else None


def _transitions(draw: Draw, shape: Shape, source: str) -> list[dict[str, Any]]:
    made = []
    for _ in range(draw(st.integers(1, 2))):
        part: dict[str, Any] = {"actions": draw(st.sampled_from(ACTIONS))}
        guard = draw(st.sampled_from(GUARDS))
        target = _target(draw, shape, source)
        if target is not None:
            part["target"] = target
            part["reenter"] = target == source and (_beside(shape, source) or draw(st.booleans()))
        elif _beside(shape, source):
            continue  # staying there would let what lies around it speak too
        if guard is not None:
            part["guard"] = guard
        made.append(part)
    return made


def _beside(shape: Shape, name: str) -> bool:
    """Whether it lies in a region, or has regions somewhere inside."""
    related = {name, *shape.around(name)}
    related.update(inner for inner in shape.parents if name in shape.around(inner))
    return bool(related & shape.parallel)


def _keep_apart(shape: Shape, heard: dict[str, list[dict[str, Any]]]) -> None:
    """Only one region may answer an event by leaving: sismic refuses two that disagree."""
    for name, parts in heard.items():
        for around in [outer for outer in shape.around(name) if outer in shape.parallel]:
            own = shape.region(name, around)
            others = [
                other
                for other, said in heard.items()
                if said and shape.region(other, around) not in (None, own)
            ]
            if others:
                parts[:] = [p for p in parts if shape.region(p["target"], around) == own]


def _states(
    shape: Shape, outer: str, moves: dict[str, Any], always: dict[str, Any]
) -> dict[str, Any]:
    return {
        name: {
            "parallel": name in shape.parallel,
            "on": {event: parts for event, parts in moves[name].items() if parts},
            "always": always.get(name, []),
            "states": _states(shape, name, moves, always),
        }
        for name in shape.children[outer]
    }
