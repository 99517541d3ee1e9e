"""The pages under docs/ and the README say what is so: their examples are run."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from textwrap import indent
from typing import Any, NamedTuple

import certifi
import jsonschema_rs
import pytest
import typer.main
from pydantic import BaseModel

from engine.api.access import Access
from engine.api.application import create_api
from engine.api.stand_in import StandIn
from engine.catalogue import datasets
from engine.catalogue.datasets import load_datasets
from engine.cli import main
from engine.cli.verbs import app
from engine.core.build import build
from engine.core.exploration import explore
from engine.definition import model
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.lab.faults import FAULTS
from engine.lab.ftp_faults import FTP_FAULTS
from engine.server.settings import ServerSettings
from engine.settings import Settings, load_definition, load_settings
from engine.shipped import shipped_machine
from engine.tools.drawing.chart import chart_of
from engine.tools.drawing.mermaid import mermaid
from engine.tools.fleet import load_fleet
from engine.tools.schema import schema_of
from engine.tools.simulation import scenario
from engine.tools.simulation.play import play
from engine.tools.simulation.reading import load_played, load_scenario
from engine.tools.testing import model as testing
from engine.tools.testing.reading import load_tests

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Block(NamedTuple):
    """A fenced block: where it begins, in which language, its text."""

    place: str
    language: str
    text: str


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        line = text[: found.start()].count("\n") + 1
        yield Block(f"{page.name}:{line}", found[1], found[2])


def _of(language: str) -> list[Block]:
    return [block for page in PAGES for block in _blocks(page) if block.language == language]


def _is_machine(block: Block) -> bool:
    return re.search(r"^states:", block.text, re.MULTILINE) is not None


def _is_datasets(block: Block) -> bool:
    return re.search(r"^datasets:", block.text, re.MULTILINE) is not None


def _is_scenario(block: Block) -> bool:
    return block.text.startswith("scenario:")


def _is_test(block: Block) -> bool:
    return re.search(r"^cases:", block.text, re.MULTILINE) is not None


def _is_prometheus(block: Block) -> bool:
    return (
        re.search(r"^(scrape_configs|remote_write|storage):", block.text, re.MULTILINE) is not None
    )


YAML = _of("yaml")
MACHINES = [block for block in YAML if _is_machine(block)]
DATASETS = [block for block in YAML if _is_datasets(block)]
TRACES = [block for block in YAML if block.text.startswith("- case:")]
SCENARIOS = [block for block in YAML if _is_scenario(block)]
TESTS = [block for block in YAML if _is_test(block)]
FLEETS = [block for block in YAML if re.search(r"^shops:", block.text, re.MULTILINE)]
PROMETHEUS = [block for block in YAML if _is_prometheus(block)]
OTHERS = [*MACHINES, *DATASETS, *TRACES, *SCENARIOS, *TESTS, *FLEETS, *PROMETHEUS]
TILLS = [block for block in YAML if block not in OTHERS]


@pytest.mark.parametrize("block", MACHINES, ids=lambda block: block.place)
def test_every_machine_in_a_page_is_good(block: Block) -> None:
    """Neither errors nor warnings, also in all that it can get into."""
    definition = load_machine(read(block.text, block.place), VOCABULARY)
    assert definition.problems == ()
    assert explore(build(definition)).problems == ()


def test_the_first_machine_is_checked_as_the_page_says() -> None:
    """Its summary, with the situations that it can get into."""
    page = next(block for block in _of("console") if "link.yaml: good" in block.text)
    block = next(block for block in MACHINES if block.text.startswith("machine: link"))
    chart = build(load_machine(read(block.text, "link.yaml"), VOCABULARY))
    assert f", {explore(chart).situations} situations)" in page.text


def test_the_drawing_in_a_page_is_that_of_its_machine() -> None:
    """The first machine of docs/language.md, as Mermaid."""
    drawing = next(block for block in _of("mermaid") if block.place.startswith("language"))
    block = next(block for block in MACHINES if block.text.startswith("machine: link"))
    assert drawing.text == mermaid(chart_of(load_machine(read(block.text, "m"), VOCABULARY)))


@pytest.mark.parametrize("block", [*MACHINES, *DATASETS, *TILLS], ids=lambda block: block.place)
def test_every_example_fits_its_schema(block: Block) -> None:
    """An editor finds nothing wrong with it."""
    kind = "machine" if block in MACHINES else "datasets" if block in DATASETS else "till"
    validator = jsonschema_rs.validator_for(schema_of(kind))
    assert [str(fault) for fault in validator.iter_errors(read(block.text, "file").data)] == []


@pytest.mark.parametrize("block", TRACES, ids=lambda block: block.place)
def test_every_way_to_a_fault_in_a_page_is_one_that_the_check_tells(block: Block) -> None:
    """It stands in what is said of one of the machines with a planted fault."""
    planted = ROOT / "tests" / "unit" / "tools" / "planted"
    told = [path.read_text(encoding="utf-8") for path in sorted(planted.glob("*.txt"))]
    assert any(indent(block.text, "    ") in text for text in told)


@pytest.mark.parametrize("block", TESTS, ids=lambda block: block.place)
def test_every_test_file_in_a_page_passes(block: Block, tmp_path: Path) -> None:
    """Beside the machine that comes with the program, metrics included."""
    copy(shipped_machine(), tmp_path)
    file = tmp_path / "connection.test.yaml"
    file.write_text(block.text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["test", str(file)])
    assert ended.value.code == 0


def test_every_key_of_a_test_file_is_explained() -> None:
    """Each stands in docs/testing.md as code."""
    kinds = [kind for kind in vars(testing).values() if _is_part(kind)]
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", page))))

    assert _fields(*kinds) - named == set()


def test_the_page_about_tests_counts_the_shipped_cases() -> None:
    """As they are."""
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    shipped = load_tests(shipped_machine().with_name("connection.test.yaml"), VOCABULARY)
    assert f"[{len(shipped.suite.cases)} of them]" in page


@pytest.mark.parametrize("block", TILLS, ids=lambda block: block.place)
def test_every_till_yaml_in_a_page_is_good(block: Block, tmp_path: Path) -> None:
    """With the machine that comes with the program; files that it names are there."""
    for name in re.findall(r"^ +ca_file: (\S+)", block.text, re.MULTILINE):
        copy(certifi.where(), tmp_path / name)
    for name in re.findall(r"^ +datasets: (\S+)", block.text, re.MULTILINE):
        copy(shipped_machine().with_name("datasets.yaml"), tmp_path / name)
    settings = load_settings(read(block.text, str(tmp_path / "till.yaml")))
    assert load_definition(settings, VOCABULARY).problems == ()


@pytest.mark.parametrize("block", DATASETS, ids=lambda block: block.place)
def test_every_datasets_file_in_a_page_is_good(block: Block) -> None:
    """Each declares a table at least."""
    assert load_datasets(read(block.text, block.place))


@pytest.mark.parametrize("block", FLEETS, ids=lambda block: block.place)
def test_every_list_of_tills_in_a_page_is_good(block: Block) -> None:
    assert load_fleet(read(block.text, block.place)).targets()


@pytest.mark.parametrize("block", PROMETHEUS, ids=lambda block: block.place)
def test_what_a_page_shows_of_prometheus_s_own_files_stands_in_an_example(block: Block) -> None:
    """In one that promtool and a real Prometheus have read, but for comments."""
    examples = (ROOT / "metrics" / "prometheus").glob("*.yaml")
    texts = [re.sub(r"(?m)^ *#.*\n", "", path.read_text(encoding="utf-8")) for path in examples]
    assert any(block.text in text for text in texts)


@pytest.mark.parametrize("block", SCENARIOS, ids=lambda block: block.place)
def test_every_scenario_in_a_page_can_be_played(block: Block) -> None:
    """With its machine, to its end."""
    loaded, document = load_scenario(read(block.text, block.place))
    assert play(loaded, load_played(loaded, document)).record.steps > 0


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Each ``tillwire`` line of a console block, with its words."""
    for block in _of("console"):
        for line in block.text.splitlines():
            words = line.removeprefix("$ ").split()
            if line.startswith("$ ") and words[0] == "tillwire":
                yield f"{block.place} {' '.join(words)}", words[1:]


@pytest.mark.parametrize(("place", "words"), list(_commands()))
def test_every_command_in_a_page_exists(place: str, words: list[str]) -> None:
    """The verb is one, and each option is one of the verb's."""
    command = typer.main.get_command(app)
    assert not {"|", ";", "&&"} & set(words), f"{place}: a command on its own is easier to copy"
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        command = command.commands[words.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    secondary = {option for parameter in command.params for option in parameter.secondary_opts}
    given = {word.partition("=")[0] for word in words if word.startswith("-")}

    assert given <= options | secondary | {"--help"}


def _addresses() -> Iterator[tuple[str, str]]:
    """Each path of the local API that a page asks for with curl."""
    for block in _of("sh"):
        for line in block.text.splitlines():
            for path in re.findall(r"(?:\$API|http://127\.0\.0\.1:8344)(/[\w/.-]*)", line):
                yield f"{block.place} {path}", path


@pytest.mark.parametrize(("place", "path"), list(_addresses()))
def test_every_address_in_a_page_is_the_apis(place: str, path: str) -> None:
    """With an example in the place of each part that varies."""
    api = create_api(StandIn(), Access(None, (), ()))
    paths = [*api.document()["paths"], "/", "/openapi.json"]
    known = [re.sub(r"\{\w+\}", r"[^/]+", each) for each in paths]
    assert any(re.fullmatch(each, path) for each in known), place


def test_every_command_has_its_exit_codes_in_the_table() -> None:
    """In docs/operating.md, which scheduled tasks are written from."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = page.partition("## Exit codes")[2].partition("70 is a fault")[0]
    told = {
        verb for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for verb in _code(row)
    }
    commands: Any = typer.main.get_command(app)
    assert {verb.partition(" ")[0] for verb in told} == set(commands.commands)


def _code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def _fields(*kinds: type[BaseModel]) -> set[str]:
    return {field.alias or name for kind in kinds for name, field in kind.model_fields.items()}


def test_every_key_of_the_language_is_explained() -> None:
    """Each stands in docs/language.md as code."""
    kinds = [kind for kind in vars(model).values() if _is_part(kind)]
    page = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`|^#.*$", prose, re.MULTILINE))))
    headed = set(re.findall(r"\w+", " ".join(re.findall(r"^## (.*)$", prose, re.MULTILINE))))

    assert _fields(*kinds) - {"en", "fr"} - named - headed == set()


def test_every_key_of_a_datasets_file_is_explained() -> None:
    """Each stands in docs/catalogue.md as code."""
    kinds = [kind for kind in vars(datasets).values() if _is_part(kind)]
    page = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", page))))

    assert _fields(*kinds) - named == set()


def test_every_key_of_a_scenario_is_explained() -> None:
    """Each stands in docs/simulation.md as code."""
    kinds = [kind for kind in vars(scenario).values() if _is_part(kind)]
    page = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", page))))

    assert _fields(*kinds) - named == set()


def _is_part(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, model.Part) and kind is not model.Part


def test_every_key_of_till_yaml_is_explained() -> None:
    """Those of the first two levels stand in docs/operating.md or docs/harmony.md as code."""
    pages = "".join(
        (ROOT / "docs" / name).read_text(encoding="utf-8")
        for name in ("operating.md", "harmony.md")
    )
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", pages))))

    assert _fields(Settings, ServerSettings) - named == set()


def test_every_fault_of_the_lab_is_explained() -> None:
    """Those of the tables in docs/operating.md are the lab's, those of its FTP server included."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    for heading, faults in (("| fault |", FAULTS), ("| FTP fault |", FTP_FAULTS)):
        table = page.partition(heading)[2].partition("\n\n")[0]
        first = [line.split("|")[1] for line in table.splitlines()[2:]]

        assert set(re.findall(r"`(\w+)`", " ".join(first))) == set(faults)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    """Files and folders named in links exist, and headings that are pointed at too."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name) if name else page
        assert path.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_named_in_a_page_exists(page: Path) -> None:
    """Paths of the house in code marks; those with a placeholder are a matter of the reader."""
    text = page.read_text(encoding="utf-8")
    roots = "engine|metrics|machines|tests|docs"
    for path in re.findall(rf"`((?:{roots})/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
