"""Loading: parameters, overrides, delays, events in scope, the hash."""

from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from engine.definition.machine import Definition, Growing, load_machine
from engine.definition.parameters import Overrides
from engine.definition.reader import read
from engine.definition.values import NotOfType
from engine.definition.vocabulary import Field, Value, Vocabulary
from engine.problems import Problem, Refused

Load = Callable[..., Definition]

TEXT = """\
machine: lamp
parameters:
  wait: {default: 30s, min: 1s, max: 1h, about: x}
  pause: {default: wait, about: x}
  tries: {default: 3, min: 1, max: 9, about: x}
  share: {default: 1, min: 0.5, about: x}
  eager: {default: false, about: x}
  word: {default: wait a bit, about: x}
context:
  failures: {initial: 0, max: 20}
states:
  a:
    after:
      - {delay: {base: wait, max: 1h, factor: share, jitter: 0.1, attempt: failures}, target: b}
    on:
      ping.failed: {guard: "failures > tries and event.reason != 'timeout'", target: b}
      ping: {guard: eager and word == 'x', target: b}
  b:
    entry: {assign: {failures: failures + 1}}
    after: {pause: a}
"""


def problems(load: Load, overrides: object, text: str = TEXT) -> tuple[Problem, ...]:
    """What is wrong with the machine under those overrides."""
    with pytest.raises(Refused) as caught:
        load(text, overrides)
    return caught.value.problems


def test_parameters_have_the_values_of_their_defaults(load: Load) -> None:
    """Durations in seconds; a whole number beside a number is one; a name is followed."""
    definition = load(TEXT)
    assert definition.parameters == {
        "wait": 30.0,
        "pause": 30.0,
        "tries": 3,
        "share": 1.0,
        "eager": False,
        "word": "wait a bit",
    }
    assert definition.parameter_types["share"] == "number"
    assert definition.parameter_types["pause"] == "duration"
    assert definition.problems == ()


@pytest.mark.parametrize(
    ("overrides", "name", "value"),
    [
        ({"wait": "2min"}, "pause", 120.0),
        ({"pause": "5s"}, "wait", 30.0),
        ({"pause": "5s"}, "pause", 5.0),
        ({"wait": None, "tries": ""}, "tries", 3),
        ({"word": "wait"}, "word", "wait"),
        ({"eager": True}, "eager", True),
        ({"share": 2}, "share", 2.0),
        ({"wait": "pause", "pause": "7s"}, "wait", 7.0),
    ],
)
def test_overrides_take_the_place_of_defaults(
    load: Load, overrides: dict[str, Value | None], name: str, value: Value
) -> None:
    """An empty one means the default; a follower goes along; a text is never a name."""
    assert load(TEXT, overrides).parameters[name] == value


@pytest.mark.parametrize(
    ("overrides", "code", "message", "hint"),
    [
        ({"wait": "2h"}, "parameter-range", "'wait' is 2h; the largest allowed is 1h.",
         "Allowed: 1s to 1h."),
        ({"pause": "0s"}, "parameter-range", "'pause' is 0s; the smallest allowed is 1s.",
         "Allowed: 1s to 1h."),
        ({"share": 0.1}, "parameter-range", "'share' is 0.1; the smallest allowed is 0.5.", ""),
        ({"wait": 30}, "parameter-type",
         "Expected a duration, found the number 30 without a unit.", "Did you mean '30s'?"),
        ({"eager": "yes"}, "parameter-type", "Expected true or false, found the text 'yes'.",
         "Write true."),
        ({"tries": "wait"}, "parameter-type",
         "'tries' is a whole number, but 'wait' is a duration.", ""),
        ({"wat": 1}, "unknown-parameter", "The machine has no parameter 'wat'.",
         "Did you mean 'wait'?"),
    ],
)  # fmt: skip
def test_a_bad_override_is_refused(
    load: Load, overrides: dict[str, Value], code: str, message: str, hint: str
) -> None:
    """In the same words as a bad default, and with nothing said twice."""
    assert problems(load, overrides) == (Problem("", 0, 0, code, message, hint),)


def test_a_circle_made_by_an_override_is_refused(load: Load) -> None:
    """pause follows wait, so wait cannot follow pause."""
    (problem,) = problems(load, {"wait": "pause"})
    assert (problem.code, problem.message) == (
        "parameter-circle",
        "Parameters follow each other in a circle: wait -> pause -> wait.",
    )


def test_a_bad_override_has_its_place_in_its_own_file(load: Load) -> None:
    """Value and key, in the document that the overrides come from."""
    document = read("shop: 1\nparameters:\n  wait: 2h\n  wat: 1\n", "till.yaml")
    overrides = Overrides({"wait": "2h", "wat": 1}, document, ("parameters",))
    assert [problem.place for problem in problems(load, overrides)] == [
        "till.yaml:3:9",
        "till.yaml:4:3",
    ]


def test_a_default_at_fault_is_said_once(load: Load) -> None:
    """Those that follow it, and what uses it, are not blamed."""
    found = problems(load, None, TEXT.replace("default: 30s", "default: 2h"))
    assert [problem.code for problem in found] == ["parameter-range"]


def test_delays_are_filled_in(load: Load) -> None:
    """A backoff with seconds and numbers, a parameter with its seconds."""
    definition = load(TEXT)
    growing = definition.delay(definition.model.states["a"].after[0].delay)
    assert isinstance(growing, Growing)
    assert (growing.base, growing.factor, growing.max, growing.jitter) == (30.0, 1.0, 3600.0, 0.1)
    assert growing.attempt({"failures": 4}, Happening()) == 4
    assert definition.delay(definition.model.states["b"].after[0].delay) == 30.0


class Happening:
    """An event with nothing in it."""

    name = ""
    data: dict[str, Value] = {}  # noqa: RUF012 - a stand-in that nobody changes


def test_a_tunable_of_another_type_is_refused(load: Load) -> None:
    """With the parameters that would do, where the name was meant for one."""
    definition = load(TEXT)
    assert definition.number("tries") == 3.0
    with pytest.raises(NotOfType, match="'eager' is true or false, where a duration is needed"):
        definition.seconds("eager")
    with pytest.raises(NotOfType) as caught:
        definition.seconds("wayt")
    assert caught.value.hint == "Did you mean 'wait'?"
    with pytest.raises(NotOfType) as caught:
        load("machine: m\nstates: {a: {}}").seconds("wait")
    assert caught.value.hint == "A duration is written 500ms, 30s, 2min, 1h30 or 1d."


def test_the_hash_tells_text_and_parameters_apart(load: Load) -> None:
    """The same text and values give the same hash, whatever the overrides were."""
    plain = load(TEXT)
    assert plain.hash == load(TEXT, {"wait": "30s"}).hash
    assert len({plain.hash, load(TEXT, {"wait": "31s"}).hash, load(TEXT + "#\n").hash}) == 3


def test_how_lines_end_makes_no_other_machine(load: Load) -> None:
    """Windows's editors may end them in their own way; a till's history is still that machine's."""
    assert load(TEXT.replace("\n", "\r\n")).hash == load(TEXT).hash


def test_a_descriptor_knows_the_fields_of_all_that_it_catches(load: Load) -> None:
    """Together; those that have different types in different events are left out."""
    text = TEXT.replace(
        "context:",
        "events:\n"
        "  door.open: {data: {count: integer, who: text}}\n"
        "  door.shut: {data: {count: number, who: integer}}\n"
        "context:",
    ).replace("ping: {guard", "door: b\n      ping: {guard")
    definition = load(text)
    assert definition.scope("door").event == {"count": Field("number")}
    assert definition.scope("door.open").event == {"count": Field("integer"), "who": Field("text")}
    assert definition.scope().event is None
    assert definition.expression("event.count > 1", "door").type == "boolean"
    names = definition.scope("ping").event or {}
    assert set(names) == {"latency", "reason", "message", "retry_after"}


def test_choices_of_a_field_are_those_of_all_events(vocabulary: Vocabulary) -> None:
    """A text that one event leaves free is free."""
    known = Vocabulary(
        vocabulary.effects,
        {
            "a.one": {"x": Field("text", "", ("p", "q")), "y": Field("text", "", ("p",))},
            "a.two": {"x": Field("text", "", ("q", "r")), "y": Field("text")},
        },
    )
    machine = read("machine: m\nstates: {s: {on: {a: {actions: {log: x}}}}}", "f")
    fields = load_machine(machine, known).scope("a").event or {}
    assert (fields["x"].choices, fields["y"].choices) == (("p", "q", "r"), ())


def test_a_machine_is_loaded_from_its_file(tmp_path: Path, vocabulary: Vocabulary) -> None:
    """The document keeps the file's name and text."""
    path = tmp_path / "lamp.yaml"
    path.write_text(TEXT, encoding="utf-8")
    definition = load_machine(path, vocabulary, {"tries": 5})
    assert (definition.document.file, definition.document.text) == (str(path), TEXT)
    assert definition.model.machine == "lamp"


def test_a_machine_of_600_states_is_checked_in_a_second(vocabulary: Vocabulary) -> None:
    """What a transition leads to is worked out once, not once for each state."""
    states = "".join(
        f"  s{n}: {{on: {{sync.now: s{(n + 1) % 600}, till.opened: s{n * 7 % 600}}}}}\n"
        for n in range(600)
    )
    document = read(f"machine: large\nstates:\n{states}", "f")

    began = process_time()
    load_machine(document, vocabulary)

    assert process_time() - began < 1


def test_a_definition_that_forgot_its_places_is_the_same_machine(load: Load) -> None:
    """Text, hash, states and parameters; nothing leads back to a line any more."""
    definition = load(TEXT)
    light = definition.without_places()
    assert light.hash == definition.hash
    assert list(light.tree.nodes) == list(definition.tree.nodes)
    assert light.parameters == definition.parameters
    assert light.document.data is None
    assert light.document.text == definition.document.text
