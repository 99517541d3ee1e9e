"""The ``server:`` mapping: its defaults, and one exact problem for each mistake."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from engine.server import Secret, ServerSettings, connect

SOAP: dict[str, Any] = {"protocol": "soap", "url": "http://till.example"}
REST: dict[str, Any] = {"protocol": "rest", "url": "https://till.example:8080"}
LOGIN = {"login": "till01", "password": "${env:PW}"}


def settings(base: dict[str, Any], **more: Any) -> ServerSettings:
    return ServerSettings.model_validate({**base, **more})


def problems(base: dict[str, Any], **more: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        settings(base, **more)
    assert "hunter2" not in str(caught.value)
    return [
        f"{'.'.join(str(step) for step in error['loc'])}: {error['msg']}"
        for error in caught.value.errors()
    ]


def test_protocol_and_address_are_enough() -> None:
    made = settings(SOAP)
    assert made.endpoint == "http://till.example/WebServiceDiva/WebServiceDiva.asmx"
    assert (made.compression, made.deduplicates, made.settle) == ("none", True, 120.0)
    assert made.actions.ping.action == "PING"
    assert made.actions.ping.success.field is None
    assert made.actions.send_tickets.success.field == "resultcode"


def test_the_addresses_of_rest_follow_from_the_host() -> None:
    made = settings(REST, auth={"body": LOGIN})
    base = "https://till.example:8080/DhsDivaltoServiceDivaApiRest/api/v1"
    assert made.endpoint == f"{base}/WebService/Execute"
    assert made.token_endpoint == f"{base}/Authent/Auth"
    assert made.auth is not None
    assert made.auth.lifetime == 2700
    assert made.auth.body == {"login": "till01", "password": Secret("${env:PW}")}


def test_an_address_with_a_path_is_taken_as_it_is() -> None:
    made = settings(SOAP, url="http://till.example/WebServiceDiva.asmx")
    assert made.endpoint == "http://till.example/WebServiceDiva.asmx"


def test_an_action_that_is_only_renamed_keeps_its_other_defaults() -> None:
    made = settings(SOAP, actions={"ping": {"action": "SONDE"}})
    assert made.actions.ping.parameters["ACTION"] == "{action}"
    assert made.actions.send_tickets.action == "TICKETS"


def test_each_action_that_a_server_may_lack_can_be_left_empty() -> None:
    """The port then says so, and nothing is called."""
    optional = {
        "ticket_status": "tells_ticket_status",
        "poll_messages": "tells_messages",
        "acknowledge_messages": "takes_acknowledgements",
        "fetch_offers": "tells_offers",
        "count_tickets": "counts_tickets",
    }
    whole = connect(settings(SOAP), "0042")
    for action, told in optional.items():
        assert getattr(whole, told) is True
        without = connect(settings(SOAP, actions={action: None}), "0042")
        assert {name for name in optional.values() if not getattr(without, name)} == {told}
        without.close()
    whole.close()


def test_a_configuration_is_asked_for_only_where_the_server_is_said_to_have_it() -> None:
    """By default it is not; an empty mapping is the usual action."""
    assert connect(settings(SOAP), "0042").tells_configuration is False
    made = settings(SOAP, actions={"fetch_configuration": {}})
    assert connect(made, "0042").tells_configuration is True
    assert made.actions.fetch_configuration is not None
    assert made.actions.fetch_configuration.action == "CONFIG"


def test_durations_are_written_as_everywhere() -> None:
    made = settings(REST, settle="90s", auth={"body": LOGIN, "lifetime": "1h30"})
    assert made.settle == 90
    assert made.auth is not None
    assert made.auth.lifetime == 5400


@pytest.mark.parametrize(
    ("base", "more", "words"),
    [
        (SOAP, {"prtocol": "x"}, "prtocol: Extra inputs are not permitted"),
        (SOAP, {"protocol": "ftp"}, "'soap' or 'rest'"),
        (SOAP, {"url": "till.example"}, "starts with http:// or https://"),
        (SOAP, {"url": "http://"}, "names a host"),
        (SOAP, {"url": "http://x:99999/"}, "not an address"),
        (SOAP, {"url": "http://x/a b"}, "no blanks"),
        (SOAP, {"url": "http://x/a.asmx?WSDL"}, "leave out '?'"),
        (SOAP, {"url": "http://u:hunter2@x/"}, "holds no user and password"),
        (SOAP, {"settle": 120}, "written with its unit"),
        (SOAP, {"settle": "soon"}, "'soon' is not a duration"),
        (SOAP, {"compression": "brotli"}, "'none' or 'gzip'"),
        (SOAP, {"auth": {"user": "u", "password": "hunter2"}}, "never written in the file"),
        (SOAP, {"auth": {"user": "u"}}, "needs both user and password"),
        (SOAP, {"auth": {"body": LOGIN}}, "belong to rest"),
        (REST, {"auth": {"user": "u", "password": "${env:PW}"}}, "belong to soap"),
        (REST, {"auth": {}}, "needs a body"),
        (REST, {"auth": {"body": {"login": "a", "password": "hunter2"}}}, "'password' is taken"),
        (REST, {"auth": {"body": {"apikey": "hunter2"}}}, "'apikey' is taken for secret"),
        (
            REST,
            {"auth": {"body": {"pin": "hunter2", "login": "a", "key": 7}}},
            "'pin' and 'key' are taken for secret",
        ),
        (REST, {"auth": {"body": ["login"]}}, "valid dictionary"),
        (SOAP, {"settle": "${env:X}"}, "is not a duration"),
        (REST, {"url": "http://x/own", "auth": {"body": LOGIN}}, "auth.url is needed"),
        (SOAP, {"deduplicates": False, "actions": {"ticket_status": None}}, "neither"),
    ],
)
def test_a_mistake_has_its_own_sentence(
    base: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    found = problems(base, **more)
    assert any(words in one for one in found), found


@pytest.mark.parametrize(
    ("action", "change", "words"),
    [
        (
            "ping",
            {"parameters": {"SHOP": "{shp}"}},
            "unknown placeholder {shp}. Did you mean 'shop'?",
        ),
        ("ping", {"parameters": {"T": "{tickets}"}}, "unknown placeholder {tickets}"),
        ("ping", {"parameters": {"T": "{shop.x}"}}, "unknown placeholder {shop.x}"),
        ("ping", {"parameters": {"T": "{}"}}, "unknown placeholder {}"),
        ("ping", {"parameters": {"T": "{shop!r}"}}, "takes nothing but a name"),
        ("ping", {"parameters": {"T": "{shop:>9}"}}, "takes nothing but a name"),
        ("ping", {"parameters": {"T": "{shop"}}, "do not pair up"),
        ("ping", {"parameters": {"PWD": "hunter2"}}, "'PWD' is taken for secret"),
        ("ping", {"parameters": {"PWD": "{shop"}}, "'PWD' is taken for secret"),
        ("ping", {"parameters": {"X": "a${env:PW}"}}, "is the whole value"),
        ("ping", {"parameters": {"X": 1.5}}, "valid string"),
        ("ping", {"parameters": {"A<B": "x"}}, "cannot be a parameter's name"),
        ("ping", {"parameters": {"T": "a\x00"}}, "a control character"),
        ("ping", {"success": {"field": "code"}}, "has no fields"),
        ("ping", {"action": ""}, "at least 1 character"),
        ("send_tickets", {"parameters": {"T": "{tickets}"}}, "no parameter holds {batch}"),
        ("send_tickets", {"parameters": {"T": "{batch}"}}, "no parameter holds {tickets}"),
        ("send_tickets", {"reply": "text", "success": {"field": None}}, "name each ticket"),
        ("ticket_status", {"parameters": {"T": "{till}"}}, "no parameter holds {keys}"),
        ("poll_messages", {"parameters": {"T": "{ids}"}}, "unknown placeholder {ids}"),
        ("poll_messages", {"reply": "text", "success": {"field": None}}, "has fields to read"),
        ("acknowledge_messages", {"parameters": {"T": "{till}"}}, "no parameter holds {ids}"),
        ("fetch_offers", {"parameters": {"T": "{till}"}}, "no parameter holds {customer}"),
        ("count_tickets", {"parameters": {"T": "{first}"}}, "no parameter holds {last}"),
    ],
)
def test_a_mistake_in_an_action_has_its_own_sentence(
    action: str, change: dict[str, Any], words: str
) -> None:
    found = problems(SOAP, actions={action: change})
    assert any(words in one for one in found), found


def test_the_schema_describes_every_key() -> None:
    schema = ServerSettings.model_json_schema()
    bare = [
        f"{name}.{key}"
        for name, part in {"server": schema, **schema["$defs"]}.items()
        for key, value in part["properties"].items()
        if not value.get("description")
        and not schema["$defs"][value["$ref"].rpartition("/")[2]]["description"]
    ]
    assert bare == []
    assert "${" in json.dumps(schema["$defs"]["Auth"])


def test_settings_never_show_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "hunter2")
    made = settings(REST, auth={"body": LOGIN})
    server = connect(made, "0042")
    shown = f"{made!r} {made} {server!r} {made.model_dump()} {made.model_dump_json()}"
    assert "hunter2" not in shown
    server.close()


def test_the_package_is_cheap_to_import() -> None:
    """The HTTP stack is loaded when a server is connected to, not before."""
    import subprocess
    import sys

    code = "import sys, engine.server; print('requests' in sys.modules, 'ssl' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
