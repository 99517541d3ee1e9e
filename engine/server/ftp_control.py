"""The conversation with an FTP server: one log-in, and the data connections that it opens."""

import ftplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from engine.server.deadline import describe
from engine.server.ftp_patience import Broken, Patience
from engine.server.ftp_settings import FtpSettings
from engine.server.port import CallFailed, Reason
from engine.server.sockets import open_socket
from engine.server.tls import Trust

MAX_REPLY = 64 * 1024
"""Bytes that a server may say after one command."""

_LOGGED_OUT = ("430", "530", "532", "534")
_UNKNOWN = ("500", "501", "502", "503", "504", "522")
"""How servers say that they do not have a command, or not in this form."""

_EPSV = re.compile(r"229 .*\((.)\1\1(?P<port>\d{1,5})\1\)", re.ASCII)
_PASV = re.compile(r"227 .*?\d+,\d+,\d+,\d+,(?P<high>\d{1,3}),(?P<low>\d{1,3})", re.ASCII)

_Odd = ftplib.error_proto
"""A reply that is none. The text is shown after "the server answers … with"."""

_T = TypeVar("_T")


class Login(NamedTuple):
    """Who logs in. ``password`` is the secret itself, "" where none is set."""

    settings: FtpSettings
    password: str
    trust: Trust | None


class Control(ftplib.FTP):
    """The control connection, from the log-in to its end. For one thread.

    Everything waits with the patience that it is made with. Methods with a docstring raise
    :class:`CallFailed`, the others are ftplib's hooks and raise as ftplib does.
    """

    def __init__(self, login: Login, patience: Patience, *, extended: bool = True) -> None:
        """``extended``: ask for data connections by EPSV first, and by PASV where it is not
        known; without it, by PASV alone where the address is one of IPv4."""
        super().__init__()
        self._login = login
        self._patience = patience
        self._extended = extended
        self._heard = bytearray()
        self._said = 0

    def __enter__(self) -> Self:
        """Connect, secure the connection and log in."""
        settings, patience = self._login.settings, self._patience
        patience.phase(settings.connect_timeout)
        self.host = settings.host
        self.sock = open_socket(settings.host, settings.port, patience)
        try:
            self.af = self.sock.family
            patience.stage = "waiting for the greeting"
            self._do(self.voidresp, "the connection")
            if self._login.trust is not None:
                self._secure(self._login.trust)
            patience.stage = "while logging in"
            self._do(lambda: self.login(settings.user, self._login.password), "the log-in")
            if self._login.trust is not None:
                self.ask("PBSZ 0")
                self.ask("PROT P")
            self.ask("TYPE I")
            self.ask(f"CWD {settings.folder}")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Take leave without waiting for the answer, and close."""
        with suppress(CallFailed, OSError, EOFError, ftplib.Error):
            self.putcmd("QUIT")
        self.close()

    def ask(self, command: str) -> str:
        """The server's good reply (2xx or 3xx) to a command."""
        return self._do(lambda: self.sendcmd(command), command)

    def tell_size(self, name: str) -> int | None:
        """The size of a file in bytes; None where the server does not tell sizes."""
        try:
            reply = self.ask(f"SIZE {name}")
        except NotKnown:
            return None
        found = re.fullmatch(r"213[ -]+(\d{1,18})\s*", reply)
        return int(found[1]) if found else None

    @contextmanager
    def retrieve(self, name: str, offset: int) -> Iterator[tuple[socket.socket, int]]:
        """The data connection of a file, and the place in the file where its bytes begin.

        That is ``offset``, or 0 where the server cannot begin in the middle. When the block
        ends without an error, the server has said that the file is through.
        """
        data = self._open_data()
        try:
            if offset:
                try:
                    self.ask(f"REST {offset}")
                except NotKnown:
                    offset = 0
            data = self._do(lambda: self._begin(name, data), f"RETR {name}")
            yield data, offset
            _take_leave(data, self._patience)
        finally:
            data.close()
        self._patience.stage = f"waiting for the word that {name} is through"
        self._do(self.voidresp, f"RETR {name}")

    def _begin(self, name: str, data: socket.socket) -> socket.socket:
        reply = self.sendcmd(f"RETR {name}")
        if reply[0] == "2":  # a good word too many, before the one that counts
            reply = self.getresp()
        if reply[0] != "1":
            raise _Odd(reply)
        if self._login.trust is None:
            return data
        control = self.sock
        session = control.session if isinstance(control, ssl.SSLSocket) else None
        return self._login.trust.wrap(data, self.host, self._patience, session)

    def _secure(self, trust: Trust) -> None:
        try:
            self.ask("AUTH TLS")
        except NotKnown as failure:
            raise CallFailed(
                Reason.BAD_REPLY,
                f"{failure.message}; only server.ftp.tls: none does without TLS",
            ) from None
        if self._heard:
            # Somebody in the middle may have put words there, to be taken for the server's.
            raise CallFailed(
                Reason.BAD_REPLY, f"{self._patience.where}: it speaks before TLS has begun"
            )
        self.sock = trust.wrap(self._wire, self.host, self._patience)

    def _open_data(self) -> socket.socket:
        host, port = self._do(self.makepasv, "a data connection")
        stage = self._patience.stage
        try:
            return open_socket(host, port, self._patience)
        except CallFailed as failure:
            if failure.reason not in (Reason.UNREACHABLE, Reason.TIMEOUT):
                raise
            raise NoData(
                failure.reason,
                f"{self._patience.where}: no data connection to its port {port}: "
                f"{failure.message.partition(': ')[2]}",
            ) from None
        finally:
            self._patience.stage = stage

    def makepasv(self) -> tuple[str, int]:
        # The address in a reply to PASV is not looked at: behind a NAT it leads nowhere, and a
        # malicious one makes the till connect to somebody else.
        peer = self._wire.getpeername()[0]
        old = self.af == socket.AF_INET
        if self._extended or not old:
            try:
                return peer, _port(self.sendcmd("EPSV"), _EPSV)
            except ftplib.error_perm as refusal:
                if not old or str(refusal)[:3] not in _UNKNOWN:
                    raise
                self._extended = False
        return peer, _port(self.sendcmd("PASV"), _PASV)

    @property
    def _wire(self) -> socket.socket:
        if self.sock is None:
            raise EOFError
        return self.sock

    def putline(self, line: str) -> None:
        self._said = 0
        self._wire.settimeout(self._patience.left())
        super().putline(line)

    def getline(self) -> str:
        while (end := self._heard.find(b"\n")) < 0:
            if self._said > MAX_REPLY:
                raise _Odd("a reply without end")
            self._heard += self._receive()
        line = self._heard[: end + 1].rstrip(b"\r\n")
        del self._heard[: end + 1]
        return line.decode(self.encoding, "replace")

    def _receive(self) -> bytes:
        while True:
            self._wire.settimeout(self._patience.wait())
            try:
                data = self._wire.recv(4096)
            except TimeoutError as error:
                if error.errno is not None:
                    raise
                continue
            if not data:
                raise EOFError
            self._said += len(data)
            return data

    def _do(self, action: Callable[[], _T], what: str) -> _T:
        """The result of a piece of ftplib's work, its errors as failures with a sentence."""
        where = self._patience.where
        try:
            return action()
        except ftplib.Error as error:
            raise self._refused(str(error), what) from None
        except EOFError:
            raise CallFailed(
                Reason.UNREACHABLE,
                f"{where}: the server closed the connection ({self._patience.stage})",
            ) from None
        except ssl.SSLError:
            raise CallFailed(
                Reason.UNREACHABLE, f"{where}: the TLS connection broke ({self._patience.stage})"
            ) from None
        except OSError as error:
            raise CallFailed(
                Reason.UNREACHABLE, f"{where}: {describe(error)} ({self._patience.stage})"
            ) from None
        except ValueError:
            raise CallFailed(
                Reason.LOCAL_ERROR, f"{where} was not asked: a line end in what to ask for"
            ) from None

    def _refused(self, reply: str, what: str) -> CallFailed:
        code = reply[:3]
        said = f"{self._patience.where}: the server answers {what} with {self._shown(reply)}"
        if code in _LOGGED_OUT or (what == "the log-in" and code[:1] == "5"):
            return CallFailed(Reason.UNAUTHORIZED, said)
        if code[:1] == "4" and code.isdigit():
            return CallFailed(Reason.SERVER_ERROR, said)
        if code in _UNKNOWN:
            return NotKnown(Reason.BAD_REPLY, said)
        if code == "550" and what.startswith(("SIZE ", "RETR ")):
            return NoFile(Reason.BAD_REPLY, said)
        return CallFailed(Reason.BAD_REPLY, said)

    def _shown(self, reply: str) -> str:
        """The server's words on one line, short, and without the password."""
        if self._login.password:
            reply = reply.replace(self._login.password, "***")
        words = " ".join("".join(c if c.isprintable() else " " for c in reply).split())
        return words if len(words) <= 200 else f"{words[:199]}…"


class NotKnown(CallFailed):
    """The server does not have this command."""


class NoFile(CallFailed):
    """The server says that it does not have this file, or not for this user."""


class NoData(Broken):
    """No data connection could be made, though the server opened a port for it."""


def _take_leave(data: socket.socket, patience: Patience) -> None:
    """End TLS in good order: some servers report the file as broken otherwise."""
    if isinstance(data, ssl.SSLSocket):
        with suppress(OSError, ValueError):
            data.settimeout(patience.wait())
            data.unwrap()


def _port(reply: str, form: re.Pattern[str]) -> int:
    """The port that a reply names."""
    found = form.match(reply)
    if not found:
        raise _Odd(reply)
    named = found.groupdict()
    port = int(named["port"]) if "port" in named else int(named["high"]) * 256 + int(named["low"])
    if not 0 < port < 65536:
        raise _Odd(reply)
    return port
