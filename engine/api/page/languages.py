"""French and English: which one a browser wants, and what a text is called in it.

English texts are the keys. ``locale/fr.po`` holds the French ones and is read when it is first
needed, so that there is no file to compile and none that could be out of date.
"""

import gettext
import io
import re
import struct
from ast import literal_eval
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, get_args

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

FOLDER = Path(__file__).parent / "locale"
_MAGIC = 0x950412DE
_WANTED = re.compile(r"\s*([a-zA-Z*]{1,8})(?:-[a-zA-Z0-9-]*)?\s*(?:;\s*q\s*=\s*([0-9.]{1,6}))?\s*")


def choose(accepted: str) -> Language:
    """The language that an ``Accept-Language`` header asks for; English when it asks for none.

    Whatever the header holds, an answer comes: a part that cannot be read is passed over.
    """
    best: Language = "en"
    highest = 0.0
    for part in accepted[:1000].split(","):
        match = _WANTED.fullmatch(part)
        if match is None:
            continue
        weight = _weight(match[2])
        name = match[1].lower()
        known = next((one for one in LANGUAGES if name in (one, "*")), None)
        if known is not None and weight > highest:
            best, highest = known, weight
    return best


def _weight(written: str | None) -> float:
    try:
        return 1.0 if written is None else float(written)
    except ValueError:
        return 0.0


@cache
def catalogue(language: Language) -> gettext.NullTranslations:
    """The texts of a language; of English there is nothing to look up."""
    if language == "en":
        return gettext.NullTranslations()
    text = (FOLDER / f"{language}.po").read_text(encoding="utf-8")
    return gettext.GNUTranslations(io.BytesIO(compiled(dict(entries(text)))))


def entries(text: str) -> Iterator[tuple[str, str]]:
    """The pairs of a .po file: ``msgid`` and ``msgstr``, the head among them as ``""``.

    Only what our catalogues need: no plurals and no contexts. Raises ValueError with the line.
    """
    fields: dict[str, str] = {}
    field = ""
    for number, written in enumerate(text.splitlines(), start=1):
        line = written.strip()
        if line.startswith("#"):
            continue
        keyword, _, rest = line.partition(" ")
        if keyword == "msgid" and "msgstr" in fields:
            yield fields["msgid"], fields["msgstr"]
            fields = {}
        if keyword in ("msgid", "msgstr"):
            field, fields[keyword] = keyword, _string(rest, number)
        elif line:
            if not field:
                raise ValueError(f"line {number}: a text before any msgid")
            fields[field] += _string(line, number)
    if "msgstr" in fields:
        yield fields["msgid"], fields["msgstr"]


def _string(written: str, number: int) -> str:
    if not re.fullmatch(r'"(?:[^"\\]|\\.)*"', written):
        raise ValueError(f"line {number}: not a text in double quotes: {written}")
    return str(literal_eval(written))


def compiled(texts: Mapping[str, str]) -> bytes:
    """The .mo file of a catalogue, as the stdlib's gettext reads it."""
    pairs = sorted((key.encode(), value.encode()) for key, value in texts.items())
    start = 28 + 16 * len(pairs)
    table: list[int] = []
    body = b""
    for column in (0, 1):
        for pair in pairs:
            table += [len(pair[column]), start + len(body)]
            body += pair[column] + b"\0"
    head = [_MAGIC, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start]
    return struct.pack(f"<{len(head) + len(table)}I", *head, *table) + body
