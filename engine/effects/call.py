"""The one signature of all effects: a call goes in, an answer comes out.

An effect runs in a worker thread and may block until its deadline. It never touches a machine:
its answer becomes an event (``<effect>.<answer>``) that the machine handles like any other.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock
from typing import NamedTuple, Protocol, TypeVar

from engine.definition.vocabulary import EffectSignature, Value
from engine.effects.loading import Loading
from engine.server.port import Message, Reason, Server
from engine.store.store import Store
from engine.store.tickets import Backlog

T = TypeVar("T")

BOOKS_TIMEOUT = 30.0
"""Seconds that one visit to the till's own database may take."""


class Books(Protocol):
    """The till's store, as a worker thread reaches it."""

    def call(self, work: Callable[[Store], T], timeout: float, *, write: bool = True) -> T:
        """Do ``work`` in the store's own thread and wait for it, ``timeout`` seconds at most."""


class Answer(NamedTuple):
    """``name`` is ``ok``, ``rejected`` or ``failed.<reason>``; ``data`` as the signature says."""

    name: str
    data: Mapping[str, Value]


def failed(reason: Reason, message: str, retry_after: float = 0.0) -> Answer:
    """The answer of an effect that failed."""
    data: dict[str, Value] = {"reason": str(reason), "message": message, "retry_after": retry_after}
    return Answer(f"failed.{reason}", data)


class Patience:
    """How long the server is to be left alone: no edit of the YAML can break these promises.

    That is what it asked for with Retry-After, per till and effect, and the time for which a
    request that nobody answered may still be at work. Times are on the agent's monotonic clock.
    """

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}
        self._under_way: dict[str, dict[float, float]] = {}
        self._met: dict[str, dict[float, float]] = {}
        self._lock = Lock()

    def ask(self, till: str, effect: str, until: float) -> None:
        """The server wants no such call before ``until``; an earlier, longer wish still holds."""
        with self._lock:
            self._until[till, effect] = max(until, self._until.get((till, effect), until))

    def left(self, till: str, effect: str, now: float) -> float:
        """Seconds still to wait; 0 when the call may be made."""
        with self._lock:
            left = self._until.get((till, effect), now) - now
            if left <= 0:
                self._until.pop((till, effect), None)
                return 0.0
            return left

    def under_way(self, till: str, attempted_at: float, now: float) -> None:
        """A request is, or was a moment ago, under way; ``attempted_at`` is its time in the
        store, on the wall clock, by which it is known again."""
        with self._lock:
            self._under_way.setdefault(till, {})[attempted_at] = now

    def answered(self, till: str, attempted_at: float) -> None:
        """That request is certainly no longer at work."""
        with self._lock:
            self._under_way.get(till, {}).pop(attempted_at, None)

    def quiet_for(self, till: str, attempted_at: float, wall: float, now: float) -> float:
        """Seconds for which that request has been quiet.

        The wall clock, which anybody may set, is only believed of a request that an earlier
        process made, and then never to the effect that time stands still.
        """
        with self._lock:
            seen = self._under_way.get(till, {}).get(attempted_at)
            if seen is not None:
                return now - seen
            met = self._met.setdefault(till, {}).setdefault(attempted_at, now)
            return max(now - met, wall - attempted_at)

    def only(self, till: str, attempted_at: Collection[float]) -> None:
        """Forget every request of the till but these."""
        with self._lock:
            for known in (self._under_way, self._met):
                kept = {at: seen for at, seen in known.get(till, {}).items() if at in attempted_at}
                known[till] = kept
                if not kept:
                    del known[till]


def _untold(_till: str, _new: Sequence[Message], _unread: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Call:
    """One start of an effect for one till.

    ``arguments`` are those of the signature, all of them. ``wall`` and ``monotonic`` read the
    agent's clock in seconds; ``cancelled`` is set when nobody waits for the answer any more;
    ``counted`` is told the till's backlog whenever the effect changed it, ``messages`` the
    messages that are new and now kept, with how many are unread. ``loading`` is what a load
    needs, None where till.yaml declares no catalogue.
    """

    shop: str
    till: str
    arguments: Mapping[str, Value]
    server: Server
    books: Books
    patience: Patience
    cancelled: Event
    wall: Callable[[], float]
    monotonic: Callable[[], float]
    counted: Callable[[str, Backlog], None]
    messages: Callable[[str, Sequence[Message], int], None] = _untold
    loading: Loading | None = None

    def seconds(self, name: str) -> float:
        """A duration among the arguments."""
        return float(self.arguments[name])

    def text(self, name: str) -> str:
        """A text among the arguments, empty where the machine gives none."""
        return str(self.arguments.get(name, ""))

    def whole(self, name: str, default: int) -> int:
        """A whole number among the arguments, or the default where the machine gives none."""
        return int(self.arguments.get(name, default))


@dataclass(frozen=True, slots=True)
class Effect:
    """An effect: what it takes and answers, what it does, how long it may last in seconds."""

    signature: EffectSignature
    run: Callable[[Call], Answer]
    deadline: Callable[[Mapping[str, Value]], float]
