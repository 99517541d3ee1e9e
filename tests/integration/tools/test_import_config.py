"""``tillwire import-config`` against the lab: what is taken, what is refused, what is left."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from engine.settings import load_settings
from engine.swapping import replace
from tests.integration.tools.importing import HERE, THERE, Shop
from tests.integration.tools.test_first_minutes import LIMIT


@pytest.mark.parametrize("shop", ["soap", "rest"], indirect=True)
def test_a_configuration_is_shown_then_taken_and_the_one_before_kept(shop: Shop) -> None:
    """Its text with its comments, and the local keys as they were; once more changes nothing."""
    shop.offer()
    before = shop.files["till.yaml"]
    shown = shop.call("--dry-run")
    assert (shown.code, shown.err) == (0, "")
    assert "+  ticket_sync_interval: 2min\n" in shown.out
    assert shown.out.endswith("Nothing was changed: --dry-run.\n")
    assert "\x1b" not in shown.out
    assert shop.files == {"till.yaml": before}
    done = shop.call("--yes")
    assert (done.code, done.err) == (0, "")
    assert shop.files.keys() == {"till.yaml", "till.yaml.previous"}
    assert shop.files["till.yaml.previous"] == before
    settings = load_settings(shop.config)
    assert settings.parameters == {"ticket_sync_interval": "2min"}
    assert (settings.database.path, settings.api.port, settings.tills) == ("own.db", 9000, ("01",))
    assert "settle: 3min   # a slow server" in shop.files["till.yaml"]
    again = shop.call()
    assert (again.code, again.err) == (0, "")
    assert again.out == f"{shop.config} is already as the server has it: nothing to do.\n"


def test_a_person_is_asked_and_may_say_no(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only yes changes something; where nobody can be asked nothing is done."""
    shop.offer()
    before = shop.files
    for answers in ("\n", "n\n", ""):
        result = shop.call(answers=answers, terminal=True)
        assert (result.code, shop.files) == (1, before)
        assert result.err.endswith("Nothing was changed.\n")
    nobody = shop.call(answers="y\n")
    assert (nobody.code, shop.files) == (1, before)
    assert nobody.err == "Nothing was changed: nobody can be asked here. Use --yes.\n"
    assert shop.call(answers="y\n", terminal=True).code == 0
    assert shop.files != before


def test_a_terminal_gets_colours_unless_it_wants_none(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.offer()
    monkeypatch.setattr("engine.tools.import_config.in_colour", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "\x1b[32m+  ticket_sync_interval: 2min\x1b[0m" in shop.call("--dry-run").out


def test_other_bytes_than_were_told_are_refused(shop: Shop) -> None:
    shop.offer()
    shop.lab.lab.configurations.otherwise = {"sha256": "0" * 64}
    assert "shop.yaml is not what was offered: its SHA-256 is" in shop.refuses().err
    shop.lab.lab.configurations.otherwise = {"size": 7}
    assert "bytes where 7 were told" in shop.refuses().err


def test_a_till_that_the_server_does_not_know_stops_it(shop: Shop) -> None:
    shop.offer(tills=("02", "03"))
    assert shop.refuses().err == (
        "The server does not know till '01' of shop '0042'; it knows '02', '03'. Correct the "
        "number in till.yaml, or have it declared at the server.\n"
    )
    shop.lab.lab.configurations.otherwise = {"shop": "0099"}
    assert shop.refuses().err == (
        "This is the configuration of shop '0099', and this till is in shop '0042': nothing was "
        "changed.\n"
    )
    shop.lab.lab.configurations.put("0042", [], [])
    assert shop.refuses().err == (
        "The server has no configuration for till '01' of shop '0042': There is no configuration "
        "for till 01.\n"
    )


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("server: [\n", "shop.yaml (from the server):2:1", "This is not YAML"),
        ("a: 1\na: 2\n", "shop.yaml (from the server):2:1", "The key 'a' stands here twice."),
        ("caf\udce9: 1\n", "shop.yaml (from the server):1:4", "The byte 0xe9 is not UTF-8."),
        ("", "shop.yaml (from the server):1:1", "The file is empty."),
        (THERE + "workers: 0\n", "till.yaml (imported):13:10", "Expected at least 1"),
        (THERE.replace("2min", "2"), "till.yaml (imported):12:25", "[parameter-type]"),
        (THERE + "machine: gone.yaml\n", "till.yaml (imported):13:10", "There is no file '"),
    ],
)
def test_a_file_at_fault_is_refused_with_its_place(
    shop: Shop, text: str, place: str, words: str
) -> None:
    """Unparsable, unreadable, out of bounds, or with a machine that is not here."""
    shop.offer(text)
    err = shop.refuses().err
    assert place in err
    assert words in err


def test_a_machine_that_is_here_is_checked_too(shop: Shop) -> None:
    """What is wrong with it has its place in its own file."""
    (shop.folder / "own.yaml").write_text(
        "machine: own\ninitial: a\nstates: {a: {on: {x: b}}}\n", "utf-8"
    )
    shop.offer(THERE + "machine: own.yaml\n")
    assert f"{shop.folder / 'own.yaml'}:3:" in shop.refuses().err


def test_no_secret_is_shown_even_one_written_in_plain(shop: Shop) -> None:
    """Neither in the diff, of either file, nor when the file is refused for it."""
    text = shop.config.read_text("utf-8")
    shop.config.write_text(f"{text}  token: '${{file:till.token}}'\n", "utf-8")
    secret = "  # password: hunter2\nworkers: 2\n"
    shop.offer(THERE + secret)
    shown = shop.call("--dry-run")
    assert shown.code == 0
    assert "hunter2" not in shown.out
    assert "+  # password: ***\n" in shown.out
    shop.offer(THERE.replace("  settle", "  password: hunter2\n  settle"))
    assert "hunter2" not in shop.refuses().err


def test_a_server_that_is_not_there_or_cannot_be_asked_is_said(shop: Shop) -> None:
    shop.lab.turn("down")
    err = shop.refuses().err
    assert err.startswith("The configuration did not come: 127.0.0.1:")
    assert err.endswith("the connection was refused (while connecting).\n")
    text = shop.config.read_text("utf-8")
    shop.config.write_text(text.replace("fetch_configuration: {}", "ping: {}"), "utf-8")
    assert shop.refuses().err == (
        "This till.yaml does not say where a configuration comes from: set server.ftp, or "
        "server.actions.fetch_configuration to {}.\n"
    )
    assert shop.refuses("--from", "ftp").err == "This till.yaml has no server.ftp.\n"
    assert shop.call("--from", "pigeon").code == 2


def test_a_file_that_somebody_changes_meanwhile_is_left_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.offer()

    def changed(_config: Path) -> bool:
        with shop.config.open("a", encoding="utf-8") as file:
            file.write("# by hand\n")
        return True

    monkeypatch.setattr("engine.tools.import_config._agreed", changed)
    result = shop.call()
    assert (result.code, list(shop.files)) == (1, ["till.yaml"])
    assert "was changed by somebody else meanwhile: nothing was done." in result.err
    assert shop.files["till.yaml"].endswith("# by hand\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no mode bits, no owner and no links here")
def test_the_agent_s_account_reads_the_new_file_as_the_old_one(shop: Shop) -> None:
    """Mode and owner stay, and a link stays a link."""
    real = shop.folder / "real"
    real.mkdir()
    shop.config.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(shop.config, 65534, 65534)
    shop.config.rename(real / "till.yaml")
    shop.config.symlink_to(real / "till.yaml")
    before = (real / "till.yaml").stat()
    shop.offer()
    assert shop.call("--yes").code == 0
    after = (real / "till.yaml").stat()
    assert shop.config.is_symlink()
    assert sorted(path.name for path in real.iterdir()) == ["till.yaml", "till.yaml.previous"]
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert after.st_ino != before.st_ino


@pytest.mark.skipif(os.name == "nt", reason="a folder that may not be written in is made otherwise")
def test_a_folder_that_may_not_be_written_in_is_said(shop: Shop) -> None:
    """By an account that may only read; the file stays, and no part is left."""
    shop.offer()
    assert shop.call("--dry-run").code == 0
    with TemporaryDirectory() as name:  # outside of what only root may enter
        shop.folder = Path(name)
        shop.config = shop.folder / "till.yaml"
        shop.config.write_text(HERE.format(**shop.values), encoding="utf-8")
        shop.folder.chmod(0o555)
        was = os.geteuid()
        os.seteuid(65534 if was == 0 else was)
        try:
            result = shop.call("--yes")
        finally:
            os.seteuid(was)
        shop.folder.chmod(0o755)
        assert (result.code, list(shop.files)) == (1, ["till.yaml"])
        assert result.err == (
            f"{shop.config}.previous.part cannot be written: Permission denied. {shop.config} is "
            "as it was.\n"
        )


def test_a_write_that_fails_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a part nor another till.yaml."""
    path = tmp_path / "till.yaml"
    path.write_text("old\n", encoding="utf-8")
    (tmp_path / "till.yaml.previous").mkdir()
    with pytest.raises(OSError, match=r"directory|denied"):
        replace(path, "new\n")
    assert path.read_text("utf-8") == "old\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["till.yaml", "till.yaml.previous"]


KILLED = """\
import os, signal, sys
from pathlib import Path
from engine.swapping import replace
path, after = Path(sys.argv[1]), int(sys.argv[2])
seen = 0
def struck(event, arguments):
    global seen
    if event in ("open", "os.rename", "os.chmod", "os.remove") and str(path) in str(arguments[0]):
        seen += 1
        if seen > after:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(struck)
replace(path, "new\\n" * 20000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_kill_at_any_moment_leaves_one_whole_file(tmp_path: Path) -> None:
    """The old one or the new one, and the one before it as it was or as it is to be."""
    path = tmp_path / "till.yaml"
    before, new, older = "old\n" * 20000, "new\n" * 20000, "older\n"
    seen = set()
    for after in range(20):
        path.write_text(before, encoding="utf-8")
        (tmp_path / "till.yaml.previous").write_text(older, encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, str(path), str(after)], check=False, timeout=LIMIT
        )
        now = path.read_text("utf-8"), (tmp_path / "till.yaml.previous").read_text("utf-8")
        assert now in [(before, older), (before, before), (new, before)]
        seen.add(now)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
    assert len(seen) == 3
