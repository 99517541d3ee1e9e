"""The proof of today beside a running agent, with the lab as the server."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.lab.ledger import Parcel
from engine.lab.thread import LabThread
from tests.integration.tools.test_first_minutes import COMMAND, LIMIT, _call, _free_port


@contextmanager
def _agent(config: Path) -> Iterator[None]:
    """An agent that runs until it is killed."""
    process = subprocess.Popen(
        [*COMMAND, "run", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(LIMIT)


def _post(base: str, token: str, number: int) -> None:
    reply = requests.post(
        f"{base}/v1/tills/01/tickets?number={number}",
        data=f"ticket {number}".encode(),
        headers={"Authorization": f"Bearer {token}"},
        timeout=LIMIT,
    )
    assert reply.status_code == 201


def _until(condition: Any) -> None:
    """Wait for it."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _proof(config: Path) -> tuple[int, Any]:
    result = _call("proof", "--day", "today", "-c", str(config), "--json")
    assert result.stderr == b""
    return result.returncode, json.loads(result.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="a kill there leaves the port for a while")
def test_a_day_is_proven_beside_the_agent_and_after_its_death(tmp_path: Path) -> None:
    """Both sides agree; what the lab gets behind the till's back is named."""
    config = tmp_path / "till.yaml"
    assert _call("init", "--defaults", str(config)).returncode == 0
    with LabThread() as lab:
        text = config.read_text(encoding="utf-8").replace("port: 8344", f"port: {_free_port()}")
        address = re.match(r"http://[^/]+", lab.url_rest)
        assert address is not None
        config.write_text(text.replace("http://127.0.0.1:8080", address[0]), encoding="utf-8")
        port = re.search(r"(?m)^  port: (\d+)", text)
        assert port is not None
        base, token = f"http://127.0.0.1:{port[1]}", (tmp_path / "till.token").read_text().strip()
        with _agent(config):
            _until(lambda: _call("status", "-c", str(config)).returncode == 0)
            for number in (1, 2, 3):
                _post(base, token, number)
            url = f"{base}/v1/tills/01/closing"
            _until(lambda: requests.get(url, timeout=LIMIT).json()["complete"])
            code, data = _proof(config)
            assert (code, data["complete"], data["over"]) == (0, True, False)
            [till] = data["tills"]
            assert till["server"]["asked"] is True
            assert till["here"]["digest"] == till["server"]["digest"]
        content = b"from elsewhere"
        digest = sha256(content).hexdigest()
        lab.lab.ledger.receive([Parcel("0042", "01", 9, "0042/01/9", content, digest)], "b")
        code, data = _proof(config)
        [till] = data["tills"]
        assert (code, till["here"]["count"]) == (1, 3)
        assert till["faults"] == ["Ticket 9 is only at the server."]
