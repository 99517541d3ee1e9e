"""Which timer cannot run out while which other one is still running.

An exploration keeps no times: any timer may be the next to run out. That would let a wait of
two minutes end before one of thirty seconds that began no later. Where the file alone says
that this cannot be, it is left out.
"""

from engine.core.build import Chart
from engine.core.plans import TimerPlan


def held_back(chart: Chart) -> dict[str, frozenset[str]]:
    """For each timer the keys of those that run out before it, if they run at all.

    They are of the same state or of one around it, so that they began no later; they are
    longer in no case, do not repeat, and a restart of the process does not change that.
    """
    found = {}
    for name, plan in chart.plans.items():
        around = [timer for outer in chart.tree.path(name) for timer in chart.plans[outer].timers]
        for timer in plan.timers:
            found[timer.key] = frozenset(
                other.key
                for other in around
                if not other.repeats
                and other.longest < timer.shortest
                and _keeps_order(other, timer)
            )
    return found


def _keeps_order(first: TimerPlan, second: TimerPlan) -> bool:
    """Whether a restart leaves the first one due before the second."""
    return first.on_restart in (second.on_restart, "expire") or second.on_restart == "restart"
