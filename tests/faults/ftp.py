"""Downloads from a server that breaks and lies: never taken for whole, resumed or begun again.

    python -m tests.faults.ftp --rounds 20

Each fault is met that often without and with TLS, with files and cuts of all sizes: short data
followed by 226, REST taken and ignored, no 226 (all of the data there, or a part; the session
silent, or closed), a drip. In half of the rounds the fault passes: the file has to be whole then
and to have been asked for once more. In the other half it lasts: there must never be a file,
except where starting again is a cure, and when it is over the next call brings it. A thread
looks all the time: whatever lies at the target is the whole file. Prints one JSON object; exit
code 0 when all of it is so, else 1.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.lab.ftp import FtpLab
from engine.server.ftp import FtpSource
from engine.server.ftp_settings import FtpSettings
from engine.server.port import CallFailed
from tests.integration.ftp.servers import Identity, make_identity

FAULTS = ("short", "ignored_rest", "missing_226", "drip")
DEADLINE = 60.0
STALL = 0.15
LARGEST = 3_000_000
NAME = "articles.zip"


class Meetings:
    """One fault, met again and again. ``faults`` of the till are sentences, at best none."""

    def __init__(self, folder: Path, fault: str, identity: Identity | None, seed: int) -> None:
        self._fault = fault
        self._chance = random.Random(f"{fault} {identity is not None} {seed}")
        self._served = folder / "served"
        self._served.mkdir(parents=True)
        self._target = folder / "downloads" / NAME
        tls = None if identity is None else (identity.certificate, identity.key)
        self._lab = FtpLab(self._served, tls=tls)
        self._identity = identity
        self._sha256 = ""
        self.wrong: list[str] = []
        self.told: Counter[str] = Counter()

    def run(self, rounds: int) -> None:
        with self._lab:
            source = self._source()
            for number in range(rounds):
                content = self._publish()
                self._target.unlink(missing_ok=True)
                with self._watched():
                    if number % 2:
                        self._lasting(source, content)
                    else:
                        self._passing(source, content)

    def _source(self) -> FtpSource:
        settings: dict[str, Any] = {"host": "localhost", "port": self._lab.port, "stall": STALL}
        if self._identity is None:
            settings["tls"] = "none"
        else:
            settings["ca_file"] = str(self._identity.authority)
        return FtpSource(FtpSettings(**settings), self._served, pace=0.0)

    def _publish(self) -> bytes:
        # A few bytes that drip are through before anybody could lose patience.
        smallest = 500 if self._fault == "drip" else 1
        size = int(smallest * (LARGEST / smallest) ** self._chance.random())
        content = self._chance.randbytes(size)
        (self._served / NAME).write_bytes(content)
        self._sha256 = hashlib.sha256(content).hexdigest()
        return content

    def _turn(self, **often: int) -> None:
        settings: dict[str, Any] = {}
        share = self._chance.random()
        if self._fault == "missing_226":
            share = self._chance.choice([share, 1.0])
            settings = {"then": self._chance.choice(["hang", "close"])}
        if self._fault == "ignored_rest":
            # There is no REST without a break before.
            self._lab.turn("reset", share=0.2 + 0.7 * share, times=self._chance.choice([1, 2]))
        else:
            settings["share"] = 0.9 * share if self._fault == "drip" else share
        self._lab.turn(self._fault, **settings, **often)

    def _passing(self, source: FtpSource, content: bytes) -> None:
        before = self._lab.commands["RETR"]
        self._turn(times=1)
        try:
            self._fetch(source, content)
        except CallFailed as failure:
            self.wrong.append(f"a fault that passed ended it: {failure}")
            return
        self._lab.clear()
        attempts = self._lab.commands["RETR"] - before
        self.told["passed"] += 1
        self._expect(attempts >= 2, f"{len(content)} bytes were taken at the first attempt")
        self._expect(self._is_whole(), "what was downloaded is not the file")

    def _lasting(self, source: FtpSource, content: bytes) -> None:
        self._turn()
        try:
            self._fetch(source, content)
        except CallFailed as failure:
            self.told[failure.reason] += 1
            self._expect(not self._target.exists(), "a file is there in spite of a failure")
        else:
            self.told["begun again"] += 1
            cured = self._fault == "ignored_rest"
            self._expect(cured, f"{len(content)} bytes came through a fault that lasts")
        self._lab.clear()
        with suppress(CallFailed):
            self._fetch(source, content)
        self._expect(self._is_whole(), "the next call did not bring the file")

    def _fetch(self, source: FtpSource, content: bytes) -> None:
        source.fetch(NAME, self._target, len(content), self._sha256, deadline=DEADLINE)

    def _is_whole(self) -> bool:
        with suppress(FileNotFoundError):
            return hashlib.sha256(self._target.read_bytes()).hexdigest() == self._sha256
        return False

    @contextmanager
    def _watched(self) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.002):
                if self._target.exists() and not self._is_whole():
                    self.wrong.append("half a file lay at the target")

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _expect(self, holds: bool, what: str) -> None:
        if not holds and len(self.wrong) < 20:
            self.wrong.append(what)


def meet(folder: Path, rounds: int, seed: int = 0) -> dict[str, Any]:
    """What came of meeting each fault ``rounds`` times, without and with TLS."""
    identity = make_identity(folder / "identity")
    verdict: dict[str, Any] = {"rounds": rounds, "right": True}
    begun = time.monotonic()
    for fault in FAULTS:
        for name, tls in ((fault, None), (f"{fault} by TLS", identity)):
            meetings = Meetings(folder / name.replace(" ", "-"), fault, tls, seed)
            meetings.run(rounds)
            verdict[name] = dict(meetings.told) | {"wrong": meetings.wrong}
            verdict["right"] = verdict["right"] and not meetings.wrong
    verdict["seconds"] = round(time.monotonic() - begun, 1)
    return verdict


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Meet the faults of an FTP server.")
    parser.add_argument("--rounds", type=int, default=20, help="of each fault, twice")
    parser.add_argument("--seed", type=int, default=0, help="of sizes and cuts")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tillwire-ftp-") as folder:
        verdict = meet(Path(folder), asked.rounds, asked.seed)
    print(json.dumps(verdict, indent=1))
    return 0 if verdict["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
