"""Loads of the catalogue through the API: asked for, followed, refused with a sentence."""

from typing import Any

import pytest

from engine.api.loads import DatasetView, LoadNowView, LoadRefused, LoadsView, LoadView
from engine.api.port import EventFailed, StoreUnavailable
from engine.api.stand_in import BEGAN, StandIn

LOADS = "/v1/tills/01/loads"
MOMENT = "2026-03-14T09:26:53Z"


@pytest.mark.parametrize("kind", ["full", "changes"])
def test_a_load_is_asked_for_with_its_kind(ask: Any, kind: str) -> None:
    """202: it goes on after the answer, which says when it was asked for."""
    reply = ask("POST", LOADS, json={"kind": kind})
    assert reply.status_code == 202
    assert reply.json() == {
        "till": "01",
        "kind": kind,
        "became": "started",
        "at": MOMENT,
        "state": "loading",
    }


def test_asking_for_a_load_needs_the_token(ask: Any, office: StandIn) -> None:
    """Following one does not."""
    asked: list[str] = []
    office.before_each = asked.append
    assert ask("POST", LOADS, json={"kind": "full"}, token=None).status_code == 401
    assert asked == []
    assert ask("GET", LOADS, token=None).status_code == 200


@pytest.mark.parametrize("why", ["no_catalogue", "load_under_way", "not_loaded"])
def test_a_load_that_cannot_be_is_refused_with_the_reason(
    refusal: Any, office: StandIn, why: Any
) -> None:
    """409 with a stable name, a sentence and what to do."""
    office.on_load = LoadRefused(why, "Not now.", "Later.")
    assert refusal("POST", LOADS, json={"kind": "full"}) == (409, why, "Not now.", "Later.")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"kind": "all"}', "The field 'kind' must be 'full' or 'changes'; found \"all\"."),
        (b'{"kind": 1}', "The field 'kind' must be 'full' or 'changes'; found 1."),
        (b"{}", "The field 'kind' is missing."),
        (b'{"kind": "full", "till": "02"}', "The field 'till' is not known."),
        (b'{"kind": "full", "kind": "full"}', "The body has 'kind' more than once in one object."),
        (b"[]", "The body is not a JSON object."),
        (b"", "The body is missing."),
    ],
)
def test_a_body_that_says_something_else_is_refused(
    refusal: Any, body: bytes, sentence: str
) -> None:
    """Whatever it holds: with what was found, and with what is meant."""
    json = {"content-type": "application/json"}
    status, code, message, hint = refusal("POST", LOADS, content=body, headers=json)
    assert (status, code) == (422, "invalid_request")
    assert message == sentence
    assert hint in ('Send it as application/json: {"kind": "changes"}.', "Send each name once.")


def test_a_body_that_is_no_json_is_refused(refusal: Any) -> None:
    status, code, _, hint = refusal("POST", LOADS, content=b"kind=full")
    assert (status, code) == (400, "bad_json")
    assert hint == 'Send it as application/json: {"kind": "changes"}.'


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_till_that_is_not_there_has_no_loads(refusal: Any, method: str) -> None:
    body = {"json": {"kind": "full"}} if method == "POST" else {}
    status, code, _, _ = refusal(method, "/v1/tills/07/loads", **body)
    assert (status, code) == (404, "unknown_till")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (StoreUnavailable("The machines are not running."), 503, "store_unavailable"),
        (EventFailed("The machine could not play an event."), 500, "step_failed"),
    ],
)
def test_what_the_agent_cannot_do_is_said(
    refusal: Any, office: StandIn, fault: Exception, status: int, code: str
) -> None:
    def fail(call: str) -> None:
        if call == "post_load":
            raise fault

    office.before_each = fail
    assert refusal("POST", LOADS, json={"kind": "full"})[:2] == (status, code)


def test_how_far_a_load_has_got_is_told_with_versions_and_the_last_loads(
    ask: Any, office: StandIn
) -> None:
    """Everything that is needed to draw it."""
    now = LoadNowView(
        till="02",
        kind="full",
        started=BEGAN,
        stage="loading",
        table="articles",
        tables_done=1,
        tables_total=3,
        bytes_done=10,
        bytes_total=10,
        rows_done=5,
        rows_total=100,
    )
    ended = LoadView(
        started=BEGAN, ended=BEGAN, kind="changes", outcome="gap", sentence="x", rows=0, bytes=0
    )
    office.catalogue = LoadsView(
        till="",
        configured=True,
        now=now,
        datasets=(DatasetView(name="articles", version=7, loaded=BEGAN, rows=5),),
        last=(ended,),
        runs=False,
        waits="full",
    )
    told = ask("GET", LOADS).json()
    assert told == office.catalogue.model_copy(update={"till": "01"}).model_dump(mode="json")
    assert told["now"]["rows_total"] == 100
    assert told["waits"] == "full"
