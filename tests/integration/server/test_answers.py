"""An answer that is not our server's good answer is told apart, and never taken for one."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from engine.server import CallFailed, CallRejected, Reason, TicketParcel

HTML = b"<html><body>Please log in</body></html>"
ZIP = "Content-Encoding: gzip\r\n"


@pytest.fixture
def failure(serve: Any, client: Any) -> Callable[..., CallFailed]:
    """``failure(answer, **settings)``: how a ping fails that is answered with these bytes."""

    def call(answer: bytes, **settings: Any) -> CallFailed:
        def script(peer: Any) -> None:
            peer.request()
            peer.send(answer)

        server = serve(script)
        with pytest.raises(CallFailed) as caught:
            client(server.url, **settings).ping("01", 5)
        assert f"127.0.0.1:{server.port}" in caught.value.message
        return caught.value

    return call


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary"])
def test_a_redirect_is_not_followed(failure: Any, http: Any, status: str) -> None:
    found = failure(http(b"", status, more="Location: http://127.0.0.1:9/login\r\n"))
    assert found.reason is Reason.BAD_REPLY
    assert "leads elsewhere" in found.message


@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_a_web_page_with_status_200_is_a_bad_reply(failure: Any, http: Any, protocol: str) -> None:
    found = failure(http(HTML, kind="text/html; charset=utf-8"), protocol=protocol)
    assert found.reason is Reason.BAD_REPLY
    assert "web page" in found.message


def test_a_web_page_that_says_it_is_xml_is_a_bad_reply(failure: Any, http: Any) -> None:
    assert failure(http(b"<!DOCTYPE html>" + HTML)).reason is Reason.BAD_REPLY


def test_another_media_type_is_a_bad_reply(failure: Any, http: Any, soap_reply: Any) -> None:
    found = failure(http(soap_reply(""), kind="application/pdf"))
    assert found.reason is Reason.BAD_REPLY
    assert "application/pdf" in found.message


def test_an_answer_that_does_not_say_its_kind_is_a_bad_reply(failure: Any) -> None:
    assert failure(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").reason is Reason.BAD_REPLY


def test_headers_cut_short_are_a_bad_reply(failure: Any) -> None:
    assert failure(b"HTTP/1.1 200 OK\r\nContent-Ty").reason is Reason.BAD_REPLY


def test_what_is_not_http_is_a_bad_reply(failure: Any) -> None:
    assert failure(b"SSH-2.0-OpenSSH_9.2\r\n").reason is Reason.BAD_REPLY


def test_a_body_shorter_than_announced_is_a_bad_reply(
    failure: Any, http: Any, soap_reply: Any
) -> None:
    found = failure(http(soap_reply(""))[:-20])
    assert found.reason is Reason.BAD_REPLY
    assert found.reached


def test_a_chunked_body_cut_short_is_a_bad_reply(failure: Any, soap_reply: Any) -> None:
    body = soap_reply("")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert failure(head + b"%x\r\n%b\r\n" % (len(body), body)).reason is Reason.BAD_REPLY


def test_a_close_delimited_body_cut_short_is_a_bad_reply(failure: Any, soap_reply: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n"
    assert failure(head + soap_reply("")[:-20]).reason is Reason.BAD_REPLY


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(failure: Any, http: Any) -> None:
    packer = zlib.compressobj(9, wbits=31)
    piece = b" " * 1_000_000
    bomb = b"".join(packer.compress(piece) for _ in range(200)) + packer.flush()
    found = failure(http(bomb, more=ZIP))
    assert found.reason is Reason.BAD_REPLY
    assert "unpacks" in found.message


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed[:-4],
        lambda packed: packed + b"more",
        lambda packed: b"not gzip" + packed,
        lambda packed: packed[:20] + b"\xff\xff" + packed[22:],
        lambda packed: packed[:0],
    ],
    ids=["cut", "more", "not-gzip", "damaged", "empty"],
)
def test_a_damaged_gzip_answer_is_a_bad_reply(
    failure: Any, http: Any, soap_reply: Any, spoil: Callable[[bytes], bytes]
) -> None:
    packed = spoil(gzip.compress(soap_reply("")))
    assert failure(http(packed, more=ZIP)).reason is Reason.BAD_REPLY


def test_a_good_gzip_answer_is_read(serve: Any, client: Any, http: Any, soap_reply: Any) -> None:
    def script(peer: Any) -> None:
        assert b"accept-encoding: gzip\r\n" in peer.request().lower()
        peer.send(http(gzip.compress(soap_reply("")), more=ZIP))

    assert client(serve(script).url).ping("01", 5) > 0


def test_an_encoding_that_was_not_asked_for_is_a_bad_reply(failure: Any, http: Any) -> None:
    found = failure(http(b"x", more="Content-Encoding: br\r\n"))
    assert found.reason is Reason.BAD_REPLY


def test_an_answer_announced_too_large_is_refused_unread(failure: Any) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 999999999999\r\n\r\n"
    found = failure(head)
    assert found.reason is Reason.BAD_REPLY
    assert "larger" in found.message


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nConnection: close\r\n\r\n",
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"7fffffff\r\n"
        ),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    ],
    ids=["no-length", "huge-chunk", "continues"],
)
def test_an_answer_without_end_is_refused_at_its_cap(serve: Any, client: Any, head: bytes) -> None:
    def script(peer: Any) -> None:
        peer.request()
        while not peer.stop.is_set():
            peer.send(head if b"100 Continue" in head else head + b" " * 65536)

    with pytest.raises(CallFailed) as caught:
        client(serve(script).url).ping("01", 10)
    assert caught.value.reason is Reason.BAD_REPLY


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_a_server_that_does_not_let_us_in_is_unauthorized(
    failure: Any, http: Any, status: str
) -> None:
    found = failure(http(HTML, status, kind="text/html"))
    assert found.reason is Reason.UNAUTHORIZED
    assert not found.reached


@pytest.mark.parametrize(
    ("status", "reached"),
    [("500 Error", True), ("502 Bad", True), ("503 Busy", True), ("429 Many", False)],
)
def test_a_server_in_trouble_is_a_server_error(
    failure: Any, http: Any, status: str, reached: bool
) -> None:
    found = failure(http(HTML, status, kind="text/html"))
    assert found.reason is Reason.SERVER_ERROR
    assert found.retry_after == 0
    assert found.reached is reached


@pytest.mark.parametrize("status", ["429 Many", "500 Error", "503 Busy"])
def test_retry_after_in_seconds_is_handed_on(failure: Any, http: Any, status: str) -> None:
    assert failure(http(b"", status, more="Retry-After: 17\r\n")).retry_after == 17


def test_retry_after_as_a_date_counts_from_the_servers_own_clock(failure: Any, http: Any) -> None:
    date = f"Date: {formatdate(1_000_000, usegmt=True)}\r\n"
    more = f"{date}Retry-After: {formatdate(1_000_090, usegmt=True)}\r\n"
    assert failure(http(b"", "503 Busy", more=more)).retry_after == 90


def test_retry_after_is_obeyed_for_a_day_at_most(failure: Any, http: Any) -> None:
    found = failure(http(b"", "503 Busy", more="Retry-After: 99999999\r\n"))
    assert found.retry_after == 86400


def test_a_missing_page_tells_to_check_the_address(failure: Any, http: Any) -> None:
    found = failure(http(HTML, "404 Not Found", kind="text/html"))
    assert found.reason is Reason.BAD_REPLY
    assert "server.url" in found.message


@pytest.mark.parametrize(
    ("status", "words", "reached"),
    [
        ("413 Too Large", "of this size", False),
        ("415 Unsupported", "server.compression", False),
        ("418 Teapot", "never gives", True),
        ("204 No Content", "never gives", True),
    ],
)
def test_another_status_is_a_bad_reply(
    failure: Any, http: Any, status: str, words: str, reached: bool
) -> None:
    found = failure(http(b"", status))
    assert found.reason is Reason.BAD_REPLY
    assert words in found.message
    assert found.reached is reached


@pytest.mark.parametrize(
    ("body", "words"),
    [(b'{"txterr": "no room left"}', "no room left"), (HTML, "HTTP 500"), (b"{}", "HTTP 500")],
)
def test_a_500_of_rest_is_a_server_error_with_its_words(
    failure: Any, http: Any, body: bytes, words: str
) -> None:
    found = failure(http(body, "500 Error", kind="application/json"), protocol="rest")
    assert found.reason is Reason.SERVER_ERROR
    assert words in found.message


def test_a_soap_fault_is_a_server_error_with_its_words(failure: Any, http: Any) -> None:
    fault = (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
        b"<faultcode>s:Server</faultcode><faultstring>no database</faultstring>"
        b"</s:Fault></s:Body></s:Envelope>"
    )
    for status in ("500 Error", "200 OK"):
        found = failure(http(fault, status))
        assert found.reason is Reason.SERVER_ERROR
        assert "no database" in found.message


def test_a_technical_result_is_a_server_error(failure: Any, http: Any, soap_reply: Any) -> None:
    found = failure(http(soap_reply("program not found", result=7)))
    assert found.reason is Reason.SERVER_ERROR
    assert "7" in found.message
    assert "program not found" in found.message


def test_a_technical_error_of_rest_is_a_server_error(failure: Any, rest_reply: Any) -> None:
    found = failure(rest_reply({}, error=12, txterr="no licence"), protocol="rest")
    assert found.reason is Reason.SERVER_ERROR
    assert "no licence" in found.message


@pytest.mark.parametrize("body", [b"[]", b"7", b"{", b'{"result": "x"}', b"[" * 100_000])
def test_json_of_another_shape_is_a_bad_reply(failure: Any, http: Any, body: bytes) -> None:
    found = failure(http(body, kind="application/json"), protocol="rest")
    assert found.reason is Reason.BAD_REPLY


def test_a_ping_that_the_program_answers_badly_is_a_server_error(
    failure: Any, http: Any, soap_reply: Any
) -> None:
    ping = {"reply": "json", "success": {"field": "resultcode"}}
    answer = http(soap_reply('{"resultcode": 5, "errormessage": "closed for stock-taking"}'))
    found = failure(answer, actions={"ping": ping})
    assert found.reason is Reason.SERVER_ERROR
    assert "5: closed for stock-taking" in found.message


TICKETS = [
    TicketParcel(f"0042/01/{n}", n, b"ticket %d" % n, hashlib.sha256(b"ticket %d" % n).hexdigest())
    for n in (1, 2)
]


@pytest.fixture
def batch(serve: Any, client: Any, http: Any, soap_reply: Any) -> Callable[[Any], Any]:
    """``batch(reply)``: what sending two tickets gives when the program answers this."""

    def call(reply: Any) -> Any:
        def script(peer: Any) -> None:
            peer.request()
            peer.send(http(soap_reply(json.dumps(reply))))

        return client(serve(script).url).send_tickets("01", "b7", TICKETS, 5)

    return call


GOOD = {
    "resultcode": 0,
    "batch": "b7",
    "count": 2,
    "tickets": [{"key": "0042/01/1", "status": "stored"}],
}


def test_a_ticket_that_the_reply_does_not_name_is_absent(batch: Any) -> None:
    assert [(one.key, one.status) for one in batch(GOOD)] == [("0042/01/1", "stored")]


def test_a_refusal_of_the_whole_batch_is_not_a_failure(batch: Any) -> None:
    with pytest.raises(CallRejected) as caught:
        batch({"resultcode": 31, "errormessage": "till unknown"})
    assert (caught.value.code, caught.value.message) == ("31", "till unknown")


@pytest.mark.parametrize(
    "change",
    [
        {"batch": "b8"},
        {"batch": None},
        {"count": 1},
        {"count": True},
        {"count": None},
        {"tickets": None},
        {"tickets": [{"key": "0042/01/9", "status": "stored"}]},
        {"tickets": [{"key": "0042/01/1", "status": "eaten"}]},
        {"tickets": [{"key": "0042/01/1"}]},
        {"tickets": ["0042/01/1"]},
        {
            "tickets": [
                {"key": "0042/01/1", "status": "stored"},
                {"key": "0042/01/1", "status": "refused"},
            ]
        },
        {"resultcode": None},
    ],
    ids=str,
)
def test_a_reply_that_is_not_about_this_batch_is_a_bad_reply(batch: Any, change: Any) -> None:
    with pytest.raises(CallFailed) as caught:
        batch({**GOOD, **change})
    assert caught.value.reason is Reason.BAD_REPLY
    assert caught.value.reached


def test_a_status_reply_that_names_another_ticket_is_a_bad_reply(
    serve: Any, client: Any, http: Any, soap_reply: Any
) -> None:
    reply = {"resultcode": 0, "tickets": [{"key": "k9", "status": "stored"}]}

    def script(peer: Any) -> None:
        peer.request()
        peer.send(http(soap_reply(json.dumps(reply))))

    with pytest.raises(CallFailed) as caught:
        client(serve(script).url).ticket_status("01", ["k1"], 5)
    assert caught.value.reason is Reason.BAD_REPLY


def test_a_server_without_the_action_is_not_asked_about_tickets(client: Any) -> None:
    server = client("http://127.0.0.1:9", actions={"ticket_status": None})
    with pytest.raises(CallFailed) as caught:
        server.ticket_status("01", ["k1"], 5)
    assert caught.value.reason is Reason.LOCAL_ERROR


@pytest.mark.parametrize("url", ["http://a..b/", "http://" + "a" * 70 + ".example/"])
def test_an_address_that_no_request_can_have_is_explained(client: Any, url: str) -> None:
    with pytest.raises(CallFailed) as caught:
        client(url).ping("01", 5)
    assert caught.value.reason in {Reason.LOCAL_ERROR, Reason.UNREACHABLE}


def test_a_till_that_the_wire_cannot_carry_is_a_local_error(client: Any) -> None:
    with pytest.raises(CallFailed) as caught:
        client("http://127.0.0.1:9").ping("0\x001", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR


def test_a_password_of_soap_that_is_not_there_is_a_local_error(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PW", raising=False)
    auth = {"user": "till", "password": "${env:PW}"}
    with pytest.raises(CallFailed) as caught:
        client("http://127.0.0.1:9", auth=auth).ping("01", 5)
    assert caught.value.reason is Reason.LOCAL_ERROR
    assert "PW" in caught.value.message
