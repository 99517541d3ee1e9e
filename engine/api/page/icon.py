"""The icon of a till: five shapes that differ also without any colour.

A network of points around one that links them for "connected"; an arrow up for "sending", one
down for "loading"; a question mark for "unsure"; and the network with a bar across it for
"barred".
"""

from html import escape

from engine.api.page.languages import Language, catalogue
from engine.api.port import MachineView, Sign, TillView

NETWORK = (
    '<path d="M32 12v40M12 32h40" fill="none" stroke="currentColor" stroke-width="5"/>'
    '<circle cx="32" cy="32" r="9" fill="currentColor"/>'
    '<circle cx="32" cy="10" r="7" fill="currentColor"/>'
    '<circle cx="32" cy="54" r="7" fill="currentColor"/>'
    '<circle cx="10" cy="32" r="7" fill="currentColor"/>'
    '<circle cx="54" cy="32" r="7" fill="currentColor"/>'
)
SHAPES: dict[Sign, str] = {
    "connected": NETWORK,
    "sending": (
        '<path d="M32 50V16M17 30l15-16 15 16" fill="none" stroke="currentColor" '
        'stroke-width="8" stroke-linecap="round" stroke-linejoin="round"/>'
        '<path d="M12 58h40" stroke="currentColor" stroke-width="6" stroke-linecap="round"/>'
    ),
    "loading": (
        '<path d="M32 8v34M17 28l15 16 15-16" fill="none" stroke="currentColor" '
        'stroke-width="8" stroke-linecap="round" stroke-linejoin="round"/>'
        '<path d="M10 46v12h44V46" fill="none" stroke="currentColor" stroke-width="6" '
        'stroke-linecap="round" stroke-linejoin="round"/>'
    ),
    "unsure": (
        '<path d="M32 4 60 32 32 60 4 32Z" fill="none" stroke="currentColor" stroke-width="5" '
        'stroke-linejoin="round"/>'
        '<path d="M25 26a7 7 0 1 1 10 6c-2 1-3 3-3 5" fill="none" stroke="currentColor" '
        'stroke-width="5" stroke-linecap="round"/>'
        '<circle cx="32" cy="45" r="3.4" fill="currentColor"/>'
    ),
    "barred": (
        f"{NETWORK}"
        '<path d="M9 9 55 55" class="gap" stroke="#fff" stroke-width="17" stroke-linecap="round"/>'
        '<path d="M9 9 55 55" stroke="currentColor" stroke-width="8" stroke-linecap="round"/>'
    ),
}
UNKNOWN = (
    '<circle cx="32" cy="32" r="26" fill="none" stroke="currentColor" stroke-width="5" '
    'stroke-dasharray="9 7"/>'
    '<path d="M20 32h24" stroke="currentColor" stroke-width="7" stroke-linecap="round"/>'
)
"""Of the page only, when the agent itself does not answer."""

COLOURS: dict[Sign, str] = {
    "connected": "#1b5e3a",
    "sending": "#0b4f8a",
    "loading": "#4b3a8f",
    "unsure": "#7a4b00",
    "barred": "#9b1c1c",
}


def sign_of(machine: MachineView, till: TillView) -> Sign:
    """What the icon shows: barred in any state that is offline, else what the told state says."""
    signs = {state.id: state.sign for state in machine.states}
    if any(signs.get(name) == "barred" for name in till.active):
        return "barred"
    return signs.get(till.state, "unsure")


def words(sign: Sign, language: Language) -> str:
    """The sign in words."""
    say = catalogue(language).gettext
    return {
        "connected": say("The central server answers."),
        "sending": say("Tickets are being sent to the central server."),
        "loading": say("Data are being loaded from the central server."),
        "unsure": say("The connection to the central server is uncertain."),
        "barred": say("No connection to the central server."),
    }[sign]


def drawn(sign: Sign, label: str, language: Language) -> str:
    """The icon as an SVG document. ``label`` is the state in the cashier's words."""
    meaning = words(sign, language)
    both = catalogue(language).gettext("{what}: {outcome}")
    title = escape(both.format(what=label, outcome=meaning) if label else meaning)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" '
        f'aria-labelledby="title" lang="{language}" color="{COLOURS[sign]}" '
        f'data-sign="{sign}"><title id="title">{title}</title>{SHAPES[sign]}</svg>\n'
    )


def symbols() -> str:
    """The shapes as symbols that a page can use by ``#sign-…``."""
    return "".join(
        f'<symbol id="sign-{sign}" viewBox="0 0 64 64">{shape}</symbol>'
        for sign, shape in (*SHAPES.items(), ("none", UNKNOWN))
    )
