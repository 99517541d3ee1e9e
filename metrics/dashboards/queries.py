"""Every query of a dashboard, for who wants to run or check them.

The dashboards are taken as they are committed: JSON as Grafana reads it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

RATE_INTERVAL = "60s"
"""Stands for ``$__rate_interval`` unless another is given: four scrapes of 15 seconds."""


class Query(NamedTuple):
    """A query as the dashboard has it. ``title`` is that of its panel, variable or annotation;
    ``kind`` says which of these asks it, ``ref`` is its name there."""

    title: str
    ref: str
    expr: str
    kind: str = "panel"


def committed(name: str, language: str = "en") -> dict[str, Any]:
    """A dashboard of the machine that comes along: ``fleet`` or ``till``."""
    text = files(__package__).joinpath(language, f"{name}.json").read_text(encoding="utf-8")
    dashboard: dict[str, Any] = json.loads(text)
    return dashboard


def queries(dashboard: Mapping[str, Any]) -> Iterator[Query]:
    """The queries of all panels, variables and annotations, in the order of the file.

    A variable's is the selector inside of its ``label_values(selector, label)``.
    """
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            yield Query(panel["title"], target["refId"], target["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            for asked in re.finditer(r"^label_values\((.+), (\w+)\)$", variable["query"]):
                yield Query(variable["name"], asked[2], asked[1], "variable")
    for annotation in dashboard["annotations"]["list"]:
        yield Query(annotation["name"], "", annotation["expr"], "annotation")


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard, without its rows."""
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            yield panel


def substitute(
    expr: str,
    variables: Mapping[str, str] | None = None,
    rate_interval: str = RATE_INTERVAL,
    range_: str = "1h",
) -> str:
    """The query as Grafana sends it. ``variables`` not given stand for all there is: ``.*``.

    ``rate_interval`` is in seconds, as in ``60s``. The dashboard *Till* needs ``till``: it is
    compared as it is, not as a pattern.
    """
    milliseconds = int(rate_interval.removesuffix("s")) * 1000
    values = {
        "__rate_interval": rate_interval,
        "__range": range_,
        # Grafana's is shorter than that of rates; a query may not mind.
        "__interval": rate_interval,
        "__interval_ms": str(milliseconds),
        **(variables or {}),
    }

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return found[0] if name.isdecimal() else values.get(name, ".*")

    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", value, expr)
