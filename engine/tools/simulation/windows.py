"""When things are not as they are: the windows of a scenario on the time of the simulation."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Generic, Protocol, TypeVar

from engine.tools.simulation.scenario import DAY, Timed
from engine.tools.simulation.world import World


class Repeated(Protocol):
    """What has a time of day and may come again."""

    @property
    def at(self) -> float: ...

    @property
    def every(self) -> float | None: ...

    @property
    def times(self) -> int | None: ...


class Lasting(Repeated, Protocol):
    """What lasts."""

    @property
    def lasts(self) -> float: ...


def first(at: float, begins: float) -> float:
    """When a time of day comes for the first time, in seconds from the beginning."""
    return at - begins if at >= begins else at - begins + DAY


def occurrences(timed: Repeated, begins: float, length: float) -> Iterator[float]:
    """When it comes, in seconds from the beginning."""
    when, number = first(timed.at, begins), 0
    most = timed.times if timed.times is not None else (10**9 if timed.every else 1)
    while when < length and number < most:
        yield when
        number += 1
        if not timed.every:
            break
        when = first(timed.at, begins) + number * timed.every


def concerns(timed: Timed, names: Sequence[str]) -> frozenset[str] | None:
    """The tills that it is about; None for all."""
    if timed.tills:
        return frozenset(timed.tills)
    if timed.share < 1:
        return frozenset(names[: ceil(timed.share * len(names))])
    return None


Window = TypeVar("Window", bound=Lasting)


class Spells(Generic[Window]):
    """The windows that hold now, in the order of the file. ``began`` is told of each that begins.

    ``all`` has each with its beginning and its end, in seconds.
    """

    def __init__(
        self,
        windows: Sequence[Window],
        world: World,
        begins: float,
        length: float,
        began: Callable[[Window], None] = lambda _window: None,
    ) -> None:
        self.now: list[Window] = []
        self.all: list[tuple[Window, float, float]] = []
        self._began = began
        for window in windows:
            for start in occurrences(window, begins, length):
                end = start + window.lasts
                self.all.append((window, start, end))
                world.at(start, self._begin, window)
                world.at(end, self._end, window)

    def _begin(self, window: Window) -> None:
        self.now.append(window)
        self._began(window)

    def _end(self, window: Window) -> None:
        self.now.remove(window)
