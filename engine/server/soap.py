"""The SOAP wire: ``WebServiceDiva(action, param) -> (result, retour)``, SOAP 1.1 over POST.

Source: the public WSDL of Divalto Harmony's web service (namespace, SOAPAction and the shape
of the reply).
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple
from xml.parsers import expat

from engine.server import program
from engine.server.actions import ActionSettings
from engine.server.calls import CalledServer, Exchange
from engine.server.deadline import Deadline
from engine.server.port import CallFailed, Reason
from engine.server.reply import Reply, expect_kind, trouble
from engine.server.secret import SecretUnavailable
from engine.server.settings import ServerSettings

NAMESPACE = "http://www.Divalto.fr/WebService/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_ACTION = f'"{NAMESPACE}WebServiceDiva"'

_XML = ("text/xml", "application/xml", "application/soap+xml")
_DEEPEST = 32
_CHARSETS = ("utf-8", "utf-16", "iso-8859-1", "us-ascii")
_BEFORE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
    f'<WebServiceDiva xmlns="{NAMESPACE}"><action>'
)
_BETWEEN = "</action><param>"
_AFTER = "</param></WebServiceDiva></soap:Body></soap:Envelope>"


class Returned(NamedTuple):
    """What an envelope holds: a result with its ``retour``, or a fault."""

    result: str | None
    retour: str
    fault: str


def envelope(action: str, param: str) -> bytes:
    """The request's envelope in UTF-8."""
    return f"{_BEFORE}{_escape(action)}{_BETWEEN}{_escape(param)}{_AFTER}".encode()


def _escape(text: str) -> str:
    # A bare carriage return would come out of an XML parser as a line feed.
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;") if "\r" in text else text


class _Reader:
    """Collects the texts of the few elements that count, by their full path."""

    _BODY = (f"{ENVELOPE} Envelope", f"{ENVELOPE} Body")
    _RESPONSE = (*_BODY, f"{NAMESPACE} WebServiceDivaResponse")
    _FAULT = (*_BODY, f"{ENVELOPE} Fault")
    _WANTED: ClassVar[dict[tuple[str, ...], str]] = {
        (*_RESPONSE, f"{NAMESPACE} WebServiceDivaResult"): "result",
        (*_RESPONSE, f"{NAMESPACE} retour"): "retour",
        (*_FAULT, "faultstring"): "fault",
    }

    def __init__(self) -> None:
        self.path: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] | None = None

    def start(self, name: str, _: object) -> None:
        self.path.append(name)
        if len(self.path) > _DEEPEST:
            raise program.Unfit("its XML is nested too deeply")
        wanted = self._WANTED.get(tuple(self.path))
        if wanted in self.texts:
            raise program.Unfit(f"it has more than one {wanted}")
        if wanted:
            self._open = self.texts[wanted] = []
        elif self._open is not None:
            raise program.Unfit("its retour holds XML where a text was expected")

    def end(self, _: str) -> None:
        self.path.pop()
        self._open = None

    def characters(self, text: str) -> None:
        if self._open is not None:
            self._open.append(text)


def _no_doctype(*_: object) -> None:
    raise program.Unfit("it has a DOCTYPE, which a reply never needs")


def open_envelope(body: bytes, charset: str = "") -> Returned:
    """What a reply's envelope holds. Raises ``program.Unfit``.

    A DOCTYPE is refused, and with it every entity of its own, external or growing.
    """
    reader = _Reader()
    parser = expat.ParserCreate(charset if charset in _CHARSETS else None, " ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError) as error:
        if isinstance(error, program.Unfit):
            raise
        raise program.Unfit("it is not XML, or it is cut short") from None
    result = reader.texts.get("result")
    fault = "".join(reader.texts.get("fault", ()))
    if result is None and "fault" not in reader.texts:
        raise program.Unfit("it is not the reply of WebServiceDiva")
    return Returned(
        None if result is None else "".join(result).strip(),
        "".join(reader.texts.get("retour", ())),
        program.shown(fault) or "a fault without words",
    )


class SoapServer(CalledServer):
    """A server spoken to by SOAP."""

    def __init__(self, settings: ServerSettings, shop: str, base: Path | None) -> None:
        super().__init__(settings, shop, base)
        self._login: tuple[str, ...] = ()

    def _secrets(self) -> Sequence[str]:
        return self._login

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": SOAP_ACTION}
        auth = self._settings.auth
        if auth is not None and auth.user is not None and auth.password is not None:
            try:
                password = auth.password.reveal(self._base)
            except SecretUnavailable as error:
                raise CallFailed(
                    Reason.LOCAL_ERROR, f"{self._target.where} was not called: {error}"
                ) from None
            pair = base64.b64encode(f"{auth.user}:{password}".encode()).decode("ascii")
            # Who repeats what a request said repeats its headers too.
            self._login = (password, pair)
            headers["Authorization"] = f"Basic {pair}"
        return headers

    def _exchange(
        self, action: ActionSettings, text: str, deadline: Deadline, harmless: bool
    ) -> Exchange:
        headers = self._headers()
        body = envelope(action.action, text)
        reply = self._transport.post(self._target, headers, body, deadline, harmless)
        if reply.status != 200:
            raise trouble(reply, deadline, _fault(reply))
        expect_kind(reply, deadline, _XML, "XML")
        returned = open_envelope(reply.body, reply.charset)
        if returned.result is None:
            raise self._technical(deadline, "of a SOAP fault", returned.fault)
        wanted = action.success.result
        if wanted is not None and not program.same(returned.result, wanted):
            raise self._technical(deadline, returned.result, program.shown(returned.retour))
        return Exchange(returned.retour, reply.seconds)


def _fault(reply: Reply) -> str:
    """The words of a fault, none where the body is something else."""
    if reply.kind not in _XML:
        return ""
    try:
        returned = open_envelope(reply.body, reply.charset)
    except program.Unfit:
        return ""
    return returned.fault if returned.result is None else ""
