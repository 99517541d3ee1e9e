"""What becomes of loads and datasets in a scrape."""

import pytest

from metrics.exporter import Exporter
from metrics.loads import ENDS
from tests.unit.metrics.conftest import Read


def test_loads_are_counted_by_kind_and_outcome(exporter: Exporter, read: Read) -> None:
    """Every outcome is there from the start, at 0."""
    exporter.load("full", "ok", 42.0, 1000, 5000)
    exporter.load("full", "ok", 1.0, 10, 50)
    exporter.load("changes", "failed.bad_reply", 0.2, 7, 70)
    found = {
        (kind, outcome): read("tillwire_load_results_total", kind=kind, outcome=outcome)
        for kind, ends in ENDS.items()
        for outcome in ends
    }
    assert {key: count for key, count in found.items() if count} == {
        ("full", "ok"): 2,
        ("changes", "failed"): 1,
    }
    assert None not in found.values()
    assert read("tillwire_load_rows_total") == 1017
    assert read("tillwire_load_bytes_total") == 5120


def test_how_long_loads_took_is_told_but_for_those_that_were_not_begun(
    exporter: Exporter, read: Read
) -> None:
    exporter.load("full", "ok", 42.0, 1, 1)
    exporter.load("full", "rejected", 0.0, 0, 0)
    name = "tillwire_load_duration_seconds"
    assert read(f"{name}_count", kind="full") == 1
    assert read(f"{name}_sum", kind="full") == 42
    assert read(f"{name}_count", kind="changes") == 0


def test_a_load_under_way_shows(exporter: Exporter, read: Read) -> None:
    assert read("tillwire_load_in_progress") == 0
    exporter.load_in_progress(True)
    assert read("tillwire_load_in_progress") == 1
    exporter.load_in_progress(False)
    assert read("tillwire_load_in_progress") == 0


def test_a_dataset_has_its_version_its_rows_and_when_it_was_loaded(
    exporter: Exporter, read: Read
) -> None:
    """One that is gone, or has to be loaded anew, has none."""
    exporter.datasets({"articles": (42, 1_790_000_000.0, 18204), "staff": (1, 5.0, 3)})
    exporter.datasets({"articles": (43, 1_790_000_100.0, 18205)})
    assert read("tillwire_dataset_version", dataset="articles") == 43
    assert read("tillwire_dataset_rows", dataset="articles") == 18205
    assert read("tillwire_dataset_loaded_timestamp_seconds", dataset="articles") == 1_790_000_100
    assert read("tillwire_dataset_version", dataset="staff") is None


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("all", "ok"), ("full", "unheard-of"), ("full", "gap"), ("full", "failed.badly")],
)
def test_no_other_label_can_come_into_being(exporter: Exporter, kind: str, outcome: str) -> None:
    with pytest.raises(ValueError, match="no load is"):
        exporter.load(kind, outcome, 1.0, 0, 0)
