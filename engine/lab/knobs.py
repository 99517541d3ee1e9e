"""Which faults are turned on, and which request each strikes.

A knob is checked when it is turned: what is not allowed is refused with a sentence that names
what is. Requests are struck until the knob is cleared, or ``times`` requests long, or with a
``probability`` drawn from a generator of its own that starts at ``seed``.
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.lab.faults import FAULTS, Fault, Setting, Settings
from engine.problems import did_you_mean

LONGEST_FOR = 86_400.0
MOST_TIMES = 1_000_000

# What every fault that strikes requests can be given. The default None means "not given".
_COMMON = {
    "action": "one action alone",
    "times": "how many requests are struck, then the knob is cleared",
    "probability": "the chance that a request is struck, from 0 to 1",
    "seed": "where the generator of the chances starts",
    "for": "seconds until the knob is cleared",
}


class BadKnobError(ValueError):
    """A knob cannot be set like that: one sentence that names what is allowed."""


@dataclass(slots=True)
class Knob:
    """One fault that is turned on. ``struck`` counts the requests that it has struck."""

    name: str
    fault: Fault
    settings: Settings
    action: str | None = None
    times: int | None = None
    probability: float | None = None
    seed: int = 0
    seconds: float | None = None
    struck: int = 0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    @property
    def refuses_connections(self) -> bool:
        """Whether it strikes connections before anything is read (``refuse`` for all)."""
        return self.name == "refuse" and self.action is None

    def strikes(self, action: str) -> bool:
        """Draw for one request; counts it when it is struck."""
        if action not in self.fault.actions or self.action not in {None, action}:
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        if self.probability is not None and self.chance.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def as_data(self) -> dict[str, object]:
        """What is turned on, as it could be turned on again."""
        return {
            "fault": self.name,
            "action": self.action,
            "times": self.times,
            "probability": self.probability,
            "seed": self.seed,
            "for": self.seconds,
            **self.settings,
            "struck": self.struck,
        }


class Knobs:
    """The knobs that are turned on, in the order in which they were. Any thread may look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on: list[Knob] = []

    def add(self, knob: Knob) -> None:
        """Turn a knob on; one for the same fault and action is replaced."""
        with self._lock:
            self._on = [
                other
                for other in self._on
                if (other.name, other.action) != (knob.name, knob.action)
            ]
            self._on.append(knob)

    def remove(self, fault: str | None = None) -> None:
        """Turn off every knob, or every one of one fault."""
        with self._lock:
            self._on = [knob for knob in self._on if fault is not None and knob.name != fault]

    def discard(self, knob: Knob) -> None:
        """Turn off this very knob, if it is still on."""
        with self._lock:
            self._on = [other for other in self._on if other is not knob]

    def draw(self, action: str, *, judged: bool = False) -> list[Knob]:
        """The knobs that strike a request, in the order of play: every slow one, then one more.

        A fault that comes after the one that strikes is not drawn: its count stays. ``judged``
        says that ``refuse`` for all was drawn for this request when its connection came.
        """
        if not self._on:
            return []
        with self._lock:
            live = [knob for knob in self._on if not (judged and knob.refuses_connections)]
            struck = [knob for knob in live if knob.name == "slow" and knob.strikes(action)]
            other = next((k for k in live if k.name != "slow" and k.strikes(action)), None)
            if other is not None:
                struck.append(other)
            self._on = [k for k in self._on if k.times is None or k.struck < k.times]
        return struck

    def draw_connection(self) -> bool | None:
        """Whether a new connection is reset unread; None when no knob is on that would."""
        with self._lock:
            knob = next((knob for knob in self._on if knob.refuses_connections), None)
            if knob is None:
                return None
            struck = knob.strikes("OTHER")
            self._on = [k for k in self._on if k.times is None or k.struck < k.times]
        return struck

    def as_data(self) -> list[dict[str, object]]:
        """Every knob that is on."""
        with self._lock:
            return [knob.as_data() for knob in self._on]


def read_knob(name: str, given: Mapping[str, object], faults: Mapping[str, Fault] = FAULTS) -> Knob:
    """A checked knob for the fault ``name``; BadKnobError says what is wrong."""
    fault = faults.get(name)
    if fault is None:
        raise BadKnobError(f"There is no fault '{name}'. {did_you_mean(name, faults)}")
    common = set(_COMMON) if fault.actions else {"for"}
    allowed = common | set(fault.settings)
    for key in given:
        if key not in allowed:
            hint = did_you_mean(key, allowed)
            raise BadKnobError(f"The fault '{name}' has no setting '{key}'. {hint}")
    settings = {
        key: _checked(name, key, setting, given.get(key, setting.default))
        for key, setting in fault.settings.items()
    }
    knob = Knob(name, fault, settings)
    knob.action = _action(name, fault, given.get("action"))
    if given.get("times") is not None:
        knob.times = int(_number(name, "times", given["times"], 1, MOST_TIMES, whole=True))
    if given.get("probability") is not None:
        knob.probability = _number(name, "probability", given["probability"], 0, 1)
    if given.get("for") is not None:
        knob.seconds = _number(name, "for", given["for"], 0.001, LONGEST_FOR)
    knob.seed = int(_number(name, "seed", given.get("seed", 0), 0, 2**53, whole=True))
    knob.chance.seed(knob.seed)
    return knob


def table(faults: Mapping[str, Fault] = FAULTS) -> dict[str, object]:
    """Every fault with its sentence and its settings, as data."""
    return {
        name: {
            "about": fault.about,
            "commits": fault.commits,
            "actions": list(fault.actions),
            "settings": {
                key: {"about": setting.about, "default": setting.default}
                for key, setting in fault.settings.items()
            }
            | ({key: {"about": about} for key, about in _COMMON.items()} if fault.actions else {})
            | {"for": {"about": _COMMON["for"]}},
        }
        for name, fault in faults.items()
    }


def _action(name: str, fault: Fault, given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or given not in fault.actions:
        raise BadKnobError(
            f"'action' of the fault '{name}' is one of {', '.join(fault.actions)}, "
            f"or left out for all of them; found {given!r}."
        )
    return given


def _checked(name: str, key: str, setting: Setting, value: object) -> float | int | str | bool:
    if isinstance(setting.default, bool):
        if not isinstance(value, bool):
            raise BadKnobError(f"'{key}' of '{name}' is true or false; found {value!r}.")
        return value
    if isinstance(setting.default, str):
        text = str(value)
        if text not in setting.among:
            allowed = ", ".join(setting.among)
            raise BadKnobError(f"'{key}' of '{name}' is one of {allowed}; found {value!r}.")
        return text
    whole = isinstance(setting.default, int)
    return _number(name, key, value, setting.low, setting.high, whole=whole)


def _number(
    name: str, key: str, value: object, low: float, high: float, *, whole: bool = False
) -> float:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        what = "a whole number" if whole else "a number"
        raise BadKnobError(
            f"'{key}' of the fault '{name}' is {what} from {low:g} to {high:g}; found {value!r}."
        )
    return value
