"""Which driver is taken, and what it is told."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.store import StoreError
from engine.store.odbc_driver import Login, choose, connection_string, kind_of, odbc

SEVENTEEN, EIGHTEEN = (f"ODBC Driver {n} for SQL Server" for n in (17, 18))
EXPRESS = r"CAISSE01\SQLEXPRESS"


def told(driver: str | None = EIGHTEEN, **details: Any) -> str:
    """The connection string of a log-in by Windows, unless it says more."""
    usual: dict[str, Any] = {
        "instance": EXPRESS,
        "name": "TPV",
        "words": None,
        "encrypt": "yes",
        "trust": False,
        "certificate_name": None,
    }
    return connection_string(Login(driver=driver, **(usual | details)))


def test_the_newest_driver_of_microsoft_is_taken_and_free_tds_where_there_is_none() -> None:
    assert choose(["FreeTDS", SEVENTEEN, EIGHTEEN, "SQLite3"]) == EIGHTEEN
    assert choose(["FreeTDS", SEVENTEEN]) == SEVENTEEN
    assert choose(["SQL Server", "FreeTDS"]) == "FreeTDS"


def test_without_a_driver_the_sentence_says_what_is_there_and_what_to_install() -> None:
    with pytest.raises(StoreError, match=r"found: SQLite, SQLite3\).*Driver 18.*tdsodbc"):
        choose(["SQLite3", "SQLite"])
    with pytest.raises(StoreError, match="found: none"):
        choose([])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (EIGHTEEN, "microsoft"),
        ("/opt/microsoft/msodbcsql17/lib64/libmsodbcsql-17.10.so", "microsoft"),
        ("FreeTDS", "freetds"),
        ("/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so", "freetds"),
        ("SQLite3", "other"),
    ],
)
def test_a_driver_is_known_by_its_name_or_its_file(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_microsofts_driver_is_told_not_to_mend_a_connection_unasked() -> None:
    """The lock that says who writes would be gone."""
    assert told() == (
        f"Driver={{{EIGHTEEN}}};Server={{{EXPRESS}}};Encrypt={{yes}};"
        "TrustServerCertificate={no};ConnectRetryCount={0};Database={TPV};"
        "Trusted_Connection={yes};APP={tillwire}"
    )


def test_a_password_is_only_a_value() -> None:
    """Whatever signs it has, it says nothing else."""
    text = told(words=("sa", "x;Encrypt=no}y"), certificate_name="caisse01", trust=True)
    assert "UID={sa};PWD={x;Encrypt=no}}y};APP=" in text
    assert "HostNameInCertificate={caisse01}" in text
    assert "TrustServerCertificate={yes}" in text


def test_free_tds_is_told_host_port_and_protocol() -> None:
    text = told("FreeTDS", instance="caisse01,1433", encrypt="no")
    assert "Server={caisse01}" in text
    assert "Port={1433}" in text
    assert "TDS_Version={7.4};ClientCharset={UTF-8}" in text
    assert "Encryption={off}" in text
    assert "Encryption={require}" in told("FreeTDS", trust=True)
    assert "Server={CAISSE01\\SQLEXPRESS}" in told("FreeTDS", trust=True)


@pytest.mark.parametrize(
    ("driver", "details", "words"),
    [
        ("FreeTDS", {}, "encrypts without asking who the server is"),
        ("FreeTDS", {"encrypt": "strict"}, "encrypt: strict asks"),
        ("FreeTDS", {"certificate_name": "x", "trust": True}, "host_name_in_certificate asks"),
        ("FreeTDS", {"encrypt": "no", "words": ("sa", "a;}b")}, "Choose another password"),
        ("FreeTDS", {"encrypt": "no", "words": ("sa", "{}")}, "Choose another password"),
        (SEVENTEEN, {"encrypt": "strict"}, "knows no encrypt: strict"),
    ],
)
def test_what_a_driver_cannot_do_is_said_before_it_is_asked(
    driver: str, details: dict[str, Any], words: str
) -> None:
    """No setting is left out in silence."""
    with pytest.raises(StoreError, match=words):
        told(driver, **details)


def test_the_drivers_of_the_system_are_looked_through() -> None:
    """Those of this machine: FreeTDS is among them, Microsoft's comes by its file."""
    assert "Driver={FreeTDS}" in told(None, encrypt="no")


def test_pyodbc_keeps_no_connection_that_was_closed() -> None:
    """Nor the lock that goes with it."""
    assert odbc().pooling is False


def test_a_system_without_a_driver_manager_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> Any:
        raise ImportError("libodbc.so.2: cannot open shared object file")

    monkeypatch.setattr("engine.store.odbc_driver.import_module", missing)
    with pytest.raises(StoreError, match=r"libodbc\.so\.2.*on Debian: libodbc2"):
        odbc()


def test_a_store_in_a_file_imports_no_odbc(tmp_path: Path) -> None:
    """A till without SQL Server needs no driver manager."""
    script = (
        "import sys; from pathlib import Path; from engine.store import Store\n"
        f"Store.open(Path({str(tmp_path / 'till.db')!r})).close()\n"
        "assert 'pyodbc' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
