"""A configuration that a server offers: what is taken, and what each refusal says."""

import base64
import hashlib
import json
from typing import Any

import pytest

from engine.server.configuration import Manifest, read_manifest, told
from engine.server.port import Configuration
from engine.server.program import Said, Unfit

RAW = "shop: '0042'\r\n# é\n".encode()
DIGEST = hashlib.sha256(RAW).hexdigest()
FILE: dict[str, Any] = {"name": "shop.yaml", "size": len(RAW), "sha256": DIGEST}
TOLD: dict[str, Any] = {"shop": "0042", "tills": ["01", "02"], **FILE, "text": RAW.decode()}


def manifest(*files: Any, **otherwise: Any) -> Manifest:
    whole = {"shop": "0042", "tills": ["01", "02", "03"], "files": list(files), **otherwise}
    return read_manifest(json.dumps(whole).encode())


def test_a_reply_brings_the_bytes_as_text_or_as_base64() -> None:
    """Both give the very same bytes; HMP has numbers and lists as texts."""
    expected = Configuration("shop.yaml", RAW, "0042", ("01", "02"))
    assert told(Said("", TOLD)) == expected
    encoded = {**TOLD, "text": None, "base64": base64.b64encode(RAW).decode()}
    assert told(Said("", encoded)) == expected
    flat = {**TOLD, "size": str(len(RAW)), "tills": '["01", "02"]', "sha256": DIGEST.upper()}
    assert told(Said("", flat)) == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": RAW.decode()[:-1]}, "shop.yaml has 18 bytes where 19 were told"),
        (
            {"text": RAW.decode().replace("é", "è")},
            "shop.yaml is not what was offered: its SHA-256 is",
        ),
        ({"sha256": "0" * 63}, "the 'sha256' of shop.yaml is no SHA-256 in hex"),
        ({"size": -1}, "the 'size' of shop.yaml is no whole number of 0 or more"),
        ({"size": True}, "the 'size' of shop.yaml is no whole number of 0 or more"),
        ({"size": 2**20 + 1}, "shop.yaml has 1048577 bytes; a configuration has at most 1024 KiB"),
        ({"name": "../till.yaml"}, "a file's 'name' is a plain name of letters, digits"),
        ({"name": None}, "a file's 'name' is a plain name of letters, digits"),
        ({"tills": {"01": 1}}, "its 'tills' is no list of at most 10000 till numbers"),
        ({"tills": [1]}, "its 'tills' holds a till number that is no text"),
        ({"tills": ["0\n1"]}, "its 'tills' holds a till number that is no text"),
        ({"shop": 42}, "its 'shop' is no text"),
        ({"text": None}, "it has the file neither as 'text' nor as 'base64', or as both"),
        ({"base64": "AA=="}, "it has the file neither as 'text' nor as 'base64', or as both"),
        ({"text": None, "base64": "é"}, "its 'base64' is no base64"),
    ],
)
def test_a_reply_that_does_not_fit_is_refused_with_a_sentence(
    change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(Unfit) as caught:
        told(Said("", {**TOLD, **change}))
    assert str(caught.value).startswith(sentence)


def test_a_manifest_tells_the_one_file_for_a_till() -> None:
    """A file without tills is for every till that the server knows."""
    whole = manifest({**FILE, "tills": ["01", "02"]}, {**FILE, "name": "03.yaml", "tills": ["03"]})
    assert (whole.shop, whole.tills) == ("0042", ("01", "02", "03"))
    assert whole.chosen(["03"]).name == "03.yaml"
    assert whole.chosen(["02", "01"]).name == "shop.yaml"
    assert manifest(FILE).chosen(["01", "03"]).name == "shop.yaml"


@pytest.mark.parametrize(
    ("files", "tills", "sentence"),
    [
        ([{**FILE, "tills": ["01"]}], ["02"], "it names no file for till 02"),
        ([{**FILE, "tills": ["01"]}], ["01", "02"], "it names no file for till 01 and 02"),
        (
            [FILE, {**FILE, "name": "02.yaml"}],
            ["02"],
            "it names 2 files for till 02: shop.yaml and 02.yaml",
        ),
    ],
)
def test_a_manifest_without_one_file_for_all_tills_is_refused(
    files: list[Any], tills: list[str], sentence: str
) -> None:
    with pytest.raises(Unfit) as caught:
        manifest(*files).chosen(tills)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"<html>", "it is not JSON, or it is cut short"),
        (b"[" * 100_000, "it is not JSON, or it is cut short"),
        (b"[]", "it is JSON and not an object"),
        (b'{"tills": [], "files": 1}', "its 'files' is no list of objects"),
        (b'{"tills": [], "files": [1]}', "its 'files' is no list of objects"),
        (b'{"tills": [], "files": []}', "its 'shop' is no text"),
    ],
)
def test_a_manifest_that_is_none_is_refused(raw: bytes, sentence: str) -> None:
    with pytest.raises(Unfit) as caught:
        read_manifest(raw)
    assert str(caught.value).startswith(sentence)


def test_a_manifest_names_a_bounded_number_of_files_and_each_once() -> None:
    with pytest.raises(Unfit, match=r"it names the file shop\.yaml twice"):
        manifest(FILE, FILE)
    with pytest.raises(Unfit, match="it names 10001 files; at most 10000 are read"):
        manifest(*({**FILE, "name": f"{n}.yaml"} for n in range(10_001)))
