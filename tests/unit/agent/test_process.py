"""The agent as a process: what keeps it from running is a sentence, and nothing is left behind."""

import gc
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.agent import process
from engine.agent.clock import Clock
from engine.agent.process import CannotRun
from engine.agent.stopping import StopSignal
from engine.agent.watching import Unwatched, Watch
from engine.core.feed import StepFailed
from engine.definition.machine import Definition
from engine.problems import Refused
from engine.settings import Settings, load_settings


def unwatched(_definition: Definition, _clock: Clock) -> Watch:
    return Unwatched()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logging stays as the tests have it, and no thread of the agent's outlives it."""
    monkeypatch.setattr(process, "configure", lambda *_, **__: None)
    monkeypatch.setattr("logging.shutdown", lambda: None)
    yield
    gc.unfreeze()
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {"tillwire-store", "tillwire-worker"}


def settings(folder: Path, port: int | None = None) -> Settings:
    """A till.yaml whose server is not there."""
    (folder / "token").write_text("secret-secret-secret", encoding="utf-8")
    file = folder / "till.yaml"
    file.write_text(
        "shop: '0042'\ntill: '01'\n"
        f"server: {{protocol: soap, url: 'http://127.0.0.1:{free_port()}'}}\n"
        "database: {path: till.db}\n"
        f"api: {{port: {port or free_port()}, token: '${{file:token}}'}}\n",
        encoding="utf-8",
    )
    return load_settings(file)


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    """It is left as it was."""
    (tmp_path / "till.db").write_bytes(b"something else " * 500)
    with pytest.raises(CannotRun, match=r"till\.db"):
        process.run(settings(tmp_path), unwatched)
    assert (tmp_path / "till.db").read_bytes().startswith(b"something else ")


def test_a_port_that_is_taken_is_a_sentence(tmp_path: Path) -> None:
    """The tills have begun by then and are stopped again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotRun, match=str(port)):
            process.run(settings(tmp_path, port), unwatched)


def test_a_machine_that_cannot_begin_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core's own."""

    def broken(*_: object) -> object:
        raise StepFailed("till 01, event begin: in circles")

    monkeypatch.setattr("engine.agent.tills.begin", broken)
    with pytest.raises(CannotRun, match="in circles"):
        process.run(settings(tmp_path), unwatched)


def test_a_token_that_cannot_be_read_has_its_place(tmp_path: Path) -> None:
    """The line of till.yaml that names it; nothing was started."""
    told = settings(tmp_path)
    (tmp_path / "token").unlink()
    with pytest.raises(Refused) as refused:
        process.run(told, unwatched)
    (problem,) = refused.value.problems
    assert (problem.code, problem.line) == ("no-secret", 5)
    assert not (tmp_path / "till.db").exists()


def test_a_process_that_is_asked_to_stop_ends_with_nothing_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was loaded is out of the collector's sight by then."""
    frozen = []

    async def at_once(_self: StopSignal) -> str:
        frozen.append(gc.get_freeze_count())
        return "a test"

    monkeypatch.setattr(StopSignal, "wait", at_once)
    assert process.run(settings(tmp_path), unwatched) == 0
    assert frozen[0] > 10_000
    assert (tmp_path / "till.db").exists()


def test_tickets_of_the_till_programs_table_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start of the process to its end; a table that is not there is a concern and no
    reason not to run."""
    settings(tmp_path)
    with (tmp_path / "till.yaml").open("a", encoding="utf-8") as file:
        file.write(
            "tickets:\n  source: {database: {path: shop.db}, table: TICKETS, number: N, "
            "payload: P, sent: {column: SENT, value: 1}}\n"
        )
    seen: list[str] = []

    class Looking(Unwatched):
        def source(self, conflicts: int, failing: bool) -> None:
            seen.append(f"{conflicts} {failing}")
            stopping[0].stop("a test")

    stopping: list[StopSignal] = []
    made = StopSignal.__init__

    def make(self: StopSignal, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        stopping.append(self)

    monkeypatch.setattr(StopSignal, "__init__", make)
    assert process.run(load_settings(tmp_path / "till.yaml"), lambda *_: Looking()) == 0
    assert seen[0] == "0 True"
