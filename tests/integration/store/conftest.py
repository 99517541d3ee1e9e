"""Databases reached by the real drivers, on servers that do as the test says."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.store.odbc_driver import Login, connection_string
from engine.store.place import OdbcPlace
from tests.integration.store.tds import Answer, Numbers, Tds

PlaceOf = Callable[..., OdbcPlace]


def microsoft() -> str:
    """The file of Microsoft's driver, which its package brings along."""
    found = find_spec("mssql_python_odbc")
    assert found is not None
    assert found.origin is not None
    libraries = Path(found.origin).parent.glob("libs/linux/debian_ubuntu/*/lib/libmsodbcsql-18*")
    return str(next(libraries))


@pytest.fixture(params=["microsoft", "freetds"])
def driver(request: pytest.FixtureRequest) -> str:
    """Each of the two drivers."""
    return microsoft() if request.param == "microsoft" else "FreeTDS"


@pytest.fixture
def place_of(driver: str) -> PlaceOf:
    """A place on a port of this machine, with short times."""

    def place(port: int, password: str = "") -> OdbcPlace:
        login = Login(f"127.0.0.1,{port}", "TPV", ("sa", password), driver, "no", False, None)
        return OdbcPlace(
            r"TPV on CAISSE01\SQLEXPRESS",
            lambda: connection_string(login),
            login_timeout=1.0,
            query_timeout=1.0,
            lock_timeout=0.5,
        )

    return place


class Server:
    """What the scripted server answers: as a database of ours does, unless a test says more.

    ``answers`` are tried first: the first word of a key that is in a statement decides.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def __call__(self, statement: str) -> Answer:
        for word, answer in self.answers.items():
            if word in statement:
                return answer
        for word, row in USUAL.items():
            if word in statement:
                return Numbers(row)
        return None


USUAL = {
    "OPENJSON(N": (1,),
    "delayed_durability": (0, 0),
    "sp_getapplock": (0,),
    "snapshot_isolation_state": (1,),
    "OBJECT_ID": (1,),
    "MAX(version)": (2,),
    "XACT_STATE": (1,),
    "messages WHERE": (1,),
}


@pytest.fixture
def script() -> Server:
    """What the server answers."""
    return Server()


@pytest.fixture
def server(script: Server) -> Iterator[Tds]:
    """A server that does as the script says."""
    with Tds(script) as running:
        yield running
