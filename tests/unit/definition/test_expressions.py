"""Expressions: their values, their types, and that nothing gets through the allow-list."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.expressions import (
    NO_EVENT,
    Expression,
    Scope,
    compile_expression,
    fits,
    variable_type,
)
from engine.definition.model import Variable
from engine.definition.vocabulary import Field, Value
from engine.problems import Refused


class Event(NamedTuple):
    """An event as the core has it, as far as expressions care."""

    name: str
    data: Mapping[str, Any]


SCOPE = Scope(
    parameters={"limit": 3, "wait": 30.0, "eager": True, "ratio": 0.5, "odd": 0},
    parameter_types={
        "limit": "integer",
        "wait": "duration",
        "eager": "boolean",
        "ratio": "number",
    },
    context={
        "failures": Variable(initial=0, max=10),
        "on": Variable(initial=False),
        "mode": Variable(initial="slow", values=("slow", "fast")),
    },
    event={
        "count": Field("integer"),
        "latency": Field("duration"),
        "share": Field("number"),
        "sure": Field("boolean"),
        "why": Field("text"),
        "reason": Field("text", choices=("timeout", "unreachable")),
    },
    positive=frozenset({"limit", "wait"}),
)
CONTEXT: dict[str, Value] = {"failures": 4, "on": True, "mode": "fast"}
EVENT = Event(
    "ping.ok",
    {"count": 7, "latency": 1.5, "share": 2, "sure": True, "why": "x", "reason": "timeout"},
)


def value_of(text: str | float) -> Value:
    """The expression's value in the context and event above."""
    return compile_expression(text, SCOPE)(CONTEXT, EVENT)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("failures + 1 >= limit", True),
        ("1 < failures < 4", False),
        ("failures in (1, 4)", True),
        ("failures not in [1, 4]", False),
        ("mode in ('fast',) and 3 < failures in (4, 5)", True),
        ("mode == 'fast' and not on", False),
        ("on or failures / 0.5 > 99", True),
        ("eager and true and True", True),
        ("false or False", False),
        ("event.latency > wait", False),
        ("event.latency * 2 + wait", 33.0),
        ("2 * event.latency", 3.0),
        ("wait / 2 - event.latency", 13.5),
        ("event.latency / wait", 0.05),
        ("event.name == 'ping.ok'", True),
        ("event.reason == 'timeout' and event.sure", True),
        ("event.count // 2", 3),
        ("event.count % limit", 1),
        ("event.count / 2", 3.5),
        ("event.share", 2.0),
        ("-failures", -4),
        ("-1.5", -1.5),
        ("abs(failures - 10)", 6),
        ("min(failures, limit)", 3),
        ("max(failures, ratio, 2)", 4.0),
        ("max(wait, event.latency)", 30.0),
        ("'slow' if failures > 2 else 'fast'", "slow"),
        ("1 if on else 2.5", 1.0),
        ("  failures\n+ 1 ", 5),
        ("'a' == 'a'", True),
        (True, True),
        (7, 7),
        (1.5, 1.5),
    ],
)
def test_an_expression_has_its_value(text: str | float, value: Value) -> None:
    """Value and type, for each operator of the language."""
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


def test_an_expression_tells_what_it_reads() -> None:
    """Names of parameters and context, fields of the event; a constant says so."""
    found = compile_expression("failures + limit > event.count and event.name == 'x'", SCOPE)
    assert (found.type, found.constant) == ("boolean", None)
    assert found.names == {"failures", "limit"}
    assert found.fields == {"count", "name"}
    constant = compile_expression("limit * 2 + ratio", SCOPE)
    assert (constant.type, constant.constant) == ("number", 6.5)
    assert compile_expression("eager and not eager", SCOPE).constant is False


@pytest.mark.parametrize(
    ("text", "choices"),
    [
        ("mode", ("slow", "fast")),
        ("'off'", ("off",)),
        ("event.why", ()),
        ("mode if on else 'off'", ("slow", "fast", "off")),
        ("mode if on else event.why", ()),
        ("failures", ()),
    ],
)
def test_an_expression_knows_the_texts_that_it_can_be(text: str, choices: tuple[str, ...]) -> None:
    """None for a free text."""
    assert compile_expression(text, SCOPE).choices == choices


def test_a_literal_stands_for_itself() -> None:
    """Where a variable has a few values, a bare one needs no quotes."""
    assert compile_expression("fast", SCOPE, ("slow", "fast")).constant == "fast"


@pytest.mark.parametrize(
    ("field", "value"),
    [("count", 0), ("latency", 0.0), ("share", 0.0), ("sure", False), ("why", "")],
)
def test_a_missing_field_reads_as_zero_or_empty(field: str, value: Value) -> None:
    """So does one of another type: an expression cannot raise."""
    expression = compile_expression(f"event.{field}", SCOPE)
    assert expression(CONTEXT, Event("x", {})) == value
    assert expression(CONTEXT, Event("x", {field: []})) == value


def test_whole_numbers_cannot_grow_for_ever() -> None:
    """Events and products stop at plus or minus 2**53."""
    huge = Event("x", {"count": -(10**400), "share": 10**400})
    assert compile_expression("event.count", SCOPE)({}, huge) == -(2**53)
    assert compile_expression("event.share", SCOPE)({}, huge) == 2.0**53
    assert compile_expression("event.count * event.count * 5", SCOPE)({}, huge) == 2**53


def test_without_an_event_nothing_stands_in_for_it() -> None:
    """The empty event has no name and no data."""
    assert (NO_EVENT.name, dict(NO_EVENT.data)) == ("", {})


def test_variables_have_the_type_of_their_first_value() -> None:
    """true or false, whole number, text."""
    variables = [Variable(initial=True), Variable(initial=1), Variable(initial="x")]
    assert [variable_type(each) for each in variables] == ["boolean", "integer", "text"]
    assert [fits("integer", "number"), fits("number", "integer"), fits("text", "duration")] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "failures.__class__",
        "event.data.x",
        "().__class__",
        "[x for x in (1, 2)]",
        "(x for x in (1, 2))",
        "lambda: 1",
        "f'{failures}'",
        "{'a': 1}",
        "{1, 2}",
        "(y := 1)",
        "failures[0]",
        "...",
        "b'x'",
        "1j",
        "open",
        "min",
        "min(*mode)",
        "abs(failures, key=1)",
        "~failures",
        "failures @ 1",
        "failures == (1, 2)",
        "(1, 2) == failures",
        "failures in (failures, 1)",
        "failures in ()",
        "odd > 1",
        "(wat if on else 1) > 2",
        "failures and",
        "a" * 501,
        "(" * 250,
        "(" * 240 + "1" + ")" * 240,
        "'\udc00'",
        "\x00",
    ],
)
def test_what_is_not_allowed_is_refused(text: str) -> None:
    """No attribute, call, comprehension or oversized text gets past the allow-list."""
    with pytest.raises(Refused):
        compile_expression(text, SCOPE)


def test_all_faults_of_an_expression_come_at_once() -> None:
    """Each at its column, and what was said is not said again around it."""
    with pytest.raises(Refused) as caught:
        compile_expression(" not é and (faillures + 'x' > 1 or on + 1 > 2)", SCOPE)
    found = [(p.column, p.code, p.message, p.hint) for p in caught.value.problems]
    allowed = "Did you mean 'failures'?"
    assert found == [
        (6, "unknown-name", "There is no name 'é'.",
         "Allowed: eager, failures, limit, mode, odd, on, ratio, wait."),
        (13, "unknown-name", "There is no name 'faillures'.", allowed),
        (36, "expression-type", "'+' does not go with true or false and a whole number.", ""),
    ]  # fmt: skip


def test_a_parameter_at_fault_says_nothing_more() -> None:
    """Its own problem was reported where it is declared."""
    with pytest.raises(Refused) as caught:
        compile_expression("odd + 1 > 2 and -odd in (1, 2) and max(odd, 1) > abs(odd)", SCOPE)
    assert caught.value.problems == ()


@pytest.mark.parametrize("fault", [RecursionError, MemoryError])
def test_what_python_cannot_parse_is_refused(
    monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    """Deep in a stack or short of memory, Python's parser gives up; we say so."""

    def give_up(*_arguments: object, **_names: object) -> None:
        raise fault

    monkeypatch.setattr("engine.definition.syntax.ast.parse", give_up)
    with pytest.raises(Refused, match="The expression nests too deep"):
        compile_expression("1", SCOPE)


@given(st.text(max_size=60))
def test_random_text_is_a_value_or_refused(text: str) -> None:
    """Nothing but Refused is ever raised, when compiled or when called."""
    with suppress(Refused):
        assert isinstance(value_of(text), Value)


PIECES = (
    "failures on mode limit wait eager event.count event.latency event.why event.name "
    "1 0 2.5 'fast' 'x' true ( ) , + - * / // % ** < <= == != > in not and or if else "
    "min( max( abs( [ ] # 30s = && ! é \\ { } : . lambda is None"
)
FRAGMENTS = st.sampled_from(PIECES.split(" "))


@given(st.lists(FRAGMENTS, max_size=14))
def test_random_pieces_are_a_value_or_refused(pieces: list[str]) -> None:
    """The same for texts that look like expressions."""
    with suppress(Refused):
        assert isinstance(value_of(" ".join(pieces)), Value)


NUMBERS = st.one_of(
    st.sampled_from(["failures", "event.count", "limit", "ratio"]),
    st.integers(0, 20).map(str),
    st.floats(0, 8, allow_nan=False).map(lambda x: str(round(x, 2))),
)
ARITHMETIC = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(inner, st.sampled_from(["/", "//", "%"]), st.sampled_from(["limit", "7"])).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
        ),
        inner.map(lambda part: f"abs(-{part})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} if on else {parts[1]})"),
    ),
    max_leaves=8,
)
TRUTHS = st.recursive(
    st.one_of(
        st.sampled_from(["on", "True", "mode == 'fast'", "mode in ('slow', 'fast')"]),
        st.tuples(ARITHMETIC, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), ARITHMETIC).map(
            " ".join
        ),
        st.tuples(ARITHMETIC, ARITHMETIC, ARITHMETIC).map(
            lambda parts: f"{parts[0]} <= {parts[1]} < {parts[2]}"
        ),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(
            lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"
        ),
        inner.map(lambda part: f"(not {part})"),
    ),
    max_leaves=5,
)


def compiled(text: str) -> Expression | None:
    """The expression, or None where it is too long or too deep for the language."""
    try:
        return compile_expression(text, SCOPE)
    except Refused as refused:
        problems = refused.problems
    assert {problem.code for problem in problems} == {"expression"}
    return None


@given(
    st.one_of(ARITHMETIC, TRUTHS),
    st.integers(0, 10),
    st.booleans(),
    st.sampled_from(["slow", "fast"]),
    st.integers(-1000, 1000),
)
def test_an_expression_means_what_it_means_in_python(
    text: str, failures: int, on: bool, mode: str, count: int
) -> None:
    """The same text, evaluated by Python itself, has the same value."""
    expression = compiled(text)
    if expression is None:
        return
    event = Event("x", {"count": count})
    names: dict[str, Any] = {"failures": failures, "on": on, "mode": mode}

    class Fields:
        """The event as Python's attribute syntax wants it."""

    fields: Any = Fields()
    fields.count = count
    scope = {"min": min, "max": max, "abs": abs, "__builtins__": {}}
    expected = eval(text, scope, {**names, **SCOPE.parameters, "event": fields})  # noqa: S307
    assert expression(names, event) == expected
