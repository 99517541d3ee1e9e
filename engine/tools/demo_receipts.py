"""Receipts of a small French grocery, as the demo's till prints them.

Nothing here is real: neither shop nor customer. The payload of a ticket is the till program's
own affair, tillwire carries its bytes; these are text so that a person can read them.
"""

import random
from collections import Counter
from datetime import datetime
from typing import NamedTuple

WIDTH = 40


class Article(NamedTuple):
    """``cents`` include the tax; ``tax`` is in tenths of a percent."""

    name: str
    cents: int
    tax: int


ARTICLES = (
    Article("Baguette tradition", 130, 55),
    Article("Croissant beurre", 120, 55),
    Article("Café moulu 250 g", 459, 55),
    Article("Lait demi-écrémé 1 L", 115, 55),
    Article("Comté AOP 18 mois", 689, 55),
    Article("Crème fraîche 20 cl", 149, 55),
    Article("Œufs plein air x 6", 265, 55),
    Article("Pâtes complètes 500 g", 139, 55),
    Article("Pommes Gala 1 kg", 299, 55),
    Article("Thé à la menthe", 320, 55),
    Article("Sandwich jambon-beurre", 450, 100),
    Article("Café à emporter", 180, 100),
    Article("Piles LR6 x 4", 599, 200),
    Article("Éponges x 3", 245, 200),
    Article("Bordeaux supérieur 75 cl", 890, 200),
)
PAYMENTS = ("CB SANS CONTACT", "CB", "ESPÈCES", "TITRES-RESTAURANT")


def receipt(chance: random.Random, shop: str, till: str, number: int, at: datetime) -> bytes:
    """The bytes of one receipt, UTF-8. ``at`` is in the shop's own time."""
    bought = Counter(chance.choices(ARTICLES, k=chance.randint(1, 7)))
    total = sum(article.cents * count for article, count in bought.items())
    lines = [
        "ÉPICERIE DES HALLES".center(WIDTH).rstrip(),
        "12 rue du Marché, 67000 Strasbourg".center(WIDTH).rstrip(),
        "",
        f"Magasin {shop}  Caisse {till}  Ticket {number}",
        f"{at:%d/%m/%Y %H:%M:%S}",
        "-" * WIDTH,
        *(_line(article, count) for article, count in bought.items()),
        "-" * WIDTH,
        _row(f"TOTAL ({sum(bought.values())} articles)", f"{_euros(total)} €"),
        _row(chance.choice(PAYMENTS), f"{_euros(total)} €"),
        "",
        *_taxes(bought),
        "",
        "Merci de votre visite, à bientôt !".center(WIDTH).rstrip(),
    ]
    return ("\n".join(lines) + "\n").encode()


def _line(article: Article, count: int) -> str:
    name = article.name if count == 1 else f"{article.name} x{count}"
    return _row(name, _euros(article.cents * count))


def _taxes(bought: Counter[Article]) -> list[str]:
    """What of the prices is tax, rate by rate."""
    rates: Counter[int] = Counter()
    for article, count in bought.items():
        rates[article.tax] += article.cents * count
    return [
        _row(f"dont TVA {_rate(rate)} %", _euros(gross - round(gross * 1000 / (1000 + rate))))
        for rate, gross in sorted(rates.items())
    ]


def _row(left: str, right: str) -> str:
    return left + right.rjust(WIDTH - len(left))


def _euros(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02}"


def _rate(tenths: int) -> str:
    return f"{tenths // 10},{tenths % 10}" if tenths % 10 else str(tenths // 10)
