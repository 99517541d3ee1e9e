"""The storm: kills, lost answers, dead servers and every fault of the lab, while a shop sells.

    python -m tests.faults.delivery --server dedup --kills 200 --lost-answers 100 --downs 50 \
        --faults 20

A real agent, in a process of its own, looks after two tills whose programs sell without a
break. One hand kills the agent at random moments and starts it again; another turns the lab's
knobs. At the end everything that was acknowledged to a till program is compared with what the
server has. Prints one JSON object; exit code 0 when all of it is there, once, with the same
bytes and in order, else 1.

``--server dedup`` recognises a key that it has; ``status`` does not, but tells what it has;
``plain`` does neither, and may store a ticket twice (which is then no fault).
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.lab import Lab, LabThread
from engine.lab.faults import FAULTS
from tests.acceptance.agent_process import (
    AgentProcess,
    Outcome,
    books_faults,
    log_faults,
    server_lines,
    wait_until,
)
from tests.acceptance.till_program import TillProgram

TILLS = ("01", "02")
SERVERS = ("dedup", "status", "plain")

SETTLE = "1s"
SLOWEST = 700
"""Milliseconds that the lab takes at most for a request that it still commits. With the 600 ms
after which the agent gives a call up and the second that it lets the server settle, a lab that
is late by 0.9 s is still within what till.yaml says of it."""

STRUCK_WITHIN = 90.0
"""Seconds that a fault waits for a request to strike, kills included."""

DRAINED_WITHIN = 120.0


@dataclass(frozen=True)
class Dose:
    """How much of what; ``faults`` is for each kind of lab fault."""

    server: str = "dedup"
    protocol: str = "soap"
    kills: int = 200
    lost_answers: int = 100
    downs: int = 50
    faults: int = 20
    pace: float = 0.06
    seed: int = 1


@dataclass
class Done:
    """What was really done; ``struck`` counts requests by fault, ``actions`` by what they asked."""

    kills: int = 0
    lost_answers: int = 0
    downs: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)


class Storm:
    """One run."""

    def __init__(self, dose: Dose, folder: Path) -> None:
        self.dose = dose
        self.done = Done()
        self.lab = LabThread(
            Lab(
                deduplicates=dose.server == "dedup",
                tells_ticket_status=dose.server == "status",
                storage=folder / "lab",
            )
        )
        self._folder = folder
        self._failed = threading.Event()
        self._hands: list[Outcome] = []
        self._programs: list[TillProgram] = []
        self._startup = 0.0

    def run(self) -> dict[str, Any]:
        """Everything, from the first ticket to the verdict."""
        began = time.monotonic()
        with self.lab:
            lines = server_lines(self.lab, self.dose.protocol, SETTLE)
            self.agent = AgentProcess(self._folder / "agent", lines, tills=TILLS)
            try:
                programs = self._storm()
                verdict = self._verdict(programs)
            finally:
                # Nobody may start the agent again once it was ended.
                self._failed.set()
                for hand in self._hands:
                    hand.join(60)
                self.agent.end()
        verdict["seconds"] = round(time.monotonic() - began, 1)
        return verdict

    def _storm(self) -> list[TillProgram]:
        dose, began = self.dose, time.monotonic()
        self.agent.start()
        self._startup = time.monotonic() - began
        self._programs = programs = [
            TillProgram(self.agent, till, dose.pace, dose.seed) for till in TILLS
        ]
        sellers = [
            self._thread(f"till {till}", p.run) for till, p in zip(TILLS, programs, strict=True)
        ]
        self._hands = [self._thread("kills", self._kill), self._thread("faults", self._trouble)]
        try:
            for hand in self._hands:
                hand.finish(3600)
            self.lab.clear()
        finally:
            for program in programs:
                program.stop.set()
        for seller in sellers:
            seller.finish(60)
        self.agent.wait_until_drained(DRAINED_WITHIN)
        return programs

    def _thread(self, name: str, work: Any) -> Outcome:
        def watched() -> None:
            try:
                work()
            except BaseException:
                self._failed.set()
                raise

        thread = Outcome(name, watched)
        thread.start()
        return thread

    def _kill(self) -> None:
        """Kill the agent at any moment of a life that lasts twice as long as its start takes;
        every third time right after a ticket call has come to the server, where it hurts most."""
        chance = random.Random(f"{self.dose.seed}/kills")
        for count in range(self.dose.kills):
            if self._failed.wait(chance.uniform(0.0, 2 * self._startup)):
                return
            if count % 3 == 0:
                calls = self.lab.lab.calls["TICKETS"]
                self.lab.wait(lambda lab, calls=calls: lab.calls["TICKETS"] > calls, 15.0)  # type: ignore[misc]
                self._failed.wait(chance.uniform(0.0, 0.01))
            self.agent.kill()
            self.done.kills += 1
            self.agent.start(ready=False)
        wait_until(self.agent.ready, "the agent is ready after the last kill")

    def _trouble(self) -> None:
        chance = random.Random(f"{self.dose.seed}/faults")
        plan = ["lost"] * self.dose.lost_answers + ["down"] * self.dose.downs
        plan += [name for name in FAULTS if name != "down"] * self.dose.faults
        plan += ["down"] * self.dose.faults
        chance.shuffle(plan)
        for name in plan:
            if self._failed.is_set():
                return
            if name == "down":
                self._down(chance)
            elif name == "lost":
                self._strike("lost_answer", "TICKETS", chance)
                self.done.lost_answers += 1
            else:
                self._strike(name, self._action(name, chance), chance)
        self.lab.clear()

    def _down(self, chance: random.Random) -> None:
        self.lab.turn("down")
        self._failed.wait(chance.uniform(0.05, 0.8))
        self.lab.clear("down")
        self.done.downs += 1
        self.done.struck["down"] += 1

    def _strike(self, name: str, action: str, chance: random.Random) -> None:
        """Turn a fault on for one request and wait until it has struck it."""
        self.lab.turn(name, action=action, times=1, **_settings(name, chance))
        if action == "TICKETSTATUS":  # it is only asked after an answer was lost
            self._strike("lost_answer", "TICKETS", chance)
        if not self._has_struck(name, action):
            last = "\n".join(self.agent.errors().splitlines()[-30:])
            raise AssertionError(f"no {action} call came for {name} to strike; the log:\n{last}")
        self.done.struck[name] += 1
        self.done.actions[action] += 1
        # Most of the time the next fault meets a link that has not got over this one yet.
        self._failed.wait(chance.choice((0.0, 0.0, 0.3)))

    def _has_struck(self, name: str, action: str) -> bool:
        """Wait for it; a till that sells without a break never comes to ping, so it gets one."""
        if self.lab.wait(lambda lab: not _is_on(lab, name, action), 2.0):
            return True
        for program in self._programs:
            if action == "PING":
                program.go.clear()
        try:
            return self.lab.wait(lambda lab: not _is_on(lab, name, action), STRUCK_WITHIN)
        finally:
            for program in self._programs:
                program.go.set()

    def _action(self, name: str, chance: random.Random) -> str:
        """Mostly a ticket call; else a ping or a question about tickets."""
        able = [action for action in ("PING", "TICKETSTATUS") if action in FAULTS[name].actions]
        if self.dose.server != "status":
            able = able[:1]
        return chance.choice(["TICKETS", "TICKETS", *able])

    def _served(self) -> int:
        """How many lives of the agent came as far as serving the till programs."""
        return sum(line.get("event") == "api.serving" for line in self.agent.log_lines())

    def _verdict(self, programs: list[TillProgram]) -> dict[str, Any]:
        sent = {till: len(p.sold.order) for till, p in zip(TILLS, programs, strict=True)}
        code, _seconds = self.agent.stop()
        faults = books_faults(self.agent, sent) + log_faults(self.agent)
        if code != 0:
            faults.append(f"the agent ended with {code}")
        verdict: dict[str, Any] = {
            "server": self.dose.server,
            "protocol": self.dose.protocol,
            "acknowledged": sum(sent.values()),
            "again": sum(program.sold.again for program in programs),
            **compare(self.lab.lab, dict(zip(TILLS, programs, strict=True))),
            "kills": self.done.kills,
            "starts_that_served": self._served(),
            "lost_answers": self.done.lost_answers,
            "downs": self.done.downs,
            "struck": dict(sorted(self.done.struck.items())),
            "actions": dict(sorted(self.done.actions.items())),
            "ticket_calls": self.lab.lab.calls["TICKETS"],
            "status_calls": self.lab.lab.calls["TICKETSTATUS"],
            "faults": faults[:20],
        }
        wrong = [verdict[name] for name in ("lost", "strangers", "different_bytes", "out_of_order")]
        wrong.append(verdict["twice"] if self.dose.server != "plain" else 0)
        verdict["good"] = not any(wrong) and not faults and verdict["acknowledged"] > 0
        return verdict


def _settings(name: str, chance: random.Random) -> dict[str, object]:
    if name == "slow":
        return {"ms": chance.randint(50, SLOWEST)}
    if name == "drip":
        part = chance.choice(("headers", "body", "continue"))
        return {"interval": chance.choice((0.005, 0.05, 0.2)), "part": part}
    if name in {"http_503", "http_429"}:
        return {"retry_after": chance.choice((0, 1))}
    if name == "gzip_bomb":
        return {"mib": 64}
    if name == "truncated":
        return {"framing": chance.choice(("length", "close"))}
    return {}


def _is_on(lab: Lab, name: str, action: str) -> bool:
    return any((knob["fault"], knob["action"]) == (name, action) for knob in lab.knobs.as_data())


def compare(lab: Lab, programs: dict[str, TillProgram]) -> dict[str, int]:
    """What the server has against what the till programs were promised.

    ``out_of_order`` counts tickets that were stored for the first time after one that was
    acknowledged later; ``strangers`` tickets that nobody sold.
    """
    counts = Counter(at_server=0, lost=0, twice=0, different_bytes=0, out_of_order=0, strangers=0)
    for till, program in programs.items():
        rows = lab.tickets(till)
        digests = program.sold.digests
        times = Counter(row.number for row in rows)
        first = list(dict.fromkeys(row.number for row in rows))
        place = {number: index for index, number in enumerate(program.sold.order)}
        order = [place[number] for number in first if number in place]
        counts["at_server"] += len(times)
        counts["lost"] += len(digests.keys() - times.keys())
        counts["strangers"] += len(times.keys() - digests.keys())
        counts["twice"] += sum(times[number] > 1 for number in times)
        counts["different_bytes"] += sum(
            sha256(row.payload).hexdigest() != digests.get(row.number)
            or row.key != f"0042/{till}/{row.number}"
            for row in rows
        )
        counts["out_of_order"] += sum(before > after for before, after in pairwise(order))
    return dict(counts)


def storm(dose: Dose) -> dict[str, Any]:
    """Run one dose in a folder of its own and give the summary."""
    with tempfile.TemporaryDirectory(prefix="tillwire-storm-") as folder:
        return Storm(dose, Path(folder)).run()


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Kill, cut, spoil, and count what arrives.")
    parser.add_argument("--server", choices=SERVERS, default="dedup")
    parser.add_argument("--protocol", choices=("soap", "rest"), default="soap")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--lost-answers", type=int, default=100)
    parser.add_argument("--downs", type=int, default=50)
    parser.add_argument("--faults", type=int, default=20, help="of each kind")
    parser.add_argument("--pace", type=float, default=0.06, help="seconds between two tickets")
    parser.add_argument("--seed", type=int, default=1)
    # Whoever ends this program by a signal leaves no agent behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    verdict = storm(Dose(**vars(parser.parse_args())))
    print(json.dumps(verdict, indent=1))
    return 0 if verdict["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
