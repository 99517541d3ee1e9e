"""All tills go on in an edited machine, or none does."""

import pytest

from engine.agent.tills import Tills
from engine.core import carrying as carrying_module
from engine.core.build import Chart, build
from engine.core.carrying import RELOADED, Carrying
from engine.core.feed import StepFailed
from engine.core.records import Event, Step, Till
from engine.definition.machine import Definition
from engine.definition.model import Machine
from engine.definition.parameters import Overrides, resolve
from engine.definition.reader import parse, read
from engine.effects.table import VOCABULARY
from tests.unit.agent.scripted import LINK, NotingRunner, chart_of, clock


class Shop:
    def __init__(self, count: int = 2) -> None:
        self.clock = clock()
        self.runner = NotingRunner()
        self.told: list[tuple[str, str]] = []
        self.tills = Tills(chart_of(), self.clock, self.runner, [self.listen])
        for number in range(count):
            self.tills.add(f"{number:02}")
        self.told.clear()

    def listen(self, step: Step, till: Till) -> None:
        self.told.append((till.id, step.event.name))

    def swap(self, text: str) -> list[str]:
        return self.tills.swap(Carrying(self.tills.chart, chart_of(text)))


def test_timers_of_the_new_machine_run_out_and_those_of_the_old_one_do_not() -> None:
    """A delay of 10 s that has become one of 4 s, after 6 s: it is overdue, and then goes on."""
    shop = Shop(1)
    shop.clock.advance(6)
    assert shop.swap(LINK.replace("10s:\n", "4s:\n")) == []
    assert shop.tills.next_due() == shop.clock.monotonic()
    assert [shop.tills.advance(), shop.tills.advance()] == [1, 0]
    assert shop.tills.next_due() == shop.clock.monotonic() + 4


def test_listeners_are_told_in_turn_and_before_anything_else_happens_to_a_till() -> None:
    """So many at once as the loop has time for; a till's next step comes after that."""
    shop = Shop(4)
    shop.swap(LINK)
    assert shop.told == []
    shop.tills.deliver("02", Event("sync.now"))
    assert shop.told == [("02", RELOADED), ("02", "sync.now")]
    assert shop.tills.tell(2)
    assert shop.told[2:] == [("00", RELOADED), ("01", RELOADED)]
    assert not shop.tills.tell(2)
    assert shop.told[4:] == [("03", RELOADED)]


def test_calls_are_started_and_dropped_at_once() -> None:
    """Whatever listeners have been told by then."""
    shop = Shop(1)
    shop.tills.deliver("00", Event("sync.now"))
    ((_, run),) = shop.runner.started
    silent = LINK.replace("send_tickets", "poll_messages").replace(
        "poll_messages, with: {", "poll_messages, with: {reason: \"'ticket'\", "
    )
    shop.swap(silent)
    assert shop.runner.cancelled == [("00", run)]
    assert [run.effect for _, run in shop.runner.started] == ["send_tickets", "poll_messages"]


def test_a_till_that_cannot_go_on_keeps_all_where_they_are() -> None:
    """With their chart, timers and states, whichever of them it is."""
    shop = Shop(3)
    shop.tills.deliver("01", Event("sync.now"))
    endless = LINK.replace(
        "  sending:\n", "  sending:\n    always: [{target: sending, reenter: true}]\n"
    )
    chart, before = shop.tills.chart, [repr(till) for till in shop.tills]
    with pytest.raises(StepFailed):
        shop.tills.swap(Carrying(chart, _unchecked(endless)))
    assert shop.tills.chart is chart
    assert [repr(till) for till in shop.tills] == before
    assert not shop.tills.tell(9)


def _unchecked(text: str) -> Chart:
    document = read(text, "machine.yaml")
    model = parse(document, Machine)
    return build(Definition(model, document, VOCABULARY, resolve(model, document, Overrides({}))))


def test_a_fleet_is_swapped_without_playing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tills in the same situation one shows that nothing follows; the others cost nothing but
    a look. What ten thousand of the shipped machine take, tests/benchmarks/swap.py measures."""
    shop = Shop(50)
    shop.swap(LINK)
    played: list[str] = []
    monkeypatch.setattr(carrying_module, "play", lambda _chart, turn, _name: played.append(turn))
    before = list(shop.tills)
    shop.swap(LINK.replace("about: The smallest link", "about: A link"))
    assert played == []
    assert all(one is other for one, other in zip(before, shop.tills, strict=True))
