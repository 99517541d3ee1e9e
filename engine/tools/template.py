"""The till.yaml that ``tillwire init`` writes: every key with what it means.

The comments are the descriptions of the models and of the machine's parameters, so that they
cannot say other than what the reader does.
"""

import textwrap
from typing import NamedTuple

from pydantic import BaseModel

from engine.api_settings import Api
from engine.catalogue.settings import CatalogueSettings
from engine.database_settings import Database
from engine.definition.machine import Definition
from engine.definition.model import Parameter
from engine.log_settings import Log
from engine.server.actions import Actions
from engine.server.ftp_settings import FtpSettings
from engine.server.settings import Auth, ServerSettings
from engine.settings import Settings
from engine.ticket_settings import Tickets
from engine.tools.schema import modeline

WIDTH = 92
SOURCE = {
    "table": "dbo.TICKETS",
    "number": "NUMERO",
    "payload": "CONTENU",
    "sent": "{column: ENVOYE, value: 1}",
}
"""An example of a till program's own table."""
VENDOR = ("ticket_sync_interval", "webservice_timeout", "ping_timeout", "message_retry_wait")
"""The settings that the vendor's documentation knows, by their names here."""
LACKING = (
    "ticket_status",
    "poll_messages",
    "acknowledge_messages",
    "fetch_offers",
    "count_tickets",
)
"""The actions that a server may not have: they are then set to null."""
_FTP = {
    "host": "ftp.shop.example",
    "port": "21",
    "user": "anonymous",
    "password": "'${file:ftp.password}'",
    "tls": "explicit",
    "ca_file": "authority.pem",
    "folder": "/",
    "connect_timeout": "30s",
    "stall": "30s",
}

_CATALOGUE = {
    "datasets": "datasets.yaml",
    "path": "catalogue.db",
    "schema_name": "tillwire_catalogue",
    "downloads": "downloads",
}

SQL_SERVER = {
    "instance": "CAISSE01\\SQLEXPRESS",
    "name": "TPV",
    "authentication": "windows",
    "user": "tillwire",
    "password": "'${file:database.password}'",
    "driver": "ODBC Driver 18 for SQL Server",
    "encrypt": "yes",
    "trust_server_certificate": "false",
    "host_name_in_certificate": "caisse01.example",
    "schema_name": "tillwire",
    "login_timeout": "10s",
    "query_timeout": "20s",
    "lock_timeout": "5s",
}
"""The keys of a database on SQL Server, each with its default or an example."""


class SqlServerAnswers(NamedTuple):
    """A database on SQL Server. A user is there with ``sql`` alone."""

    instance: str = "localhost\\SQLEXPRESS"
    name: str = "TPV"
    authentication: str = "windows"
    user: str | None = None
    password: str = "${file:database.password}"  # noqa: S105 - where it lies, not what it is
    trust: bool = False

    def keys(self) -> dict[str, str]:
        """The keys that are set, as YAML has them."""
        found = {
            "instance": quoted(self.instance),
            "name": quoted(self.name),
            "authentication": self.authentication,
            "trust_server_certificate": _scalar(self.trust),
        }
        if self.user is not None:
            found |= {"user": quoted(self.user), "password": quoted(self.password)}
        return found


class FtpAnswers(NamedTuple):
    """An FTP server. Nobody asks ``anonymous`` for a password."""

    host: str
    user: str = "anonymous"
    password: str | None = None
    tls: str = "explicit"

    def keys(self) -> dict[str, str]:
        """The keys that are set, as YAML has them."""
        found = {"host": quoted(self.host), "user": quoted(self.user), "tls": self.tls}
        return found if self.password is None else {**found, "password": quoted(self.password)}


class Answers(NamedTuple):
    """What ``init`` asks for. The defaults fit a lab on this machine."""

    shop: str = "0001"
    tills: tuple[str, ...] = ("01",)
    protocol: str = "soap"
    url: str = "http://127.0.0.1:8080"
    user: str | None = None
    password: str = "${file:server.password}"  # noqa: S105 - where it lies, not what it is
    deduplicates: bool = True
    tells_status: bool = True
    database: SqlServerAnswers | None = None
    ftp: FtpAnswers | None = None
    datasets: str | None = None


class _Page:
    """The lines of the file so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def blank(self) -> None:
        self.lines.append("")

    def say(self, text: str, indent: int = 0) -> None:
        """A comment, wrapped."""
        margin = " " * indent + "# "
        wrapped = textwrap.wrap(
            text.replace("`", ""),
            WIDTH,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
        self.lines.extend(wrapped)

    def line(self, text: str, indent: int = 0) -> None:
        self.lines.append(" " * indent + text)

    def key(
        self, model: type[BaseModel], name: str, value: str, indent: int = 0, used: bool = True
    ) -> None:
        """A key after what it means; one that is not used stands as a comment."""
        field = model.model_fields[name]
        self.say(field.description or "", indent)
        entry = f"{field.alias or name}: {value}".rstrip()
        self.line(entry if used else f"# {entry}", indent)


def till_yaml(answers: Answers, definition: Definition, token: str) -> str:
    """The text of the file. ``token`` is the name of the file with the API's token, beside it."""
    page = _Page()
    page.line(modeline("till"))
    page.say("Settings of tillwire for one till, or for the tills of one shop.")
    page.say(
        "What stands behind '#' is not set: each line says the default, or gives an example. "
        "Paths are relative to this file."
    )
    page.say("tillwire check FILE finds what is wrong; tillwire config show -c FILE shows it all.")
    page.blank()
    page.key(Settings, "shop", quoted(answers.shop))
    if len(answers.tills) == 1:
        page.key(Settings, "till", quoted(answers.tills[0]))
        page.key(Settings, "tills", "['01', '02']", used=False)
    else:
        page.key(Settings, "till", "'01'", used=False)
        page.key(Settings, "tills", "[" + ", ".join(map(quoted, answers.tills)) + "]")
    page.blank()
    page.key(Settings, "machine", "connection.yaml", used=False)
    page.blank()
    _parameters(page, definition)
    _server(page, answers)
    page.blank()
    _database(page, answers.database)
    _catalogue(page, answers.datasets)
    _rest(page, token)
    return "\n".join(page.lines) + "\n"


def quoted(text: str) -> str:
    """A text as YAML takes it in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def _parameters(page: _Page, definition: Definition) -> None:
    page.say(Settings.model_fields["parameters"].description or "")
    page.line("parameters:")
    declared = definition.model.parameters
    page.say("The settings that the vendor's documentation knows, with their French names.", 2)
    page.blank()
    for name in (name for name in VENDOR if name in declared):
        _parameter(page, declared[name])
        page.line(f"{name}:", 2)
        page.blank()
    page.say("The machine's own settings.", 2)
    page.blank()
    for name in (name for name in declared if name not in VENDOR):
        _parameter(page, declared[name])
        page.line(f"# {name}: {_scalar(declared[name].default)}", 2)
        page.blank()


def _parameter(page: _Page, parameter: Parameter) -> None:
    label = parameter.label
    if label:
        page.say(label.fr, 2)
        page.say(f"({label.en})", 2)
    limits = ""
    if parameter.min is not None and parameter.max is not None:
        limits = f" From {_scalar(parameter.min)} to {_scalar(parameter.max)}."
    empty = parameter.default
    follows = f"as {empty}" if empty in VENDOR else _scalar(empty)
    page.say(f"{parameter.about}{limits} Empty: {follows}.", 2)


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _server(page: _Page, answers: Answers) -> None:
    page.say(Settings.model_fields["server"].description or "")
    page.line("server:")
    page.key(ServerSettings, "protocol", answers.protocol, 2)
    page.key(ServerSettings, "url", quoted(answers.url), 2)
    page.key(ServerSettings, "ca_file", "authority.pem", 2, used=False)
    page.key(ServerSettings, "compression", "none", 2, used=False)
    page.key(ServerSettings, "deduplicates", _scalar(answers.deduplicates), 2)
    page.key(ServerSettings, "settle", "2min", 2, used=False)
    _auth(page, answers)
    page.key(ServerSettings, "actions", "", 2, used=answers.tells_status is False)
    page.say(
        "Their names, parameters and replies are a matter of the server: tillwire config "
        "show prints those in force.",
        4,
    )
    lacking = () if answers.tells_status else ("ticket_status",)
    for name in LACKING:
        page.say(Actions.model_fields[name].description or "", 4)
        if name in lacking:
            page.line(f"{name}: null", 4)
        else:
            page.line(f"    # {name}: null" if lacking else f"  #   {name}: null")
    _ftp(page, answers.ftp)


def _ftp(page: _Page, ftp: FtpAnswers | None) -> None:
    given = {} if ftp is None else ftp.keys()
    page.key(ServerSettings, "ftp", "", 2, used=bool(given))
    for name, value in _FTP.items():
        page.say(FtpSettings.model_fields[name].description or "", 4)
        if name in given:
            page.line(f"{name}: {given[name]}", 4)
        else:
            page.line(f"    # {name}: {value}" if given else f"  #   {name}: {value}")


def _auth(page: _Page, answers: Answers) -> None:
    used = answers.user is not None
    off = "" if used else "# "
    page.key(ServerSettings, "auth", "", 2, used=used)
    user, password = quoted(answers.user or "till"), quoted(answers.password)
    if answers.protocol == "rest":
        page.say(Auth.model_fields["body"].description or "", 4)
        page.line(f"{off}  body:", 2)
        page.line(f"{off}    login: {user}", 2)
        page.line(f"{off}    password: {password}", 2)
    else:
        page.say(Auth.model_fields["password"].description or "", 4)
        page.line(f"{off}  user: {user}", 2)
        page.line(f"{off}  password: {password}", 2)


def _database(page: _Page, server: SqlServerAnswers | None) -> None:
    given = {} if server is None else server.keys()
    page.say(Settings.model_fields["database"].description or "")
    page.line("database:")
    page.key(Database, "kind", "sqlserver" if given else "sqlite", 2, used=bool(given))
    page.key(Database, "path", "tillwire.db", 2, used=not given)
    for name, example in SQL_SERVER.items():
        page.key(Database, name, given.get(name, example), 2, used=name in given)
    page.blank()


def _catalogue(page: _Page, datasets: str | None) -> None:
    page.key(Settings, "catalogue", "", used=datasets is not None)
    for name, value in _CATALOGUE.items():
        field = CatalogueSettings.model_fields[name]
        key = field.alias or name
        page.say(field.description or "", 2)
        if datasets is None:
            page.line(f"#   {key}: {value}")
        elif name == "datasets":
            page.line(f"{key}: {quoted(datasets)}", 2)
        else:
            page.line(f"# {key}: {value}", 2)
    page.blank()


def _rest(page: _Page, token: str) -> None:
    page.key(Settings, "tickets", "", used=False)
    page.say(Tickets.model_fields["source"].description or "", 2)
    page.line("#   source:")
    for key, example in SOURCE.items():
        page.line(f"#     {key}: {example}")
    page.blank()
    page.say(Settings.model_fields["api"].description or "")
    page.line("api:")
    page.key(Api, "host", "127.0.0.1", 2, used=False)
    page.key(Api, "port", "8344", 2)
    page.key(Api, "token", quoted(f"${{file:{token}}}"), 2)
    page.key(Api, "allowed_hosts", "[127.0.0.1, localhost, '[::1]']", 2, used=False)
    page.key(Api, "allowed_origins", "[]", 2, used=False)
    page.key(Api, "metrics", "true", 2, used=False)
    page.blank()
    page.say(Settings.model_fields["log"].description or "")
    page.line("log:")
    page.key(Log, "format", "auto", 2)
    page.key(Log, "level", "info", 2, used=False)
    page.key(Log, "file", "logs/tillwire.log", 2, used=False)
    page.key(Log, "megabytes", "50", 2, used=False)
    page.blank()
    page.key(Settings, "workers", "4", used=False)
