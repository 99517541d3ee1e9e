"""Tickets from the till program's own table: taken once, in order, marked when they are sent."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.agent.sourcing import Plan, Sourcing
from engine.agent.storing import StoreThread
from engine.store.source import SourceTable, TicketSource
from tests.unit.agent.houses import House

SLOW = 3600.0
TABLE = SourceTable(("TICKETS",), "N", "P", (), "T", "SENT", 1, 0)


class Desk:
    """An agent, the till program's file beside it, and what looks at that file."""

    def __init__(self, folder: Path, interval: float = SLOW, first: int = 0) -> None:
        self.file = folder / "till program.db"
        self.sql("CREATE TABLE TICKETS (N INTEGER, T TEXT, P BLOB, SENT INTEGER, NOTE TEXT)")
        self.house = House(folder / "till.db")
        self.told: list[tuple[int, str, bool]] = []
        self.looked = asyncio.Event()
        source = StoreThread(lambda: TicketSource(self.file, TABLE), asyncio.get_running_loop())
        self.sourcing = Sourcing(
            self.house.agent,
            self.house.books,
            source,
            Plan(("01",), first, interval),
            self._hear,
        )

    def _hear(self, *told: Any) -> None:
        self.told.append(told)
        self.looked.set()

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()

    def sell(self, *numbers: int, till: str = "01") -> None:
        for number in numbers:
            self.sql(
                "INSERT INTO TICKETS VALUES (?, ?, ?, NULL, 'n')", number, till, b"%d" % number
            )

    def marked(self) -> list[int]:
        return [row[0] for row in self.sql("SELECT N FROM TICKETS WHERE SENT = 1 ORDER BY N")]

    async def waiting(self) -> list[int]:
        batch = await self.house.books.run(lambda store: store.tickets.batch("01", 999))
        return [ticket.number for ticket in batch]

    async def send(self, *numbers: int) -> None:
        await self.house.books.run(
            lambda store: store.tickets.acknowledged("01", list(numbers), "b", 1.0)
        )


Tell = Callable[[Callable[[Desk], Awaitable[None]]], None]


@pytest.fixture
def tell(tmp_path: Path) -> Callable[..., None]:
    """Plays a story at a desk whose agent is at work."""

    def play(story: Callable[[Desk], Awaitable[None]], **details: Any) -> None:
        async def live() -> None:
            desk = Desk(tmp_path, **details)
            await desk.house.agent.start()
            try:
                await story(desk)
            finally:
                await desk.sourcing.close(5.0)
                await desk.house.agent.stop()

        asyncio.run(live())

    return play


async def opened(desk: Desk) -> Sourcing:
    """What looks, without looking by itself."""
    await desk.sourcing._source.start()
    return desk.sourcing


def test_tickets_are_taken_in_order_and_once(tell: Callable[..., None]) -> None:
    """Nothing is marked before it is sent, however often the table is looked at."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sell(7, 3, 5)
        desk.sell(4, till="02")
        for _ in range(3):
            await sourcing.look()
        desk.sell(6)
        await sourcing.look()
        assert await desk.waiting() == [3, 5, 7, 6]
        assert desk.marked() == []
        assert desk.house.watch.names().count("ticket.closed") == 4
        assert desk.told == [(0, "", False)] * 4

    tell(story)


def test_a_ticket_is_marked_when_the_server_has_it(tell: Callable[..., None]) -> None:
    """And nothing else of its row is changed."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sell(1, 2)
        await sourcing.look()
        await desk.send(2)
        before = desk.sql("SELECT * FROM TICKETS ORDER BY N")
        await sourcing.look()
        assert desk.marked() == [2]
        after = desk.sql("SELECT * FROM TICKETS ORDER BY N")
        assert after == [before[0], (*before[1][:3], 1, before[1][4])]

    tell(story)


def test_a_ticket_sent_before_a_restart_is_marked_after_it(tell: Callable[..., None]) -> None:
    """What was taken, and what was sent, is in the store and not in the process."""

    async def story(desk: Desk) -> None:
        desk.sell(1)
        await desk.house.agent.accept_ticket("01", 1, b"1")
        await desk.send(1)
        await (await opened(desk)).look()
        assert desk.marked() == [1]

    tell(story)


def test_a_ticket_that_waits_since_before_a_restart_is_not_marked(
    tell: Callable[..., None],
) -> None:
    """It is compared, and it is not sent."""

    async def story(desk: Desk) -> None:
        desk.sell(1)
        await desk.house.agent.accept_ticket("01", 1, b"1")
        await (await opened(desk)).look()
        assert desk.marked() == []
        assert desk.told == [(0, "", False)]

    tell(story)


def test_other_bytes_under_a_number_are_told_and_left_alone(
    tell: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """Whether they were there from the start or came later, sent or not: neither is marked."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        await desk.house.agent.accept_ticket("01", 1, b"other")
        desk.sell(1, 2)
        await sourcing.look()
        await desk.send(1, 2)
        desk.sql("UPDATE TICKETS SET P = x'00' WHERE N = 2")
        await sourcing.look()
        await sourcing.look()
        assert desk.marked() == []
        assert desk.told[-1][0] == 2
        assert "(1 of till 01: other bytes" in desk.told[-1][1]
        assert "; 2 of till 01: other bytes" in desk.told[-1][1]
        assert desk.told[-1][2] is False
        desk.sql("UPDATE TICKETS SET P = x'32' WHERE N = 2")
        await sourcing.look()
        assert (desk.marked(), desk.told[-1][0]) == ([2], 1)

    caplog.set_level(logging.ERROR)
    tell(story)
    lines = [record.fields["number"] for record in caplog.records]  # type: ignore[attr-defined]
    assert lines == [1, 2]


def test_a_number_that_is_there_twice_is_left_alone(tell: Callable[..., None]) -> None:
    """Nobody knows which of the two is the ticket."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sell(1, 2, 2, 3)
        await sourcing.look()
        assert await desk.waiting() == [1, 3]
        assert desk.told[-1][0] == 1
        desk.sell(3)
        await desk.send(1, 3)
        await sourcing.look()
        assert (desk.marked(), desk.told[-1][0]) == ([1], 2)

    tell(story)


def test_a_ticket_without_content_is_left_alone_until_it_has_some(
    tell: Callable[..., None],
) -> None:
    """It would be sent empty and marked, and what is filled in later never looked at."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sql("INSERT INTO TICKETS VALUES (1, '01', NULL, NULL, '')")
        desk.sell(2)
        await sourcing.look()
        assert await desk.waiting() == [2]
        assert desk.told[-1][0] == 1
        assert "it has no content" in desk.told[-1][1]
        desk.sql("DELETE FROM TICKETS WHERE rowid = 1")
        desk.sell(1)
        await sourcing.look()
        assert sorted(await desk.waiting()) == [1, 2]
        assert desk.told[-1] == (0, "", False)

    tell(story)


def test_a_bad_row_stops_no_other(
    tell: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is none, a payload that no ticket can have: each is told with its reason."""
    monkeypatch.setattr("engine.agent.sourcing.LARGEST", 3)

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sql("INSERT INTO TICKETS VALUES (1.5, '01', x'00', NULL, '')")
        desk.sql("INSERT INTO TICKETS VALUES (2, '01', x'00010203', NULL, '')")
        desk.sell(1, 3)
        await sourcing.look()
        assert await desk.waiting() == [1, 3]
        conflicts, why, failing = desk.told[-1]
        assert (conflicts, failing) == (2, False)
        assert why == (
            "Tickets of the till program's table are left alone (1.5 of till 01: its number is no "
            "whole number from 0 on; 2 of till 01: it is larger than a ticket may be)."
        )

    tell(story)


def test_a_fault_of_ours_is_told_and_the_next_look_goes_on(tell: Callable[..., None]) -> None:
    """Nothing ends the taking of tickets without a word."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sell(1)
        plan, sourcing._plan = sourcing._plan, sourcing._plan._replace(first=10**30)
        await sourcing.look()
        assert desk.told[-1][2]
        assert "OverflowError" in desk.told[-1][1]
        sourcing._plan = plan
        await sourcing.look()
        assert await desk.waiting() == [1]

    tell(story)


def test_history_below_the_first_number_stays_as_it_is(tell: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sell(1, 99, 100, 101)
        await sourcing.look()
        assert await desk.waiting() == [100, 101]

    tell(story, first=100)


def test_many_tickets_are_taken_page_by_page(tell: Callable[..., None]) -> None:
    """A backlog of the till program's, in its order."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        with closing(sqlite3.connect(desk.file)) as connection, connection:
            connection.executemany(
                "INSERT INTO TICKETS VALUES (?, '01', x'00', NULL, '')",
                [(number,) for number in range(620)],
            )
        await sourcing.look()
        assert await desk.waiting() == list(range(620))
        assert len(sourcing._compared["01"]) == 620
        desk.sql("UPDATE TICKETS SET SENT = 1")
        await sourcing.look()
        assert sourcing._compared["01"] == set()

    tell(story)


def test_a_table_that_cannot_be_read_is_told_until_it_can(
    tell: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """Once in the log; the agent goes on meanwhile."""

    async def story(desk: Desk) -> None:
        sourcing = await opened(desk)
        desk.sql("ALTER TABLE TICKETS RENAME TO GONE")
        await sourcing.look()
        await sourcing.look()
        conflicts, why, failing = desk.told[-1]
        assert (conflicts, failing) == (0, True)
        assert why.startswith("No tickets come from the till program: ")
        assert "TICKETS" in why
        desk.sql("ALTER TABLE GONE RENAME TO TICKETS")
        desk.sell(1)
        await sourcing.look()
        assert desk.told[-1] == (0, "", False)
        assert await desk.waiting() == [1]

    tell(story)
    assert [record.getMessage() for record in caplog.records].count("source.failing") == 1


def test_it_looks_by_itself_and_soon_after_a_ticket(tell: Callable[..., None]) -> None:
    """At the start, then when it is woken, long before its interval is over."""

    async def story(desk: Desk) -> None:
        desk.sell(1)
        await desk.sourcing.start()
        await desk.house.watch.until(lambda: desk.house.watch.pending.get("01") == 1)
        desk.sell(2)
        desk.sourcing.wake()
        await desk.house.watch.until(lambda: desk.house.watch.pending.get("01") == 2)

    tell(story)


def test_the_agent_passes_on_that_a_ticket_was_closed_and_what_is_not_well(
    tell: Callable[..., None],
) -> None:
    """Posted by the till program, which writes its tickets to its own table alone."""

    async def story(desk: Desk) -> None:
        agent = desk.house.agent
        agent.beside.closed_ticket = desk.sourcing.wake
        await desk.sourcing.start()
        async with asyncio.timeout(10.0):
            await desk.looked.wait()
        desk.sell(1)
        await agent.post_event("01", "sync.now", {})
        await agent.post_event("01", "ticket.closed", {"number": 1})
        await desk.house.watch.until(lambda: desk.house.watch.pending.get("01") == 1)
        agent.beside.concerns = {"tickets.source": "No tickets come."}
        health = agent.health()
        assert (health.ready, health.reasons) == (True, ("No tickets come.",))

    tell(story)


def test_it_looks_again_after_its_interval(tell: Callable[..., None]) -> None:
    async def story(desk: Desk) -> None:
        await desk.sourcing.start()
        async with asyncio.timeout(10.0):
            await desk.looked.wait()
        desk.sell(1)
        await desk.house.watch.until(lambda: desk.house.watch.pending.get("01") == 1)

    tell(story, interval=0.02)
