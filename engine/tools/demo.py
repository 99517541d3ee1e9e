"""``tillwire demo``: a till sells, loses its server, goes on selling and delivers everything.

The lab runs in a thread of this process and the agent as a process of its own, which is reached
only by its API. What is said at the end is counted at the lab and in the till's database, by
key and SHA-256, not taken from what the agent says of itself.
"""

import hashlib
import json as encoding
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from engine.lab.ledger import LabError
from engine.lab.thread import LabThread
from engine.store.errors import StoreError
from engine.store.store import Store
from engine.tools.demo_agent import (
    ATTEMPTS,
    SHOP,
    TILL,
    AgentProcess,
    CannotShow,
    TillProgram,
    find_place,
    wait_until_ready,
)
from engine.tools.demo_board import Board, Change, Display, Trail, display
from engine.tools.demo_receipts import receipt
from engine.tools.demo_script import SALES, SHORTEST, USUAL, Act, Script, parameters, script

GOOD, NOT_GOOD, USAGE = 0, 1, 2
TICK = 0.1
"""Seconds between two looks at the agent."""

DRAINING = 20.0
"""Seconds that the last tickets get after the script's end."""

LAST_DRAIN = 0.5
LAST_STOP = 0.9
"""After Ctrl-C: seconds for the last tickets, and for the agent to stop by itself."""

LEAST = 0.8 * SHORTEST
"""Seconds that the script has even where starting took long."""

STOPPING = 10.0
OFFLINE = "offline-cooldown"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")


@dataclass(slots=True)
class Outage:
    """``died`` on the wall clock, ``returned`` on the monotonic one; the rest in seconds."""

    died: float
    notice: float | None = None
    returned: float | None = None
    drain: float | None = None


class Summary(NamedTuple):
    """What came of it. ``waiting`` tickets are in the till's database and not at the server."""

    sold: int
    at_server: int
    lost: int
    twice: int
    waiting: int
    outages: int
    notice: float | None
    drain: float | None

    def as_json(self) -> str:
        """The object that ``--json`` prints."""
        return encoding.dumps(
            {
                "sold": self.sold,
                "at_server": self.at_server,
                "lost": self.lost,
                "twice": self.twice,
                "notice_s": None if self.notice is None else round(self.notice, 3),
                "drain_s": None if self.drain is None else round(self.drain, 3),
            }
        )

    def as_text(self) -> str:
        """The same in sentences."""
        sold, there, lost, twice = self[:4]
        lines = [f"{sold} tickets sold, {there} at the server, {lost} lost, {twice} there twice."]
        if self.waiting:
            lines.append(
                f"{self.waiting} wait in the till's database: there was no time to send them."
            )
        longest = "at most " if self.outages > 1 else ""
        if self.notice is not None:
            lines.append(f"The till noticed the dead server after {longest}{self.notice:.1f} s.")
        if self.drain is not None:
            lines.append(
                f"Once it was back, everything was there within {longest}{self.drain:.1f} s."
            )
        return "\n".join(lines) + "\n"


class Demo:
    """One demo, from the first sale to the last ticket at the server."""

    def __init__(
        self,
        lab: LabThread,
        agent: AgentProcess,
        program: TillProgram,
        shown: Display,
        stopped: threading.Event,
    ) -> None:
        self.sold: dict[str, str] = {}
        self.outages: list[Outage] = []
        self._lab = lab
        self._agent = agent
        self._program = program
        self._display = shown
        self._stopped = stopped
        self._trail = Trail()
        self._board = Board(address=agent.url)
        self._chance = random.Random(int(TILL))  # noqa: S311 - chooses groceries
        self._offered: bytes | None = None
        self._next_sale = 0.0
        self._history_due = 0.0

    def play(self, plan: Script, spent: float = 0.0) -> None:
        """Play the script to its end, or until somebody stops it.

        ``spent`` seconds have passed since the command was given.
        """
        self._board.length = None if plan.length is None else plan.length + spent
        start = time.monotonic()
        while not self._stopped.is_set():
            moment = time.monotonic() - start
            if plan.over(moment):
                return
            self._board.elapsed = moment + spent
            self._direct(plan.at(moment))
            if self._board.act is not Act.CLOSING and moment >= self._next_sale:
                self._sell()
                pause = self._chance.uniform(0.5, 1.5) * SALES
                self._next_sale = max(moment, self._next_sale + pause)
            self._look()
            self._stopped.wait(TICK)

    def finish(self, seconds: float) -> None:
        """The server is there; wait until all tickets are, but not longer than that."""
        if self.outages and self.outages[-1].returned is None:
            self._direct(Act.BACK)
        self._lab.clear()
        self._history_due = 0.0
        end = time.monotonic() + seconds
        interrupted = self._stopped.is_set()
        while True:
            self._look()
            if self._all_there() or time.monotonic() > end:
                return
            if self._stopped.is_set() and not interrupted:
                return
            time.sleep(TICK / 2)

    def _direct(self, act: Act) -> None:
        if act is self._board.act:
            return
        self._board.act = act
        if act is Act.GONE:
            self.outages.append(Outage(time.time()))
            self._lab.turn("down")
        elif act is Act.SILENT:
            self._lab.turn("hang")
            self._lab.clear("down")
        elif act is Act.BACK:
            self.outages[-1].returned = time.monotonic()
            self._lab.clear()

    def _sell(self) -> None:
        """Hand a ticket over; one that the agent could not take is offered again as it is."""
        number = len(self.sold) + 1
        if self._offered is None:
            at = datetime.now().astimezone()
            self._offered = receipt(self._chance, SHOP, TILL, number, at)
        if self._program.hand_over(number, self._offered):
            self.sold[f"{SHOP}/{TILL}/{number}"] = hashlib.sha256(self._offered).hexdigest()
            self._offered = None

    def _look(self) -> None:
        """See how the agent is, and show it."""
        if self._agent.ended is not None:
            raise CannotShow(
                f"The agent ended by itself, exit code {self._agent.ended}; "
                f"{self._agent.last_line()}"
            )
        board, news = self._board, self._news()
        board.view = self._program.view() or board.view
        board.now = time.time()
        board.sold = len(self.sold)
        board.at_server = self._lab.lab.ledger.counts().get(TILL, 0)
        board.changes = self._trail.changes
        outage = self.outages[-1] if self.outages else None
        if outage is not None and outage.returned is not None and outage.drain is None:
            returned = time.monotonic() - outage.returned
            outage.drain = returned if self._all_there() else None
        self._display.show(board, news)

    def _news(self) -> list[Change]:
        now = time.monotonic()
        if now < self._history_due:
            return []
        self._history_due = now + 2 * TICK
        news = self._trail.add(self._program.history())
        outage = self.outages[-1] if self.outages else None
        if outage is not None and outage.notice is None:
            noticed = [c.at for c in news if c.target == OFFLINE and c.at >= outage.died]
            outage.notice = noticed[0] - outage.died if noticed else None
        return news

    def _all_there(self) -> bool:
        if self._board.waiting or self._board.at_server < len(self.sold):
            return False
        return not self.sold.items() - at_server(self._lab)


def at_server(lab: LabThread) -> set[tuple[str, str]]:
    """Key and SHA-256 of everything that the lab has stored."""
    return {(row.key, row.sha256) for row in lab.lab.tickets()}


def in_database(path: Path) -> set[tuple[str, str]]:
    """Key and SHA-256 of the tickets that wait in a till's database, which no agent has open.

    Nothing when it cannot be read: then its tickets count as lost.
    """
    try:
        with Store.open(path, create=False) as store:
            pending = store.tickets.backlog(TILL).pending
            return {(ticket.key, ticket.sha256) for ticket in store.tickets.batch(TILL, pending)}
    except StoreError:
        return set()


def count(sold: dict[str, str], lab: LabThread, database: Path, outages: list[Outage]) -> Summary:
    """Compare what was sold with what the lab and the till's database hold."""
    stored = at_server(lab)
    missing = sold.items() - stored
    waiting = len(missing & in_database(database)) if missing else 0
    return Summary(
        sold=len(sold),
        at_server=len(sold.items() & stored),
        lost=len(missing) - waiting,
        twice=len(lab.lab.twice()),
        waiting=waiting,
        outages=len(outages),
        notice=max((o.notice for o in outages if o.notice is not None), default=None),
        drain=max((o.drain for o in outages if o.drain is not None), default=None),
    )


def demo(duration: float | None, json: bool) -> int:
    """Show it for ``duration`` seconds, or until Ctrl-C; returns the exit code.

    0: nothing was lost or stored twice; 1: it was, or the demo could not run; 2: the duration
    is too short. With ``json`` one object is printed and nothing else.
    """
    if duration is not None and duration < SHORTEST:
        sys.stderr.write(
            f"A demo takes at least {SHORTEST:g}s, or there is no time for an outage; "
            f"found {duration:g}s.\n"
        )
        return USAGE
    stopped = threading.Event()
    try:
        with _asked_to_stop(stopped):
            return _show(duration, json, stopped)
    except (CannotShow, LabError) as fault:
        sys.stderr.write(f"{fault}\n")
        return NOT_GOOD
    except BrokenPipeError:
        # Nobody reads any more; what is still in the buffer must not be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_GOOD


def _show(duration: float | None, json: bool, stopped: threading.Event) -> int:
    began = time.monotonic()
    place = find_place(Path.cwd())
    shown = display(json)
    agent = AgentProcess(place.folder)
    with LabThread() as lab:
        try:
            if place.remark:
                shown.say(place.remark)
            shown.say(f"till.yaml, the database and agent.log are in {place.name}")
            program = start_agent(agent, lab, parameters(duration or USUAL), stopped)
            played = Demo(lab, agent, program, shown, stopped)
            if not stopped.is_set():
                spent = time.monotonic() - began
                left = None if duration is None else max(LEAST, duration - spent)
                played.play(script(left), spent)
            interrupted = stopped.is_set()
            played.finish(LAST_DRAIN if interrupted else DRAINING)
            program.close()
        finally:
            shown.close()
            agent.stop(LAST_STOP if stopped.is_set() else STOPPING)
        result = count(played.sold, lab, place.folder / "tillwire.db", played.outages)
    sys.stdout.write(result.as_json() + "\n" if json else result.as_text())
    undelivered = result.waiting and not interrupted
    return NOT_GOOD if result.lost or result.twice or undelivered else GOOD


def start_agent(
    agent: AgentProcess, lab: LabThread, tuned: dict[str, str], stopped: threading.Event
) -> TillProgram:
    """An agent that serves; another port is tried when somebody was faster. Raises CannotShow."""
    server = f"http://127.0.0.1:{lab.port}"
    for _ in range(ATTEMPTS):
        agent.start(server, tuned)
        program = TillProgram(agent.url, agent.token)
        if wait_until_ready(agent, program, stopped) or stopped.is_set():
            return program
        program.close()
        if not agent.port_was_taken():
            break
    raise CannotShow(f"The agent did not start; {agent.last_line()}")


@contextmanager
def _asked_to_stop(stopped: threading.Event) -> Iterator[None]:
    """Set ``stopped`` on Ctrl-C and the like; a second one interrupts whatever is going on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before: list[tuple[Any, Any]] = [(number, signal.signal(number, stop)) for number in known]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
