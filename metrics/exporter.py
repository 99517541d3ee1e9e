"""Turns what tills do into metrics.

Everything here is called from the agent's loop thread: nothing locks, and nothing blocks. The
agent feeds an :class:`~metrics.listening.Guarded` exporter, so that a fault here stops no till.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count

from prometheus_client import CollectorRegistry, ProcessCollector

from engine.core.facts import MachineFacts
from engine.core.records import Step
from metrics.exposition import TillLines, escaped, heading
from metrics.families import COUNTED
from metrics.processwide import ProcessWide
from metrics.tills import Numbering, TillRecord
from metrics.wellbeing import Wellbeing

OTHER = "other"
"""The label ``event`` of an event that the machine does not know."""

KNOWN = "known"
"""The label ``event`` of all events that it does know: which ones, the history tells."""

AT_ONCE = 100
"""Tills whose lines make one chunk of a scrape: a few milliseconds, a few hundred KB."""


def cause(event: str) -> str:
    """The label ``event`` of a transition: without the reason of a failure, which has a metric."""
    effect, failed, _ = event.partition(".failed.")
    return f"{effect}.failed" if failed else event


class Exporter:
    """All metrics of one process: its tills, which share one machine, and the process itself.

    ``version`` is tillwire's own. ``wall`` tells the till's wall clock in seconds since 1970;
    it is asked at each scrape.
    """

    def __init__(self, version: str, machine: MachineFacts, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._tills: dict[str, TillRecord] = {}
        self._configurations: dict[tuple[str, ...], tuple[str, ...]] = {}
        numbers = count()
        self._transitions, self._rejections, self._unhandled = (Numbering(numbers) for _ in COUNTED)
        self._follow(machine)
        self._process = ProcessWide(version, machine, wall)
        # Not the library's global registry: what else the process imports must not show here.
        self._registry = CollectorRegistry(auto_describe=False)
        self._wellbeing = Wellbeing()
        self._registry.register(self._process)
        self._registry.register(self._wellbeing)
        ProcessCollector(registry=self._registry)

    def machine(self, machine: MachineFacts) -> None:
        """The tills play another machine from now on. What was counted stays counted."""
        self._follow(machine)
        self._process.machine(machine)

    def _follow(self, machine: MachineFacts) -> None:
        self._known = frozenset(machine.events)
        self._transitions.announce(
            (t.target, cause(t.event)) for t in machine.transitions if t.source != t.target
        )
        self._rejections.announce((refusal.state,) for refusal in machine.refusals)
        self._unhandled.announce(((KNOWN,), (OTHER,)))
        self._lines = TillLines(machine, (self._transitions, self._rejections, self._unhandled))

    def config(self, successful: bool, at: float | None) -> None:
        """Show whether the files that were read last are in force, and since when."""
        self._process.config(successful, at)

    def add_till(
        self,
        till: str,
        configuration: tuple[str, ...] = (),
        entered: Mapping[str, float] | None = None,
    ) -> None:
        """Show a till before its first step, with every counter at 0.

        A till that was restored comes with the states that it is in and the Unix time at which
        each was entered; states without a time count from now.
        """
        record = self._record(till)
        if configuration:
            entered = entered or {}
            now = self._wall()
            record.configuration = self._shared(configuration)
            record.entered = tuple(entered.get(state, now) for state in configuration)

    def observe(self, step: Step, wall: float) -> None:
        """Count a step that ended at ``wall``, in seconds since 1970."""
        record = self._tills.get(step.till) or self._record(step.till)
        if step.late:
            return
        for taken in step.taken:
            if taken.source != taken.target:
                record.count(self._transitions.number((taken.target, cause(taken.event))))
        for refusal in step.refused:
            record.count(self._rejections.number((refusal.state,)))
        # A timer that only repeats actions, and a beginning, take no transition either.
        if not step.handled and step.event.timer is None and not step.entered:
            event = KNOWN if step.event.name in self._known else OTHER
            record.count(self._unhandled.number((event,)))
        if step.entered or step.configuration != record.configuration:
            record.move(self._shared(step.configuration), step.entered, wall)

    def step_failed(self, till: str) -> None:
        """Count a step that could not be played."""
        self._record(till).failed += 1

    def effect(self, effect: str, outcome: str, seconds: float) -> None:
        """Count an effect that ran for ``seconds``; ``outcome`` is one of ``OUTCOMES``."""
        self._process.effect(effect, outcome, seconds)
        # A load may be refused because another one is under way here.
        if effect != "load" and not outcome.startswith("failed."):
            self._wellbeing.last_exchange = self._wall()

    def backlog(
        self,
        till: str,
        pending: int,
        sent: int,
        refused: int,
        oldest_at: float | None,
        missing: int = 0,
    ) -> None:
        """Show what the store says of a till's tickets: totals, a Unix time or None, and how many
        numbers are missing."""
        record = self._record(till)
        record.pending = pending
        record.sent = sent
        record.refused = refused
        record.oldest_at = oldest_at if pending else None
        record.missing = missing

    def messages(self, till: str, new: int, unread: int) -> None:
        """Count a till's new messages and show how many are unread."""
        record = self._record(till)
        record.messages += new
        record.unread = unread

    def offers(self, answered: str) -> None:
        """Count an answer to who asked for offers: one of ``ANSWERS``."""
        self._process.offers(answered)

    def load(self, kind: str, outcome: str, seconds: float, rows: int, size: int) -> None:
        """Count a load of the catalogue that ended, after so many rows and bytes."""
        self._process.loads.ended(kind, outcome, seconds, rows, size)

    def load_in_progress(self, going_on: bool) -> None:
        """Show whether a load is under way."""
        self._process.loads.in_progress = going_on

    def datasets(self, held: Mapping[str, tuple[int, float, int]]) -> None:
        """Show what the catalogue holds: by dataset its version, the Unix time of its load, and
        its rows."""
        self._process.loads.held = dict(held)

    def load_succeeded(self, at: float) -> None:
        """Show when the catalogue was last brought up to date, 0 for never."""
        self._process.loads.succeeded_at = at

    def wellbeing(self, ready: bool, lag: float) -> None:
        """Show how the agent does: asked for just before a scrape."""
        self._wellbeing.ready, self._wellbeing.lag = ready, lag

    def disk(self, free: int) -> None:
        """Show how many bytes are left on the database's disk."""
        self._wellbeing.free = free

    def journal(self, broken: bool, whole_at: float | None) -> None:
        """Show what was found of the journal's chain, and when it was last whole."""
        self._wellbeing.broken, self._wellbeing.whole_at = broken, whole_at

    def source(self, conflicts: int, failing: bool) -> None:
        """Show how the last look at the till program's table went."""
        self._process.source(conflicts, failing)

    def worker_abandoned(self) -> None:
        """Count a worker that outlived its deadline."""
        self._process.workers_abandoned += 1

    def listener_failed(self) -> None:
        """Count a call above that failed and was caught."""
        self._process.listener_failures += 1

    def render(self, accept: str | None = None) -> tuple[bytes, str]:
        """The body of a scrape and its content type.

        ``accept`` is the request's Accept header; OpenMetrics is given to whoever asks for it.
        """
        chunks, content_type = self.chunks(accept)
        return b"".join(chunks), content_type

    def chunks(self, accept: str | None = None) -> tuple[Iterator[bytes], str]:
        """As :meth:`render`, in pieces of a few milliseconds each.

        A process of thousands of tills lets its loop breathe between two pieces. Tills may
        step meanwhile: each line is right at the moment at which it is written.
        """
        # With it comes a web server of its own (0.5 MB), which who is never scraped need not hold.
        from prometheus_client.exposition import choose_encoder

        encode, content_type = choose_encoder(accept or "")
        openmetrics = content_type.startswith("application/openmetrics-text")
        return self._chunks(openmetrics, lambda: encode(self._registry)), content_type

    def _chunks(self, openmetrics: bool, rest: Callable[[], bytes]) -> Iterator[bytes]:
        records = list(self._tills.values())
        for family, lines in self._lines.of_families():
            yield heading(family, openmetrics).encode()
            for start in range(0, len(records), AT_ONCE):
                yield "".join(map(lines, records[start : start + AT_ONCE])).encode()
        yield rest()

    def _record(self, till: str) -> TillRecord:
        record = self._tills.get(till)
        if record is None:
            record = self._tills[till] = TillRecord(escaped(till))
        return record

    def _shared(self, configuration: tuple[str, ...]) -> tuple[str, ...]:
        """One tuple for all tills that are in the same states."""
        return self._configurations.setdefault(configuration, configuration)
