import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from engine.agent import storing
from engine.agent.storing import StoreThread
from engine.store import Store

Play = Callable[[Coroutine[Any, Any, None]], None]
Opened = Callable[[], Awaitable[tuple[StoreThread[Any], Any]]]
Doorway = Callable[[], Any]
PATIENCE = 10.0


def add(name: str) -> Callable[[Any], str]:
    def work(shelf: Any) -> str:
        return str(shelf.add(name))

    return work


async def sent(*coroutines: Coroutine[Any, Any, Any]) -> list["asyncio.Task[Any]"]:
    """Tasks that have all reached the store's queue."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    return tasks


def fail(_shelf: Any) -> None:
    raise ValueError("no such till")


def test_work_is_done_in_the_thread_that_opened_the_store(play: Play, shelf: Any) -> None:
    """Opening, writing, reading and closing happen in one thread, which is not the loop's."""

    async def story() -> None:
        threads = list[threading.Thread]()

        def open_store() -> Any:
            threads.append(threading.current_thread())
            return shelf

        def look(_shelf: Any) -> None:
            threads.append(threading.current_thread())

        thread = StoreThread(open_store, asyncio.get_running_loop())
        await thread.start()
        await thread.run(look)
        await thread.run(look, write=False)
        assert await thread.close(PATIENCE)
        assert len(threads) == 3
        assert {*threads, shelf.closed_by} == {threads[0]}
        assert threads[0] is not threading.current_thread()
        assert not threads[0].is_alive()

    play(story())


def test_what_waits_at_the_same_moment_shares_a_commit(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """Jobs that queue up behind one that runs become durable with it, in order."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "abc"))
        doors.open.set()
        assert await asyncio.gather(*tasks) == ["held", "a", "b", "c"]
        assert shelf.commits == [["a", "b", "c"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_job_that_fails_fails_alone(play: Play, opened: Opened, doorway: Doorway) -> None:
    """What it wrote is undone, its caller is told; the others of its group are stored."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()

        def half(shelf: Any) -> None:
            shelf.add("half")
            raise ValueError("no such till")

        tasks = await sent(thread.run(doors))
        await doors.entered()
        tasks += await sent(thread.run(add("a")), thread.run(half), thread.run(add("b")))
        doors.open.set()
        _, first, failed, last = await asyncio.gather(*tasks, return_exceptions=True)
        assert (first, last) == ("a", "b")
        assert isinstance(failed, ValueError)
        assert shelf.commits == [["a", "b"]]
        await thread.close(PATIENCE)

    play(story())


@pytest.mark.parametrize("where", ["begin", "commit"])
def test_a_failed_transaction_fails_all_its_jobs(
    play: Play, opened: Opened, doorway: Doorway, where: str
) -> None:
    """Nobody is told that something is stored when the commit, or its beginning, failed; the
    thread goes on with the next group."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()
        setattr(shelf, where, OSError("the disk is full"))
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "abc"))
        doors.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in found] == [str, OSError, OSError, OSError]
        setattr(shelf, where, None)
        assert await thread.run(add("d")) == "d"
        assert shelf.commits == [["d"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_transaction_that_is_lost_stores_nothing(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """When the database undoes the transaction by itself, every job of the group is told, also
    those that had succeeded; a job that failed before keeps its own reason."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()

        def fill(shelf: Any) -> None:
            shelf.lost = True
            raise ValueError("no space left")

        tasks = await sent(thread.run(doors))
        await doors.entered()
        tasks += await sent(thread.run(add("a")), thread.run(fill), thread.run(add("b")))
        doors.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in found] == [OSError, OSError, ValueError, OSError]
        assert shelf.commits == []
        await thread.close(PATIENCE)

    play(story())


def test_a_group_is_bounded(
    play: Play, opened: Opened, doorway: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More jobs than a group may hold are stored in several commits."""

    async def story() -> None:
        monkeypatch.setattr(storing, "LARGEST_GROUP", 2)
        thread, shelf = await opened()
        doors = doorway()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "abcde"))
        doors.open.set()
        await asyncio.gather(*tasks)
        assert shelf.commits == [["a", "b"], ["c", "d"], ["e"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_slow_group_takes_no_more_jobs(
    play: Play, opened: Opened, doorway: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a group has lasted its time it is committed; what waits goes into the next."""

    async def story() -> None:
        monkeypatch.setattr(storing, "LONGEST_GROUP", 0.0)
        thread, shelf = await opened()
        doors = doorway()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "ab"))
        doors.open.set()
        await asyncio.gather(*tasks)
        assert shelf.commits == [["a"], ["b"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_read_sees_the_writes_sent_before_it(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """A read in the middle of a group runs after the commit, outside of a transaction."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()

        def read(shelf: Any) -> tuple[bool, list[list[str]]]:
            return shelf.inside, list(shelf.commits)

        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(
            thread.run(add("a")),
            thread.run(read, write=False),
            thread.run(fail, write=False),
        )
        doors.open.set()
        _, _, found, failed = await asyncio.gather(*tasks, return_exceptions=True)
        assert found == (False, [["a"]])
        assert isinstance(failed, ValueError)
        assert shelf.commits == [["a"]]
        await thread.close(PATIENCE)

    play(story())


def test_the_thread_survives_a_job_that_ends_programs(play: Play, opened: Opened) -> None:
    """SystemExit in a job reaches its caller as an ordinary error, for writes and reads."""

    async def story() -> None:
        thread, _ = await opened()

        def leave(_shelf: Any) -> None:
            raise SystemExit(3)

        for write in (True, False):
            with pytest.raises(RuntimeError, match="SystemExit"):
                await thread.run(leave, write=write)
        assert await thread.run(add("a")) == "a"
        await thread.close(PATIENCE)

    play(story())


def test_a_cancelled_job_that_waits_is_never_done(
    play: Play, opened: Opened, doorway: Doorway
) -> None:
    """Cancelling takes back a job that has not begun; one that has begun is stored."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = doorway()

        def hold(shelf: Any) -> str:
            doors(shelf)
            return add("begun")(shelf)

        begun = (await sent(thread.run(hold)))[0]
        await doors.entered()
        waiting = (await sent(thread.run(add("waiting"))))[0]
        for task in (begun, waiting):
            task.cancel()
        await asyncio.wait([begun, waiting])
        doors.open.set()
        await thread.run(add("after"))
        assert shelf.stored() == ["begun", "after"]
        await thread.close(PATIENCE)

    play(story())


def test_the_real_store_keeps_a_group_and_loses_its_failed_job(play: Play, tmp_path: Path) -> None:
    """With SQLite: of three tickets sent at once, one of whose jobs fails after writing, two are
    there after the file is opened again."""
    path = tmp_path / "till.db"

    def accept(number: int, broken: bool = False) -> Callable[[Store], str]:
        def work(store: Store) -> str:
            found: str = store.tickets.accept("0042", "01", number, b"ticket", 1.0)
            if broken:
                raise ValueError("after writing")
            return found

        return work

    async def story() -> None:
        thread = StoreThread(lambda: Store.open(path), asyncio.get_running_loop())
        await thread.start()
        found = await asyncio.gather(
            thread.run(accept(1)),
            thread.run(accept(2, broken=True)),
            asyncio.to_thread(thread.call, accept(3), PATIENCE),
            return_exceptions=True,
        )
        assert [str(one) for one in found] == ["new", "after writing", "new"]
        assert await thread.close(PATIENCE)

    play(story())
    with Store.open(path, create=False) as store:
        assert sorted(t.number for t in store.tickets.batch("01", 10)) == [1, 3]
        assert store.journal.verify().broken_at is None
