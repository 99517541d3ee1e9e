"""A lab starts, stops, restarts with its tickets, speaks TLS, and says why it cannot."""

import datetime as dt
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.lab import Lab, LabError, LabThread
from engine.lab.serve import serve

if TYPE_CHECKING:
    from tests.integration.lab.conftest import Till

# Runs until its standard input ends; prints its two ports.
PROCESS = """
import asyncio, sys
from pathlib import Path
from engine.lab import Lab

async def main():
    lab = Lab(storage=Path(sys.argv[1]))
    await lab.start()
    print(lab.port, lab.control_port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await lab.stop()

asyncio.run(main())
"""


# What `tillwire lab` runs, without the command line in front of it.
SERVE = """
import sys
from pathlib import Path
from engine.lab.serve import serve

sys.exit(serve("127.0.0.1", int(sys.argv[2]), 0, Path(sys.argv[1]), False, True))
"""


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_serve_prints_its_addresses_and_ends_cleanly_when_told(
    till: "Till", tmp_path: Path, told: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, str(tmp_path), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(5)]
        addresses = dict(line.split() for line in lines[:4])
        state = till.session.get(addresses["Control"], timeout=10).json()
        assert (state["soap"], state["deduplicates"]) == (addresses["SOAP"], False)
        assert lines[4].startswith("A ticket that comes twice is stored again; its status is told.")
        running.send_signal(told)
        rest, problems = running.communicate(timeout=10)
    assert (running.returncode, rest, problems) == (0, "", "")


def test_serve_says_why_it_cannot_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve("127.0.0.1", port, 0, tmp_path, True, True) == 1
    assert capsys.readouterr().err.startswith(f"The lab cannot listen on 127.0.0.1, port {port}")


def test_a_lab_with_storage_knows_its_tickets_after_a_restart(
    start: "Callable[[Lab], Till]", tmp_path: Path
) -> None:
    first = start(Lab(storage=tmp_path))
    first.rest("TICKETS", 1, 2)
    first.lab.stop()
    second = start(Lab(storage=tmp_path))
    assert second.lab.lab.tickets() == first.lab.lab.tickets()
    told = json.loads(second.rest("TICKETS", 2, 3).json()["result"])["tickets"]
    assert [entry["status"] for entry in told] == ["duplicate", "stored"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], int]]]:
    running: list[subprocess.Popen[str]] = []

    def begin() -> tuple[subprocess.Popen[str], int]:
        started = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(started)
        assert started.stdout is not None
        return started, int(started.stdout.readline().split()[1])

    yield begin
    for started in running:
        started.kill()
        started.communicate(timeout=10)


def test_a_lab_that_is_killed_keeps_what_it_answered(
    till: "Till", process: Callable[[], tuple[subprocess.Popen[str], int]]
) -> None:
    first, control = process()
    state = till.session.get(f"http://127.0.0.1:{control}/lab", timeout=10).json()
    token = till.post_json(state["auth"], {"login": "shop", "password": "x"}).json()["access_token"]
    body = {"action": "TICKETS", "param": till.param("TICKETS", 1, 2), "access_token": token}
    assert till.post_json(state["rest"], body).status_code == 200
    first.kill()
    first.wait(timeout=10)
    _, control = process()
    url = f"http://127.0.0.1:{control}/lab/tickets/summary?till=01"
    assert till.session.get(url, timeout=10).json()["count"] == 2


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, good for a day, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = (tmp_path / "lab.pem", tmp_path / "lab.key")
    paths[0].write_bytes(built.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def test_a_lab_speaks_tls_and_its_faults_work_there_too(
    start: "Callable[[Lab], Till]", certificate: tuple[Path, Path]
) -> None:
    till = start(Lab(tls=certificate))
    till.session.verify = str(certificate[0])
    assert till.lab.url_rest.startswith("https://")
    assert till.rest("PING").json()["error"] == 0
    wsdl = till.session.get(f"{till.lab.url_soap}?WSDL", timeout=10).text
    assert f'location="{till.lab.url_soap}"' in wsdl
    till.lab.turn("lost_answer", times=1)
    with pytest.raises(OSError, match=r"Connection aborted|EOF"):
        till.rest("PING")
    till.lab.turn("down")
    till.lab.clear()
    assert till.rest("PING").json()["error"] == 0


def test_a_certificate_that_cannot_be_used_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="cannot use the certificate"):
        Lab(tls=(tmp_path / "no.pem", tmp_path / "no.key"))


def test_a_port_that_is_taken_is_refused_with_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"cannot listen on 127.0.0.1, port {port}"):
            LabThread(Lab(port=port)).__enter__()


def test_a_lab_that_is_down_can_be_stopped(start: "Callable[[Lab], Till]") -> None:
    till = start(Lab())
    port = till.lab.port
    till.lab.turn("down")
    till.lab.stop()
    with socket.create_server(("127.0.0.1", port)) as free:
        assert free.getsockname()[1] == port


def test_a_thread_that_was_not_started_turns_nothing() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        LabThread().turn("down")


def test_waiting_for_what_does_not_come_ends_at_its_deadline(till: "Till") -> None:
    assert not till.lab.wait(lambda lab: lab.calls["PING"] > 0, 0.01)
