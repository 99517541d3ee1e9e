"""Plays a machine in virtual time as the agent does: events, timers and nothing else."""

from pathlib import Path
from typing import Any

from engine.core.build import Chart, build
from engine.core.feed import begin, feed, timer_event
from engine.core.records import NO_DATA, Event, Step, Till
from engine.definition.machine import Definition, load_machine
from engine.definition.model import Machine
from engine.definition.parameters import Overrides, resolve
from engine.definition.reader import parse, read
from engine.definition.vocabulary import EffectSignature, Field, Value, Vocabulary

CHARTS = Path(__file__).parent / "charts"

ASK = EffectSignature(
    "ask",
    "Asks somebody for something.",
    arguments={
        "timeout": Field("duration", "how long the answer may take"),
        "what": Field("integer", "what is asked for"),
    },
    ok={"n": Field("integer", "the answer")},
)
TELL = EffectSignature("tell", "Tells somebody something.", can_be_rejected=False)
WORDS = Vocabulary({"ask": ASK, "tell": TELL}, {"sign": {"n": Field("integer")}})


WITH_AGENT = Vocabulary(
    WORDS.effects, {**WORDS.events, "agent.started": {"pending": Field("integer")}}
)


def define(text: str, words: Vocabulary = WORDS, **overrides: Any) -> Definition:
    """A machine that is written in a test. It is not checked: some of them must go wrong."""
    document = read(text, "machine.yaml")
    model = parse(document, Machine)
    return Definition(model, document, words, resolve(model, document, Overrides(overrides)))


def chart_of(text: str, **overrides: Any) -> Chart:
    """The chart of a machine that is written in a test."""
    return build(define(text, **overrides))


def chart_file(name: str) -> Definition:
    """The definition of one of the charts beside the tests."""
    return load_machine(CHARTS / f"{name}.yaml", Vocabulary())


class Play:
    """One till of a chart and the time; ``steps`` holds all that was done, the latest last."""

    def __init__(self, chart: Chart, till: str = "01", now: float = 0.0) -> None:
        self.chart = chart
        self.now = now
        self.till, step = begin(chart, till, now)
        self.steps = [step]

    @classmethod
    def resumed(cls, chart: Chart, till: Till, step: Step, now: float) -> "Play":
        """Goes on with a till that was restored."""
        play = cls.__new__(cls)
        play.chart, play.till, play.now, play.steps = chart, till, now, [step]
        return play

    @property
    def last(self) -> Step:
        """What was done last."""
        return self.steps[-1]

    @property
    def leaf(self) -> str:
        """The innermost active state, in a machine that has one."""
        return self.till.configuration[-1]

    def feed(self, event: Event) -> Step:
        """Play an event now."""
        self.steps.append(feed(self.chart, self.till, event, self.now))
        return self.last

    def send(self, name: str, **data: Value) -> Step:
        """Play an event of this name now."""
        return self.feed(Event(name, data or NO_DATA))

    def answer(self, name: str, **data: Value) -> Step:
        """Answer the oldest run of the effect that the event is named for."""
        effect = name.partition(".")[0]
        runs = [run.number for run in self.till.running.values() if run.effect == effect]
        return self.feed(Event(name, data or NO_DATA, run=min(runs)))

    def next_due(self) -> float | None:
        """When the next timer runs out."""
        return min((timer.due for timer in self.till.timers.values()), default=None)

    def fire(self) -> None:
        """Play the timers that have run out by now, the earliest first."""
        due = [timer for timer in self.till.timers.values() if timer.due <= self.now]
        for timer in sorted(due, key=lambda timer: timer.due):
            self.feed(timer_event(self.chart, timer.key))

    def until(self, time: float) -> None:
        """Go on to a time, playing each timer at the moment at which it runs out."""
        while (due := self.next_due()) is not None and due <= time:
            self.now = max(self.now, due)
            self.fire()
        self.now = time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.until(self.now + seconds)


def act(play: Play, deeds: list[Any], events: list[str]) -> None:
    """Lets a time pass for each float; else sends the event with that place among ``events``."""
    for deed in deeds:
        if isinstance(deed, float):
            play.wait(deed)
        else:
            play.send(events[deed[0] % len(events)], n=deed[1])
