"""The ``server.ftp:`` mapping: its defaults, and one exact problem for each mistake."""

from typing import Any

import pytest
from pydantic import ValidationError

from engine.server import ServerSettings
from engine.server.ftp import FtpSource
from engine.server.ftp_settings import FtpSettings
from engine.server.secret import Secret


def problem(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        FtpSettings.model_validate({"host": "ftp.example", **given})
    assert "hunter2" not in str(caught.value)
    (error,) = caught.value.errors()
    return f"{'.'.join(str(step) for step in error['loc'])}: {error['msg']}"


def test_the_host_is_enough() -> None:
    """TLS is on unless it is given up in so many words."""
    made = FtpSettings.model_validate({"host": "ftp.example"})
    assert (made.port, made.user, made.password, made.tls) == (21, "anonymous", None, "explicit")
    assert (made.ca_file, made.folder, made.stall, made.connect_timeout) == (None, "/", 30.0, 30.0)


def test_a_server_needs_no_ftp() -> None:
    plain = {"protocol": "soap", "url": "http://till.example"}
    assert ServerSettings.model_validate(plain).ftp is None
    with_ftp = ServerSettings.model_validate({**plain, "ftp": {"host": "ftp.example"}})
    assert with_ftp.ftp == FtpSettings(host="ftp.example")


def test_everything_can_be_said() -> None:
    made = FtpSettings.model_validate(
        {
            "host": "10.0.0.7",
            "port": 2121,
            "user": "till 01",
            "password": "${file:ftp.password}",
            "tls": "none",
            "ca_file": "authority.pem",
            "folder": "exports/été",
            "connect_timeout": "5s",
            "stall": "1min30",
        }
    )
    assert made.password == Secret("${file:ftp.password}")
    assert (made.connect_timeout, made.stall) == (5.0, 90.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"password": "hunter2"}, "password: Value error, a secret is never written in the file"),
        ({"host": "ftp://ftp.example"}, "host: Value error, this is the name or the address of a"),
        ({"host": "ftp.example/exports"}, "host: Value error, this is the name or the address of"),
        ({"host": "till@ftp.example"}, "host: Value error, this is the name or the address of a"),
        ({"host": ""}, "host: Value error, this is the name or the address of a host alone"),
        ({"host": "ftp example"}, "host: Value error, a host holds no blanks"),
        ({"port": 0}, "port: Input should be greater than or equal to 1"),
        ({"port": 65536}, "port: Input should be less than or equal to 65535"),
        ({"tls": "implicit"}, "tls: Input should be 'explicit' or 'none'"),
        ({"folder": ""}, "folder: Value error, this cannot be empty or hold a line end"),
        ({"folder": "a\r\nDELE b"}, "folder: Value error, this cannot be empty or hold a line end"),
        ({"user": "a\nPASS b"}, "user: Value error, this cannot be empty or hold a line end"),
        ({"stall": 30}, "stall: Value error, a duration is written with its unit"),
        ({"stall": "0s"}, "stall: Input should be greater than or equal to 0.1"),
        ({"passive": True}, "passive: Extra inputs are not permitted"),
    ],
    ids=str,
)
def test_a_mistake_has_a_message(given: dict[str, Any], message: str) -> None:
    assert problem(**given).startswith(message)


@pytest.mark.parametrize(
    ("host", "where"), [("ftp.example", "ftp.example:2121"), ("::1", "[::1]:2121")]
)
def test_sentences_name_host_and_port(host: str, where: str, tmp_path: Any) -> None:
    assert FtpSource(FtpSettings(host=host, port=2121), tmp_path).where == where
