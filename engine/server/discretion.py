"""What a server's words repeat of what it was sent is struck out: they end in logs and history."""

import re
from collections.abc import Sequence

STARS = "***"

_PIECE = re.compile(r"[^\W_](?:[\w.@+-]{2,}[^\W_])")
"""Four signs or more that stand together: shorter ones are in any text."""


def without_customer(words: str, customer: str) -> str:
    """A server's words with a customer's code struck out, wherever it stands as a word."""
    code = re.escape(customer.strip())
    if not code:
        return words
    return re.sub(rf"(?<!\w){code}(?!\w)", STARS, words, flags=re.IGNORECASE)


def without_pieces(words: str, payloads: Sequence[bytes]) -> str:
    """A server's words with all struck out that is a piece of one of these tickets too."""

    def struck(found: re.Match[str]) -> str:
        piece = found[0].encode()
        return STARS if any(piece in payload for payload in payloads) else found[0]

    return _PIECE.sub(struck, words)
