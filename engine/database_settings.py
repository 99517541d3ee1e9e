"""The ``database:`` mapping of till.yaml: where the till keeps its tickets."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from engine.definition.model import Part
from engine.server.durations import Duration
from engine.server.secret import Secret, SecretUnavailable

if TYPE_CHECKING:
    from engine.store.place import Place

_SERVER_ONLY = (
    "instance",
    "name",
    "authentication",
    "user",
    "password",
    "driver",
    "encrypt",
    "trust_server_certificate",
    "host_name_in_certificate",
    "schema_name",
    "login_timeout",
    "query_timeout",
    "lock_timeout",
)
_FILE_ONLY = ("path",)
_NOT_OURS = frozenset({"dbo", "guest", "information_schema", "sys"})
_LONGEST_NAME = 128


def _word(raw: Any) -> Any:
    """What goes into a connection string: text without the signs that mean something there."""
    if not isinstance(raw, str):
        return raw
    if not raw or raw != raw.strip():
        raise ValueError("this is empty, or has a space at its beginning or end")
    if len(raw) > _LONGEST_NAME:
        raise ValueError(f"this has more than {_LONGEST_NAME} characters")
    strange = [letter for letter in raw if letter in "{}[];=\"'" or not letter.isprintable()]
    if strange:
        raise ValueError(f"this cannot have the character {strange[0]!r}")
    return raw


def _schema(raw: Any) -> Any:
    if not isinstance(raw, str):
        return raw
    letters = raw.replace("_", "a")
    if not (letters.isascii() and letters.isalnum() and not raw[0].isdigit() and len(raw) <= 63):
        raise ValueError("a schema has letters a to z, digits and '_' only, 63 at most")
    if raw.lower() in _NOT_OURS:
        raise ValueError(f"'{raw}' is the database's own: tillwire's tables get another schema")
    return raw


def _yes_or_no(raw: Any) -> Any:
    return {True: "yes", False: "no"}[raw] if isinstance(raw, bool) else raw


def _reveal(secret: Secret, folder: Path) -> str:
    from engine.store.errors import StoreError

    try:
        return secret.reveal(folder)
    except SecretUnavailable as fault:
        raise StoreError(f"The password of the database cannot be read: {fault}.") from fault


Word = Annotated[str, BeforeValidator(_word)]
SchemaName = Annotated[str, BeforeValidator(_schema)]


Encrypt = Annotated[
    Literal["yes", "no", "strict"],
    BeforeValidator(_yes_or_no, json_schema_input_type=Literal["yes", "no", "strict"] | bool),
]


class Database(Part):
    """Where the till keeps its tickets until the server has them, and its journal."""

    kind: Literal["sqlite", "sqlserver"] = Field(
        "sqlite",
        description="`sqlite`: a file of its own. `sqlserver`: a schema of its own in a database "
        "of SQL Server, such as the till program's.",
    )
    path: str = Field(
        "tillwire.db",
        min_length=1,
        description="sqlite: the database's file, relative to till.yaml. It is made when there is "
        "none.",
    )
    instance: Word | None = Field(
        None,
        description="sqlserver: the server and its instance, as in `CAISSE01\\SQLEXPRESS`, or the "
        "server and its port, as in `caisse01,1433`.",
        examples=["CAISSE01\\SQLEXPRESS"],
    )
    name: Word | None = Field(None, description="sqlserver: the database's name.", examples=["TPV"])
    authentication: Literal["windows", "sql"] = Field(
        "windows",
        description="sqlserver: `windows` logs in as the account that tillwire runs under, `sql` "
        "with `user` and `password`.",
    )
    user: Word | None = Field(
        None, description="sqlserver: the login, with `sql`.", examples=["tillwire"]
    )
    password: Secret | None = Field(
        None,
        description="sqlserver: its password, as `${env:NAME}` or `${file:path}`.",
        examples=["${file:database.password}"],
    )
    driver: Word | None = Field(
        None,
        description="sqlserver: the ODBC driver's name or file. Empty: the newest of Microsoft's "
        "18 and 17 that is installed, else FreeTDS.",
        examples=["ODBC Driver 18 for SQL Server"],
    )
    encrypt: Encrypt = Field(
        "yes",
        description="sqlserver: whether the connection is encrypted; `strict` (TDS 8) needs "
        "Microsoft's driver 18 and SQL Server 2022.",
    )
    trust_server_certificate: bool = Field(
        False,
        description="sqlserver: whether a certificate is accepted that no authority vouches for, "
        "such as the one that SQL Server makes for itself.",
    )
    host_name_in_certificate: Word | None = Field(
        None,
        description="sqlserver: the name in the server's certificate, where it is not the name in "
        "`instance`.",
        examples=["caisse01.example"],
    )
    schema_name: SchemaName = Field(
        "tillwire",
        alias="schema",
        description="sqlserver: the schema that holds tillwire's tables and nothing else. It is "
        "made when there is none.",
    )
    login_timeout: Duration = Field(
        10.0, ge=1, le=120, description="sqlserver: how long a log-in may take; 10s when empty."
    )
    query_timeout: Duration = Field(
        20.0, ge=1, le=600, description="sqlserver: how long a statement may take; 20s when empty."
    )
    lock_timeout: Duration = Field(
        5.0,
        ge=0.1,
        le=60,
        description="sqlserver: how long a statement waits for a lock of another program; 5s when "
        "empty.",
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        other = _FILE_ONLY if self.kind == "sqlserver" else _SERVER_ONLY
        strange = [name for name in other if name in self.model_fields_set]
        if strange:
            named = type(self).model_fields[strange[0]].alias or strange[0]
            kind = "sqlite" if self.kind == "sqlserver" else "sqlserver"
            raise ValueError(f"'{named}' belongs to kind: {kind}, and this is kind: {self.kind}")
        return self

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.kind == "sqlite":
            return self
        missing = [name for name in ("instance", "name") if getattr(self, name) is None]
        if missing:
            raise ValueError(f"with kind: sqlserver, '{missing[0]}' is needed")
        log_in = (self.user is not None, self.password is not None)
        if self.authentication == "sql" and not all(log_in):
            raise ValueError("with authentication: sql, both user and password are needed")
        if self.authentication == "windows" and any(log_in):
            raise ValueError("user and password belong to authentication: sql")
        if self.lock_timeout >= self.query_timeout:
            raise ValueError("lock_timeout must be shorter than query_timeout")
        if self.encrypt == "no" and self.trust_server_certificate:
            raise ValueError("without encryption there is no certificate to trust")
        return self

    @property
    def unused(self) -> frozenset[str]:
        """The keys that mean nothing for this kind of database."""
        if self.kind == "sqlserver":
            return frozenset(_FILE_ONLY)
        return frozenset(type(self).model_fields[name].alias or name for name in _SERVER_ONLY)

    def place(self, folder: Path, schema: str | None = None) -> "Place":
        """Where the store opens it; relative paths start from ``folder``. On SQL Server, another
        ``schema`` may be meant than the store's own.

        A password is read when it is used, and a StoreError raised then where it cannot be.
        """
        if self.kind == "sqlite":
            return folder / self.path
        from engine.store.place import sql_server

        secret = self.password
        return sql_server(
            instance=self.instance or "",
            name=self.name or "",
            user=self.user,
            password=None if secret is None else partial(_reveal, secret, folder),
            driver=self.driver,
            encrypt=self.encrypt,
            trust=self.trust_server_certificate,
            certificate_name=self.host_name_in_certificate,
            schema=schema or self.schema_name,
            login_timeout=self.login_timeout,
            query_timeout=self.query_timeout,
            lock_timeout=self.lock_timeout,
        )
