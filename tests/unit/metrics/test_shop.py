"""What becomes of messages and offers in a scrape."""

import pytest

from metrics.exporter import Exporter
from tests.unit.metrics.conftest import Read


def test_messages_are_counted_and_the_unread_shown(exporter: Exporter, read: Read) -> None:
    """The store says how many nobody has read; a till of which it said nothing has no line."""
    exporter.add_till("02")
    exporter.messages("01", 0, 2)
    exporter.messages("01", 3, 5)
    exporter.messages("01", 0, 4)

    assert read("tillwire_messages_received_total", till="01") == 3
    assert read("tillwire_messages_unread", till="01") == 4
    assert read("tillwire_messages_unread", till="02") is None
    assert read("tillwire_messages_received_total", till="02") is None


def test_answers_about_offers_are_counted_by_kind(exporter: Exporter, read: Read) -> None:
    """All three are there from the start; nothing else becomes a label, a customer least of all."""
    exporter.offers("fresh")
    exporter.offers("fresh")
    exporter.offers("none")

    name = "tillwire_offers_answers_total"
    found = {kind: read(name, answer=kind) for kind in ("fresh", "cached", "none")}
    assert found == {"fresh": 2, "cached": 0, "none": 1}
    with pytest.raises(ValueError, match="fresh, cached, none"):
        exporter.offers("C4711")
