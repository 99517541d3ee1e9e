"""What the lab has to tell: messages until they are acknowledged, offers by customer."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.lab.ledger import LabError
from engine.lab.notices import MOST, Notices

MOMENT = 1_795_514_400.0  # 2026-11-24T10:00:00Z


@pytest.fixture
def notices() -> Notices:
    return Notices(None, lambda: MOMENT)


def ids(rows: Any) -> list[str]:
    return [row["id"] for row in rows]


def test_a_message_is_told_until_it_is_acknowledged(notices: Notices) -> None:
    notices.put_messages([{"id": "m1", "title": "a"}, {"id": "m2"}], "01")
    assert notices.messages("01")[0] == {
        "id": "m1", "at": "2026-11-24T10:00:00Z", "level": "info", "title": "a", "text": "",
    }  # fmt: skip
    assert notices.acknowledge("01", ["m1", "m1", "gone"]) == ["m1", "gone"]
    assert ids(notices.messages("01")) == ["m2"]
    assert notices.messages("02") == []


def test_messages_for_every_till_are_acknowledged_by_each(notices: Notices) -> None:
    notices.put_messages([{"id": "all"}])
    notices.put_messages([{"id": "own"}], "01")
    notices.acknowledge("01", ["all"])
    assert (ids(notices.messages("01")), ids(notices.messages("02"))) == (["own"], ["all"])


def test_putting_replaces_and_more_adds(notices: Notices) -> None:
    notices.put_messages([{"id": "m1"}], "01")
    notices.acknowledge("01", ["m1"])
    assert notices.put_messages([{"id": "m2"}], "01", more=True) == 2
    assert notices.put_messages([{"id": "m1"}, {"id": "m3"}], "01") == 2
    assert ids(notices.messages("01")) == ["m3"], "m1 stays acknowledged"


def test_offers_are_general_or_a_customers_own(notices: Notices) -> None:
    notices.put_offers([{"id": "g", "until": "2026-11-30"}])
    notices.put_offers([{"id": "o", "data": {"x": 1}}], "C7")
    assert ids(notices.offers("")) == ["g"]
    own = notices.offers("C7")
    assert own is not None
    assert [(row["id"], row["customer"]) for row in own] == [("g", ""), ("o", "C7")]
    assert ids(notices.offers("C8")) == ["g"]


def test_customers_may_be_unknown(notices: Notices) -> None:
    notices.forget_customers(["C9"])
    assert notices.offers("C9") is None
    notices.forget_customers([])
    assert notices.offers("C9") == []


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["m"], "Each message is a JSON object; found 'm'."),
        ([{}], "Each message has an 'id', a text."),
        ([{"id": 5}], "'id' of the message is a text; found 5."),
        ([{"id": "m", "titel": "x"}], "has no 'titel'. Allowed: id, at, level, title, text."),
        ([{"id": "m", "level": "loud"}], "is one of info, warning, urgent; found 'loud'."),
        ([{"id": "m", "text": 1}], "'text' of the message is a text; found 1."),
        ([{"id": "m"}, {"id": "m"}], "Two of the messages have one id."),
        ([{"id": str(n)} for n in range(MOST + 1)], "There are 1001 messages; at most 1000"),
    ],
)
def test_a_message_that_cannot_be_put_is_refused_and_nothing_changes(
    notices: Notices, rows: list[object], sentence: str
) -> None:
    notices.put_messages([{"id": "before"}])
    with pytest.raises(LabError) as refused:
        notices.put_messages(rows)
    assert sentence in str(refused.value)
    assert ids(notices.messages("01")) == ["before"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"id": "o", "from": "tomorrow"}, "'from' of an offer is a date such as 2026-11-30"),
        ({"id": "o", "until": 5}, "'until' of the offer is a text; found 5."),
        ({"id": "o", "data": []}, "The data of an offer is a JSON object; found []."),
        ({"id": "o", "customer": "C"}, "The offer has no 'customer'."),
    ],
)
def test_an_offer_that_cannot_be_put_is_refused(
    notices: Notices, row: object, sentence: str
) -> None:
    with pytest.raises(LabError) as refused:
        notices.put_offers([row])
    assert sentence in str(refused.value)


def test_with_a_storage_directory_everything_outlives_the_process(tmp_path: Path) -> None:
    first = Notices(tmp_path / "lab", lambda: MOMENT)
    first.open()
    first.put_messages([{"id": "m1", "text": "é"}, {"id": "m2"}])
    first.acknowledge("01", ["m1"])
    first.put_offers([{"id": "o"}], "C7")
    first.forget_customers(["C9"])
    second = Notices(tmp_path / "lab", lambda: MOMENT)
    second.open()
    assert second.as_data() == first.as_data()
    assert ids(second.messages("01")) == ["m2"]
    assert second.offers("C9") is None


@pytest.mark.parametrize("text", ["[", "[]", "{}", '{"messages": 1}'])
def test_a_file_that_no_lab_wrote_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "notices.json").write_text(text, encoding="utf-8")
    with pytest.raises(LabError, match="not the notices that a lab wrote"):
        Notices(tmp_path).open()


def test_a_file_that_cannot_be_read_or_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "notices.json").mkdir()
    notices = Notices(tmp_path)
    with pytest.raises(LabError, match="cannot read"):
        notices.open()
    with pytest.raises(LabError, match="cannot write"):
        notices.put_messages([{"id": "m"}])
    assert notices.messages("01") == [], "what could not be written is not told"


def test_what_is_stored_is_json_that_a_person_can_read(tmp_path: Path) -> None:
    Notices(tmp_path).put_offers([{"id": "o"}])
    kept = json.loads((tmp_path / "notices.json").read_text(encoding="utf-8"))
    assert set(kept) == {"messages", "acknowledged", "offers", "unknown"}
