"""A story in lines for people: what happened, and under it why, in the time of this machine."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.text import Text

from engine.definition.events import catches
from engine.definition.values import format_duration
from engine.definition.vocabulary import Value
from engine.story.entries import Entry, Refused, Way, WhyNot
from engine.story.reading import Line

INDENT = " " * 10
WIDE = 34
SHORT = 8
"""Characters of a hash that are enough to know it again."""


def lines(told: Sequence[Line], day: str = "") -> Iterator[Text]:
    """The lines of a story, oldest first; a day is named when it begins. ``day`` is the one that
    was named last."""
    for entry, count in told:
        today = clock(entry.at, "%Y-%m-%d")
        if today != day:
            yield Text(today, "bold")
            day = today
        yield _head(entry, count)
        for detail in _details(entry):
            yield Text(f"{INDENT}{detail}", "dim")


def _head(entry: Entry, count: int) -> Text:
    text = Text(f"{clock(entry.at)}  ")
    if entry.kind == "agent":
        return text.append(_agent(entry), "bold magenta")
    moved = [one for one in entry.taken if not one.stays]
    if moved:
        names = [moved[0].source, *(one.target for one in moved)]
        again = len(moved) == 1 and names[0] == names[1]
        where = f"{names[0]} again" if again else " → ".join(names)
        text.append(where.ljust(WIDE), "bold")
    else:
        text.append((entry.states[-1] if entry.states else "").ljust(WIDE), "dim")
    text.append(entry.event)
    return text.append(f" ×{count}" if count > 1 else "", "dim")


def _details(entry: Entry) -> Iterator[str]:
    if entry.kind == "agent":
        return
    answer = entry.answer
    if answer is not None and answer.began is not None and answer.took is not None:
        took = format_duration(answer.took) if answer.took >= 0.001 else "less than 1ms"
        yield (
            f"{answer.effect} began at {clock(answer.began)} by {answer.by}: "
            f"{answer.outcome} after {took}"
        )
    if entry.event == "agent.reloaded":
        known = {name: str(entry.data.get(name, "?"))[:SHORT] for name in ("from", "to")}
        yield "machine {from} → {to}".format(**known)
    elif isinstance(message := entry.data.get("message"), str) and message:
        yield f"“{message}”"
    if entry.ignored:
        yield "ignored: no active state asks for it"
    yield from (_refusal(one) for one in entry.refused if _telling(entry, one))
    if entry.changed:
        yield ", ".join(f"{name} {shown(a)} → {shown(b)}" for name, (a, b) in entry.changed.items())
    for words, names in (
        ("raised", entry.raised),
        ("begun", entry.started),
        ("not begun again, it is under way", entry.joined),
        ("dropped", entry.dropped),
    ):
        if names:
            yield f"{words}: {', '.join(names)}"
    yield from entry.log


def _telling(entry: Entry, one: Refused) -> bool:
    """What is looked at after every event, whatever it is, says nothing of this one; and where
    the till moved, only why the event did not lead elsewhere does."""
    return one.event != "always" and (entry.dull or catches(one.event, entry.event))


def _refusal(one: Refused) -> str:
    return f"not taken, {one.state} on {one.event}: {one.guard}{_with(one.seen)}"


def _with(values: Mapping[str, Value]) -> str:
    told = ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
    return f" ({told})" if told else ""


def shown(value: Value) -> str:
    """A value as the machine file writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _agent(entry: Entry) -> str:
    data = entry.data
    if entry.event == "agent.started":
        told = f"the agent started: tillwire {data.get('version', '?')}, machine "
        told += f"{data.get('machine', '?')} {str(data.get('hash', '?'))[:SHORT]}"
        if data.get("before") == "crashed":
            last = data.get("last")
            when = f", last heard of at {clock(_at(last))}" if isinstance(last, float) else ""
            told += f"; the one before it was not stopped{when}"
        return told
    if entry.event == "agent.stopped":
        return (
            f"the agent stopped ({data['reason']})" if data.get("reason") else "the agent stopped"
        )
    if entry.event == "clock.jumped":
        seconds = float(data.get("seconds", 0.0))
        way = "ahead" if seconds > 0 else "back"
        return f"the clock went {format_duration(abs(seconds))} {way}: it was set, or all slept"
    return f"{entry.event}: {data.get('message', '')}"


def _at(wall: float) -> datetime:
    return datetime.fromtimestamp(wall).astimezone()


def clock(at: datetime, form: str = "%H:%M:%S") -> str:
    """A moment in the time of this machine."""
    return at.astimezone().strftime(form)


def reasons(told: WhyNot, now: datetime) -> Iterator[Text]:
    """Why a till is not elsewhere, in lines."""
    length = format_duration(round(max(0.0, (now - told.since).total_seconds())))
    since = clock(told.since, "%Y-%m-%d %H:%M:%S")
    yield Text(f"Till {told.till} is in {told.state} since {since} ({length}).", "bold")
    if not told.ways:
        yield Text("No transition leads out of it.")
        return
    yield Text("What leads out, and what held it:")
    for way in told.ways:
        head = Text(f"  {way.event} → {way.target}", "bold")
        yield head.append(f"  if {way.guard}" if way.guard else "", "")
        yield Text(f"{INDENT}{'; '.join(_held(way, now))}", "dim")


def _held(way: Way, now: datetime) -> Iterator[str]:
    if way.held == "due" and way.due is not None:
        yield f"its time is over at {clock(way.due)}{_ahead(way.due, now)}"
    elif way.held == "refused" and way.last is not None:
        yield f"it came at {clock(way.last)} and the condition did not hold{_with(way.seen)}"
    elif way.held == "refused":
        yield "the condition does not hold"
    elif way.held == "passed" and way.last is not None:
        yield f"it came at {clock(way.last)}, and another rule was first"
    elif way.held == "never":
        yield "it has not come since"
    else:
        yield "nothing that is known holds it"
    if way.now and way.now != way.seen:
        yield f"now{_with(way.now)}"
    if way.by == "under way":
        yield "the call is under way"
    elif way.by is not None and way.due is not None:
        yield f"the next one is due at {clock(way.due)}{_ahead(way.due, now)}, by {way.by}"


def _ahead(due: datetime, now: datetime) -> str:
    left = (due - now).total_seconds()
    return f" (in {format_duration(round(left))})" if left >= 1 else ""
