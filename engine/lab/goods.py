"""What the lab's shop has: rows of every dataset of machines/datasets.yaml, made by number.

The same number and the same generator give the same row. Texts hold accents, quotes, commas and
line breaks now and then, as those of a real shop do.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

Value = str | int | bool | None
Row = tuple[Value, ...]
Maker = Callable[[int, random.Random], Row]

_FIRST_DAY = date(2020, 1, 1)
_GOODS = ("Café moulu", "Thé vert", "Savon", "Farine T55", "Crème fraîche", "Œufs", "Vis 4x40")
_WORDS = (
    "bio",
    "grand",
    'dit "le bon"',
    "été, hiver",
    "n°2",
    "l'original",
    "2 pour 1",
    "à la pièce",
)
_BRANDS = ("Dupré", "Martin & Fils", "Lévêque", "O'Neil", "Soleil; Mer", "Café|Thé")
_UNITS = ("piece", "kg", "l", "m")
_ROLES = ("cashier", "manager", "trainee")


def _decimal(rng: random.Random, most: int, decimals: int) -> str:
    """A decimal with all its decimals, so that the text read back is the text written."""
    number = rng.randrange(most * 10**decimals)
    return f"{number // 10**decimals}.{number % 10**decimals:0{decimals}d}"


def _day(rng: random.Random) -> str:
    return (_FIRST_DAY + timedelta(rng.randrange(2500))).isoformat()


def _moment(rng: random.Random) -> str:
    start = datetime(2020, 1, 1)  # noqa: DTZ001 - a time of the shop's own, as the files have it
    return (start + timedelta(seconds=rng.randrange(200_000_000))).isoformat()


def _sometimes(rng: random.Random, value: Value) -> Value:
    return value if rng.random() < 0.7 else None


def _name(rng: random.Random, number: int) -> str:
    name = f"{rng.choice(_GOODS)} {rng.choice(_WORDS)} {number}"
    return name.replace(" ", "\n", 1) if rng.random() < 0.01 else name


def article_code(number: int) -> str:
    """The code of the lab's article of that number."""
    return f"A{number:08d}"


def _article(number: int, rng: random.Random) -> Row:
    return (
        article_code(number),
        _name(rng, number),
        _sometimes(rng, f"Art. {number}"),
        f"F{rng.randrange(60):03d}",
        _sometimes(rng, rng.choice(_BRANDS)),
        rng.choice(_UNITS),
        _decimal(rng, 1000, 2),
        _sometimes(rng, _decimal(rng, 800, 4)),
        rng.randrange(1, 5),
        _sometimes(rng, rng.choice((1, 6, 12, 24))),
        rng.random() < 0.9,
        _day(rng),
    )


def _barcode(number: int, rng: random.Random) -> Row:
    return (f"{3_250_390_000_000 + number}", article_code(number), _decimal(rng, 20, 3))


def _price(number: int, rng: random.Random) -> Row:
    starts = (_FIRST_DAY + timedelta(number % 4)).isoformat()
    code, group = article_code(number // 8), f"L{number // 4 % 2}"
    return (code, group, starts, _sometimes(rng, _day(rng)), _decimal(rng, 500, 2))


def _customer(number: int, rng: random.Random) -> Row:
    return (
        f"C{number:07d}",
        f"{rng.choice(_BRANDS)} {number}",
        _sometimes(rng, f"29{number:011d}"),
        _sometimes(rng, f"c{number}@shop.example"),
        _sometimes(rng, f"L{rng.randrange(2)}"),
        _sometimes(rng, ("-" if rng.random() < 0.1 else "") + _decimal(rng, 2000, 2)),
        rng.random() < 0.05,
        _sometimes(rng, _moment(rng)),
    )


def _offer(number: int, rng: random.Random) -> Row:
    return (
        f"O{number:06d}",
        _name(rng, number),
        _sometimes(rng, article_code(rng.randrange(1000))),
        _sometimes(rng, f"F{rng.randrange(60):03d}"),
        _sometimes(rng, _decimal(rng, 90, 2)),
        _sometimes(rng, _decimal(rng, 100, 2)),
        rng.randrange(1, 10),
        _moment(rng),
        _moment(rng),
    )


def _member(number: int, rng: random.Random) -> Row:
    discount = _sometimes(rng, _decimal(rng, 50, 2))
    return (number, f"{rng.choice(_BRANDS)} {number}", rng.choice(_ROLES), discount, True)


def _tax_rate(number: int, rng: random.Random) -> Row:
    return (number, f"Taux {number}", _decimal(rng, 25, 2), _day(rng))


@dataclass(frozen=True, slots=True)
class Goods:
    """A dataset of the lab's shop: names of its columns, how many make the key, its rows."""

    columns: tuple[str, ...]
    key: int
    make: Maker

    def rows(self, count: int, seed: int = 0) -> Iterator[Row]:
        """``count`` rows with different keys."""
        rng = random.Random(seed)  # noqa: S311 - chance for tests, which guards nothing
        return (self.make(number, rng) for number in range(1, count + 1))


GOODS: Mapping[str, Goods] = {
    "articles": Goods(
        (
            *("code", "name", "short_name", "family", "brand", "unit"),
            *("price", "cost", "tax", "pack", "active", "updated"),
        ),
        1,
        _article,
    ),
    "barcodes": Goods(("barcode", "article", "quantity"), 1, _barcode),
    "prices": Goods(("article", "price_list", "starts", "ends", "price"), 3, _price),
    "customers": Goods(
        ("code", "name", "card", "email", "price_list", "credit", "blocked", "updated"),
        1,
        _customer,
    ),
    "offers": Goods(
        (
            *("code", "label", "article", "family", "percent_off"),
            *("price", "quantity_min", "starts", "ends"),
        ),
        1,
        _offer,
    ),
    "staff": Goods(("number", "name", "role", "discount_max", "active"), 1, _member),
    "tax_rates": Goods(("number", "label", "rate", "starts"), 1, _tax_rate),
}
"""The datasets of machines/datasets.yaml."""
