"""``tillwire simulate``: what a machine does in a scenario, in virtual time."""

import json as encoding
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.definition.reader import Document
from engine.definition.tree import Tree
from engine.problems import Refused
from engine.shipped import shipped_scenario, shipped_scenarios
from engine.tools.simulation.figures import Figures
from engine.tools.simulation.reading import load_played, load_scenario
from engine.tools.simulation.report import report
from engine.tools.simulation.running import Variant, run_all
from engine.tools.simulation.scenario import Scenario
from engine.tools.simulation.text import told_alone, told_together

GOOD, USAGE, UNWRITTEN = 0, 2, 74


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. ``given`` and ``sweep`` are as they were typed."""

    scenario: str
    machine: Path | None = None
    given: Sequence[str] = ()
    seed: int | None = None
    compare: Path | None = None
    sweep: str | None = None
    report: Path | None = None
    json: bool = False


class Misused(Exception):  # noqa: N818 - it is what was done with the command
    """A command line that makes no sense, as a sentence."""


def simulate(wanted: Wanted) -> int:
    """Simulate, and print or write what came of it; the exit code of the command."""
    try:
        scenario, document = _scenario(wanted)
        variants, trees = _variants(wanted, scenario, document)
    except Misused as fault:
        sys.stderr.write(f"{fault}\n")
        return USAGE
    except Refused as refused:
        unreadable = [each for each in refused.problems if each.code == "unreadable"]
        if not unreadable:
            raise
        sys.stderr.write("".join(f"{each.file}: {each.message}\n" for each in unreadable))
        return USAGE
    results = run_all(scenario, document, variants)
    labels = [variant.label for variant in variants]
    if wanted.report is not None:
        swept = (wanted.sweep or "").partition("=")[0]
        page = report(scenario, labels, results, trees, swept)
        try:
            wanted.report.write_text(page, encoding="utf-8", newline="\n")
        except OSError as fault:
            why = (fault.strerror or str(fault)).lower()
            sys.stderr.write(f"{wanted.report}: the report cannot be written: {why}.\n")
            return UNWRITTEN
    if wanted.json:
        sys.stdout.write(_data(labels, results) + "\n")
    elif len(results) == 1:
        sys.stdout.write(told_alone(results[0]))
    else:
        sys.stdout.write(told_together(labels, results))
    return GOOD


def _scenario(wanted: Wanted) -> tuple[Scenario, Document]:
    """By its file, or by the name of one that comes with the program."""
    path = Path(wanted.scenario)
    if not path.exists():
        shipped = shipped_scenario(wanted.scenario)
        if shipped is None:
            names = ", ".join(shipped_scenarios()) or "none"
            raise Misused(
                f"There is no scenario {wanted.scenario}: neither a file nor one of those that "
                f"come with tillwire ({names})."
            )
        path = shipped
    scenario, document = load_scenario(path)
    if wanted.seed is not None:
        scenario = scenario.model_copy(update={"seed": wanted.seed})
    return scenario, document


def _variants(
    wanted: Wanted, scenario: Scenario, document: Document
) -> tuple[list[Variant], list[Tree]]:
    """Everything that is to be played, and the states of its machines. Refused machines and
    values are told before anything is played."""
    if wanted.compare is not None and wanted.sweep is not None:
        raise Misused("Either --compare or --sweep, not both.")
    given = tuple(_assignment(text, "--set") for text in wanted.given)
    variants = [Variant("", wanted.machine, given)]
    if wanted.compare is not None:
        own, other = wanted.machine, wanted.compare
        names = [own.name if own else "as it is", other.name]
        if names[0] == names[1]:  # of two folders
            names = [str(own), str(other)]
        variants = [Variant(names[0], own, given), Variant(names[1], other, given)]
    elif wanted.sweep is not None:
        name, values = _assignment(wanted.sweep, "--sweep", "NAME=V1,V2")
        if not all(each := values.split(",")):
            raise Misused(f"--sweep takes NAME=V1,V2; a value is empty in '{wanted.sweep}'.")
        variants = [
            Variant(value, wanted.machine, (*given, (name, value))) for value in dict.fromkeys(each)
        ]
    trees = [
        load_played(scenario, document, each.machine, each.overrides).tree for each in variants
    ]
    return variants, trees


def _assignment(text: str, option: str, form: str = "NAME=VALUE") -> tuple[str, str]:
    """``NAME=VALUE``, the value as a file has it."""
    name, sign, value = text.partition("=")
    if not name or not sign or not value:
        raise Misused(f"{option} takes {form}; found '{text}'.")
    return name, value


def _data(labels: Sequence[str], results: Sequence[Figures]) -> str:
    data: object = results[0].as_data()
    if len(results) > 1:
        data = {label: each.as_data() for label, each in zip(labels, results, strict=True)}
    return encoding.dumps(data, indent=2, ensure_ascii=False)
