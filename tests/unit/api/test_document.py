"""What integrators are told: the OpenAPI document."""

import subprocess
import sys
from typing import Any

from engine.api.application import LocalApi

ROUTES = {
    ("get", "/v1/tills"),
    ("get", "/v1/tills/{till}"),
    ("post", "/v1/tills/{till}/events"),
    ("post", "/v1/tills/{till}/tickets"),
    ("get", "/v1/tills/{till}/history"),
    ("get", "/v1/tills/{till}/trace"),
    ("get", "/v1/tills/{till}/why-not"),
    ("get", "/v1/tills/{till}/messages"),
    ("post", "/v1/tills/{till}/messages/{message}/read"),
    ("get", "/v1/tills/{till}/offers"),
    ("get", "/v1/tills/{till}/closing"),
    ("get", "/v1/tills/{till}/loads"),
    ("post", "/v1/tills/{till}/loads"),
    ("get", "/v1/stream"),
    ("get", "/v1/tills/{till}/icon.svg"),
    ("get", "/v1/machine"),
    ("get", "/v1/machine/diagram.svg"),
    ("get", "/v1/config"),
    ("post", "/-/reload"),
    ("get", "/metrics"),
    ("get", "/healthz"),
    ("get", "/readyz"),
}
ERROR = {"$ref": "#/components/schemas/ErrorView"}


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation by method and path."""
    return {
        (method, path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_the_document_names_every_route(api: LocalApi) -> None:
    """Nothing is missing, and nothing else is offered."""
    assert set(operations(api.document())) == ROUTES


def test_every_operation_is_described_with_its_errors(api: LocalApi) -> None:
    """A summary, a description, and the one shape of error for each error status."""
    for operation in operations(api.document()).values():
        assert operation["summary"]
        assert operation["description"]
        errors = {code: told for code, told in operation["responses"].items() if code >= "400"}
        assert {"400", "403", "500", "503"} <= set(errors)
        for told in errors.values():
            assert told["description"]
            schema = told["content"]["application/json"]["schema"]
            kinds = ("Health", "RefusedView")
            assert schema in (ERROR, *({"$ref": f"#/components/schemas/{one}"} for one in kinds))


def test_what_changes_something_needs_the_token_and_nothing_else_does(api: LocalApi) -> None:
    """The security of the document is that of the guard."""
    for (method, _), operation in operations(api.document()).items():
        assert operation.get("security") == ([{"token": []}] if method == "post" else None)


def test_every_field_is_described(api: LocalApi) -> None:
    """No field of any schema is left to guessing."""
    schemas = api.document()["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    bare = [
        f"{name}.{key}"
        for name, schema in schemas.items()
        for key, field in schema["properties"].items()
        if "description" not in field
    ]
    assert bare == []


def test_the_document_is_served_and_its_routes_need_no_other_page(api: LocalApi, ask: Any) -> None:
    """GET /openapi.json gives the document; it mentions no address outside."""
    reply = ask("GET", "/openapi.json", token=None)
    assert reply.json() == api.document()
    assert "http://" not in reply.text
    assert "https://" not in reply.text


def test_the_tickets_number_is_required_and_its_body_is_bytes(api: LocalApi) -> None:
    """A generated client sends a number and a binary body."""
    ticket = operations(api.document())["post", "/v1/tills/{till}/tickets"]
    number = next(one for one in ticket["parameters"] if one["name"] == "number")
    assert (number["in"], number["required"]) == ("query", True)
    assert ticket["requestBody"]["required"]
    assert ticket["requestBody"]["content"]["*/*"]["schema"]["format"] == "binary"


def test_the_port_can_be_named_without_loading_a_web_framework() -> None:
    """The agent imports the port and stays small."""
    loaded = "import sys, engine.api.port; print(*{'fastapi', 'uvicorn'}.intersection(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=30
    )
    assert run.stdout.split() == []
