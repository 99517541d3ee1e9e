"""A test file that is not as it should be is refused, with every fault and its place."""

from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from engine.effects.table import VOCABULARY
from engine.problems import Refused
from engine.tools.testing.naming import filled
from engine.tools.testing.reading import load_tests
from tests.unit.tools.testing.conftest import SMALL

BAD = Path(__file__).with_name("bad")


@pytest.mark.parametrize("name", sorted(path.stem for path in BAD.glob("*.yaml")))
def test_a_bad_file_is_refused_with_every_fault(
    tillwire: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    """Exactly the text beside it is said, by `test` and by `check`, with exit code 1."""
    copy(SMALL, tmp_path / "small.yaml")
    copy(BAD / f"{name}.yaml", tmp_path / f"{name}.test.yaml")
    monkeypatch.chdir(tmp_path)
    said = (BAD / f"{name}.txt").read_text(encoding="utf-8")
    for verb in ("test", "check"):
        result = tillwire(verb, f"{name}.test.yaml")
        assert (result.code, result.out) == (1, said)


def test_a_machine_with_faults_is_told_with_them(folder: Path) -> None:
    """Its own file and line, not those of the test."""
    machine = folder / "small.yaml"
    machine.write_text(machine.read_text().replace("target: resting}", "target: restin}"))
    (folder / "small.test.yaml").write_text("cases: [{case: it}]")
    with pytest.raises(Refused) as refused:
        load_tests(folder / "small.test.yaml", VOCABULARY)
    assert [problem.code for problem in refused.value.problems] == ["unknown-target"]
    assert refused.value.problems[0].file == str(machine)


def test_what_an_event_does_not_say_is_zero_or_empty() -> None:
    """The reason of a failure is in its name; a choice is the first one."""
    answers = VOCABULARY.effects["load"].answers()
    data = filled({"retry_after": 3}, answers["load.failed.timeout"], "load.failed.timeout")
    assert data == {"reason": "timeout", "message": "", "retry_after": 3.0}
    assert filled(None, answers["load.ok"], "load.ok") == {
        "kind": "full",
        "tables": 0,
        "rows": 0,
        "bytes": 0,
        "gap": False,
    }


def test_every_key_and_short_form_is_read(tillwire: Any, folder: Path) -> None:
    """In a file that may name its till: it is no till.yaml."""
    copy(Path(__file__).with_name("every_key.yaml"), folder)
    assert tillwire("test", folder / "every_key.yaml").code == 0
    checked = tillwire("check", folder / "every_key.yaml").out
    assert checked == f"{folder / 'every_key.yaml'}: good (2 cases of {folder / 'small.yaml'})\n"


def test_a_machine_whose_name_no_file_can_have_is_told(folder: Path) -> None:
    """Too long for a file system."""
    file = folder / "small.test.yaml"
    file.write_text(f"machine: {'a' * 5000}\ncases: [{{case: it}}]")
    with pytest.raises(Refused) as refused:
        load_tests(file, VOCABULARY)
    assert [problem.code for problem in refused.value.problems] == ["machine"]
