"""The ledger stores what arrives, once or as often as it is told to, and remembers it."""

import errno
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import Buffer

from engine.lab.ledger import LabError, Ledger, Parcel, payload_bytes, payload_fields


def parcel(number: int, payload: bytes = b"one coffee", till: str = "01") -> Parcel:
    digest = hashlib.sha256(payload).hexdigest()
    return Parcel("0042", till, number, f"0042/{till}/{number}", payload, digest)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(True, None, lambda: 1000.0)


def test_tickets_are_kept_in_the_order_of_arrival_with_all_that_is_known_of_them(
    ledger: Ledger,
) -> None:
    ledger.receive([parcel(2, b"\xff\x00"), parcel(1)], "b1")
    ledger.receive([parcel(7, till="02")], "b2")
    first = ledger.tickets("01")[0]
    assert [row.number for row in ledger.tickets("01")] == [2, 1]
    assert (first.shop, first.payload, first.batch, first.at) == ("0042", b"\xff\x00", "b1", 1000.0)
    assert ledger.counts() == {"01": 2, "02": 1}
    assert len(ledger.tickets()) == 3


def test_a_second_arrival_is_a_duplicate_and_is_not_stored(ledger: Ledger) -> None:
    ledger.receive([parcel(1)], "b1")
    verdicts = ledger.receive([parcel(1), parcel(2)], "b2")
    assert [v.status for v in verdicts] == ["duplicate", "stored"]
    assert [row.number for row in ledger.tickets("01")] == [1, 2]
    assert ledger.twice() == {}


def test_the_same_key_twice_in_one_batch_is_stored_once(ledger: Ledger) -> None:
    verdicts = ledger.receive([parcel(1), parcel(1)], "b1")
    assert [v.status for v in verdicts] == ["stored", "duplicate"]
    assert ledger.summary("01").count == 1


def test_other_bytes_under_a_known_key_are_refused(ledger: Ledger) -> None:
    ledger.receive([parcel(1)], "b1")
    verdict = ledger.receive([parcel(1, b"two coffees")], "b2")[0]
    assert (verdict.status, verdict.code) == ("refused", "DIFFERENT")
    assert ledger.tickets("01")[0].payload == b"one coffee"


def test_without_deduplication_a_key_is_stored_as_often_as_it_comes() -> None:
    ledger = Ledger(False, None, lambda: 1000.0)
    for _ in range(3):
        ledger.receive([parcel(1), parcel(2)][: 1 if ledger.tickets() else 2], "b")
    assert ledger.twice() == {"0042/01/1": 3}
    summary = ledger.summary("01")
    assert (summary.count, summary.distinct, summary.twice) == (4, 2, 1)
    assert list(summary.sha256) == ["0042/01/1", "0042/01/2"]


def test_a_payload_that_does_not_have_its_digest_is_refused_alone(ledger: Ledger) -> None:
    verdicts = ledger.receive([parcel(1)._replace(sha256="0" * 64), parcel(2)], "b1")
    assert [(v.status, v.code) for v in verdicts] == [("refused", "DIGEST"), ("stored", "")]


def test_numbers_on_the_list_are_refused_and_their_status_says_so(ledger: Ledger) -> None:
    ledger.refuses = frozenset({17})
    verdicts = ledger.receive([parcel(16), parcel(17)], "b1")
    assert [(v.status, v.code) for v in verdicts] == [("stored", ""), ("refused", "BUSINESS")]
    assert ledger.status("0042/01/17") == ("refused", "")
    assert ledger.status("0042/01/16") == ("stored", parcel(16).sha256)
    assert ledger.status("0042/01/18") == ("unknown", "")


def test_a_ticket_that_was_refused_and_then_stored_is_stored(ledger: Ledger) -> None:
    ledger.refuses = frozenset({17})
    ledger.receive([parcel(17)], "b1")
    ledger.refuses = frozenset()
    ledger.receive([parcel(17)], "b2")
    assert ledger.status("0042/01/17")[0] == "stored"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(True, tmp_path, lambda: 1000.5)
    ledger.open()
    yield ledger
    ledger.close()


def reopened(tmp_path: Path) -> Ledger:
    ledger = Ledger(True, tmp_path, lambda: 2000.0)
    ledger.open()
    ledger.close()
    return ledger


def test_a_storage_directory_brings_the_same_tickets_back(kept: Ledger, tmp_path: Path) -> None:
    kept.receive([parcel(1), parcel(2, b"\xff\x00\n"), parcel(3, "é\n\u2028".encode())], "b1")
    kept.close()
    again = reopened(tmp_path)
    assert again.tickets() == kept.tickets()
    assert again.status("0042/01/2") == kept.status("0042/01/2")


def test_a_line_that_was_cut_by_a_crash_is_dropped_and_the_next_one_is_whole(
    kept: Ledger, tmp_path: Path
) -> None:
    kept.receive([parcel(1), parcel(2)], "b1")
    kept.close()
    file = tmp_path / "tickets.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    again = Ledger(True, tmp_path, lambda: 2000.0)
    again.open()
    assert [row.number for row in again.tickets()] == [1]
    again.receive([parcel(2)], "b2")
    again.close()
    assert [row.number for row in reopened(tmp_path).tickets()] == [1, 2]


class FullDisk(io.BytesIO):
    """Takes a few bytes of the first write, and no more."""

    def write(self, data: Buffer) -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(bytes(data)[:10])


def test_a_disk_that_is_full_stores_nothing_and_leaves_no_half_line(ledger: Ledger) -> None:
    disk = FullDisk()
    ledger._file = disk
    with pytest.raises(LabError, match="cannot write its tickets: No space left on device"):
        ledger.receive([parcel(1), parcel(2)], "b1")
    assert ledger.tickets() == []
    assert disk.getvalue() == b""


def test_a_foreign_line_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "tickets.jsonl").write_text('{"key": "0042/01/1"}\n')
    with pytest.raises(LabError, match=r"tickets\.jsonl:1: this line is not a ticket"):
        reopened(tmp_path)


def test_a_directory_that_cannot_be_made_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot keep tickets in"):
        reopened(tmp_path / "file")


def test_bytes_that_are_not_utf_8_travel_as_base64_and_come_back_the_same() -> None:
    assert payload_fields(b"caf\xc3\xa9") == {"text": "café"}
    assert payload_fields(b"\xff") == {"base64": "/w=="}
    assert payload_bytes({"base64": "/w=="}) == b"\xff"


@pytest.mark.parametrize("fields", [{}, {"text": 1}, {"base64": "?"}, {"text": "", "base64": ""}])
def test_a_payload_of_neither_kind_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"text|base64"):
        payload_bytes(fields)
