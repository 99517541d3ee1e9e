"""What a drawing tells of a machine, whichever way it is drawn."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.definition.machine import load_machine
from engine.effects.table import VOCABULARY
from engine.shipped import shipped_machine
from engine.tools.drawing.chart import Arrow, Chart, chart_of
from tests.unit.tools.drawing.conftest import EVERYTHING

Charting = Callable[..., Chart]
HEAD = """machine: m
parameters:
  short: {default: 5s, about: How long.}
  many: {default: 3, about: How often.}
  eager: {default: true, about: Whether.}
context: {failures: {initial: 0, max: 9}}
states:
  a:
    on:
"""
B = "  b: {on: {sync.now: a}}\n"


def _from_a(chart: Chart) -> list[Arrow]:
    return chart.leaving("a")


def test_guards_read_with_the_values_in_force(chart: Charting) -> None:
    """Numbers and durations in place of the parameters' names, signs as in print."""
    text = (
        HEAD
        + "      ping.ok: {guard: event.latency >= short and failures != many, target: b}\n"
        + B
    )
    assert _from_a(chart(text)) == [Arrow("a", "b", ("ping.ok [latency ≥ 5s and failures ≠ 3]",))]
    assert _from_a(chart(text, short="2min", many=1)) == [
        Arrow("a", "b", ("ping.ok [latency ≥ 2min and failures ≠ 1]",))
    ]


def test_a_guard_that_the_parameters_decide_is_no_guard(chart: Charting) -> None:
    """What cannot be is not drawn, and what always is needs no words."""
    text = HEAD + "      ping.ok: [{guard: eager, target: b}, {guard: not eager, target: c}]\n" + B
    text += "  c: {on: {sync.now: a}}\n"
    assert _from_a(chart(text)) == [Arrow("a", "b", ("ping.ok",))]
    assert _from_a(chart(text, eager=False)) == [Arrow("a", "c", ("ping.ok",))]


def test_texts_in_a_guard_stay_as_they_are(chart: Charting) -> None:
    """Even where one is called as a parameter is."""
    text = HEAD + "      ticket.customer: {guard: event.customer == 'many', target: b}\n" + B
    assert _from_a(chart(text)) == [Arrow("a", "b", ("ticket.customer [customer = 'many']",))]


def test_an_event_that_another_one_stands_for_is_not_told_twice(chart: Charting) -> None:
    """Of two events with one beginning, where the shorter leads there too and asks no more."""
    text = HEAD + "      ping.failed.timeout: b\n      ping.failed: b\n" + B
    assert _from_a(chart(text)) == [Arrow("a", "b", ("ping.failed",))]
    text = (
        HEAD + "      ping.failed.timeout: b\n      ping.failed: {guard: failures > 2, target: b}\n"
    )
    assert _from_a(chart(text + B))[0].causes == (
        "ping.failed.timeout",
        "ping.failed [failures > 2]",
    )


def test_guards_of_one_event_are_told_together(chart: Charting) -> None:
    """With an or."""
    text = (
        HEAD
        + "      ping.ok: [{guard: failures == 1, target: b}, {guard: failures == 3, target: b}]\n"
    )
    assert _from_a(chart(text + B))[0].causes == ("ping.ok [failures = 1 or failures = 3]",)
    assert _from_a(chart(text + B, "fr"))[0].causes == ("ping.ok [failures = 1 ou failures = 3]",)


@pytest.mark.parametrize(
    ("backoff", "told"),
    [
        ("{base: short, factor: 2, max: 1min, attempt: failures}", "5s, doubling to 1min"),
        ("{base: 1s, factor: 1.5, max: 1min, attempt: '1'}", "1s, each time × 1.5, to 1min"),
        ("short", "5s"),
        ("1h30", "1h30min"),
    ],
)
def test_a_delay_reads_as_it_is(chart: Charting, backoff: str, told: str) -> None:
    """A backoff by how it grows."""
    text = HEAD.replace("    on:\n", f"    after: [{{delay: {backoff}, target: b}}]\n") + B
    assert _from_a(chart(text)) == [Arrow("a", "b", (f"after {told}",))]


def test_what_is_taken_at_once_says_so(chart: Charting) -> None:
    """No line is without words."""
    text = HEAD.replace("    on:\n", "    always: b\n") + B
    assert _from_a(chart(text)) == [Arrow("a", "b", ("at once",))]
    assert _from_a(chart(text, "fr")) == [Arrow("a", "b", ("aussitôt",))]


def test_every_transition_to_a_state_is_in_the_detailed_chart() -> None:
    """As many causes as the model that the core runs has transitions that lead somewhere."""
    for path in (shipped_machine(), EVERYTHING):
        definition = load_machine(path, VOCABULARY)
        states = [node.state for node in definition.tree]
        every = [
            t
            for on in (definition.model.on, *(s.on for s in states))
            for many in on.values()
            for t in many
        ]
        every += [t for s in states for t in (*s.after, *s.always)]
        leading = [t for t in every if t.target is not None]
        histories = [s for s in states if s.history]
        told = chart_of(definition, "en", True).arrows
        assert sum(len(arrow.causes) for arrow in told) == len(leading) + len(histories)
        assert {arrow.target for arrow in told} <= set(definition.tree.nodes)


def test_the_shipped_machine_has_few_arrows() -> None:
    """The picture that a person is given first: 26 arrows in place of 112 transitions."""
    chart = chart_of(load_machine(shipped_machine(), VOCABULARY))
    assert len(chart.arrows) <= 28
    assert all(len(arrow.causes) <= 2 for arrow in chart.arrows)


def test_labels_are_in_the_language_asked_for() -> None:
    """Names stand where a state has no label."""
    definition = load_machine(Path(EVERYTHING), VOCABULARY)
    assert chart_of(definition, "fr").title("online") == "En ligne"
    assert chart_of(definition, "en").title("online") == "Online"
    assert chart_of(definition, "fr").title("offline") == "offline"
