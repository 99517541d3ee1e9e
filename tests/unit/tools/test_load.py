"""``tillwire load``: what it shows on the way, and how it ends."""

import io
from collections.abc import Mapping
from typing import Any

import pytest

from engine.tools.load import NoAnswer, Refused, follow, load, token_of
from engine.tools.load_board import Bars, Lines, Pace, board_for

ASKED = 1_800_000_000.0
BEGAN = "2027-01-15T08:00:00Z"
LATER = "2027-01-15T08:01:00Z"
EARLIER = "2027-01-15T07:00:00Z"


def now(stage: str = "loading", **more: Any) -> dict[str, Any]:
    """A load as it is under way."""
    usual = {
        "till": "01",
        "kind": "full",
        "started": BEGAN,
        "stage": stage,
        "table": "articles",
        "tables_done": 0,
        "tables_total": 2,
        "bytes_done": 0,
        "bytes_total": 4_000_000,
        "rows_done": 0,
        "rows_total": 1000,
    }
    return {**usual, **more}


def story(outcome: str, sentence: str = "said", ended: str = LATER) -> dict[str, Any]:
    """A load that has ended."""
    return {"outcome": outcome, "sentence": sentence, "ended": ended, "kind": "full"}


def view(
    under_way: Mapping[str, Any] | None = None, *last: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """What ``GET …/loads`` answers."""
    runs = under_way is not None
    return {"now": under_way, "runs": runs, "waits": None, "last": list(last), **more}


class Scripted:
    """An API that answers with one view after the other; the last one stays."""

    def __init__(self, *views: Any) -> None:
        self.views = list(views)
        self.posted: list[tuple[str, Any]] = []
        self.time = 0.0
        self.refusal: Exception | None = None
        self.tills = ["01"]

    def get(self, path: str) -> Any:
        if path == "/v1/tills":
            return {"tills": [{"till": till} for till in self.tills]}
        assert path == "/v1/tills/01/loads"
        answer = self.views.pop(0) if len(self.views) > 1 else self.views[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        self.posted.append((path, body))
        if self.refusal is not None:
            raise self.refusal
        return {"at": BEGAN}

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def monotonic(self) -> float:
        return self.time


def followed(*views: Any) -> tuple[tuple[str, str], list[str]]:
    """What came of it, and the lines that were shown."""
    api, out = Scripted(*views), io.StringIO()
    with Lines(out, api.monotonic) as board:
        ended = follow(api, "01", ASKED, board, sleep=api.sleep, monotonic=api.monotonic)
    return ended, out.getvalue().splitlines()


def test_a_load_is_followed_to_its_end() -> None:
    """Each stage is a line; what was loaded before it was asked for is another story."""
    old = story("failed.timeout", "old", EARLIER)
    ended, lines = followed(
        view(now("asking", table=""), old),
        view(now("downloading", bytes_done=1_000_000), old),
        view(now("loading"), old),
        view(now("loading", rows_done=500), old),
        view(now("swapping", table=""), old),
        view(None, story("ok", "1000 rows loaded."), old),
    )
    assert ended == ("ok", "1000 rows loaded.")
    assert lines == [
        "asking which files there are",
        "downloading of articles: 25 %",
        "loading rows of articles: 0 %",
        "taking the new tables into use",
    ]


def test_a_long_stage_is_told_again_with_its_rate_and_the_time_left() -> None:
    """Every few seconds, not each time that it is asked about."""
    views = [view(now("loading", rows_done=10 * number)) for number in range(41)]
    _, lines = followed(*views, view(None, story("ok")))
    assert lines == [
        "loading rows of articles: 0 %",
        "loading rows of articles: 10 %, 20 rows/s, 45 s left",
        "loading rows of articles: 20 %, 20 rows/s, 40 s left",
        "loading rows of articles: 30 %, 20 rows/s, 35 s left",
        "loading rows of articles: 40 %, 20 rows/s, 30 s left",
    ]


def test_a_gap_is_told_and_the_full_load_after_it_is_followed() -> None:
    gap = story("gap", "A full load is needed.")
    ended, lines = followed(
        view(now("asking", table="")),
        view(now("asking", table="", started=LATER), gap),
        view(now("loading", started=LATER), gap),
        view(None, story("ok", "all", LATER), gap),
    )
    assert ended == ("ok", "all")
    assert "A full load is needed." in lines


def test_a_load_that_waits_is_told_once_and_waited_for() -> None:
    """A lost link cuts it off; it goes on when the link is back."""
    cut = story("cancelled", "It was cut off.")
    waiting = view(None, cut, waits="full")
    ended, lines = followed(
        view(now("downloading")), waiting, waiting, waiting, view(now("loading"), cut),
        view(None, story("ok", "all"), cut),
    )  # fmt: skip
    assert ended == ("ok", "all")
    assert lines.count("It was cut off.") == 1
    assert len([line for line in lines if line.startswith("The load waits")]) == 1


@pytest.mark.parametrize("outcome", ["failed.bad_reply", "failed.local_error", "rejected"])
def test_a_load_that_fails_ends_with_its_sentence(outcome: str) -> None:
    ended, _ = followed(view(now("loading")), view(None, story(outcome, "articles.zip, line 7")))
    assert ended == (outcome, "articles.zip, line 7")


def test_an_agent_that_starts_again_is_waited_for() -> None:
    """Its load goes on; one that stays away is given up."""
    gone = [NoAnswer("gone")] * 20
    ended, _ = followed(view(now("loading")), *gone, view(None, story("ok")))
    assert ended[0] == "ok"
    with pytest.raises(NoAnswer, match="gone"):
        followed(view(now("loading")), NoAnswer("gone"))


def test_a_load_without_a_story_is_not_waited_for_for_ever() -> None:
    ended, _ = followed(view(now("loading")), view(None))
    assert ended == ("", "The load has ended, and the agent does not say how.")


def test_bars_on_a_terminal_and_lines_elsewhere() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert isinstance(board_for(Terminal()), Bars)
    assert isinstance(board_for(io.StringIO()), Lines)


@pytest.mark.parametrize(
    ("done", "seconds", "said"),
    [
        (2_000_000, 2.0, ": 50 %, 1.0 MB/s, 2 s left"),
        (1_000, 2.0, ": 0 %, 500 B/s, 2 h 13 min left"),
        (40_000, 2.0, ": 1 %, 20.0 kB/s, 3 min 18 s left"),
        (4_000_000, 0.001, ": 100 %, 4.0 GB/s, 0 s left"),
        (0, 2.0, ": 0 %"),
    ],
)
def test_the_pace_is_that_of_the_stage(done: int, seconds: float, said: str) -> None:
    """In units that people read; nothing is guessed before something was seen."""
    times = iter([0.0, seconds])
    pace = Pace(lambda: next(times))
    assert pace.of(now("downloading")) == ": 0 %"
    assert pace.of(now("downloading", bytes_done=done)) == said


def test_a_download_that_begins_again_has_a_new_pace() -> None:
    times = iter([0.0, 1.0, 2.0, 3.0])
    pace = Pace(lambda: next(times))
    for done in (0, 2_000_000, 0):
        told = pace.of(now("downloading", bytes_done=done))
    assert told == ": 0 %"
    assert pace.of(now("downloading", bytes_done=1_000_000)) == ": 25 %, 1.0 MB/s, 3 s left"
    assert Pace(lambda: 0.0).of(now("asking")) == ""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The API that the command meets."""
    made = Scripted(view(None, story("ok", "1000 rows loaded.")))
    monkeypatch.setattr("engine.tools.load.HttpApi", lambda _url, _token: made)
    monkeypatch.setattr("engine.tools.load.time.sleep", made.sleep)
    return made


def test_the_command_asks_and_says_what_came_of_it(
    api: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 when everything is loaded; the only till need not be named."""
    assert load("changes", "http://x", "token", None) == 0
    assert api.posted == [("/v1/tills/01/loads", {"kind": "changes"})]
    assert capsys.readouterr() == ("1000 rows loaded.\n", "")


@pytest.mark.parametrize("outcome", ["failed.timeout", "rejected"])
def test_a_load_that_fails_is_1_and_goes_to_standard_error(
    api: Scripted, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    api.views = [view(None, story(outcome, "why"))]
    assert load("full", "http://x", "token", "01") == 1
    assert capsys.readouterr() == ("", "why\n")


@pytest.mark.parametrize(("status", "code"), [(409, 1), (401, 2), (404, 2), (503, 2)])
def test_a_refusal_is_said(
    api: Scripted, capsys: pytest.CaptureFixture[str], status: int, code: int
) -> None:
    """1 when the load cannot be now, 2 when the agent does not listen to this account at all."""
    api.refusal = Refused(status, "Not you.")
    assert load("full", "http://x", None, "01") == code
    assert capsys.readouterr() == ("", "Not you.\n")


def test_of_several_tills_one_has_to_be_named(
    api: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    api.tills = ["01", "02"]
    assert load("full", "http://x", "token", None) == 2
    assert "--till" in capsys.readouterr().err


def test_whoever_stops_the_command_does_not_stop_the_load(
    api: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    api.views = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        load("full", "http://x", "token", "01")
    assert capsys.readouterr().err == "The load goes on without this command.\n"


def test_the_token_comes_from_the_environment_or_from_where_till_yaml_says(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that cannot be read is said, never shown."""
    file = tmp_path / "till.yaml"
    server = "server: {protocol: soap, url: 'http://h'}"
    file.write_text(f"shop: '1'\ntill: '1'\n{server}\napi: {{token: '${{file:t}}'}}\n", "utf-8")
    monkeypatch.delenv("TILLWIRE_TOKEN", raising=False)
    assert token_of(None) is None
    assert token_of(file) is None
    assert "The token cannot be read" in capsys.readouterr().err
    (tmp_path / "t").write_text("from the file", "utf-8")
    assert token_of(file) == "from the file"
    monkeypatch.setenv("TILLWIRE_TOKEN", "from outside")
    assert token_of(file) == token_of(None) == "from outside"
