"""The till's configuration over both wires, as the lab has it."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.lab import LabThread
from engine.lab.configurations import Configurations, TillFile
from engine.server import CallFailed, CallRejected, Configuration, Reason, ServerSettings, connect
from engine.server.port import Server

Pair = tuple[Server, Configurations]
RAW = "# Été\r\nshop: '0042'\n\ttext: a<b & c\n".encode()


def client(lab: LabThread, protocol: str, **action: Any) -> Server:
    url = lab.url_soap if protocol == "soap" else lab.url_rest
    settings: dict[str, Any] = {"protocol": protocol, "url": url}
    settings["actions"] = {"fetch_configuration": action}
    if protocol == "rest":
        settings["auth"] = {"body": {"login": "till", "password": "${env:LAB_PASSWORD}"}}
    return connect(ServerSettings.model_validate(settings), "0042")


@pytest.fixture(params=["soap", "rest"])
def pair(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("LAB_PASSWORD", "x")
    with LabThread() as lab:
        server = client(lab, request.param)
        yield server, lab.lab.configurations
        server.close()


def test_the_bytes_come_unchanged(pair: Pair) -> None:
    """Line ends, tabs and signs of XML in a text; what is no UTF-8 too."""
    server, configurations = pair
    configurations.put("0042", ["01", "02"], [TillFile("shop.yaml", RAW)])
    expected = Configuration("shop.yaml", RAW, "0042", ("01", "02"))
    assert server.fetch_configuration("01", 5) == expected
    configurations.put("0042", ["01"], [TillFile("01.yaml", b"\xff\x00", ("01",))])
    assert server.fetch_configuration("01", 5).raw == b"\xff\x00"


def test_a_till_without_a_file_is_refused(pair: Pair) -> None:
    """A refusal is an answer: the link is not lost."""
    server, configurations = pair
    configurations.put("0042", ["01"], [TillFile("01.yaml", RAW, ("01",))])
    with pytest.raises(CallRejected, match="There is no configuration for till 02"):
        server.fetch_configuration("02", 5)


def test_other_bytes_than_were_told_are_a_bad_reply(pair: Pair) -> None:
    server, configurations = pair
    configurations.put("0042", ["01"], [TillFile("01.yaml", RAW)])
    configurations.otherwise = {"sha256": "0" * 64}
    with pytest.raises(CallFailed, match="the reply to CONFIG cannot be used") as f:
        server.fetch_configuration("01", 5)
    assert f.value.reason is Reason.BAD_REPLY


def test_an_action_that_the_server_does_not_have_is_never_called() -> None:
    with LabThread() as lab:
        url = lab.url_soap
        made = ServerSettings.model_validate({"protocol": "soap", "url": url})
        server = connect(made, "0042")
        with pytest.raises(CallFailed, match="no action 'fetch_configuration'"):
            server.fetch_configuration("01", 5)
        assert lab.lab.calls["CONFIG"] == 0
        server.close()
