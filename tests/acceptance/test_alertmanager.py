"""The example for Alertmanager, by the real one: who is told, when, and what silences what."""

import json
import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.agent_process import PATIENCE, ROOT, free_port, wait_until

EXAMPLE = ROOT / "metrics" / "prometheus" / "alertmanager.yaml"

Labels = dict[str, str]


def amtool(*words: str) -> str:
    """What it prints."""
    return subprocess.run(
        ["amtool", *words], capture_output=True, text=True, check=True, timeout=PATIENCE
    ).stdout


class Alertmanager:
    """One in a process of its own, with the example. It sends nothing within a test."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [
                "prometheus-alertmanager",
                f"--config.file={EXAMPLE}",
                f"--storage.path={folder}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
                "--log.level=error",
            ],
            stdin=subprocess.DEVNULL,
        )

    def ready(self) -> bool:
        """Whether it answers."""
        assert self._process.poll() is None, "Alertmanager has ended"
        try:
            return self._ask("GET", "/-/ready")[0] == 200
        except (OSError, HTTPException):
            return False

    def ring(self, *alerts: Labels) -> None:
        """Prometheus tells of alerts that fire."""
        body = json.dumps([{"labels": labels} for labels in alerts])
        assert self._ask("POST", "/api/v2/alerts", body)[0] == 200

    def silenced(self) -> dict[tuple[str, ...], bool]:
        """Whether another alert silences it, by name, shop and till, and severity if critical."""
        alerts: list[dict[str, Any]] = json.loads(self._ask("GET", "/api/v2/alerts")[1])
        return {
            tuple(
                label
                for name in ("alertname", "shop", "till", "severity")
                if (label := alert["labels"].get(name, "warning")) != "warning"
            ): bool(alert["status"]["inhibitedBy"])
            for alert in alerts
        }

    def end(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    started = Alertmanager(tmp_path)
    try:
        wait_until(started.ready, "Alertmanager is ready")
        yield started
    finally:
        started.end()


def alert(name: str, shop: str, till: str = "", severity: str = "warning") -> Labels:
    """As the rules make them."""
    labels = {"alertname": name, "severity": severity, "shop": shop, "till": till}
    return {name: value for name, value in labels.items() if value}


def test_amtool_finds_nothing_wrong() -> None:
    """The file is as Alertmanager takes it."""
    assert "SUCCESS" in amtool("check-config", str(EXAMPLE))


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=TillOffline", "hours=shop", "severity=warning"], "help-desk"),
        (["alertname=ShopOffline", "hours=shop", "severity=critical"], "on-call"),
        (["alertname=TillJournalBroken", "severity=critical"], "on-call"),
        (["alertname=TillClockOff", "severity=warning"], "help-desk"),
    ],
)
def test_what_is_critical_goes_to_who_is_on_call(labels: list[str], receiver: str) -> None:
    """All else to the help desk."""
    words = ("config", "routes", "test", f"--config.file={EXAMPLE}", *labels)
    assert amtool(*words).split() == [receiver]


def test_what_matters_only_in_opening_hours_waits_for_them() -> None:
    """Every route that such an alert can take names the hours: they are not handed on."""
    shown = amtool("config", "routes", "show", f"--config.file={EXAMPLE}")
    routes = EXAMPLE.read_text(encoding="utf-8").split("- matchers:")
    of_shops = [route for route in routes if route.lstrip().startswith('[hours="shop"')]

    assert len(of_shops) == 2 == shown.count('hours="shop"')
    assert all("active_time_intervals: [opening-hours]" in route for route in of_shops)


def test_a_shop_silences_what_follows_from_it(alertmanager: Alertmanager) -> None:
    """Its own tills and no others; the worse of two about one thing silences the other."""
    alertmanager.ring(
        alert("ShopOffline", "0042", severity="critical"),
        alert("TillOffline", "0042", "01"),
        alert("TillFlapping", "0042", "02"),
        alert("TillTicketsRefused", "0042", "01"),
        alert("TillOffline", "0007", "01"),
        alert("ShopAgentsDown", "0008"),
        alert("TillAgentGone", "0008", "09"),
        alert("TillTicketsNotLeaving", "0009", "01"),
        alert("TillTicketsNotLeaving", "0009", "01", "critical"),
        alert("TillTicketsNotLeaving", "0009", "02"),
    )
    wait_until(lambda: len(alertmanager.silenced()) == 10, "all alerts are there")

    assert alertmanager.silenced() == {
        ("ShopOffline", "0042", "critical"): False,
        ("TillOffline", "0042", "01"): True,
        ("TillFlapping", "0042", "02"): True,
        ("TillTicketsRefused", "0042", "01"): False,
        ("TillOffline", "0007", "01"): False,
        ("ShopAgentsDown", "0008"): False,
        ("TillAgentGone", "0008", "09"): True,
        ("TillTicketsNotLeaving", "0009", "01"): True,
        ("TillTicketsNotLeaving", "0009", "01", "critical"): False,
        ("TillTicketsNotLeaving", "0009", "02"): False,
    }
    alertmanager.ring({"alertname": "ManyShopsOffline", "severity": "critical"})
    wait_until(
        lambda: alertmanager.silenced()["ShopOffline", "0042", "critical"],
        "the server silences the shops",
    )
    assert alertmanager.silenced()["TillOffline", "0007", "01"]
    assert not alertmanager.silenced()["ManyShopsOffline", "critical"]
