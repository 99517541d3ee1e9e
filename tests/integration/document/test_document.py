"""The OpenAPI document, held against a whole agent by callers that its own schemas make up."""

from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS
from schemathesis.generation import GenerationMode

from engine.api.access import Access
from engine.api.application import create_api
from engine.api.stand_in import StandIn
from tests.integration.document.conftest import TOKEN, Served

EXAMPLES = 25
"""Calls of each operation in each way."""

EVENTS = ("till.opened", "ticket.customer", "offline.hold", "offline.release", "till.day_closed")

ENDLESS = {"/v1/stream"}
"""Has no end, so its tests are its own."""

NAMES = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
DOCUMENT = create_api(StandIn(), Access(token=None)).document()
OPERATIONS = [
    (method.upper(), path)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if path not in ENDLESS
]


def called(
    method: str, path: str, mode: GenerationMode, served: Served, real: bool
) -> Counter[int]:
    """Calls an operation with what its schemas allow, or with what they do not.

    Each answer must be documented, as documented, and no fault. ``real``: of a till that is
    there. Returns how often which status came.
    """
    config = schemathesis.Config()
    config.projects.default.generation.update(modes=[mode])
    schema = schemathesis.openapi.from_dict(DOCUMENT, config=config)
    checks = [check for check in CHECKS.get_all() if check.__name__ in NAMES]
    assert len(checks) == len(NAMES)
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode), data=st.data())
    def call(case: Any, data: Any) -> None:
        if real and "till" in (case.path_parameters or {}):
            case.path_parameters["till"] = data.draw(st.sampled_from(("01", "02")))
            if path.endswith("/events") and mode is GenerationMode.POSITIVE:
                case.body["event"] = data.draw(st.sampled_from(EVENTS))
                case.body["data"] = data.draw(st.sampled_from(({}, case.body.get("data", {}))))
        reply = case.call_and_validate(
            base_url=served.url,
            headers={"Authorization": f"Bearer {TOKEN}"},
            checks=checks,
            timeout=10,
        )
        statuses[reply.status_code] += 1

    call()
    return statuses


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part)
def test_every_answer_is_one_of_the_document(method: str, path: str, served: Served) -> None:
    """Whatever is asked within the schemas and outside of them, of a till that is there or not."""
    good = called(method, path, GenerationMode.POSITIVE, served, real=True)
    assert good.total() > 0
    if "{message}" not in path:  # no message has an id that somebody makes up
        assert any(status < 300 for status in good), good
    if "{" in path:
        assert 404 in called(method, path, GenerationMode.POSITIVE, served, real=False)
        called(method, path, GenerationMode.NEGATIVE, served, real=True)
