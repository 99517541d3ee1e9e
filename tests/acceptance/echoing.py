"""Servers that repeat what they were told in confidence, in every answer that has room for words.

The HTTP one stands between an agent and a lab: it passes calls on, and when it is told to fail
one it answers with all of ``marks`` that the call carried, its log-in included.
"""

import base64
import html
import json
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

SPACE = "http://www.Divalto.fr/WebService/"


class Answer(NamedTuple):
    """Status, reason, content type, body, and one more header."""

    status: int
    reason: str
    kind: str
    body: str
    header: tuple[str, str] = ("X-Nothing", "0")


def returned(rest: bool, code: int, text: str) -> Answer:
    """A reply of the wire, with a result and a text or words."""
    if rest:
        told = {"error": code, "result": text} if code == 0 else {"error": code, "txterr": text}
        return Answer(200, "OK", "application/json", json.dumps(told))
    return Answer(
        200,
        "OK",
        "text/xml",
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<WebServiceDivaResponse xmlns="{SPACE}"><WebServiceDivaResult>{code}'
        f"</WebServiceDivaResult><retour>{html.escape(text)}</retour>"
        "</WebServiceDivaResponse></e:Body></e:Envelope>",
    )


def broken(rest: bool, words: str) -> Answer:
    """A 500 with the server's words."""
    if rest:
        return Answer(500, words, "application/json", json.dumps({"error": 3, "txterr": words}))
    fault = f"<e:Fault><faultstring>{html.escape(words)}</faultstring></e:Fault>"
    space = "http://schemas.xmlsoap.org/soap/envelope/"
    text = f'<e:Envelope xmlns:e="{space}"><e:Body>{fault}</e:Body></e:Envelope>'
    return Answer(500, words, "text/xml", text)


def unfit(rest: bool, words: str) -> Answer:
    """What should be numbers and lists is words."""
    names = ("batch", "count", "tickets", "messages", "offers", "status")
    said = {"resultcode": 0, "errormessage": words} | dict.fromkeys(names, words)
    return returned(rest, 0, json.dumps(said))


MODES: dict[str, Callable[[bool, str], Answer]] = {
    "technical": lambda rest, words: returned(rest, 9, words),
    "rejected": lambda rest, words: returned(
        rest, 0, json.dumps({"resultcode": words[:20], "errormessage": words})
    ),
    "unfit": unfit,
    "broken": broken,
    "html": lambda _, words: Answer(200, "OK", "text/html", f"<h1>{html.escape(words)}</h1>"),
    "redirect": lambda _, words: Answer(
        302, words, "text/html", words, ("Location", f"http://127.0.0.1/?{words}")
    ),
    "unauthorized": lambda _, words: Answer(
        401, words, "text/plain", words, ("WWW-Authenticate", f'Basic realm="{words}"')
    ),
}


class EchoingServer:
    """``target`` is the lab's address that calls go on to; ``due`` has, by action, how the next
    call of it is to be failed; ``repeated`` are the words of all that were."""

    def __init__(self, target: str, rest: bool, marks: list[str]) -> None:
        self.due: dict[str, str] = {}
        self.marks = marks
        self.repeated: list[str] = []
        self._rest = rest
        host = target.partition("//")[2].partition("/")[0]
        echoing = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                authorization = self.headers.get("Authorization", "")
                answer = echoing.answer(body, authorization)
                if answer is None:
                    self._pass_on(body)
                else:
                    self._tell(answer)

            def _pass_on(self, body: bytes) -> None:
                lab = HTTPConnection(host, timeout=10)
                headers = {name: value for name, value in self.headers.items() if name != "Host"}
                lab.request("POST", self.path, body, headers)
                reply = lab.getresponse()
                content = reply.read()
                lab.close()
                if "Auth" in self.path:
                    echoing.marks.append(json.loads(content)["access_token"])
                kind = reply.headers.get("Content-Type", "")
                self._tell(Answer(reply.status, reply.reason, kind, content.decode()))

            def _tell(self, answer: Answer) -> None:
                body = answer.body.encode()
                self.send_response(answer.status, re.sub(r"[^ -~]", "?", answer.reason))
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header(*(re.sub(r"[^ -~]", "?", text) for text in answer.header))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = target.replace(host, f"127.0.0.1:{self._server.server_port}")
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, body: bytes, authorization: str) -> Answer | None:
        """Everything that the call carried and should not come back, as words; None: it is to be
        passed on."""
        carried = html.unescape(html.unescape(body.decode("utf-8", "replace")))
        names = [name for name in self.due if f">{name}<" in carried or f'"{name}"' in carried]
        if not names:
            return None
        mode = self.due.pop(names[0])
        kind, _, given = authorization.partition(" ")
        if kind == "Basic":
            carried += base64.b64decode(given).decode()
        words = " ".join(mark for mark in self.marks if mark in carried + authorization)
        self.repeated.append(words)
        return MODES[mode](self._rest, f"no {words}")

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class EchoingFtp:
    """Refuses each log-in by repeating the password."""

    def __init__(self) -> None:
        self.refused = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with suppress(OSError), peer, peer.makefile("rw", newline="\r\n") as stream:
                print("220 here", file=stream, flush=True)
                for line in stream:
                    command, _, word = line.strip().partition(" ")
                    if command == "PASS":
                        self.refused += 1
                    told = f"530 {word} is wrong" if command == "PASS" else "331 and the password"
                    print("221 bye" if command == "QUIT" else told, file=stream, flush=True)

    def close(self) -> None:
        """End it."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
