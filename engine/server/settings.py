"""The ``server:`` mapping of till.yaml: where the central server is and how it is spoken to.

What the server's actions are called, which parameters they take and how success is told is
nowhere published, so all of it is configuration; the defaults are our own choice and what the
lab speaks.
"""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from engine.server.actions import Actions, Section
from engine.server.durations import Duration
from engine.server.ftp_settings import FtpSettings
from engine.server.secret import REFERENCE, Secret

Protocol = Literal["soap", "rest"]

SOAP_PATH = "/WebServiceDiva/WebServiceDiva.asmx"
REST_BASE = "/DhsDivaltoServiceDivaApiRest/api/v1"
EXECUTE = "/WebService/Execute"
AUTHENTICATE = "/Authent/Auth"

NOT_SECRET = frozenset(
    {
        "client",
        "client_id",
        "company",
        "dossier",
        "grant_type",
        "language",
        "login",
        "scope",
        "user",
        "username",
    }
)
"""Fields of a log-in's body that may be written in plain; all the others are secrets."""


def _address(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("this is not an address: its host or its port cannot be read") from None
    if "@" in parts.netloc:
        raise ValueError(
            "an address holds no user and password: write them under 'auth', by reference"
        )
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise ValueError("an address starts with http:// or https:// and names a host")
    if parts.query or parts.fragment:
        raise ValueError("an address ends with its path: leave out '?' or '#' and what follows")
    if any(letter.isspace() or not letter.isprintable() for letter in raw):
        raise ValueError("an address holds no blanks")
    return raw


Address = Annotated[str, AfterValidator(_address)]


def _body(raw: Any) -> Any:
    """Fields that may be plain stay texts, every other has to be a reference."""
    if not isinstance(raw, dict):
        return raw
    fields = {str(name): _field(str(name), value) for name, value in raw.items()}
    plain = [f"'{name}'" for name, value in fields.items() if value is None]
    if plain:
        raise ValueError(
            f"{' and '.join(plain)} {'is' if len(plain) == 1 else 'are'} taken for secret, and a "
            "secret is never written in the file itself: write ${env:NAME} for an environment "
            "variable or ${file:path} for a file"
        )
    return fields


def _field(name: str, value: Any) -> str | Secret | None:
    """A field of a log-in, None where a secret is written in plain."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, str) and REFERENCE.fullmatch(value):
        return Secret(value)
    return value if isinstance(value, str) and name.lower() in NOT_SECRET else None


class Auth(Section):
    """How the till says who it is: a token for REST, basic authentication for SOAP."""

    url: Address | None = Field(
        None,
        description="REST: where tokens are given. Empty: beside the address of Execute, at "
        f"`…{AUTHENTICATE}`.",
        examples=["https://harmony.example/api/v1/Authent/Auth"],
    )
    body: Annotated[dict[str, str | Secret], BeforeValidator(_body)] | None = Field(
        None,
        description="REST: the fields of the log-in, such as `login` and `password`. All but "
        "the user's name and the like are secrets, written `${env:NAME}` or `${file:path}`.",
        examples=[{"login": "till", "password": "${file:server.password}"}],
    )
    token: str = Field(
        "access_token", description="REST: where the token stands in the reply, a path with dots."
    )
    lifetime: Duration = Field(
        2700.0,
        ge=1,
        description="REST: how long a token lasts at most; 45min when empty. A shorter "
        "`expires_in` in the reply wins.",
    )
    user: str | None = Field(
        None, description="SOAP: the user of basic authentication.", examples=["till"]
    )
    password: Secret | None = Field(
        None,
        description="SOAP: its password, written `${env:NAME}` or `${file:path}`.",
        examples=["${file:server.password}"],
    )


class ServerSettings(Section):
    """The central server."""

    protocol: Protocol = Field(
        description="`soap` (WebServiceDiva, on the retailer's own IIS) or `rest` (Harmony from "
        "version 405, and the cloud)."
    )
    url: Address = Field(
        description="The address. With no path, the protocol's usual one is added: "
        f"`{SOAP_PATH}` or `{REST_BASE}{EXECUTE}`.",
        examples=["http://harmony.example"],
    )
    ca_file: str | None = Field(
        None,
        description="The certificate of the authority that signed the server's, in PEM form; "
        "then no other authority is trusted. Empty: those that the system trusts.",
        examples=["authority.pem"],
    )
    compression: Literal["none", "gzip"] = Field(
        "none", description="`gzip` where the server takes compressed requests."
    )
    auth: Auth | None = Field(
        None, description="How the till says who it is; empty where the server does not ask."
    )
    actions: Actions = Field(default_factory=Actions, description="The server's actions.")
    deduplicates: bool = Field(
        True, description="Whether the server stores a ticket sent twice under one key once."
    )
    settle: Duration = Field(
        120.0,
        description="How long a request that the till gave up may still be at work in the "
        "server: nothing is asked about it or sent again before; 2min when empty.",
    )
    ftp: FtpSettings | None = Field(
        None,
        description="The FTP server that the catalogue and the till's configuration are "
        "downloaded from; empty where there is none.",
    )

    @model_validator(mode="after")
    def _auth_fits(self) -> "ServerSettings":
        auth = self.auth
        if auth is None:
            return self
        if self.protocol == "soap":
            if auth.body is not None or auth.url is not None:
                raise ValueError("auth.url and auth.body belong to rest; soap has user, password")
            if (auth.user is None) or (auth.password is None):
                raise ValueError("with soap, auth needs both user and password")
            return self
        if auth.user is not None or auth.password is not None:
            raise ValueError("auth.user and auth.password belong to soap; rest has url and body")
        if not auth.body:
            raise ValueError("with rest, auth needs a body: the fields of the log-in")
        if auth.url is None and not self.endpoint.endswith(EXECUTE):
            raise ValueError(f"auth.url is needed, as the address does not end with {EXECUTE}")
        return self

    @model_validator(mode="after")
    def _outcomes_can_be_known(self) -> "ServerSettings":
        if not self.deduplicates and self.actions.ticket_status is None:
            raise ValueError(
                "a server that neither deduplicates nor tells ticket_status would store a ticket "
                "twice after a lost answer: give it one of the two"
            )
        return self

    @property
    def endpoint(self) -> str:
        """The whole address that calls go to."""
        if urlsplit(self.url).path not in ("", "/"):
            return self.url
        path = SOAP_PATH if self.protocol == "soap" else REST_BASE + EXECUTE
        return self.url.rstrip("/") + path

    @property
    def token_endpoint(self) -> str:
        """REST: the whole address that gives tokens."""
        if self.auth is not None and self.auth.url is not None:
            return self.auth.url
        return self.endpoint.removesuffix(EXECUTE) + AUTHENTICATE
