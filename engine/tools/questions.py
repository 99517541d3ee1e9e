"""What ``tillwire init`` wants to know: asked of a person, or given with ``--set``.

Each question has the name of the key of till.yaml that its answer goes to. What was given is not
asked for; with ``--defaults`` nothing is asked and the usual answer stands.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from engine.database_settings import Word
from engine.problems import did_you_mean
from engine.server.ftp_settings import FtpSettings
from engine.server.secret import Secret
from engine.server.settings import ServerSettings
from engine.settings import Id
from engine.tools.template import Answers, FtpAnswers, SqlServerAnswers

YES = {
    **dict.fromkeys(("y", "yes", "o", "oui", "true"), True),
    **dict.fromkeys(("n", "no", "non", "false"), False),
}
NONE = "-"
"""The answer that stands for nothing."""

KEYS = (
    "shop",
    "tills",
    "server.protocol",
    "server.url",
    "server.auth.user",
    "server.auth.password",
    "server.deduplicates",
    "server.actions.ticket_status",
    "server.ftp.host",
    "server.ftp.user",
    "server.ftp.password",
    "server.ftp.tls",
    "database.kind",
    "database.instance",
    "database.name",
    "database.authentication",
    "database.user",
    "database.password",
    "database.trust_server_certificate",
    "catalogue.datasets",
)
"""Everything that is asked for, in no order."""

T = TypeVar("T")


class NotTaken(Exception):  # noqa: N818 - it is what became of what was given
    """Something given with ``--set`` cannot be used. The text is a sentence."""


class InputEnded(Exception):  # noqa: N818 - it is what happened
    """The person who is asked has gone."""


def given(settings: Sequence[str]) -> dict[str, str]:
    """``KEY=VALUE`` words by their keys. Raises :class:`NotTaken`."""
    found: dict[str, str] = {}
    for word in settings:
        key, sign, value = word.partition("=")
        if not sign:
            raise NotTaken(f"'{key}' is no KEY=VALUE: write --set shop=0042.")
        key = "tills" if key == "till" else key
        if key not in KEYS:
            raise NotTaken(f"init does not ask for '{key}'. {did_you_mean(key, KEYS)}")
        if key in found:
            raise NotTaken(f"'{key}' is given twice.")
        found[key] = value
    return found


class Questions:
    """Gets every answer from where it is to be had. ``silent``: nobody is asked."""

    def __init__(self, settings: Mapping[str, str], silent: bool) -> None:
        self._given = settings
        self._silent = silent
        self._used: set[str] = set()

    def answers(self) -> Answers:
        """Raises :class:`NotTaken`, or :class:`InputEnded`."""
        if not self._silent:
            typer.echo("Enter takes the value in brackets.")
        try:
            answers = self._all()
        except typer.Abort:
            raise InputEnded from None
        for key in self._given:
            if key not in self._used:
                raise NotTaken(f"'{key}' means nothing here: {_WHEN.get(key.rpartition('.')[0])}.")
        return answers

    def _all(self) -> Answers:
        usual = Answers()
        shop = self.ask("shop", "The shop's id at the server", usual.shop, _id)
        tills = self.ask(
            "tills", "The till's id, or several with commas", ",".join(usual.tills), _ids
        )
        protocol = self.ask(
            "server.protocol", "The server's protocol, soap or rest", usual.protocol, _protocol
        )
        url = self.ask(
            "server.url", "The server's address", usual.url, lambda text: _url(protocol, text)
        )
        user = self.ask(
            "server.auth.user", "The user that the till logs in with, - for none", NONE, _user
        )
        password = usual.password
        if user:
            password = self._password("server.auth.password", usual.password)
        deduplicates, tells = self._outcomes()
        database, ftp = self._sql_server(), self._ftp()
        return Answers(
            shop,
            tills,
            protocol,
            url,
            user,
            password,
            deduplicates,
            tells,
            database,
            ftp,
            None if ftp is None else self._datasets(),
        )

    def _outcomes(self) -> tuple[bool, bool]:
        while True:
            deduplicates = self.ask(
                "server.deduplicates",
                "Does the server store a ticket sent twice only once",
                "yes",
                _yes,
            )
            tells = self.ask(
                "server.actions.ticket_status",
                "Has the server an action that tells a ticket's status",
                "yes",
                _yes,
            )
            if deduplicates or tells:
                return deduplicates, tells
            sentence = "One of the two is needed, or a lost answer would store a ticket twice."
            if {"server.deduplicates", "server.actions.ticket_status"} <= self._given.keys():
                raise NotTaken(sentence)
            typer.echo(sentence)

    def _sql_server(self) -> SqlServerAnswers | None:
        kind = self.ask(
            "database.kind",
            "The database, sqlite (a file of its own) or sqlserver",
            "sqlite",
            lambda text: _one_of(text, "sqlite", "sqlserver"),
        )
        if kind == "sqlite":
            return None
        usual = SqlServerAnswers()
        instance = self.ask(
            "database.instance", "The SQL Server and its instance", usual.instance, _word
        )
        name = self.ask("database.name", "The database's name", usual.name, _word)
        authentication = self.ask(
            "database.authentication",
            "Who logs in: windows (the account of tillwire) or sql (a user)",
            usual.authentication,
            lambda text: _one_of(text, "windows", "sql"),
        )
        user, password = None, usual.password
        if authentication == "sql":
            user = self.ask("database.user", "The user's name there", "tillwire", _word)
            password = self._password("database.password", password)
        trust = self.ask(
            "database.trust_server_certificate",
            "Is a certificate to be trusted that the SQL Server made for itself",
            "no",
            _yes,
        )
        return SqlServerAnswers(instance, name, authentication, user, password, trust)

    def _ftp(self) -> FtpAnswers | None:
        host = self.ask("server.ftp.host", "The FTP server, - for none", NONE, _host)
        if host is None:
            return None
        usual = FtpAnswers(host)
        user = self.ask("server.ftp.user", "The user there", usual.user, _ftp_user)
        password = usual.password
        if user != usual.user:
            password = self._password("server.ftp.password", "${file:ftp.password}")
        tls = self.ask(
            "server.ftp.tls",
            "Is FTP encrypted: explicit (FTPS by AUTH TLS) or none",
            usual.tls,
            lambda text: _one_of(text, "explicit", "none"),
        )
        return FtpAnswers(host, user, password, tls)

    def _datasets(self) -> str | None:
        question = "The file that declares the catalogue's datasets, - for no catalogue"
        return self.ask("catalogue.datasets", question, NONE, _file)

    def _password(self, key: str, usual: str | None) -> str:
        question = "Where the password lies, ${file:path} or ${env:NAME}"
        return self.ask(key, question, usual or "", _reference)

    def ask(self, key: str, question: str, usual: str, read: Callable[[str], T]) -> T:
        """An answer as ``read`` makes it; asked for until it can be used."""
        if key in self._given:
            self._used.add(key)
            try:
                return read(self._given[key])
            except ValueError as error:
                raise NotTaken(f"--set {key}: {_sentence(error)}") from None
        if self._silent:
            return read(usual)
        while True:
            answer = str(typer.prompt(question, default=usual)).strip()
            try:
                return read(answer)
            except ValueError as error:
                typer.echo(f"{_sentence(error)} Once more, please.")


_WHEN = {
    "server.auth": "it goes with server.auth.user",
    "server.ftp": "it goes with server.ftp.host, and the password with a user",
    "catalogue": "it goes with server.ftp.host",
    "database": "it goes with database.kind=sqlserver, user and password with "
    "database.authentication=sql",
}


def _sentence(error: ValueError) -> str:
    """The first fault in words, without what pydantic adds around them."""
    text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    text = text.removeprefix("Value error, ")
    return text[:1].upper() + text[1:].rstrip(".") + "."


_ID: TypeAdapter[str] = TypeAdapter(Id)
_WORD: TypeAdapter[str] = TypeAdapter(Word)


def _id(text: str) -> str:
    return _ID.validate_python(text)


def _ids(text: str) -> tuple[str, ...]:
    ids = tuple(_id(part.strip()) for part in text.split(","))
    if len(set(ids)) < len(ids):
        raise ValueError("the same till stands there twice")
    return ids


def _one_of(text: str, *allowed: str) -> str:
    if text.lower() not in allowed:
        raise ValueError(f"'{text}' is neither {' nor '.join(allowed)}")
    return text.lower()


def _protocol(text: str) -> str:
    return _one_of(text, "soap", "rest")


def _url(protocol: str, text: str) -> str:
    return ServerSettings.model_validate({"protocol": protocol, "url": text}).url


def _user(text: str) -> str | None:
    if not text.isprintable():
        raise ValueError("a user's name has no control characters")
    return None if text == NONE else text


def _reference(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a reference has no control characters")
    return Secret(text).reference


def _word(text: str) -> str:
    return _WORD.validate_python(text)


def _host(text: str) -> str | None:
    return None if text == NONE else FtpSettings.model_validate({"host": text}).host


def _file(text: str) -> str | None:
    if not text or not text.isprintable():
        raise ValueError("this is no name of a file, such as datasets.yaml")
    return None if text == NONE else text


def _ftp_user(text: str) -> str:
    return FtpSettings.model_validate({"host": "ftp.example", "user": text}).user


def _yes(text: str) -> bool:
    if text.lower() not in YES:
        raise ValueError("answer yes or no")
    return YES[text.lower()]
