"""The dashboards as they are committed, and what is in them."""

from typing import Any, get_args

import pytest

from metrics.dashboards.faces import Language
from metrics.dashboards.queries import committed

NAMES = ("fleet", "till")
COMMITTED = [(name, language) for name in NAMES for language in get_args(Language)]


@pytest.fixture(params=COMMITTED, ids=".".join)
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each of them."""
    return committed(*request.param)
