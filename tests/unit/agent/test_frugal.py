"""What an agent does not load, and that it comes all the same when it is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

AN_AGENT = """
import json, sys
import engine.cli.agent
from engine.agent.frugal import describe_later, leave_out_unused, load_lazily
load_lazily()
import engine.agent.process, engine.api.serving, metrics.listening
leave_out_unused()
describe_later()
from engine.api.access import Access
from engine.api.application import create_api
from engine.api.stand_in import StandIn
api = create_api(StandIn(), Access(None))
loaded = sorted(name for name, module in sys.modules.items() if module is not None)
print(json.dumps(loaded))
"""

A_DOCUMENT = """
import json, sys
from engine.api.access import Access
from engine.api.application import create_api
from engine.api.stand_in import StandIn
from fastapi.openapi.models import OpenAPI
print(OpenAPI.__pydantic_complete__)
print(json.dumps(create_api(StandIn(), Access(None)).document()))
print(OpenAPI.__pydantic_complete__)
"""

ASKED = {
    "uvicorn": "import uvicorn; assert uvicorn.run.__module__ == 'uvicorn.main'",
    "uvicorn again": "import uvicorn; uvicorn.Config; assert uvicorn.Server; assert uvicorn.run",
    "statemachine": "from statemachine.io import load; assert callable(load)",
    "prometheus": "from prometheus_client import Counter, start_http_server; assert Counter",
    "a module": "from uvicorn import logging; assert logging.__name__ == 'uvicorn.logging'",
}


def run(program: str) -> str:
    """What a Python of its own prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_agent_does_not_load_what_it_has_no_use_for() -> None:
    """No command line, ours or a web server's, no reader of XML, no old pydantic, no second web
    server."""
    loaded = set(json.loads(run(AN_AGENT)))
    assert {"uvicorn.config", "statemachine.io.class_factory", "pydantic"} <= loaded
    for name in ("uvicorn.main", "statemachine.io.loader", "pydantic.v1", "wsgiref", "typer"):
        assert name not in loaded


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_what_was_put_off_comes_when_it_is_asked_for(ask: str) -> None:
    """As if the package had been loaded whole."""
    run(f"from engine.agent.frugal import load_lazily; load_lazily()\n{ask}")


def test_what_is_loaded_already_stays_as_it_is() -> None:
    """A program that has the packages keeps them, the old pydantic too."""
    run(
        "import uvicorn, statemachine.io, prometheus_client, pydantic.v1, sys\n"
        "from engine.agent.frugal import *\n"
        "load_lazily(); leave_out_unused()\n"
        "assert '__getattr__' not in vars(uvicorn)\n"
        "assert sys.modules['pydantic.v1'] is pydantic.v1 is not None"
    )


def test_the_document_of_the_api_is_made_ready_when_it_is_asked_for() -> None:
    """And is the one that it always was."""
    later = "from engine.agent.frugal import describe_later; describe_later()\n"
    before, document, after = run(later + A_DOCUMENT).splitlines()
    assert (before, after) == ("False", "True")
    assert run(A_DOCUMENT).splitlines() == ["True", document, "True"]
