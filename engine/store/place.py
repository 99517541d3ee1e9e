"""Where a database is: a file, or a schema in a database that ODBC leads to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.store.odbc_dialect import Dialect, SqlServer


@dataclass(frozen=True, slots=True)
class OdbcPlace:
    """A schema in a database reached by ODBC. ``str`` gives what a sentence calls it.

    ``connection`` makes the connection string, a secret, each time that it is needed. It raises
    StoreError where no driver is there, or where the password cannot be read. The timeouts are
    in seconds: for a log-in, a statement, and the lock of another program.
    """

    label: str
    connection: Callable[[], str] = field(repr=False)
    dialect: Dialect = field(default_factory=SqlServer)
    schema: str = "tillwire"
    login_timeout: float = 10.0
    query_timeout: float = 20.0
    lock_timeout: float = 5.0

    def __str__(self) -> str:
        return self.label


Place = Path | OdbcPlace


def sql_server(
    *,
    instance: str,
    name: str,
    user: str | None,
    password: Callable[[], str] | None,
    driver: str | None,
    encrypt: Literal["yes", "no", "strict"],
    trust: bool,
    certificate_name: str | None,
    schema: str,
    login_timeout: float,
    query_timeout: float,
    lock_timeout: float,
) -> OdbcPlace:
    """A schema in a database of SQL Server; without a ``user`` the log-in is Windows' own."""

    def connection() -> str:
        from engine.store.odbc_driver import Login, connection_string

        words = None if user is None or password is None else (user, password())
        login = Login(instance, name, words, driver, encrypt, trust, certificate_name)
        return connection_string(login)

    return OdbcPlace(
        f"{name} on {instance}",
        connection,
        schema=schema,
        login_timeout=login_timeout,
        query_timeout=query_timeout,
        lock_timeout=lock_timeout,
    )
