"""The ``catalogue:`` mapping of till.yaml, and what is wrong with one."""

from pathlib import Path
from shutil import copy

import pytest

from engine.settings import effective
from engine.shipped import shipped_machine
from tests.unit.settings.conftest import Load, Refusal

FTP = "server: {protocol: soap, url: 'http://h', ftp: {host: ftp.example}}\n"
GOOD = f"shop: '0042'\ntill: '01'\n{FTP}"


@pytest.fixture(autouse=True)
def datasets(tmp_path: Path) -> Path:
    """The example, beside till.yaml."""
    return Path(copy(shipped_machine().with_name("datasets.yaml"), tmp_path))


def test_without_one_there_is_no_catalogue(load: Load) -> None:
    settings = load(GOOD)
    assert settings.catalogue is None
    assert settings.catalogue_path is None


def test_everything_but_the_datasets_has_a_default(load: Load, tmp_path: Path) -> None:
    """Paths are relative to till.yaml and shown as they are in force."""
    settings = load(GOOD + "catalogue: {datasets: datasets.yaml}\n")
    assert settings.catalogue is not None
    assert (settings.catalogue.path, settings.catalogue.downloads) == ("catalogue.db", "downloads")
    shown = {each.key: each.value for each in effective(settings)}
    assert shown["catalogue.path"] == str(tmp_path / "catalogue.db")


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("catalogue: {datasets: nowhere.yaml}\n", "no-file", "nowhere.yaml"),
        ("catalogue: {path: x.db}\n", "missing-key", "datasets"),
        ("catalogue: {datasets: datasets.yaml, path: tillwire.db}\n", "same-file", "one file"),
        ("catalogue: {datasets: datasets.yaml, file: x}\n", "unknown-key", "file"),
    ],
)
def test_what_is_wrong_with_it_is_said(refusal: Refusal, text: str, code: str, words: str) -> None:
    (problem,) = refusal(GOOD + text)
    assert problem.line == 4
    assert problem.code == code
    assert words in problem.message


def test_a_catalogue_needs_an_ftp_server(refusal: Refusal) -> None:
    """With what to do."""
    server = "server: {protocol: soap, url: 'http://h'}\n"
    (problem,) = refusal(
        f"shop: '0042'\ntill: '01'\n{server}catalogue: {{datasets: datasets.yaml}}\n"
    )
    assert (problem.code, problem.line) == ("no-ftp", 4)
    assert problem.hint == "Name it under server.ftp, or leave 'catalogue' out."


def test_what_is_wrong_in_the_datasets_file_has_its_place_there(
    refusal: Refusal, datasets: Path
) -> None:
    datasets.write_text("datasets:\n  a:\n    columns: {b: word}\n    key: b\n", "utf-8")
    problems = refusal(GOOD + "catalogue: {datasets: datasets.yaml}\n")
    assert {Path(problem.file).name for problem in problems} == {"datasets.yaml"}
    assert problems[0].line == 3
