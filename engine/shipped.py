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
