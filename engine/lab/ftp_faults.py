"""The faults of the lab's FTP server: one table, and what each does to a session.

A fault strikes one command of one session (``actions`` says which): it answers in the server's
place, or it spoils the transfer that the command begins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.lab.faults import Fault, Setting, Settings

COMMANDS = ("CONNECT", "AUTH", "LOGIN", "CWD", "SIZE", "EPSV", "PASV", "REST", "RETR")
"""What can be struck: a connection when it comes, a log-in at its password, and commands."""


@dataclass(slots=True)
class Plan:
    """What becomes of one transfer. Shares are parts of the bytes that are due.

    The file that is read ends after ``cut`` of them, has the byte at ``flip`` changed and
    ``extra`` bytes more. The connection, after ``until`` of them, does what ``then`` says:
    ``stall``, ``reset``, or ``drip`` (a byte each ``pause`` seconds). ``rate``: no more than so
    many bytes a second. ``silent``: nothing is said when all is through.
    """

    cut: float = 1.0
    flip: float | None = None
    extra: int = 0
    until: float = 1.0
    then: str = ""
    pause: float = 0.0
    rate: int = 0
    silent: bool = False
    hangs_up: bool = False


class Session(Protocol):
    """What a fault may do with the session that it strikes."""

    plan: Plan

    def say(self, reply: str, *, last: bool = False) -> None:
        """Answer; the connection ends after the ``last`` word."""

    def reset(self) -> None:
        """End the connection at once (RST)."""

    def point_elsewhere(self, command: str, *, foreign: bool) -> None:
        """Answer EPSV or PASV with a port that nobody listens on, or another host's."""


Strike = Callable[[Session, str, Settings], bool]
"""Plays on one command of a session; True when the command has its answer by that."""


def _refuse(session: Session, _command: str, _settings: Settings) -> bool:
    session.reset()
    return True


def _hang(_session: Session, _command: str, _settings: Settings) -> bool:
    return True


def _full(session: Session, _command: str, _settings: Settings) -> bool:
    session.say("421 Too many users, come back later.", last=True)
    return True


def _wrong_login(session: Session, _command: str, _settings: Settings) -> bool:
    session.say("530 Login incorrect.")
    return True


def _unknown(session: Session, command: str, settings: Settings) -> bool:
    session.say(f"{settings['code']} {command} is not implemented.")
    return True


def _gone(session: Session, _command: str, _settings: Settings) -> bool:
    session.say("550 No such file.")
    return True


def _busy(session: Session, _command: str, _settings: Settings) -> bool:
    session.say("450 The file is busy, try again later.")
    return True


def _wrong_size(session: Session, _command: str, settings: Settings) -> bool:
    session.say(f"213 {settings['bytes']}")
    return True


def _ignored_rest(session: Session, _command: str, _settings: Settings) -> bool:
    session.say("350 Restarting there. Or so it seems.")
    return True


def _closed_port(session: Session, command: str, _settings: Settings) -> bool:
    session.point_elsewhere(command, foreign=False)
    return True


def _foreign_address(session: Session, command: str, _settings: Settings) -> bool:
    session.point_elsewhere(command, foreign=True)
    return True


def _short(session: Session, _command: str, settings: Settings) -> bool:
    session.plan.cut = float(settings["share"])
    return False


def _missing_226(session: Session, _command: str, settings: Settings) -> bool:
    session.plan.cut = float(settings["share"])
    session.plan.silent = True
    session.plan.hangs_up = settings["then"] == "close"
    return False


def _drip(session: Session, _command: str, settings: Settings) -> bool:
    return _from(session, settings, "drip", float(settings["interval"]))


def _stall(session: Session, _command: str, settings: Settings) -> bool:
    return _from(session, settings, "stall", 0.0)


def _reset(session: Session, _command: str, settings: Settings) -> bool:
    return _from(session, settings, "reset", 0.0)


def _from(session: Session, settings: Settings, then: str, pause: float) -> bool:
    session.plan.until, session.plan.then = float(settings["share"]), then
    session.plan.pause = pause
    return False


def _slow(session: Session, _command: str, settings: Settings) -> bool:
    session.plan.rate = int(settings["rate"])
    return False


def _corrupt(session: Session, _command: str, settings: Settings) -> bool:
    session.plan.flip = float(settings["share"])
    return False


def _longer(session: Session, _command: str, settings: Settings) -> bool:
    session.plan.extra = int(settings["bytes"])
    return False


_SHARE = {"share": Setting(0.4, "how much of what is due is sent first, from 0 to 1", 0, 1)}
_RETR = ("RETR",)


def _fault(about: str, *actions: str, **settings: Setting) -> Fault:
    return Fault(about, commits=False, play=None, settings=settings, actions=actions)


_TABLE: Mapping[str, tuple[Fault, Strike]] = {
    "refuse": (_fault("The connection is reset.", *COMMANDS), _refuse),
    "hang": (_fault("Nothing is answered.", *COMMANDS), _hang),
    "full": (_fault("421: too many users.", "CONNECT", "LOGIN", "RETR"), _full),
    "wrong_login": (_fault("530: the log-in is refused.", "LOGIN"), _wrong_login),
    "unknown": (
        _fault(
            "The server does not know the command.",
            *("AUTH", "SIZE", "EPSV", "REST"),
            code=Setting(502, "500, 501, 502 or 504", 500, 504),
        ),
        _unknown,
    ),
    "gone": (_fault("550: there is no such file.", "SIZE", "RETR"), _gone),
    "busy": (_fault("450: the file is busy.", "RETR"), _busy),
    "wrong_size": (
        _fault(
            "SIZE tells a wrong size.", "SIZE", bytes=Setting(7, "the size that is told", 0, 2**53)
        ),
        _wrong_size,
    ),
    "ignored_rest": (
        _fault("REST is answered with 350, and the file comes from its start.", "REST"),
        _ignored_rest,
    ),
    "closed_port": (
        _fault("The port for the data is one that nobody listens on.", "EPSV", "PASV"),
        _closed_port,
    ),
    "foreign_address": (
        _fault("The answer to PASV names another host.", "PASV"),
        _foreign_address,
    ),
    "short": (_fault("Only a part is sent, and 226 is said.", *_RETR, **_SHARE), _short),
    "missing_226": (
        _fault(
            "The data ends, and nothing is said about it.",
            *_RETR,
            share=Setting(1.0, "how much of what is due is sent, from 0 to 1", 0, 1),
            then=Setting("hang", "hang: the session stays open; close", among=("hang", "close")),
        ),
        _missing_226,
    ),
    "drip": (
        _fault(
            "After a part, one byte at a time.",
            *_RETR,
            interval=Setting(0.05, "seconds between two bytes", 0.001, 60),
            **_SHARE,
        ),
        _drip,
    ),
    "stall": (_fault("After a part, nothing more.", *_RETR, **_SHARE), _stall),
    "reset": (_fault("After a part, all connections are reset.", *_RETR, **_SHARE), _reset),
    "slow": (
        _fault(
            "The data comes slowly.",
            *_RETR,
            rate=Setting(200_000, "bytes each second", 20, 10**9),
        ),
        _slow,
    ),
    "corrupt": (_fault("One byte of what is due is another one.", *_RETR, **_SHARE), _corrupt),
    "longer": (
        _fault(
            "More bytes come than the file has.",
            *_RETR,
            bytes=Setting(1000, "how many more", 1, 10**9),
        ),
        _longer,
    ),
}

FTP_FAULTS: Mapping[str, Fault] = {name: fault for name, (fault, _) in _TABLE.items()}
STRIKES: Mapping[str, Strike] = {name: strike for name, (_, strike) in _TABLE.items()}
