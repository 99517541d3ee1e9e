"""Runs the benchmarks beside it, prints one table, writes build/benchmarks.json.

Each file that has ``run() -> list[dict]`` is one benchmark; a dict has ``name``, ``value``,
``unit`` and ``must``: what the value must be (``< 20``, ``<= 1.3``, ``>= 0.8``), or nothing.
Words on the command line choose the files whose names hold one of them. The exit code is 1
when a value is not what it must be, or a benchmark failed; the others are run all the same.
"""

import gc
import importlib.util
import json
import operator
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RESULTS = ROOT / "build" / "benchmarks.json"

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
}

Figure = dict[str, Any]


def met(figure: Figure) -> bool | None:
    """Whether the value is what it must be; None when nothing is asked of it."""
    must = str(figure["must"] or "").split()
    if not must:
        return None
    return COMPARISONS[must[0]](float(figure["value"]), float(must[1].replace(",", "")))


def figures(path: Path) -> list[Figure]:
    """What one file measures; nothing when it is no benchmark."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    run = getattr(module, "run", None)
    found: list[Figure] = run() if run is not None else []
    gc.collect()
    for figure in found:
        met(figure)  # a `must` that cannot be read is a fault of its benchmark
    return [{key: figure[key] for key in ("name", "value", "unit", "must")} for figure in found]


def row(figure: Figure) -> str:
    """One line of the table."""
    verdict = {None: "", True: "ok", False: "MISSED"}[met(figure)]
    value = f"{figure['value']:,.3f}".rstrip("0").rstrip(".")
    wanted = f"{figure['must'] or '':<12} {verdict}"
    return f"{figure['name']:<52} {value:>14} {figure['unit']:<10} {wanted}".rstrip()


def main(words: list[str]) -> int:
    """Run what the words choose, everything without words; the exit code."""
    sys.path.insert(0, str(ROOT))
    paths = [
        path
        for path in sorted(HERE.glob("*.py"))
        if path != Path(__file__).resolve()
        and (not words or any(word in path.stem for word in words))
    ]
    if not paths:
        print(f"No benchmark's name holds {' or '.join(words)}.", file=sys.stderr)
        return 2
    found: list[Figure] = []
    failed = False
    for path in paths:
        try:
            new = figures(path)
        except Exception:  # noqa: BLE001 - the other benchmarks are worth their figures
            traceback.print_exc()
            print(f"{path.name} failed; the reason is above.", file=sys.stderr)
            failed = True
            continue
        found += new
        for figure in new:
            print(row(figure), flush=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"written to {RESULTS.relative_to(ROOT)}")
    return 1 if failed or any(met(figure) is False for figure in found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
