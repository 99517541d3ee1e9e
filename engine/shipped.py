"""Where the YAML that travels with the program lies.

The wheel carries ``machines/`` as ``engine/shipped/machines/``; in a source tree it stands
beside ``engine/``. Both are looked at, the wheel's place first.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE / "shipped" / "machines", _PACKAGE.parent / "machines")


def shipped_machine(name: str = "connection") -> Path:
    """The file of a machine that comes with the program, by its name without ``.yaml``.

    Raises :class:`FileNotFoundError` with a sentence when this installation has no such file.
    """
    for folder in _FOLDERS:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
    raise FileNotFoundError(f"no machine '{name}' came with this installation of tillwire")


def shipped_scenarios() -> list[str]:
    """The names of the scenarios that come with the program."""
    return sorted({path.stem for each in _FOLDERS for path in (each / "scenarios").glob("*.yaml")})


def shipped_scenario(name: str) -> Path | None:
    """The file of one of them; None when there is none of that name."""
    if name in shipped_scenarios():
        for folder in _FOLDERS:
            path = folder / "scenarios" / f"{name}.yaml"
            if path.is_file():
                return path
    return None
