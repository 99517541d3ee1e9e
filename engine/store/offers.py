"""Offers as they were last told, for the time when the server cannot be asked.

A customer's code is kept here and nowhere else: never in the journal or the history.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple, Protocol, TypeVar

from engine.store.port import AnyDatabase

KEEP_CUSTOMERS = 5000
"""Customers per till whose offers are kept; those asked about the longest ago go."""


class Dated(Protocol):
    """What has a first and a last day, both included; "" where there is no limit."""

    @property
    def starts(self) -> str: ...

    @property
    def ends(self) -> str: ...


class ToldOffer(Dated, Protocol):
    """An offer as the server tells it."""

    @property
    def id(self) -> str: ...

    @property
    def customer(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def data(self) -> str: ...


class KeptOffer(NamedTuple):
    """An offer that the till has; ``customer`` is empty for a general one, ``data`` is JSON."""

    id: str
    customer: str
    title: str
    text: str
    starts: str
    ends: str
    data: str


class Cached(NamedTuple):
    """The general offers, then the customer's own.

    ``as_of`` is when the older of the two was told, in wall-clock seconds; ``own`` says whether
    the server was ever asked about this very customer.
    """

    offers: tuple[KeptOffer, ...]
    as_of: float
    own: bool


D = TypeVar("D", bound=Dated)


def valid(offers: Iterable[D], day: date) -> list[D]:
    """The offers that hold on ``day``, in their order."""
    today = day.isoformat()
    return [
        offer
        for offer in offers
        if (not offer.starts or offer.starts <= today) and (not offer.ends or today <= offer.ends)
    ]


class Offers:
    """The offers of all tills, by customer; customer "" has the general ones."""

    def __init__(self, database: AnyDatabase, keep_customers: int = KEEP_CUSTOMERS) -> None:
        self._database = database
        self._keep_customers = keep_customers

    def keep(self, till: str, customer: str, offers: Sequence[ToldOffer], at: float) -> None:
        """Keeps an answer about ``customer`` in place of what was kept before.

        An answer about a customer holds the general offers too, which replace those kept.
        """
        with self._database.atomic():
            self._replace(till, "", [offer for offer in offers if not offer.customer], at)
            if customer:
                own = [offer for offer in offers if offer.customer]
                self._replace(till, customer, own, at)
                self._database.run("offers_trim", till, till, self._keep_customers)

    def forget(self, till: str, customer: str) -> None:
        """Drops what is kept for a customer that the server does not know."""
        self._database.run("offers_drop", till, customer)

    def cached(self, till: str, customer: str) -> Cached | None:
        """What is kept for ``customer``, the general offers first; None when there is nothing.

        Dates are left to :func:`valid`.
        """
        general = self._database.row("offers_of", till, "")
        own = self._database.row("offers_of", till, customer) if customer else None
        found = [row for row in (general, own) if row is not None]
        if not found:
            return None
        offers = tuple(KeptOffer(*fields) for _, text in found for fields in json.loads(text))
        return Cached(offers, min(as_of for as_of, _ in found), own is not None or not customer)

    def _replace(self, till: str, customer: str, offers: Sequence[ToldOffer], at: float) -> None:
        rows = [
            (
                offer.id,
                offer.customer,
                offer.title,
                offer.text,
                offer.starts,
                offer.ends,
                offer.data,
            )
            for offer in offers
        ]
        self._database.run("offers_drop", till, customer)
        self._database.run("offers_add", till, customer, at, json.dumps(rows))
