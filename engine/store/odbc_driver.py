"""The ODBC driver: found, and told in its own words where to connect.

pyodbc is imported here and only when a database is to be reached by ODBC: it does not import
where the system has no driver manager.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any, Literal, NamedTuple

from engine.store.errors import StoreError

Kind = Literal["microsoft", "freetds", "other"]

KNOWN = ("ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server", "FreeTDS")
"""The drivers that are taken by themselves, the best first."""

NOT_THERE = (
    "Install Microsoft's ODBC Driver 18 for SQL Server, or FreeTDS (on Debian: tdsodbc), or name "
    "another one with database.driver."
)


class Login(NamedTuple):
    """Where to log in and as whom: ``words`` are user and password, None for Windows' own."""

    instance: str
    name: str
    words: tuple[str, str] | None
    driver: str | None
    encrypt: Literal["yes", "no", "strict"]
    trust: bool
    certificate_name: str | None


def odbc() -> Any:
    """The module pyodbc. StoreError where this machine cannot have it."""
    try:
        module: Any = import_module("pyodbc")
    except ImportError as error:
        raise StoreError(
            f"SQL Server is reached by ODBC, and its driver manager cannot be loaded ({error}). "
            f"Install it (on Debian: libodbc2), then a driver. {NOT_THERE}"
        ) from error
    # The driver manager would keep a connection that is closed, and with it the lock that says
    # who writes.
    module.pooling = False
    return module


def kind_of(driver: str) -> Kind:
    """Which family a driver is of, by its name or its file's."""
    words = driver.lower().replace(" ", "")
    if "msodbcsql" in words or ("odbcdriver" in words and "sqlserver" in words):
        return "microsoft"
    return "freetds" if "tds" in words else "other"


def choose(installed: Iterable[str]) -> str:
    """The best of the drivers that are installed. StoreError when none is for SQL Server."""
    there = list(installed)
    for name in KNOWN:
        if name in there:
            return name
    found = ", ".join(sorted(there)) or "none"
    raise StoreError(f"No ODBC driver for SQL Server is installed (found: {found}). {NOT_THERE}")


def connection_string(login: Login) -> str:
    """What ODBC is told, a secret: it holds the password. StoreError when the driver cannot do
    what the settings ask."""
    driver = login.driver or choose(odbc().drivers())
    words: dict[str, str] = {"Driver": driver}
    if kind_of(driver) == "freetds":
        words |= _free_tds(login)
    else:
        words |= _microsoft(login, driver)
    words["Database"] = login.name
    if login.words is None:
        words["Trusted_Connection"] = "yes"
    else:
        words["UID"], words["PWD"] = login.words
    words["APP"] = "tillwire"
    plain = kind_of(driver) == "freetds"
    return ";".join(f"{key}={_quoted(value, plain)}" for key, value in words.items())


def _quoted(value: str, plain: bool) -> str:
    """A value in which no sign means anything. FreeTDS knows no way to write '}' in braces."""
    if not plain or "}" not in value:
        return "{" + value.replace("}", "}}") + "}"
    if ";" in value or value.startswith("{"):
        raise StoreError(
            "FreeTDS cannot be told a password with '}' that also has ';' or begins with '{'. "
            "Choose another password, or install Microsoft's ODBC Driver 18 for SQL Server."
        )
    return value


def _microsoft(login: Login, driver: str) -> dict[str, str]:
    if login.encrypt == "strict" and "17" in driver:
        raise StoreError(
            f"The driver '{driver}' knows no encrypt: strict. Install Microsoft's ODBC Driver 18 "
            "for SQL Server, or write encrypt: yes."
        )
    words = {
        "Server": login.instance,
        "Encrypt": login.encrypt,
        "TrustServerCertificate": "yes" if login.trust else "no",
        # A connection that the driver mends unasked would have lost the lock that says who writes.
        "ConnectRetryCount": "0",
    }
    if login.certificate_name is not None:
        words["HostNameInCertificate"] = login.certificate_name
    return words


def _free_tds(login: Login) -> dict[str, str]:
    if login.encrypt == "strict" or login.certificate_name is not None:
        asked = "encrypt: strict" if login.encrypt == "strict" else "host_name_in_certificate"
        raise StoreError(
            f"FreeTDS cannot do what {asked} asks: it needs Microsoft's ODBC Driver 18 for SQL "
            "Server."
        )
    if login.encrypt == "yes" and not login.trust:
        raise StoreError(
            "FreeTDS encrypts without asking who the server is. Write trust_server_certificate: "
            "true to accept that, or install Microsoft's ODBC Driver 18 for SQL Server."
        )
    host, comma, port = login.instance.removeprefix("tcp:").partition(",")
    words = {"Server": host.strip(), "TDS_Version": "7.4", "ClientCharset": "UTF-8"}
    if comma:
        words["Port"] = port.strip()
    words["Encryption"] = "off" if login.encrypt == "no" else "require"
    return words
