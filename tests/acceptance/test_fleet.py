"""The examples under metrics/prometheus, by real Prometheus servers: tills are found by file and
over HTTP, and those behind a router send what was scraped there."""

import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.lab import LabThread
from engine.tools.fleet import load_fleet
from engine.tools.targets import as_text
from tests.acceptance.agent_process import (
    PATIENCE,
    ROOT,
    AgentProcess,
    server_lines,
    wait_until,
)
from tests.acceptance.prometheus_server import Prometheus
from tests.integration.ftp.servers import make_identity

EXAMPLES = ROOT / "metrics" / "prometheus"
PASSWORD = "change-me"
"""Of which web.yaml has the hash."""


def quick(name: str, **puts: str) -> str:
    """An example that scrapes all the time, with other words in place of some of its own."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    rules = ROOT / "metrics"
    puts = {"15s": "200ms", "../rules": f"{rules}/rules", "../alerts": f"{rules}/alerts", **puts}
    for old, new in puts.items():
        text = text.replace(old, new)
    return text


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent that other machines may call, by one name."""
    with LabThread() as lab:
        agent = AgentProcess(tmp_path / "agent", server_lines(lab, "soap", "500ms"))
        text = agent.settings.read_text(encoding="utf-8")
        others = "api: {host: 0.0.0.0, allowed_hosts: [127.0.0.1, 127.0.0.2], "
        agent.settings.write_text(text.replace("api: {", others), encoding="utf-8")
        try:
            agent.start()
            yield agent
        finally:
            agent.end()


@contextmanager
def targets_served(file: Path, shop: str) -> Iterator[str]:
    """``tillwire targets --serve``; its address."""
    words = ["targets", str(file), "--shop", shop, "--serve", "127.0.0.1:0"]
    command = [sys.executable, "-W", "error", "-m", "engine.cli", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[1]
        finally:
            process.kill()


def put_targets(file: Path, shop: str, output: Path) -> None:
    """``tillwire targets --write``."""
    words = ["targets", str(file), "--shop", shop, "--write", str(output)]
    subprocess.run([sys.executable, "-m", "engine.cli", *words], cwd=ROOT, check=True)


def write_list(file: Path, port: int, **hosts: str) -> None:
    """A tills.yaml with one agent in each shop."""
    shops = [f"  '{shop[1:]}': {{agents: [{host}]}}\n" for shop, host in hosts.items()]
    file.write_text(f"port: {port}\nshops:\n{''.join(shops)}", encoding="utf-8")


def test_tills_of_a_list_are_found_by_file_and_over_http(
    agent: AgentProcess, tmp_path: Path
) -> None:
    """Each with its shop; one that is put on the list later is found too, and one whose agent
    is called by a name that it does not allow is down, with the reason."""
    tills = tmp_path / "tills.yaml"
    write_list(tills, agent.port, s0042="127.0.0.1", s0043="127.0.0.2")
    with targets_served(tills, "0043") as url:
        refreshed = f"{url}\n        refresh_interval: 300ms"
        config = quick("central.yaml", **{"http://127.0.0.1:8346/": refreshed})
        with Prometheus(tmp_path / "central", config) as central:
            put_targets(tills, "0042", central.folder / "targets.json")
            central.wait_for('tillwire_state{shop="0042",state="online"} == 1')
            central.wait_for(f'up{{shop="0043",instance="127.0.0.2:{agent.port}"}} == 1')

            write_list(tills, agent.port, s0042="127.0.0.1", s0043="127.0.0.3")
            central.wait_for(f'up{{shop="0043",instance="127.0.0.3:{agent.port}"}} == 0')
            central.wait_for('absent(up{shop="0043"} == 1)')
            (down,) = [each for each in central.targets() if each["health"] == "down"]
            assert "400" in down["lastError"]
            assert central.value('count(up{shop="0042"} == 1)') == 1


def test_a_shop_behind_a_router_sends_what_it_scraped_while_nobody_could_take_it(
    agent: AgentProcess, tmp_path: Path
) -> None:
    """By TLS and with a password; what was scraped while the central Prometheus was away is
    there when it is back."""
    folder = tmp_path / "central"
    folder.mkdir()
    identity = make_identity(tmp_path / "identity")
    shutil.copy(identity.certificate, folder / "central.crt")
    shutil.copy(identity.key, folder / "central.key")
    shutil.copy(EXAMPLES / "web.yaml", folder)
    guarded = (ssl.create_default_context(cafile=identity.authority), f"shops:{PASSWORD}")
    config = quick("central.yaml").partition("scrape_configs:")[0]
    options = ("--web.enable-remote-write-receiver", "--web.config.file=web.yaml")
    with Prometheus(folder, config, *options, guarded=guarded) as central:
        address = {"https://prometheus.example:9090": f"https://127.0.0.1:{central.port}"}
        text = quick("shop.yaml", **address)
        behind = Prometheus(tmp_path / "shop", text, agent=True)
        (behind.folder / "remote-write.password").write_text(PASSWORD, encoding="utf-8")
        shutil.copy(identity.authority, behind.folder / "central-ca.crt")
        write_list(tmp_path / "tills.yaml", agent.port, s0042="127.0.0.2")
        put_targets(tmp_path / "tills.yaml", "0042", behind.folder / "targets.json")
        with behind:
            central.wait_for('tillwire_state{shop="0042",state="online"} == 1')
            central.stop()
            away = time.time()
            wait_until(lambda: scraped(behind) > away + 1.0, "the shop has scraped meanwhile")
            back = time.time()
            central.start()
            here = f'up{{shop="0042",instance="127.0.0.2:{agent.port}"}}'
            wait_until(lambda: newest(central, here) > back, "new samples arrive")
            (series,) = central.query(f"{here}[60s]")
            late = [at for at, value in series.samples if away < at < back and value == 1]
            assert len(late) >= 4


def scraped(prometheus: Prometheus) -> float:
    """When it has scraped its target last."""
    status, body = prometheus.ask("/metrics")
    assert status == 200
    sent = "prometheus_remote_storage_highest_timestamp_in_seconds "
    (line,) = [each for each in body.decode().splitlines() if each.startswith(sent)]
    return float(line.split()[1])


def newest(prometheus: Prometheus, selector: str) -> float:
    """The Unix time of the newest sample, 0 without any."""
    return prometheus.value(f"timestamp({selector})") or 0.0


@pytest.mark.parametrize("name", ["central.yaml", "shop.yaml", "web.yaml"])
def test_promtool_has_nothing_to_say_against_an_example(name: str, tmp_path: Path) -> None:
    """With the files beside it that it names."""
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    folder = tmp_path / "metrics" / "prometheus"
    for other in ("remote-write.password", "central-ca.crt"):
        (folder / other).write_text("secret", encoding="utf-8")
    identity = make_identity(tmp_path / "identity")
    shutil.copy(identity.certificate, folder / "central.crt")
    shutil.copy(identity.key, folder / "central.key")
    shutil.copy(identity.authority, folder / "central-ca.crt")
    mode = {"web.yaml": ["web-config"], "shop.yaml": ["config", "--agent"]}.get(name, ["config"])
    checked = subprocess.run(
        ["promtool", "check", *mode, name],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_targets_in_the_tree_are_those_of_the_list() -> None:
    """``tillwire targets`` made them."""
    made = as_text(load_fleet(EXAMPLES / "tills.yaml").targets())
    assert made == (EXAMPLES / "targets.json").read_text(encoding="utf-8")
