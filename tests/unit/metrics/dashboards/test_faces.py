"""What a dashboard shows of a machine comes from the machine's file alone."""

from typing import get_args

import pytest

from engine.definition.machine import load_machine
from engine.definition.model import Colour
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from metrics.dashboards.faces import COLOURS, Face, Faces, faces_of

NAMES = {number: name for name, number in COLOURS.items()}


def _faces(text: str) -> dict[str, Face]:
    return {face.id: face for face in _machine(text).states}


def _machine(text: str) -> Faces:
    return faces_of(load_machine(read(f"machine: any\n{text}", "any.yaml"), VOCABULARY))


def _colour(face: Face) -> str:
    return NAMES[face.colour]


def test_every_colour_of_the_language_is_one_of_the_palette() -> None:
    """And no two look alike."""
    assert set(COLOURS) == set(get_args(Colour))
    assert len(NAMES) == len(COLOURS)


def test_the_shipped_states_have_the_colours_that_one_expects() -> None:
    """Without a word in the file: by their codes, and by whether they are offline."""
    faces = faces_of(load_machine(shipped_machine(), VOCABULARY)).states
    assert [(face.id, face.number, _colour(face)) for face in faces] == [
        ("online", 1, "green"),
        ("syncing", 2, "blue"),
        ("degraded", 3, "yellow"),
        ("loading", 4, "purple"),
        ("offline-cooldown", 5, "red"),
        ("held", 6, "orange"),
    ]


def test_a_colour_in_the_file_is_taken_and_given_to_no_other_state() -> None:
    """While there are others."""
    faces = _faces("""\
states:
  up: {code: 1, on: {sync.now: slow}}
  slow: {code: 2, colour: green, on: {sync.now: down}}
  down: {code: 3, offline: true, on: {sync.now: up}}
""")
    assert {name: _colour(face) for name, face in faces.items()} == {
        "up": "blue",
        "slow": "green",
        "down": "red",
    }


def test_more_states_than_colours_share_them() -> None:
    """The names tell them apart."""
    many = "\n".join(f"  s{n}: {{code: {n}, on: {{sync.now: s{(n + 1) % 9}}}}}" for n in range(9))
    faces = _faces(f"states:\n{many}\n")
    assert _colour(faces["s0"]) == _colour(faces["s6"]) == "green"


def test_a_state_without_a_code_has_a_number_after_the_others() -> None:
    """Not one that a state around it speaks for, and no state that has others inside."""
    faces = _faces("""\
initial: up
states:
  up:
    states:
      near: {on: {sync.now: far}}
      far: {code: 7, on: {sync.now: told}}
  told:
    code: 3
    offline: true
    states:
      inside: {on: {sync.now: up}}
""")
    assert {name: (face.number, face.coded) for name, face in faces.items()} == {
        "told": (3, True),
        "far": (7, True),
        "near": (8, False),
    }
    assert faces["told"].offline
    assert not faces["far"].offline


REGIONS = """\
states:
  both:
    parallel: true
    states:
      counter:
        initial: shut
        states:
          shut: {code: 1, on: {till.opened: open}}
          open: {code: 2, on: {till.closed: shut}}
      line:
        initial: near
        states:
          near: {on: {sync.now: far}}
          far: {on: {sync.now: near}}
"""


def test_states_beside_one_that_speaks_for_the_till_stand_in_a_row_of_their_own() -> None:
    """Named as their region."""
    assert {name: face.region for name, face in _faces(REGIONS).items()} == {
        "shut": "",
        "open": "",
        "near": "line",
        "far": "line",
    }


def test_regions_without_any_code_are_one_row() -> None:
    """The first of them speaks, as in the metric."""
    text = REGIONS.replace("code: 1, ", "").replace("code: 2, ", "")
    assert {face.region for face in _faces(text).values()} == {""}
    assert [face.number for face in _faces(text).values()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "text",
    [
        "on: {offline.hold: b}\nstates: {a: {}, b: {}}",
        "states: {a: {on: {offline.hold: b}}, b: {}}",
    ],
)
def test_causes_are_what_transitions_listen_to(text: str) -> None:
    """In all states and in one."""
    assert _machine(text).events == {"offline.hold"}


def test_a_label_in_one_language_stands_for_both() -> None:
    """And the name where there is none."""
    faces = _faces("states: {a: {label: Ready, on: {sync.now: b}}, b: {on: {sync.now: a}}}")
    assert faces["a"].labels == {"en": "Ready", "fr": "Ready"}
    assert faces["b"].labels == {"en": "b", "fr": "b"}
