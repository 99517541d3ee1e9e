"""A till.yaml to write and read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.problems import Problem, Refused
from engine.settings import Settings, load_settings

Load = Callable[[str], Settings]
Refusal = Callable[[str], list[Problem]]


@pytest.fixture
def till_yaml(tmp_path: Path) -> Path:
    """Where the file is written."""
    return tmp_path / "till.yaml"


@pytest.fixture
def load(till_yaml: Path) -> Load:
    """Writes a text as till.yaml and reads it."""

    def write_and_read(text: str) -> Settings:
        till_yaml.write_text(text, encoding="utf-8")
        return load_settings(till_yaml)

    return write_and_read


@pytest.fixture
def refusal(load: Load) -> Refusal:
    """The problems of a text that is refused."""

    def read(text: str) -> list[Problem]:
        with pytest.raises(Refused) as caught:
            load(text)
        return list(caught.value.problems)

    return read
