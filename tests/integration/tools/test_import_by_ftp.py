"""``tillwire import-config --from ftp``, against the lab's FTP server and against vsftpd."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.lab import LabThread
from engine.lab.configurations import TillFile
from engine.lab.ftp import FtpLab
from engine.settings import load_settings
from tests.integration.ftp.servers import Identity, Vsftpd, make_identity
from tests.integration.tools.importing import THERE, Result, Shop

PLAIN = "  ftp: {{host: 127.0.0.1, port: {port}, tls: none{folder}}}\n"
TLS = "  ftp: {{host: localhost, port: {port}, ca_file: '{ca_file}'{folder}}}\n"


class FtpShop(Shop):
    """A shop whose till.yaml names an FTP server; ``served`` is the folder there."""

    def __init__(self, lab: LabThread, folder: Path, ftp: str, main: Callable[..., Result]) -> None:
        till = folder / "till"
        till.mkdir()
        self.served = folder / "served"
        super().__init__(lab, till, "soap", main, ftp)

    def publish(self, text: str = THERE, tills: tuple[str, ...] = ("01", "02")) -> None:
        self.offer(text, tills)
        self.lab.lab.configurations.publish(self.served, "0042")

    def call(self, *more: str, answers: str = "", terminal: bool = False) -> Result:
        return super().call("--from", "ftp", *more, answers=answers, terminal=terminal)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    made = tmp_path / "served"
    made.mkdir()
    return made


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return make_identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture(params=["lab", "lab by TLS", "vsftpd by TLS"])
def everywhere(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    served: Path,
    identity: Identity,
    command: Callable[..., Result],
) -> Iterator[FtpShop]:
    """Plain, and with TLS and a private authority; vsftpd demands that sessions are reused."""
    key = (identity.certificate, identity.key) if "TLS" in request.param else None
    server: FtpLab | Vsftpd
    if request.param.startswith("lab"):
        server = FtpLab(served, tls=key)
    else:
        server = Vsftpd(served, identity)
    with server as running, LabThread() as lab:
        form = TLS if key else PLAIN
        ftp = form.format(
            port=running.port,
            ca_file=identity.authority,
            folder="" if isinstance(running, FtpLab) else ", folder: .",
        )
        yield FtpShop(lab, tmp_path, ftp, command)


@pytest.fixture
def ftp(served: Path) -> Iterator[FtpLab]:
    with FtpLab(served) as running:
        yield running


@pytest.fixture
def shop(ftp: FtpLab, tmp_path: Path, command: Callable[..., Result]) -> Iterator[FtpShop]:
    with LabThread() as lab:
        yield FtpShop(lab, tmp_path, PLAIN.format(port=ftp.port, folder=""), command)


def test_the_file_of_the_till_is_taken_and_the_server_s_address_stays(everywhere: FtpShop) -> None:
    """Whatever the imported file says of the FTP server."""
    shop = everywhere
    before = shop.files["till.yaml"]
    shop.publish(THERE.replace("  settle", "  ftp: {{host: elsewhere.example}}\n  settle"))
    done = shop.call("--yes")
    assert (done.code, done.err) == (0, "")
    assert shop.files["till.yaml.previous"] == before
    settings = load_settings(shop.config)
    assert settings.parameters == {"ticket_sync_interval": "2min"}
    assert settings.server.ftp is not None
    assert settings.server.ftp.host in ("127.0.0.1", "localhost")
    assert "Kept as it is here: server.ftp." in done.out
    assert shop.call().out.endswith("is already as the server has it: nothing to do.\n")


def test_a_shop_s_file_and_a_till_s_own_lie_side_by_side(shop: FtpShop) -> None:
    """The one that is for this till is taken."""
    own = THERE.format(**shop.values).replace("2min", "7min").encode()
    files = [TillFile("shop.yaml", b"a: [", ("02",)), TillFile("01.yaml", own, ("01",))]
    shop.lab.lab.configurations.put("0042", ["01", "02"], files)
    shop.lab.lab.configurations.publish(shop.served, "0042")
    assert shop.call("--yes").code == 0
    assert load_settings(shop.config).parameters == {"ticket_sync_interval": "7min"}


def test_a_till_that_the_server_does_not_know_stops_it(shop: FtpShop) -> None:
    shop.publish(tills=("02",))
    assert shop.refuses().err.startswith("The server does not know till '01' of shop '0042'; ")


def test_a_file_at_fault_is_refused_with_its_place(shop: FtpShop) -> None:
    shop.publish(THERE + "machine: gone.yaml\n")
    assert "till.yaml (imported):14:10: error: There is no file" in shop.refuses("--yes").err
    shop.publish("server: [\n")
    assert "shop.yaml (from the server):2:1: error: This is not YAML" in shop.refuses("--yes").err


def test_bytes_that_the_manifest_does_not_promise_are_refused(shop: FtpShop) -> None:
    """Changed after the manifest was written; told otherwise in it; no manifest, or half of one."""
    shop.publish()
    path = shop.served / "config" / "shop.yaml"
    path.write_bytes(path.read_bytes().replace(b"2min", b"9min"))
    assert "shop.yaml is not what was offered: its SHA-256 is" in shop.refuses("--yes").err
    shop.lab.lab.configurations.otherwise = {"size": 7}
    shop.publish()
    assert "bytes where 7 were told" in shop.refuses("--yes").err
    manifest = shop.served / "config" / "config.json"
    manifest.write_bytes(manifest.read_bytes()[:60])
    assert "config/config.json of the FTP server cannot be used: it is not JSON" in (
        shop.refuses("--yes").err
    )
    manifest.unlink()
    assert "RETR config/config.json" in (err := shop.refuses("--yes").err) or "SIZE" in err
    assert "550" in err


@pytest.mark.parametrize(
    "fault", ["short", "corrupt", "longer", "wrong_size", "wrong_login", "full"]
)
def test_a_server_at_fault_changes_nothing(shop: FtpShop, ftp: FtpLab, fault: str) -> None:
    """Whatever it does to the transfer, and once it is well again the import succeeds."""
    shop.publish()
    ftp.turn(fault)
    assert shop.refuses("--yes").err.startswith("The ")
    ftp.clear()
    assert shop.call("--yes").code == 0
