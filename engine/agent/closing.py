"""Whether a till's day can be closed: whether the server has every ticket."""

from engine.api.shop import ClosingView
from engine.store.tickets import Backlog


def closing(backlog: Backlog, offline: bool) -> ClosingView:
    """``offline``: the server counts as not there just now."""
    reasons = []
    if backlog.pending:
        tickets, are = _tickets(backlog.pending)
        reasons.append(f"{tickets} {are} not acknowledged by the central server.")
        if offline:
            reasons.append("The central server is not asked just now: it counts as not there.")
    if backlog.refused:
        tickets, are = _tickets(backlog.refused)
        reasons.append(f"{tickets} {are} refused by the central server and set aside.")
    return ClosingView(
        pending=backlog.pending,
        refused=backlog.refused,
        complete=not reasons,
        reasons=tuple(reasons),
    )


def _tickets(count: int) -> tuple[str, str]:
    return ("1 ticket", "is") if count == 1 else (f"{count} tickets", "are")
