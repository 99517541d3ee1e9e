"""Harmony Markup Parameters: ``<NAME1>value1<NAME2>value2``, with no closing tags.

Source: Divalto's public descriptions of ``WebServiceDiva``'s ``param``. ``<`` and ``>`` inside
values are escaped; that the escapes are XML's ``&lt;`` and ``&gt;``, with ``&amp;`` for the
ampersand itself, is our own choice where nothing is published.
"""

import re
from collections.abc import Iterable, Mapping

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PAIR = re.compile(r"<([^<>]*)>([^<>]*)")
_ESCAPE = re.compile(r"&(amp|lt|gt);")
_PLAIN = {"amp": "&", "lt": "<", "gt": ">"}


def escape(value: str) -> str:
    """A value as it stands between two names."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of :func:`escape`; an ampersand that begins no escape stays as it is."""
    return _ESCAPE.sub(lambda found: _PLAIN[found[1]], text) if "&" in text else text


def encode(parameters: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Parameters in their order. Raises ValueError for a name that HMP cannot carry."""
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    parts = []
    for name, value in pairs:
        if not NAME.fullmatch(name):
            raise ValueError(
                f"'{name}' cannot be a parameter's name: a letter, then letters, digits, '_', "
                "'.' and '-'"
            )
        parts.append(f"<{name}>{escape(value)}")
    return "".join(parts)


def decode(text: str) -> dict[str, str]:
    """The parameters of a text, by name.

    White space before the first name is ignored, in values it is kept. Raises ValueError, with
    a sentence, for what is not HMP and for a name that comes twice.
    """
    text = text.lstrip()
    found: dict[str, str] = {}
    at = 0
    for pair in _PAIR.finditer(text):
        if pair.start() != at:
            break
        at = pair.end()
        name = pair[1]
        if not NAME.fullmatch(name):
            raise ValueError("a name between '<' and '>' is not one that HMP allows")
        if name in found:
            raise ValueError(f"the parameter {name} comes twice")
        found[name] = unescape(pair[2])
    if at != len(text):
        raise ValueError(f"it is not HMP from character {at + 1} on")
    return found
