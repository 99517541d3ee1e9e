"""A secret is a reference: it is read when used and shown nowhere."""

import pickle
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from engine.server import Secret, SecretUnavailable


class Model(BaseModel):
    password: Secret


def test_a_plain_secret_is_refused_without_being_repeated() -> None:
    with pytest.raises(ValueError, match=r"\$\{env:NAME\}") as caught:
        Secret("hunter2")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ValidationError) as refused:
        Model.model_validate({"password": "hunter2"})
    error = refused.value.errors()[0]
    assert error["type"] == "value_error"
    assert "hunter2" not in error["msg"]


def test_a_secret_shows_stars_and_dumps_its_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PW", "hunter2")
    model = Model.model_validate({"password": "${env:PW}"})
    assert model.password.reveal() == "hunter2"
    assert str(model.password) == repr(model.password) == "***"
    assert f"{model!r} {model}" == "Model(password=***) password=***"
    assert model.model_dump() == {"password": "${env:PW}"}
    assert b"hunter2" not in pickle.dumps(model.password.reference)


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PW", raising=False)
    with pytest.raises(SecretUnavailable, match="variable PW is not set"):
        Secret("${env:PW}").reveal()


def test_a_file_is_read_at_each_use_without_its_last_line_end(tmp_path: Path) -> None:
    secret = Secret("${file:pw.txt}")
    for written, read in (
        (b"one\n", "one"),
        (b"two\r\n", "two"),
        (b"\xef\xbb\xbf th ree ", " th ree "),
    ):
        (tmp_path / "pw.txt").write_bytes(written)
        assert secret.reveal(tmp_path) == read


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(
    tmp_path: Path, written: bytes | None, words: str
) -> None:
    file = tmp_path / "pw"
    if written is not None:
        file.write_bytes(written)
    with pytest.raises(SecretUnavailable, match=words) as caught:
        Secret(f"${{file:{file}}}").reveal()
    assert str(file) in str(caught.value)


def test_secrets_are_compared_by_their_reference() -> None:
    assert Secret("${env:A}") == Secret("${env:A}")
    assert len({Secret("${env:A}"), Secret("${env:A}"), Secret("${file:A}")}) == 2
