"""Saves over a running machine: the till never stops, whatever is saved.

    python -m tests.faults.saves --saves 200

A real agent, in a process of its own, looks after a till that sells all the time, against the lab.
Its machine and its till.yaml are edited and saved in the odd ways of editors: well, with faults
planted, with slips of a hand. What the check says of an edit beforehand, the agent has to do: a
bad one is refused with its place, a good one is live within 1 s of its saving. All the time the
till answers and has a next thing to do; at the end every ticket is there once. Prints one JSON
object; exit code 0 when that is so, else 1.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.effects.table import VOCABULARY
from engine.lab import Lab, LabThread
from engine.problems import Refused
from engine.settings import load_till
from tests.acceptance.agent_process import (
    QUICK,
    AgentProcess,
    Outcome,
    books_faults,
    quick_machine,
    server_lines,
)
from tests.acceptance.till_program import TillProgram
from tests.faults.edits import BACK, BAD, DEEP, GOOD, SAME, SLIP, THERE, Edit, Texts

LIVE_WITHIN = 1.0
REFUSED_WITHIN = 5.0
LOOK = 0.02
SILENT, IDLE = 1.0, 5.0
"""Seconds without an answer, and without a next thing to do, after which the till has stopped."""

Place = tuple[str, int, int, str]


class Eye(threading.Thread):
    """Looks at the till all the time."""

    def __init__(self, agent: AgentProcess) -> None:
        super().__init__(name="eye", daemon=True)
        self.wrong: list[str] = []
        self.stop = threading.Event()
        self.longest = 0.0
        self.looks = 0
        self._agent = agent

    def run(self) -> None:
        busy = time.monotonic()
        while not self.stop.wait(LOOK):
            began = time.monotonic()
            try:
                view = self._agent.till()
            except Exception as fault:  # noqa: BLE001 - that is what is looked for
                self.wrong.append(f"the till did not answer: {fault!r}")
                continue
            self.looks += 1
            self.longest = max(self.longest, time.monotonic() - began)
            due = view["next_try"]
            if due is not None and _epoch(due) > time.time() - IDLE:
                busy = time.monotonic()
            elif time.monotonic() - busy > IDLE:
                self.wrong.append(f"nothing to do for {IDLE} s: {view}")
                busy = time.monotonic()
        if self.longest > SILENT:
            self.wrong.append(f"an answer took {self.longest:.2f} s")


class Desk:
    """An editor, and what there is to be said of each save."""

    def __init__(self, agent: AgentProcess, seed: int, live_within: float) -> None:
        self.chance = random.Random(seed)
        self._live_within = live_within
        self.agent = agent
        self.machine = agent.folder / "connection.yaml"
        self.clean: Texts = (quick_machine(), agent.settings.read_text(encoding="utf-8"))
        self.now = self.clean
        self.wrong: list[str] = []
        self.met: Counter[str] = Counter()
        self.live: list[float] = []
        self.count = 0
        self.away = False  # the till may be in states by their other names
        self.written = 0.0

    def save(self, edit: Edit) -> None:
        """One edit of the clean files, saved, and the agent held to what the check says of it."""
        self.count += 1
        what = f"save {self.count}, {edit.name}"
        texts = edit.do(self.clean, self.chance)
        if texts[0] and self.away and THERE not in texts[0] and edit.name != SILENTLY:
            texts = (texts[0] + BACK, texts[1])
        if texts[0]:  # every save is another one, and its places are too
            texts = (f"# save {self.count}\n" + "#\n" * (self.count % 9) + texts[0], texts[1])
        expected = self._expected(texts)
        self._write(texts)
        began = time.monotonic()
        if isinstance(expected, str):
            self._goes_live(what, edit, expected, began)
        else:
            self._is_refused(what, expected, began)

    def _expected(self, texts: Texts) -> str | set[Place]:
        """The hash of good files, the places of what is wrong with bad ones."""
        with tempfile.TemporaryDirectory() as folder:
            paths = Path(folder) / "connection.yaml", Path(folder) / "till.yaml"
            for path, text in zip(paths, texts, strict=True):
                path.write_text(text, encoding="utf-8")
            try:
                return load_till(paths[1], VOCABULARY)[1].hash
            except Refused as refused:
                return {
                    (Path(one.file).name, one.line, one.column, one.code)
                    for one in refused.problems
                }

    def _config(self) -> dict[str, Any]:
        status, body = self.agent.ask("GET", "/v1/config")
        assert status == 200, body
        told: dict[str, Any] = json.loads(body)
        return told

    def _until(self, holds: Callable[[dict[str, Any]], bool], end: float) -> dict[str, Any] | None:
        while True:
            told = self._config()
            if holds(told):
                return told
            if time.monotonic() > end:
                self.met["late"] += 1
                return None
            time.sleep(LOOK / 2)

    def _goes_live(self, what: str, edit: Edit, expected: str, began: float) -> None:
        def settled(told: dict[str, Any]) -> bool:
            played = any(p["trace"] or p["code"] in PLAYED for p in told["problems"])
            refused = not told["good"] and played and _epoch(told["read"]) > self.written
            return refused or (told["hash"] == expected and told["good"])

        told = self._until(settled, began + REFUSED_WITHIN)
        took = time.monotonic() - began
        if told is None:
            self.wrong.append(f"{what}: neither live nor refused: {self._config()}")
        elif told["good"]:
            self.live.append(took)
            self.met["live"] += 1
            self.away = "doubtful" in self.now[0]
            if took > self._live_within:
                self.wrong.append(f"{what}: live after {took:.2f} s")
            if edit.deep:
                self._is_taken_back(what, expected)
        else:
            self.met["refused by " + told["problems"][0]["code"]] += 1
            if not all(one["line"] for one in told["problems"] if one["severity"] == "error"):
                self.wrong.append(f"{what}: refused without a place: {told}")
            if told["hash"] == expected:
                self.wrong.append(f"{what}: refused and live")
            if edit in GOOD:
                self.wrong.append(f"{what}: a good one was refused: {told['problems']}")

    def _is_taken_back(self, what: str, bad: str) -> None:
        told = self._until(
            lambda told: not told["good"] and told["hash"] != bad, time.monotonic() + 30
        )
        self.met["taken back"] += 1
        if told is None:
            self.wrong.append(f"{what}: a machine at fault plays on: {self._config()}")

    def _is_refused(self, what: str, expected: set[Place], began: float) -> None:
        before = self._config()["hash"]

        def refused(told: dict[str, Any]) -> bool:
            found = {
                (Path(one["file"]).name, one["line"], one["column"], one["code"])
                for one in told["problems"]
            }
            return not told["good"] and found == expected and _epoch(told["read"]) > self.written

        told = self._until(refused, began + REFUSED_WITHIN)
        self.met["refused"] += 1
        if told is None:
            self.wrong.append(f"{what}: not refused for {expected}: {self._config()}")
        elif told["hash"] != before:
            self.wrong.append(f"{what}: refused, and another machine runs")

    def _write(self, texts: Texts) -> None:
        """In one of the ways of editors."""
        for path, text, old in zip(
            (self.machine, self.agent.settings), texts, self.now, strict=True
        ):
            if text != old:
                way = self.chance.choice(WAYS)
                self.met[way.__name__.strip("_").replace("_", " ")] += 1
                way(path, text.encode())
        self.now = texts
        self.written = time.time()


SILENTLY = "renamed and not said"
PLAYED = frozenset({"stranded", "cannot-go-on", "cannot-begin"})
"""Faults that only show with tills, or when the machine is played."""


def _emptied_and_written(path: Path, content: bytes) -> None:
    """In two halves, with a moment between them."""
    with path.open("wb") as file:
        time.sleep(0.01)
        file.write(content[: len(content) // 2])
        file.flush()
        time.sleep(0.02)
        file.write(content[len(content) // 2 :])


def _written_twice(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    time.sleep(0.05)
    path.write_bytes(content)


def _renamed_over(path: Path, content: bytes) -> None:
    other = path.with_name(f".{path.name}.swp")
    other.write_bytes(content)
    other.replace(path)


def _kept_and_written(path: Path, content: bytes) -> None:
    """The old file gets another name, and there is none for a moment."""
    path.replace(path.with_name(path.name + "~"))
    time.sleep(0.01)
    path.write_bytes(content)


def _written_and_touched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    time.sleep(0.03)
    os.utime(path)


WAYS = (
    _emptied_and_written,
    _written_twice,
    _renamed_over,
    _kept_and_written,
    _written_and_touched,
)


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def run(folder: Path, saves: int, seed: int, live_within: float = LIVE_WITHIN) -> dict[str, Any]:
    """Everything, from the first ticket to the verdict."""
    began = time.monotonic()
    lab = LabThread(Lab(storage=folder / "lab"))
    with lab:
        lines = server_lines(lab, "rest", "1s")
        agent = AgentProcess(folder / "agent", lines, parameters=QUICK)
        program = TillProgram(agent, "01", 0.1, seed)
        hands = [Outcome("till program", program.run)]
        eye = Eye(agent)
        try:
            agent.start()
            desk = Desk(agent, seed, live_within)
            for hand in (*hands, eye):
                hand.start()
            for number in range(saves):
                desk.save(_choose(number, desk.chance))
                time.sleep(desk.chance.uniform(0, 0.2))
            desk.save(SAME)
            eye.stop.set()
            program.stop.set()
            hands[0].finish(30)
            eye.join(30)
            agent.wait_until_drained()
            agent.stop()
        finally:
            eye.stop.set()
            program.stop.set()
            with suppress(Exception):
                hands[0].join(30)
            agent.end()
        sold = len(program.sold.order)
        wrong = [*desk.wrong, *eye.wrong, *books_faults(agent, {"01": sold})]
        wrong += _lost(lab, program)
        wrong += [line for line in agent.errors().splitlines() if '"error"' in line][:5]
        return {
            "saves": desk.count,
            "met": dict(sorted(desk.met.items())),
            "live_after_s": _spread(desk.live),
            "tickets": sold,
            "looks": eye.looks,
            "longest_answer_s": round(eye.longest, 3),
            "seconds": round(time.monotonic() - began, 1),
            "wrong": wrong,
        }


def _choose(number: int, chance: random.Random) -> Edit:
    """Every planted edit comes in turn; between them slips."""
    planted = (*GOOD, *BAD, *DEEP)
    if number % 2 == 0:
        return planted[(number // 2) % len(planted)]
    return chance.choice((SLIP, SLIP, SLIP, SAME))


def _lost(lab: LabThread, program: TillProgram) -> list[str]:
    there = {int(ticket.number) for ticket in lab.lab.tickets("01")}
    gone = sorted(set(program.sold.order) - there)
    return [f"tickets were lost: {gone}"] if gone else []


def _spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    middle = ordered[len(ordered) // 2]
    return {"median": round(middle, 3), "most": round(ordered[-1], 3)}


def main() -> int:
    """Runs and reports."""
    parser = argparse.ArgumentParser(description="Saves edited files over a running machine.")
    parser.add_argument("--saves", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default 1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdict = run(Path(folder), options.saves, options.seed)
    print(json.dumps(verdict, indent=2, ensure_ascii=False))
    return bool(verdict["wrong"])


if __name__ == "__main__":
    sys.exit(main())
