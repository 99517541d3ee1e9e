"""The words and the PromQL of one dashboard: for one machine, in one language."""

from collections.abc import Mapping
from dataclasses import dataclass

from metrics import families
from metrics.dashboards.faces import Face, Faces, Language
from metrics.dashboards.french import FRENCH
from metrics.families import Family

SAME_TILL = "job, instance, shop, till"
SAME_PROCESS = "job, instance, shop"
"""``shop`` is a label of the target, where the operator gives one: Prometheus agents behind
routers may all call their till localhost."""


@dataclass(frozen=True)
class Sheet:
    """What panels are written with. ``one`` says that the dashboard shows one till, ``recorded``
    that what is asked about all of them is read from the recording rules."""

    faces: Faces
    language: Language
    one: bool = False
    recorded: bool = False

    def say(self, text: str) -> str:
        """A text of our own in the sheet's language; names and placeholders are left alone."""
        if self.language == "en" or not text or text.startswith("{{"):
            return text
        return FRENCH[text]

    def label(self, face: Face) -> str:
        """What people call a state."""
        return face.labels[self.language]

    def of(self, family: Family, *matchers: str, suffix: str = "") -> str:
        """A selector of what the variables choose. ``matchers`` are added as they are."""
        chosen = ['job=~"$job"', 'instance=~"$instance"', 'shop=~"$shop"']
        if "till" in family.labels:
            chosen.append('till="$till"' if self.one else 'till=~"$till"')
        if "machine" in family.labels:
            chosen.append(f'machine="{self.faces.machine}"')
        return f"{family.name}{suffix}{{{', '.join((*chosen, *matchers))}}}"

    def other(self, name: str, *matchers: str) -> str:
        """A selector of a metric that is not our own: ``up`` and what every process has."""
        chosen = ('job=~"$job"', 'instance=~"$instance"', 'shop=~"$shop"', *matchers)
        return f"{name}{{{', '.join(chosen)}}}"

    def rate(self, family: Family, *matchers: str, suffix: str = "") -> str:
        """By how much a counter grows in a second."""
        return f"rate({self.of(family, *matchers, suffix=suffix)}[$__rate_interval])"

    def summed(self, family: Family, *matchers: str, suffix: str = "") -> str:
        """By how much a counter grows in a second, for who adds up the tills of shops: what the
        rules have added up by shop already, where they are to be used."""
        if not self.recorded:
            return self.rate(family, *matchers, suffix=suffix)
        name = f"{family.name.removesuffix('_total')}{suffix}:rate5m"
        return self._by_shop(family, name, *matchers)

    def grown(self, family: Family, *matchers: str, suffix: str = "") -> str:
        """By how much a counter has grown from one point of a graph to the next, or, from the
        rules, in five minutes; for who adds up."""
        if self.recorded:
            return f"{self.summed(family, *matchers, suffix=suffix)} * 300"
        return f"increase({self.of(family, *matchers, suffix=suffix)}[$__rate_interval])"

    def _by_shop(self, family: Family, name: str, *matchers: str) -> str:
        chosen = ['job=~"$job"', 'shop=~"$shop"']
        if "machine" in family.labels:
            chosen.append(f'machine="{self.faces.machine}"')
        return f"shop:{name}{{{', '.join((*chosen, *matchers))}}}"

    def within(self, family: Family, *matchers: str, suffix: str = "") -> str:
        """By how much a counter has grown in the time that the dashboard shows."""
        return f"increase({self.of(family, *matchers, suffix=suffix)}[$__range])"

    def age(self, family: Family) -> str:
        """How long ago a till's own clock showed a time, in seconds."""
        now = self.of(families.TIME)
        return f"{now} - on ({SAME_PROCESS}) group_right () {self.of(family)}"

    def numbers(self) -> Mapping[str, str]:
        """The number of the state that each till is in, by region: "" for the one that speaks
        for the till.

        A state without a code has a number of this dashboard's own, told by its name.
        """
        rows: dict[str, list[str]] = {"": [self.of(families.STATE_CODE)]}
        for face in self.faces.states:
            if not face.coded:
                number = f"sum without (state) ({self._active(face)}) * {face.number}"
                rows.setdefault(face.region, []).append(number)
        return {region: " or ".join(found) for region, found in rows.items()}

    def _active(self, face: Face) -> str:
        state = f'state="{face.id}"'
        return f"{self.of(families.STATE, state)} == 1"

    def tills_in(self, face: Face) -> str:
        """How many tills are in a state; 0 for none."""
        if self.recorded:
            state = f'state="{face.id}"'
            counted = self._by_shop(families.STATE, f"{families.STATE.name}:sum", state)
            return f"sum({counted}) or vector(0)"
        code = f"{self.of(families.STATE_CODE)} == {face.number}"
        return f"count({code if face.coded else self._active(face)}) or vector(0)"

    @property
    def waiting(self) -> str:
        """Tickets of all tills that wait."""
        kept = self._by_shop(families.PENDING, "tillwire_tickets_pending:sum")
        return f"sum({kept if self.recorded else self.of(families.PENDING)})"

    @property
    def longest_wait(self) -> str:
        """The age of the oldest of them, in seconds."""
        name = "tillwire_oldest_pending_ticket_age_seconds:max"
        kept = self._by_shop(families.OLDEST_PENDING, name)
        return f"max({kept if self.recorded else self.age(families.OLDEST_PENDING)})"

    @property
    def offline(self) -> str:
        """Tills for which the server counts as not there, or that a person holds so."""
        of_this_machine = self.of(families.STATE_ENTERED)
        return f"({self.of(families.OFFLINE)} > 0) and on ({SAME_TILL}) {of_this_machine}"

    @property
    def offline_for(self) -> str:
        """For how long tills have been offline, in seconds, as far as the time shown goes back.

        Not since their state was entered: each probe that fails enters it anew.
        """
        offline, points = self.of(families.OFFLINE), "[$__range:$__interval]"
        since = f"time() - max_over_time(timestamp({offline} == 0){points})"
        always = f"count_over_time({offline}{points}) * $__interval_ms / 1000"
        return f"({since} or {always}) and on ({SAME_TILL}) ({self.offline})"

    @property
    def not_answering(self) -> str:
        """Targets that could not be read, of the jobs in which there are agents or were."""
        agents = self.of(families.BUILD_INFO)
        jobs = f"group by (job) ({agents} or {agents} offset $__range)"
        return f"({self.other('up')} == 0) and on (job) {jobs}"


def short_hash(expr: str) -> str:
    """With so much of a configuration's hash as a person compares."""
    return f'label_replace({expr}, "hash", "$1", "hash", "(.{{12}}).*")'
