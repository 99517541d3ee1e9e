"""What must not be repeated on a screen or in a log, though it stands in a file.

Secrets are found in the lines, not in the values that were read: a file that is refused for
its form has no values, and it is then that its lines are shown. What is doubtful counts as
secret. A reference, ``${env:NAME}`` or ``${file:path}``, is none and stays as it is.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from engine.definition.addresses import hidden_parts

STARS = "***"

_NAMES = [
    "password",
    "passwort",
    "passwd",
    "passphrase",
    "passcode",
    "passe",
    "kennwort",
    "mdp",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
]
_SECRET = re.compile(rf"(?:{'|'.join(_NAMES)})s?\d*$")
_SHORT = re.compile(r"(?:^|[\W_])(?:pass|pw|pin)\d*$")
_LONG = tuple(name for name in _NAMES if len(name) >= 5 and name != "passe")
"""Names long and odd enough to know them misspelt; ``passe`` is too near to ``pause``."""
_LOG_IN = ("auth", "authentication")
_OPEN = frozenset({"url", "body", "lifetime", "user", "username", "login"})
"""Keys of a log-in after whose value the next key may be shown."""

_REFERENCE = re.compile(r"\$\{(?:env|file):[^{}'\"]+\}")
_BLANK = "\x00"
_CLEAN = re.compile(
    rf"\s*(['\"]?){_BLANK}+\1(?=\s*(?:[\s}}\],]*$|\s#|[}}\]\s]*,\s*['\"]?[\w.-]+['\"]?\s*:))"
)
_KEYED = re.compile(r"\s*+(?:[-?]\s++)*+['\"]?[^\s'\"{}\[\],:#][^'\"{}\[\],:]*+['\"]?\s*+:(?:\s|$)")
_FIRST_WORD = re.compile(r"[\s?-]*(?:[&!]\S*\s+)*['\"]?(?P<name>[\w-]+)")
_ENTRY = re.compile(
    rf"[\s{{\[,?-]*+(?:[&!]\S*\s+)*(['\"]?)(?P<name>[\w.-]+)\1\s*:(?=[\s{{\['\"{_BLANK}]|$)\s*"
)
_NEXT_ENTRY = re.compile(r",\s*['\"]?[\w.-]+['\"]?\s*:(?:\s|$)")
_ASSIGNED = re.compile(r"([\w-]+)(?<![<>!])=(?!=)")
_NO_VALUE = re.compile(r"(?:[&!]\S*\s*)*(?:[|>][\d+-]*|[\[{]+)?\s*(?:#.*)?")
_OWED = 4
_LONGEST = 1000
"""Signs of a line that are looked at; the rest is hidden. No person wrote a longer one."""
_PUNCTUATION = re.compile(r"[\s{}\[\],]*(?:#.*)?")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|\{([^{}]*)\}")

Span = tuple[int, int]


def is_secret(name: str) -> bool:
    """Whether a key of that name holds a secret."""
    squeezed = re.sub(r"[\W_]", "", name.lower())
    return bool(_SECRET.search(squeezed) or _SHORT.search(name.lower()))


@lru_cache(maxsize=1024)
def _may_be_secret(name: str) -> bool:
    """Whether it names a secret, well spelt or nearly so."""
    squeezed = re.sub(r"[\W_]", "", name.lower())
    parts = [part for part in re.split(r"[\W_]+", name.lower()) if part]
    return (
        is_secret(name)
        or any(word in squeezed for word in ("passw", "pwd", *_LONG))
        or any(_one_slip(part, word) for part in (squeezed, *parts) for word in _LONG)
    )


def _is_log_in(name: str) -> bool:
    return any(_one_slip(name.lower(), word) for word in _LOG_IN)


def _one_slip(found: str, wanted: str) -> bool:
    """Whether one letter is missing, too many or another, or two stand the wrong way round."""
    if abs(len(found) - len(wanted)) > 1:
        return False
    begin = 0
    while begin < min(len(found), len(wanted)) and found[begin] == wanted[begin]:
        begin += 1
    found, wanted = found[begin:], wanted[begin:]
    while found and wanted and found[-1] == wanted[-1]:
        found, wanted = found[:-1], wanted[:-1]
    return max(len(found), len(wanted)) <= 1 or (len(found) == 2 and found == wanted[::-1])


class Veil(NamedTuple):
    """The lines of a file and what of them is hidden: spans from 0, in order, for each line."""

    lines: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    hidden: frozenset[str]

    def line(self, number: int) -> str:
        """The line as it may be shown; ``number`` counts from 1."""
        text = self.lines[number - 1]
        for begin, end in reversed(self.spans[number - 1]):
            text = f"{text[:begin]}{STARS}{text[end:]}"
        return text

    def hides(self, line: int, column: int) -> bool:
        """Whether that place, counted from 1, lies in what is hidden."""
        return any(begin < column <= end for begin, end in self.spans[line - 1])

    def words(self, text: str, hidden_place: bool = False) -> str:
        """A sentence without the parts it quotes that are hidden: with ``hidden_place`` all."""
        if hidden_place:
            text = re.sub(r"'.*'", f"'{STARS}'", text)
        return _QUOTED.sub(self._quoted, text) if self.hidden else text

    def _quoted(self, found: re.Match[str]) -> str:
        part = next(group for group in found.groups() if group is not None)
        core = part.removesuffix("...").strip()
        bounded = re.compile(rf"(?<!\w){re.escape(core)}(?!\w)")
        if len(core) > 1 and any(
            bounded.search(text) or (len(text) > 3 and text in core) for text in self.hidden
        ):
            return found[0].replace(part, STARS)
        return found[0]


@lru_cache(maxsize=4)
def veil(lines: tuple[str, ...]) -> Veil:
    """What must be hidden of a file."""
    spans = _Scan(lines).spans()
    hidden = {
        part
        for line, found in zip(lines, spans, strict=True)
        for begin, end in found
        if (part := line[begin:end].strip(" \t'\",}]"))
    }
    return Veil(lines, spans, frozenset(hidden))


class _Scan:
    """Goes through the lines once and remembers what the line before left open."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.found: list[list[Span]] = [[] for _ in lines]
        self.key: int | None = None
        """The column of the secret's key whose value may go on."""
        self.soft = False
        """Whether that value is a reference, and so most likely at its end."""
        self.quote = ""
        self.owed = 0
        """So many lines below a secret's key may still bring a value that it has not had."""
        self.log_in: int | None = None
        """The column of ``auth``, inside of which only keys are shown."""
        self.depth = 0
        self.address: tuple[int, int, int] | None = None

    def spans(self) -> tuple[tuple[Span, ...], ...]:
        """The hidden spans of every line."""
        for number, line in enumerate(self.lines):
            if line.strip():
                self._line(number, line)
        return tuple(
            tuple(_merged(found, line)) for found, line in zip(self.found, self.lines, strict=True)
        )

    def _line(self, number: int, line: str) -> None:
        self._look(number, line[:_LONGEST])
        if len(line) > _LONGEST:
            # What was not looked at may be secret, or begin a secret that goes on below.
            self._hide(number, _LONGEST, len(line))
            self.key, self.soft = _indent(line)[0], False

    def _look(self, number: int, line: str) -> None:
        text = _REFERENCE.sub(lambda found: _BLANK * len(found[0]), line)
        bare = not _KEYED.match(text)
        if self._goes_on(text, bare):
            self._hide(number, _indent(line)[0], len(line))
            return
        self.key, self.quote = None, ""
        if self.log_in is not None and not self._inside(self.log_in, text, bare, self.depth):
            self.log_in, self.depth = None, 0
        self._address(number, line, bare)
        if self.log_in is not None:
            self.depth += _opened(text) if self.depth else 0
            self._keys_only(number, text, 0)
            self._secret_keys(number, text, hide=False)
        else:
            self._secret_keys(number, text)

    def _goes_on(self, text: str, bare: bool) -> bool:
        """Whether a line belongs to the secret that began above."""
        self.owed -= 1
        if self.quote:
            if self.quote in text:
                self.quote = ""
            return True
        if bare and self.owed > 0:
            return True
        if self.key is None:
            return False
        if self.soft:
            return bare and _deep(text) > self.key and not _PUNCTUATION.fullmatch(text)
        return self._inside(self.key, text, bare, 0)

    @staticmethod
    def _inside(column: int, text: str, bare: bool, depth: int) -> bool:
        item = text.lstrip().startswith(("-", ":"))
        return bare or depth > 0 or _deep(text) > column or (item and _deep(text) >= column)

    def _secret_keys(self, number: int, text: str, hide: bool = True) -> None:
        """Hides what follows the first key that names a secret, or opens a log-in."""
        for begin, name, value in _names(text):
            if _may_be_secret(name):
                if clean := _CLEAN.match(text, value):
                    self.key, self.soft = _column(text, begin), bool(clean)
                    continue
                self._secret(number, text, begin, value)
                return
            if hide and _is_log_in(name):
                self.log_in = _column(text, begin)
                rest = text[value:].lstrip()
                self.depth = max(0, _opened(rest)) if rest.startswith(("{", "[")) else 0
                self._keys_only(number, text, value)
                hide = False

    def _secret(self, number: int, text: str, begin: int, value: int) -> None:
        rest = text[value:].lstrip()
        below = _NO_VALUE.fullmatch(rest) is not None
        # A value below its key may begin anywhere inside the line's own mapping.
        self.key = _column(text, _indent(text)[0] if below else begin)
        self.soft, self.owed = False, _OWED if below else 0
        self._hide(number, len(text) - len(rest), len(text))
        if rest[:1] in ("'", '"') and rest[0] not in rest[1:]:
            self.quote = rest[0]

    def _keys_only(self, number: int, text: str, place: int) -> None:
        """Hides the values inside a log-in, and what may be a part of one."""
        while entry := _ENTRY.match(text, place):
            place = entry.end()
            if text[place : place + 1] in ("{", "["):
                continue
            if clean := _CLEAN.match(text, place):
                place = clean.end()
                continue
            following = _NEXT_ENTRY.search(text, place)
            if following is None or entry["name"].lower() not in _OPEN:
                break
            self._hide(number, place, following.start())
            place = following.start()
        if not _PUNCTUATION.fullmatch(text, place):
            left = len(text[place:]) - len(text[place:].lstrip(" \t{["))
            self._hide(number, place + left, len(text))

    def _address(self, number: int, line: str, bare: bool) -> None:
        """Hides what an address tells besides its host and path, on several lines too."""
        parts, begin = hidden_parts(line)
        for part in parts:
            self._hide(number, *part)
        if begin is not None:
            self.address = (number, begin, _column(line, _indent(line)[0]))
            return
        if self.address is None:
            return
        above, start, column = self.address
        if bare and _deep(line) >= column and not _PUNCTUATION.fullmatch(line):
            self._hide(above, start, len(self.lines[above]))
            self._hide(number, _indent(line)[0], len(line))
        elif not bare:
            self.address = None

    def _hide(self, number: int, begin: int, end: int) -> None:
        if begin < end:
            self.found[number].append((begin, end))


def _names(text: str) -> Iterator[tuple[int, str, int]]:
    """What may be a key: where it begins, its name, and where its value begins."""
    first = _FIRST_WORD.match(text)
    if first and not text[first.end() :].lstrip(" \t'\"").startswith((":", "=")):
        rest = text[first.end() :]
        if not rest or (rest[0] in " \t'\"" and _may_be_secret(first["name"])):
            yield first.start("name"), first["name"], first.end()
    begin = 0
    for colon in re.finditer(r"[:{}\[\],]|(?<![=<>!])=(?!=)", text):
        if colon[0] in ":=":
            before = text[begin : colon.start()]
            name = before.strip(" \t'\"?-")
            start = begin + len(before) - len(before.lstrip(" \t'\"?-"))
            if name:
                yield start, name, colon.end()
        begin = colon.end()


def _merged(found: Sequence[Span], line: str) -> Iterator[Span]:
    """The spans in order, apart from each other; blanks at the end of one need no hiding."""
    last: Span | None = None
    for begin, stop in sorted(found):
        end = begin + len(line[begin:stop].rstrip())
        if last is not None and begin > last[1]:
            yield last
            last = None
        last = (begin, end) if last is None else (last[0], max(last[1], end))
    if last is not None:
        yield last


def _indent(text: str) -> tuple[int, int]:
    """Where a line's text begins, and the tabs before it."""
    begin = len(text) - len(text.lstrip())
    return begin, text[:begin].count("\t")


def _deep(text: str) -> int:
    """How deep a line may be: a tab may reach anywhere."""
    begin, tabs = _indent(text)
    return begin + 1000 * tabs


def _column(text: str, begin: int) -> int:
    """The column of a key, the tabs before it not counted."""
    return begin - _indent(text)[1]


def _opened(text: str) -> int:
    return sum(text.count(sign) for sign in "{[") - sum(text.count(sign) for sign in "}]")
