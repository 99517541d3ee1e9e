"""The house rules that no linter checks, and what a clean machine relies on."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted(
    path for folder in ("engine", "metrics", "tests") for path in (ROOT / folder).rglob("*.py")
)
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


def named(path: Path) -> str:
    """The path as a test's name."""
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_file_is_read_in_one_sitting_and_a_function_fits_on_a_screen(path: Path) -> None:
    """400 lines a file, 60 lines a function, and names of the field."""
    text = path.read_text(encoding="utf-8")
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]

    assert not long
    assert len(text.splitlines()) <= 400
    assert not VAGUE & set(re.split(r"[_\W]", named(path).removesuffix(".py")))


def test_every_dependency_is_pinned_to_one_version() -> None:
    """What a person installs is what was tested: names and versions, nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}

    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert lines == sorted(lines, key=str.lower)
    assert {re.split(r"[\[<>=~ ;]", name)[0].lower() for name in wanted} <= pinned


def test_no_file_names_the_host_of_a_registry() -> None:
    """Where packages come from is the business of whoever installs."""
    hosts = ["pypi" + ".org", "python" + "hosted", "npmjs" + ".org", "deb.debian" + ".org"]
    listed = subprocess.run(
        ["git", "grep", "-lIE", "|".join(re.escape(host) for host in hosts)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (listed.returncode, listed.stdout, listed.stderr) == (1, "", "")


def test_the_packages_say_that_they_are_typed() -> None:
    """Integrators' type checkers see our annotations."""
    assert all((ROOT / package / "py.typed").exists() for package in ("engine", "metrics"))
