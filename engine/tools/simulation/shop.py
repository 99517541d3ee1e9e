"""The tills' programs and their cashiers: who sells what when, and what they ask for."""

from bisect import bisect_right
from collections.abc import Mapping
from math import inf
from random import Random

from engine.agent.tills import Tills
from engine.core.records import Event, Run, Step, Till
from engine.definition.machine import Definition
from engine.definition.values import convert
from engine.definition.vocabulary import Value
from engine.tools.simulation.books import MemoryBooks
from engine.tools.simulation.chance import generator
from engine.tools.simulation.effects import SHOP
from engine.tools.simulation.record import Asked, Record
from engine.tools.simulation.scenario import DAY, EventAt, Scenario
from engine.tools.simulation.windows import concerns, first, occurrences
from engine.tools.simulation.world import World

HOUR = 3600.0
LEAST = 1e-6
"""Seconds that are certainly some, even after a month."""
CUSTOMERS = 200
"""So many customers have a code."""


class Shop:
    """All tills' programs."""

    def __init__(
        self,
        scenario: Scenario,
        definition: Definition,
        world: World,
        books: MemoryBooks,
        record: Record,
    ) -> None:
        self._scenario = scenario
        self._definition = definition
        self._names = list(record.tills)
        self._world = world
        self._books = books
        self._record = record
        self._offline = frozenset(each.id for each in definition.tree if each.state.offline)
        self._asking: dict[tuple[str, int], list[float]] = {}
        self._steps = sorted(scenario.tickets.per_hour.items())
        self._on: set[str] = set()

    def open(self, tills: Tills) -> None:
        """Plan everything that does not depend on how the simulation goes."""
        self._tills = tills
        scenario = self._scenario
        for name in self._names:
            chance = generator(scenario.seed, name, "shop")
            late = chance.random() * scenario.cashier.spread
            day = _Day(scenario, late)
            self._world.at(day.on, self._switch_on, name)
            for opens, closes in day.opened:
                if opens > 0:
                    self._world.at(opens, self._post, name, Event("till.opened"))
                self._next(name, chance, opens, opens, closes)
                if closes < scenario.length:
                    self._world.at(closes, self._post, name, Event("till.closed"))
                    self._world.at(closes + 1, self._post, name, Event("till.day_closed"))
        for event in scenario.events:
            self._plan(event)

    def observe(self, step: Step, _till: Till) -> None:
        """An answer may be one that a till program waits for; a call may be dropped."""
        if not self._asking:
            return
        if step.event.run is not None and not step.late:
            answer = step.event.name.rpartition(".")[2]
            self._answered(step.till, step.event.run, "fresh" if answer == "ok" else answer)
        for run in step.cancelled:
            self._answered(step.till, run.number, self._idle(step.till))

    def _plan(self, event: EventAt) -> None:
        scenario = self._scenario
        tills = concerns(event, self._names)
        fields = self._definition.events[event.event]
        data = {name: convert(value, fields[name].type) for name, value in event.data.items()}
        for when in occurrences(event, scenario.begins, scenario.length):
            for name in self._names if tills is None else sorted(tills):
                self._world.at(when, self._post, name, Event(event.event, data))

    def _switch_on(self, name: str) -> None:
        self._on.add(name)
        self._tills.add(name)
        self._tills.deliver(name, Event("agent.started", {"pending": 0}))

    def _post(self, name: str, event: Event) -> None:
        """A till whose agent does not run hears nothing."""
        if name in self._on:
            self._tills.deliver(name, event)

    def _next(self, name: str, chance: Random, after: float, free: float, until: float) -> None:
        """Plan the next ticket of a till, which is free again at ``free``."""
        closes = self._coming(chance, after)
        if closes >= until:
            return
        takes = self._scenario.tickets.takes * (0.25 + 0.75 * chance.random())
        begins = max(free, closes - takes)
        customer = ""
        if chance.random() < self._scenario.tickets.customers:
            customer = f"C{chance.randrange(CUSTOMERS):05}"
        self._world.at(begins, self._begun, name)
        if customer:
            self._world.at(begins + (closes - begins) / 3, self._customer, name, customer)
        self._world.at(closes, self._closed, name, chance, until)

    def _coming(self, chance: Random, after: float) -> float:
        """When the next ticket is closed: by chance, at the rate of the time of day."""
        at, left = after, chance.expovariate(1.0)
        while at < self._scenario.length:
            of_day = (at + self._scenario.begins) % DAY
            index = bisect_right(self._steps, (of_day, inf)) - 1
            rate = self._steps[index][1] / HOUR
            following = self._steps[index + 1][0] if index + 1 < len(self._steps) else DAY
            if index < 0:
                following = self._steps[0][0]
            # Never so little that adding it changes nothing.
            end = at + max(following - of_day, LEAST)
            if rate > 0 and at + left / rate <= end:
                return at + left / rate
            left -= rate * (end - at)
            at = end
        return inf

    def _begun(self, name: str) -> None:
        self._post(name, Event("ticket.started"))

    def _closed(self, name: str, chance: Random, until: float) -> None:
        now = self._world.now
        if name in self._on:
            number = self._record.closed(name, now)
            payload = b"%d" % number
            payload = payload.ljust(self._scenario.tickets.bytes, b".")
            wall = self._world.clock.wall()
            self._books.store.tickets.accept(SHOP, name, number, payload, wall)
            self._tills.deliver(name, Event("ticket.closed", {"number": number}))
        self._next(name, chance, now, now, until)

    def _customer(self, name: str, customer: str) -> None:
        """As the agent answers GET offers: the machine decides whether a call is made, and its
        answer is waited for no longer than the till program will."""
        if name not in self._on:
            return
        self._tills.deliver(name, Event("ticket.customer", {"customer": customer}))
        run = _running(self._tills[name], "fetch_offers", {"customer": customer})
        now = self._world.now
        if run is None:
            self._record.asked.append(Asked(now, 0.0, self._idle(name)))
            return
        key = name, run.number
        self._asking.setdefault(key, []).append(now)
        self._world.at(now + self._scenario.cashier.offers_within, self._late, key, now)

    def _late(self, key: tuple[str, int], since: float) -> None:
        waiting = self._asking.get(key, [])
        if since in waiting:
            waiting.remove(since)
            if not waiting:
                del self._asking[key]
            self._record.asked.append(Asked(since, self._world.now - since, "late"))

    def _answered(self, till: str, number: int, answer: str) -> None:
        for since in self._asking.pop((till, number), ()):
            self._record.asked.append(Asked(since, self._world.now - since, answer))

    def _idle(self, till: str) -> str:
        """Why the machine does not ask."""
        return "busy" if self._offline.isdisjoint(self._tills[till].configuration) else "offline"


class _Day:
    """A till's times, in seconds from the beginning; ``late`` by how much it is later."""

    def __init__(self, scenario: Scenario, late: float) -> None:
        cashier, length = scenario.cashier, scenario.length
        begins = scenario.begins
        self.on = late
        if cashier.switched_on is not None:
            self.on += first(cashier.switched_on, begins)
        self.opened: list[tuple[float, float]] = []
        if cashier.opens is None:
            self.opened.append((0.0, inf))
            return
        opens = first(cashier.opens, begins) + late
        while opens < length:
            closes = inf
            if cashier.closes is not None:
                closes = opens + (cashier.closes - cashier.opens) % DAY
            self.opened.append((opens, closes))
            if cashier.closes is None:
                break
            opens += DAY


def _running(till: Till, effect: str, arguments: Mapping[str, Value]) -> Run | None:
    """The run of an effect with these arguments, as :func:`engine.agent.asking.running`."""
    for run in till.running.values():
        if run.effect == effect and arguments.items() <= run.arguments.items():
            return run
    return None
