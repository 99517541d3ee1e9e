"""Every fault strikes one action alone, whichever action that is."""

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from engine.lab.answers import PROGRAMS
from engine.lab.faults import FAULTS

if TYPE_CHECKING:
    from tests.integration.lab.conftest import Till

SMALL: dict[str, dict[str, object]] = {
    "slow": {"ms": 1},
    "gzip_bomb": {"mib": 1},
    "drip": {"interval": 0.001},
}
SHOP = ("MESSAGES", "MESSAGESACK", "OFFERS", "TICKETCOUNT")
STRIKING = sorted(name for name, fault in FAULTS.items() if set(SHOP) <= set(fault.actions))


@pytest.mark.parametrize("wire", ["rest", "soap"])
@pytest.mark.parametrize("action", SHOP)
@pytest.mark.parametrize("fault", STRIKING)
def test_a_fault_for_one_action_spoils_that_one_and_no_other(
    till: "Till", fault: str, action: str, wire: str
) -> None:
    call = getattr(till, wire)
    before = {each: call(each, 1).content for each in PROGRAMS if each != "TICKETS"}
    till.lab.turn(fault, action=action, **SMALL.get(fault, {}))
    for each, answer in before.items():
        if each != action:
            assert call(each, 1).content == answer
    if fault == "hang":
        assert till.lab.lab.knobs.as_data()[0]["struck"] == 0
        return
    spoiled = outcome(till, wire, action)
    # What is slow or drips is whole in the end; a bomb unpacks to the answer and blanks.
    same = spoiled == (200, before[action])
    assert same is (fault in {"slow", "drip"})
    assert [knob["struck"] for knob in till.lab.lab.knobs.as_data()] == [1]


def outcome(till: "Till", wire: str, action: str) -> Any:
    """Status and body, or the kind of the exception."""
    try:
        response = getattr(till, wire)(action, 1)
    except requests.RequestException as error:
        return type(error)
    return response.status_code, response.content


@pytest.mark.parametrize(
    ("fault", "taken"), [("lost_answer", True), ("http_500", False), ("rejected", False)]
)
def test_an_acknowledgement_is_taken_just_when_the_fault_commits(
    till: "Till", fault: str, taken: bool
) -> None:
    till.lab.lab.notices.put_messages([{"id": "m1"}])
    till.lab.turn(fault, action="MESSAGESACK")
    outcome(till, "rest", "MESSAGESACK")
    told = json.loads(till.rest("MESSAGES").json()["result"])["messages"]
    assert bool(told) is not taken
