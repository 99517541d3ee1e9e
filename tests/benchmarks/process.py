"""The whole agent as a process: first ping, memory and processor time when idle; the check.

The agent is the real command with the till.yaml that ``tillwire init`` writes, against a lab in
this process. Times of starts are the best of several: what else the machine does only adds.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import psutil

from engine.lab.thread import LabThread

ROOT = Path(__file__).parents[2]
TILLWIRE = [sys.executable, "-m", "engine.cli"]
STARTS = 5
QUIET, IDLE = 20.0, 40.0


def _tillwire(*arguments: str) -> None:
    subprocess.run([*TILLWIRE, *arguments], cwd=ROOT, check=True, capture_output=True)


@contextmanager
def _agent(till_yaml: Path) -> Iterator[psutil.Process]:
    process = subprocess.Popen(
        [*TILLWIRE, "run", "-c", str(till_yaml)], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _first_ping(lab: LabThread, till_yaml: Path) -> float:
    """Seconds from the command to the first ping that the server sees."""
    before = lab.lab.calls["PING"]
    started = monotonic()
    with _agent(till_yaml):
        assert lab.wait(lambda seen: seen.calls["PING"] > before, 20)
        return monotonic() - started


def _checked(*options: str) -> float:
    started = monotonic()
    _tillwire("check", *options, "machines/connection.yaml")
    return monotonic() - started


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, must}."""
    with TemporaryDirectory() as temporary, LabThread() as lab:
        till_yaml = Path(temporary) / "till.yaml"
        _tillwire("init", "--defaults", str(till_yaml))
        text = till_yaml.read_text(encoding="utf-8")
        till_yaml.write_text(
            text.replace("http://127.0.0.1:8080", f"http://127.0.0.1:{lab.port}"), encoding="utf-8"
        )
        first = min(_first_ping(lab, till_yaml) for _ in range(STARTS))
        with _agent(till_yaml) as process:
            sleep(QUIET)
            before, since = process.cpu_times(), monotonic()
            sleep(IDLE)
            after, passed = process.cpu_times(), monotonic() - since
            resident = process.memory_info().rss
        spent = after.user + after.system - before.user - before.system
    check = min(_checked() for _ in range(STARTS))
    unexplored = min(_checked("--no-explore") for _ in range(STARTS))
    return [
        {"name": "command to first ping", "value": first, "unit": "s", "must": "< 1.5"},
        {"name": "idle agent: resident", "value": resident / 1e6, "unit": "MB", "must": "<= 65"},
        {
            "name": "idle agent: of a core",
            "value": spent / passed * 100,
            "unit": "%",
            "must": "< 0.5",
        },
        {"name": "tillwire check", "value": check, "unit": "s", "must": "<= 2"},
        {"name": "check, unexplored", "value": unexplored, "unit": "s", "must": "<= 0.6"},
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
