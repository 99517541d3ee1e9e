"""``tillwire lab``: a lab in the foreground, until it is told to stop."""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from engine.lab.central import Lab
from engine.lab.ftp import FtpLab
from engine.lab.ledger import LabError

# SIGTERM is how a service is stopped; SIGBREAK is how Windows closes a console program.
_STOPPING = ("SIGINT", "SIGTERM", "SIGBREAK")


def serve(
    host: str,
    port: int,
    control_port: int,
    storage: Path | None,
    deduplicates: bool,
    tells_status: bool,
    ftp: tuple[Path, int] | None = None,
) -> int:
    """Run a lab until Ctrl-C, SIGTERM or a console event; the exit code of the command.

    Prints its addresses, one a line. ``ftp`` is a folder to serve by FTP, and the port. 0: it
    ran and was stopped; 1: it could not start, and the reason is one sentence on the standard
    error.
    """
    lab = Lab(
        host,
        port,
        deduplicates,
        tells_status,
        storage=storage,
        control_port=control_port,
        ftp=FtpLab(ftp[0], host, ftp[1]) if ftp else None,
    )
    try:
        asyncio.run(_run(lab))
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _run(lab: Lab) -> None:
    end = asyncio.Event()
    with _told_to_stop(asyncio.get_running_loop(), end):
        await lab.start()
        try:
            sys.stdout.write(_welcome(lab))
            sys.stdout.flush()
            await end.wait()
        finally:
            await lab.stop()


def _welcome(lab: Lab) -> str:
    twice = "stored once" if lab.deduplicates else "stored again"
    status = "told" if lab.tells_ticket_status else "not told"
    ftp = f"FTP      {lab.ftp.url} ({lab.ftp.folder})\n" if lab.ftp else ""
    return (
        f"SOAP     {lab.url_soap}\n"
        f"REST     {lab.url_rest}\n"
        f"Tokens   {lab.url_auth}\n"
        f"Control  {lab.url_control}\n"
        f"{ftp}"
        f"A ticket that comes twice is {twice}; its status is {status}. Ctrl-C stops the lab.\n"
    )


@contextmanager
def _told_to_stop(loop: asyncio.AbstractEventLoop, end: asyncio.Event) -> Iterator[None]:
    """Set ``end`` on a signal; Python takes signals in its main thread alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end.set)

    known = [getattr(signal, name) for name in _STOPPING if hasattr(signal, name)]
    before = [(number, signal.signal(number, stop)) for number in known]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
