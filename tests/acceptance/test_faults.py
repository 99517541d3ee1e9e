"""Every fault of the lab, once on each wire: the tickets get over it."""

from collections.abc import Callable

import pytest

from engine.lab import Lab, LabThread
from engine.lab.faults import FAULTS
from tests.acceptance.agent_process import PATIENCE, AgentProcess, books_faults, wait_until

SETTINGS: dict[str, dict[str, object]] = {
    "drip": {"interval": 0.05},
    "gzip_bomb": {"mib": 64},
    "http_429": {"retry_after": 1},
    "http_503": {"retry_after": 1},
    "slow": {"ms": 300},
}

ENDS = {
    "bad_token": "send_tickets.failed.unauthorized",
    "drip": "send_tickets.failed.timeout",
    "gzip_bomb": "send_tickets.failed.bad_reply",
    "hang": "send_tickets.failed.timeout",
    "html_200": "send_tickets.failed.bad_reply",
    "http_429": "send_tickets.failed.server_error",
    "http_500": "send_tickets.failed.server_error",
    "http_503": "send_tickets.failed.server_error",
    "lost_answer": "send_tickets.failed.unreachable",
    "redirect": "send_tickets.failed.bad_reply",
    "refuse": "send_tickets.failed.unreachable",
    "rejected": "send_tickets.rejected",
    "slow": "send_tickets.ok",
    "technical_error": "send_tickets.failed.server_error",
    "truncated": "send_tickets.failed.bad_reply",
    "wrong_batch": "send_tickets.failed.bad_reply",
}
"""What the till's history has to say about a sending that a fault has struck."""


def is_on(lab: Lab, fault: str) -> bool:
    return any(knob["fault"] == fault for knob in lab.knobs.as_data())


def survive(agent: AgentProcess, lab: LabThread, fault: str, number: int) -> str:
    """Hand one ticket over into a fault and wait until it is sent; gives what the history says
    came of the first sending."""
    agent.wait_for_state("online")
    last = agent.history(limit=1)[-1]["number"]
    # REST renews a token that is refused and tries once more before it counts as wrong; SOAP
    # meets the second refusal with its next sending.
    times = 2 if fault == "bad_token" else 1
    if fault == "down":
        lab.turn("down")
    else:
        lab.turn(fault, action="TICKETS", times=times, **SETTINGS.get(fault, {}))
    assert agent.post_ticket(number, f"ticket {number}: {fault} é".encode("cp1252"))[0] == 201
    if fault == "down":
        agent.wait_for_state("offline-cooldown")
        lab.clear("down")
    else:
        assert lab.wait(lambda lab: not is_on(lab, fault), PATIENCE), f"{fault} struck nothing"
    wait_until(lambda: agent.till()["tickets"]["sent"] == number, f"{fault}: the ticket is sent")
    events = [str(step["event"]) for step in agent.history() if step["number"] > last]
    return next(event for event in events if event.startswith("send_tickets."))


@pytest.mark.parametrize("protocol", ["soap", "rest"])
def test_a_ticket_gets_over_every_fault_of_the_server(
    make_agent: Callable[..., AgentProcess], lab: LabThread, protocol: str
) -> None:
    """It is there once and with its bytes, and the till's history names the reason."""
    agent = make_agent(protocol=protocol)
    agent.start()
    told = {}
    for number, fault in enumerate(FAULTS, start=1):
        told[fault] = survive(agent, lab, fault, number)
    assert told.pop("down") == "send_tickets.failed.unreachable"
    assert told == ENDS
    stored = {row.number: row.payload for row in lab.lab.tickets("01")}
    assert stored == {
        number: f"ticket {number}: {fault} é".encode("cp1252")
        for number, fault in enumerate(FAULTS, start=1)
    }
    assert lab.lab.twice() == {}
    assert agent.stop()[0] == 0
    assert books_faults(agent, {"01": len(FAULTS)}) == []
