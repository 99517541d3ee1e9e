"""What may stand in a column: checked for many rows at once, or one by one to find the fault.

A check of a single field in Python costs as much as the csv module needs for a whole row. So a
column of some hundred rows is checked by a few passes of what is written in C; only where that
finds a fault does :meth:`Field.fault` look at each. Both hold the same rules.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from engine.catalogue.tables import ColumnKind, Table, TableColumn

Values = Sequence[Any]

LARGEST = 2**63 - 1
_KNOWN_NUMBERS, _KNOWN_DATES = 4096, 20_000
"""So many different values of a column are remembered."""
_LONGEST_SHOWN = 24


class Unfit(Exception):  # noqa: N818 - it says what a column is
    """A field of the column is not as it has to be."""


class Field:
    """One column of a file."""

    def __init__(self, column: TableColumn) -> None:
        self.name = column.name
        self.required = column.required

    def convert(self, texts: Sequence[str]) -> Values:
        """The values of the fields of some rows; raises :class:`Unfit`."""
        if self.required or all(texts):
            return self._convert(texts)
        return self._convert_with_gaps(texts)

    def fault(self, text: str) -> str:
        """What is wrong with one field, in words that go on from its name; empty for nothing."""
        if not text:
            return "is empty, and it is required" if self.required else ""
        return self._fault(text)

    def _convert(self, texts: Sequence[str]) -> Values:
        """The values; raises :class:`Unfit`, and does so where a field is empty."""
        raise NotImplementedError

    def _convert_with_gaps(self, texts: Sequence[str]) -> Values:
        """The values of fields of which some are empty: those are None."""
        filled = [text for text in texts if text]
        values = iter(self._convert(filled) if filled else ())
        return [next(values) if text else None for text in texts]

    def _fault(self, text: str) -> str:
        raise NotImplementedError


class TextField(Field):
    """A text passes as it is, if it is not too long."""

    def __init__(self, column: TableColumn, in_key: bool) -> None:
        super().__init__(column)
        self._length = column.length
        self._in_key = in_key

    def convert(self, texts: Sequence[str]) -> Values:
        """The values of the fields of some rows; raises :class:`Unfit`."""
        lengths = {*map(len, texts)}
        gaps = 0 in lengths
        if gaps and self.required:
            raise Unfit
        if self._length is not None:
            longest = max(lengths)
            if longest > self._length or (2 * longest > self._length and self._wide(texts)):
                raise Unfit
        if self._in_key:
            joined = "\n".join(texts)
            blank = "\n " in joined or " \n" in joined or joined[0] == " " or joined[-1] == " "
            if blank or joined.count("\n") >= len(texts) or "\r" in joined:
                raise Unfit
        return [text or None for text in texts] if gaps else texts

    def _wide(self, texts: Sequence[str]) -> bool:
        """Whether one is too long because some of its characters count as two."""
        joined = "".join(texts)
        if joined.isascii() or _units(joined) == len(joined):
            return False
        return any(map(self._fault, texts))

    def _fault(self, text: str) -> str:
        if self._length is not None and _units(text) > self._length:
            return f"has {_units(text)} characters; at most {self._length}"
        if self._in_key and ("\n" in text or "\r" in text):
            return "has a line break, which a key cannot have"
        if self._in_key and text != text.strip(" "):
            return "begins or ends with a blank, which a key cannot"
        return ""


class DecimalField(Field):
    """A decimal stays a text: nothing is rounded before the database has it."""

    def __init__(self, column: TableColumn, mark: str) -> None:
        super().__init__(column)
        before, behind = column.digits - column.decimals, column.decimals
        whole = f"[0-9]{{1,{before}}}+" if before else "0"
        part = f"(?:{re.escape(mark)}[0-9]{{1,{behind}}}+)?+" if behind else ""
        self._one = re.compile(f"-?+{whole}{part}")
        usual = f"[0-9]{{1,{before}}}+{re.escape(mark)}[0-9]{{{behind}}}"
        self._usual = _repeated(re.compile(usual if before and behind else whole))
        self._many, self._some = _repeated(self._one), _repeated(self._one, gaps=True)
        self._mark = mark
        self._wanted = f"at most {before or 1} digits before and {behind} behind the '{mark}'"

    def _convert(self, texts: Sequence[str]) -> Values:
        return self._pointed(_match(texts, self._usual, self._many), texts)

    def _convert_with_gaps(self, texts: Sequence[str]) -> Values:
        return [text or None for text in self._pointed(_match(texts, self._some), texts)]

    def _pointed(self, joined: str, texts: Sequence[str]) -> Sequence[str]:
        return texts if self._mark == "." else joined.replace(self._mark, ".").split("\n")[:-1]

    def _fault(self, text: str) -> str:
        if self._one.fullmatch(text):
            return ""
        return f"is {_shown(text)}, which is no decimal number with {self._wanted}"


class KnownField(Field):
    """A column whose values come again and again: those that were checked are remembered."""

    def __init__(self, column: TableColumn) -> None:
        super().__init__(column)
        self._known: dict[str, Any] = {} if self.required else {"": None}

    def convert(self, texts: Sequence[str]) -> Values:
        """The values of the fields of some rows; raises :class:`Unfit`."""
        try:
            return list(map(self._known.__getitem__, texts))
        except KeyError:
            return super().convert(texts)


class IntegerField(KnownField):
    """A whole number of 64 bits."""

    def _convert(self, texts: Sequence[str]) -> Values:
        _match(texts, _INTEGERS)
        numbers = list(map(int, texts))
        if max(numbers) > LARGEST or min(numbers) < -LARGEST - 1:
            raise Unfit
        if len(self._known) < _KNOWN_NUMBERS:
            self._known.update(zip(texts, numbers, strict=True))
        return numbers

    def _fault(self, text: str) -> str:
        if not _INTEGER.fullmatch(text):
            return f"is {_shown(text)}, which is no whole number of at most 19 digits"
        if not -LARGEST - 1 <= int(text) <= LARGEST:
            return f"is {_shown(text)}, which takes more than 64 bits"
        return ""


class BooleanField(KnownField):
    """0 and 1, or false and true."""

    def __init__(self, column: TableColumn) -> None:
        super().__init__(column)
        self._known |= {"0": False, "1": True, "false": False, "true": True}

    def _convert(self, texts: Sequence[str]) -> Values:
        if not {*texts} <= self._known.keys():
            raise Unfit
        return [self._known[text] for text in texts]

    def _fault(self, text: str) -> str:
        if text in self._known:
            return ""
        return f"is {_shown(text)}, which is none of 0, 1, false and true"


class DateField(KnownField):
    """A day, handed on in the form ``2026-11-24``."""

    def __init__(self, column: TableColumn, days: str) -> None:
        super().__init__(column)
        self._form = _DATES[days]

    def _convert(self, texts: Sequence[str]) -> Values:
        if len(self._known) > _KNOWN_DATES:
            self._known = {} if self.required else {"": None}
        for text in {*texts}.difference(self._known):
            day = self._form.day(text)
            if day is None:
                raise Unfit
            self._known[text] = day
        return list(map(self._known.__getitem__, texts))

    def _fault(self, text: str) -> str:
        if self._form.day(text) is not None:
            return ""
        return f"is {_shown(text)}, which is no day as {self._form.example}"


class DateTimeField(Field):
    """A day and a time, handed on in the form ``2026-11-24T10:00:00``."""

    def __init__(self, column: TableColumn, days: str) -> None:
        super().__init__(column)
        self._form = _TIMES[days]

    def _convert(self, texts: Sequence[str]) -> Values:
        if self._form is _TIMES["iso"]:
            # A 29 February is left to the calendar below.
            with suppress(Unfit):
                joined = _match(texts, _MOMENTS)
                return joined.replace(" ", "T").split("\n")[:-1] if " " in joined else texts
        moments = [self._form.moment(text) for text in texts]
        if None in moments:
            raise Unfit
        return moments

    def _fault(self, text: str) -> str:
        if self._form.moment(text) is not None:
            return ""
        return f"is {_shown(text)}, which is no day and time as {self._form.example}"


class _Form:
    """One way to write a day, and perhaps a time; parts are named y, m, d and t."""

    def __init__(self, pattern: str, example: str) -> None:
        self.pattern = re.compile(pattern)
        self.example = example

    def day(self, text: str) -> str | None:
        """``2026-11-24``; None when it is written in another way, or no day of the calendar."""
        found = self.pattern.fullmatch(text)
        if not found:
            return None
        try:
            return date(int(found["y"]), int(found["m"]), int(found["d"])).isoformat()
        except ValueError:
            return None

    def moment(self, text: str) -> str | None:
        """``2026-11-24T10:00:00``; None likewise."""
        day = self.day(text)
        if day is None:
            return None
        digits = re.sub(r"[^0-9]", "", text)[-6:]
        return f"{day}T{digits[:2]}:{digits[2:4]}:{digits[4:]}"


_HOUR, _SIXTY = "(?:[01][0-9]|2[0-3])", "[0-5][0-9]"
_TIME = f"{_HOUR}:{_SIXTY}:{_SIXTY}"
_ISO = "(?P<y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})"
_FRENCH = "(?P<d>[0-9]{2})/(?P<m>[0-9]{2})/(?P<y>[0-9]{4})"
_COMPACT = "(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"
_DATES = {
    "iso": _Form(_ISO, "2026-11-24"),
    "french": _Form(_FRENCH, "24/11/2026"),
    "compact": _Form(_COMPACT, "20261124"),
}
_TIMES = {
    "iso": _Form(f"{_ISO}[T ]{_TIME}", "2026-11-24T10:00:00"),
    "french": _Form(f"{_FRENCH} {_TIME}", "24/11/2026 10:00:00"),
    "compact": _Form(_COMPACT + _HOUR + _SIXTY + _SIXTY, "20261124100000"),
}
_INTEGER = re.compile("-?+[0-9]{1,19}+")


def _repeated(one: "re.Pattern[str]", gaps: bool = False) -> "re.Pattern[str]":
    """Many of the same, each with a line end behind it; or some, and nothing for the others."""
    return re.compile(f"(?:(?:{one.pattern})?+\n)*+" if gaps else f"(?:{one.pattern}\n)*+")


_INTEGERS = _repeated(_INTEGER)
_MONTH = "(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_ENDS = "(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31"
_MOMENTS = re.compile(f"(?:(?!0000)[0-9]{{4}}-(?:{_MONTH}|{_ENDS})[T ]{_TIME}\n)*+")


def _match(texts: Sequence[str], *patterns: "re.Pattern[str]") -> str:
    """The texts, each with a line end behind it, if one of the patterns matches all of them.

    Raises :class:`Unfit`.
    """
    joined = "\n".join(texts) + "\n"
    # A field may hold a line break, so that it could pass for two.
    if not any(each.fullmatch(joined) for each in patterns) or joined.count("\n") != len(texts):
        raise Unfit
    return joined


def _units(text: str) -> int:
    """The length of a text as SQL Server and Windows count it."""
    return len(text.encode("utf-16-le")) // 2


def _shown(text: str) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST_SHOWN])
    return f"'{shown}{'...' if len(text) > _LONGEST_SHOWN else ''}'"


def fields_of(table: Table) -> dict[str, Field]:
    """The columns of a table by name, in its order."""
    makers: dict[ColumnKind, Callable[[TableColumn], Field]] = {
        ColumnKind.TEXT: lambda column: TextField(column, column.name in table.key),
        ColumnKind.INTEGER: IntegerField,
        ColumnKind.DECIMAL: lambda column: DecimalField(column, table.decimal_mark),
        ColumnKind.BOOLEAN: BooleanField,
        ColumnKind.DATE: lambda column: DateField(column, table.dates),
        ColumnKind.DATETIME: lambda column: DateTimeField(column, table.dates),
    }
    return {column.name: makers[column.kind](column) for column in table.columns}
