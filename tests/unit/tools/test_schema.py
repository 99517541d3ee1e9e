"""``tillwire schema``: what editors are told of a file is what its reader does with it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from engine.definition.reader import read_file
from engine.definition.vocabulary import EffectSignature, Vocabulary
from engine.effects.table import VOCABULARY
from engine.problems import Refused
from engine.tools.reference import example_of, page
from engine.tools.schema import KINDS, as_text, file_name, schema_of

ROOT = Path(__file__).parents[3]
MACHINES = ROOT / "machines"
DEFINITION = ROOT / "tests" / "unit" / "definition"
GOOD = {
    "machine": [
        *(DEFINITION / "good").glob("*.yaml"),
        *(ROOT / "tests" / "unit" / "core" / "charts").glob("*.yaml"),
    ],
    "datasets": [MACHINES / "datasets.yaml"],
    "till": [Path(__file__).with_name("every_key.yaml")],
    "test": [Path(__file__).parent / "testing" / "every_key.yaml"],
    "scenario": [*(MACHINES / "scenarios").glob("*.yaml")],
    "tills": [ROOT / "metrics" / "prometheus" / "tills.yaml"],
}
SHIPPED = [*MACHINES.glob("*.yaml"), *MACHINES.glob("*/*.yaml")]
PRINT = {"print": EffectSignature("print", "prints")}
ODD: tuple[Any, ...] = (None, 7, -1, True, "x", "5s", [], ["x"], {}, {"zzz": 1}, [{}])
Way = tuple[str | int, ...]


def _validator(kind: str) -> Any:
    """The schema of a kind, with the effect that the tests of the definition have besides."""
    vocabulary = Vocabulary({**VOCABULARY.effects, **PRINT}, VOCABULARY.events)
    return jsonschema_rs.validator_for(schema_of(kind, vocabulary))


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_in_the_tree_are_those_of_the_models(kind: str) -> None:
    """``make reference`` renews them."""
    assert (MACHINES / "schemas" / file_name(kind)).read_text(encoding="utf-8") == as_text(kind)


def test_the_reference_page_in_the_tree_is_that_of_the_models() -> None:
    """``make reference`` renews it."""
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_of_draft_7(kind: str) -> None:
    """Every language server of the last years knows that draft."""
    made = schema_of(kind)
    assert made["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert jsonschema_rs.meta.is_valid(made)
    assert '"$ref": "#/$defs' not in json.dumps(made)


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind, paths in GOOD.items() for path in paths],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_a_good_file_fits_its_schema(kind: str, path: Path) -> None:
    """All the short forms of the language are among them."""
    assert [str(fault) for fault in _validator(kind).iter_errors(read_file(path).data)] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_names_a_schema_that_it_fits(path: Path) -> None:
    """By its first line, relative to itself."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert found, f"{path.name} does not name its schema"
    schema = json.loads((path.parent / found[1]).read_text(encoding="utf-8"))
    jsonschema_rs.validator_for(schema).validate(read_file(path).data)


SHAPE = re.compile(r"\[(unknown-key|missing-key|type|choice)\]$", re.MULTILINE)
NAMES = re.compile(r"\[unknown-effect\]$", re.MULTILINE)


@pytest.mark.parametrize(
    "path", sorted((DEFINITION / "bad").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_file_of_a_bad_shape_does_not_fit(path: Path) -> None:
    """Where the check tells of unknown and missing keys, types and choices."""
    report = path.with_suffix(".txt").read_text(encoding="utf-8")
    try:
        data = read_file(path, patient=True).data
    except Refused:
        return
    # The choices of an effect's arguments are the effect's.
    shape = SHAPE.search(report) and path.stem != "unknown-choice"
    if shape or NAMES.search(report):
        assert not _validator("machine").is_valid(data)


def _ways(data: Any, way: Way = ()) -> Iterator[Way]:
    yield way
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _ways(value, (*way, key))


def _with(data: Any, way: Way, value: Any) -> Any:
    """A copy of the data with another value at the end of a way."""
    if not way:
        return value
    copied = data.copy()
    copied[way[0]] = _with(data[way[0]], way[1:], value)
    return copied


def _reads(kind: str, data: Any) -> bool | None:
    """Whether the model takes it; None where only a rule of our own says no."""
    try:
        KINDS[kind].part.model_validate(data)
    except ValidationError as error:
        return None if {each["type"] for each in error.errors()} == {"value_error"} else False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_is_told_by_the_editor_as_by_the_reader(kind: str) -> None:
    """Any value in place of any other: the schema refuses what the model refuses.

    What the schema refuses besides are names of effects, and forms that a program alone gives.
    """
    validator = _validator(kind)
    different = []
    for path in GOOD[kind]:
        data = read_file(path).data
        for way in _ways(data):
            for odd in ODD:
                slip = _with(data, way, odd)
                reads, fits = _reads(kind, slip), validator.is_valid(slip)
                name = odd in ("x", "5s", ["x"]) and not fits
                if (
                    reads is not None
                    and reads != fits
                    and not (name and kind in ("machine", "test"))
                ):
                    different.append((path.name, way, odd, reads))
    assert different == []


def _keys(kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    schema = schema_of(kind)
    for name, part in (("", schema), *schema["definitions"].items()):
        for key, value in part.get("properties", {}).items():
            yield name, key, {**value, "definitions": schema["definitions"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_has_a_meaning_and_its_example_is_good(kind: str) -> None:
    """An editor shows both."""
    for name, key, part in _keys(kind):
        assert part.get("description"), f"{name}.{key} says nothing"
        if "default" in part:
            assert jsonschema_rs.is_valid(part, part["default"]), f"{name}.{key}"
        example = example_of(part)
        if example is not None:
            assert jsonschema_rs.is_valid(part, example), f"{name}.{key}: {example}"
        for each in part.get("examples", ()):
            assert jsonschema_rs.is_valid(part, each), f"{name}.{key}: {each}"


def test_the_parameters_of_a_till_are_explained() -> None:
    """Those of the machine that comes with the program, with the vendor's names; any other may
    be set too."""
    told = schema_of("till")["properties"]["parameters"]
    assert told["properties"]["ping_timeout"]["description"] == (
        "Délai avant expiration du ping (Ping timeout). How long a ping may take; as the web "
        "service timeout when empty. From 500ms to 10min. Empty: webservice_timeout."
    )
    assert jsonschema_rs.is_valid(told, {"ping_timeout": None, "my_own": "30s"})
    assert not jsonschema_rs.is_valid(told, {"ping_timeout": []})


@pytest.mark.parametrize("kind", KINDS)
def test_the_verb_prints_a_schema(tillwire: Any, kind: str) -> None:
    """Ready to be put into a file."""
    result = tillwire("schema", kind)
    assert (result.code, result.out, result.err) == (0, as_text(kind), "")


def test_the_verb_writes_all_of_them(tillwire: Any, tmp_path: Path) -> None:
    """Into a folder that it makes; it says how a file names one."""
    result = tillwire("schema", "--write", tmp_path / "schemas")
    assert result.code == 0
    assert sorted(path.name for path in (tmp_path / "schemas").iterdir()) == sorted(
        map(file_name, KINDS)
    )
    assert result.out.endswith("# yaml-language-server: $schema=schemas/machine.schema.json\n")


def test_a_folder_that_cannot_be_written_is_a_sentence(tillwire: Any, tmp_path: Path) -> None:
    """Exit code 1."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = tillwire("schema", "--write", tmp_path / "file")
    assert (result.code, result.out) == (1, "")
    assert result.err == f"{tmp_path / 'file'} cannot be written: File exists.\n"


def test_the_verb_prints_the_reference_page(tillwire: Any) -> None:
    """The one under docs."""
    result = tillwire("schema", "--reference")
    assert (result.code, result.out) == (0, page())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "Say one of machine, till,"),
        (("machine", "--reference"), "Say one of machine, till,"),
        (("machin",), "'machin' is no kind of file. Did you mean 'machine'?"),
    ],
)
def test_what_is_meant_has_to_be_said(
    tillwire: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2."""
    result = tillwire("schema", *arguments)
    assert (result.code, result.out) == (2, "")
    assert sentence in " ".join(result.err.split())


def test_init_writes_the_schema_that_its_file_names(tillwire: Any, tmp_path: Path) -> None:
    """Also of the datasets file beside it."""
    tillwire("init", "--defaults", "--set", "catalogue.datasets=datasets.yaml", tmp_path)
    for path in tmp_path.glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        schema = json.loads((tmp_path / first.partition("$schema=")[2]).read_text("utf-8"))
        jsonschema_rs.validator_for(schema).validate(read_file(path).data)
