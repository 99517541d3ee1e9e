"""The demo's folder, its till.yaml, its receipts and its summary."""

import hashlib
import random
import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.lab.ledger import Parcel
from engine.lab.thread import LabThread
from engine.settings import load_settings
from engine.store.store import Store
from engine.tools.demo import Outage, Summary, count
from engine.tools.demo_agent import FIRST_LINE, CannotShow, find_place, till_yaml
from engine.tools.demo_receipts import WIDTH, receipt
from engine.tools.demo_script import parameters

AT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def _earlier_demo(folder: Path, port: int) -> None:
    folder.mkdir()
    (folder / "till.yaml").write_text(f"{FIRST_LINE}\napi:\n  port: {port}\n", encoding="utf-8")
    (folder / "tillwire.db-wal").write_bytes(b"x")
    (folder / "agent.log").write_bytes(b"x")


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_the_first_demo_makes_its_folder(tmp_path: Path) -> None:
    """Nothing needs to be said of that."""
    assert find_place(tmp_path) == (tmp_path / "demo", "")
    assert (tmp_path / "demo").is_dir()


def test_what_an_earlier_demo_left_is_removed(
    tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old tickets would be counted as this demo's."""
    monkeypatch.chdir(tmp_path)
    _earlier_demo(tmp_path / "demo", free_port)

    place = find_place(Path.cwd())

    assert (place.name, place.remark) == ("demo", "What an earlier demo left in demo was removed.")
    assert list(place.folder.iterdir()) == []


def test_a_demo_that_still_runs_keeps_its_folder(tmp_path: Path) -> None:
    """Its agent listens on the port of its till.yaml; the next demo gets a number."""
    with socket.socket() as agent:
        agent.bind(("127.0.0.1", 0))
        agent.listen()
        _earlier_demo(tmp_path / "demo", agent.getsockname()[1])
        place = find_place(tmp_path)

    assert place.folder == tmp_path / "demo-2"
    assert place.remark.endswith("demo is in use: this demo has a folder of its own.")
    assert len(list((tmp_path / "demo").iterdir())) == 3


@pytest.mark.parametrize("name", ["notes.txt", "till.yaml"])
def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path, name: str) -> None:
    """Also one with a till.yaml that no demo wrote."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / name).write_bytes(b"shop: '1'\n")

    assert find_place(tmp_path).folder == tmp_path / "demo-2"
    assert [file.name for file in (tmp_path / "demo").iterdir()] == [name]


def test_a_demo_with_a_file_of_somebody_elses_in_it_is_left_alone(
    tmp_path: Path, free_port: int
) -> None:
    """All of it."""
    _earlier_demo(tmp_path / "demo", free_port)
    (tmp_path / "demo" / "notes.txt").write_bytes(b"x")

    assert find_place(tmp_path).folder == tmp_path / "demo-2"
    assert len(list((tmp_path / "demo").iterdir())) == 4


def test_where_nothing_can_be_written_the_folder_is_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so; where that fails too, the demo cannot be shown."""
    nowhere = tmp_path / "missing"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    place = find_place(nowhere)

    assert place.folder.parent == tmp_path
    assert place.remark.startswith(f"Nothing can be written in {nowhere}")
    monkeypatch.setattr("tempfile.tempdir", str(nowhere))
    with pytest.raises(CannotShow, match=r"^The demo finds no folder to write in: .*\.$"):
        find_place(nowhere)


def test_the_till_yaml_is_one_that_the_agent_takes(tmp_path: Path) -> None:
    """With the quick parameters, the lab's address and the port."""
    (tmp_path / "till.token").write_text("x", encoding="ascii")
    path = tmp_path / "till.yaml"
    path.write_text(till_yaml("http://127.0.0.1:8080", 8345, parameters(60)), encoding="utf-8")

    settings = load_settings(path)

    assert (settings.shop, settings.tills, settings.api.port) == ("0042", ("01",), 8345)
    assert settings.parameters == parameters(60)


def test_a_receipt_is_french_and_adds_up() -> None:
    """Accents in UTF-8, no line wider than the paper, and a total of its lines."""
    for seed in range(50):
        text = receipt(random.Random(seed), "0042", "01", 17, AT).decode("utf-8")
        lines = text.splitlines()
        head, bought, total = text.split("-" * WIDTH)

        assert max(map(len, lines)) <= WIDTH
        assert "Magasin 0042  Caisse 01  Ticket 17" in head
        amounts = [
            int(euros + cents)
            for euros, cents in re.findall(r"(\d+),(\d\d)$", bought, re.MULTILINE)
        ]
        found = re.search(r"^TOTAL .* (\d+),(\d\d) €$", total, re.MULTILINE)
        assert found
        assert sum(amounts) == int(found[1] + found[2])


def test_the_summary_is_six_values_as_json_and_sentences_as_text() -> None:
    """Times that nobody could take are null."""
    result = Summary(9, 7, 0, 0, 2, 1, 1.23456, None)

    assert result.as_json() == (
        '{"sold": 9, "at_server": 7, "lost": 0, "twice": 0, "notice_s": 1.235, "drain_s": null}'
    )
    assert result.as_text().splitlines() == [
        "9 tickets sold, 7 at the server, 0 lost, 0 there twice.",
        "2 wait in the till's database: there was no time to send them.",
        "The till noticed the dead server after 1.2 s.",
    ]
    longer = result._replace(waiting=0, outages=2, drain=3.0).as_text().splitlines()
    assert longer[1:] == [
        "The till noticed the dead server after at most 1.2 s.",
        "Once it was back, everything was there within at most 3.0 s.",
    ]


def test_tickets_are_counted_by_key_and_bytes(tmp_path: Path) -> None:
    """One there, one there twice, one with other bytes, one that waits, one that is nowhere."""
    sold = {f"0042/01/{n}": hashlib.sha256(b"%d" % n).hexdigest() for n in range(1, 6)}
    with Store.open(tmp_path / "till.db") as store:
        store.tickets.accept("0042", "01", 4, b"4", 0.0)

    def parcel(number: int, payload: bytes) -> Parcel:
        digest = hashlib.sha256(payload).hexdigest()
        return Parcel("0042", "01", number, f"0042/01/{number}", payload, digest)

    with LabThread() as lab:
        lab.lab.ledger.deduplicates = False
        lab.lab.ledger.receive([parcel(1, b"1"), parcel(2, b"2"), parcel(3, b"other")], "a")
        lab.lab.ledger.receive([parcel(2, b"2")], "b")
        outages = [Outage(0.0, 1.0, 0.0, 2.0), Outage(0.0, 3.0)]
        result = count(sold, lab, tmp_path / "till.db", outages)
        without = count(sold, lab, tmp_path / "nothing.db", [])

    assert result == Summary(5, 2, 2, 1, 1, 2, 3.0, 2.0)
    assert (without.lost, without.waiting, without.notice) == (3, 0, None)
