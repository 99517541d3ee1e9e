"""Sets of vectors as decision diagrams: they hold what plain sets hold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.exploration.diagrams import NONE, Changes, Diagrams, Vector

SLOTS = 4
VECTORS = st.sets(st.tuples(*[st.integers(0, 2)] * SLOTS), max_size=25)
CHANGES = st.dictionaries(st.integers(0, SLOTS - 1), st.integers(0, 2)).map(
    lambda found: tuple(sorted(found.items()))
)


def diagram(sets: Diagrams, vectors: set[Vector]) -> int:
    """The set as a diagram."""
    node = NONE
    for vector in sorted(vectors):
        node = sets.union(node, sets.single(vector))
    return node


def changed(vector: Vector, changes: Changes) -> Vector:
    after = list(vector)
    for slot, number in changes:
        after[slot] = number
    return tuple(after)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(VECTORS, VECTORS, st.integers(0, SLOTS - 1), st.integers(0, 2), CHANGES)
def test_diagrams_do_what_plain_sets_do(
    one: set[Vector], other: set[Vector], slot: int, number: int, changes: Changes
) -> None:
    """And equal sets are one node, however they came about."""
    sets = Diagrams()
    a, b = diagram(sets, one), diagram(sets, other)
    assert sets.union(a, b) == diagram(sets, one | other)
    assert sets.minus(a, b) == diagram(sets, one - other)
    assert sets.both(a, b) == diagram(sets, one & other)
    assert sets.restricted(a, slot, number) == diagram(sets, {v for v in one if v[slot] == number})
    assert sets.assigned(a, changes) == diagram(sets, {changed(v, changes) for v in one})
    assert sets.before(a, b, changes) == diagram(
        sets, {v for v in one if changed(v, changes) in other}
    )
    assert set(sets.vectors(a)) == one
    assert sets.count(a) == len(one)


def test_what_is_independent_costs_its_parts_alone() -> None:
    """All vectors of twenty slots with two numbers each are a million, in twenty nodes."""
    sets = Diagrams()
    node = sets.single((0,) * 20)
    for slot in range(20):
        node = sets.union(node, sets.assigned(node, ((slot, 1),)))
    assert sets.count(node) == 2**20
    assert next(sets.vectors(node)) == (0,) * 20
