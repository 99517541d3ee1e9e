"""Files of a real agent that change while it runs, and that are bad when it starts."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from engine.lab import LabThread
from tests.acceptance.agent_process import AgentProcess, server_lines, wait_until


def config(agent: AgentProcess) -> dict[str, Any]:
    status, body = agent.ask("GET", "/v1/config")
    assert status == 200, body
    told: dict[str, Any] = json.loads(body)
    return told


def reload(agent: AgentProcess) -> subprocess.CompletedProcess[str]:
    """The command, as a person would use it."""
    words = [*agent.command()[:-3], "reload", "-c", "till.yaml"]
    return subprocess.run(
        words,
        cwd=agent.folder,
        env=agent.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_files_are_taken_in_refused_and_replaced_by_the_last_good_ones(tmp_path: Path) -> None:
    """By the command, by a hangup, and by a restart that finds a bad machine; the till works on
    through all of it."""
    machine = tmp_path / "agent" / "connection.yaml"
    with LabThread() as lab:
        agent = AgentProcess(tmp_path / "agent", server_lines(lab, "rest", "1s"))
        try:
            agent.start()
            agent.wait_for_state("online")
            good = machine.read_text(encoding="utf-8")
            first = config(agent)["hash"]
            machine.write_text(good.replace("en: Online", "en: Connected"), encoding="utf-8")
            done = reload(agent)
            assert (done.returncode, done.stderr) == (0, "")
            assert "The machine connection plays" in done.stdout
            assert agent.till()["label"]["en"] == "Connected"
            assert config(agent)["explored"] == "all"

            machine.write_text(good.replace("initial: reachable", "initial: reach"), "utf-8")
            done = reload(agent)
            assert done.returncode == 1
            assert "connection.yaml:" in done.stdout
            assert "Did you mean 'reachable'?" in done.stdout
            wait_until(
                lambda: (
                    (agent.folder / "till.yaml.last-good").read_text("utf-8").count("Connected") > 0
                ),
                "the last good files are kept",
            )
            agent.stop()
            agent.start()
            told = config(agent)
            assert (told["good"], told["hash"] != first) == (False, True)
            assert agent.till()["label"]["en"] in ("Connected", "Slow or unsure")
            reasons = json.loads(agent.ask("GET", "/readyz")[1])["reasons"]
            assert any("last good" in reason for reason in reasons)
            machine.write_text(good, encoding="utf-8")
            if os.name != "nt":
                assert agent.process is not None
                agent.process.send_signal(signal.SIGHUP)
            wait_until(lambda: config(agent)["hash"] == first, "the mended file is live")
            agent.wait_for_state("online")
            assert agent.stop()[0] == 0
        finally:
            agent.end()
