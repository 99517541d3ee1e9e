"""A program that writes tickets and says what is durable, and one that checks its word.

    python store_writer.py write DATABASE SEED      until it is killed
    python store_writer.py fill DATABASE LIMIT      until no file may grow past LIMIT bytes
    python store_writer.py full DATABASE FILLER     until the disk is full, then FILLER goes
    python store_writer.py create-killed DATABASE   dies in the middle of creating
    python store_writer.py check DATABASE SAID      exit 1 and a line per broken word

It says a line only after the commit that it speaks of: ``A till number`` accepted,
``S till number`` sent, ``R till number`` refused. Standard output may be a file: what was written
to it outlives a kill.
"""

import os
import random
import signal
import sqlite3
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from engine.store import DiskFull, Store, StoreError, files

TILLS = ("01", "02")
SHOP = "0042"


def say(lines: list[str]) -> None:
    """One write for all: no line is ever half there."""
    os.write(1, "".join(f"{line}\n" for line in lines).encode())


def payload(till: str, number: int) -> bytes:
    """The bytes of a ticket, the same on every run, about 1.7 KB."""
    return (
        f"ticket {till}/{number} ".encode() + bytes((number + each) % 256 for each in range(70))
    ) * 19


def accept_group(store: Store, till: str, count: int) -> None:
    """Accepts the next numbers of a till in one transaction."""
    first = (store.tickets.backlog(till).last_number or 0) + 1
    numbers = range(first, first + count)
    with store.transaction():
        for number in numbers:
            with store.savepoint():
                store.tickets.accept(SHOP, till, number, payload(till, number), float(number))
    say([f"A {till} {number}" for number in numbers])


def settle_batch(store: Store, till: str, chance: random.Random) -> None:
    """Sends a batch as the effect does: noted before, marked after; one in ten is refused."""
    numbers = [ticket.number for ticket in store.tickets.batch(till, chance.randint(1, 20))]
    store.tickets.attempted(till, numbers, "b", 1.0)
    bad = [number for number in numbers if number % 10 == 0]
    good = [number for number in numbers if number % 10]
    with store.transaction():
        store.tickets.acknowledged(till, good, "b", 2.0)
        store.tickets.refused(till, [(number, "E", "no") for number in bad], "b", 2.0)
    say([f"S {till} {number}" for number in good] + [f"R {till} {number}" for number in bad])


def write(path: Path, seed: int) -> None:
    """Accepts and settles at random for as long as it lives."""
    chance = random.Random(seed)
    say(["creating"])
    with Store.open(path) as store:
        say(["open"])
        while True:
            till = chance.choice(TILLS)
            accept_group(store, till, chance.randint(1, 20))
            settle_batch(store, till, chance)


def until_full(path: Path, give_room: Callable[[], None]) -> None:
    """Accepts until there is no room; goes on in the same process once there is some again."""
    with Store.open(path) as store:
        try:
            while True:
                accept_group(store, "01", 3)
                settle_batch(store, "01", random.Random(1))
        except StoreError as error:
            say([f"failed {type(error).__name__} {error}"])
        try:
            for _ in range(100):
                accept_group(store, "01", 3)
        except DiskFull:
            say(["still full"])
        give_room()
        for _ in range(20):
            accept_group(store, "01", 3)
        say(["went on"])


def fill(path: Path, limit: int) -> None:
    """The room is a limit on the size of a file."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    until_full(path, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard)))


def create_killed(path: Path) -> None:
    """Dies after the schema is written and before the database has its name."""

    def die(path: Path) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    files.sync_file = die
    Store.open(path)


def check(path: Path, said: Path) -> list[str]:
    """Every way in which the database falls short of what was said."""
    words = [line.split() for line in said.read_text(encoding="utf-8").splitlines()]
    promised = [(word[0], word[1], int(word[2])) for word in words if word[0] in {"A", "S", "R"}]
    if not path.exists() and promised:
        return ["the database is gone"]
    with Store.open(path) as store:
        report = store.journal.verify()
        backlogs = {till: store.tickets.backlog(till) for till in TILLS}
    wrong = [] if report.broken_at is None else [f"the journal is broken: {report.why}"]
    there = read_tickets(path)
    for kind, till, number in promised:
        found = there.get((till, number))
        if found is None:
            wrong.append(f"ticket {till}/{number} was accepted and is gone")
        elif found[1] != sha256(payload(till, number)).hexdigest():
            wrong.append(f"ticket {till}/{number} has other bytes")
        elif kind != "A" and found[0] != {"S": "sent", "R": "refused"}[kind]:
            wrong.append(f"ticket {till}/{number} is {found[0]}, which was said to be {kind}")
    for till, backlog in backlogs.items():
        states = [state for (each, _), (state, _) in there.items() if each == till]
        counted = tuple(states.count(state) for state in ("pending", "refused", "sent"))
        if counted != backlog[:3] or backlog.missing:
            wrong.append(f"till {till} counts {backlog}, there are {counted}")
    return wrong


def read_tickets(path: Path) -> dict[tuple[str, int], tuple[str, str]]:
    """State and digest of the bytes of each ticket, read past the store."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(
            "SELECT till, number, state, payload FROM tickets JOIN payloads USING (arrival)"
        )
        return {(row[0], row[1]): (row[2], sha256(row[3]).hexdigest()) for row in rows}
    finally:
        connection.close()


def main(verb: str, database: str, rest: str = "") -> int:
    """Runs one of the verbs above."""
    path = Path(database)
    if verb == "write":
        write(path, int(rest))
    elif verb == "fill":
        fill(path, int(rest))
    elif verb == "full":
        until_full(path, Path(rest).unlink)
    elif verb == "create-killed":
        create_killed(path)
    else:
        wrong = check(path, Path(rest))
        print("\n".join(wrong))
        return bool(wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
