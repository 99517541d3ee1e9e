"""The report: one file that holds everything it needs."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.simulation.test_command import DAY

VOID = {"meta", "line", "path", "rect"}
SWEEP = ("--set", "ticket_sync_on_close=false", "--sweep", "ticket_sync_interval=10s,5min")


class Page(HTMLParser):
    """What a page is made of; fails where a tag is closed that is not open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A scenario file with what HTML would take for its own."""
    path = tmp_path / "noon.yaml"
    path.write_text("about: Fibre & <b>copper</b>.\n" + DAY, encoding="utf-8")
    return path


def written(tillwire: Any, day: Path, *more: object) -> str:
    """The report that the command writes."""
    file = day.with_suffix(".html")
    result = tillwire("simulate", day, *more, "--report", file)
    assert (result.code, result.err) == (0, "")
    return file.read_bytes().decode("utf-8")


@pytest.mark.parametrize("more", [(), SWEEP], ids=["alone", "swept"])
def test_the_page_is_whole_and_asks_for_nothing(tillwire: Any, day: Path, more: Any) -> None:
    """Well formed; no script, no picture, style or font from elsewhere; links within it lead
    somewhere."""
    text = written(tillwire, day, *more)
    page = Page(text)
    names = [tag for tag, _ in page.tags]
    assert {"script", "img", "link", "iframe", "object"}.isdisjoint(names)
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    ids = {given["id"] for _, given in page.tags if "id" in given}
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    assert links
    assert all(link is not None and link[0] == "#" and link[1:] in ids for link in links)
    assert "Fibre & <b>copper</b>." in "".join(page.words)


def test_every_picture_says_what_it_is_and_no_colour_stands_alone(tillwire: Any, day: Path) -> None:
    """Each has words for those who do not see it; offline is hatched too."""
    page = Page(written(tillwire, day))
    pictures = [given for tag, given in page.tags if tag == "svg"]
    assert all("aria-label" in given or given.get("aria-hidden") == "true" for given in pictures)
    assert ("rect", "url(#hatch)") in {(tag, given.get("fill")) for tag, given in page.tags}


def test_a_sweep_has_a_picture_of_the_trade(tillwire: Any, day: Path) -> None:
    """A bar to each side of each value: the longer the one, the shorter the other."""
    text = written(tillwire, day, *SWEEP)
    trade = text.partition('<div class="trade">')[2].partition("<div class='scroll'")[0]
    widths = [float(found) for found in re.findall(r' width="([\d.]+)"', trade)]
    late, load = widths[::2], widths[1::2]
    assert late[0] < late[1] == 100
    assert load[1] < load[0] == 100


def test_a_fleet_is_counted_and_not_listed(tillwire: Any, day: Path) -> None:
    """Thirteen tills have no line each."""
    day.write_text(DAY.replace("tills: 2", "tills: 13"), encoding="utf-8")
    text = written(tillwire, day)
    assert "Till 01" not in text
    assert "How many tills were in which state" in text


def test_a_report_that_cannot_be_written_is_said(tillwire: Any, day: Path) -> None:
    """Exit code 74, as for any output."""
    result = tillwire("simulate", day, "--report", day.parent / "no" / "where.html")
    assert result.code == 74
    assert "the report cannot be written: no such file or directory." in result.err
