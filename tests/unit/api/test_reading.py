"""What people and programs can read."""

from typing import Any

import pytest

from engine.api.port import Health, StoreUnavailable, UnknownTill
from engine.api.stand_in import StandIn

TILL = {
    "till": "01",
    "shop": "0042",
    "machine": "connection",
    "state": "online",
    "active": ["reachable", "online"],
    "label": {"en": "Online", "fr": "En ligne"},
    "since": "2026-03-14T09:26:53Z",
    "next_try": None,
    "tickets": {"pending": 0, "sent": 0, "refused": 0, "oldest_pending": None},
    "context": {"failures": 0},
}


def test_one_till_is_told_with_all_its_fields(ask: Any) -> None:
    """A till's answer has its state, label, times, tickets and variables."""
    reply = ask("GET", "/v1/tills/01", token=None)
    assert (reply.status_code, reply.json()) == (200, TILL)


def test_all_tills_are_told_in_order(ask: Any) -> None:
    """The list holds every till, each in the shape of a single one."""
    tills = ask("GET", "/v1/tills", token=None).json()["tills"]
    assert tills == [TILL, {**TILL, "till": "02"}]


class TestManyTills:
    """The back-office PC of a large shop."""

    @pytest.fixture
    def office(self) -> StandIn:
        return StandIn([f"{number:03}" for number in range(250)])

    def test_every_till_of_many_is_told_once_and_in_order(self, ask: Any) -> None:
        """Letting the loop breathe in between loses and repeats none."""
        tills = ask("GET", "/v1/tills").json()["tills"]
        assert [till["till"] for till in tills] == [f"{number:03}" for number in range(250)]


def test_a_pending_ticket_shows_in_its_till(ask: Any) -> None:
    """After a ticket was posted, its till has one pending and the other till none."""
    ask("POST", "/v1/tills/01/tickets?number=1", content=b"x")
    pending = [till["tickets"]["pending"] for till in ask("GET", "/v1/tills").json()["tills"]]
    assert pending == [1, 0]


def test_an_unknown_till_is_not_found(refusal: Any) -> None:
    """Asking for a till that is not there says so and where the tills are listed."""
    assert refusal("GET", "/v1/tills/99") == (
        404,
        "unknown_till",
        "There is no till '99'.",
        "GET /v1/tills lists the tills.",
    )


def test_a_till_name_with_control_characters_is_repeated_harmlessly(refusal: Any) -> None:
    """What the caller wrote comes back printable."""
    message = refusal("GET", "/v1/tills/%1b%5b2J")[2]
    assert message == r"There is no till '\x1b[2J'."


def test_history_is_newest_first_and_can_be_paged(ask: Any) -> None:
    """Following next_before through the pages gives every step once and then ends."""
    for _ in range(5):
        ask("POST", "/v1/tills/01/events", json={"event": "sync.now"})
    numbers, before = [], ""
    for _ in range(3):
        page = ask("GET", f"/v1/tills/01/history?limit=2{before}").json()
        numbers.append([step["number"] for step in page["steps"]])
        before = f"&before={page['next_before']}"
    assert numbers == [[5, 4], [3, 2], [1]]
    assert page["next_before"] is None


def test_history_without_dull_steps_has_only_what_moved_the_machine(ask: Any) -> None:
    """dull=false leaves out steps in which no state was left or entered."""
    for event in ("load.full", "sync.now", "load.full"):
        ask("POST", "/v1/tills/01/events", json={"event": event})
    steps = ask("GET", "/v1/tills/01/history?dull=false").json()["steps"]
    assert [step["event"] for step in steps] == ["sync.now"]


def test_a_step_of_the_history_has_all_its_fields(ask: Any) -> None:
    """What an event did is told in the history as it was told to its sender."""
    ask("POST", "/v1/tills/01/events", json={"event": "sync.now", "data": {"by": "Zoé"}})
    assert ask("GET", "/v1/tills/01/history").json()["steps"] == [
        {
            "number": 1,
            "at": "2026-03-14T09:26:53Z",
            "event": "sync.now",
            "states": ["reachable", "syncing"],
            "taken": [
                {"event": "sync.now", "source": "online", "target": "syncing", "stays": False}
            ],
            "dull": False,
            "detail": {"data": {"by": "Zoé"}},
        }
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "The query parameter 'limit' must be at least 1; found \"0\"."),
        ("limit=1001", "The query parameter 'limit' must be at most 1000; found \"1001\"."),
        ("limit=ten", "The query parameter 'limit' must be a whole number; found \"ten\"."),
        ("before=-1", "The query parameter 'before' must be at least 0; found \"-1\"."),
        (
            "limit=no&before=no",
            (
                "The query parameter 'limit' must be a whole number; found \"no\". "
                "The query parameter 'before' must be a whole number; found \"no\"."
            ),
        ),
    ],
)
def test_a_wrong_bound_of_the_history_is_explained(refusal: Any, query: str, message: str) -> None:
    """Every wrong parameter is named with what was found and what is allowed."""
    assert refusal("GET", f"/v1/tills/01/history?{query}") == (422, "invalid_request", message, "")


def test_a_till_name_of_unreasonable_length_is_refused(refusal: Any) -> None:
    """A name of more than 128 characters is not even looked for, and is repeated cut."""
    status, _, message, _ = refusal("GET", "/v1/tills/" + "x" * 200)
    assert status == 422
    assert message == "The path's part 'till' must have at most 128 characters."


def test_history_of_an_unknown_till_is_not_found(refusal: Any) -> None:
    """The history of a till that is not there is not an empty history."""
    assert refusal("GET", "/v1/tills/99/history")[:2] == (404, "unknown_till")


def test_history_while_the_store_is_away_is_not_now(ask: Any, office: StandIn) -> None:
    """A closed store is 503 with Retry-After and its own sentence."""

    def away(_call: str) -> None:
        raise StoreUnavailable("The store is closed.", retry_after=7)

    office.before_each = away
    reply = ask("GET", "/v1/tills/01/history")
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")
    assert reply.json()["message"] == "The store is closed."


def test_metrics_come_in_the_format_asked_for(ask: Any) -> None:
    """The Accept header reaches the exporter, and its media type the caller."""
    plain = ask("GET", "/metrics")
    assert plain.text == "tillwire_time_seconds 1.0\n"
    assert plain.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"
    newer = ask("GET", "/metrics", headers={"Accept": "application/openmetrics-text"})
    assert newer.headers["content-type"].startswith("application/openmetrics-text;")


@pytest.mark.parametrize(
    ("alive", "ready", "statuses"),
    [(True, True, (200, 200)), (True, False, (200, 503)), (False, False, (503, 503))],
)
def test_health_and_readiness_are_told_by_status_and_reasons(
    ask: Any, office: StandIn, alive: bool, ready: bool, statuses: tuple[int, int]
) -> None:
    """/healthz follows alive, /readyz needs both, and each gives the reasons."""
    office.condition = Health(alive=alive, ready=ready, reasons=("The store is not open yet.",))
    replies = [ask("GET", path, token=None) for path in ("/healthz", "/readyz")]
    assert tuple(reply.status_code for reply in replies) == statuses
    assert replies[1].json() == {
        "alive": alive,
        "ready": ready,
        "reasons": ["The store is not open yet."],
    }


def test_head_gives_the_headers_alone(ask: Any) -> None:
    """A monitor that asks with HEAD gets the status of GET and no body."""
    reply = ask("HEAD", "/readyz", token=None)
    assert (reply.status_code, reply.content) == (200, b"")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/page/", "/v1/tills/", "/v2/tills"])
def test_an_unknown_route_is_said_to_be_one(refusal: Any, path: str) -> None:
    """What is not there gets the same error shape, and no page that loads scripts is there."""
    assert refusal("GET", path) == (
        404,
        "unknown_route",
        f"There is nothing at {path}.",
        "GET /openapi.json lists what there is.",
    )


def test_another_method_is_said_to_be_impossible(ask: Any) -> None:
    """A wrong method names the right ones, in the body and in Allow."""
    reply = ask("DELETE", "/v1/tills/01")
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET")
    assert reply.json() == {
        "error": "unknown_method",
        "message": "DELETE is not possible at /v1/tills/01.",
        "hint": "Possible: GET.",
    }


def test_an_error_of_ours_is_said_without_internals(
    ask: Any, office: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault is logged with its traceback and answered with a sentence that tells none."""

    def fault(_call: str) -> None:
        raise RuntimeError("the secret is 1234")

    office.before_each = fault
    for path in ("/v1/tills", "/metrics", "/readyz"):
        reply = ask("GET", path)
        assert (reply.status_code, reply.json()["error"]) == (500, "internal_error")
        assert "1234" not in reply.text
    assert caplog.text.count("RuntimeError: the secret is 1234") == 3


def test_the_stand_in_knows_its_tills_only(office: StandIn) -> None:
    """The stand-in raises what the agent must raise for a till that is not there."""
    with pytest.raises(UnknownTill, match="there is no till '99'"):
        office._known("99")


def test_an_agent_that_counts_nothing_says_so(ask: Any, office: Any) -> None:
    """404 and a sentence, so that Prometheus shows the target as down and not as empty."""

    async def nothing(_accept: str) -> tuple[bytes, str]:
        return b"", "text/plain"

    office.metrics = nothing
    answer = ask("GET", "/metrics")
    assert (answer.status_code, answer.json()["error"]) == (404, "no_metrics")
