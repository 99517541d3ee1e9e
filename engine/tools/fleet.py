"""The list of a fleet's agents, from which Prometheus learns what to scrape."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from engine.definition.model import Part, as_tuple
from engine.definition.reader import Document, Loc, in_order, read_file
from engine.definition.salvage import salvage
from engine.problems import Problem, Refused

AGENT_PORT = 8344
"""Where an agent listens when its till.yaml does not say."""

Targets = list[dict[str, Any]]
"""As Prometheus's file_sd and http_sd have it: ``[{"targets": [...], "labels": {...}}]``."""

_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAKEN = {
    "shop": "It is the key of the shop.",
    "till": "The metrics of a till have it already.",
    "machine": "The metrics of a till have it already.",
    "instance": "Prometheus gives it: the address.",
    "job": "Prometheus gives it: the name of the scrape configuration.",
}
_MOST_PORT = 65_535

_Addresses = Annotated[
    tuple[str, ...], BeforeValidator(as_tuple, json_schema_input_type=tuple[str, ...])
]


class Branch(Part):
    """A shop: where its agents listen."""

    agents: _Addresses = Field(
        description="Host, or host:port, of each agent: one for each till, or one for a PC that "
        "looks after several. Prometheus calls it by this name, so it stands in `allowed_hosts` "
        "of its till.yaml too.",
        examples=[["till01.shop0042.example", "10.42.0.12:9344"]],
    )
    labels: dict[str, str] = Field(
        {},
        description="Further labels of the shop, to choose and group by.",
        examples=[{"region": "north"}],
    )


class Fleet(Part):
    """A tills.yaml file: all agents of a fleet, by shop."""

    port: int = Field(
        AGENT_PORT, ge=1, le=65535, description="The port of agents that are named without one."
    )
    shops: dict[str, Branch] = Field(
        description="The shops, by the number that the server knows them by.",
        examples=[{"0042": {"agents": ["till01.shop0042.example"]}}],
    )

    def targets(self, only: str | None = None) -> Targets:
        """What there is to scrape, of one shop or of all."""
        return [
            {
                "targets": [_with_port(agent, self.port) for agent in shop.agents],
                "labels": {"shop": name, **shop.labels},
            }
            for name, shop in self.shops.items()
            if only in (None, name)
        ]


def load_fleet(source: Path | Document) -> Fleet:
    """Read a tills.yaml. Raises :class:`Refused` with every problem of the file."""
    document = source if isinstance(source, Document) else read_file(source, patient=True)
    rest = salvage(document, Fleet)
    problems = [*rest.problems]
    if rest.model is not None:
        problems += _faults(rest.document, rest.model)
    if rest.model is None or problems:
        raise Refused(in_order(problems))
    return rest.model


def _faults(document: Document, fleet: Fleet) -> Iterator[Problem]:
    """What pydantic cannot tell: addresses, and names of labels."""
    if not fleet.shops:
        yield document.problem("value", ("shops",), "There is no shop.", "Name one at least.")
    known: dict[str, str] = {}
    for name, shop in fleet.shops.items():
        for place, agent in enumerate(shop.agents):
            loc: Loc = ("shops", name, "agents", place)
            if not _is_address(agent):
                message = f"'{agent}' is no address of an agent."
                hint = "Write a host, or host:port, as in till01.shop0042.example:8344."
                yield document.problem("address", loc, message, hint)
                continue
            full = _with_port(agent, fleet.port)
            if full in known:
                message = f"{full} stands under shop '{known[full]}' already."
                yield document.problem("address", loc, message, "An agent belongs to one shop.")
            known.setdefault(full, name)
        for label in shop.labels:
            message, hint = _unfit(label)
            if message:
                at: Loc = ("shops", name, "labels", label)
                yield document.problem("label", at, message, hint, key=True)


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found["port"] or 1) <= _MOST_PORT


def _with_port(address: str, port: int) -> str:
    found = _ADDRESS.fullmatch(address)
    return address if found and found["port"] else f"{address}:{port}"


def _unfit(label: str) -> tuple[str, str]:
    """Why a name cannot be that of a label, and what to do; empty when it can."""
    if label in _TAKEN:
        return f"The label '{label}' is taken.", _TAKEN[label]
    if not _LABEL.fullmatch(label) or label.startswith("__"):
        hint = "Letters, digits and underscores, no digit first, and no two underscores first."
        return f"'{label}' cannot be the name of a label.", hint
    return "", ""
