import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.agent import storing
from engine.agent.storing import StoreClosed, StoreStalled, StoreThread
from engine.store import Store

Play = Callable[[Coroutine[Any, Any, None]], None]
PATIENCE = 10.0


class FullError(Exception):
    """The disk is full."""


class Shelf:
    """A store of names that remembers what was done to it.

    ``commits`` holds the groups that became durable; ``begin`` and ``commit`` raise what they
    are set to; ``lost`` says that the transaction is gone, as after a full disk.
    """

    def __init__(self) -> None:
        self.commits: list[list[str]] = []
        self.names: list[str] = []
        self.begin: Exception | None = None
        self.commit: Exception | None = None
        self.inside = False
        self.lost = False
        self.closed_by: threading.Thread | None = None
        self.thread = threading.current_thread()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.begin is not None:
            raise self.begin
        before, self.lost, self.inside = list(self.names), False, True
        try:
            yield
            if self.commit is not None or self.lost:
                raise self.commit or FullError("the disk is full")
            self.commits.append(self.names[len(before) :])
        except BaseException:
            self.names = before
            raise
        finally:
            self.inside = False

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        if self.lost:
            raise FullError("the disk is full")
        before = list(self.names)
        try:
            yield
        except BaseException:
            self.names = before
            raise

    def close(self) -> None:
        self.closed_by = threading.current_thread()

    def add(self, name: str) -> str:
        assert self.inside
        self.names.append(name)
        return name

    def stored(self) -> list[str]:
        return [name for group in self.commits for name in group]


def add(name: str) -> Callable[[Shelf], str]:
    return lambda shelf: shelf.add(name)


class Doors:
    """Holds the store's thread in a job so that others queue up behind it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, _shelf: Shelf) -> str:
        self.begun.set()
        assert self.open.wait(PATIENCE)
        return "held"

    async def entered(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, PATIENCE)


async def opened(shelf: Shelf | None = None) -> tuple[StoreThread[Shelf], Shelf]:
    shelf = shelf or Shelf()
    thread = StoreThread(lambda: shelf, asyncio.get_running_loop())
    await thread.start()
    return thread, shelf


async def sent(*coroutines: Coroutine[Any, Any, Any]) -> list["asyncio.Task[Any]"]:
    """Tasks that have all reached the store's queue."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    await asyncio.sleep(0)
    return tasks


def fail(_shelf: Shelf) -> None:
    raise ValueError("no such till")


def test_work_is_done_in_the_thread_that_opened_the_store(play: Play) -> None:
    """Opening, writing, reading and closing happen in one thread, which is not the loop's."""

    async def story() -> None:
        threads = list[threading.Thread]()

        def open_store() -> Shelf:
            return Shelf()

        def look(shelf: Shelf) -> threading.Thread:
            threads.append(shelf.thread)
            return threading.current_thread()

        thread = StoreThread(open_store, asyncio.get_running_loop())
        await thread.start()
        wrote = await thread.run(look)
        read = await thread.run(look, write=False)
        assert {wrote, read} == set(threads)
        assert wrote is not threading.current_thread()
        assert await thread.close(PATIENCE)
        assert not wrote.is_alive()

    play(story())


def test_what_waits_at_the_same_moment_shares_a_commit(play: Play) -> None:
    """Jobs that queue up behind one that runs become durable with it, in order."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "abc"))
        doors.open.set()
        assert await asyncio.gather(*tasks) == ["held", "a", "b", "c"]
        assert shelf.commits == [["a", "b", "c"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_job_that_fails_fails_alone(play: Play) -> None:
    """What it wrote is undone, its caller is told; the others of its group are stored."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()

        def half(shelf: Shelf) -> None:
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
def test_a_failed_transaction_fails_all_its_jobs(play: Play, where: str) -> None:
    """Nobody is told that something is stored when the commit, or its beginning, failed; the
    thread goes on with the next group."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()
        setattr(shelf, where, FullError("the disk is full"))
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "abc"))
        doors.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in found] == [str, FullError, FullError, FullError]
        setattr(shelf, where, None)
        assert await thread.run(add("d")) == "d"
        assert shelf.commits == [["d"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_transaction_that_is_lost_stores_nothing(play: Play) -> None:
    """When the database undoes the transaction by itself, every job of the group is told, also
    those that had succeeded; a job that failed before keeps its own reason."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()

        def fill(shelf: Shelf) -> None:
            shelf.lost = True
            raise OSError("no space left")

        tasks = await sent(thread.run(doors))
        await doors.entered()
        tasks += await sent(thread.run(add("a")), thread.run(fill), thread.run(add("b")))
        doors.open.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in found] == [FullError, FullError, OSError, FullError]
        assert shelf.commits == []
        await thread.close(PATIENCE)

    play(story())


def test_a_group_is_bounded(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """More jobs than a group may hold are stored in several commits."""

    async def story() -> None:
        monkeypatch.setattr(storing, "LARGEST_GROUP", 2)
        thread, shelf = await opened()
        doors = Doors()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "abcde"))
        doors.open.set()
        await asyncio.gather(*tasks)
        assert shelf.commits == [["a", "b"], ["c", "d"], ["e"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_slow_group_takes_no_more_jobs(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a group has lasted its time it is committed; what waits goes into the next."""

    async def story() -> None:
        monkeypatch.setattr(storing, "LONGEST_GROUP", 0.0)
        thread, shelf = await opened()
        doors = Doors()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "ab"))
        doors.open.set()
        await asyncio.gather(*tasks)
        assert shelf.commits == [["a"], ["b"]]
        await thread.close(PATIENCE)

    play(story())


def test_a_read_sees_the_writes_sent_before_it(play: Play) -> None:
    """A read in the middle of a group runs after the commit, outside of a transaction."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()

        def read(shelf: Shelf) -> tuple[bool, list[list[str]]]:
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


def test_the_thread_survives_a_job_that_ends_programs(play: Play) -> None:
    """SystemExit in a job reaches its caller as an ordinary error, for writes and reads."""

    async def story() -> None:
        thread, _ = await opened()

        def leave(_shelf: Shelf) -> None:
            raise SystemExit(3)

        for write in (True, False):
            with pytest.raises(RuntimeError, match="SystemExit"):
                await thread.run(leave, write=write)
        assert await thread.run(add("a")) == "a"
        await thread.close(PATIENCE)

    play(story())


def test_a_cancelled_job_that_waits_is_never_done(play: Play) -> None:
    """Cancelling takes back a job that has not begun; one that has begun is stored."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()

        def hold(shelf: Shelf) -> str:
            doors(shelf)
            return shelf.add("begun")

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


def test_posted_work_is_done_and_its_failure_told_in_the_loop(play: Play) -> None:
    """Nobody waits for posted work; only if it fails, the callback runs in the loop's thread."""

    async def story() -> None:
        told: asyncio.Queue[tuple[Exception, threading.Thread]] = asyncio.Queue()
        thread, shelf = await opened()

        def failed(error: Exception) -> None:
            told.put_nowait((error, threading.current_thread()))

        thread.post(add("a"), failed)
        thread.post(fail, failed)
        error, where = await told.get()
        assert isinstance(error, ValueError)
        assert where is threading.current_thread()
        assert shelf.stored() == ["a"]
        await thread.close(PATIENCE)
        thread.post(add("b"), failed)
        assert isinstance((await told.get())[0], StoreClosed)
        assert told.empty()

    play(story())


def test_a_failure_that_nobody_asked_for_is_logged(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    """Posted work without a callback of its own leaves a warning."""

    async def story() -> None:
        thread, _ = await opened()
        thread.post(fail)
        await thread.close(PATIENCE)

    play(story())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].fields == {"message": "no such till"}  # type: ignore[attr-defined]


def test_a_callback_that_fails_keeps_nobody_from_an_answer(play: Play) -> None:
    """Of one group, a caller gets its result although the callback before it raised."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        complaints = list[dict[str, Any]]()
        loop.set_exception_handler(lambda _loop, context: complaints.append(context))
        thread, _ = await opened()
        doors = Doors()

        def broken(_error: Exception) -> None:
            raise KeyError("broken callback")

        tasks = await sent(thread.run(doors))
        await doors.entered()
        thread.post(fail, broken)
        tasks += await sent(thread.run(add("a")))
        doors.open.set()
        assert await asyncio.gather(*tasks) == ["held", "a"]
        await thread.close(PATIENCE)
        assert len(complaints) == 1

    play(story())


def test_a_worker_thread_can_wait_for_its_work(play: Play) -> None:
    """``call`` blocks the worker until its work is durable, and raises what it raised."""

    async def story() -> None:
        thread, shelf = await opened()
        found = await asyncio.to_thread(thread.call, add("a"), PATIENCE)
        assert (found, shelf.commits) == ("a", [["a"]])
        with pytest.raises(ValueError, match="no such till"):
            await asyncio.to_thread(thread.call, fail, PATIENCE)
        await thread.close(PATIENCE)
        with pytest.raises(StoreClosed):
            await asyncio.to_thread(thread.call, fail, PATIENCE)

    play(story())


def test_a_call_that_is_not_answered_says_whether_it_began(play: Play) -> None:
    """One that waits is taken back and never done; one that runs has an unknown outcome."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()
        with pytest.raises(StoreStalled, match="its outcome is unknown") as begun:
            await asyncio.to_thread(thread.call, doors, 0.02)
        with pytest.raises(StoreStalled, match="was taken back") as waiting:
            await asyncio.to_thread(thread.call, add("late"), 0.02)
        assert (begun.value.ran, waiting.value.ran) == (True, False)
        doors.open.set()
        await thread.run(add("after"))
        assert shelf.stored() == ["after"]
        await thread.close(PATIENCE)

    play(story())


def test_threads_that_must_not_wait_are_refused(play: Play) -> None:
    """``call`` from the loop or from a job would hang for ever: both are told so at once."""

    async def story() -> None:
        thread, _ = await opened()
        with pytest.raises(RuntimeError, match="must not wait"):
            thread.call(fail, PATIENCE)
        with pytest.raises(RuntimeError, match="must not wait"):
            await thread.run(lambda _: thread.call(fail, PATIENCE))
        await thread.close(PATIENCE)

    play(story())


def test_a_hanging_disk_shows(play: Play) -> None:
    """``stalled_for`` grows while a job runs, and is zero when the thread is idle."""

    async def story() -> None:
        thread, _ = await opened()
        assert thread.stalled_for() == 0.0
        doors = Doors()
        task = (await sent(thread.run(doors)))[0]
        await doors.entered()
        first = thread.stalled_for()
        began = time.monotonic()
        await asyncio.wait([task], timeout=0.02)
        assert thread.stalled_for() - first >= time.monotonic() - began - 0.001 > 0.0
        doors.open.set()
        await task
        await thread.close(PATIENCE)
        assert thread.stalled_for() == 0.0

    play(story())


def test_a_store_that_does_not_open_says_why(play: Play) -> None:
    """``start`` raises the reason; work sent before and after is refused, not left waiting."""

    async def story() -> None:
        def open_store() -> Shelf:
            raise FullError("the disk is full")

        thread = StoreThread(open_store, asyncio.get_running_loop())
        early = (await sent(thread.run(add("a"))))[0]
        with pytest.raises(FullError):
            await thread.start()
        with pytest.raises(StoreClosed):
            await early
        with pytest.raises(StoreClosed):
            await thread.run(add("b"))
        assert await thread.close(PATIENCE)

    play(story())


def test_closing_does_what_waits_and_refuses_what_comes(play: Play) -> None:
    """Everything sent before the close is durable after it; the store is closed in its thread;
    a second close changes nothing."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()
        tasks = await sent(thread.run(doors, write=False))
        await doors.entered()
        tasks += await sent(*(thread.run(add(n)) for n in "ab"))
        closing = (await sent(thread.close(PATIENCE)))[0]
        with pytest.raises(StoreClosed):
            await thread.run(add("c"))
        doors.open.set()
        assert await closing
        assert await asyncio.gather(*tasks) == ["held", "a", "b"]
        assert shelf.names == ["a", "b"]
        assert shelf.closed_by is not threading.current_thread()
        assert shelf.closed_by is not None
        assert await thread.close(PATIENCE)

    play(story())


def test_a_stop_does_not_wait_for_a_hanging_disk(play: Play) -> None:
    """After its time, close gives up: whoever waits is told, and nothing that waited is done
    when the disk comes back."""

    async def story() -> None:
        thread, shelf = await opened()
        doors = Doors()
        tasks = await sent(thread.run(doors))
        await doors.entered()
        tasks += await sent(thread.run(add("a")))
        assert not await thread.close(0.02)
        running, waiting = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(running, StoreStalled)
        assert running.ran
        assert isinstance(waiting, StoreClosed)
        doors.open.set()
        assert await thread.close(PATIENCE)
        assert shelf.names == []
        assert shelf.closed_by is not None

    play(story())


def test_a_thread_that_was_never_started_closes(play: Play) -> None:
    """Closing it refuses what was sent and returns at once."""

    async def story() -> None:
        thread = StoreThread(Shelf, asyncio.get_running_loop())
        task = (await sent(thread.run(add("a"))))[0]
        assert await thread.close(PATIENCE)
        with pytest.raises(StoreClosed):
            await task

    play(story())


def test_the_real_store_keeps_a_group_and_loses_its_failed_job(play: Play, tmp_path: Path) -> None:
    """With SQLite: of three tickets sent at once, one of whose jobs fails after writing, two are
    there after the file is opened again."""
    path = tmp_path / "till.db"

    def accept(number: int, broken: bool = False) -> Callable[[Store], str]:
        def work(store: Store) -> str:
            found = store.tickets.accept("0042", "01", number, b"ticket", 1.0)
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
