"""Brings a till's configuration from the central server, by webservice or by FTP.

What is brought came whole: size and SHA-256 are those that the server tells. That says nothing of
who wrote it, which is a matter of TLS.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from engine.effects.table import VOCABULARY
from engine.problems import Refused
from engine.server import configuration
from engine.server.connecting import connect
from engine.server.port import CallFailed, CallRejected, Configuration
from engine.server.program import Unfit
from engine.settings import Settings, load_definition

TIMEOUT = 60.0
"""Seconds for a call where the machine has no ``webservice_timeout``."""


class Way(StrEnum):
    """How a configuration comes."""

    WEBSERVICE = "webservice"
    FTP = "ftp"


class NotBrought(Exception):  # noqa: N818 - it says what happened
    """There is no configuration to be had. The text is a sentence for whoever asked."""


class Files(Protocol):
    """The files of a server: what :class:`engine.server.ftp.FtpSource` has."""

    def read(self, name: str, limit: int, *, timeout: float) -> bytes: ...


def bring(settings: Settings, way: Way | None) -> Configuration:
    """The configuration for the tills of ``settings``; by webservice first where both are there.

    Raises :class:`NotBrought`: nothing answers, a digest is wrong, the server does not know the
    shop or one of the tills.
    """
    chosen = way or _usual(settings)
    try:
        found = _by_webservice(settings) if chosen is Way.WEBSERVICE else _by_ftp(settings)
    except CallFailed as failure:
        raise NotBrought(f"The configuration did not come: {failure.message}.") from None
    except CallRejected as refusal:
        raise NotBrought(
            f"The server has no configuration for till {_names(settings.tills[:1])} of shop "
            f"'{settings.shop}': {refusal.message or refusal.code}"
        ) from None
    check_known(found, settings)
    return found


def _usual(settings: Settings) -> Way:
    if settings.server.actions.fetch_configuration is not None:
        return Way.WEBSERVICE
    if settings.server.ftp is not None:
        return Way.FTP
    raise NotBrought(
        "This till.yaml does not say where a configuration comes from: set server.ftp, or "
        "server.actions.fetch_configuration to {}."
    )


def webservice_timeout(settings: Settings) -> float:
    """Seconds, as the machine has it; a machine that is at fault must not keep a better
    configuration away."""
    try:
        found = load_definition(settings, VOCABULARY).parameters.get("webservice_timeout")
    except Refused:
        return TIMEOUT
    usable = isinstance(found, int | float) and not isinstance(found, bool)
    return float(found) if usable and found is not None else TIMEOUT


def _by_webservice(settings: Settings) -> Configuration:
    server = connect(settings.server, settings.shop, settings.folder)
    try:
        return server.fetch_configuration(settings.tills[0], webservice_timeout(settings))
    finally:
        server.close()


def _by_ftp(settings: Settings) -> Configuration:
    if settings.server.ftp is None:
        raise NotBrought("This till.yaml has no server.ftp.")
    from engine.server.ftp import FtpSource

    source = FtpSource(settings.server.ftp, settings.folder)
    return from_folder(source, settings.tills, webservice_timeout(settings))


def from_folder(files: Files, tills: Sequence[str], timeout: float) -> Configuration:
    """The configuration that the manifest names for all of ``tills``."""
    name = f"{configuration.FOLDER}/{configuration.MANIFEST}"
    raw = files.read(name, configuration.LARGEST, timeout=timeout)
    try:
        manifest = configuration.read_manifest(raw)
        unknown = [till for till in tills if till not in manifest.tills]
        if unknown:
            # The file itself cannot be chosen; who asks says what is wrong.
            return Configuration("", b"", manifest.shop, manifest.tills)
        offered = manifest.chosen(tills)
    except Unfit as unfit:
        raise NotBrought(
            f"The manifest {name} of the FTP server cannot be used: {unfit}."
        ) from None
    path = f"{configuration.FOLDER}/{offered.name}"
    found = files.read(path, configuration.LARGEST, timeout=timeout)
    try:
        configuration.check_whole(found, offered)
    except Unfit as unfit:
        raise NotBrought(f"The file {path} of the FTP server cannot be used: {unfit}.") from None
    return Configuration(offered.name, found, manifest.shop, manifest.tills)


def check_known(found: Configuration, settings: Settings) -> None:
    """Raises :class:`NotBrought` for a shop or a till that the server does not know."""
    if found.shop != settings.shop:
        raise NotBrought(
            f"This is the configuration of shop '{found.shop}', and this till is in shop "
            f"'{settings.shop}': nothing was changed."
        )
    unknown = [till for till in settings.tills if till not in found.tills]
    if unknown:
        raise NotBrought(
            f"The server does not know {'till' if len(unknown) == 1 else 'the tills'} "
            f"{_names(unknown)} of shop '{settings.shop}'; it knows {_names(found.tills)}. "
            "Correct the number in till.yaml, or have it declared at the server."
        )


def _names(tills: Sequence[str]) -> str:
    if not tills:
        return "none"
    shown = ", ".join(f"'{till}'" for till in tills[:20])
    return shown if len(tills) <= 20 else f"{shown} and {len(tills) - 20} more"
