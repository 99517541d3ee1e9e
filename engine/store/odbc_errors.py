"""Why a database reached by ODBC could not do it, by the numbers of SQL Server itself.

Drivers wrap them in classes and states of their own, so these are looked at only where there is
no number. A number is what stands in parentheses behind each message that a driver passes on.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from engine.store.errors import (
    Busy,
    DiskFailing,
    DiskFull,
    KeyTwice,
    LoginRefused,
    NotWritable,
    StoreError,
    Unanswered,
    Undone,
    Unreachable,
)
from engine.store.place import OdbcPlace

NUMBER = re.compile(r"\((-?\d+)\)(?= \(SQL| ?;|$)")
PREFIX = re.compile(r"^(?:\[[^\]]*\] ?)+")
NOTHING_SAID = "the driver does not say why"
LOST = "Unknown error"
"""What FreeTDS has to say of a connection that broke."""


class Told(NamedTuple):
    """What a driver reported: its state, the numbers, and the words without its own prefixes."""

    state: str
    numbers: frozenset[int]
    words: str


def told(error: BaseException) -> Told:
    """What is in an exception of pyodbc."""
    state = str(error.args[0]) if error.args else ""
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    numbers = frozenset(int(number) for number in NUMBER.findall(text))
    return Told(state, numbers, _words(text))


def _words(text: str) -> str:
    """The server's own sentences, each once."""
    said: list[str] = []
    for part in re.split(r"; (?=\[)", text):
        words = re.sub(r" ?\((?:-?\d+)\)(?: \(SQL\w+\))?$", "", part)
        words = PREFIX.sub("", words).strip().rstrip(".")
        if words and words not in said:
            said.append(words)
    return "; ".join(said) or NOTHING_SAID


Sentence = Callable[[OdbcPlace, str], StoreError]


def _undone(place: OdbcPlace, words: str) -> StoreError:
    return Undone(f"The database {place} undid a transaction in favour of another ({words}).")


def _busy(place: OdbcPlace, words: str) -> StoreError:
    return Busy(
        f"The database {place} is locked by another program ({words}). It is tried again with "
        "what is to be stored next; where it lasts, find out who holds tillwire's tables."
    )


def disk_full(place: OdbcPlace, words: str) -> StoreError:
    """The sentence for a lack of room in the database."""
    return DiskFull(
        f"There is no room left in the database {place} ({words}). Give its files or its log "
        "more room, or its disk (SQL Server Express ends at 10 GB): nothing stored is lost, and "
        "work goes on by itself once there is room."
    )


def _failing(place: OdbcPlace, words: str) -> StoreError:
    return DiskFailing(
        f"SQL Server reports that the disk under the database {place} fails ({words}). Check the "
        "disk and restore a backup: what was acknowledged is kept where the disk still has it."
    )


def refused(place: OdbcPlace, words: str) -> LoginRefused:
    """The sentence for a login that the server does not let in."""
    return LoginRefused(
        f"SQL Server does not let tillwire into the database {place} ({words}). Check "
        "database.authentication, the login and its password, and that the login is a user of "
        "that database."
    )


def no_rights(place: OdbcPlace, words: str) -> NotWritable:
    """The sentence for a login that may not do what is needed."""
    return NotWritable(
        f"The login may not do what tillwire needs in the database {place} ({words}). Grant it "
        f"the rights on the schema {place.schema} that docs/sqlserver.md lists."
    )


def unreachable(place: OdbcPlace, words: str) -> Unreachable:
    """The sentence for a server that is not there, or no longer."""
    return Unreachable(
        f"The database {place} cannot be reached ({words}). It is tried again by itself; where it "
        "lasts, see whether SQL Server runs and listens, and what lies between."
    )


def unanswered(place: OdbcPlace, words: str) -> Unanswered:
    """The sentence for a call that was given up."""
    return Unanswered(
        f"The database {place} does not answer ({words}): the call was given up and the "
        "connection with it. It is tried again by itself."
    )


def _certificate(place: OdbcPlace, words: str) -> StoreError:
    return LoginRefused(
        f"The certificate of the database {place} is not trusted ({words}). Give SQL Server one "
        "that an authority of this machine vouches for, or write database."
        "trust_server_certificate: true."
    )


def no_driver(place: OdbcPlace, words: str) -> StoreError:
    """The sentence for a driver that cannot be loaded."""
    return StoreError(
        f"The ODBC driver for the database {place} cannot be loaded ({words}). Install it, or "
        "name another one with database.driver."
    )


def _twice(place: OdbcPlace, words: str) -> StoreError:
    return KeyTwice(f"The database {place} refused a key that would be there twice ({words}).")


_BY_NUMBER: tuple[tuple[frozenset[int], Sentence], ...] = (
    (frozenset({1205, 3960, 3961, 41302, 41305, 41325}), _undone),
    (frozenset({1222, 1204, 701, 8645, 40501, 49918, 49919, 49920}), _busy),
    (frozenset({1101, 1105, 1827, 9002, 3257, 5149, 5144}), disk_full),
    (frozenset({823, 824, 825, 3314, 3456, 5242, 5243, 7105, 8942}), _failing),
    (
        frozenset({911, 4060, 4064, 916, 18452, 18456, 18461, 18470, 18486, 18487, 18488, 40532}),
        refused,
    ),
    (frozenset({229, 230, 262, 297, 300, 2760, 3701, 3704, 3906, 15247}), no_rights),
    (frozenset({-2146893019}), _certificate),
    (frozenset({1505, 2601, 2627}), _twice),
    (
        frozenset(
            {596, 921, 922, 926, 927, 945, 952, 976, 983, 6002, 6005, 17142, 17187, 17830}
            | {40197, 40540, 40613}
        ),
        unreachable,
    ),
)
"""What SQL Server's numbers mean. Those of the network are no use: 233 is one, and a column that
cannot be null too; a connection that broke has its state."""

_BY_STATE: tuple[tuple[tuple[str, ...], Sentence], ...] = (
    (("IM002", "IM003", "IM004"), no_driver),
    (("28000", "08004"), refused),
    (("08001", "08003", "08007", "08S01", "HYT01"), unreachable),
    (("40001",), _undone),
)


def explain(error: BaseException, place: OdbcPlace) -> StoreError:
    """The sentence for an exception of pyodbc about the database ``place``."""
    found = told(error)
    for numbers, sentence in _BY_NUMBER:
        if numbers & found.numbers:
            return sentence(place, found.words)
    if "certificate" in found.words.lower() and found.state.startswith("08"):
        return _certificate(place, found.words)
    if "Can't open lib" in found.words:
        return no_driver(place, found.words)
    if "Login timeout" in found.words or found.words == LOST:
        return unreachable(place, found.words)
    if found.state == "HYT00":
        return unanswered(place, found.words)
    for states, sentence in _BY_STATE:
        if found.state in states:
            return sentence(place, found.words)
    return StoreError(f"The database {place} refused: {found.words}.")
