"""The simulated load answers as the real one does, in each of the ways in which one can end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.effects.call import Answer
from engine.server.ftp_settings import FtpSettings
from engine.server.port import CallFailed, Reason
from engine.tools.simulation.loading import STALL
from tests.unit.effects.catalogue_bench import LIMIT, ROWS, Bench
from tests.unit.tools.simulation.days import lived, machine, scenario

MINUTE: dict[str, Any] = {"at": "11:01", "lasts": "10min"}


def _real(folder: Path, before: Callable[[Bench, str], None], kind: str = "full") -> Answer:
    """The real effect, with files that do as they are told."""
    bench = Bench(folder)
    try:
        bench.articles(ROWS, 1)
        bench.staff(1)
        if kind == "changes":
            bench.load()
            bench.changes([["upsert", "rum", "9.00"]], 1, 2)
        bench.files.before = lambda name: before(bench, name)
        return bench.load(kind)
    finally:
        bench.catalogue.close()


def _fine(_bench: Bench, _name: str) -> None:
    pass


def _gone(_bench: Bench, _name: str) -> None:
    raise CallFailed(Reason.UNREACHABLE, "nobody listens")


def _stalls(_bench: Bench, _name: str) -> None:
    raise CallFailed(Reason.TIMEOUT, "no byte came for 30 s")


def _is_late(bench: Bench, _name: str) -> None:
    bench.clock.advance(LIMIT)


def _is_unwanted(bench: Bench, _name: str) -> None:
    bench.cancelled.set()


def _simulated(
    monkeypatch: pytest.MonkeyPatch, kind: str, files: dict[str, Any], **given: Any
) -> list[Answer]:
    """All answers of the simulated loads that were asked for."""
    from engine.tools.simulation.loading import SimulatedLoad

    answers: list[Answer] = []
    honest = SimulatedLoad.run

    def run(self: SimulatedLoad, call: Any) -> Answer:
        try:
            answer = honest(self, call)
        except CallFailed as fault:
            answers.append(Answer(f"failed.{fault.reason}", {"message": fault.message}))
            raise
        answers.append(answer)
        return answer

    monkeypatch.setattr(SimulatedLoad, "run", run)
    events = [{"at": "11:01", "event": f"load.{kind}"}, *given.pop("events", [])]
    lived(scenario(files=files, events=events, length="20min"), machine(**given))
    return answers


@pytest.mark.parametrize(
    ("real", "kind", "window", "given"),
    [
        (_fine, "full", None, {}),
        (_fine, "changes", None, {}),
        (_gone, "full", {"down": "refused"}, {}),
        (_stalls, "full", {"down": "silent"}, {}),
        (_is_late, "full", None, {"load_limit": "1min"}),
        (_is_unwanted, "full", None, {"events": [{"at": "11:02", "event": "offline.hold"}]}),
    ],
    ids=["full", "changes", "gone", "stalls", "late", "unwanted"],
)
def test_both_loads_end_alike(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    real: Callable[[Bench, str], None],
    kind: str,
    window: dict[str, Any] | None,
    given: dict[str, Any],
) -> None:
    """The same answer; where it is ok, the same data, of the same kinds."""
    files: dict[str, Any] = {"size": 100_000_000, "rows": 1000}
    if window is not None:
        files["windows"] = [{**MINUTE, **window}]
    expected = _real(tmp_path, real, kind)
    found = _simulated(monkeypatch, kind, files, **given)[0]
    assert found.name == expected.name
    if found.name == "ok":
        assert {key: type(value) for key, value in found.data.items()} == {
            key: type(value) for key, value in expected.data.items()
        }
        assert (found.data["kind"], found.data["gap"]) == (kind, False)
    if real is _is_unwanted:
        assert found.data["message"] == expected.data["message"]


def test_without_files_both_are_refused() -> None:
    """It is the real effect that says so."""
    _, found = lived(scenario(events=[{"at": "11:10", "event": "load.full"}], length="15min"))
    assert found.calls.ended["load"] == {"rejected": 1}


def test_a_stall_is_as_long_as_a_till_waits_by_default() -> None:
    """till.yaml's own default."""
    assert FtpSettings.model_fields["stall"].default == STALL


def test_what_was_downloaded_before_the_line_broke_does_not_come_again() -> None:
    """A load that breaks after 60 of 100 seconds goes on where it was, with the next attempt of
    the machine."""
    files = {
        "size": 100_000_000,
        "rows": 0,
        "windows": [{**MINUTE, "at": "11:02", "lasts": "20s", "down": "refused"}],
    }
    asked = [{"at": "11:01", "event": "load.full"}]
    _, found = lived(scenario(files=files, events=asked, tickets={"per_hour": 0}))
    assert found.calls.ended["load"] == {"failed.unreachable": 1, "ok": 1}
    loading = [at for at, state in found.lives["01"] if state == "loading"]
    ends = [at for at, _ in found.lives["01"] if at > loading[1]]
    assert ends[0] - loading[1] == pytest.approx(40, abs=3)
