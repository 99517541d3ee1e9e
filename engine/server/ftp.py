"""Files from the FTP server: whole and proven, or not at all.

The word of an FTP server that a file is through proves nothing: a proxy's cut, a full server
and a link that broke all look like an end. So sizes are always compared, and what is to be
kept has the digest that was announced.
"""

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from engine.server.ftp_control import Control, Login, NoData
from engine.server.ftp_part import SUFFIX, Part, Unlike, is_proven, receive
from engine.server.ftp_patience import Broken, Patience
from engine.server.ftp_settings import FtpSettings
from engine.server.port import CallFailed, Reason
from engine.server.secret import SecretUnavailable
from engine.server.tls import Trust

TRIES = 4
"""So many attempts in a row may bring nothing new."""

_WORTH = 64 * 1024
"""Bytes that an attempt has to bring to count as bringing something new."""

BREATHS = (0.0, 1.0, 2.0, 5.0)
"""Seconds before the next attempt, by how many in a row have brought nothing new."""

_DOWNLOAD = re.compile(r"-[0-9a-f]{20}\.zip(\.part)?\Z")

_AGAIN = (Reason.UNREACHABLE, Reason.SERVER_ERROR)


def _never() -> bool:
    return False


class FtpSource:
    """The files of one folder of one FTP server. Safe for any number of threads.

    Nothing is sent before the first call, and each call logs in anew. Names are those of
    files in the folder, or below it with ``/``. Every failure is a :class:`CallFailed` whose
    sentence holds no secret; a download that nobody wants any more fails as ``local_error``.
    """

    def __init__(self, settings: FtpSettings, base: Path, pace: float = 1.0) -> None:
        """``base`` is the folder that relative paths of the settings start from; ``pace``
        multiplies the pauses between attempts."""
        self._settings = settings
        self._base = base
        self._pace = pace
        host = settings.host
        self.where = f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"

    def read(
        self,
        name: str,
        limit: int,
        *,
        timeout: float,
        cancelled: Callable[[], bool] = _never,
    ) -> bytes:
        """A small file, of ``limit`` bytes at most; ``timeout`` is in seconds in total.

        What breaks while it is read is tried once more.
        """
        self._check(name)
        patience = self._patience(timeout, cancelled)
        try:
            return self._read(name, limit, patience)
        except Broken:
            patience.sleep(BREATHS[1] * self._pace)
        return self._read(name, limit, patience)

    def fetch(
        self,
        name: str,
        target: Path,
        size: int,
        sha256: str,
        *,
        deadline: float,
        cancelled: Callable[[], bool] = _never,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Download a file of ``size`` bytes with the digest ``sha256`` (hex) to ``target``.

        Nothing is asked where ``target`` is that file already. One call for a target at a time.
        ``deadline`` is in seconds in total. Until all is proven the bytes lie in
        ``<target>.part``, which a later call takes up where this one ended. After a break it
        goes on from there as long as that brings something new. ``progress`` is told how many
        bytes are there, five times a second at most; the number falls when a download starts
        again.
        """
        self._check(name)
        sha256 = sha256.lower()
        if is_proven(target, size, sha256):
            progress(size)
            return
        patience = self._patience(deadline, cancelled)
        with Part(target, size, self.where, progress) as part:
            part.check_room()
            self._complete(name, part, sha256, patience)
            part.keep()

    def _complete(self, name: str, part: Part, sha256: str, patience: Patience) -> None:
        """Attempts until the part is whole and proven."""
        vain = 0
        trusting = extended = True
        while True:
            before = part.furthest
            if not trusting:
                part.rewind()
            try:
                self._attempt(name, part, patience, extended=extended)
            except Unlike as failure:
                if not part.pieced or not trusting:
                    raise
                last: CallFailed = failure
                trusting = False
            except CallFailed as failure:
                if not _worth_another(failure):
                    raise
                last = failure
                extended = extended and not isinstance(failure, NoData)
            else:
                if part.sha256 == sha256:
                    return
                last = self._wrong(name, part)
                if not part.pieced or not trusting:
                    part.rewind()
                    raise last
                trusting = False
            vain = 0 if part.furthest - before >= _WORTH else vain + 1
            if vain >= TRIES:
                words = f"{last.message}; given up after {vain} attempts that brought nothing new"
                raise CallFailed(last.reason, words)
            pause = BREATHS[vain] * self._pace
            if patience.over(pause):
                raise last
            patience.sleep(pause)

    def _attempt(self, name: str, part: Part, patience: Patience, *, extended: bool) -> None:
        """One log-in and one transfer. Returns when the server says that all is through and
        as many bytes as announced are there."""
        with Control(self._login(), patience, extended=extended) as control:
            patience.await_next()
            there = control.tell_size(name)
            if there is not None and there != part.size:
                raise CallFailed(
                    Reason.BAD_REPLY,
                    f"{self.where}: {name} has {there} bytes there, and {part.size} were announced",
                )
            with control.retrieve(name, part.resume_at()) as (data, offset):
                part.pour(data, offset, patience)
                patience.await_next()
        if part.have < part.size:
            raise Broken(
                Reason.BAD_REPLY,
                f"{self.where}: {name} ended after {part.have} of {part.size} bytes",
            )

    def _read(self, name: str, limit: int, patience: Patience) -> bytes:
        with Control(self._login(), patience) as control:
            patience.await_next()
            there = control.tell_size(name)
            content = bytearray()
            buffer = memoryview(bytearray(65536))
            with control.retrieve(name, 0) as (data, _):
                patience.stage = f"while reading {name}"
                while len(content) <= limit and (size := receive(data, buffer, patience)):
                    content += buffer[:size]
                if len(content) > limit:
                    raise CallFailed(
                        Reason.BAD_REPLY, f"{self.where}: {name} is larger than {limit} bytes"
                    )
        if there is not None and len(content) != there:
            raise Broken(
                Reason.BAD_REPLY,
                f"{self.where}: {name} ended after {len(content)} of {there} bytes",
            )
        return bytes(content)

    def _wrong(self, name: str, part: Part) -> CallFailed:
        return CallFailed(
            Reason.BAD_REPLY,
            f"{self.where}: {name} has another SHA-256 than announced, {part.sha256}",
        )

    def _patience(self, length: float, cancelled: Callable[[], bool]) -> Patience:
        return Patience(length, self.where, cancelled, self._settings.stall)

    def _login(self) -> Login:
        settings = self._settings
        try:
            password = settings.password.reveal(self._base) if settings.password else ""
        except SecretUnavailable as fault:
            raise CallFailed(Reason.LOCAL_ERROR, f"{self.where} was not called: {fault}") from None
        if settings.tls == "none":
            return Login(settings, password, None)
        ca_file = self._base / settings.ca_file if settings.ca_file else None
        return Login(settings, password, Trust(ca_file, "server.ftp.ca_file"))

    def _check(self, name: str) -> None:
        steps = name.split("/")
        if not name.isprintable() or any(step in ("", ".", "..") for step in steps):
            raise CallFailed(
                Reason.LOCAL_ERROR,
                f"{self.where} was not called: {name!r} is not the name of a file",
            )


def _worth_another(failure: CallFailed) -> bool:
    return isinstance(failure, Broken) or failure.reason in _AGAIN


def sweep_parts(folder: Path, keep: Collection[str]) -> None:
    """Remove downloads that no current export needs, so that they never fill the disk.

    ``keep`` holds the names of files that stay, and with each what is there of it so far. Only
    files whose names end as those of downloads do are looked at: a dash, 20 digits of a digest,
    ``.zip`` and perhaps ``.part``. What cannot be removed now is left for the next time.
    """
    staying = {name.lower() for name in keep}
    staying |= {name + SUFFIX for name in staying}
    with suppress(OSError):
        for path in folder.iterdir():
            name = path.name.lower()
            if (
                _DOWNLOAD.search(name)
                and name not in staying
                and (path.is_symlink() or path.is_file())
            ):
                with suppress(OSError):
                    path.unlink()
