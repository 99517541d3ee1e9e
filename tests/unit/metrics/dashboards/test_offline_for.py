"""For how long a till has been offline, which no metric tells: each failed probe begins anew."""

import json
import subprocess
from pathlib import Path
from typing import Any

from metrics.dashboards.queries import committed, panels, substitute

PROCESS = 'job="tillwire", instance="a:8344", shop="0042"'


def _series(name: str, till: str, values: str) -> dict[str, str]:
    machine = "" if name == "tillwire_offline" else ', machine="connection"'
    return {"series": f'{name}{{{PROCESS}, till="{till}"{machine}}}', "values": values}


def _till(till: str, offline: str) -> list[dict[str, str]]:
    """A till whose state is entered anew at each minute."""
    entered = "tillwire_state_entered_timestamp_seconds"
    return [_series("tillwire_offline", till, offline), _series(entered, till, "0+60x30")]


def _row(till: str, seconds: float) -> dict[str, Any]:
    return {"labels": f'{{{PROCESS}, till="{till}"}}', "value": seconds}


def test_it_is_since_the_last_moment_that_was_not_offline(tmp_path: Path) -> None:
    """Held or not, as far as the time shown or what Prometheus has goes back. A till that is
    back is not there."""
    (table,) = (each for each in panels(committed("fleet")) if each["title"] == "Offline longest")
    asked = {
        "expr": substitute(table["targets"][0]["expr"], None, "60s", "30m"),
        "eval_time": "20m",
        "exp_samples": [_row("always", 1260), _row("lost", 660), _row("held", 300)],
    }
    tills = {"lost": "0x9 1x20", "held": "0x15 2x15", "always": "1x30", "back": "0x5 1x5 0x20"}
    series = [line for till, offline in tills.items() for line in _till(till, offline)]
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
    file = tmp_path / "test.json"
    file.write_text(json.dumps({"rule_files": [], "tests": [test]}), encoding="utf-8")
    told = subprocess.run(
        ["promtool", "test", "rules", file], capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
