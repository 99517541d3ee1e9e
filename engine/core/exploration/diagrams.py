"""Sets of vectors as decision diagrams: a hundred thousand situations in some hundred nodes.

A vector is a tuple of small whole numbers, one for each slot. A node stands for the sets of
what may follow in the rest of the slots: it maps each number that the first of them can have to
a node for those behind it. Nodes that are alike are one, so that what is independent of each
other costs no more than its parts; and what was worked out for a node is kept.
"""

from collections.abc import Iterator

NONE, END = 0, 1
"""The empty set, and the set of the one vector without slots."""

Vector = tuple[int, ...]
Changes = tuple[tuple[int, int], ...]
"""Slots and the numbers that they are set to, in the order of the slots."""
_Pairs = tuple[tuple[int, int], ...]


class Diagrams:
    """All sets that one exploration speaks of; a set is the number of its node."""

    def __init__(self) -> None:
        self._pairs: list[_Pairs] = [(), ()]
        self._nodes: dict[_Pairs, int] = {}
        self._unions: dict[tuple[int, int], int] = {}
        self._differences: dict[tuple[int, int], int] = {}
        self._restricted: dict[tuple[int, int, int], int] = {}
        self._assigned: dict[tuple[int, Changes], int] = {}
        self._before: dict[tuple[int, int, Changes], int] = {}
        self._counts: dict[int, int] = {NONE: 0, END: 1}

    def _node(self, pairs: _Pairs) -> int:
        if not pairs:
            return NONE
        node = self._nodes.get(pairs)
        if node is None:
            node = self._nodes[pairs] = len(self._pairs)
            self._pairs.append(pairs)
        return node

    def single(self, vector: Vector) -> int:
        """The set of one vector."""
        node = END
        for number in reversed(vector):
            node = self._node(((number, node),))
        return node

    def union(self, one: int, other: int) -> int:
        """What is in one of two sets."""
        if one == other or not other:
            return one
        if not one:
            return other
        key = (one, other) if one < other else (other, one)
        node = self._unions.get(key)
        if node is None:
            merged = dict(self._pairs[one])
            for number, below in self._pairs[other]:
                merged[number] = self.union(merged.get(number, NONE), below)
            node = self._unions[key] = self._node(tuple(sorted(merged.items())))
        return node

    def minus(self, one: int, other: int) -> int:
        """What is in the first set alone."""
        if one == other or not one:
            return NONE
        if not other:
            return one
        node = self._differences.get((one, other))
        if node is None:
            taken = dict(self._pairs[other])
            left = (
                (number, self.minus(below, taken.get(number, NONE)))
                for number, below in self._pairs[one]
            )
            node = self._node(tuple(pair for pair in left if pair[1]))
            self._differences[one, other] = node
        return node

    def both(self, one: int, other: int) -> int:
        """What is in both sets."""
        return self.minus(one, self.minus(one, other))

    def restricted(self, node: int, slot: int, number: int) -> int:
        """The vectors that have a number in a slot."""
        if not node:
            return NONE
        key = (node, slot, number)
        found = self._restricted.get(key)
        if found is None:
            if slot:
                parts = ((n, self.restricted(b, slot - 1, number)) for n, b in self._pairs[node])
                pairs = tuple(pair for pair in parts if pair[1])
            else:
                pairs = tuple(pair for pair in self._pairs[node] if pair[0] == number)
            found = self._restricted[key] = self._node(pairs)
        return found

    def assigned(self, node: int, changes: Changes, level: int = 0) -> int:
        """The vectors as they are when slots are set."""
        if not changes or not node:
            return node
        key = (node, changes)
        found = self._assigned.get(key)
        if found is None:
            (slot, number), rest = changes[0], changes[1:]
            if slot == level:
                after = NONE
                for _, below in self._pairs[node]:
                    after = self.union(after, self.assigned(below, rest, level + 1))
                found = self._node(((number, after),))
            else:
                found = self._node(
                    tuple((n, self.assigned(b, changes, level + 1)) for n, b in self._pairs[node])
                )
            self._assigned[key] = found
        return found

    def before(self, node: int, goal: int, changes: Changes, level: int = 0) -> int:
        """Those vectors of a set that are in another one when slots are set."""
        if not node or not goal:
            return NONE
        if not changes:
            return self.both(node, goal)
        key = (node, goal, changes)
        found = self._before.get(key)
        if found is None:
            (slot, number), rest = changes[0], changes[1:]
            wanted = dict(self._pairs[goal])
            if slot == level:
                after = wanted.get(number, NONE)
                parts = ((n, self.before(b, after, rest, level + 1)) for n, b in self._pairs[node])
            else:
                parts = (
                    (n, self.before(b, wanted.get(n, NONE), changes, level + 1))
                    for n, b in self._pairs[node]
                )
            found = self._before[key] = self._node(tuple(pair for pair in parts if pair[1]))
        return found

    def count(self, node: int) -> int:
        """How many vectors a set has."""
        found = self._counts.get(node)
        if found is None:
            found = self._counts[node] = sum(self.count(below) for _, below in self._pairs[node])
        return found

    def vectors(self, node: int) -> Iterator[Vector]:
        """The vectors of a set."""
        if node == END:
            yield ()
        for number, below in self._pairs[node]:
            yield from ((number, *rest) for rest in self.vectors(below))
