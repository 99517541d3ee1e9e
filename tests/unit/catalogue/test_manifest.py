"""What the server offers: manifest, answer, and which of it is loaded."""

import json
from typing import Any

import pytest

from engine.catalogue.manifest import (
    FORMAT,
    Export,
    Gap,
    Unusable,
    choose,
    read_manifest,
    read_offer,
)
from engine.catalogue.tables import ColumnKind, Table, TableColumn

CODE = TableColumn("code", ColumnKind.TEXT, required=True, length=20)
ARTICLES = Table("articles", (CODE,), ("code",))
PRICES = Table("prices", (CODE,), ("code",))
TABLES = (ARTICLES, PRICES)
DIGEST = "ab" * 32


def entry(dataset: str = "articles", **said: Any) -> dict[str, Any]:
    """The entry of a full export of version 5; None leaves a key out."""
    whole = {
        "dataset": dataset,
        "kind": "full",
        "version_from": None,
        "version_to": 5,
        "file": f"{dataset}-5.zip",
        "size": 1000,
        "rows": 10,
        "sha256": DIGEST,
        **said,
    }
    return {key: value for key, value in whole.items() if value is not None}


def changes(before: int, after: int, dataset: str = "articles") -> Export:
    """An export of changes."""
    file = f"{dataset}-{before}-{after}.zip"
    return Export(dataset, "changes", before, after, file, 100, 1, DIGEST)


def full(version: int, dataset: str = "articles") -> Export:
    """A full export."""
    return Export(dataset, "full", None, version, f"{dataset}-{version}.zip", 100, 1, DIGEST)


def manifest(*entries: Any, **said: Any) -> bytes:
    """The text of a manifest."""
    return json.dumps({"format": FORMAT, "exports": [*entries], **said}).encode()


def refused(text: bytes) -> str:
    """Why a manifest is refused."""
    with pytest.raises(Unusable) as raised:
        read_manifest(text, TABLES)
    return str(raised.value)


def test_a_manifest_lists_exports() -> None:
    """A byte order mark, capitals in a digest, and when it was made do no harm."""
    second = entry("prices", kind="changes", version_from=5, version_to=7, file="p.zip")
    text = manifest(entry(sha256=DIGEST.upper()), second, made="2026-11-24T10:00:00Z")

    assert read_manifest(b"\xef\xbb\xbf" + text, TABLES) == (
        Export("articles", "full", None, 5, "articles-5.zip", 1000, 10, DIGEST),
        Export("prices", "changes", 5, 7, "p.zip", 1000, 10, DIGEST),
    )


def test_an_answer_lists_them_in_the_same_way() -> None:
    """Its faults are those of the server's list."""
    assert read_offer([entry()], TABLES) == read_manifest(manifest(entry()), TABLES)
    with pytest.raises(Unusable, match=r"^the server's list of exports, export 1 "):
        read_offer([entry(rows="10")], TABLES)


def test_datasets_that_are_not_declared_here_are_left_out() -> None:
    """Whatever else their entries say: a server serves tills of all kinds."""
    assert read_manifest(manifest({"dataset": "recipes", "weight": 7}, entry()), TABLES) == (
        read_manifest(manifest(entry()), TABLES)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "manifest.json is empty."),
        (b" <html>", "manifest.json is no JSON: it begins with '<', as a web page does."),
        (b'{"a": \xe9}', "manifest.json, line 1: the byte 0xe9 is not UTF-8."),
        (b"[]", "manifest.json is no JSON object with 'format' and 'exports'."),
        (b"[" * 100_000, "manifest.json is no manifest: it nests too deeply."),
        (b'{"a": NaN}', "manifest.json: NaN is no number."),
        (
            b'{"a": ' + b"9" * 5000 + b"}",
            "manifest.json holds a number of more digits than can be meant.",
        ),
        (
            b'{"a": 1, "b": {"c": 1, "c": 2}}',
            "manifest.json: the key 'c' stands twice in one object.",
        ),
        (
            b'{"format": 1,\n"exports": [',
            "manifest.json, line 2, column 13: this is no JSON, or was cut: expecting value.",
        ),
        (
            b'{"exports": []}',
            "manifest.json: 'format' is 'tillwire-exports/1', and it is missing.",
        ),
        (
            manifest(format="tillwire-exports/2"),
            "manifest.json: 'format' is 'tillwire-exports/1', not 'tillwire-exports/2'.",
        ),
        (manifest(made=7), "manifest.json: 'made' is a text, not 7."),
        (manifest(exports={}), "manifest.json: 'exports' is missing, or is no list."),
        (manifest(sorted=True), "manifest.json: there is no key 'sorted' in a manifest."),
        (b" " * 5_000_000, "manifest.json has more than 4 MiB."),
        (
            manifest(*[entry()] * 10_001),
            "manifest.json: there are 10001 exports; at most 10000.",
        ),
        (manifest("x"), "manifest.json, export 1: an export is an object, not 'x'."),
        (manifest([]), "manifest.json, export 1: an export is an object, not an object or a list."),
        (manifest({}), "manifest.json, export 1: 'dataset' is missing, or is no text."),
        (
            manifest(entry(), entry(file="other.zip")),
            "manifest.json, export 2 (articles): export 1 has the same too.",
        ),
        (
            manifest(entry(), entry("prices", file="ARTICLES-5.zip")),
            "manifest.json, export 2 (prices): export 1 has the file 'ARTICLES-5.zip' too.",
        ),
    ],
)
def test_a_bad_manifest_is_told(text: bytes, said: str) -> None:
    """One fault, one exact sentence."""
    assert refused(text) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": None}, "'rows' is missing."),
        ({"size": None}, "'size' is missing."),
        (
            {"version_form": 1},
            "there is no key 'version_form'. Did you mean 'version_from'?",
        ),
        ({"kind": "partial"}, "'kind' is full or changes, not 'partial'."),
        ({"kind": False}, "'kind' is full or changes, not false."),
        ({"sha256": "ab"}, "'sha256' is no SHA-256 of 64 hex digits."),
        ({"sha256": 7}, "'sha256' is no SHA-256 of 64 hex digits."),
        ({"rows": -1}, "'rows' is a whole number from 0 to 1000000000, not -1."),
        ({"rows": True}, "'rows' is a whole number from 0 to 1000000000, not true."),
        ({"size": 0}, "'size' is a whole number from 1 to 2147483648, not 0."),
        ({"size": 1.5}, "'size' is a whole number from 1 to 2147483648, not 1.5."),
        ({"version_from": 3}, "a full export has no 'version_from'."),
        (
            {"kind": "changes"},
            "'version_from' is a whole number from 0 to 9223372036854775807, not nothing.",
        ),
        (
            {"kind": "changes", "version_from": 5},
            "changes lead to a later version, not from 5 to 5.",
        ),
    ],
)
def test_a_bad_entry_is_told(change: dict[str, Any], said: str) -> None:
    """With the number of the export and its dataset."""
    assert refused(manifest(entry(), entry("prices", **change))) == (
        f"manifest.json, export 2 (prices): {said}"
    )


@pytest.mark.parametrize(
    "name",
    [
        *[
            "../a.zip",
            "/a.zip",
            "a/b.zip",
            "a\\b.zip",
            "C:a.zip",
            "..",
            ".a",
            "a.",
            "",
            "a b",
            "é.zip",
        ],
        *["nul.zip", "COM1", "a.part", "a\n.zip", "a" * 121],
    ],
)
def test_a_file_has_a_plain_name(name: str) -> None:
    """On every system, so that it leads nowhere else."""
    hint = "letters, digits, '.', '_' and '-', and no path"
    said = refused(manifest(entry(file=name)))
    assert said.startswith("manifest.json, export 1 (articles): '")
    assert said.endswith(f"' is no name of a file: {hint}.")


def test_a_full_load_takes_the_newest_of_every_table() -> None:
    """In the order of the tables, whatever the till has."""
    offered = [full(5, "prices"), full(3), full(4), changes(4, 9), full(4, "prices")]
    assert choose(offered, "full", {"articles": 9}, TABLES) == (full(4), full(5, "prices"))


def test_a_full_load_needs_every_table() -> None:
    """A table that the server does not offer in full stops it."""
    with pytest.raises(Unusable, match=r"^The server offers no full export of 'prices'\.$"):
        choose([full(3), changes(1, 2, "prices")], "full", {}, TABLES)


@pytest.mark.parametrize(
    ("offered", "have", "chain"),
    [
        ([full(5)], 5, []),
        ([], 5, []),
        ([full(7), changes(4, 5), changes(6, 7), changes(5, 6)], 5, [(5, 6), (6, 7)]),
        ([changes(5, 6), changes(6, 7), changes(5, 7), full(7)], 5, [(5, 7)]),
        ([changes(5, 9), changes(5, 8), changes(8, 12)], 5, [(5, 8), (8, 12)]),
        ([changes(0, 3)], 0, [(0, 3)]),
    ],
)
def test_changes_are_a_chain_from_what_the_till_has(
    offered: list[Export], have: int, chain: list[tuple[int, int]]
) -> None:
    """The fewest that lead to the newest; none when there is nothing newer."""
    chosen = choose(offered, "changes", {"articles": have}, [ARTICLES])
    assert [(each.version_from, each.version_to) for each in chosen] == chain


@pytest.mark.parametrize(
    ("offered", "have", "said"),
    [
        ([full(5)], None, "'articles' was never loaded here."),
        (
            [full(7), changes(6, 7)],
            5,
            "'articles': the till has version 5, the newest is 7, and no changes begin there.",
        ),
        (
            [full(9), changes(5, 6), changes(7, 9)],
            5,
            "'articles': the till has version 5, the newest is 9, and changes lead to 6 only.",
        ),
        (
            [full(3), changes(2, 3)],
            5,
            "'articles': the till has version 5, the server's newest is 3.",
        ),
        (
            [full(7), changes(4, 7)],
            5,
            "'articles': the till has version 5, the newest is 7, and no changes begin there.",
        ),
    ],
)
def test_a_gap_asks_for_a_full_load(offered: list[Export], have: int | None, said: str) -> None:
    """Changes that overlap do not join on either: rows that came and went are not in them."""
    with pytest.raises(Gap) as raised:
        choose(offered, "changes", {"articles": have}, [ARTICLES])
    assert str(raised.value) == f"{said} A full load is needed."
