"""The ``server.ftp:`` mapping of till.yaml: where files are downloaded from."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from engine.server.actions import Section
from engine.server.durations import Duration
from engine.server.secret import Secret


def _host(raw: str) -> str:
    if any(letter.isspace() or not letter.isprintable() for letter in raw):
        raise ValueError("a host holds no blanks")
    if not raw or set(raw) & set("/@[]?#"):
        raise ValueError(
            "this is the name or the address of a host alone, such as ftp.shop.example: no "
            "ftp:// before it, no user, folder or port in it"
        )
    return raw


def _line(raw: str) -> str:
    if not raw or not raw.isprintable():
        raise ValueError("this cannot be empty or hold a line end or another control character")
    return raw


_Line = Annotated[str, AfterValidator(_line)]


class FtpSettings(Section):
    """The FTP server."""

    host: Annotated[str, AfterValidator(_host)] = Field(
        description="The name or the address of the FTP server, such as `ftp.shop.example`.",
        examples=["ftp.shop.example"],
    )
    port: int = Field(21, ge=1, le=65535, description="Its TCP port.")
    user: _Line = Field("anonymous", description="The user to log in as.")
    password: Secret | None = Field(
        None,
        description="The user's password, written `${env:NAME}` or `${file:path}`.",
        examples=["${file:ftp.password}"],
    )
    tls: Literal["explicit", "none"] = Field(
        "explicit",
        description="`explicit`: FTPS by AUTH TLS, for commands and data. `none`: plain FTP, "
        "which shows password and files to the whole network.",
    )
    ca_file: str | None = Field(
        None,
        description="The certificate of the authority that signed the FTP server's, in PEM form; "
        "then no other authority is trusted. Empty: those that the system trusts.",
        examples=["authority.pem"],
    )
    folder: _Line = Field(
        "/", description="The folder of the files, as the user who logs in sees it."
    )
    connect_timeout: Duration = Field(
        30.0,
        ge=0.1,
        description="How long connecting and logging in may take; 30s when empty.",
    )
    stall: Duration = Field(
        30.0,
        ge=0.1,
        description="A transfer that brings less than 16 KiB in so long stands still, and is "
        "taken up anew; 30s when empty.",
    )
