"""A lab in a thread, and a till of the simplest kind to call it with."""

import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from xml.sax.saxutils import escape

import pytest
import requests

from engine.lab import Lab, LabThread
from engine.lab.rest import EXECUTE
from engine.lab.soap import ENVELOPE, NAMESPACE, SOAP_ACTION

PATIENCE = 10.0


class Till:
    """Calls the programs of a lab by requests, or by a raw socket where bytes matter."""

    def __init__(self, lab: LabThread) -> None:
        self.lab = lab
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""

    def log_in(self) -> None:
        answer = self.post_json(self.lab.url_auth, {"login": "shop", "password": "x"})
        self.token = answer.json()["access_token"]

    def post_json(self, url: str, body: object, **headers: str) -> requests.Response:
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        return self.session.post(
            url, data, headers=headers, timeout=PATIENCE, allow_redirects=False
        )

    def param(self, action: str, *numbers: int) -> str:
        """The HMP of one call; the ticket with number n holds ``ticket n``."""
        told = {"ACTION": action, "SHOP": "0042", "TILL": "01"}
        if action == "TICKETS":
            entries = [ticket(number) for number in numbers]
            told |= {"BATCH": "b1", "COUNT": str(len(entries)), "TICKETS": json.dumps(entries)}
        elif action == "TICKETSTATUS":
            told["KEYS"] = json.dumps([ticket(number)["key"] for number in numbers])
        elif action == "MESSAGES":
            told["REASON"] = "opened"
        elif action == "MESSAGESACK":
            told["IDS"] = json.dumps([f"m{number}" for number in numbers])
        elif action == "OFFERS":
            told["CUSTOMER"] = "".join(f"C{number}" for number in numbers)
        elif action == "TICKETCOUNT":
            told |= {"FROM": "1", "TO": "9"}
        return "".join(f"<{name}>{escape(value)}" for name, value in told.items())

    def rest(self, action: str, *numbers: int) -> requests.Response:
        if not self.token:
            self.log_in()
        body = {"action": action, "param": self.param(action, *numbers), "access_token": self.token}
        return self.post_json(self.lab.url_rest, body)

    def soap(self, action: str, *numbers: int, **headers: str) -> requests.Response:
        told = {"SOAPAction": f'"{SOAP_ACTION}"', "Content-Type": "text/xml; charset=utf-8"}
        return self.session.post(
            self.lab.url_soap,
            self.envelope(action, *numbers),
            headers={**told, **headers},
            timeout=PATIENCE,
            allow_redirects=False,
        )

    def envelope(self, action: str, *numbers: int) -> bytes:
        return (
            f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><WebServiceDiva xmlns="{NAMESPACE}">'
            f"<action>{action}</action><param>{escape(self.param(action, *numbers))}</param>"
            "</WebServiceDiva></s:Body></s:Envelope>"
        ).encode()

    def raw(self, action: str, *numbers: int) -> bytes:
        """The bytes of one REST request."""
        if not self.token:
            self.log_in()
        body = json.dumps(
            {"action": action, "param": self.param(action, *numbers), "access_token": self.token}
        ).encode()
        head = (
            f"POST {EXECUTE} HTTP/1.1\r\nHost: lab\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def connect(self, seconds: float = PATIENCE) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.lab.port), timeout=seconds)

    def close(self) -> None:
        self.session.close()


def ticket(number: int) -> dict[str, object]:
    text = f"ticket {number}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"key": f"0042/01/{number}", "number": number, "sha256": digest, "text": text}


@pytest.fixture
def start() -> Iterator[Callable[[Lab], Till]]:
    """Start a lab and get a till for it; both end with the test."""
    with ExitStack() as stack:

        def started(lab: Lab) -> Till:
            till = Till(stack.enter_context(LabThread(lab)))
            stack.callback(till.close)
            return till

        yield started


@pytest.fixture
def till(start: Callable[[Lab], Till]) -> Till:
    """A till of a lab with nothing special about it."""
    return start(Lab())
