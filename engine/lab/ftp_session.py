"""Sessions of the lab's FTP server: pyftpdlib's, with faults at the turn of a knob."""

import os
import socket
import struct
from typing import IO, Any, Protocol

from pyftpdlib.handlers import DTPHandler, FTPHandler

from engine.lab.ftp_faults import STRIKES, Plan
from engine.lab.knobs import Knob

_ACTIONS = {"PASS": "LOGIN"}


class House(Protocol):
    """What a session tells its server and asks of it."""

    def draw(self, action: str) -> list[Knob]:
        """Count one command; the knobs that strike it."""

    def count(self, sent: int) -> None:
        """Count bytes of files that were sent."""


class _Spoilt:
    """A file as a plan has it read: cut, with a changed byte, longer than it is."""

    closed = False

    def __init__(self, file: IO[bytes], plan: Plan) -> None:
        self.name = file.name
        due = os.fstat(file.fileno()).st_size - file.tell()
        self._file = file
        self._left = int(due * plan.cut)
        self._flip = None if plan.flip is None else min(due - 1, int(due * plan.flip))
        self._extra = plan.extra
        self._at = 0

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        if not data and self._extra:
            data, self._extra = b"\0" * min(size, self._extra), max(0, self._extra - size)
        place = -1 if self._flip is None else self._flip - self._at
        if 0 <= place < len(data):
            data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        self._at += len(data)
        return data

    def close(self) -> None:
        self.closed = True
        self._file.close()


class FaultySession(FTPHandler):  # type: ignore[misc] # pyftpdlib has no types
    """One control connection. ``house`` is set by the server that makes the class."""

    house: House
    auth_failed_timeout = 0.0
    max_login_attempts = 100
    banner = "The lab of tillwire."

    def handle(self) -> None:
        """Greet, unless a fault does it."""
        self.plan = Plan()
        if not self._struck("CONNECT"):
            super().handle()

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        """Answer a command, unless a fault does it."""
        if cmd == "RETR":
            self.plan = Plan()
        if not self._struck(_ACTIONS.get(cmd, cmd)):
            super().process_command(cmd, *args, **kwargs)

    def _struck(self, action: str) -> bool:
        answered = False
        for knob in self.house.draw(action):
            answered |= STRIKES[knob.name](self, action, knob.settings)
        return answered

    def push_dtp_data(
        self, data: Any, isproducer: bool = False, file: Any = None, cmd: str | None = None
    ) -> None:
        """Send a file, spoilt as the plan has it."""
        if cmd == "RETR" and self.plan != Plan():
            plan = self.plan
            self.due = os.fstat(file.fileno()).st_size - file.tell()
            if plan.cut < 1 or plan.flip is not None or plan.extra:
                file = _Spoilt(file, plan)
            data.file = file
        super().push_dtp_data(data, isproducer, file, cmd)

    def say(self, reply: str, *, last: bool = False) -> None:
        """See :class:`engine.lab.ftp_faults.Session`."""
        self.respond(reply)
        if last:
            self.close_when_done()

    def reset(self) -> None:
        """See :class:`engine.lab.ftp_faults.Session`."""
        channel = self.data_channel
        if channel is not None:
            channel.give_up()
        _reset_when_closed(self.socket)
        self.close()

    def point_elsewhere(self, command: str, *, foreign: bool) -> None:
        """See :class:`engine.lab.ftp_faults.Session`."""
        if foreign:
            # RFC 5737's host for documents: nobody has it. The port is the true one.
            self.masquerade_address = "192.0.2.1"
            super().process_command(command, "")
            del self.masquerade_address
            return
        with socket.socket(self.socket.family) as unheard:
            unheard.bind((self.socket.getsockname()[0], 0))
            port = unheard.getsockname()[1]
        if command == "EPSV":
            self.respond(f"229 Entering extended passive mode (|||{port}|).")
        else:
            self.respond(f"227 Entering passive mode (127,0,0,1,{port // 256},{port % 256}).")


class FaultyData(DTPHandler):  # type: ignore[misc] # pyftpdlib has no types
    """One data connection."""

    _timer: Any = None

    def use_sendfile(self) -> bool:
        """The system's own copying leaves no room for faults."""
        return self.cmd_channel.plan == Plan() and bool(super().use_sendfile())

    def send(self, data: bytes) -> int:
        """Send some bytes, as the plan has it."""
        plan = self.cmd_channel.plan
        room = len(data)
        if plan.then:
            room = int(self.cmd_channel.due * plan.until) - self.tot_bytes_sent
        if room <= 0:
            if plan.then == "reset":
                self.cmd_channel.reset()
                return 0
            if plan.then == "stall":
                self.del_channel()
                return 0
            room, pause = 1, plan.pause
        else:
            room = min(room, max(1, plan.rate // 20)) if plan.rate else room
            pause = room / plan.rate if plan.rate else 0.0
        sent = int(super().send(data[:room]))
        if pause and not self._closed:
            self.del_channel()
            self._timer = self.ioloop.call_later(pause, self._go_on)
        return sent

    def _go_on(self) -> None:
        self._timer = None
        self.add_channel(events=self.ioloop.WRITE)

    def give_up(self) -> None:
        """End the connection at once (RST), with no word about it."""
        self.cmd_channel.plan.silent = True
        _reset_when_closed(self.socket)
        self.close()

    def close(self) -> None:
        """Say what became of the transfer, unless the plan is not to."""
        if not self._closed:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self.file_obj is not None:
                self.cmd_channel.house.count(self.tot_bytes_sent)
            if self.cmd_channel.plan.silent:
                self._resp = ()
        super().close()
        if self.cmd_channel.plan.hangs_up and not self.cmd_channel._closed:  # noqa: SLF001
            self.cmd_channel.close()


def _reset_when_closed(sock: Any) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
