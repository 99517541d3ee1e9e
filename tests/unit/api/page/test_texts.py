"""What the files of the page say, and what they may not."""

import re
from pathlib import Path

import pytest

from engine.api.page import files
from engine.api.page.languages import FOLDER, entries

PAGE = FOLDER.parent
FILES = sorted(path for path in PAGE.rglob("*") if path.is_file() and path.suffix != ".pyc")
SAID = re.compile(r'\b(?:say|gettext)\(\s*"([^"]+)"')


def french() -> dict[str, str]:
    """The texts of the French catalogue, without its head."""
    texts = dict(entries((FOLDER / "fr.po").read_text(encoding="utf-8")))
    return {key: value for key, value in texts.items() if key}


def used() -> set[str]:
    """Every text of the templates, the scripts and the Python."""
    said = {text for path in PAGE.glob("*.py") for text in SAID.findall(path.read_text("utf-8"))}
    return {*files.marked(), *files.asked(), *said}


def test_the_french_catalogue_has_every_text_that_is_used_and_no_other() -> None:
    """A text that is added, changed or dropped has to be so in both."""
    assert set(french()) == used()


def test_every_french_text_is_there_with_the_same_places_to_fill() -> None:
    """Nothing is empty, and {n} stays {n}."""
    place = re.compile(r"\{\w+\}")
    for key, value in french().items():
        assert value.strip()
        assert sorted(place.findall(value)) == sorted(place.findall(key))


def test_french_typography_keeps_double_punctuation_with_its_word() -> None:
    """Before : ; ? ! and inside « » the space is one that does not break."""
    assert [text for text in french().values() if re.search(r" [:;?!»]|« ", text)] == []


def test_every_text_that_a_script_asks_for_is_a_literal() -> None:
    """A text that is put together could not be found by whoever translates."""
    for path in PAGE.rglob("*.js"):
        script = path.read_text("utf-8")
        calls = re.findall(r"(?<![\w.])text\(\s*(.)", script.replace("function text(", ""))
        assert set(calls) <= {'"'}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PAGE).as_posix())
def test_no_file_names_an_address_outside(path: Path) -> None:
    """The page asks nobody but the agent; the name of SVG is no address that is asked."""
    text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"\bhttps?:|\bwss?:|[\"'(]//|@import|data:", text)


@pytest.mark.parametrize("path", sorted(PAGE.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_a_script_a_style_or_a_handler_of_its_own(path: Path) -> None:
    """All of them would be refused by the policy, and silently."""
    text = path.read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    scripts = re.findall(r"<script([^>]*)>", text)
    assert all('src="/page/' in script or "application/json" in script for script in scripts)


def test_every_file_of_the_page_is_read_in_one_sitting() -> None:
    """400 lines a file, also for styles and scripts."""
    sources = [path for path in FILES if path.suffix != ".po"]
    assert [path.name for path in sources if len(path.read_text("utf-8").splitlines()) > 400] == []
