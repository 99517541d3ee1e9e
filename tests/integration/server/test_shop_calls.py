"""Messages, offers and counts, over both wires: asked as documented, told as the lab has them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.lab import Lab, LabThread
from engine.server import (
    CallFailed,
    CallRejected,
    Message,
    Offer,
    Reason,
    ServerSettings,
    TicketParcel,
    connect,
    hmp,
)

WIRES = ["soap", "rest"]
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "MESSAGES": ("poll_messages", ("opened",)),
    "MESSAGESACK": ("acknowledge_messages", (["m1"],)),
    "OFFERS": ("fetch_offers", ("C7",)),
    "TICKETCOUNT": ("count_tickets", (1, 9)),
}


class Pair:
    """A lab and a client of it."""

    def __init__(self, lab: LabThread, protocol: str, **more: Any) -> None:
        self.lab = lab
        self.notices = lab.lab.notices
        url = lab.url_soap if protocol == "soap" else lab.url_rest
        settings = {"protocol": protocol, "url": url, **more}
        if protocol == "rest":
            settings["auth"] = {"body": {"login": "till", "password": "${env:LAB_PASSWORD}"}}
        self.server = connect(ServerSettings.model_validate(settings), "0042")

    def call(self, action: str, timeout: float = 5.0) -> Any:
        name, arguments = CALLS[action]
        return getattr(self.server, name)("01", *arguments, timeout)


@pytest.fixture
def pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("LAB_PASSWORD", "x")
    with LabThread(Lab()) as lab:
        made = Pair(lab, request.param)
        yield made
        made.server.close()


both = pytest.mark.parametrize("pair", WIRES, indirect=True)


@both
def test_messages_come_once_acknowledged_they_come_no_more(pair: Pair) -> None:
    rows = [
        {
            "id": "m1",
            "at": "2026-11-24T10:00:00Z",
            "level": "urgent",
            "title": "<é> &",
            "text": "a\nb",
        },
        {"id": "m2", "at": "soon"},
    ]
    pair.notices.put_messages(rows)
    assert pair.server.poll_messages("01", "opened", 5) == [
        Message("m1", "2026-11-24T10:00:00Z", "urgent", "<é> &", "a\nb"),
        Message("m2", "soon", "info", "", ""),
    ]
    assert pair.server.acknowledge_messages("01", ["m1"], 5) == ["m1"]
    assert [each.id for each in pair.server.poll_messages("01", "ticket", 5)] == ["m2"]
    assert len(pair.server.poll_messages("02", "returned", 5)) == 2


@both
def test_offers_come_for_everybody_and_for_a_customer(pair: Pair) -> None:
    pair.notices.put_offers([{"id": "g", "title": "t", "from": "2026-11-01", "data": {"é": 1}}])
    pair.notices.put_offers([{"id": "o", "until": "2026-11-30"}], "C&7 <é>")
    general = Offer("g", "", "t", "", "2026-11-01", "", '{"\\u00e9":1}')
    assert pair.server.fetch_offers("01", "", 5) == [general]
    assert pair.server.fetch_offers("01", "C&7 <é>", 5) == [
        general,
        Offer("o", "C&7 <é>", "", "", "", "2026-11-30", "{}"),
    ]


@both
def test_an_unknown_customer_is_refused_and_no_lost_link(pair: Pair) -> None:
    pair.notices.forget_customers(["C9"])
    with pytest.raises(CallRejected) as refused:
        pair.server.fetch_offers("01", "C9", 5)
    assert (refused.value.code, refused.value.message) == ("1", "This customer is not known.")


@both
def test_the_count_is_that_of_the_tickets_stored(pair: Pair) -> None:
    import hashlib

    digest = hashlib.sha256(b"x").hexdigest()
    parcels = [TicketParcel(f"0042/01/{n}", n, b"x", digest) for n in (2, 5)]
    pair.server.send_tickets("01", "b", parcels, 5)
    told = pair.server.count_tickets("01", 1, 6, 5)
    assert (told.count, told.first, told.last, told.missing) == (2, 2, 5, "1,3-4,6")
    assert told.digest == hashlib.sha256(f"2 {digest}\n5 {digest}\n".encode()).hexdigest()
    nothing = pair.server.count_tickets("09", 1, 6, 5)
    assert (nothing.count, nothing.first, nothing.missing) == (0, None, "1-6")


@both
def test_more_messages_than_one_answer_holds_come_in_several(pair: Pair) -> None:
    """4 MB of them, in answers that are each within the client's bounds."""
    pair.notices.put_messages([{"id": f"m{n}", "text": "é" * 2000} for n in range(1000)])
    came: list[str] = []
    polls = 0
    while told := pair.server.poll_messages("01", "opened", 10):
        assert {len(each.text) for each in told} == {2000}
        came += pair.server.acknowledge_messages("01", [each.id for each in told], 10)
        polls += 1
    assert came == [f"m{n}" for n in range(1000)]
    assert 1 < polls < 20


FAULTS: list[tuple[str, dict[str, Any], set[Reason]]] = [
    ("refuse", {}, {Reason.UNREACHABLE}),
    ("hang", {}, {Reason.TIMEOUT}),
    ("drip", {"interval": 0.2}, {Reason.TIMEOUT}),
    ("http_500", {}, {Reason.SERVER_ERROR}),
    ("http_503", {"retry_after": 7}, {Reason.SERVER_ERROR}),
    ("html_200", {}, {Reason.BAD_REPLY}),
    ("redirect", {}, {Reason.BAD_REPLY}),
    ("lost_answer", {}, {Reason.UNREACHABLE}),
    ("truncated", {}, {Reason.UNREACHABLE, Reason.BAD_REPLY}),
    ("gzip_bomb", {"mib": 16}, {Reason.BAD_REPLY}),
    ("technical_error", {}, {Reason.SERVER_ERROR}),
    ("bad_token", {}, {Reason.UNAUTHORIZED}),
]


@both
@pytest.mark.parametrize("action", list(CALLS))
def test_each_fault_is_its_reason_for_each_action_and_the_others_go_on(
    pair: Pair, action: str
) -> None:
    for fault, settings, reasons in FAULTS:
        pair.lab.turn(fault, action=action, **settings)
        with pytest.raises(CallFailed) as failed:
            pair.call(action, 0.3 if Reason.TIMEOUT in reasons else 5.0)
        assert failed.value.reason in reasons, fault
        assert failed.value.retry_after == settings.get("retry_after", 0)
        for other in CALLS.keys() - {action}:
            pair.call(other)
        pair.lab.clear()
    pair.lab.turn("rejected", action=action, code=12)
    with pytest.raises(CallRejected) as refused:
        pair.call(action)
    assert refused.value.code == "12"


@pytest.mark.parametrize("action", list(CALLS))
def test_an_action_that_till_yaml_leaves_empty_is_not_called(action: str) -> None:
    with LabThread(Lab()) as lab:
        name, _ = CALLS[action]
        pair = Pair(lab, "soap", actions={name: None})
        with pytest.raises(CallFailed) as failed:
            pair.call(action)
        assert failed.value.reason is Reason.LOCAL_ERROR
        assert f"it has no action '{name}'" in failed.value.message
        assert sum(lab.lab.calls.values()) == 0
        pair.server.close()


@pytest.mark.parametrize("action", list(CALLS))
def test_an_action_that_the_server_does_not_declare_is_a_server_error(action: str) -> None:
    with LabThread(Lab(undeclared=[action])) as lab:
        pair = Pair(lab, "soap")
        with pytest.raises(CallFailed) as failed:
            pair.call(action)
        assert failed.value.reason is Reason.SERVER_ERROR
        assert f"The action '{action}' is not declared here." in failed.value.message
        pair.server.close()


@pytest.mark.parametrize("protocol", WIRES)
def test_a_reply_about_something_else_is_a_bad_reply_with_its_sentence(
    serve: Any, client: Any, http: Any, soap_reply: Any, rest_reply: Any, protocol: str
) -> None:
    replies: list[tuple[str, dict[str, Any], str]] = [
        ("MESSAGES", {"messages": [{"id": ""}]}, "the id of a message is no text of 1 to 100"),
        ("MESSAGESACK", {"acknowledged": ["m9"]}, "a message that was not told"),
        ("OFFERS", {"customer": "C8", "offers": []}, "not about the customer that was asked"),
        ("TICKETCOUNT", {"count": "many"}, "its count is no whole number"),
    ]
    answers: list[bytes] = []

    def script(peer: Any) -> None:
        peer.request()
        peer.send(answers[-1])

    server = client(serve(script).url, protocol=protocol)
    for action, fields, sentence in replies:
        reply = {"resultcode": 0, **fields}
        soap = protocol == "soap"
        answers.append(http(soap_reply(json.dumps(reply))) if soap else rest_reply(reply))
        name, arguments = CALLS[action]
        with pytest.raises(CallFailed) as failed:
            getattr(server, name)("01", *arguments, 5)
        assert failed.value.reason is Reason.BAD_REPLY
        assert sentence in failed.value.message
        assert "C8" not in failed.value.message


@pytest.mark.parametrize(
    ("retour", "result", "words"),
    [
        (
            '{"resultcode": 4, "errormessage": "no customer C7, see c7."}',
            0,
            "no customer ***, see ***.",
        ),
        ("Customer C7 locked", 3, "Customer *** locked"),
    ],
)
def test_a_customers_code_is_struck_out_of_the_servers_words(
    serve: Callable[..., Any], client: Any, http: Any, soap_reply: Any,
    retour: str, result: int, words: str,
) -> None:  # fmt: skip
    """What is raised ends in logs and in the history."""

    def script(peer: Any) -> None:
        peer.request()
        peer.send(http(soap_reply(retour, result)))

    server = client(serve(script).url)
    with pytest.raises((CallFailed, CallRejected)) as caught:
        server.fetch_offers("01", "C7", 5)
    assert words in str(caught.value)
    assert "c7" not in repr(caught.value).lower()


def test_a_code_that_is_part_of_the_address_leaves_the_address_alone(client: Any) -> None:
    server = client("http://127.0.0.1:9")
    with pytest.raises(CallFailed) as failed:
        server.fetch_offers("01", "127", 5)
    assert failed.value.message.startswith("127.0.0.1:9")


def test_the_parameters_are_as_documented(serve: Any, client: Any) -> None:
    seen: list[bytes] = []

    def script(peer: Any) -> None:
        seen.append(peer.request())

    expected: dict[str, dict[str, str]] = {
        "MESSAGES": {"REASON": "opened"},
        "MESSAGESACK": {"IDS": '["m1"]'},
        "OFFERS": {"CUSTOMER": "C7"},
        "TICKETCOUNT": {"FROM": "1", "TO": "9"},
    }
    server = client(serve(script).url, protocol="rest")
    for action, (name, arguments) in CALLS.items():
        with pytest.raises(CallFailed):
            getattr(server, name)("01", *arguments, 5)
        asked = json.loads(seen[-1].partition(b"\r\n\r\n")[2])
        told = hmp.decode(asked["param"])
        assert asked["action"] == action
        assert told == {"ACTION": action, "SHOP": "0042", "TILL": "01", **expected[action]}
