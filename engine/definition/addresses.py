"""What of an address may be shown: its scheme, host, port and path, never a user or a query."""

import re

_SCHEME = re.compile(r"[A-Za-z]:/+")
_KEY = re.compile(r"(?i)\b(?:url|urll|ur|uri|adresse|address)['\"]?\s*:\s+['\"]?")
_PLAIN = re.compile(r"(?:[\w.-]+|\[[\da-fA-F:.]+\])?(?::\d*)?(?:/[\w./~%+ -]*)?(?=[\s'\",}\]{]|$)")
_USER = re.compile(r"(?<![^\s'\"{,\[])[^\s'\"{,\[:]+:(?!/)\S*?@")
_QUERY = re.compile(r"[?#]")

Span = tuple[int, int]


def hidden_parts(line: str) -> tuple[list[Span], int | None]:
    """The spans of a line to hide, and where its last address begins, None without one."""
    user = _USER.search(line) if "@" in line else None
    hidden = [(user.start(), len(line))] if user else []
    last = None
    for found in _SCHEME.finditer(line):
        last = found.end()
        if parts := _parts(line, last):
            return [*hidden, *parts], last
    if last is None and (key := _KEY.search(line)):
        last = key.end()
        hidden += _parts(line, last)
    return hidden, last


def _parts(line: str, begin: int) -> list[Span]:
    if _PLAIN.match(line, begin) and "@" not in line[begin:]:
        return []
    query = _QUERY.search(line, begin)
    # Which '@' ends the user is not certain, so that no host behind one is shown.
    if query and _PLAIN.fullmatch(line, begin, query.start()):
        begin = query.end()
    return [(begin, len(line))]
