"""The index over the states."""

import pytest

from engine.definition.model import Machine
from engine.definition.reader import parse, read
from engine.definition.tree import ROOT, Tree

CHART = """\
machine: chart
initial: work
states:
  rest: {}
  work:
    parallel: true
    states:
      left:
        initial: l2
        states:
          back: {history: deep, target: l1}
          again: {history: shallow}
          l1: {}
          l2: {}
      right:
        states:
          r1: {}
          r2:
            states:
              r3: {}
          over: {final: true}
"""


@pytest.fixture
def tree() -> Tree:
    """A chart with every kind of state."""
    return Tree(parse(read(CHART, "f"), Machine))


def test_states_are_indexed_in_document_order(tree: Tree) -> None:
    """Parents before their children."""
    assert [node.id for node in tree] == [
        "rest", "work", "left", "back", "again", "l1", "l2", "right", "r1", "r2", "r3", "over",
    ]  # fmt: skip
    assert [node.order for node in tree] == list(range(12))
    assert tree["r3"].loc == (
        "states", "work", "states", "right", "states", "r2", "states", "r3",
    )  # fmt: skip
    assert "r3" in tree
    assert "r4" not in tree


def test_each_state_has_its_kind(tree: Tree) -> None:
    """History and final go before what is inside."""
    kinds = {node.id: node.kind for node in tree}
    assert (kinds["rest"], kinds["work"], kinds["left"]) == ("atomic", "parallel", "compound")
    assert (kinds["back"], kinds["over"]) == ("history", "final")


def test_relations_between_states(tree: Tree) -> None:
    """Around, inside, and the way between."""
    assert tree.ancestors("r3") == ("r2", "right", "work")
    assert tree.path("r3") == ("work", "right", "r2", "r3")
    assert tree.descendants("right") == ("r1", "r2", "r3", "over")
    assert tree.leaves("work") == ("l1", "l2", "r1", "r3", "over")
    assert tree.leaves("rest") == ("rest",)
    assert tree.leaves("back") == ()
    assert tree.children(ROOT) == ("rest", "work")
    assert [tree.inside("r3", outer) for outer in (ROOT, "r3", "work", "left")] == [
        True,
        True,
        True,
        False,
    ]


def test_what_is_entered_by_default(tree: Tree) -> None:
    """The named initial, else the first state to be in; all regions of a parallel state."""
    assert tree.initial(ROOT) == "work"
    assert tree.initial("rest") is None
    assert tree.descent("work") == ("left", "l2", "right", "r1")
    assert tree.entered(ROOT) == ("work", "left", "l2", "right", "r1")
    assert tree.entered("r2") == ("work", "left", "l2", "right", "r2", "r3")
    assert tree.entered("rest") == ("rest",)


def test_a_history_leads_to_its_default(tree: Tree) -> None:
    """Its target, else the initial state around it."""
    assert tree.entered("back") == ("work", "left", "l1", "right", "r1")
    assert tree.default("again") == "l2"


@pytest.mark.parametrize(
    ("source", "target", "reenter", "domain"),
    [
        ("left", "l1", False, "left"),
        ("left", "l1", True, ROOT),
        ("work", "l1", False, ROOT),
        ("r2", "r3", False, "r2"),
        ("r2", "r3", True, "right"),
        ("r1", "r2", False, "right"),
        ("l1", "r2", False, ROOT),
        ("r1", "rest", False, ROOT),
        ("rest", "rest", True, ROOT),
        (ROOT, "l1", False, ROOT),
        (ROOT, "l1", True, ROOT),
    ],
)
def test_what_a_transition_does_not_leave(
    tree: Tree, source: str, target: str, reenter: bool, domain: str
) -> None:
    """The declaring state for a target inside it, else the nearest compound state around both."""
    assert tree.domain(source, target, reenter) == domain


def test_a_second_state_of_the_same_name_is_left_out() -> None:
    """And reported with its place, even inside the first."""
    machine = parse(
        read("machine: m\nstates: {a: {states: {a: {}, b: {}}}, b: {states: {c: {}}}}", "f"),
        Machine,
    )
    tree = Tree(machine)
    assert [node.id for node in tree] == ["a", "b"]
    assert tree.duplicates == [("states", "a", "states", "a"), ("states", "b")]


def test_a_machine_without_states_has_no_leaves() -> None:
    """The root is no state."""
    tree = Tree(parse(read("machine: m\nstates: {}", "f"), Machine))
    assert (tree.leaves(ROOT), tree.entered(ROOT), tree.initial(ROOT)) == ((), (), None)
