"""A server that speaks just enough of TDS 7.4 for a real driver to believe it.

It lets anybody in and answers each statement as a test says: with a row of whole numbers, with
an error of SQL Server by its number, with silence, or by cutting the connection. It keeps no
data and understands no SQL. What it is for: the errors and hangs that no server makes on demand,
as the drivers themselves report them.
"""

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

PRELOGIN, LOGIN, BATCH, CALL, ATTENTION, REPLY = 0x12, 0x10, 0x01, 0x03, 0x06, 0x04
HEADER = struct.Struct(">BBHHBB")
LAST = 0x01
NOT_ENCRYPTED = 2


class Fault(NamedTuple):
    """An error of SQL Server. Severity 11 to 16 leaves the connection; 20 and more ends it."""

    number: int
    words: str = "words"
    severity: int = 16


class Numbers(NamedTuple):
    """One row of whole numbers."""

    row: tuple[int, ...]


class NoRow:
    """A result that has a column and no row."""


class Silence:
    """No answer, for as long as the connection lasts."""


class Cut:
    """The connection is reset."""


Answer = Fault | Numbers | NoRow | Silence | Cut | None
Script = Callable[[str], Answer]


class Tds:
    """The server, on a port of its own: ``with Tds(script) as server``.

    ``script`` is asked for each statement, and for the word ``LOGIN``; None answers with success
    and no row. ``said`` holds all that was asked; ``passwords`` those that came with a
    log-in; ``hangs`` is set by the first question that gets no answer.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.said: list[str] = []
        self.hangs = threading.Event()
        self.passwords: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()
        self._silent = False

    def __enter__(self) -> "Tds":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def cut(self) -> None:
        """End every connection."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, EOFError), connection:
            while True:
                kind, data = _receive(connection)
                answer = self._answer(kind, data)
                if isinstance(answer, Cut):
                    # Zero seconds to linger: a reset in place of an end.
                    connection.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                    return
                if answer is not None:
                    _send(connection, answer)

    def _answer(self, kind: int, data: bytes) -> bytes | Cut | None:
        if kind == PRELOGIN:
            return _prelogin()
        if kind == ATTENTION:
            return _done(0x0020) if not self._silent else None
        if kind == LOGIN:
            self.passwords.append(_password(data))
            text = "LOGIN"
        else:
            # A call has its statement at an odd place as often as at an even one.
            text = "".join(part.decode("utf-16-le", "replace") for part in (data, data[1:]))
        self.said.append(text)
        answer = self.script(text)
        self._silent = isinstance(answer, Silence)  # then it does not hear of a cancel either
        if isinstance(answer, Silence):
            self.hangs.set()
            return None
        if isinstance(answer, Cut):
            return answer
        if isinstance(answer, Fault):
            return _error(answer) + _done(0x0002)
        if kind == LOGIN:
            return _logged_in()
        if isinstance(answer, NoRow):
            return _columns(1) + _done(0x0010)
        row = b"" if answer is None else _columns(len(answer.row)) + _row(answer.row)
        return row + _done(0x0010 if answer else 0)


def _receive(connection: socket.socket) -> tuple[int, bytes]:
    """One message: its kind and what is in its packets."""
    data = b""
    while True:
        kind, status, length, *_ = HEADER.unpack(_exactly(connection, HEADER.size))
        data += _exactly(connection, length - HEADER.size)
        if status & LAST:
            return kind, data


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = connection.recv(count - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(HEADER.pack(REPLY, LAST, HEADER.size + len(data), 51, 1, 0) + data)


def _prelogin() -> bytes:
    """Version, no encryption, no instance, no MARS."""
    version, no = b"\x10\x00\x03\xe8\x00\x00", b"\0"
    options = [(0, version), (1, bytes([NOT_ENCRYPTED])), (2, no), (4, no)]
    offset, index, values = 5 * len(options) + 1, b"", b""
    for token, value in options:
        index += struct.pack(">BHH", token, offset + len(values), len(value))
        values += value
    return index + b"\xff" + values


def _text(words: str, length: str = "B") -> bytes:
    return struct.pack(f"<{length}", len(words)) + words.encode("utf-16-le")


def _token(kind: int, body: bytes) -> bytes:
    return struct.pack("<BH", kind, len(body)) + body


def _logged_in() -> bytes:
    database = b"\x01" + _text("TPV") + _text("master")
    collation = b"\x07\x05\x09\x04\xd0\x00\x34\x00"
    size = b"\x04" + _text("4096") + _text("4096")
    program = b"\x01\x74\x00\x00\x04" + _text("Microsoft SQL Server") + b"\x10\x00\x03\xe8"
    changes = b"".join(_token(0xE3, change) for change in (database, collation, size))
    return changes + _token(0xAD, program) + _done(0)


def _password(data: bytes) -> str:
    """A log-in's password, which the protocol only disguises."""
    offset, length = struct.unpack_from("<HH", data, 44)
    disguised = data[offset : offset + 2 * length]
    plain = bytes(((each ^ 0xA5) << 4 | (each ^ 0xA5) >> 4) & 0xFF for each in disguised)
    return plain.decode("utf-16-le")


def _error(fault: Fault) -> bytes:
    body = struct.pack("<iBB", fault.number, 1, fault.severity) + _text(fault.words, "H")
    return _token(0xAA, body + _text("CAISSE01") + _text("") + struct.pack("<I", 1))


def _columns(count: int) -> bytes:
    """``count`` columns of whole numbers with 64 bits."""
    return struct.pack("<BH", 0x81, count) + b"".join(
        struct.pack("<IHBB", 0, 9, 0x26, 8) + _text(f"c{place}") for place in range(count)
    )


def _row(values: Sequence[int]) -> bytes:
    return b"\xd1" + b"".join(struct.pack("<Bq", 8, value) for value in values)


def _done(status: int) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0, 1 if status & 0x10 else 0)
