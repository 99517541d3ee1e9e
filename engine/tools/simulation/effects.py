"""Carries effects out: the real ones, but for the load, whose files nobody downloads here."""

from functools import partial
from threading import Event as Flag

from engine.agent.tills import Tills
from engine.core.records import Event, Run
from engine.effects.call import Answer, Books, Call, Patience, failed
from engine.effects.table import perform
from engine.server.port import CallFailed, CallRejected, Reason, Server
from engine.store.tickets import Backlog
from engine.tools.simulation.loading import SimulatedLoad
from engine.tools.simulation.record import Record
from engine.tools.simulation.world import World

SHOP = "0001"


def _uncounted(_till: str, _backlog: Backlog) -> None:
    """The books are looked at when somebody wants to know."""


class Effects:
    """As :class:`engine.agent.running.EffectRunner`, in virtual time. A till has always a worker
    for its effect: one that looks after a single till never runs short of them."""

    def __init__(
        self,
        world: World,
        server: Server,
        books: Books,
        record: Record,
        load: SimulatedLoad | None,
    ) -> None:
        self._world = world
        self._server = server
        self._books = books
        self._record = record
        self._load = load
        self._patience = Patience()
        self._flags: dict[tuple[str, int], Flag] = {}

    def open(self, tills: Tills) -> None:
        """Answers go to these machines."""
        self._tills = tills

    def start(self, till: str, run: Run) -> None:
        """Start an effect; its answer is delivered as an event, never before this returns."""
        flag = self._flags[till, run.number] = Flag()
        self._world.begin(partial(self._perform, till, run, flag))

    def cancel(self, till: str, run: Run) -> None:
        """Drop a run; its late answer is ignored."""
        flag = self._flags.pop((till, run.number), None)
        if flag is not None:
            flag.set()

    def _perform(self, till: str, run: Run, cancelled: Flag) -> None:
        clock = self._world.clock
        call = Call(
            SHOP,
            till,
            run.arguments,
            self._server,
            self._books,
            self._patience,
            cancelled,
            clock.wall,
            clock.monotonic,
            _uncounted,
        )
        if run.effect == "load" and self._load is not None:
            answer = self._loaded(call, self._load)
        else:
            answer = perform(run.effect, call)
        if cancelled.is_set():
            self._record.ended[run.effect, "dropped"] += 1
            return
        self._record.ended[run.effect, answer.name] += 1
        del self._flags[till, run.number]
        event = Event(f"{run.effect}.{answer.name}", answer.data, run=run.number)
        self._world.at(self._world.now, self._tell, till, event)

    def _tell(self, till: str, event: Event) -> None:
        self._tills.deliver(till, event)

    def _loaded(self, call: Call, load: SimulatedLoad) -> Answer:
        """As :func:`engine.effects.table.perform`, for the load alone."""
        left = self._patience.left(call.till, "load", call.monotonic())
        if left > 0:
            return failed(Reason.SERVER_ERROR, "the server asked for patience", left)
        try:
            return load.run(call)
        except CallRejected as refusal:
            return Answer("rejected", {"code": refusal.code, "message": refusal.message})
        except CallFailed as fault:
            if fault.retry_after > 0:
                self._patience.ask(call.till, "load", call.monotonic() + fault.retry_after)
            return failed(fault.reason, fault.message, fault.retry_after)
