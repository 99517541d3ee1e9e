"""What is remembered of each till between scrapes, small enough for 10,000 tills."""

from array import array
from collections.abc import Iterable, Iterator


class TillRecord:
    """One till. Only counters that moved are held; all others are known to be 0.

    ``label`` is the id, escaped for the text of a scrape. ``entered`` goes with
    ``configuration``, one Unix time for each state. ``pending`` is None until the till's
    backlog has been told, ``unread`` until its messages have. ``oldest_at`` is None when nothing
    is pending.
    """

    __slots__ = (
        "_counts",
        "_numbers",
        "configuration",
        "entered",
        "failed",
        "label",
        "messages",
        "missing",
        "oldest_at",
        "pending",
        "refused",
        "sent",
        "unread",
    )

    def __init__(self, label: str) -> None:
        self.label = label
        self.configuration: tuple[str, ...] = ()
        self.entered: tuple[float, ...] = ()
        self.failed = 0
        self.pending: int | None = None
        self.sent = 0
        self.refused = 0
        self.missing = 0
        self.oldest_at: float | None = None
        self.messages = 0
        self.unread: int | None = None
        # Two arrays searched from the front: a till moves a dozen counters, for which a dict
        # would be four times as large and no faster to find.
        self._numbers = array("I")
        self._counts = array("Q")

    def count(self, number: int) -> None:
        """Count one more of the series with this number."""
        try:
            self._counts[self._numbers.index(number)] += 1
        except ValueError:
            self._numbers.append(number)
            self._counts.append(1)

    def counted(self) -> Iterable[tuple[int, int]]:
        """The number and the count of each series that moved."""
        return zip(self._numbers, self._counts, strict=True)

    def move(self, configuration: tuple[str, ...], entered: Iterable[str], wall: float) -> None:
        """The till is in ``configuration`` now and entered some of its states at ``wall``."""
        before = dict(zip(self.configuration, self.entered, strict=True))
        fresh = frozenset(entered)
        self.entered = tuple(
            wall if state in fresh else before.get(state, wall) for state in configuration
        )
        self.configuration = configuration


class Numbering:
    """Gives every series of one family a number, the same for all tills.

    What the machine's facts did not announce gets a number when it is first seen: a count is
    worth more than the zero before it.
    """

    def __init__(self, numbers: Iterator[int], possible: Iterable[tuple[str, ...]] = ()) -> None:
        self._next = numbers
        self.numbers: dict[tuple[str, ...], int] = {}
        self.announce(possible)

    def announce(self, possible: Iterable[tuple[str, ...]]) -> None:
        """Give numbers to series that may come."""
        for labels in possible:
            self.number(labels)

    def number(self, labels: tuple[str, ...]) -> int:
        """The number of the series with these labels (without till and machine)."""
        number = self.numbers.get(labels)
        if number is None:
            number = self.numbers[labels] = next(self._next)
        return number
