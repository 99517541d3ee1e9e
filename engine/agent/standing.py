"""How the agent does, in one line: for `systemctl status`, say."""

from collections.abc import Collection, Iterable, Mapping

from engine.agent.supervisor import Standing
from engine.agent.views import Views
from engine.api.port import Health
from engine.core.records import Till
from engine.store.tickets import Backlog


def standing(
    tills: Iterable[Till],
    views: Views,
    backlogs: Mapping[str, Backlog],
    offline: Collection[str],
    health: Health,
) -> Standing:
    """``offline`` are the states in which the server counts as not there."""
    # In one step of the loop with 10,000 tills: 5 ms, and so without making anything for each.
    count = away = 0
    last = None
    for till in tills:
        count += 1
        last = till
        away += any(state in offline for state in till.configuration)
    waiting = sum(backlog.pending for backlog in backlogs.values())
    if count == 1 and last is not None:
        where = f"Till {last.id}: {views.state(last.configuration)}"
    else:
        where = f"{count} tills, {away} offline"
    wait = {0: "", 1: ", 1 ticket waits"}.get(waiting, f", {waiting} tickets wait")
    return Standing(health.ready, " ".join((f"{where}{wait}.", *health.reasons)))
