"""``tillwire config show``: every value in force and where it comes from."""

import json as encoding
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.definition.machine import Definition
from engine.definition.values import show as show_value
from engine.effects.table import VOCABULARY
from engine.settings import (
    DEFAULT,
    Effective,
    Settings,
    effective,
    load_definition,
    load_settings,
    origin,
)

PARAMETERS = "parameters"


def show(config: Path, json: bool) -> int:
    """Print the values of a till.yaml and of its machine's parameters; returns 0.

    Raises :class:`engine.problems.Refused` when either file is refused.
    """
    settings = load_settings(config)
    values = everything(settings, load_definition(settings, VOCABULARY))
    if json:
        data = [value._asdict() for value in values]
        sys.stdout.write(encoding.dumps(data, indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(table(values))
    return 0


def everything(settings: Settings, definition: Definition) -> list[Effective]:
    """The values of till.yaml with all parameters of its machine in the place of its own few."""
    values: list[Effective] = []
    for value in effective(settings):
        if value.key.partition(".")[0] != PARAMETERS:
            values.append(value)
        elif not any(known.key.startswith(f"{PARAMETERS}.") for known in values):
            values.extend(parameters(settings, definition))
    return values


def parameters(settings: Settings, definition: Definition) -> list[Effective]:
    """Every parameter: from the line of till.yaml that sets it, else from the machine's file.

    A default has both its kind and its place, as in ``default (connection.yaml:12)``.
    """
    values = []
    for name, value in definition.parameters.items():
        if settings.parameters.get(name) in (None, ""):
            place = origin(definition.document, (PARAMETERS, name, "default"))
            where = f"{DEFAULT} ({place})"
        else:
            where = origin(settings.document, (PARAMETERS, name))
        shown = show_value(value, definition.parameter_types[name])
        values.append(Effective(f"{PARAMETERS}.{name}", shown, where))
    return values


def table(values: Sequence[Effective]) -> str:
    """The values in three columns."""
    keys = max((len(value.key) for value in values), default=0)
    shown = min(max((len(value.value) for value in values), default=0), 40)
    return "".join(
        f"{value.key:{keys}}  {value.value:{shown}}  {value.where}\n" for value in values
    )
