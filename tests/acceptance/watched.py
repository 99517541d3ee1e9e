"""A small fleet that a real Prometheus scrapes while a day is lived in some seconds.

Three agents stand in it: a till with the shipped machine, which sells, loads its catalogue, loses
its server and comes back; a PC of another shop that looks after two tills, with another version
and another configuration; and one with a machine of a user's own.
"""

import json
import re
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from engine.lab import LabThread
from engine.lab.exports import SIZES, Shop
from engine.lab.ftp import FtpLab
from tests.acceptance.agent_process import QUICK, ROOT, AgentProcess, server_lines, wait_until
from tests.acceptance.prometheus_server import Prometheus, Series
from tests.acceptance.till_program import payload_of

SCRAPED_EVERY = 0.3
"""Seconds between two scrapes."""

STEP = 0.25
"""Seconds between two values of a range query."""

CRAWL = 40_000
"""Bytes a second of a load that a scrape is to see."""

LOOKOUT = Path(__file__).with_name("lookout.yaml")

SOURCE = """\
tickets:
  source:
    database: {kind: sqlite, path: program.db}
    table: TICKETS
    number: NUMERO
    payload: CONTENU
    sent: {column: ENVOYE, value: 1}
    interval: 500ms
"""

RULES = sorted(
    path for name in ("rules", "alerts") for path in (ROOT / "metrics" / name).glob("*.yaml")
)

SHORTER = {
    "[1h]) >= 8": "[1h]) >= 3",
    "> 1800 < 86400": "> 0.1 < 86400",
    ">= 86400": ">= 0.3",
    "> 2 * 86400": "> 0.5",
    "> 3600": "> 5",
}
"""Seconds and times of alerts, and what is waited for here."""

SHOWN = ("/v1/tills/21", "/v1/machine", "/v1/machine/diagram.svg", "/v1/tills/21/icon.svg")
"""What the page of the user's own machine is made of."""

ALL_UP = 'count(up == 1) == 3 unless on () ALERTS{alertname=~".*Agents?Down"}'
"""Before this there is no day: agents that are not there yet ring alerts."""

CONFIG = """\
global: {{scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: tillwire
    file_sd_configs: [{{files: [targets.json]}}]
"""


@dataclass
class Watched:
    """What was lived, and who saw it. Unix times of its ends and of the outage."""

    prometheus: Prometheus
    till: AgentProcess
    others: AgentProcess
    lookout: AgentProcess
    shop: Shop
    start: float = 0.0
    out: float = 0.0
    back: float = 0.0
    end: float = 0.0
    first_scrape: bytes = b""
    last_scrape: bytes = b""
    seen: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)

    def ever(self, expression: str) -> list[Series]:
        """The series that the expression had at any time of the day."""
        return self.prometheus.over(expression, self.start, self.end, STEP)

    @property
    def agents(self) -> tuple[AgentProcess, ...]:
        """All of them."""
        return self.till, self.others, self.lookout

    def instance(self, agent: AgentProcess) -> str:
        """How Prometheus calls an agent."""
        return f"127.0.0.1:{agent.port}"

    def wait_for_state(self, state: str) -> None:
        """Until Prometheus has seen the till in a state."""
        self.prometheus.wait_for(f'tillwire_state{{till="01",state="{state}"}} == 1')
        self.seen.append(state)


class OlderAgent(AgentProcess):
    """An agent that says of itself that it is of another version."""

    def command(self) -> list[str]:
        """How it is started."""
        main = "import engine; engine.__version__ = '0.0.9'; import engine.cli; engine.cli.main()"
        return [sys.executable, "-W", "error", "-c", main, "run", "-c", "till.yaml"]


def shortened(folder: Path) -> list[Path]:
    """The rules and alerts that come along, with times that a day of some seconds has."""
    made = []
    for path in RULES:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^( +)(for|interval): \w+$", "", text)
        for long, short in SHORTER.items():
            text = text.replace(long, short)
        made.append(folder / f"{path.parent.name}-{path.name}")
        made[-1].write_text(text, encoding="utf-8")
    return made


def prepare(folder: Path, lab: LabThread, files: FtpLab) -> Watched:
    """The files of all agents, of the shop's exports and of Prometheus; nothing runs yet."""
    server = server_lines(lab, "soap", "500ms")
    ftp = f"  ftp: {{host: 127.0.0.1, port: {files.port}, tls: none, stall: 5s}}"
    till = AgentProcess(folder / "till", [*server, ftp, "catalogue: {datasets: datasets.yaml}"])
    shutil.copy(LOOKOUT.parents[2] / "machines" / "datasets.yaml", till.folder)
    others = OlderAgent(
        folder / "others", server, tills=("02", "03"), parameters={**QUICK, "ticket_batch": "30"}
    )
    lookout = AgentProcess(folder / "lookout", server, tills=("21",), parameters={}, quick=False)
    text = lookout.settings.read_text(encoding="utf-8")
    lookout.settings.write_text(text.replace("parameters:", "machine: lookout.yaml"), "utf-8")
    with till.settings.open("a", encoding="utf-8") as settings:
        settings.write(SOURCE)
    with closing(sqlite3.connect(till.folder / "program.db")) as program:
        program.execute("CREATE TABLE TICKETS (NUMERO INTEGER, CONTENU BLOB, ENVOYE INTEGER)")
    shutil.copy(LOOKOUT, lookout.folder)
    rules = ", ".join(json.dumps(str(path)) for path in shortened(folder))
    prometheus = Prometheus(folder / "prometheus", CONFIG.format(rules=rules))
    targets = [
        {"targets": [f"127.0.0.1:{agent.port}"], "labels": {"shop": shop}}
        for agent, shop in ((till, "0042"), (others, "0043"), (lookout, "0042"))
    ]
    (prometheus.folder / "targets.json").write_text(json.dumps(targets), encoding="utf-8")
    shop = Shop(files.folder, seed=6, sizes={**SIZES, "articles": 1_500})
    return Watched(prometheus, till, others, lookout, shop)


def scrape(agent: AgentProcess, accept: str = "") -> bytes:
    """What Prometheus gets, in the form that is asked for."""
    connection = HTTPConnection("127.0.0.1", agent.port, timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()
    finally:
        connection.close()


def live(day: Watched, lab: LabThread, files: FtpLab) -> None:
    """The whole day. Nothing goes on before Prometheus has seen what there was to see."""
    day.prometheus.wait_for(ALL_UP)
    day.start = time.time()
    day.first_scrape = scrape(day.till)
    day.wait_for_state("online")
    sell(day, lab)
    load(day, files)
    lose_the_server(day, lab)
    edit(day)
    hold(day)
    refuse(day, lab)
    day.prometheus.wait_for("increase(tillwire_tickets_refused_total[1m]) > 0")
    day.wait_for_state("online")
    day.last_scrape = scrape(day.till)
    for path in SHOWN:
        status, body = day.lookout.ask("GET", path)
        assert status == 200, body
        day.shown[path] = body.decode()
    day.lookout.end()
    day.prometheus.wait_for("max_over_time(up[1s]) == 0")
    day.end = time.time()


def sell(day: Watched, lab: LabThread) -> None:
    """Tickets, a message, offers, a ping at the start of a ticket, an event nobody knows."""
    lab.lab.notices.put_messages([{"id": "m-1", "title": "Soldes", "level": "warning"}])
    day.till.post_event("till.opened")
    day.lookout.post_event("till.opened")
    day.till.post_event("ticket.started")
    for number in range(1, 6):
        assert day.till.post_ticket(number, payload_of("01", number))[0] == 201
    day.till.ask("GET", "/v1/tills/01/offers?customer=C7&within=1s")
    day.till.wait_until_drained()
    day.prometheus.wait_for('tillwire_tickets_sent_total{till="01"} == 5')
    day.prometheus.wait_for('tillwire_messages_unread{till="01"} == 1')


def load(day: Watched, files: FtpLab) -> None:
    """A full load that takes long enough to be seen, and the changes after it."""
    day.shop.publish()
    files.turn("slow", rate=CRAWL)
    assert day.till.ask("POST", "/v1/tills/01/loads", b'{"kind": "full"}')[0] == 202
    day.wait_for_state("loading")
    files.clear()
    day.prometheus.wait_for('tillwire_load_results_total{kind="full",outcome="ok"} == 1')
    day.prometheus.wait_for("count(tillwire_dataset_version) == 7")
    day.till.wait_for_state("online")


def lose_the_server(day: Watched, lab: LabThread) -> None:
    """Slow, then gone with a ticket sold meanwhile, then there again."""
    lab.turn("slow", ms=450)
    day.wait_for_state("degraded")
    day.out = time.time()
    lab.turn("down")
    day.wait_for_state("offline-cooldown")
    assert day.till.post_ticket(6, payload_of("01", 6))[0] == 201
    day.till.ask("GET", "/v1/tills/01/offers?customer=C7&within=1s")
    day.prometheus.wait_for('ALERTS{alertname="TillTicketsNotLeaving",alertstate="firing"}')
    day.prometheus.wait_for('tillwire_state{state="far"} == 1')
    lab.clear()
    day.back = time.time()
    day.till.wait_until_drained()
    day.prometheus.wait_for('tillwire_tickets_sent_total{till="01"} == 6')
    day.prometheus.wait_for('tillwire_state{state="near"} == 1')
    day.wait_for_state("online")


def edit(day: Watched) -> None:
    """A good edit, a bad one, and the good one again."""
    machine = day.till.folder / "connection.yaml"
    good = machine.read_text(encoding="utf-8").replace("en: Online", "en: Connected")
    machine.write_text(good, encoding="utf-8")
    wait_until(lambda: b"Connected" in day.till.ask("GET", "/v1/machine")[1], "the edit is live")
    machine.write_text(good.replace("initial: reachable", "initial: reach"), encoding="utf-8")
    day.prometheus.wait_for("tillwire_config_last_reload_successful == 0")
    machine.write_text(good, encoding="utf-8")
    day.prometheus.wait_for("count(tillwire_config_last_reload_successful == 1) == 3")


def hold(day: Watched) -> None:
    """A person takes the till offline and releases it."""
    day.till.post_event("offline.hold")
    day.wait_for_state("held")
    day.till.post_event("offline.release")
    day.prometheus.wait_for('rate(tillwire_transitions_total{event="offline.release"}[1s]) > 0')
    day.till.wait_for_state("online")


def refuse(day: Watched, lab: LabThread) -> None:
    """A ticket that the server refuses; two numbers before it never came."""
    lab.lab.refuse_tickets(9)
    assert day.till.post_ticket(9, payload_of("01", 9))[0] == 201
    day.till.wait_until_drained()
