"""A file put in the place of another that a virus scanner holds for a moment."""

from pathlib import Path

import pytest

from engine import swapping
from engine.swapping import rename


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Renaming is refused once for each of these; the pauses that were made take their place."""
    left: list[float] = [0.0] * 3
    really = Path.replace

    def replace(path: Path, target: Path) -> Path:
        if 0.0 in left:
            left.remove(0.0)
            raise PermissionError(13, "Access denied", str(target))
        return really(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr("engine.swapping.time.sleep", left.append)
    return left


def test_a_name_that_is_refused_on_windows_is_tried_again(
    tmp_path: Path, refusals: list[float]
) -> None:
    """Three times refused, then given."""
    (tmp_path / "new").write_text("new")
    rename(tmp_path / "new", tmp_path / "old", "nt")
    assert (tmp_path / "old").read_text() == "new"
    assert refusals == list(swapping.HELD[:3])


def test_a_name_that_is_refused_for_good_is_an_error(tmp_path: Path, refusals: list[float]) -> None:
    """After the last pause; elsewhere a refusal is final at once."""
    refusals += [0.0] * 97
    with pytest.raises(PermissionError):
        rename(tmp_path / "new", tmp_path / "old", "nt")
    waited = [each for each in refusals if each]
    with pytest.raises(PermissionError):
        rename(tmp_path / "new", tmp_path / "old", "posix")
    assert [each for each in refusals if each] == waited == list(swapping.HELD)
