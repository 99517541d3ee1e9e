"""The control: knobs, counts and tickets over HTTP, also when the lab is down."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.lab import Lab
from engine.lab.ftp import FtpLab

if TYPE_CHECKING:
    from tests.integration.lab.conftest import Till


@pytest.fixture
def control(till: "Till") -> Callable[..., tuple[int, Any]]:
    """``control(method, path, body)`` -> status and JSON."""

    def ask(method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body)
        response = till.session.request(method, till.lab.url_control + path, data=data, timeout=10)
        return response.status_code, response.json()

    return ask


Control = Callable[..., tuple[int, Any]]


def test_the_state_tells_faults_counts_and_tickets_per_till(till: "Till", control: Control) -> None:
    till.rest("TICKETS", 1, 2)
    till.lab.turn("slow", ms=1)
    status, state = control("GET", "")
    assert status == 200
    assert state["tickets"] == {"01": 2}
    assert state["calls"]["TICKETS"] == 1
    assert [fault["fault"] for fault in state["faults"]] == ["slow"]
    assert state["soap"] == till.lab.url_soap


def test_tickets_are_listed_with_their_digests_and_their_bytes_on_request(
    till: "Till", control: Control
) -> None:
    till.rest("TICKETS", 1, 2, 3)
    status, page = control("GET", "/tickets?till=01&offset=1&limit=1")
    assert (status, page["total"], len(page["tickets"])) == (200, 3, 1)
    entry = page["tickets"][0]
    assert (entry["key"], entry["size"], "text" in entry) == ("0042/01/2", 8, False)
    assert control("GET", "/tickets?payload=true")[1]["tickets"][2]["text"] == "ticket 3"
    assert control("GET", "/tickets?till=99")[1]["total"] == 0


def test_the_summary_counts_and_gives_digests_by_number(till: "Till", control: Control) -> None:
    till.rest("TICKETS", 2, 1)
    assert control("GET", "/tickets/summary?till=01") == (
        200,
        {"count": 2, "distinct": 2, "twice": 0},
    )
    digests = control("GET", "/tickets/summary?till=01&sha256=true")[1]["sha256"]
    assert list(digests) == ["2", "1"]
    by_key = control("GET", "/tickets/summary?sha256=true")[1]["sha256"]
    assert by_key["0042/01/1"] == digests["1"] == till.lab.lab.tickets("01")[1].sha256


def test_a_fault_is_turned_on_and_off(till: "Till", control: Control) -> None:
    status, answer = control("PUT", "/faults", {"fault": "http_500", "action": "PING"})
    assert (status, answer["on"][0]["fault"]) == (200, "http_500")
    assert till.soap("PING").status_code == 500
    assert control("DELETE", "/faults?fault=hang")[1]["on"] != []
    assert control("DELETE", "/faults")[1]["on"] == []
    assert till.soap("PING").status_code == 200


def test_down_and_up_again_while_the_control_stays(till: "Till", control: Control) -> None:
    assert control("PUT", "/down", {})[0] == 200
    with pytest.raises(ConnectionRefusedError):
        till.connect()
    assert control("GET", "")[1]["faults"][0]["fault"] == "down"
    assert control("DELETE", "/down")[0] == 200
    assert till.soap("PING").status_code == 200
    assert control("PUT", "/down", {"for": 0.05})[0] == 200
    assert till.lab.wait(lambda lab: not lab.is_down, 10.0)


def test_the_main_port_has_the_control_too_and_can_take_itself_down(till: "Till") -> None:
    base = f"http://127.0.0.1:{till.lab.port}/lab"
    till.lab.turn("http_500")
    assert till.session.get(base, timeout=10).status_code == 200
    response = till.session.put(f"{base}/down", timeout=10)
    assert (response.status_code, response.headers["Connection"]) == (200, "close")
    with pytest.raises(ConnectionRefusedError):
        till.connect()


def test_ticket_numbers_to_refuse_are_set(till: "Till", control: Control) -> None:
    assert control("PUT", "/refusals", {"numbers": [2]}) == (200, {"numbers": [2]})
    told = json.loads(till.rest("TICKETS", 1, 2).json()["result"])["tickets"]
    assert [entry["status"] for entry in told] == ["stored", "refused"]


def test_tokens_are_shortened_and_ended(till: "Till", control: Control) -> None:
    till.log_in()
    assert control("DELETE", "/tokens")[0] == 200
    assert till.rest("PING").status_code == 401
    assert control("PUT", "/tokens", {"lifetime": 90}) == (200, {"lifetime": 90.0})
    answer = till.post_json(till.lab.url_auth, {"login": "shop", "password": "x"}).json()
    assert answer["expires_in"] == 90


@pytest.mark.parametrize(
    ("method", "path", "body", "sentence"),
    [
        ("PUT", "/faults", {"fault": "hangg"}, "Did you mean 'hang'?"),
        ("PUT", "/faults", {}, "'fault' is missing. Allowed: bad_token, down, drip"),
        ("PUT", "/faults", {"fault": "slow", "ms": -1}, "a whole number from 0 to 600000"),
        ("PUT", "/faults", b"{", "The body is not JSON."),
        ("PUT", "/faults", [], "The body is a JSON object"),
        ("DELETE", "/faults?fault=x", None, "There is no fault 'x'. Allowed: bad_token"),
        ("PUT", "/down", {"for": "long"}, "'for' of the fault 'down' is a number from 0.001"),
        ("PUT", "/refusals", {"numbers": ["1"]}, "a JSON list of ticket numbers"),
        ("PUT", "/tokens", {"lifetime": 0}, "a number of seconds, more than 0"),
        ("PUT", "/tokens", {"lifetime": True}, "a number of seconds, more than 0"),
        ("GET", "/tickets?limit=-1", None, "'limit' is a whole number of 0 or more"),
        ("GET", "/tickets?payload=yes", None, "'payload' is true or false; found 'yes'"),
    ],
)
def test_bad_input_is_400_with_a_sentence_that_names_what_is_allowed(
    control: Control, method: str, path: str, body: object, sentence: str
) -> None:
    status, answer = control(method, path, body)
    assert status == 400
    assert sentence in answer["problem"]


def test_unknown_paths_and_methods_name_those_that_there_are(control: Control) -> None:
    status, answer = control("GET", "/nothing")
    assert (status, "/lab/faults" in answer["problem"]) == (404, True)
    assert control("POST", "/faults") == (405, {"problem": "/lab/faults takes DELETE, GET, PUT."})


def test_the_table_of_faults_is_there_to_read(control: Control) -> None:
    table = control("GET", "/faults")[1]["table"]
    assert table["drip"]["settings"]["interval"]["default"] == 0.5


def test_a_lab_can_be_given_a_control_port(start: "Callable[[Lab], Till]") -> None:
    first = start(Lab())
    free = first.lab.lab.control_port
    first.lab.stop()
    assert start(Lab(control_port=free)).lab.lab.control_port == free


def test_messages_are_put_added_and_told(till: "Till", control: Control) -> None:
    assert control("PUT", "/messages", {"messages": [{"id": "m1"}]}) == (
        200,
        {"till": "", "messages": 1},
    )
    body = {"till": "01", "messages": [{"id": "m2", "level": "urgent"}]}
    assert control("POST", "/messages", body)[1] == {"till": "01", "messages": 1}
    told = json.loads(till.rest("MESSAGES").json()["result"])["messages"]
    assert [row["id"] for row in told] == ["m1", "m2"]
    till.rest("MESSAGESACK", 1)
    state = control("GET", "/messages")[1]
    assert list(state["acknowledged"]["01"]) == ["m1"]
    assert [row["level"] for row in state["messages"]["01"]] == ["urgent"]


def test_offers_are_put_for_everybody_and_for_one_customer(till: "Till", control: Control) -> None:
    control("PUT", "/offers", {"offers": [{"id": "g"}]})
    body = {"customer": "C7", "offers": [{"id": "o"}], "unknown": ["C9"]}
    assert control("PUT", "/offers", body) == (
        200,
        {"customer": "C7", "offers": 1, "unknown": ["C9"]},
    )
    told = json.loads(till.rest("OFFERS", 7).json()["result"])["offers"]
    assert [(row["id"], row["customer"]) for row in told] == [("g", ""), ("o", "C7")]
    assert json.loads(till.rest("OFFERS", 9).json()["result"])["resultcode"] == 1
    assert control("GET", "/offers")[1]["unknown"] == ["C9"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/messages", {}, "'messages' is a JSON list"),
        ("/messages", {"messages": {}}, "'messages' is a JSON list"),
        ("/messages", {"messages": [{}]}, "Each message has an 'id'"),
        ("/messages", {"messages": [], "till": 1}, "'till' is a text"),
        ("/messages", {"messages": [], "shop": "1"}, "There is no 'shop' here. Allowed:"),
        ("/offers", {}, "Give 'offers', a list, or 'unknown'"),
        ("/offers", {"offers": 1}, "'offers' is a JSON list"),
        ("/offers", {"offers": [{"id": "o", "until": "x"}]}, "'until' of an offer is a date"),
        ("/offers", {"unknown": "C9"}, "'unknown' is a JSON list"),
        ("/offers", {"unknown": [9]}, "'unknown' is a list of customers' codes"),
        ("/config", {"tills": [], "files": {}}, "'shop' is the shop's id"),
        ("/config", {"shop": "0042", "tills": [1], "files": {}}, "'tills' is a list of till"),
        ("/config", {"shop": "0042", "tills": [], "files": []}, "'files' is an object"),
        ("/config", {"shop": "0042", "tills": [], "files": {"a": 1}}, "The file 'a' is a text"),
        ("/config", {"shop": "0042", "tills": [], "files": {"../a": ""}}, "'../a' is not a plain"),
    ],
)
def test_what_cannot_be_put_is_400_with_a_sentence(
    control: Control, path: str, body: object, sentence: str
) -> None:
    status, answer = control("PUT", path, body)
    assert status == 400
    assert sentence in answer["problem"]


def test_a_configuration_is_put_and_told(till: "Till", control: Control) -> None:
    """For the shop's tills; another shop has none."""
    body = {"shop": "0042", "tills": ["01", "02"], "files": {"shop.yaml": "workers: 2"}}
    expected = {"shop": "0042", "tills": ["01", "02"], "files": ["shop.yaml"]}
    assert control("PUT", "/config", body) == (200, expected)
    told = json.loads(till.rest("CONFIG").json()["result"])
    assert [told[name] for name in ("resultcode", "name", "text")] == [0, "shop.yaml", "workers: 2"]
    control("PUT", "/config", {**body, "shop": "0099"})
    control("PUT", "/config", {**body, "files": {}})
    assert json.loads(till.rest("CONFIG").json()["result"])["resultcode"] == 1


def test_a_configuration_is_published_by_ftp_too(
    start: "Callable[[Lab], Till]", tmp_path: Path
) -> None:
    """In the folder that the lab serves; where nothing can be written that is said."""
    till = start(Lab(ftp=FtpLab(tmp_path)))
    body = {"shop": "0042", "tills": ["01"], "files": {"shop.yaml": "workers: 2"}}
    address = f"{till.lab.url_control}/config"
    assert till.session.put(address, json=body, timeout=9).status_code == 200
    manifest = json.loads((tmp_path / "config" / "config.json").read_text("utf-8"))
    assert (manifest["tills"], manifest["files"][0]["name"]) == (["01"], "shop.yaml")
    assert (tmp_path / "config" / "shop.yaml").read_text("utf-8") == "workers: 2"
    (tmp_path / "config" / "02.yaml").mkdir()
    refused = till.session.put(address, json={**body, "files": {"02.yaml": ""}}, timeout=9)
    assert refused.status_code == 400
    assert refused.json()["problem"].startswith("The lab cannot publish in ")


def test_messages_and_offers_outlive_a_lab_with_storage(
    start: "Callable[[Lab], Till]", tmp_path: Path
) -> None:
    first = start(Lab(storage=tmp_path))
    first.lab.lab.notices.put_messages([{"id": "m1"}, {"id": "m2"}])
    first.lab.lab.notices.put_offers([{"id": "o"}], "C7")
    first.rest("MESSAGESACK", 1)
    first.lab.stop()
    second = start(Lab(storage=tmp_path))
    told = json.loads(second.rest("MESSAGES").json()["result"])["messages"]
    assert [row["id"] for row in told] == ["m2"]
    assert len(json.loads(second.rest("OFFERS", 7).json()["result"])["offers"]) == 1
