"""The ``api:`` mapping of till.yaml: the local HTTP API."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from engine.definition.model import Part, as_tuple
from engine.server.secret import Secret


def _one_or_more(raw: Any) -> Any:
    return (raw,) if isinstance(raw, str) else as_tuple(raw)


_Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_more, json_schema_input_type=str | tuple[str, ...]),
]


class Api(Part):
    """The local HTTP API, which the till program talks to."""

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="The address to listen on. 127.0.0.1: this machine only.",
    )
    port: int = Field(8344, ge=1, le=65535, description="The TCP port to listen on.")
    token: Secret | None = Field(
        None,
        description="The token that a caller must show to change anything, as `${env:NAME}` or "
        "`${file:path}`. None: the API answers questions and changes nothing.",
        examples=["${file:till.token}"],
    )
    allowed_hosts: _Texts = Field(
        ("127.0.0.1", "localhost", "[::1]"),
        description="The host names that callers may use to reach the API.",
    )
    allowed_origins: _Texts = Field(
        (),
        description="The origins (https://host) of web pages that may call the API.",
        examples=[["https://till.example"]],
    )
    metrics: bool = Field(
        True,
        description="Whether the agent counts for Prometheus and answers at /metrics.",
    )

    @property
    def url(self) -> str:
        """Where a program on this machine finds the API."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
