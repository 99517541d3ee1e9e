"""What must not be repeated on a screen or in a log, though it stands in a file."""

import re

_SECRET = re.compile(
    r"(?:^|[_-])(?:pass|passwd|password|pwd|secret|token|credentials?|api[_-]?key|login)$",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(r"([\w-]+)([\"']?\s*:\s+)(\S[^,}]*)")


def is_secret(name: str) -> bool:
    """Whether a key of that name may hold a secret."""
    return _SECRET.search(name) is not None


def masked(line: str) -> str:
    """The line of a file without the values of keys that may hold a secret."""
    return _ASSIGNED.sub(
        lambda found: f"{found[1]}{found[2]}***" if is_secret(found[1]) else found[0], line
    )
