"""Every fault, as a client sees it on the wire, and what it leaves in the ledger."""

import contextlib
import email.utils
import gzip
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests

from engine.lab import BadKnobError, Lab
from engine.lab.faults import FAULTS

if TYPE_CHECKING:
    from tests.integration.lab.conftest import Till

STRIKING = sorted(name for name, fault in FAULTS.items() if fault.actions)


def all_bytes(till: "Till", request: bytes, seconds: float = 10.0) -> bytes:
    """What comes back on a connection of its own, up to its end or its reset."""
    received = b""
    # A reset may be seen by the connect, by the send or by the first read.
    with (
        contextlib.suppress(TimeoutError, ConnectionResetError, BrokenPipeError),
        till.connect(seconds) as raw,
    ):
        raw.sendall(request.replace(b"Host:", b"Connection: close\r\nHost:"))
        while data := raw.recv(1 << 16):
            received += data
    return received


@pytest.mark.parametrize("fault", STRIKING)
def test_a_fault_commits_just_when_its_table_says_so(till: "Till", fault: str) -> None:
    small: dict[str, dict[str, object]] = {
        "slow": {"ms": 1},
        "gzip_bomb": {"mib": 1},
        "drip": {"interval": 0.001},
    }
    request = till.raw("TICKETS", 1)
    till.lab.turn(fault, **small.get(fault, {}))
    all_bytes(till, request, seconds=0.3)
    assert bool(till.lab.lab.tickets("01")) is FAULTS[fault].commits
    till.lab.clear()
    assert till.rest("PING").json()["error"] == 0


@pytest.mark.parametrize("fault", sorted(set(STRIKING) - {"refuse"}))
def test_a_spoiled_request_is_counted(till: "Till", fault: str) -> None:
    request = till.raw("TICKETS", 1)
    settings: dict[str, object] = {"mib": 1} if fault == "gzip_bomb" else {}
    till.lab.turn(fault, **settings)
    with till.connect() as raw:
        raw.sendall(request)
        assert till.lab.wait(lambda lab: lab.calls["TICKETS"] == 1, 10.0)


def test_down_refuses_connections_and_resets_those_that_are_open(till: "Till") -> None:
    port = till.lab.port
    with till.connect() as raw:
        raw.sendall(till.raw("PING"))
        raw.recv(4096)
        till.lab.turn("down")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
    with pytest.raises(ConnectionRefusedError):
        till.connect()
    assert till.lab.lab.is_down
    till.lab.clear("down")
    assert till.lab.port == port
    assert till.rest("PING").json()["error"] == 0


def test_down_ends_by_itself_after_the_time_given(till: "Till") -> None:
    till.lab.turn("down", **{"for": 0.05})
    assert till.lab.wait(lambda lab: not lab.is_down, 10.0)
    assert till.rest("PING").json()["error"] == 0
    assert till.lab.lab.knobs.as_data() == []


def test_down_that_is_turned_again_lasts_as_the_last_turn_says(till: "Till") -> None:
    till.lab.turn("down", **{"for": 0.05})
    till.lab.turn("down")
    assert not till.lab.wait(lambda lab: not lab.is_down, 0.2)
    till.lab.clear()
    assert not till.lab.lab.is_down


def test_down_loses_the_work_that_was_not_done_yet(till: "Till") -> None:
    request = till.raw("TICKETS", 1)
    till.lab.turn("slow", ms=60_000)
    with till.connect() as raw:
        raw.sendall(request)
        assert till.lab.wait(lambda lab: lab.calls["TICKETS"] == 1, 10.0)
        till.lab.turn("down")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)
    assert till.lab.lab.tickets() == []


def test_refuse_accepts_and_resets_before_anything_is_read(till: "Till") -> None:
    till.lab.turn("refuse")
    with pytest.raises(ConnectionResetError), till.connect() as raw:
        raw.recv(1)
    assert (till.lab.lab.connections, sum(till.lab.lab.calls.values())) == (1, 0)


def test_refuse_resets_an_open_connection_at_its_next_request(till: "Till") -> None:
    request = till.raw("PING")
    with till.connect() as raw:
        raw.sendall(request)
        assert raw.recv(4096).startswith(b"HTTP/1.1 200")
        till.lab.turn("refuse")
        raw.sendall(request)
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_refuse_for_one_action_lets_the_others_through(till: "Till") -> None:
    till.lab.turn("refuse", action="TICKETS")
    assert till.rest("PING").status_code == 200
    with pytest.raises(requests.ConnectionError):
        till.rest("TICKETS", 1)
    assert till.lab.lab.calls["TICKETS"] == 1
    assert till.lab.lab.tickets() == []


def test_hang_reads_the_request_and_says_nothing(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("hang")
    with till.connect(0.3) as raw:
        raw.sendall(request)
        with pytest.raises(TimeoutError):
            raw.recv(1)
    assert till.lab.lab.calls["PING"] == 1


def test_drip_sends_the_body_byte_by_byte(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("drip", interval=0.02)
    with till.connect() as raw:
        raw.sendall(request)
        head = raw.recv(4096)
        assert head.endswith(b"\r\n\r\n") or head.partition(b"\r\n\r\n")[2] == b"{"
        assert [len(raw.recv(4096)) for _ in range(5)] == [1] * 5


def test_a_drip_comes_to_its_end_and_is_the_true_answer(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("drip", interval=0.001)
    body = all_bytes(till, request).partition(b"\r\n\r\n")[2]
    assert json.loads(body)["error"] == 0


def test_drip_can_begin_with_the_headers(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("drip", part="headers", interval=0.02)
    with till.connect() as raw:
        raw.sendall(request)
        assert b"".join(raw.recv(1) for _ in range(8)) == b"HTTP/1.1"
        assert len(raw.recv(4096)) == 1


def test_dripped_headers_come_to_their_end_and_the_answer_follows(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("drip", part="headers", interval=0.001)
    body = all_bytes(till, request).partition(b"\r\n\r\n")[2]
    assert json.loads(body)["error"] == 0


def test_drip_can_say_100_continue_without_end(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("drip", part="continue", interval=0.001)
    line = b"HTTP/1.1 100 Continue\r\n\r\n"
    with till.connect() as raw:
        raw.sendall(request)
        assert b"".join(raw.recv(1) for _ in range(3 * len(line))) == line * 3


def test_http_500_and_503_and_429_have_their_status_and_retry_after(till: "Till") -> None:
    till.lab.turn("http_500")
    assert till.soap("PING").status_code == 500
    till.lab.clear()
    till.lab.turn("http_503", retry_after=7)
    response = till.soap("PING")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "7")
    till.lab.clear()
    till.lab.turn("http_429")
    response = till.soap("PING")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "30")


def test_retry_after_can_be_a_date_or_left_out(till: "Till") -> None:
    till.lab.turn("http_429", retry_after=600, as_date=True)
    told = till.soap("PING").headers["Retry-After"]
    wait = email.utils.parsedate_to_datetime(told).timestamp() - time.time()
    assert 590 < wait <= 601
    till.lab.turn("http_429", retry_after=0)
    assert "Retry-After" not in till.soap("PING").headers


def test_html_200_is_a_login_page(till: "Till") -> None:
    till.lab.turn("html_200")
    response = till.soap("PING")
    assert (response.status_code, response.headers["Content-Type"]) == (
        200,
        "text/html; charset=utf-8",
    )
    assert "Sign in" in response.text


def test_redirect_leads_to_a_login_page_with_status_200(till: "Till") -> None:
    till.lab.turn("redirect", action="PING")
    response = till.soap("PING")
    assert (response.status_code, response.headers["Location"]) == (302, "/login")
    followed = till.session.get(f"http://127.0.0.1:{till.lab.port}/login", timeout=10)
    assert (followed.status_code, "Sign in" in followed.text) == (200, True)
    till.lab.turn("redirect", action="PING", status="307")
    assert till.soap("PING").status_code == 307


def test_lost_answer_commits_and_ends_the_connection(till: "Till") -> None:
    request = till.raw("TICKETS", 1)
    till.lab.turn("lost_answer", times=1)
    assert all_bytes(till, request) == b""
    assert [row.number for row in till.lab.lab.tickets("01")] == [1]
    assert json.loads(till.rest("TICKETS", 1).json()["result"])["tickets"][0]["status"] == (
        "duplicate"
    )


def test_bad_token_is_401_on_both_wires_and_login_still_works(till: "Till") -> None:
    till.lab.turn("bad_token")
    assert till.rest("PING").status_code == 401
    till.log_in()
    assert till.rest("PING").status_code == 401
    response = till.soap("PING")
    assert (response.status_code, "WWW-Authenticate" in response.headers) == (401, True)


def test_slow_waits_and_then_answers_as_usual(till: "Till") -> None:
    till.log_in()
    till.lab.turn("slow", ms=60, action="PING")
    started = time.perf_counter()
    assert till.rest("PING").json()["error"] == 0
    assert time.perf_counter() - started >= 0.06


def test_slow_work_is_done_even_when_the_client_left(till: "Till") -> None:
    request = till.raw("TICKETS", 1)
    till.lab.turn("slow", ms=50)
    with till.connect() as raw:
        raw.sendall(request)
    assert till.lab.wait(lambda lab: len(lab.tickets("01")) == 1, 10.0)


def test_slow_and_another_fault_strike_together(till: "Till") -> None:
    till.lab.turn("slow", ms=60)
    till.lab.turn("http_500")
    started = time.perf_counter()
    assert till.soap("PING").status_code == 500
    assert time.perf_counter() - started >= 0.06


def test_truncated_says_more_than_it_sends(till: "Till") -> None:
    request = till.raw("PING")
    till.lab.turn("truncated")
    head, _, body = all_bytes(till, request).partition(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    assert 0 < len(body) < int(length.split(b":")[1])


def test_truncated_without_a_length_looks_whole_and_is_not(till: "Till") -> None:
    till.lab.turn("truncated", action="PING", framing="close")
    response = till.rest("PING")
    assert (response.status_code, "Content-Length" in response.headers) == (200, False)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(response.text)


def test_gzip_bomb_is_small_on_the_wire_and_unpacks_to_a_true_answer_and_blanks(
    till: "Till",
) -> None:
    request = till.raw("PING")
    till.lab.turn("gzip_bomb", mib=8)
    packed = all_bytes(till, request)
    head, _, body = packed.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head.replace(b"content-encoding", b"Content-Encoding")
    unpacked = gzip.decompress(body)
    assert len(packed) < 32_000
    assert len(unpacked) > 8 << 20
    assert json.loads(unpacked)["error"] == 0


def test_wrong_batch_names_another_batch(till: "Till") -> None:
    till.lab.turn("wrong_batch")
    assert json.loads(till.rest("TICKETS", 1).json()["result"])["batch"] == "b1-of-another"
    assert till.rest("PING").json()["error"] == 0


def test_technical_error_is_an_error_on_rest_and_a_result_on_soap(till: "Till") -> None:
    till.lab.turn("technical_error", action="PING", code=17)
    answer = till.rest("PING").json()
    assert (answer["error"], answer["txterr"]) == (17, "The service is out of order.")
    assert "<WebServiceDivaResult>17</WebServiceDivaResult>" in till.soap("PING").text


def test_technical_error_strikes_the_login_as_well(till: "Till") -> None:
    till.lab.turn("technical_error", action="AUTH")
    answer = till.post_json(till.lab.url_auth, {"login": "shop", "password": "x"}).json()
    assert answer["error"] == 1
    assert "access_token" not in answer


def test_rejected_is_a_resultcode_on_both_wires(till: "Till") -> None:
    till.lab.turn("rejected", code=5)
    answer = till.rest("PING").json()
    assert answer["error"] == 0
    assert json.loads(answer["result"])["resultcode"] == 5
    assert "&quot;resultcode&quot;: 5" in till.soap("PING").text.replace('"', "&quot;")


def test_a_fault_for_the_next_requests_ends_after_them(till: "Till") -> None:
    till.lab.turn("http_500", times=2)
    assert [till.soap("PING").status_code for _ in range(3)] == [500, 500, 200]


def test_a_fault_ends_by_itself_after_the_time_given(till: "Till") -> None:
    till.lab.turn("http_500", **{"for": 0.05})
    assert till.lab.wait(lambda lab: lab.knobs.as_data() == [], 10.0)
    assert till.soap("PING").status_code == 200


def test_a_bad_setting_is_refused_and_turns_nothing(till: "Till") -> None:
    with pytest.raises(BadKnobError, match="no setting 'milliseconds'"):
        till.lab.turn("slow", milliseconds=5)
    assert till.lab.lab.knobs.as_data() == []


def test_a_lab_stops_while_requests_hang_drip_and_wait(start: "Callable[[Lab], Till]") -> None:
    till = start(Lab())
    request = till.raw("PING")
    sockets = []
    for count, fault in enumerate(("hang", "drip", "slow"), start=1):
        till.lab.turn(fault, **({"ms": 60_000} if fault == "slow" else {}))
        raw = till.connect()
        raw.sendall(request)
        sockets.append(raw)
        assert till.lab.wait(lambda lab, seen=count: lab.calls["PING"] == seen, 10.0)  # type: ignore[misc]
        till.lab.clear()
    till.lab.stop()
    for raw in sockets:
        with raw, contextlib.suppress(ConnectionResetError):
            while raw.recv(4096):
                pass
    assert till.lab.lab.calls["PING"] == 3
