"""``tillwire dashboard``: the Grafana dashboards of a machine, written to a folder."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from engine.definition.machine import Definition
from engine.tools.diagram import read_machine

WRITTEN, NOT_WRITTEN, UNREADABLE = 0, 1, 2
LIBRARY = "grafana_foundation_sdk"
MISSING = """\
The dashboards are made with a library that a till has no use for and that is not installed here.
Install it where you make them: pip install 'tillwire[dashboards]'
"""

Language = Literal["en", "fr"]
Make = Callable[[Definition, Language], tuple[Mapping[str, str], Sequence[str]]]
"""From a machine to the texts of its dashboards by file name, and remarks for who asked."""


def dashboard(file: Path, language: Language, folder: Path, make: Make) -> int:
    """Write the dashboards of the machine of a file, or of a till.yaml; returns the exit code.

    Raises :class:`~engine.problems.Refused` for a file that is at fault.
    """
    definition = read_machine(file)
    if definition is None:
        return UNREADABLE
    try:
        texts, remarks = make(definition, language)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != LIBRARY:
            raise
        sys.stderr.write(MISSING)
        return NOT_WRITTEN
    for name, text in texts.items():
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            sys.stderr.write(f"{path} cannot be written: {error.strerror or error}.\n")
            return NOT_WRITTEN
        sys.stderr.write(f"Wrote {path}.\n")
    sys.stderr.writelines(f"{remark}\n" for remark in remarks)
    return WRITTEN
