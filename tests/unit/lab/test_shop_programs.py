"""The programs for messages, offers and the count of tickets."""

import hashlib
import json
from datetime import datetime
from typing import Any

import pytest

from engine.lab.ledger import Ledger, Parcel
from engine.lab.notices import Notices
from engine.lab.programs import Programs

NOON = datetime(2026, 11, 24, 12).astimezone().timestamp()


class Central:
    """Programs on a ledger and notices whose clock stands at ``now``."""

    def __init__(self, *undeclared: str) -> None:
        self.now = NOON
        self.ledger = Ledger(False, None, lambda: self.now)
        self.notices = Notices(None, lambda: self.now)
        self.programs = Programs(self.ledger, True, self.notices, undeclared)

    def ask(self, action: str, param: str = "") -> Any:
        outcome = self.programs.run(action, f"<SHOP>0042<TILL>01{param}")
        assert outcome.error == 0
        return outcome.reply

    def store(self, *numbers: int) -> None:
        parcels = [
            Parcel("0042", "01", number, f"0042/01/{number}", b"x", sha(b"x")) for number in numbers
        ]
        self.ledger.receive(parcels, "b")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def central() -> Central:
    return Central()


def test_messages_are_told_for_each_reason_and_acknowledged(central: Central) -> None:
    central.notices.put_messages([{"id": "m1"}, {"id": "m2"}])
    for reason in ("opened", "closed", "day_closed", "ticket", "returned"):
        told = central.ask("MESSAGES", f"<REASON>{reason}")
        assert [row["id"] for row in told["messages"]] == ["m1", "m2"]
    assert central.ask("MESSAGESACK", '<IDS>["m1"]')["acknowledged"] == ["m1"]
    told = central.ask("MESSAGES", "<REASON>opened")
    assert (told["resultcode"], [row["id"] for row in told["messages"]]) == (0, ["m2"])


def test_offers_repeat_the_customer(central: Central) -> None:
    central.notices.put_offers([{"id": "g"}])
    assert central.ask("OFFERS", "<CUSTOMER>C7")["customer"] == "C7"
    assert central.ask("OFFERS")["customer"] == ""
    assert [row["id"] for row in central.ask("OFFERS", "<CUSTOMER>")["offers"]] == ["g"]


def test_an_unknown_customer_is_a_business_refusal_without_the_code(central: Central) -> None:
    central.notices.forget_customers(["C9"])
    assert central.ask("OFFERS", "<CUSTOMER>C9") == {
        "resultcode": 1,
        "errormessage": "This customer is not known.",
    }


def test_the_count_names_what_is_missing_and_a_digest_of_each_number_once(central: Central) -> None:
    central.store(9, 3, 5, 3)
    lines = "".join(f"{number} {sha(b'x')}\n" for number in (3, 5, 9))
    expected = {
        "resultcode": 0,
        "errormessage": "",
        "count": 3,
        "first": 3,
        "last": 9,
        "digest": sha(lines.encode()),
        "missing": "1-2,4,6-8,10",
    }
    assert central.ask("TICKETCOUNT", "<FROM>1<TO>10") == expected
    nothing = central.ask("TICKETCOUNT", "<FROM>20<TO>20")
    assert (nothing["count"], nothing["first"], nothing["missing"]) == (0, None, "20")
    assert nothing["digest"] == sha(b"")
    widest = central.ask("TICKETCOUNT", f"<FROM>0<TO>{2**63 - 1}")
    assert (widest["count"], widest["missing"][-20:]) == (3, f"-{2**63 - 1}")


def test_the_count_of_a_day_is_by_arrival(central: Central) -> None:
    central.store(1)
    central.now = NOON + 86_400
    central.store(2, 4)
    told = central.ask("TICKETCOUNT", "<DAY>2026-11-25")
    assert (told["count"], told["first"], told["last"], told["missing"]) == (2, 2, 4, "3")
    assert central.ask("TICKETCOUNT", "<DAY>2026-11-26")["count"] == 0


@pytest.mark.parametrize(
    ("action", "param", "sentence"),
    [
        ("MESSAGES", "", "<REASON> is missing."),
        ("MESSAGES", "<REASON>bored", "<REASON> is one of opened, closed, day_closed, ticket,"),
        ("MESSAGESACK", "", "<IDS> is missing."),
        ("MESSAGESACK", "<IDS>{}", "<IDS> is not a JSON list."),
        ("MESSAGESACK", "<IDS>[1]", "<IDS> is a JSON list of strings."),
        ("TICKETCOUNT", "", "<FROM> is missing."),
        ("TICKETCOUNT", "<FROM>1", "<TO> is missing."),
        ("TICKETCOUNT", "<FROM>-1<TO>2", "<FROM> is a ticket number."),
        ("TICKETCOUNT", f"<FROM>1<TO>{2**63}", "<TO> is a ticket number."),
        ("TICKETCOUNT", "<FROM>3<TO>2", "<FROM> is not more than <TO>."),
        ("TICKETCOUNT", "<DAY>24.11.2026", "<DAY> is a date such as 2026-11-24."),
        ("TICKETCOUNT", "<DAY>9999-12-31", "<DAY> is a date such as 2026-11-24."),
    ],
)
def test_parameters_that_cannot_be_used_are_a_business_refusal(
    central: Central, action: str, param: str, sentence: str
) -> None:
    reply = central.ask(action, param)
    assert reply["resultcode"] == 1
    assert reply["errormessage"].startswith(sentence)


@pytest.mark.parametrize("action", ["MESSAGES", "MESSAGESACK", "OFFERS", "TICKETCOUNT"])
def test_a_till_must_say_who_it_is(central: Central, action: str) -> None:
    param = "<REASON>opened<IDS>[]<FROM>1<TO>2<CUSTOMER>"
    reply = central.programs.run(action, param).reply
    assert (reply["resultcode"], reply["errormessage"]) == (1, "<TILL> is missing.")


def test_a_program_may_be_undeclared() -> None:
    central = Central("OFFERS")
    outcome = central.programs.run("OFFERS", "<TILL>01")
    assert (outcome.error, outcome.text) == (2, "The action 'OFFERS' is not declared here.")
    assert json.dumps(central.ask("MESSAGES", "<REASON>opened")["messages"]) == "[]"
