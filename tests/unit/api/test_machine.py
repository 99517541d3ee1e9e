"""A machine in data: what GET /v1/machine tells."""

from pathlib import Path
from typing import Any

import pytest

from engine.api.machine import machine_view
from engine.api.port import MachineView, TransitionView
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY

MACHINE = """\
machine: small
about: Shows every sort of state.
parameters: {wait: {default: 5s, about: How long.}}
context: {tries: {initial: 0, max: 9}}
initial: work
on:
  sync.now: work
states:
  work:
    parallel: true
    on:
      till.closed: {guard: tries > 1, target: night}
    states:
      link:
        states:
          up: {label: {en: Up, fr: Là}, code: 1, on: {ping.failed: down}}
          down:
            about: Not there.
            offline: true
            after:
              - delay: {base: wait, max: 10s, attempt: tries}
                target: up
              - {delay: 1min, actions: [log: still down]}
      tickets:
        initial: idle
        states:
          idle: {on: {ticket.closed: sending}}
          sending:
            invoke: {effect: send_tickets, with: {timeout: wait}}
            on: {send_tickets: idle}
          back: {history: shallow, target: idle}
  night:
    always: {guard: tries > 3, target: end}
    on: {till.opened: back}
  end: {final: true}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> MachineView:
    """The view of MACHINE."""
    path: Path = tmp_path_factory.mktemp("machine") / "small.yaml"
    path.write_text(MACHINE, encoding="utf-8")
    return machine_view(load_machine(path, VOCABULARY))


def test_states_come_in_the_order_of_the_file_with_their_parents(small: MachineView) -> None:
    """A drawing can be made in one pass: whoever is around a state came before it."""
    assert [(state.id, state.parent, state.kind) for state in small.states] == [
        ("work", "", "parallel"),
        ("link", "work", "compound"),
        ("up", "link", "atomic"),
        ("down", "link", "atomic"),
        ("tickets", "work", "compound"),
        ("idle", "tickets", "atomic"),
        ("sending", "tickets", "atomic"),
        ("back", "tickets", "history"),
        ("night", "", "atomic"),
        ("end", "", "final"),
    ]


def test_initial_states_are_those_entered_first(small: MachineView) -> None:
    """Named or first; regions of a parallel state are all entered, so none is the first."""
    assert [state.id for state in small.states if state.initial] == ["work", "up", "idle"]


def test_a_state_is_told_as_the_file_has_it(small: MachineView) -> None:
    """Label, sentence, code, offline and sign."""
    up, down, sending = (
        next(state for state in small.states if state.id == name)
        for name in ("up", "down", "sending")
    )
    assert up.label is not None
    assert (up.label.en, up.label.fr, up.code, up.sign) == ("Up", "Là", 1, "connected")
    assert (down.about, down.offline, down.label, down.sign) == ("Not there.", True, None, "barred")
    assert sending.sign == "sending"


def test_transitions_are_told_with_event_guard_and_target(small: MachineView) -> None:
    """All ways to declare one are there, also the machine's own and what only stays."""
    assert [tuple(one.model_dump().values()) for one in small.transitions] == [
        ("sync.now", "", "work", None),
        ("till.closed", "work", "night", "tries > 1"),
        ("ping.failed", "up", "down", None),
        ("after wait", "down", "up", None),
        ("after 1min", "down", None, None),
        ("ticket.closed", "idle", "sending", None),
        ("send_tickets", "sending", "idle", None),
        ("", "back", "idle", None),
        ("till.opened", "night", "back", None),
        ("always", "night", "end", "tries > 3"),
    ]
    assert list(TransitionView.model_fields) == ["event", "source", "target", "guard"]


def test_the_machine_is_told_to_whoever_asks(ask: Any) -> None:
    """No token is needed, and the answer is the view."""
    told = ask("GET", "/v1/machine", token=None).json()
    assert told["machine"] == "connection"
    assert len(told["hash"]) == 64
    assert {"online", "offline-cooldown"} <= {state["id"] for state in told["states"]}
