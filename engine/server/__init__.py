"""How the central server is spoken to: SOAP or REST behind one port, with total deadlines.

Importing this package is cheap; the HTTP stack is loaded by the first :func:`connect`.
"""

from engine.server.actions import ActionSettings
from engine.server.connecting import connect
from engine.server.port import (
    CallFailed,
    CallRejected,
    Configuration,
    Message,
    Offer,
    Reason,
    Server,
    TicketCount,
    TicketParcel,
    TicketVerdict,
)
from engine.server.secret import Secret, SecretUnavailable
from engine.server.settings import ServerSettings

__all__ = [
    "ActionSettings",
    "CallFailed",
    "CallRejected",
    "Configuration",
    "Message",
    "Offer",
    "Reason",
    "Secret",
    "SecretUnavailable",
    "Server",
    "ServerSettings",
    "TicketCount",
    "TicketParcel",
    "TicketVerdict",
    "connect",
]
