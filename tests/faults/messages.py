"""Kills while messages are delivered: none may be lost, none unread again once it was read.

    python -m tests.faults.messages --kills 100

A server has a new message every moment. A real agent, in a process of its own, is killed while
it asks for them or acknowledges them, and started again; answers are lost now and then. A till
program looks at what is unread and marks it read. At the end every message that the server told
has to have been seen by the till program, and no message may ever have been unread after its
reading was answered. Prints one JSON object; exit code 0 when that is so, else 1.
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
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from engine.lab import Lab, LabThread
from engine.store import Store
from tests.acceptance.agent_process import (
    AgentProcess,
    Outcome,
    TooLateError,
    log_faults,
    server_lines,
    wait_until,
)

PACE = 0.03
"""Seconds between two messages, and between two looks at them."""

SETTLED_WITHIN = 60.0


@dataclass
class Seen:
    """What the till program saw. ``read`` holds what it marked and was answered about, ``back``
    what was unread after that; ``idle`` says that nothing was unread at the last look."""

    ids: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    back: list[str] = field(default_factory=list)
    new: Counter[str] = field(default_factory=Counter)
    idle: bool = False


class NotNowError(Exception):
    """The agent says that it cannot answer just now."""


class TillProgram:
    """Opens the till again and again, looks, and marks read what it sees."""

    def __init__(self, agent: AgentProcess) -> None:
        self.seen = Seen()
        self.stop = threading.Event()
        self._agent = agent

    def run(self) -> None:
        """Until ``stop``; an agent that is being killed, or begins, is asked again."""
        while not self.stop.wait(PACE):
            with suppress(OSError, HTTPException, NotNowError):
                self._look()

    def _look(self) -> None:
        """Ask for messages, and read those that are unread."""
        event = json.dumps({"event": "till.opened", "data": {}}).encode()
        self._ask("POST", "events", event)
        messages = json.loads(self._ask("GET", "messages?unread=true"))["messages"]
        self.seen.idle = not messages
        for message in messages:
            name = message["id"]
            self.seen.ids.add(name)
            self.seen.new[name] += message["shown"] is None
            if name in self.seen.read:
                self.seen.back.append(name)
            self._ask("POST", f"messages/{name}/read", b"{}")
            self.seen.read.add(name)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        status, answer = self._agent.ask(method, f"/v1/tills/01/{path}", body)
        if status == 503:
            raise NotNowError
        assert status == 200, answer
        return answer


class Storm:
    """One run."""

    def __init__(self, folder: Path, kills: int, seed: int) -> None:
        self.lab = LabThread(Lab(storage=folder / "lab"))
        self._folder = folder
        self._kills = kills
        self._chance = random.Random(seed)
        self._told = 0
        self._end = threading.Event()
        self._hits: Counter[str] = Counter()

    def run(self) -> dict[str, Any]:
        """Everything, from the first message to the verdict."""
        began = time.monotonic()
        with self.lab:
            lines = server_lines(self.lab, "soap", "1s")
            self.agent = AgentProcess(self._folder / "agent", lines)
            program = TillProgram(self.agent)
            hands = [Outcome("teller", self._tell), Outcome("till program", program.run)]
            try:
                self.agent.start()
                for hand in hands:
                    hand.start()
                self._kill(hands)
                self._end.set()
                hands[0].finish(30)
                self.lab.clear()
                wait_until(
                    lambda: hands[1].error is not None or self._settled(program),
                    "every message is read",
                    SETTLED_WITHIN,
                )
            finally:
                self._end.set()
                program.stop.set()
                for hand in hands:
                    hand.join(30)
                self.agent.end()
            hands[1].finish(1)
        return {**self._verdict(program.seen), "seconds": round(time.monotonic() - began, 1)}

    def _tell(self) -> None:
        notices = self.lab.lab.notices
        while not self._end.wait(PACE):
            name = f"m-{self._told}"
            # In the place of those that were acknowledged: a lab has a thousand at the most.
            notices.put_messages([*notices.messages("01"), {"id": name, "title": name}], "01")
            self._told += 1

    def _kill(self, hands: list[Outcome]) -> None:
        """Right after a call has come to the server, or a moment later; every third time after
        an answer was lost."""
        for count in range(self._kills):
            if any(hand.error is not None for hand in hands):
                return
            action = ("MESSAGES", "MESSAGESACK")[count % 2]
            if count % 3 == 0:
                self.lab.turn("lost_answer", action=action, times=1)
            calls = self.lab.lab.calls[action]
            if self.lab.wait(lambda lab, a=action, n=calls: lab.calls[a] > n, 15.0):  # type: ignore[misc]
                self._hits[action] += 1
            time.sleep(self._chance.uniform(0.0, 0.015))
            self.agent.kill()
            self.agent.start()

    def _settled(self, program: TillProgram) -> bool:
        waiting = self.lab.lab.notices.messages("01")
        return not waiting and program.seen.idle and len(program.seen.ids) >= self._told

    def _verdict(self, seen: Seen) -> dict[str, Any]:
        told = {f"m-{number}" for number in range(self._told)}
        with Store.open(self.agent.database, create=False) as store:
            kept = [message.id for message in store.messages.all("01", 10 * len(told) + 10)]
            unread = store.messages.unread_count("01")
            unknown = store.messages.to_acknowledge("01")
        faults = log_faults(self.agent)
        wrong = {
            "lost": sorted(told - seen.ids)[:20],
            "strangers": sorted(seen.ids - told)[:20],
            "unread_again": seen.back[:20],
            "kept_twice": [name for name, times in Counter(kept).items() if times > 1][:20],
            "not_acknowledged": unknown[:20],
            "faults": faults[:20],
        }
        return {
            "kills": self._kills,
            "hits": dict(self._hits),
            "told": self._told,
            "read": len(seen.read),
            "unread": unread,
            "told_as_new_twice": sum(times > 1 for times in seen.new.values()),
            **wrong,
            "good": not any(wrong.values()) and unread == 0 and self._told > self._kills,
        }


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Kill while messages are delivered.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    # Whoever ends this program by a signal leaves no agent behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="tillwire-messages-") as folder:
        try:
            verdict = Storm(Path(folder), asked.kills, asked.seed).run()
        except TooLateError as late:
            verdict = {"good": False, "faults": [str(late)]}
    print(json.dumps(verdict, indent=1))
    return 0 if verdict["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
