"""``tillwire service``: the unit that it writes, what it does for it, and what it refuses."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.tools.service import command
from engine.tools.service.command import Wanted
from engine.tools.service.host import Account, Host, Ran
from engine.tools.service.unit import Service, unit_text

if sys.platform == "win32":
    pytest.skip("systemd is Linux's alone", allow_module_level=True)

ME = Account(os.getuid(), os.getgid())
MOST_EXPOSED = 2.0
"""What `systemd-analyze security` may say at most; 10 is a service without any protection."""


class Scripted(Host):
    """A machine with systemd that notes what it is to run; ``answers`` are by a part of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "units", folder / "booted")
        self.ran: list[str] = []
        self.answers: dict[str, Ran] = {}
        self.root = True
        self.found: Account | None = ME
        self.units.mkdir()
        self.booted.mkdir()

    @property
    def is_root(self) -> bool:
        return self.root

    def account(self, name: str) -> Account | None:
        return self.found if name == "tillwire" else None

    def run(self, command: Sequence[str], account: Account | None = None) -> Ran:
        if command[0] == "systemd-sysusers":
            self.found = ME
        self.ran.append(" ".join(("as the account:", *command) if account else command))
        return next((ran for key, ran in self.answers.items() if key in self.ran[-1]), Ran(0, ""))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """Of all folders none is hidden, for those of a test are."""
    monkeypatch.setattr(command, "HIDDEN", ())
    return Scripted(tmp_path)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A till.yaml whose database lies in a folder that is not there yet."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "till.token").write_text("secret", encoding="utf-8")
    (folder / "till.token").chmod(0o600)
    file = folder / "till.yaml"
    file.write_text(
        "shop: '0042'\ntill: '01'\nserver: {protocol: soap, url: 'http://harmony.example'}\n"
        "database: {path: ../data/till.db}\napi: {token: '${file:till.token}'}\n",
        encoding="utf-8",
    )
    return file


def unit(folder: Path) -> str:
    """A unit as it stands on a till; its program is there."""
    paths = (folder / "till.yaml", [folder / "state", Path("/var/lib/tillwire/logs")])
    return unit_text(Service("tillwire", "tillwire", Path(sys.executable), *paths))


def test_a_unit_has_what_keeps_an_agent_alive_and_apart(tmp_path: Path) -> None:
    """READY and the watchdog, an account, and a system that it can only read but for its data."""
    lines = unit(tmp_path).splitlines()
    run = f"-m engine.cli run -c {tmp_path}/till.yaml"
    wanted = [
        "Type=notify",
        f"ExecStart={sys.executable} {run}",
        "WatchdogSec=30",
        "Restart=on-failure",
        "TimeoutStopSec=20",
        "User=tillwire",
        "StateDirectory=tillwire",
        f"ReadWritePaths=-{tmp_path}/state",
        f"EnvironmentFile=-{tmp_path}/till.env",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "WantedBy=multi-user.target",
    ]
    assert [line for line in wanted if line not in lines] == []
    assert not any("/var/lib/tillwire/logs" in line for line in lines)  # StateDirectory has it


def test_a_path_means_to_systemd_what_it_says() -> None:
    """Blanks, quotes, % and $ are systemd's own signs."""
    config = Path('/srv/a "b" 100%/$HOME/till.yaml')
    text = unit_text(Service("t", "t", Path("/opt/t/bin/python"), config, [config.parent]))
    assert 'run -c "/srv/a \\"b\\" 100%%/$$HOME/till.yaml"' in text
    assert 'ReadWritePaths=-"/srv/a \\"b\\" 100%%/$HOME"' in text
    assert 'EnvironmentFile=-/srv/a "b" 100%%/$HOME/till.env' in text


def test_systemd_finds_the_unit_good_and_hardly_exposed(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing, and `security` less than 2.0."""
    file = tmp_path / "tillwire.service"
    file.write_text(unit(tmp_path), encoding="utf-8")

    def analyze(*arguments: str) -> str:
        done = subprocess.run(
            ["systemd-analyze", "--no-pager", *arguments, str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert analyze("verify") == ""
    told = analyze("security", "--offline=true", "--threshold=99")
    exposed = re.search(r"Overall exposure level for tillwire.service: ([\d.]+)", told)
    assert exposed is not None, told
    assert float(exposed[1]) < MOST_EXPOSED


def test_an_install_says_all_that_it_does_and_how_to_undo_it(
    tmp_path: Path, config: Path, host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """The account, the folder of the database, the unit; and the account tries it."""
    host.found = None
    assert command.install(Wanted(config), host) == 0
    file = host.units / "tillwire.service"
    assert capsys.readouterr().out.splitlines() == [
        "Done: makes the account tillwire, which nobody can log in to.",
        f"Done: makes the folder {tmp_path}/data.",
        f"Done: writes {file}.",
        "Done: has systemd start it at each boot.",
        "Start it:  tillwire service start",
        "Undo this: tillwire service uninstall",
    ]
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o750
    assert f"ReadWritePaths=-{tmp_path}/data" in file.read_text(encoding="utf-8")
    assert host.ran == [
        'systemd-sysusers --inline u tillwire - "tillwire" /var/lib/tillwire',
        "systemctl daemon-reload",
        "systemctl enable tillwire.service",
        f"as the account: {sys.executable} -m engine.cli check --no-explore {config}",
    ]


def test_a_dry_run_tells_the_same_and_changes_nothing(
    tmp_path: Path, config: Path, host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """An account that is not there yet may read no token, and owns no database of before."""
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "till.db-wal").touch()
    host.found = None
    host.root = False
    assert command.install(Wanted(config, dry=True), host) == 0
    told = capsys.readouterr().out
    assert f"Would do: lets it write to the folder {tmp_path}/data.\n" in told
    assert f"Would do: lets it read {tmp_path}/etc/till.token.\n" in told
    assert f"Would do: gives it {tmp_path}/data/till.db-wal.\n" in told
    assert (host.ran, list(host.units.iterdir())) == ([], [])
    assert (tmp_path / "etc" / "till.token").stat().st_mode & 0o777 == 0o600


def test_print_shows_the_unit_to_anybody(
    config: Path, host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a machine without systemd too."""
    host.booted.rmdir()
    host.root = False
    assert command.install(Wanted(config, "shop", "shop", show=True), host) == 0
    told = capsys.readouterr().out
    assert told.startswith("# Made by `tillwire service install`")
    assert "\nUser=shop\n" in told


def test_what_cannot_be_installed_is_a_sentence(
    tmp_path: Path, config: Path, host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file, no root, a unit of somebody else, a folder of others, no systemd."""
    told = []

    def refuse(code: int, wanted: Wanted) -> None:
        assert command.install(wanted, host) == code
        told.append(capsys.readouterr().err.strip())

    refuse(2, Wanted(tmp_path / "none.yaml"))
    host.root = False
    refuse(1, Wanted(config))
    host.root = True
    (host.units / "tillwire.service").write_text("[Unit]\n", encoding="utf-8")
    refuse(1, Wanted(config))
    host.booted.rmdir()
    refuse(2, Wanted(config))
    text = config.read_text(encoding="utf-8").replace("../data/till.db", "/etc/till.db")
    config.write_text(text, encoding="utf-8")
    refuse(1, Wanted(config))
    assert [sentence.split(".")[0] for sentence in told] == [
        f"There is no file {tmp_path}/none",
        "That changes the system: run it as root, with sudo say",
        f"{host.units}/tillwire",
        "This machine does not run systemd",
        "The agent would write to /etc, which others use too",
    ]
    assert (host.units / "tillwire.service").read_text(encoding="utf-8") == "[Unit]\n"


def test_what_a_hardened_service_does_not_see_is_refused(
    config: Path,
    host: Scripted,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A program in somebody's home would start by hand and never as the service."""
    monkeypatch.setattr(command, "HIDDEN", (Path(sys.executable).parent,))
    assert command.install(Wanted(config), host) == 1
    told = capsys.readouterr().err
    assert f"tillwire is installed where a service does not see: {sys.executable}." in told
    assert host.ran == []


def test_an_account_that_cannot_work_with_it_is_said(
    config: Path, host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check as that account has the last word, whatever the modes say."""
    host.answers["check --no-explore"] = Ran(126, "Permission denied")
    assert command.install(Wanted(config), host) == 1
    assert capsys.readouterr().err == "tillwire cannot work with it yet:\nPermission denied\n"


def test_an_uninstall_takes_away_what_install_made_and_leaves_data(
    tmp_path: Path, config: Path, host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second time, and a unit of somebody else, are sentences."""
    assert command.install(Wanted(config), host) == 0
    host.ran.clear()
    assert command.uninstall("tillwire", False, host) == 0
    assert host.ran == ["systemctl disable --now tillwire.service", "systemctl daemon-reload"]
    assert list(host.units.iterdir()) == []
    assert (tmp_path / "data").is_dir()
    assert command.uninstall("tillwire", False, host) == 1
    (host.units / "cron.service").touch()
    assert command.uninstall("cron", False, host) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("There is no service tillwire: ")
    assert told[1].endswith("was not made by tillwire; it is left alone.")


SHOWN = """\
LoadState=loaded
ActiveState={state}
SubState=running
UnitFileState=enabled
StatusText=Till 01: online.
NRestarts=2
ActiveEnterTimestamp=Tue 2026-11-24 08:00:00 UTC
Result=success
"""


def test_status_tells_what_systemd_and_the_agent_say(
    host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0 only for one that runs and is ready."""
    host.answers["show"] = Ran(0, SHOWN.format(state="active"))
    assert command.status("tillwire", False, host) == 0
    assert capsys.readouterr().out == (
        "tillwire: active (running) since Tue 2026-11-24 08:00:00 UTC, starts at boot\n"
        "  Till 01: online.\n"
        "  started again by systemd: 2 times\n"
    )
    host.answers["show"] = Ran(0, SHOWN.format(state="activating"))
    assert command.status("tillwire", True, host) == 1
    host.answers["show"] = Ran(0, "LoadState=not-found\nActiveState=inactive")
    assert command.status("tillwire", False, host) == 1
    assert "There is no service tillwire." in capsys.readouterr().err


def test_a_start_that_fails_shows_the_last_lines(
    host: Scripted, capsys: pytest.CaptureFixture[str]
) -> None:
    """And one that succeeds says that it is ready; a stop says what the next boot does."""
    host.answers |= {"show": Ran(0, SHOWN), "journalctl": Ran(0, "the database is in use")}
    assert (command.start("tillwire", host), command.stop("tillwire", host)) == (0, 0)
    host.answers["systemctl start"] = Ran(1, "Job failed.")
    assert command.start("tillwire", host) == 1
    told = capsys.readouterr()
    assert told.out.startswith("It runs and is ready.\nIt has stopped.")
    assert told.err.endswith("Job failed.\nIts last lines:\nthe database is in use\n")
