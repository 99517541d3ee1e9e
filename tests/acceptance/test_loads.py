"""The catalogue, from a server's FTP folder into the tables that the till program reads."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.lab import LabThread
from engine.lab.damage import DAMAGES
from engine.lab.exports import SIZES, Shop
from engine.lab.ftp import FtpLab
from tests.acceptance.agent_process import (
    PATIENCE,
    QUICK,
    ROOT,
    AgentProcess,
    server_lines,
    wait_until,
)

Make = Callable[..., AgentProcess]
Loads = dict[str, Any]

LARGE = {**SIZES, "articles": 6_000}
"""A file that takes a while where the line is slow."""

CRAWL = 40_000
"""Bytes each second: a download then takes some seconds, and the manifest no time."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[FtpLab]:
    """An FTP server with an empty folder."""
    folder = tmp_path / "exports"
    folder.mkdir()
    with FtpLab(folder) as ftp:
        yield ftp


class Till:
    """An agent with a catalogue, and the shop whose data it loads."""

    def __init__(self, make: Make, lab: LabThread, files: FtpLab, shop: Shop, **given: Any) -> None:
        self.files = files
        self.shop = shop
        lines = server_lines(lab, "soap", "500ms")
        lines += [*given.pop("actions", ())]
        lines.append(f"  ftp: {{host: 127.0.0.1, port: {files.port}, tls: none, stall: 5s}}")
        lines.append("catalogue: {datasets: datasets.yaml}")
        self.agent = make(server=lines, **given)
        shutil.copy(ROOT / "machines" / "datasets.yaml", self.agent.folder)

    def loads(self, till: str = "01") -> Loads:
        status, body = self.agent.ask("GET", f"/v1/tills/{till}/loads")
        assert status == 200, body
        view: Loads = json.loads(body)
        return view

    def ask(self, kind: str, till: str = "01") -> tuple[int, dict[str, Any]]:
        body = json.dumps({"kind": kind}).encode()
        status, answer = self.agent.ask("POST", f"/v1/tills/{till}/loads", body)
        return status, json.loads(answer)

    def ended(self, since: int) -> Loads | None:
        """The newest story of a load, once there are more than ``since`` and none goes on."""
        view = self.loads()
        over = not view["runs"] and not view["waits"] and len(view["last"]) > since
        return view["last"][0] if over else None

    def load(self, kind: str) -> dict[str, Any]:
        """Ask for a load and wait for its end; its story."""
        since = len(self.loads()["last"])
        status, answer = self.ask(kind)
        assert (status, answer["became"]) == (202, "started"), answer
        wait_until(lambda: self.ended(since) is not None, f"the load of {kind} has ended")
        return dict(self.loads()["last"][0])

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """What the till program reads, in the shop's own form."""
        path = self.agent.folder / "catalogue.db"
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as reader:
            query = f'SELECT * FROM "{table}"'  # noqa: S608 - a name of the datasets file
            return sorted(reader.execute(query).fetchall())

    def assert_equal(self) -> None:
        """Row by row as the shop has it, and the versions are the shop's."""
        for table in self.shop.tables:
            meant = [tuple(map(_read, row)) for row in self.shop.rows(table)]
            assert [tuple(map(_read, row)) for row in self.rows(table)] == meant, table
        told = {each["name"]: each["version"] for each in self.loads()["datasets"]}
        assert told == self.shop.versions

    def parts(self) -> list[Path]:
        """What is there of downloads that were cut off."""
        return list((self.agent.folder / "downloads").glob("*.part"))


def _read(value: object) -> object:
    """A value as the database gives it and as the shop has it, made one: decimals are numbers in
    the one and texts in the other."""
    if isinstance(value, str):
        try:
            return float(value) if "." in value else value
        except ValueError:
            return value
    return value


@pytest.fixture
def till(make_agent: Make, lab: LabThread, files: FtpLab) -> Callable[..., Till]:
    def make(sizes: dict[str, int] | None = None, **given: Any) -> Till:
        shop = Shop(files.folder, seed=4, sizes=sizes or SIZES)
        made = Till(make_agent, lab, files, shop, **given)
        made.agent.start()
        made.agent.wait_for_state("online")
        return made

    return make


def test_a_catalogue_is_loaded_changed_and_put_right_again(till: Callable[..., Till]) -> None:
    """A full load; changes; a gap that becomes a full load; a damaged export, which is told and
    touches nothing; then the next load."""
    shop = till()
    shop.shop.publish()
    story = shop.load("full")
    assert (story["outcome"], story["rows"]) == ("ok", sum(SIZES.values()))
    shop.assert_equal()

    for _ in range(2):
        shop.shop.evolve()
        shop.shop.publish(full=False)
    assert shop.load("changes")["outcome"] == "ok"
    shop.assert_equal()

    shop.shop.evolve()
    shop.shop.publish(changes=False)
    assert (shop.load("changes")["kind"], shop.loads()["last"][1]["outcome"]) == ("full", "gap")
    shop.assert_equal()

    before = {table: shop.rows(table) for table in SIZES}, shop.loads()["datasets"]
    shop.shop.evolve()
    shop.shop.publish()
    words = DAMAGES["decimal is a word"].do(shop.files.folder, random.Random(1))
    story = shop.load("full")
    assert story["outcome"] == "failed.bad_reply"
    assert all(word in story["sentence"] for word in words), (words, story["sentence"])
    assert ({table: shop.rows(table) for table in SIZES}, shop.loads()["datasets"]) == before
    step = next(
        step for step in reversed(shop.agent.history()) if step["event"].startswith("load.failed")
    )
    assert step["detail"]["data"]["message"] == story["sentence"]

    shop.shop.evolve()
    shop.shop.publish()
    assert shop.load("full")["outcome"] == "ok"
    shop.assert_equal()
    assert list((shop.agent.folder / "downloads").iterdir()) == []
    last = [story["outcome"] for story in shop.loads()["last"]]
    assert shop.agent.stop()[0] == 0
    shop.agent.start()
    wait_until(lambda: bool(shop.loads()["last"]), "the stories are read again")
    assert [story["outcome"] for story in shop.loads()["last"]] == last
    metrics = shop.agent.ask("GET", "/metrics")[1].decode()
    version = shop.shop.versions["articles"]
    assert f'tillwire_dataset_version{{dataset="articles"}} {float(version)}' in metrics


def test_a_till_sells_on_while_it_loads_and_a_lost_link_cuts_the_load_off(
    till: Callable[..., Till], lab: LabThread
) -> None:
    """Tickets arrive, messages are asked for, another till's load is refused; then the server
    goes: the load is cut off, what was downloaded stays, and it goes on from there."""
    shop = till(LARGE, tills=("01", "02"))
    shop.shop.publish()
    shop.files.turn("slow", rate=CRAWL)
    assert shop.ask("full")[0] == 202
    wait_until(lambda: (shop.loads()["now"] or {"bytes_done": 0})["bytes_done"] > 0, "bytes come")
    status, refused = shop.ask("full", "02")
    assert (status, refused["error"]) == (409, "load_under_way")
    messages = lab.lab.calls["MESSAGES"]
    for number in range(1, 6):
        assert shop.agent.post_ticket(number, b"a ticket")[0] == 201
    shop.agent.wait_until_drained()
    assert lab.wait(lambda lab: lab.calls["MESSAGES"] > messages, PATIENCE)
    shop.agent.wait_for_state("loading")
    assert shop.agent.state("02") == "online"

    lab.turn("down")
    shop.agent.wait_for_state("offline-cooldown")
    view = shop.loads()
    assert (view["runs"], view["now"], view["waits"]) == (False, None, "full")
    wait_until(lambda: bool(shop.loads()["last"]), "its story is told")
    assert shop.loads()["last"][0]["outcome"] == "cancelled"
    wait_until(lambda: bool(shop.parts()), "what was downloaded is there")
    assert shop.parts()[0].stat().st_size > 0
    assert shop.loads()["datasets"][0]["version"] is None

    shop.files.clear()
    resumed = shop.files.commands["REST"]
    lab.clear()
    wait_until(lambda: shop.loads()["last"][0]["outcome"] == "ok", "the load has ended")
    assert shop.files.commands["REST"] > resumed
    shop.assert_equal()
    assert len(lab.lab.tickets()) == 5
    assert {"gap", "full"}.isdisjoint(each["outcome"] for each in shop.loads()["last"])


def test_a_load_that_is_killed_goes_on_after_the_next_start(till: Callable[..., Till]) -> None:
    shop = till(LARGE)
    shop.shop.publish()
    shop.files.turn("slow", rate=CRAWL)
    assert shop.ask("full")[0] == 202
    wait_until(lambda: bool(shop.parts()), "a download has begun")
    wait_until(lambda: "loading" in shop.agent.history()[-1]["states"], "it is written down")
    shop.agent.kill()
    shop.files.clear()
    shop.agent.start()
    wait_until(lambda: bool(shop.loads()["last"]), "the load has ended")
    assert shop.loads()["last"][0]["outcome"] == "ok"
    shop.assert_equal()


def test_a_load_does_not_hold_up_a_clean_stop(till: Callable[..., Till]) -> None:
    """Within the time that any stop takes; it is owed at the next start."""
    shop = till(LARGE)
    shop.shop.publish()
    shop.files.turn("slow", rate=CRAWL)
    assert shop.ask("full")[0] == 202
    wait_until(lambda: bool(shop.parts()), "a download has begun")
    code, took = shop.agent.stop()
    assert code == 0
    assert took < 3.0
    shop.files.clear()
    shop.agent.start()
    wait_until(
        lambda: [each["outcome"] for each in shop.loads()["last"]] == ["ok", "cancelled"],
        "the load has ended",
    )
    shop.assert_equal()


@pytest.mark.parametrize("workers", [1])
def test_the_server_s_own_action_may_tell_the_files(
    make_agent: Make, open_lab: Callable[..., LabThread], tmp_path: Path, workers: int
) -> None:
    """As Harmony does; with a single worker for calls, too, which a load does not take."""
    (tmp_path / "told").mkdir()
    files = FtpLab(tmp_path / "told")
    lab = open_lab(ftp=files)
    shop = Till(
        make_agent,
        lab,
        files,
        Shop(files.folder, seed=5),
        actions=["  actions: {newest_files: {}}"],
        parameters=QUICK,
    )
    shop.agent.settings.write_text(
        shop.agent.settings.read_text("utf-8") + f"workers: {workers}\n", "utf-8"
    )
    shop.shop.publish()
    shop.agent.start()
    shop.agent.wait_for_state("online")
    assert shop.load("full")["outcome"] == "ok"
    shop.shop.evolve()
    shop.shop.publish()
    assert shop.load("changes")["outcome"] == "ok"
    shop.assert_equal()
    assert lab.lab.calls["TABLES"] == 2
