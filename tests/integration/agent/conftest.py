"""A lab that asks for a password, for the tests of the whole agent."""

from collections.abc import Iterator

import pytest

from engine.lab import LabThread
from tests.integration.agent.shops import plain_lab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[LabThread]:
    monkeypatch.setenv("TILLWIRE_TEST_PASSWORD", "secret")
    with plain_lab() as running:
        yield running
