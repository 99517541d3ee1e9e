"""Who may ask what: host names, origins, the token. Pure decisions on header values.

A page that a browser on the till has open can send requests to 127.0.0.1, and with a DNS name
of its own (rebinding) it can even read the answers. The host name stops the second, the origin
and the token the first.
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import NamedTuple

LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MEBIBYTE = 1024 * 1024
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(:[0-9]{1,5})?")


class Denial(NamedTuple):
    """Why a request is not served: an HTTP status, a stable code, a sentence and a hint."""

    status: int
    error: str
    message: str
    hint: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call the API.

    ``token`` is what callers show to change anything (None: nothing can be changed);
    ``hosts`` the names, without port, under which the API may be called (an IPv6 address in
    brackets); ``origins`` the other web origins (``https://host``) whose pages may call it.
    """

    token: str | None = field(repr=False)
    hosts: tuple[str, ...] = LOCAL_HOSTS
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.token is not None and not self.token.strip():
            raise ValueError("The token of the local API is empty.")

    def denial(
        self, method: str, scheme: str, host: str, origin: str | None, authorization: str | None
    ) -> Denial | None:
        """Why this request is not served, or None. Empty ``host``: the header is missing."""
        return (
            self._host(host)
            or self._origin(scheme, host, origin)
            or (None if method in SAFE_METHODS else self._token(authorization))
        )

    def _host(self, host: str) -> Denial | None:
        if _name(host) in {_name(known) for known in self.hosts}:
            return None
        called = f"called '{shown(host)}'" if host else "called without a host name"
        return Denial(
            400,
            "unknown_host",
            f"This API is not {called}.",
            f"Call it by one of: {', '.join(self.hosts)}. More names go into allowed_hosts in "
            "till.yaml.",
        )

    def _origin(self, scheme: str, host: str, origin: str | None) -> Denial | None:
        if origin is None:
            return None
        own = f"{scheme}://{host}".lower()
        if origin.lower() in {own, *(known.lower().rstrip("/") for known in self.origins)}:
            return None
        return Denial(
            403,
            "foreign_origin",
            f"Web pages of '{shown(origin)}' may not call this API.",
            "Programs send no Origin header; pages that may call it go into allowed_origins in "
            "till.yaml.",
        )

    def _token(self, authorization: str | None) -> Denial | None:
        if self.token is None:
            return Denial(
                403,
                "read_only",
                "This agent has no token, so nothing can be changed through its API.",
                "Set the token under api in till.yaml and start the agent again.",
            )
        challenge = (("www-authenticate", "Bearer"),)
        if authorization is None:
            return Denial(
                401,
                "no_token",
                "A token is needed to change anything.",
                "Send it in a header: Authorization: Bearer TOKEN.",
                challenge,
            )
        kind, _, given = authorization.partition(" ")
        # compared as bytes: compare_digest refuses text outside ASCII with an exception
        right = secrets.compare_digest(
            given.strip().encode("utf-8", "replace"), self.token.strip().encode("utf-8", "replace")
        )
        if kind.lower() == "bearer" and right:
            return None
        return Denial(
            401,
            "wrong_token",
            "This is not the token of this agent.",
            "The header reads: Authorization: Bearer TOKEN, with the token that till.yaml names.",
            challenge,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long. Sizes are in bytes, times in seconds.

    ``room`` bounds the tickets that are being received or stored at one time, all callers
    together; ``body`` is for a request's body to arrive, ``answer`` for the agent to answer,
    ``head`` for a request's first lines to arrive, ``exchange`` for a request from its first
    lines to the last byte of the answer, ``keep_alive`` for a connection that says nothing.
    """

    ticket: int = 4 * MEBIBYTE
    event: int = 64 * 1024
    room: int = 16 * MEBIBYTE
    head_size: int = 16 * 1024
    connections: int = 256
    body: float = 30.0
    answer: float = 10.0
    head: float = 10.0
    exchange: float = 60.0
    keep_alive: int = 15

    def __post_init__(self) -> None:
        if self.room < self.ticket:
            raise ValueError("The room for tickets must hold at least one ticket.")


def shown(text: str, longest: int = 60) -> str:
    """A caller's text, safe to repeat in a sentence: short, printable, no lone surrogate."""
    cut = text if len(text) <= longest else text[:longest] + "…"
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in cut
    )


def _name(host: str) -> str:
    """The host name of a Host header, without port, in lower case; '' when it is not one."""
    match = _HOST.fullmatch(host.lower())
    return match["name"] if match else ""
