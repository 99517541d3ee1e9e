"""What calls itself an FTP server and is none: words, ports and bytes that lead astray."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.lab.ftp import FtpLab
from engine.server.ftp import FtpSource
from engine.server.port import CallFailed, Reason
from tests.integration.ftp.servers import Identity

Source = Callable[..., FtpSource]
BOUND = 5.0
GREETED = {"USER": b"331 go on\r\n", "PASS": b"230 in\r\n", "TYPE": b"200 ok\r\n"}
AT_HOME = {**GREETED, "CWD": b"250 ok\r\n", "SIZE": b"213 4\r\n"}


class Scripted:
    """Says ``greeting`` to whoever connects, and ``replies`` by the first word of a command.

    Without a reply it stays silent. ``hears`` holds the commands. A data connection, where a
    reply names its port as ``{port}``, brings ``data``.
    """

    def __init__(self, greeting: bytes, replies: dict[str, bytes], data: bytes = b"data") -> None:
        self._replies = replies
        self._greeting = greeting
        self._data = data
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._passive = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.hears: list[str] = []
        self.port = self._socket.getsockname()[1]
        self.data_port = self._passive.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        try:
            client.sendall(self._greeting)
            for line in client.makefile("r", encoding="utf-8", newline="\r\n"):
                self.hears.append(line.rstrip("\r\n"))
                word = line.split()[0]
                reply = self._replies.get(word, b"")
                client.sendall(reply.replace(b"{port}", str(self.data_port).encode()))
                if word == "RETR":
                    data, _ = self._passive.accept()
                    data.sendall(self._data)
                    data.close()
                    client.sendall(b"226 through\r\n")
        except OSError:
            return

    def close(self) -> None:
        for one in (self._socket, self._passive, *self._open):
            one.close()


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """``scripted(greeting, replies)``."""
    running: list[Scripted] = []

    def start(greeting: bytes, replies: dict[str, bytes]) -> Scripted:
        running.append(Scripted(greeting, replies))
        return running[-1]

    yield start
    for one in running:
        one.close()


def failure(source: FtpSource, reason: Reason) -> str:
    """The sentence that reading a file ends with."""
    with pytest.raises(CallFailed) as caught:
        source.read("m.json", 100, timeout=BOUND)
    assert caught.value.reason is reason
    return caught.value.message


@pytest.mark.parametrize(
    ("greeting", "reason", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Reason.BAD_REPLY, "HTTP/1.1 400 Bad Request"),
        (b"\0\xff\xfe\r\n", Reason.BAD_REPLY, "the server answers the connection with"),
        (b"220 " + b"x" * 100_000, Reason.BAD_REPLY, "a reply without end"),
        (b"220-on and on\r\n" * 10_000, Reason.BAD_REPLY, "a reply without end"),
        (b"220 accents \xe9\xe8\r\n", Reason.TIMEOUT, "while logging in"),
        (b"", Reason.TIMEOUT, "no progress within 0.15 s (waiting for the greeting)"),
        (b"22", Reason.TIMEOUT, "waiting for the greeting"),
        (b"530 Not you.\r\n", Reason.UNAUTHORIZED, "530 Not you."),
        (b"550 Not now.\r\n", Reason.BAD_REPLY, "550 Not now."),
    ],
    ids=range(9),
)
def test_a_greeting_that_is_none_has_a_sentence(
    scripted: Callable[..., Scripted], source: Source, greeting: bytes, reason: Reason, words: str
) -> None:
    """In bounded time and memory, on one line that can be shown."""
    server = scripted(greeting, {})
    said = failure(source(server.port, connect_timeout=0.15), reason)
    assert words in said
    assert len(said) < 300
    assert said.isprintable()


def test_a_reply_that_drips_is_given_up(source: Source) -> None:
    """A line that never ends, a byte at a time, does not hold the till."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip() -> None:
        client, _ = listening.accept()
        while not over.wait(0.02):
            client.sendall(b"2")
        client.close()

    thread = threading.Thread(target=drip)
    thread.start()
    ours = source(listening.getsockname()[1], connect_timeout=0.3)
    with pytest.raises(CallFailed, match=r"no complete answer within 0.2 s"):
        ours.read("m.json", 10, timeout=0.2)
    over.set()
    thread.join()
    listening.close()


def test_the_servers_words_are_shown_without_the_password(
    scripted: Callable[..., Scripted], source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FTP_PASSWORD", "gehe1m")
    refusing = {"USER": b"331 go on\r\n", "PASS": b"530 till01/gehe1m is wrong\r\n"}
    server = scripted(b"220 hello\r\n", refusing)
    ours = source(server.port, user="till01", password="${env:FTP_PASSWORD}")
    said = failure(ours, Reason.UNAUTHORIZED)
    assert said.endswith("the server answers the log-in with 530 till01/*** is wrong")
    assert server.hears[:2] == ["USER till01", "PASS gehe1m"]


@pytest.mark.parametrize(
    "reply",
    [
        b"229 hello\r\n",
        b"229 (|||0|)\r\n",
        b"229 (|||70000|)\r\n",
        b"229 (|||x|)\r\n",
        b"229 (|1|10.0.0.1|21|)\r\n",
        b"200 fine\r\n",
    ],
)
def test_a_reply_that_names_no_port_is_none(
    scripted: Callable[..., Scripted], source: Source, reply: bytes
) -> None:
    server = scripted(b"220 hello\r\n", {**AT_HOME, "EPSV": reply})
    assert reply.decode().strip() in failure(source(server.port), Reason.BAD_REPLY)


@pytest.mark.parametrize(
    "reply",
    [b"227 hello\r\n", b"227 (127,0,0,1,0,0)\r\n", b"227 (127,0,0,1,999,1)\r\n"],
)
def test_an_old_reply_that_names_no_port_is_none(
    scripted: Callable[..., Scripted], source: Source, reply: bytes
) -> None:
    replies = {**AT_HOME, "EPSV": b"500 what?\r\n", "PASV": reply}
    server = scripted(b"220 hello\r\n", replies)
    assert reply.decode().strip() in failure(source(server.port), Reason.BAD_REPLY)


@pytest.mark.parametrize("sent", [b"150 here\r\n", b"125 here\r\n", b"200 fine\r\n150 here\r\n"])
def test_a_server_that_says_more_or_less_is_borne(
    scripted: Callable[..., Scripted], source: Source, sent: bytes
) -> None:
    """A good word too many before the one that counts, replies of several lines, line feeds."""
    replies = {
        **AT_HOME,
        "USER": b"230 no password needed\r\n",
        "CWD": b"250-Welcome.\r\n 250 files\r\n250 There.\r\n",
        "SIZE": b"213 4\n",
        "EPSV": b"229 Entering (|||{port}|)\r\n",
        "RETR": sent,
    }
    server = scripted(b"220-Hello.\r\n220 Ready.\r\n", replies)
    assert source(server.port).read("m.json", 100, timeout=BOUND) == b"data"
    assert not any(line.startswith("PASS") for line in server.hears)


def test_sizes_that_cannot_be_read_are_not_compared(
    scripted: Callable[..., Scripted], source: Source
) -> None:
    replies = {
        **AT_HOME,
        "SIZE": b"213 four\r\n",
        "EPSV": b"229 (|||{port}|)\r\n",
        "RETR": b"150 here\r\n",
    }
    assert source(scripted(b"220 hello\r\n", replies).port).read("m.json", 100, timeout=BOUND) == (
        b"data"
    )


def test_the_till_connects_to_whom_it_talks_to(lab: FtpLab, source: Source, folder: Path) -> None:
    """The address in an answer to PASV is not looked at: behind a NAT it leads nowhere, and a
    malicious one leads into the shop's own network."""
    (folder / "exports" / "m.json").write_bytes(b"here")
    lab.turn("unknown", action="EPSV")
    lab.turn("foreign_address")
    assert source(lab.port).read("m.json", 100, timeout=BOUND) == b"here"
    assert lab.struck["foreign_address"] == 1


def test_words_said_before_tls_are_not_taken_for_the_servers(
    scripted: Callable[..., Scripted], source: Source, identity: Identity
) -> None:
    """Somebody in the middle may add a reply in plain to the one to AUTH TLS."""
    server = scripted(b"220 hello\r\n", {"AUTH": b"234 begin\r\n331 give me the password\r\n"})
    ours = source(server.port, tls="explicit", ca_file=str(identity.authority))
    assert "it speaks before TLS has begun" in failure(ours, Reason.BAD_REPLY)
    assert server.hears == ["AUTH TLS"]


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port whose host answers nothing: it has more callers waiting than it takes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for caller in callers:
            caller.close()


def test_a_host_that_answers_nothing_is_given_up_by_the_clock(deaf: int, source: Source) -> None:
    said = failure(source(deaf, connect_timeout=0.1), Reason.TIMEOUT)
    assert said == f"127.0.0.1:{deaf}: no progress within 0.1 s (while connecting)"


def test_a_connection_that_nobody_wants_any_more_is_not_waited_for(
    deaf: int, source: Source
) -> None:
    unwanted = threading.Event()
    struck = threading.Timer(0.05, unwanted.set)
    struck.start()
    begun = time.monotonic()
    ours = source(deaf, connect_timeout=30.0)
    with pytest.raises(CallFailed, match=r"given up \(while connecting\)"):
        ours.read("m.json", 10, timeout=30.0, cancelled=unwanted.is_set)
    assert time.monotonic() - begun < 1.0
    struck.join()


def test_a_name_that_nobody_wants_any_more_is_not_waited_for(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent DNS servers hold the system's look-up for 40 seconds."""
    answer, unwanted = threading.Event(), threading.Event()

    def silent(*_: object, **__: object) -> list[object]:
        answer.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    struck = threading.Timer(0.05, unwanted.set)
    struck.start()
    begun = time.monotonic()
    with pytest.raises(CallFailed, match=r"given up \(looking up the name\)"):
        source(21, host="silent.invalid", connect_timeout=30.0).read(
            "m.json", 10, timeout=30.0, cancelled=unwanted.is_set
        )
    assert time.monotonic() - begun < 1.0
    answer.set()
    struck.join()
