"""What a case expects of metrics, held against what the agent's exporter shows."""

import re
from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from engine.problems import did_you_mean
from engine.tools.testing.expecting import Mismatch

_SERIES = re.compile(r'(\w+)(?:\{((?:\s*\w+\s*=\s*"[^"]*"\s*,?)*)\})?')
_LABEL = re.compile(r'(\w+)\s*=\s*"([^"]*)"')


def measures(expected: Mapping[str, float], scrape: str) -> Iterator[Mismatch]:
    """The metrics that are not as expected: the sum of all series with the labels given."""
    samples = [s for family in text_string_to_metric_families(scrape) for s in family.samples]
    for series, value in expected.items():
        found = _SERIES.fullmatch(series)
        if found is None:
            wanted = 'a name, and labels where needed: tillwire_state{state="online"}'
            yield Mismatch(("metrics", series), f"{series} is {wanted}", "it cannot be read")
            continue
        name, labels = found[1], dict(_LABEL.findall(found[2] or ""))
        named = [sample for sample in samples if sample.name == name]
        fitting = [s.value for s in named if labels.items() <= s.labels.items()]
        total = sum(fitting)
        if not named:
            hint = did_you_mean(name, (s.name for s in samples if s.name.startswith("tillwire")))
            yield Mismatch(("metrics", series), f"{series}: {value:g}", f"no such metric. {hint}")
        elif not fitting:
            known = {f'{key}="{s.labels.get(key)}"' for s in named for key in labels}
            hint = did_you_mean(", ".join(f'{k}="{v}"' for k, v in labels.items()), known)
            got = f"no series with these labels. {hint}"
            yield Mismatch(("metrics", series), f"{series}: {value:g}", got)
        elif abs(total - value) > 1e-9:
            yield Mismatch(("metrics", series), f"{series}: {value:g}", f"{total:g}")
