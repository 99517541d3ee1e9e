"""Nothing that was said in confidence comes out again, whatever fails and whoever repeats it."""

import base64
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.lab import LabThread
from engine.shipped import shipped_machine
from tests.acceptance.agent_process import PATIENCE, ROOT, AgentProcess, Outcome, wait_until
from tests.acceptance.echoing import MODES, EchoingFtp, EchoingServer

PASSWORD = "Mot&Passe-4711-Zut"
FTP_PASSWORD = "Ftp-Passe-0815-Zut"
PLAIN = "Im-Klartext-gespeichert-99"
CUSTOMER = "C-77-DUPONT"
NUMBER_OF_CUSTOMER = 77_081_599
LINE = "Ordonnance-de-Mme-Lefebvre"
CARD = "4970-1012-3456-7890"
TEXT = "Appelez-Mme-Lefebvre"
WRONG_TOKEN = "Jeton-Faux-3141"

ACTIONS = ("OFFERS", "TICKETS", "MESSAGES", "PING")
POSTED = [CUSTOMER, str(NUMBER_OF_CUSTOMER), LINE, "Lefebvre", CARD, TEXT]
LOG_INS = [PASSWORD, base64.b64encode(f"till01:{PASSWORD}".encode()).decode(), FTP_PASSWORD]


@pytest.fixture
def ftp() -> Iterator[EchoingFtp]:
    """A server that repeats passwords."""
    server = EchoingFtp()
    yield server
    server.close()


@pytest.fixture
def echoing(lab: LabThread) -> Iterator[Callable[[bool], EchoingServer]]:
    """A server that repeats whatever a call carried, before a lab."""
    made: list[EchoingServer] = []

    def make(rest: bool) -> EchoingServer:
        url = lab.url_rest if rest else lab.url_soap
        made.append(EchoingServer(url, rest, [*POSTED, *LOG_INS]))
        return made[-1]

    yield make
    for server in made:
        server.close()


def settings(server: EchoingServer, ftp: EchoingFtp, rest: bool, lab: LabThread) -> list[str]:
    """Of a till whose log tells everything and goes to a file."""
    lines = ["server:", f"  protocol: {'rest' if rest else 'soap'}", "  settle: 100ms"]
    lines.append(f"  url: {server.url}")
    if rest:
        path = lab.url_auth.partition("//")[2].partition("/")[2]
        body = "body: {login: till01, password: '${env:LAB}'}"
        lines.append(f"  auth: {{url: 'http://{server.host}/{path}', {body}}}")
    else:
        lines.append("  auth: {user: till01, password: '${env:LAB}'}")
    lines.append(
        f"  ftp: {{host: 127.0.0.1, port: {ftp.port}, tls: none, user: till01, "
        "password: '${env:FTP}'}"
    )
    datasets = shipped_machine().with_name("datasets.yaml")
    lines += [f"catalogue: {{datasets: '{datasets}'}}"]
    lines += ["log: {level: debug, format: json, file: logs/till.log}"]
    return lines


class Till(AgentProcess):
    """With the secrets that its till.yaml names."""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "LAB": PASSWORD, "FTP": FTP_PASSWORD}


def live(agent: Till, server: EchoingServer, mode: str, number: int) -> None:
    """A customer, a ticket and messages, while one answer to each, and to a ping, repeats them."""
    agent.wait_for_state("online", "syncing")
    server.due = dict.fromkeys(ACTIONS, mode)
    customer: Any = CUSTOMER if number % 2 else str(NUMBER_OF_CUSTOMER)
    agent.post_event("ticket.customer", customer=customer)
    ticket = json.dumps({"number": number, "line": LINE, "card": CARD, "client": CUSTOMER})
    assert agent.post_ticket(number, ticket.encode())[0] == 201
    wait_until(lambda: not server.due, f"{mode} answered each of {', '.join(ACTIONS)}")


def spoil_settings(agent: Till) -> None:
    """Somebody saves a password in the file, at a wrong indent."""
    good = agent.settings.read_text(encoding="utf-8")
    agent.settings.write_text(f"{good}  password: {PLAIN}\n", encoding="utf-8")
    wait_until(lambda: "config.refused" in logged(agent), "the file is refused")
    agent.settings.write_text(good, encoding="utf-8")


def logged(agent: Till) -> str:
    """The log file and its older ones."""
    folder = agent.folder / "logs"
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))


def told(agent: Till) -> dict[str, str]:
    """All that comes out of an agent for others than the till program, by where."""
    paths = ["/v1/tills", "/v1/config", "/readyz", "/metrics", "/v1/machine"]
    own = f"/v1/tills/{agent.tills[0]}"
    paths += [f"{own}/history?limit=1000", f"{own}/closing", f"{own}/loads"]
    found = {path: agent.ask("GET", path)[1].decode() for path in paths}
    found["log"], found["standard error"] = logged(agent), agent.errors()
    # Without the secrets in its environment it cannot strike them out: they must not be there.
    out = agent.folder / "help.zip"
    packed = subprocess.run(
        [sys.executable, "-m", "engine.cli", "support", "-c", "till.yaml", "--out", str(out)],
        cwd=agent.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert packed.returncode == 0, packed.stderr
    found["what support says"] = packed.stdout + packed.stderr
    with zipfile.ZipFile(out) as archive:
        for name in archive.namelist():
            found[f"zip: {name}"] = archive.read(name).decode()
    return found


def documented_fields() -> set[str]:
    """What docs/logs.md says that a line can have."""
    text = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    table = text.partition("| field | meaning |")[2].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    return {name.strip("` ") for row in rows for name in row.split("|")[1].split(",")}


def live_and_tell(agent: Till, server: EchoingServer, ftp: EchoingFtp) -> dict[str, str]:
    """Everything goes wrong once, in each way; then all that came out, by where."""
    agent.start()
    for number, mode in enumerate(MODES, 1):
        live(agent, server, mode, number)
    agent.wait_for_state("online", "syncing")
    refused = ftp.refused
    agent.post_event("load.full")
    wait_until(lambda: ftp.refused > refused, "the log-in by FTP is refused")
    agent.token, token = WRONG_TOKEN, agent.token
    assert agent.ask("POST", f"/v1/tills/{agent.tills[0]}/events", b"{}")[0] == 401
    agent.token = token
    spoil_settings(agent)
    agent.wait_until_drained()
    return told(agent)


def test_nothing_confidential_comes_out_of_an_agent(
    tmp_path: Path, lab: LabThread, echoing: Callable[[bool], EchoingServer], ftp: EchoingFtp
) -> None:
    """Tickets, customers, messages, passwords and tokens are in no log line at any level, no
    history, no answer about tills, no metric, no zip for a help desk; and every line has
    documented fields alone. By SOAP and by REST."""
    found: dict[str, dict[str, str]] = {}
    work: list[tuple[Till, EchoingServer, Outcome]] = []
    for rest in (False, True):
        till = "02" if rest else "01"
        lab.lab.notices.put_messages([{"id": "m1", "title": "Rappel", "text": TEXT}], till)
        server = echoing(rest)
        agent = Till(tmp_path / till, settings(server, ftp, rest, lab), tills=(till,))

        def run(agent: Till = agent, server: EchoingServer = server) -> None:
            found[agent.tills[0]] = live_and_tell(agent, server, ftp)

        work.append((agent, server, Outcome(till, run)))
        work[-1][2].start()
    try:
        for agent, server, outcome in work:
            outcome.finish(120.0)
            check_telling(agent, server, found[agent.tills[0]])
    finally:
        for agent, _, outcome in work:
            agent.end()
            outcome.join(PATIENCE)


def check_telling(agent: Till, server: EchoingServer, found: dict[str, str]) -> None:
    """The server repeated all of it, and none of it came out."""
    rest = agent.tills[0] == "02"
    repeated = " ".join(server.repeated)
    assert all(mark in repeated for mark in (*POSTED[:-1], *LOG_INS[: 0 if rest else 2]))
    assert len(server.marks) > len([*POSTED, *LOG_INS]) or not rest, "a token was seen"
    secret = [*server.marks, PLAIN, WRONG_TOKEN, agent.token]
    leaks = [(where, mark) for where, text in found.items() for mark in secret if mark in text]
    assert leaks == []
    assert found["log"].count('"failed.') > 5
    assert "zip: tillwire-support/logs/tillwire.log" in found
    lines = [json.loads(line) for line in found["log"].splitlines()]
    assert {name for line in lines for name in line} <= documented_fields()
    assert {line["shop"] for line in lines} == {"0042"}
