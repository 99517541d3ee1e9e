"""The historic wire: WebServiceDiva.asmx, SOAP 1.1, document/literal, as ASP.NET publishes it."""

import base64
import json
from collections.abc import Callable
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from engine.lab.answers import PROGRAMS, Call, Outcome, Request, Response, fixed
from engine.lab.programs import Programs, action_of

PATHS = ("/webservicediva/webservicediva.asmx", "/webservicediva.asmx")  # IIS knows no case
NAMESPACE = "http://www.Divalto.fr/WebService/"
SOAP_ACTION = NAMESPACE + "WebServiceDiva"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_XML = "text/xml; charset=utf-8"

_WSDL = """<?xml version="1.0" encoding="utf-8"?>
<wsdl:definitions xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:tns="{namespace}"
 xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"
 targetNamespace="{namespace}">
  <wsdl:types>
    <s:schema elementFormDefault="qualified" targetNamespace="{namespace}">
      <s:element name="WebServiceDiva"><s:complexType><s:sequence>
        <s:element minOccurs="0" maxOccurs="1" name="action" type="s:string"/>
        <s:element minOccurs="0" maxOccurs="1" name="param" type="s:string"/>
      </s:sequence></s:complexType></s:element>
      <s:element name="WebServiceDivaResponse"><s:complexType><s:sequence>
        <s:element minOccurs="1" maxOccurs="1" name="WebServiceDivaResult" type="s:int"/>
        <s:element minOccurs="0" maxOccurs="1" name="retour" type="s:string"/>
      </s:sequence></s:complexType></s:element>
    </s:schema>
  </wsdl:types>
  <wsdl:message name="WebServiceDivaSoapIn">
    <wsdl:part name="parameters" element="tns:WebServiceDiva"/>
  </wsdl:message>
  <wsdl:message name="WebServiceDivaSoapOut">
    <wsdl:part name="parameters" element="tns:WebServiceDivaResponse"/>
  </wsdl:message>
  <wsdl:portType name="DivaltoServiceSoap">
    <wsdl:operation name="WebServiceDiva">
      <wsdl:input message="tns:WebServiceDivaSoapIn"/>
      <wsdl:output message="tns:WebServiceDivaSoapOut"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="DivaltoServiceSoap" type="tns:DivaltoServiceSoap">
    <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="WebServiceDiva">
      <soap:operation soapAction="{action}" style="document"/>
      <wsdl:input><soap:body use="literal"/></wsdl:input>
      <wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="DivaltoService">
    <wsdl:port name="DivaltoServiceSoap" binding="tns:DivaltoServiceSoap">
      <soap:address location={location}/>
    </wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""


class SoapFault(Exception):  # noqa: N818 - SOAP's own word for it
    """The envelope is not a call of this service: HTTP 500 with a Fault."""

    def __init__(self, message: str, code: str = "Client") -> None:
        self.code = code
        super().__init__(message)


class Envelope(NamedTuple):
    """The two arguments of WebServiceDiva; one that was left out is ""."""

    action: str
    param: str


def understand(request: Request, programs: Programs, authorized: Callable[[str], bool]) -> Call:
    """What a request to the asmx asks for. ``authorized`` judges the Authorization header."""
    if request.method == "GET":
        if "wsdl" in {name.lower() for name in request.query}:
            return fixed("WSDL", Response(200, wsdl(request.origin + request.path), _XML))
        page = b"<html><body><h1>DivaltoService</h1><a href='?WSDL'>Service Description</a></body>"
        return fixed("OTHER", Response(200, page, "text/html; charset=utf-8"))
    if request.method != "POST":
        return fixed("OTHER", Response(405, headers={"Allow": "GET, POST"}))
    if request.media_type != "text/xml":
        return fixed("OTHER", Response(415, b"SOAP 1.1 is sent as text/xml."))
    try:
        _check_soap_action(request.headers.get("soapaction"))
        envelope = read_envelope(request.body, _charset(request.headers["content-type"]))
    except SoapFault as fault:
        return fixed("OTHER", fault_response(fault))
    action = action_of(envelope.action, envelope.param)

    def work() -> Outcome | Response:
        if not authorized(request.headers.get("authorization", "")):
            challenge = {"WWW-Authenticate": 'Basic realm="DivaltoService"'}
            return Response(401, b"Access is denied.", headers=challenge)
        return programs.run(action, envelope.param)

    return Call(action.upper() if action.upper() in PROGRAMS else "OTHER", work, render)


def render(outcome: Outcome) -> Response:
    """An outcome as WebServiceDivaResponse: ``error`` is the result, the reply is ``retour``."""
    retour = outcome.text if outcome.error else json.dumps(dict(outcome.reply), ensure_ascii=False)
    body = (
        f'<WebServiceDivaResponse xmlns="{NAMESPACE}">'
        f"<WebServiceDivaResult>{outcome.error}</WebServiceDivaResult>"
        f"<retour>{escape(retour)}</retour></WebServiceDivaResponse>"
    )
    return Response(200, _envelope(body), _XML)


def fault_response(fault: SoapFault) -> Response:
    """A SOAP 1.1 Fault, which travels with HTTP 500."""
    body = (
        f"<soap:Fault><faultcode>soap:{fault.code}</faultcode>"
        f"<faultstring>{escape(str(fault))}</faultstring><detail/></soap:Fault>"
    )
    return Response(500, _envelope(body), _XML)


def wsdl(location: str) -> bytes:
    """The WSDL 1.1 document of the service at ``location``."""
    place = quoteattr(location)
    return _WSDL.format(namespace=NAMESPACE, action=SOAP_ACTION, location=place).encode()


def basic_credentials(header: str) -> tuple[str, str] | None:
    """User and password of an ``Authorization: Basic`` header, or None."""
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(packed, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def _envelope(body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<soap:Envelope xmlns:soap="{ENVELOPE}" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        f"<soap:Body>{body}</soap:Body></soap:Envelope>"
    ).encode("utf-8", "replace")


def _check_soap_action(header: str | None) -> None:
    if header is None:
        raise SoapFault(
            "Unable to handle request without a valid action parameter. "
            "Please supply a valid soap action."
        )
    if header.strip().strip('"') != SOAP_ACTION:
        raise SoapFault(
            f"Server did not recognize the value of HTTP Header SOAPAction: {header[:200]}."
        )


def _charset(content_type: str) -> str | None:
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"') or None
    return None


def read_envelope(body: bytes, charset: str | None = None) -> Envelope:
    """The arguments in a SOAP 1.1 envelope; SoapFault says why it is none."""
    reader = _EnvelopeReader()
    try:
        parser = expat.ParserCreate(charset, " ")
        parser.buffer_text = True
        parser.buffer_size = 1 << 18
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.text
        parser.StartDoctypeDeclHandler = reader.doctype
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise SoapFault(f"Server was unable to read request. ---> {error}") from None
    if not reader.called:
        raise SoapFault("The body does not hold one WebServiceDiva element.")
    arguments = reader.arguments
    return Envelope(
        "".join(arguments.get("action", ())).strip(), "".join(arguments.get("param", ()))
    )


class _EnvelopeReader:
    """Receives expat's events; ``stack`` holds the names from the root to the open element."""

    def __init__(self) -> None:
        self.stack: list[str] = []
        self.called = False
        self.arguments: dict[str, list[str]] = {}
        self._into: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self.stack)
        self.stack.append(name)
        if depth == 0 and name != f"{ENVELOPE} Envelope":
            raise SoapFault("The root is not an Envelope of SOAP 1.1.", "VersionMismatch")
        if depth == 2 and self.stack[1] == f"{ENVELOPE} Header":
            if attributes.get(f"{ENVELOPE} mustUnderstand") == "1":
                raise SoapFault(f"SOAP header {name} was not understood.", "MustUnderstand")
        elif depth == 2 and self.stack[1] == f"{ENVELOPE} Body":
            if name != f"{NAMESPACE} WebServiceDiva" or self.called:
                raise SoapFault("The body does not hold one WebServiceDiva element.")
            self.called = True
        elif depth == 3 and self.stack[2] == f"{NAMESPACE} WebServiceDiva":
            argument = name.removeprefix(f"{NAMESPACE} ")
            if argument in {"action", "param"}:
                self._into = self.arguments.setdefault(argument, [])

    def end(self, _name: str) -> None:
        self.stack.pop()
        if len(self.stack) <= 3:
            self._into = None

    def text(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def doctype(self, *_declaration: object) -> None:
        raise SoapFault("A SOAP message must not contain a document type declaration.")
