"""Knobs are checked when they are turned, and strike the requests that they were set for."""

from collections.abc import Mapping

import pytest

from engine.lab.faults import FAULTS
from engine.lab.knobs import BadKnobError, Knobs, read_knob, table


@pytest.fixture
def knobs() -> Knobs:
    return Knobs()


def struck(knobs: Knobs, action: str = "PING") -> list[str]:
    return [knob.name for knob in knobs.draw(action)]


@pytest.mark.parametrize(
    ("fault", "given", "sentence"),
    [
        ("hangg", {}, "There is no fault 'hangg'. Did you mean 'hang'?"),
        (
            "slow",
            {"mss": 5},
            "The fault 'slow' has no setting 'mss'. Did you mean 'ms'?",
        ),
        (
            "slow",
            {"ms": "5"},
            "'ms' of the fault 'slow' is a whole number from 0 to 600000; found '5'.",
        ),
        (
            "drip",
            {"interval": 0},
            "'interval' of the fault 'drip' is a number from 0.001 to 60; found 0.",
        ),
        ("drip", {"part": "tail"}, "'part' of 'drip' is one of headers, body, continue; found"),
        ("http_429", {"as_date": 1}, "'as_date' of 'http_429' is true or false; found 1."),
        (
            "hang",
            {"action": "PRICES"},
            "'action' of the fault 'hang' is one of PING, TICKETS, TICKETSTATUS, MESSAGES, ",
        ),
        (
            "wrong_batch",
            {"action": "PING"},
            "'action' of the fault 'wrong_batch' is one of TICKETS",
        ),
        ("hang", {"times": 0}, "'times' of the fault 'hang' is a whole number from 1 to"),
        ("hang", {"times": True}, "'times' of the fault 'hang' is a whole number from 1 to"),
        ("hang", {"probability": 1.5}, "'probability' of the fault 'hang' is a number from 0 to 1"),
        ("hang", {"seed": -1}, "'seed' of the fault 'hang' is a whole number from 0 to"),
        ("hang", {"for": float("nan")}, "'for' of the fault 'hang' is a number from 0.001 to"),
        ("down", {"times": 3}, "The fault 'down' has no setting 'times'. Allowed: for."),
        ("down", {"action": "PING"}, "The fault 'down' has no setting 'action'. Allowed: for."),
    ],
)
def test_a_bad_setting_is_refused_with_a_sentence_that_names_what_is_allowed(
    fault: str, given: Mapping[str, object], sentence: str
) -> None:
    with pytest.raises(BadKnobError) as refused:
        read_knob(fault, given)
    assert str(refused.value).startswith(sentence)


def test_a_knob_is_permanent_until_it_is_removed(knobs: Knobs) -> None:
    knobs.add(read_knob("hang", {}))
    assert [struck(knobs) for _ in range(5)] == [["hang"]] * 5
    knobs.remove()
    assert struck(knobs) == []


def test_a_knob_for_one_action_leaves_the_others_alone(knobs: Knobs) -> None:
    knobs.add(read_knob("hang", {"action": "TICKETS"}))
    assert struck(knobs, "PING") == []
    assert struck(knobs, "TICKETS") == ["hang"]


def test_a_knob_for_the_next_requests_is_off_after_them(knobs: Knobs) -> None:
    knobs.add(read_knob("hang", {"times": 2}))
    assert [struck(knobs) for _ in range(3)] == [["hang"], ["hang"], []]
    assert knobs.as_data() == []


def test_a_probability_strikes_the_same_requests_for_the_same_seed(knobs: Knobs) -> None:
    runs = []
    for _ in range(2):
        knobs.add(read_knob("hang", {"probability": 0.3, "seed": 7}))
        runs.append([bool(struck(knobs)) for _ in range(200)])
    assert runs[0] == runs[1]
    assert 30 < sum(runs[0]) < 90


def test_a_knob_that_is_turned_again_replaces_the_first(knobs: Knobs) -> None:
    knobs.add(read_knob("slow", {"ms": 5}))
    knobs.add(read_knob("slow", {"ms": 7}))
    knobs.add(read_knob("slow", {"ms": 9, "action": "PING"}))
    assert [knob["ms"] for knob in knobs.as_data()] == [7, 9]


def test_slow_comes_first_and_with_one_other_fault_whose_turn_it_is(knobs: Knobs) -> None:
    knobs.add(read_knob("http_500", {"times": 1}))
    knobs.add(read_knob("slow", {}))
    knobs.add(read_knob("hang", {"times": 1}))
    assert [struck(knobs) for _ in range(3)] == [["slow", "http_500"], ["slow", "hang"], ["slow"]]


def test_one_fault_is_removed_and_the_others_stay(knobs: Knobs) -> None:
    knobs.add(read_knob("hang", {}))
    knobs.add(read_knob("slow", {}))
    knobs.remove("hang")
    assert [knob["fault"] for knob in knobs.as_data()] == ["slow"]


def test_refuse_for_all_is_drawn_once_for_a_connection_and_its_first_request(knobs: Knobs) -> None:
    assert knobs.draw_connection() is None
    knobs.add(read_knob("refuse", {"probability": 0.0}))
    assert knobs.draw_connection() is False
    knobs.add(read_knob("refuse", {"times": 2}))
    assert knobs.draw_connection() is True
    assert knobs.draw("PING", judged=True) == []
    assert struck(knobs) == ["refuse"]
    assert knobs.draw_connection() is None


def test_what_a_knob_prints_turns_the_same_knob_on_again() -> None:
    data = read_knob("drip", {"interval": 0.2, "times": 3, "action": "PING"}).as_data()
    del data["struck"]
    name = str(data.pop("fault"))
    assert read_knob(name, data).as_data() == {"fault": name, **data, "struck": 0}


def test_every_fault_has_one_sentence_and_every_setting_says_what_it_is() -> None:
    for name, line in table().items():
        assert isinstance(line, dict)
        assert line["about"].count(".") == 1, name
        assert line["about"].endswith("."), name
        assert all(setting["about"] for setting in line["settings"].values()), name
    assert set(table()) == set(FAULTS)
