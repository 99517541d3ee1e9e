"""The page before a real agent that loads a real catalogue: nothing of it is played."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from engine.lab import LabThread
from engine.lab.exports import Shop as Published
from engine.lab.ftp import FtpLab
from engine.shipped import shipped_machine
from tests.acceptance.agent_process import QUICK, AgentProcess, log_faults, server_lines
from tests.integration.page.conftest import Look, Visit

Examine = Callable[[Page], list[str]]
SIZES = {
    "articles": 3000,
    "barcodes": 300,
    "prices": 300,
    "customers": 50,
    "offers": 20,
    "staff": 5,
    "tax_rates": 3,
}
PARAMETERS = {**QUICK, "ping_timeout": "2s", "slow_ping": "1500ms", "webservice_timeout": "5s"}
"""A busy machine is no slow server."""


class Live:
    """A real agent with one till, the server that it calls, and the files that it loads."""

    def __init__(self, folder: Path, lab: LabThread, ftp: FtpLab) -> None:
        self.ftp = ftp
        self.published = Published(ftp.folder, 7, SIZES)
        datasets = shipped_machine("datasets").as_posix()
        lines = [
            *server_lines(lab, "soap", "500ms"),
            f"  ftp: {{host: 127.0.0.1, port: {ftp.port}, tls: none}}",
            f"catalogue: {{datasets: '{datasets}'}}",
        ]
        self.agent = AgentProcess(folder, lines, parameters=PARAMETERS)
        self.url = f"http://127.0.0.1:{self.agent.port}"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Live]:
    """The agent is online; what it printed by the end is looked over."""
    served = tmp_path / "served"
    served.mkdir()
    with LabThread() as lab, FtpLab(served) as ftp:
        live = Live(tmp_path / "agent", lab, ftp)
        try:
            live.agent.start()
            live.agent.wait_for_state("online")
            yield live
        finally:
            live.agent.end()
    assert log_faults(live.agent) == []


def versions(page: Page) -> dict[str, str]:
    """What the page says of each dataset."""
    rows = page.locator("#datasets tr").all()
    return {row.locator("th").inner_text(): row.locator("td").first.inner_text() for row in rows}


def test_a_catalogue_is_loaded_from_the_page(shop: Live, visit: Visit, look: Look) -> None:
    """All of it, then the changes, then files that cannot be read: each is followed and told."""
    shop.published.publish()
    page = visit(language="fr")
    page.evaluate(f"sessionStorage.setItem('tillwire.token', '{shop.agent.token}')")
    last = page.locator("#load-last")
    expect(last).to_have_text("Rien n’a encore été chargé.")
    expect(page.locator("#datasets")).to_contain_text("jamais")
    shop.ftp.turn("slow")
    page.get_by_role("button", name="Charger les données").click()
    expect(page.locator("#load-stage")).to_contain_text("Chargement des données\u00a0: ")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#sign use")).to_have_attribute("href", "#sign-loading")
    look(page, "live-loading-fr")
    shop.ftp.clear()
    rows = f"{sum(len(shop.published.tables[name]) for name in SIZES):,}".replace(",", "\u202f")
    expect(last).to_contain_text(f"\u00a0: fait, {rows} lignes.")
    expect(page.locator("#load")).to_be_hidden()
    assert versions(page) == {name: str(n) for name, n in shop.published.versions.items()}
    shop.published.evolve(200)
    shop.published.publish()
    page.get_by_role("button", name="Charger les modifications").click()
    expect(last).to_contain_text("Chargement des modifications, ")
    expect(last).to_contain_text("fait, ")
    assert versions(page) == {name: str(n) for name, n in shop.published.versions.items()}
    (shop.ftp.folder / "manifest.json").write_text("<html>", encoding="utf-8")
    page.get_by_role("button", name="Charger les modifications").click()
    expect(last).to_contain_text("échec. ")
    expect(last).to_contain_text("manifest.json")
    expect(last).to_contain_text("⚠")
    expect(page.locator("#load-answer")).to_have_text("")
    look(page, "live-load-failed-fr")
