"""Edits of a machine and its till.yaml: good ones, planted faults, and slips of a hand."""

import random
import re
from collections.abc import Callable
from typing import NamedTuple

Texts = tuple[str, str]
"""The machine's text and till.yaml's."""


THERE = "\nrenames: {degraded: doubtful, online: connected}\n"
BACK = "\nrenames: {doubtful: degraded, connected: online}\n"
"""What leads a till that is in the renamed states back."""


class Edit(NamedTuple):
    """An edit by name. ``deep``: only playing the machine finds what is wrong with it."""

    name: str
    do: Callable[[Texts, random.Random], Texts]
    deep: bool = False


def _machine(name: str, old: str, new: str, deep: bool = False) -> Edit:
    def do(texts: Texts, _: random.Random) -> Texts:
        assert old in texts[0], f"{name}: the shipped machine has changed"
        return texts[0].replace(old, new, 1), texts[1]

    return Edit(name, do, deep)


def _parameter(texts: Texts, chance: random.Random) -> Texts:
    """Another pace, in one of the two files."""
    pace = f"{chance.randrange(150, 400)}ms"
    if chance.random() < 0.5:
        return texts[0], re.sub(r"(?m)^(  ping_interval: ).*$", rf"\g<1>{pace}", texts[1])
    return re.sub(r"(degraded_ping_interval:\n    default: )\S+", rf"\g<1>{pace}", texts[0]), texts[
        1
    ]


def _threshold(texts: Texts, chance: random.Random) -> Texts:
    return texts[0], texts[1].replace(
        "server:", f"  failures_to_offline: {chance.randrange(1, 6)}\nserver:", 1
    )


def _renamed(texts: Texts, _: random.Random) -> Texts:
    """`degraded` is `doubtful`, and a till that is in it stays there."""
    machine = re.sub(r"\bdegraded\b(?!_| ping|,|\])", "doubtful", texts[0])
    machine = re.sub(r"\bonline\b(?=[:\n])", "connected", machine)
    machine = machine.replace("{active: online}", "{active: connected}")
    return f"{machine}{THERE}", texts[1]


def _renamed_silently(texts: Texts, chance: random.Random) -> Texts:
    machine, till = _renamed(texts, chance)
    return machine.removesuffix(THERE), till


SAME = Edit("as it was", lambda texts, _: texts)

GOOD = (
    Edit("another pace", _parameter),
    Edit("another threshold", _threshold),
    Edit("renamed states", _renamed),
    _machine("another label", "en: Slow or unsure", "en: Unsure"),
    _machine(
        "one more delay",
        "      degraded:\n",
        "      degraded:\n        after: {7s: {actions: [{log: still unsure}]}}\n",
    ),
    _machine("one more variable", "context:\n", "context:\n  spare: {initial: 0, max: 3}\n"),
    _machine(
        "one more state",
        "  held:\n",
        "  resting:\n    on: {offline.release: reachable}\n  held:\n",
    ),
)

BAD = (
    _machine("a misspelt key", "    after:\n", "    aftr:\n"),
    _machine("a state that is not there", "offline.hold: held", "offline.hold: hold"),
    _machine("a key twice", "initial: reachable\n", "initial: reachable\ninitial: held\n"),
    _machine("a bad duration", "default: 30s", "default: 30x"),
    _machine("an unknown name", "guard: event.gap", "guard: event.gaps"),
    _machine("a tab", "    after:\n", "\tafter:\n"),
    _machine("an unhandled failure", "          ping.failed:\n", "          pong.failed:\n"),
    _machine("an unknown effect", "- start: ping\n", "- start: pong\n"),
    Edit("an empty file", lambda texts, _: ("", texts[1])),
    Edit("a till.yaml without a shop", lambda t, _: (t[0], t[1].replace("shop:", "shep:", 1))),
    Edit(
        "an unknown parameter",
        lambda t, _: (t[0], t[1].replace("ping_interval", "pin_interval", 1)),
    ),
    Edit("renamed and not said", _renamed_silently),
)

DEEP = (
    _machine(
        "a call in cooldown",
        "      - cancel: load\n",
        "      - cancel: load\n      - start: poll_messages\n"
        "        with: {timeout: webservice_timeout, reason: occasion}\n",
        deep=True,
    ),
    _machine(
        "no way back",
        "        - target: online\n      # So it is when",
        "        - target: offline-cooldown\n      # So it is when",
        deep=True,
    ),
)


def slip(texts: Texts, chance: random.Random) -> Texts:
    """A line lost, doubled, cut, indented or with another letter: good or bad, who knows."""
    which = chance.random() < 0.2
    lines = texts[which].splitlines(keepends=True)
    at = chance.randrange(len(lines))
    line = lines[at]
    kind = chance.randrange(6)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, line)
    elif kind == 2:
        lines = lines[:at]
    elif kind == 3:
        lines[at] = "  " + line
    elif kind == 4:
        place = chance.randrange(len(line))
        lines[at] = line[:place] + chance.choice("abx:-#{}'9 ") + line[place + 1 :]
    else:
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    text = "".join(lines)
    return (texts[0], text) if which else (text, texts[1])


SLIP = Edit("a slip", slip)
