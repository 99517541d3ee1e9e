"""The drawing of a machine: everything in it, and nothing across anything."""

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from engine.api.machine import machine_view
from engine.api.page.diagram import ROW, Edge, Layout, drawn, laid_out
from engine.api.port import MachineView, StateView, TransitionView
from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine

SVG = "{http://www.w3.org/2000/svg}"
LARGE = """\
machine: large
initial: work
on: {offline.hold: held}
states:
  work:
    parallel: true
    states:
      link:
        states:
          up: {on: {ping.failed: down}}
          down: {on: {ping.ok: up}}
      tickets:
        states:
          idle: {label: A label that is much too long for a state, on: {sync.now: a}}
          a: {after: {1s: b}}
          b: {after: {1s: c}, on: {ping.ok: idle}}
          c: {after: {1s: idle}, on: {ping.ok: a, ping.failed: back}}
          back: {history: deep, target: idle}
    on: {till.closed: night}
  night: {on: {till.opened: work, till.day_closed: checking, sync.now: end}}
  checking: {after: {1s: reporting, 2s: night}}
  reporting: {after: {1s: night, 2s: checking}}
  held: {offline: true, on: {offline.release: work}}
  end: {final: true}
"""


@pytest.fixture(scope="module", params=["shipped", "large"])
def machine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The shipped machine, and a user's own of sixteen states."""
    path = shipped_machine()
    if request.param == "large":
        path = Path(tmp_path_factory.mktemp("machine")) / "large.yaml"
        path.write_text(LARGE, encoding="utf-8")
    return machine_view(load_machine(path, VOCABULARY))


def lane_of(layout: Layout, edge: Edge) -> tuple[bool, int]:
    """The side and the lane of a line."""
    return edge.down, edge.lane


def test_every_state_stands_inside_the_one_around_it_and_beside_no_other(
    machine: MachineView,
) -> None:
    """Frames hold what is in them, and nothing overlaps."""
    layout = laid_out(machine)
    boxes = {box.state.id: box for box in layout.boxes}
    assert [name for name in boxes if name] == [state.id for state in machine.states]
    for box in layout.boxes:
        assert 0 < box.left < box.right < layout.width
        assert 0 < box.top < box.bottom < layout.height
        outer = boxes.get(box.state.parent)
        if box.state.id and outer is not None:
            assert outer.left < box.left
            assert box.right < outer.right
            assert outer.top + ROW < box.top
            assert box.bottom < outer.bottom
    for one, other in combinations(layout.boxes, 2):
        inside = one.depth != other.depth and one.top < other.top < one.bottom
        assert inside or one.bottom < other.top


def test_every_transition_between_two_states_is_a_line(machine: MachineView) -> None:
    """Lines join exactly what transitions join, and know all their events."""
    joined = {(edge.source.state.id, edge.target.state.id) for edge in laid_out(machine).edges}
    assert joined == {
        (one.source, one.target)
        for one in machine.transitions
        if one.target is not None and one.source != one.target
    }


def test_lines_run_outside_of_all_states_and_share_a_lane_only_with_their_own_target(
    machine: MachineView,
) -> None:
    """Two lines to different states are never beside each other in one lane."""
    layout = laid_out(machine)
    for one, other in combinations(layout.edges, 2):
        if lane_of(layout, one) != lane_of(layout, other):
            continue
        if one.target.state.id == other.target.state.id:
            continue
        rows = sorted([sorted([e.source.row, e.target.row]) for e in (one, other)])
        assert rows[0][1] < rows[1][0]
    assert all(edge.lane >= 1 for edge in layout.edges)


def test_the_drawing_names_its_states_and_lines_for_the_page(
    machine: MachineView, read: Any
) -> None:
    """What the page lights up is found by data-state, data-source and data-target."""
    layout = laid_out(machine)
    root = read(drawn(machine, "en"))
    groups = list(root.iter(f"{SVG}g"))
    states = {group.get("data-state") for group in groups} - {None}
    lines = {(group.get("data-source"), group.get("data-target")) for group in groups}
    assert states == {box.state.id for box in layout.boxes}
    assert lines - {(None, None)} == {
        (edge.source.state.id, edge.target.state.id) for edge in layout.edges
    }


def test_labels_are_in_the_language_and_long_ones_are_cut(machine: MachineView, read: Any) -> None:
    """A label that does not fit ends in an ellipsis; the whole id stays in the title."""
    texts = {text.text or "" for text in read(drawn(machine, "fr")).iter()}
    if machine.machine == "large":
        assert "A label that is much to…" in texts
        assert {"H  back", "◉  end", "Dans tous les états"} <= texts
    else:
        assert {"En ligne", "Hors ligne", "Envoi des tickets"} <= texts
        assert "online: The server answers." in texts


def test_what_a_machine_file_says_stays_text(read: Any) -> None:
    """Ids and labels with marks of XML do not become elements."""
    state = StateView(
        id='a"<b>',
        parent="",
        kind="atomic",
        label=None,
        about="<script>",
        code=None,
        offline=False,
        initial=True,
        sign="unsure",
    )
    loop = TransitionView(event="<&>", source='a"<b>', target='a"<b>', guard=None)
    view = MachineView(machine="<m>", about="", hash="", states=(state,), transitions=(loop,))
    root = read(drawn(view, "en"))
    assert root.findtext(f"{SVG}title") == "Diagram of the machine <m>"
    assert [group.get("data-state") for group in root.iter(f"{SVG}g")] == ['a"<b>']


def test_the_drawing_is_served_in_the_language(ask: Any) -> None:
    """GET /v1/machine/diagram.svg needs no token and runs no code."""
    reply = ask("GET", "/v1/machine/diagram.svg?lang=fr", token=None)
    assert reply.headers["content-type"] == "image/svg+xml"
    assert reply.headers["content-security-policy"] == "default-src 'none'"
    assert "Schéma de la machine connection" in reply.text
