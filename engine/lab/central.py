"""The lab: a central server over real HTTP, with faults at the turn of a knob."""

import asyncio
import logging
import ssl
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

import h11

from engine.lab import rest, soap
from engine.lab.answers import ACTIONS, Call, Request, Response, fixed, login_page
from engine.lab.configurations import Configurations
from engine.lab.control import PREFIX, Control
from engine.lab.exchange import Connection, Struck
from engine.lab.ftp import FtpLab
from engine.lab.knobs import Knob, Knobs, read_knob
from engine.lab.ledger import LabError, Ledger, StoredTicket
from engine.lab.listener import Listener
from engine.lab.notices import Notices
from engine.lab.programs import Programs

IDLE = 120.0

_log = logging.getLogger("tillwire.lab")


class Lab:
    """A central server to try tills against.

    ``port`` and ``control_port`` 0 mean any free one. ``storage`` is a directory in which the
    tickets survive a restart. ``tls`` is the path of a certificate and of its key (PEM); the
    control port stays plain HTTP. ``credentials`` (login, password) are what Authent/Auth and,
    as basic authentication, the SOAP service ask for; None lets everybody in. ``idle`` is how
    many seconds a silent connection is kept. ``undeclared`` names actions that the server does
    not have, such as OFFERS. ``ftp`` serves files as long as the lab runs, and the action TABLES
    tells what the manifest in its folder lists. Raises LabError when it cannot start.

    Times are epoch seconds. ``tickets``, ``calls``, ``twice``, ``wait`` and ``state`` may be
    called from any thread; the coroutines belong to the loop that called ``start``.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        deduplicates: bool = True,
        tells_ticket_status: bool = True,
        storage: Path | None = None,
        tls: tuple[Path, Path] | None = None,
        *,
        control_port: int = 0,
        credentials: tuple[str, str] | None = None,
        token_lifetime: float = rest.LIFETIME,
        idle: float = IDLE,
        undeclared: Collection[str] = (),
        ftp: FtpLab | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host = host
        self.deduplicates = deduplicates
        self.tells_ticket_status = tells_ticket_status
        self.ledger = Ledger(deduplicates, storage, clock)
        self.notices = Notices(storage, clock)
        self.configurations = Configurations()
        self.ftp = ftp
        self.knobs = Knobs()
        self.tokens = rest.Tokens(clock, token_lifetime, credentials)
        self.connections = 0
        self._idle = idle
        self._tls = tls
        self._programs = Programs(
            self.ledger,
            tells_ticket_status,
            self.notices,
            undeclared,
            self.configurations,
            None if ftp is None else ftp.folder,
        )
        self._control = Control(self)
        self._calls = Counter(dict.fromkeys(ACTIONS, 0))
        self._changed = threading.Condition()
        self._main = Listener(host, port, self._accept, None if tls is None else _context(tls))
        self._second = Listener(host, control_port, self._accept_control)
        self._is_down = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._control_tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[int, tuple[Knob, asyncio.TimerHandle]] = {}

    @property
    def port(self) -> int:
        """The port of the central server."""
        return self._main.port

    @property
    def control_port(self) -> int:
        """The port of the control, open even when the lab is down."""
        return self._second.port

    @property
    def url_soap(self) -> str:
        """The address of the SOAP service."""
        return f"{self._origin}/WebServiceDiva/WebServiceDiva.asmx"

    @property
    def url_rest(self) -> str:
        """The address of WebService/Execute."""
        return self._origin + rest.EXECUTE

    @property
    def url_auth(self) -> str:
        """The address of Authent/Auth."""
        return self._origin + rest.AUTH

    @property
    def url_control(self) -> str:
        """The address of the control, on its own port."""
        return f"http://{_reachable(self.host)}:{self.control_port}{PREFIX}"

    @property
    def calls(self) -> Counter[str]:
        """How many whole requests came, by action, spoiled ones included."""
        return Counter(self._calls)

    @property
    def is_down(self) -> bool:
        """Whether the fault ``down`` is on: the port refuses connections."""
        return self._is_down

    async def start(self) -> None:
        """Open the storage and both ports."""
        _keep_freed_memory()
        try:
            self.ledger.open()
            self.notices.open()
            await self._main.open()
            await self._second.open()
            if self.ftp is not None:
                self.ftp.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything; connections that are open are reset."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._main.close()
        self._second.close()
        if self.ftp is not None:
            self.ftp.stop()
        await _end(self._tasks | self._control_tasks)
        self.ledger.close()

    def tickets(self, till: str | None = None) -> list[StoredTicket]:
        """What was stored for one till (None: for all), in the order of arrival."""
        return self.ledger.tickets(till)

    def twice(self) -> dict[str, int]:
        """The keys that were stored more than once, and how often."""
        return self.ledger.twice()

    def refuse_tickets(self, *numbers: int) -> None:
        """Refuse these ticket numbers from now on, and no others."""
        self.ledger.refuses = frozenset(numbers)

    def wait(self, condition: Callable[["Lab"], bool], seconds: float) -> bool:
        """Block the calling thread until ``condition`` holds; False when it took too long.

        It is looked at after every request and every turn of a knob. Only for other threads
        than the lab's own, which it would stop.
        """
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), seconds)

    def state(self) -> dict[str, object]:
        """What GET /lab answers."""
        return {
            "soap": self.url_soap,
            "rest": self.url_rest,
            "auth": self.url_auth,
            "control": self.url_control,
            "deduplicates": self.deduplicates,
            "tells_ticket_status": self.tells_ticket_status,
            "faults": self.knobs.as_data(),
            "connections": self.connections,
            "calls": dict(self._calls),
            "tickets": self.ledger.counts(),
            "twice": len(self.ledger.twice()),
            "refuses": sorted(self.ledger.refuses),
        }

    async def turn(self, fault: str, /, **settings: object) -> None:
        """Turn a fault on; BadKnobError says what is not allowed. See ``faults.FAULTS``."""
        knob = read_knob(fault, settings)
        self.knobs.add(knob)
        if knob.seconds is not None:
            timer = asyncio.get_running_loop().call_later(knob.seconds, self._expire, knob)
            self._timers[id(knob)] = (knob, timer)
        if fault == "down" and not self._is_down:
            self._is_down = True
            self._main.refuse()
            await _end(self._tasks)
        self._tell()

    async def clear(self, fault: str | None = None) -> None:
        """Turn every fault off, or one alone."""
        self.knobs.remove(fault)
        if fault in {None, "down"} and self._is_down:
            await self._main.open()
            self._is_down = False
        self._tell()

    def _expire(self, knob: Knob) -> None:
        self._timers.pop(id(knob), None)
        self.knobs.discard(knob)
        self._tell()
        still_down = any(on["fault"] == "down" for on in self.knobs.as_data())
        if knob.name == "down" and self._is_down and not still_down:
            task = asyncio.get_running_loop().create_task(self.clear("down"))
            self._control_tasks.add(task)
            task.add_done_callback(self._control_tasks.discard)

    @property
    def _origin(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{_reachable(self.host)}:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = Connection(reader, writer, self._idle)
        struck = self.knobs.draw_connection()
        judged = struck is not None

        async def handle(request: Request) -> None:
            await self._handle(request, connection, judged=judged and connection.requests == 1)

        if struck or self._is_down:
            connection.reset()
        _keep(connection, self._tasks, handle)

    def _accept_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._idle)

        async def handle(request: Request) -> None:
            await connection.send(await self._control.answer(request))

        _keep(connection, self._control_tasks, handle)

    async def _handle(self, request: Request, connection: Connection, *, judged: bool) -> None:
        if request.path == PREFIX or request.path.startswith(f"{PREFIX}/"):
            answer = await self._control.answer(request)
            await connection.send(answer, last=self._is_down)
            return
        call = self._understand(request)
        self._calls[call.action] += 1
        self._tell()
        knobs = self.knobs.draw(call.action, judged=judged)
        speaks_rest = request.path.startswith(rest.ROOT)
        try:
            if knobs:
                await Struck(connection, call, knobs, speaks_rest=speaks_rest).proceed()
            else:
                await connection.send(call.answer())
        finally:
            self._tell()

    def _understand(self, request: Request) -> Call:
        if request.path.lower() in soap.PATHS:
            return soap.understand(request, self._programs, self._authorized)
        if request.path in {rest.EXECUTE, rest.AUTH}:
            return rest.understand(request, self._programs, self.tokens)
        if request.path == "/login":
            return fixed("OTHER", login_page())
        return fixed("OTHER", Response(404, b"There is nothing at this address."))

    def _authorized(self, header: str) -> bool:
        wanted = self.tokens.credentials
        return wanted is None or soap.basic_credentials(header) == wanted

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _keep(
    connection: Connection,
    tasks: set[asyncio.Task[None]],
    handle: Callable[[Request], Awaitable[None]],
) -> None:
    """Serve a connection in a task of its own; ``tasks`` holds it, so that it can be ended."""
    task = asyncio.get_running_loop().create_task(_serve(connection, handle))

    def ended(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        connection.close()  # a task that was cancelled before it began has closed nothing

    tasks.add(task)
    task.add_done_callback(ended)


async def _serve(connection: Connection, handle: Callable[[Request], Awaitable[None]]) -> None:
    try:
        await connection.serve(handle)
    except (OSError, h11.LocalProtocolError):
        # The client left, or a fault reset the connection: there is nobody to tell.
        connection.reset()
    except asyncio.CancelledError:
        connection.reset()
        raise
    except Exception:  # noqa: BLE001 - one bad request must not end the lab; it is logged
        _log.exception(
            "lab.failed", extra={"fields": {"message": "the lab could not answer a request"}}
        )
        connection.reset()
    finally:
        await connection.finish()


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel connections, which resets them; not the one that this very call came by."""
    current = asyncio.current_task()
    ended = [task for task in tasks if task is not current]
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)


def _context(tls: tuple[Path, Path]) -> ssl.SSLContext:
    certificate, key = tls
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise LabError(
            f"The lab cannot use the certificate {certificate} with the key {key}: {error}."
        ) from error
    return context


def _keep_freed_memory() -> None:
    """Make copies of large bodies cheap where the C library is glibc; harmless elsewhere.

    glibc gives blocks above a threshold back to the system as soon as they are freed, so that
    every copy of a body pays for fresh pages: measured, two copies of 300 KB took 617 µs, and 25
    after this. One large block freed once raises the threshold for the life of the process.
    """
    bytearray(24 << 20)


def _reachable(host: str) -> str:
    """The host to write in an address; a wildcard is reached by loopback."""
    if host in {"", "0.0.0.0"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    if host == "::":
        return "[::1]"
    return f"[{host}]" if ":" in host else host
