"""``tillwire targets``: tells Prometheus which agents to scrape.

As a file for its file_sd, or over HTTP for its http_sd. Both are read by Prometheus again and
again, so that a till that is added to the list is scraped soon after.
"""

import json
import signal
import socket
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

from engine.definition.report import report
from engine.problems import Refused, did_you_mean
from engine.swapping import put
from engine.tools.fleet import Targets, load_fleet

# SIGINT too: a shell has what it starts with & ignore it. SIGBREAK closes a console on Windows.
_STOPPING = ("SIGINT", "SIGTERM", "SIGBREAK")

DONE, REFUSED, UNREADABLE = 0, 1, 2


def targets(file: Path, shop: str | None, output: Path | None) -> int:
    """Print the targets of a tills.yaml, or put them into a file; returns the exit code.

    0: done; 1: the file is refused, or the other cannot be written; 2: it cannot be read, or
    has no such shop.
    """
    try:
        found = told(file, shop)
    except Refused as refused:
        return refusal(refused)
    except NoSuchShopError as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    if output is None:
        sys.stdout.write(as_text(found))
        return DONE
    try:
        # Prometheus reads the file whenever it changes: it has to be whole at any moment.
        put(output, as_text(found).encode("utf-8"), output if output.exists() else file)
    except OSError as error:
        sys.stderr.write(f"{output} cannot be written: {error.strerror or error}.\n")
        return REFUSED
    return DONE


class NoSuchShopError(Exception):
    """The list has no shop of that name; says which it has."""


def told(file: Path, shop: str | None) -> Targets:
    """The targets of a file. Raises Refused and NoSuchShopError."""
    fleet = load_fleet(file)
    if shop is not None and shop not in fleet.shops:
        hint = did_you_mean(shop, fleet.shops)
        raise NoSuchShopError(f"{file} has no shop '{shop}'. {hint}")
    return fleet.targets(shop)


def refusal(refused: Refused) -> int:
    """Print what is wrong; the exit code."""
    sys.stderr.write(report(refused.problems) + "\n")
    return UNREADABLE if any(each.code == "unreadable" for each in refused.problems) else REFUSED


def as_text(found: Targets) -> str:
    """As Prometheus reads it, one shop a line."""
    lines = ",\n".join("  " + json.dumps(each, ensure_ascii=False) for each in found)
    return f"[\n{lines}\n]\n" if lines else "[]\n"


def serve(file: Path, shop: str | None, host: str, port: int) -> int:
    """Serve the targets over HTTP until Ctrl-C or SIGTERM; returns the exit code.

    The file is read anew when it has changed. While it is refused, the answer is 503 with what
    is wrong: Prometheus then keeps the targets that it has.
    """
    try:
        told(file, shop)
    except Refused as refused:
        return refusal(refused)
    except NoSuchShopError as error:
        sys.stderr.write(f"{error}\n")
        return UNREADABLE
    _Server.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = _Server((host, port), _Answer)
    except OSError as error:
        sys.stderr.write(f"{host}:{port} cannot be had: {error.strerror or error}.\n")
        return REFUSED
    server.source = _Source(file, shop)
    for name in _STOPPING:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _stop)
    with server, suppress(KeyboardInterrupt):
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"Targets  http://{shown}:{server.server_port}/\nCtrl-C stops it.\n")
        sys.stdout.flush()
        server.serve_forever()
    return DONE


def _stop(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


class _Source:
    """The answer of the moment. A list of thousands is not read again while it is the same."""

    def __init__(self, file: Path, shop: str | None) -> None:
        self._file = file
        self._shop = shop
        self._read: tuple[int, int] | None = None
        self._answer = (503, "")

    def answer(self) -> tuple[int, str]:
        """The status and the text."""
        try:
            stat = self._file.stat()
            mark = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            mark = None
        if mark is None or mark != self._read:
            self._answer, self._read = self._anew(), mark
        return self._answer

    def _anew(self) -> tuple[int, str]:
        try:
            return 200, as_text(told(self._file, self._shop))
        except Refused as refused:
            return 503, report(refused.problems) + "\n"
        except NoSuchShopError as error:
            return 503, f"{error}\n"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    source: _Source


class _Answer(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10.0

    def do_GET(self) -> None:
        """Every path has the same answer."""
        status, text = self.server.source.answer()
        body = text.encode("utf-8")
        self.send_response(status)
        kind = "application/json" if status == 200 else "text/plain; charset=utf-8"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: Prometheus asks every minute."""
