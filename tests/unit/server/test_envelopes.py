"""SOAP envelopes: what is built, what is read, and what is refused."""

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.server.program import Unfit
from engine.server.soap import ENVELOPE, NAMESPACE, envelope, open_envelope

XML_TEXT = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFFFD, exclude_categories=["Cs"])
    | st.sampled_from("\t\n\r\U0001f600")
)


def reply(inside: str, before: str = "", prefix: str = "") -> bytes:
    return (
        f'{before}<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{prefix}'
        f'<WebServiceDivaResponse xmlns="{NAMESPACE}">{inside}</WebServiceDivaResponse>'
        "</s:Body></s:Envelope>"
    ).encode()


GOOD = "<WebServiceDivaResult>0</WebServiceDivaResult><retour>{}</retour>"


@given(XML_TEXT, XML_TEXT)
def test_action_and_param_come_through_the_envelope_unchanged(action: str, param: str) -> None:
    root = ET.fromstring(envelope(action, param))  # noqa: S314 - our own envelope
    call = root.find(f"{{{ENVELOPE}}}Body/{{{NAMESPACE}}}WebServiceDiva")
    assert call is not None
    texts = [(part.tag, part.text or "") for part in call]
    assert texts == [(f"{{{NAMESPACE}}}action", action), (f"{{{NAMESPACE}}}param", param)]


def test_result_and_retour_are_read() -> None:
    found = open_envelope(reply(GOOD.format("a &lt;b&gt; &#233;<![CDATA[<c>]]>")))
    assert (found.result, found.retour) == ("0", "a <b> é<c>")


def test_an_empty_retour_is_an_empty_text() -> None:
    assert open_envelope(reply("<WebServiceDivaResult> 3 </WebServiceDivaResult>")).result == "3"


def test_other_elements_and_headers_do_not_count() -> None:
    found = open_envelope(reply(GOOD.format("x") + "<more><retour>y</retour></more>"))
    assert found.retour == "x"


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1"])
def test_the_charset_of_the_answer_counts(charset: str) -> None:
    body = reply(GOOD.format("é")).decode().encode(charset)
    assert open_envelope(body, charset).retour == "é"


BOMB = "<!DOCTYPE b [" + "<!ENTITY a0 'x'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
) + "]>"  # fmt: skip


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (reply(GOOD.format("&a9;"), BOMB), "DOCTYPE"),
        (
            reply(GOOD.format("&x;"), "<!DOCTYPE b [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"),
            "DOCTYPE",
        ),
        (reply(GOOD.format(""), "<!DOCTYPE html>"), "DOCTYPE"),
        (reply(GOOD.format("&undefined;")), "not XML"),
        (reply(GOOD.format("x"))[:-5], "cut short"),
        (reply(GOOD.format("x")) + b"<more/>", "not XML"),
        (reply(GOOD.format("\x01")), "not XML"),
        (b"", "not XML"),
        (b"\xff\xff\xff", "not XML"),
        (reply("<deep>" * 100 + "</deep>" * 100), "too deeply"),
        (reply(GOOD.format("<b/>")), "holds XML"),
        (reply(GOOD.format("x") * 2), "more than one"),
        (reply(""), "not the reply of WebServiceDiva"),
        (b"<WebServiceDivaResult>0</WebServiceDivaResult>", "not the reply"),
        (reply(GOOD.format("x")).replace(NAMESPACE.encode(), b"http://other/"), "not the reply"),
    ],
    ids=range(15),
)
def test_what_is_not_a_reply_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(Unfit, match=words):
        open_envelope(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_sentence(body: bytes) -> None:
    with pytest.raises(Unfit, match=r"\w"):
        open_envelope(body)


def test_a_fault_is_read_with_its_words() -> None:
    body = (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><s:Fault><faultcode>s:Server</faultcode>'
        "<faultstring>no\n database</faultstring></s:Fault></s:Body></s:Envelope>"
    ).encode()
    found = open_envelope(body)
    assert (found.result, found.fault) == (None, "no  database")


def test_the_json_inside_comes_through_xml_and_back() -> None:
    text = json.dumps({"text": "é\r\n\x01<&>"})
    root = ET.fromstring(envelope("A", text))  # noqa: S314 - our own envelope
    param = root.find(f".//{{{NAMESPACE}}}param")
    assert param is not None
    assert json.loads(param.text or "") == {"text": "é\r\n\x01<&>"}
