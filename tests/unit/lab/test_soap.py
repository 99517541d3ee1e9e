"""The SOAP wire reads the envelopes of its one method and nothing else."""

import base64
from xml.etree import ElementTree as ET

import pytest

from engine.lab.answers import Outcome
from engine.lab.soap import (
    NAMESPACE,
    Envelope,
    SoapFault,
    basic_credentials,
    read_envelope,
    render,
    wsdl,
)

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(body: str, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}">{head}'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def call(action: str, param: str) -> str:
    return (
        f'<WebServiceDiva xmlns="{NAMESPACE}"><action>{action}</action>'
        f"<param>{param}</param></WebServiceDiva>"
    )


def parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - the lab wrote it


def test_both_arguments_are_read_and_unescaped() -> None:
    read = read_envelope(envelope(call("PING", "&lt;SHOP&gt;0042&lt;A&gt;&amp;lt; é")))
    assert read == Envelope("PING", "<SHOP>0042<A>&lt; é")


def test_prefixes_comments_and_cdata_make_no_difference() -> None:
    body = (
        f'<d:WebServiceDiva xmlns:d="{NAMESPACE}"><d:param><![CDATA[<A>1]]></d:param>'
        "<!-- any order --><d:action>PING</d:action></d:WebServiceDiva>"
    )
    assert read_envelope(envelope(body)) == Envelope("PING", "<A>1")


def test_an_argument_that_is_left_out_is_empty() -> None:
    assert read_envelope(envelope(f'<WebServiceDiva xmlns="{NAMESPACE}"/>')) == Envelope("", "")


def test_the_charset_of_the_content_type_counts() -> None:
    text = envelope(call("PING", "é")).decode().replace('encoding="utf-8"', "")
    assert read_envelope(text.encode("latin-1"), "iso-8859-1").param == "é"


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        (b"<a", "Client", "unable to read"),
        (b"", "Client", "unable to read"),
        (b"<a/>", "VersionMismatch", "not an Envelope of SOAP 1.1"),
        (envelope("<Other/>"), "Client", "does not hold one WebServiceDiva"),
        (envelope(""), "Client", "does not hold one WebServiceDiva"),
        (envelope(call("PING", "") * 2), "Client", "does not hold one WebServiceDiva"),
        (
            envelope(call("PING", ""), '<s:Header><a s:mustUnderstand="1"/></s:Header>'),
            "MustUnderstand",
            "was not understood",
        ),
        (
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            "Client",
            "must not contain a document type",
        ),
    ],
)
def test_what_is_no_call_is_a_fault(body: bytes, code: str, sentence: str) -> None:
    with pytest.raises(SoapFault, match=sentence) as fault:
        read_envelope(body)
    assert fault.value.code == code


def test_an_unknown_charset_is_a_fault() -> None:
    with pytest.raises(SoapFault, match="unable to read"):
        read_envelope(envelope(call("PING", "")), "klingon")


def test_the_answer_holds_the_result_and_retour() -> None:
    root = parsed(render(Outcome(reply={"resultcode": 0, "a": "<é&>"})).body)
    answer = root[0][0]
    assert answer.tag == f"{{{NAMESPACE}}}WebServiceDivaResponse"
    assert answer.findtext(f"{{{NAMESPACE}}}WebServiceDivaResult") == "0"
    assert answer.findtext(f"{{{NAMESPACE}}}retour") == '{"resultcode": 0, "a": "<é&>"}'


def test_a_technical_failure_is_the_result_with_its_text_in_retour() -> None:
    root = parsed(render(Outcome(error=2, text="no such action")).body)
    assert [element.text for element in root[0][0]] == ["2", "no such action"]


def test_the_wsdl_names_its_own_address_whatever_is_in_it() -> None:
    root = parsed(wsdl('http://till&co/a"b'))
    address = root.find(".//{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address is not None
    assert address.get("location") == 'http://till&co/a"b'


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("Basic " + base64.b64encode("shop:pä:ss".encode()).decode(), ("shop", "pä:ss")),
        ("Basic ???", None),
        ("Basic " + base64.b64encode(b"nocolon").decode(), None),
        ("Bearer x", None),
        ("", None),
    ],
)
def test_basic_credentials_are_read_or_none(header: str, read: tuple[str, str] | None) -> None:
    assert basic_credentials(header) == read
