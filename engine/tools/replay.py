"""``tillwire replay``: a till's recorded history played again, by an edited machine or its own."""

import json as encoding
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from engine.core.build import Chart, build
from engine.definition.machine import load_machine
from engine.definition.parameters import Overrides
from engine.definition.report import report
from engine.definition.values import format_duration
from engine.effects.table import VOCABULARY
from engine.problems import Refused, did_you_mean
from engine.settings import Settings, load_settings
from engine.store.errors import StoreError
from engine.store.examining import Examination
from engine.store.place import Place
from engine.tools.replaying.exact import Held, hold
from engine.tools.replaying.playing import Played, Player
from engine.tools.replaying.recording import Recording, Unreadable, read_recording
from engine.tools.replaying.tally import Elsewhere, Tally, elsewhere, lived

PLAYED, REFUSED, UNREADABLE = 0, 1, 2
MOST_LINES = 20


class Cannot(Exception):  # noqa: N818 - it is what is said
    """A replay cannot be had, in a sentence."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One till's. ``held`` where the machine is the one that lived the history, else the tallies
    of what was lived and played, and where the till would have been elsewhere."""

    recording: Recording
    held: Held | None
    was: Tally | None = None
    played: Played | None = None
    elsewhere: Sequence[Elsewhere] = ()

    @property
    def end(self) -> float:
        """When the recording ends."""
        return self.recording.steps[-1].at


def replay(
    machine: Path,
    config: Path | None,
    database: Path | None,
    till: str | None,
    since: float | None,
    json: bool,
) -> int:
    """Print what a machine makes of what tills lived, ``since`` so many seconds ago.

    Returns 0 when it was played, 1 when a file is refused or the machine that lived it gives
    other steps, 2 when there is nothing to play or a file cannot be read.
    """
    try:
        settings = load_settings(config) if config is not None else None
        given = settings.parameters if settings is not None else {}
        document = settings.document if settings is not None else None
        overrides = Overrides(given, document, ("parameters",))
        chart = build(load_machine(machine, VOCABULARY, overrides))
        replays, silent = _replays(chart, settings, database, till, since)
    except Refused as refused:
        sys.stderr.write(f"{report(refused.problems)}\n")
        unreadable = any(problem.code == "unreadable" for problem in refused.problems)
        return UNREADABLE if unreadable else REFUSED
    except (Cannot, StoreError, Unreadable) as fault:
        sys.stderr.write(f"{fault}\n")
        return UNREADABLE
    if json:
        data = {"tills": [as_data(each) for each in replays], "nothing_of": silent}
        sys.stdout.write(encoding.dumps(data, indent=2) + "\n")
    else:
        parts = ["\n".join(as_lines(each)) for each in replays]
        parts += [f"Till {name}: nothing that can be played again was recorded." for name in silent]
        sys.stdout.write("\n\n".join(parts) + "\n")
    if not replays:
        return UNREADABLE
    unlike = any(each.held is not None and each.held.unlike is not None for each in replays)
    return REFUSED if unlike else PLAYED


def _replays(
    chart: Chart,
    settings: Settings | None,
    database: Path | None,
    till: str | None,
    since: float | None,
) -> tuple[list[Replay], list[str]]:
    place: Place | None = database
    if place is None and settings is not None:
        place = settings.database_place
    if place is None:
        raise Cannot("Name a till.yaml with --config, or a database with --database.")
    after = None if since is None else time.time() - since
    with Examination.open(place) as evidence:
        names = settings.tills if settings is not None else evidence.tills()
        if till is not None and till not in names:
            raise Cannot(f"There is no till '{till}'. {did_you_mean(till, names)}")
        wanted = list(names) if till is None else [till]
        with evidence.one_moment():
            recordings = [read_recording(evidence.history, name, after) for name in wanted]
    silent = [each.till for each in recordings if len(each.steps) < 2]
    return [play(chart, each) for each in recordings if len(each.steps) > 1], silent


def play(chart: Chart, recording: Recording) -> Replay:
    """Hold the machine that lived it to a recording, or play another one on it."""
    if recording.machines[-1] == chart.definition.hash:
        return Replay(recording, hold(chart, recording))
    played = Player(chart, recording).play()
    was = lived(recording, played.tally.offline, chart.definition.model.renames)
    end = recording.steps[-1].at
    return Replay(recording, None, was, played, elsewhere(was, played.tally, end))


def as_data(replay: Replay) -> dict[str, Any]:
    """For programs; times are seconds since 1970, lengths seconds."""
    recording = replay.recording
    data: dict[str, Any] = {
        "till": recording.till,
        "from": recording.steps[0].at,
        "to": replay.end,
        "steps": len(recording.steps),
        "older_steps": recording.older,
        "same_machine": replay.held is not None,
    }
    if replay.held is not None:
        unlike = replay.held.unlike
        data["same_steps"] = replay.held.steps
        data["unlike"] = unlike and {
            "at": unlike.step.at,
            "event": unlike.step.event,
            "what": unlike.what,
            "lived": unlike.lived,
            "played": unlike.played,
        }
    elif replay.was is not None and replay.played is not None:
        data["lived"] = _figures(replay.was, replay.end)
        data["played"] = _figures(replay.played.tally, replay.end)
        data["calls_assumed"] = replay.played.assumed
        data["failed_steps"] = replay.played.failed
        data["elsewhere"] = [
            {"from": each.begin, "to": each.end, "was": each.was, "would": each.would}
            for each in replay.elsewhere
        ]
    return data


def _figures(tally: Tally, end: float) -> dict[str, Any]:
    spans = tally.offline_spans(end)
    return {
        "offline_seconds": sum(until - begin for begin, until in spans),
        "offline_periods": len(spans),
        "calls": dict(sorted(tally.calls.items())),
        "tickets_sent": len(tally.delays),
        "delay_median": median(tally.delays) if tally.delays else None,
        "delay_longest": max(tally.delays, default=None),
        "tickets_waiting": len(tally.waiting),
    }


def as_lines(replay: Replay) -> Iterator[str]:
    """For people."""
    recording = replay.recording
    begin, end = recording.steps[0].at, replay.end
    length = format_duration(round(end - begin))
    count = len(recording.steps)
    yield f"Till {recording.till}, {_when(begin)} to {_when(end)} ({length}, {count} steps)."
    if recording.older:
        yield f"Before that {recording.older} more steps, which are not all there any more."
    if replay.held is not None:
        yield from _exactly(replay.held)
    elif replay.was is not None and replay.played is not None:
        yield from _beside(replay.was, replay.played, end)
        yield from _places(replay)


def _exactly(held: Held) -> Iterator[str]:
    if held.unlike is None:
        yield f"This machine lived it: {held.steps} steps played again, all the same."
        return
    step = held.unlike.step
    yield (
        f"This machine lived it, and after {held.steps} steps that are the same, {step.event} at "
        f"{_when(step.at)} gives another one. {held.unlike.what.capitalize()}: was "
        f"{held.unlike.lived}, is {held.unlike.played}."
    )


def _beside(was: Tally, played: Played, end: float) -> Iterator[str]:
    one, other = _figures(was, end), _figures(played.tally, end)
    rows = [("", "was", "would be")]
    rows.append(("offline", _long(one["offline_seconds"]), _long(other["offline_seconds"])))
    rows.append(("offline periods", str(one["offline_periods"]), str(other["offline_periods"])))
    rows += [
        (f"{effect} calls", str(was.calls[effect]), str(played.tally.calls[effect]))
        for effect in sorted({*was.calls, *played.tally.calls})
    ]
    rows.append(("tickets sent", str(one["tickets_sent"]), str(other["tickets_sent"])))
    for name in ("delay_median", "delay_longest"):
        label = f"ticket {name.replace('_', ', ')}"
        rows.append((label, _long(one[name]), _long(other[name])))
    rows.append(("tickets waiting", str(one["tickets_waiting"]), str(other["tickets_waiting"])))
    yield ""
    for label, before, after in rows:
        yield f"  {label:<24}{before:>14}{after:>14}"
    yield ""
    yield (
        f"{played.assumed} of {played.calls} calls are assumed: the recording has none like them, "
        "and they go as its nearest ones."
    )
    if played.failed:
        yield f"{len(played.failed)} steps could not be played; the first: {played.failed[0]}"


def _places(replay: Replay) -> Iterator[str]:
    if not replay.elsewhere:
        yield "The till would have been in the same states at the same times."
        return
    yield "It would have been elsewhere:"
    for each in replay.elsewhere[:MOST_LINES]:
        length = _long(each.end - each.begin)
        was, would = each.was[-1], each.would[-1]
        yield f"  {_when(each.begin)} for {length}: in {would}, was in {was}"
    if len(replay.elsewhere) > MOST_LINES:
        yield f"  and {len(replay.elsewhere) - MOST_LINES} times more (all of them with --json)"


def _long(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return format_duration(round(seconds, 1 if seconds < 10 else None))


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
