"""What a server's words repeat of what it was sent does not come back."""

import pytest

from engine.server.discretion import without_customer, without_pieces

TICKET = '{"total": 12.50, "client": "DUPONT Renée", "card": "4970-1012-3456"}'.encode()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no room for DUPONT Renée (4970-1012-3456)", "no room for *** *** (***)"),
        ("line 12: total is missing", "line 12: *** is missing"),
        ("ticket 17 was closed twice", "ticket 17 was closed twice"),
        (TICKET.decode(), '{"***": ***, "***": "*** ***", "***": "***"}'),
    ],
)
def test_pieces_of_a_ticket_are_struck_out(said: str, shown: str) -> None:
    """Whatever of four signs or more stands in one of them; the rest stays readable."""
    assert without_pieces(said, [b"another", TICKET]) == shown


def test_a_customers_code_is_struck_out_as_a_word() -> None:
    """Not where it is a part of another word."""
    assert without_customer("c7 is unknown, not C71", "C7") == "*** is unknown, not C71"
    assert without_customer("nothing", " ") == "nothing"
