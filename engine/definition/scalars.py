"""Plain scalars as YAML 1.2's core schema reads them."""

import math
import re

_NULL = ("", "~", "null", "Null", "NULL")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS = 300


class BadScalar(ValueError):  # noqa: N818 - it names the scalar
    """A number that no file of ours can mean."""


def plain_value(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar; raises :class:`BadScalar` for numbers without end."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text) or _BASED.fullmatch(text):
        if len(text) > _DIGITS:
            raise BadScalar(f"The number has {len(text)} digits; at most {_DIGITS}.")
        return int(text, 0) if _BASED.fullmatch(text) else int(text)
    if _ENDLESS.fullmatch(text):
        raise BadScalar(f"'{text}' is not a number that can be used here.")
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise BadScalar("The number is too large.")
        return value
    return text
