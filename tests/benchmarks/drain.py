"""Draining 100,000 tickets of 1.7 KB: the whole agent beside a bare loop.

The bare loop does the same reads, the same gzip, the same POSTs and the same durable marks with
no machine, no effects, no threads and no history. Each has its own copy of one database and a
lab of its own, in a process of its own, over real HTTP. They take turns, half of the tickets
each time, so that what else the machine does falls on both alike.
"""

import asyncio
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any

ROOT = Path(__file__).parents[2]
TICKETS = 100_000
ROUNDS = 4
BATCH = 100
SHOP, TILL = "0001", "01"
REST = "/DhsDivaltoServiceDivaApiRest/api/v1"
COMMAND = [sys.executable, "-m", "engine.cli", "lab"]
LOGIN = {"login": "till", "password": "lab"}


def receipt(number: int, random: Random) -> bytes:
    """A receipt of about 1.7 KB."""
    lines = [
        f'<line ean="{random.randrange(10**12, 10**13)}" qty="{random.randint(1, 9)}" '
        f'price="{random.randint(50, 9999) / 100:.2f}" vat="20.00"/>'
        for _ in range(25)
    ]
    return f'<ticket number="{number}">{"".join(lines)}</ticket>'.encode()


def fill(path: Path, count: int) -> None:
    """A database with ``count`` tickets that wait."""
    from engine.store.store import Store

    random = Random(1)
    with Store.open(path) as store:
        for start in range(1, count + 1, 500):
            with store.transaction():
                for number in range(start, min(start + 500, count + 1)):
                    store.tickets.accept(SHOP, TILL, number, receipt(number, random), time())


@contextmanager
def lab() -> Iterator[str]:
    """A lab in a process of its own; gives its address."""
    port, control = free_port(), free_port()
    process = subprocess.Popen(
        [*COMMAND, "--port", str(port), "--control-port", str(control)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bare(path: Path, url: str) -> float:
    """Seconds that the bare loop takes for all tickets of a database."""
    import requests

    from engine.server import TicketParcel
    from engine.server.actions import SendTicketsAction
    from engine.server.program import parameter, tickets_text
    from engine.store.store import Store

    action = SendTicketsAction()
    session = requests.Session()
    session.trust_env = False
    token = session.post(f"{url}{REST}/Authent/Auth", json=LOGIN, timeout=10).json()["access_token"]
    started = perf_counter()
    with Store.open(path) as store:
        number = 0
        while waiting := store.tickets.batch(TILL, BATCH):
            number += 1
            batch = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
            numbers = [ticket.number for ticket in waiting]
            store.tickets.attempted(TILL, numbers, batch, time())
            parcels = [TicketParcel(t.key, t.number, t.payload, t.sha256) for t in waiting]
            values = {"shop": SHOP, "till": TILL, "batch": batch, "count": str(len(parcels))}
            text = parameter(action, {**values, "tickets": tickets_text(parcels)})
            asked = {"action": action.action, "param": text, "access_token": token}
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body = packer.compress(json.dumps(asked).encode()) + packer.flush()
            headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
            reply = session.post(
                f"{url}{REST}/WebService/Execute", data=body, headers=headers, timeout=10
            ).json()
            answer = json.loads(reply["result"])
            assert answer["batch"] == batch
            stored = {row["key"] for row in answer["tickets"] if row["status"] == "stored"}
            done = [ticket.number for ticket in waiting if ticket.key in stored]
            store.tickets.acknowledged(TILL, done, batch, time())
    session.close()
    return perf_counter() - started


async def agent(path: Path, url: str) -> float:
    """Seconds that the agent takes for all tickets of a database."""
    from engine.agent.clock import SystemClock
    from engine.agent.service import Agent
    from engine.agent.storing import StoreThread
    from engine.core.build import build
    from engine.core.facts import machine_facts
    from engine.definition.machine import load_machine
    from engine.effects.table import VOCABULARY
    from engine.server import ServerSettings, connect
    from engine.store.store import Store
    from metrics.exporter import Exporter
    from metrics.listening import Guarded

    definition = load_machine(ROOT / "machines" / "connection.yaml", VOCABULARY)
    clock = SystemClock()
    secret = path.with_suffix(".secret")
    secret.write_text(LOGIN["password"])
    settings = ServerSettings.model_validate(
        {
            "protocol": "rest",
            "url": url,
            "compression": "gzip",
            "auth": {"body": {"login": LOGIN["login"], "password": f"${{file:{secret}}}"}},
        }
    )
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    exporter = Exporter("benchmark", machine_facts(definition), clock.wall)
    watch = _Watch(exporter, clock.monotonic, done)
    books = StoreThread(lambda: Store.open(path), loop)
    running = Agent(
        build(definition),
        SHOP,
        [TILL],
        server=connect(settings, SHOP),
        books=books,
        workers=4,
        clock=clock,
        watch=watch,
    )
    assert isinstance(watch, Guarded)
    started = perf_counter()
    await running.start()
    await asyncio.wait_for(done.wait(), 600)
    seconds = perf_counter() - started
    await running.stop()
    return seconds


def _Watch(exporter: Any, monotonic: Any, done: asyncio.Event) -> Any:  # noqa: N802 - makes one
    from metrics.listening import Guarded

    class Watch(Guarded):
        """The metrics, which also tell when nothing waits any more."""

        def backlog(
            self,
            till: str,
            pending: int,
            sent: int,
            refused: int,
            oldest_at: float | None,
            missing: int = 0,
        ) -> None:
            super().backlog(till, pending, sent, refused, oldest_at, missing)
            if pending == 0:
                done.set()

    return Watch(exporter, monotonic)


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    ours = theirs = 0.0
    share = TICKETS // ROUNDS
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        fill(folder / "full.db", share)
        for number in range(ROUNDS):
            for name in ("bare", "agent") if number % 2 else ("agent", "bare"):
                path = folder / f"{name}{number}.db"
                shutil.copyfile(folder / "full.db", path)
                with lab() as url:
                    if name == "bare":
                        theirs += bare(path, url)
                    else:
                        ours += asyncio.run(agent(path, url))
                path.unlink()
    return [
        {"name": "drain: bare loop", "value": TICKETS / theirs, "unit": "tickets/s", "must": ""},
        {"name": "drain: agent", "value": TICKETS / ours, "unit": "tickets/s", "must": ""},
        {"name": "drain: agent / bare loop", "value": theirs / ours, "unit": "", "must": ">= 0.8"},
    ]


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for row in run():
        print(row)
