"""The programs read HMP and answer JSON objects, and say what they cannot use."""

import hashlib
import json
from typing import Any

import pytest

from engine.lab.answers import Call
from engine.lab.ledger import LabError, Ledger
from engine.lab.programs import BadParametersError, Programs, read_hmp
from engine.lab.rest import render


@pytest.fixture
def programs() -> Programs:
    return Programs(Ledger(True, None, lambda: 0.0), tells_ticket_status=True)


def entry(number: int, text: str = "one coffee") -> dict[str, object]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"key": f"0042/01/{number}", "number": number, "sha256": digest, "text": text}


def tickets(*entries: object, count: int | None = None) -> str:
    text = json.dumps(entries).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    said = len(entries) if count is None else count
    return f"<SHOP>0042<TILL>01<BATCH>b1<COUNT>{said}<TICKETS>{text}"


def test_hmp_has_names_in_any_case_and_escaped_values() -> None:
    read = read_hmp("<Action>PING<TEXT>a &lt;b&gt; &amp;lt; c<EMPTY>")
    assert read == {"ACTION": "PING", "TEXT": "a <b> &lt; c", "EMPTY": ""}


@pytest.mark.parametrize(
    ("param", "sentence"),
    [
        ("PING", "must begin with <NAME>"),
        ("<SHOP", "is not a <NAME>"),
        ("<>x", "is not a <NAME>"),
        ("<A B>x", "is not a <NAME>"),
        ("<SHOP>1<shop>2", "<SHOP> comes twice"),
    ],
)
def test_hmp_that_cannot_be_read_is_refused_with_a_sentence(param: str, sentence: str) -> None:
    with pytest.raises(BadParametersError, match=sentence):
        read_hmp(param)


def test_ping_answers_success_in_any_case_of_its_name(programs: Programs) -> None:
    outcome = programs.run("ping", "<ACTION>PING<SHOP>0042")
    assert outcome.error == 0
    assert outcome.reply["resultcode"] == 0


def test_tickets_echo_batch_and_count_and_give_a_verdict_for_each(programs: Programs) -> None:
    outcome = programs.run("TICKETS", tickets(entry(1, "<é> & co"), entry(2), entry(2)))
    assert (outcome.reply["batch"], outcome.reply["count"]) == ("b1", 3)
    assert outcome.reply["tickets"] == [
        {"key": "0042/01/1", "status": "stored", "code": "", "message": ""},
        {"key": "0042/01/2", "status": "stored", "code": "", "message": ""},
        {"key": "0042/01/2", "status": "duplicate", "code": "", "message": ""},
    ]


def test_a_ticket_that_cannot_be_read_is_refused_and_lets_the_others_pass(
    programs: Programs,
) -> None:
    no_number = {**entry(1), "number": "1"}
    no_payload = {"key": "0042/01/2", "number": 2, "sha256": ""}
    no_digest = {**entry(3), "sha256": None}
    outcome = programs.run("TICKETS", tickets(no_number, entry(4), no_payload, no_digest))
    listed: Any = outcome.reply["tickets"]
    told = [(ticket["key"], ticket["status"], ticket["code"]) for ticket in listed]
    assert told == [
        ("0042/01/1", "refused", "FORM"),
        ("0042/01/4", "stored", ""),
        ("0042/01/2", "refused", "FORM"),
        ("0042/01/3", "refused", "DIGEST"),
    ]


@pytest.mark.parametrize(
    ("param", "sentence"),
    [
        (tickets(entry(1), count=2), "<COUNT> says 2, but 1 tickets came."),
        ("<SHOP>0042<TILL>01<BATCH>b1<COUNT>1<TICKETS>[", "<TICKETS> is not JSON."),
        ("<SHOP>0042<TILL>01<BATCH>b1<COUNT>1<TICKETS>{}", "<TICKETS> is not a JSON list."),
        ("<SHOP>0042<TILL>01<COUNT>0<TICKETS>[]", "<BATCH> is missing."),
        (tickets("x"), "Each of <TICKETS> is a JSON object with a 'key'."),
        ("<ACTION>PING" + tickets(), "<ACTION> says 'PING', the call says 'TICKETS'."),
        ("<SHOP>0042<TILL>01<BATCH>b<COUNT>1<TICKETS>" + "[" * 5000, "<TICKETS> is not JSON."),
        (tickets(*range(10_001)), "<TICKETS> has more than 10000 entries."),
    ],
)
def test_a_batch_that_cannot_be_used_is_a_business_refusal(
    programs: Programs, param: str, sentence: str
) -> None:
    outcome = programs.run("TICKETS", param)
    assert outcome.error == 0
    assert (outcome.reply["resultcode"], outcome.reply["errormessage"]) == (1, sentence)


def test_ticket_status_tells_what_is_stored_and_under_which_digest(programs: Programs) -> None:
    programs.run("TICKETS", tickets(entry(1)))
    keys = json.dumps(["0042/01/1", "0042/01/2"])
    outcome = programs.run("TICKETSTATUS", f"<SHOP>0042<TILL>01<KEYS>{keys}")
    assert outcome.reply["tickets"] == [
        {"key": "0042/01/1", "status": "stored", "sha256": entry(1)["sha256"]},
        {"key": "0042/01/2", "status": "unknown", "sha256": ""},
    ]


def test_ticket_status_takes_strings_only(programs: Programs) -> None:
    outcome = programs.run("TICKETSTATUS", "<KEYS>[1]")
    assert outcome.reply["errormessage"] == "<KEYS> is a JSON list of strings."


def test_a_ledger_that_cannot_write_is_a_technical_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ledger = Ledger(True, None, lambda: 0.0)

    def fail(*_batch: object) -> None:
        raise LabError("The disk is full.")

    monkeypatch.setattr(ledger, "receive", fail)
    call = Call("TICKETS", lambda: Programs(ledger, True).run("TICKETS", tickets(entry(1))), render)
    assert json.loads(call.answer().body) == {
        "error": 3,
        "txterr": "The disk is full.",
        "result": "",
    }


def test_an_action_that_is_not_declared_is_a_technical_failure(programs: Programs) -> None:
    silent = Programs(Ledger(True, None, lambda: 0.0), tells_ticket_status=False)
    assert silent.run("TICKETSTATUS", "<KEYS>[]").error == 2
    assert programs.run("PRICES", "").text == "The action 'PRICES' is not declared here."
