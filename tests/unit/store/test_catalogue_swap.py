"""What a swap on SQL Server says and in which order, without a server."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from engine.catalogue.manifest import Unusable
from engine.store.catalogue_odbc import CatalogueDatabase
from engine.store.catalogue_sqlserver_load import ATTEMPTS, SqlServerLoad
from engine.store.catalogue_tsql import Statements
from engine.store.errors import Busy, KeyTwice, StoreError, Undone
from tests.unit.store.catalogue_backends import ARTICLES, OFFERS, TEA, ignore


class Scripted:
    """A database that writes down what it is told, and answers as a test wants."""

    where = "TPV on CAISSE01"

    def __init__(self, *, versions_for_readers: bool = True) -> None:
        self.said: list[str] = []
        self.sent: list[str] = []
        self.rows: list[Any] = []
        self.reads_escapes = True
        self.number = 0
        self.there = {"articles", "offers"}
        self.versions_for_readers = versions_for_readers
        self.raises: Callable[[str], Exception | None] = lambda _: None
        self.unchanged: set[str] = set()

    def _say(self, statement: str) -> None:
        fault = self.raises(statement)
        if fault is not None:
            raise fault
        self.said.append(statement)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._say("BEGIN")
        yield
        self._say("COMMIT")

    def hold(self) -> None:
        """It never breaks."""

    def ask(self, statement: str) -> list[Any]:
        self._say(statement)
        return [(0,)]

    def build(self, statement: str, look: Callable[[], None]) -> list[Any]:
        look()
        return self.ask(statement)

    def change(self, statement: str, *parameters: Any) -> int:
        self._say(statement)
        self.sent += parameters
        return 3

    def change_many(self, statement: str, rows: list[Any]) -> None:
        self._say(statement)
        self.rows += rows

    def row(self, _: str, text: str) -> tuple[str]:
        """What the server reads in a text of JSON."""
        return (json.loads(text)[0][0] if self.reads_escapes else "",)

    def run(self, name: str, *parameters: Any) -> int:
        self._say(f"{name} {parameters}")
        return 0 if name in self.unchanged else 1

    def only_row(self, name: str, *parameters: Any) -> tuple[Any, ...]:
        if name == "next_number":
            self.number += 1
            return (self.number,)
        if name == "reads_versions":
            return (self.versions_for_readers,)
        return (parameters[0] in self.there,)


def load_into(database: Scripted) -> SqlServerLoad:
    """A load beside two tables of version 5 with 10 rows each."""
    recorded = {"articles": (5, 10), "offers": (5, 10)}
    have = {"articles": 5, "offers": 5}
    tables = {"articles": ARTICLES, "offers": OFFERS}
    return SqlServerLoad(
        cast("CatalogueDatabase", database), Statements("shop"), tables, have, recorded, 7.0
    )


def changed(database: Scripted) -> SqlServerLoad:
    """A load that has changes of both tables staged."""
    load = load_into(database)
    load.changes(ARTICLES, 5, 6, [[("upsert", *TEA)]], ignore)
    load.changes(OFFERS, 5, 6, [[("upsert", 1, "tea")]], ignore)
    database.said.clear()
    return load


def words(database: Scripted) -> list[str]:
    """What was said, in short."""
    return [" ".join(said.split("(")[0].split()[:2]) for said in database.said]


def renames(database: Scripted) -> list[str]:
    """The renames: from -> to."""
    said = [each.split("N'") for each in database.said if "sp_rename" in each]
    return [
        f"{each[1].split('[')[2][:-3].strip(']')} -> {each[2].split(chr(39))[0]}" for each in said
    ]


def test_changes_are_made_in_the_live_tables_where_readers_see_what_was_committed() -> None:
    """The number of rows is what there was, and what came and went."""
    database = Scripted()
    changed(database).swap()

    each = ["DELETE live", "UPDATE live", "INSERT INTO", "loaded_again"]
    assert words(database) == ["BEGIN", *each, "DELETE live", "INSERT INTO", each[3], "COMMIT"]
    assert f"loaded_again ('{ARTICLES.shape}', 6, 7.0, 10, 'articles', 5)" in database.said


def test_elsewhere_nobody_finds_a_table_while_it_changes() -> None:
    """All of them are out of reach before the first changes; nothing is said of hints."""
    database = Scripted(versions_for_readers=False)
    changed(database).swap()

    assert renames(database) == [
        "articles -> tillwire_new_3",
        "offers -> tillwire_new_4",
        "tillwire_new_3 -> articles",
        "tillwire_new_4 -> offers",
    ]
    first = next(at for at, said in enumerate(database.said) if said.startswith("DELETE"))
    assert sum("sp_rename" in said for said in database.said[:first]) == 2
    assert not [said for said in database.said if "[articles]" in said and "sp_rename" not in said]


def test_a_whole_table_takes_the_place_of_the_old_one() -> None:
    """A table that was not there before is renamed only once."""
    database = Scripted()
    database.there = {"articles"}
    load = load_into(database)
    load.full(ARTICLES, 8, [[TEA]], ignore)
    load.full(OFFERS, 8, [[(1, "tea")]], ignore)
    database.said.clear()
    load.swap()

    assert renames(database) == [
        "articles -> tillwire_old_3",
        "tillwire_new_1 -> articles",
        "tillwire_new_2 -> offers",
    ]
    assert load.staged == frozenset()


@pytest.mark.parametrize("fault", [Busy("a reader"), Undone("a deadlock")])
def test_a_swap_that_others_stand_in_the_way_of_is_tried_again(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pauses, in which nobody waits for it; in the end it is given up."""
    pauses: list[float] = []
    monkeypatch.setattr("engine.store.catalogue_sqlserver_load.sleep", pauses.append)
    database = Scripted()
    load = changed(database)
    faults = [fault, fault]
    database.raises = lambda said: faults.pop() if said.startswith("UPDATE") and faults else None
    load.swap()
    assert len(pauses) == 2
    assert words(database).count("COMMIT") == 1

    load = changed(database)
    database.raises = lambda said: fault if said.startswith("UPDATE") else None
    with pytest.raises(type(fault)):
        load.swap()
    assert len(pauses) == 2 + ATTEMPTS - 1


def test_another_fault_ends_a_swap_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would fail again is not tried again."""
    pauses: list[float] = []
    monkeypatch.setattr("engine.store.catalogue_sqlserver_load.sleep", pauses.append)
    database = Scripted()
    load = changed(database)
    database.raises = lambda said: StoreError("no") if said.startswith("UPDATE") else None
    with pytest.raises(StoreError, match="no"):
        load.swap()
    assert pauses == []
    with pytest.raises(RuntimeError, match="failed"):
        load.swap()


def test_a_version_that_somebody_else_changed_ends_a_swap() -> None:
    """The condition is in the update itself."""
    database = Scripted()
    database.unchanged = {"loaded_again"}
    with pytest.raises(StoreError, match="'articles' was changed by another program"):
        changed(database).swap()
    assert "COMMIT" not in database.said


def test_a_table_that_no_load_has_made_is_not_replaced() -> None:
    """Somebody else's would be renamed, and swept away."""
    database = Scripted()
    load = load_into(database)
    load._recorded = {}
    load.full(ARTICLES, 8, [[TEA]], ignore)
    with pytest.raises(StoreError, match=r"a table 'articles' .* that no load has made"):
        load.swap()
    assert renames(database) == []


def test_a_key_that_only_the_collation_takes_for_another_is_told() -> None:
    """It cannot be kept in this database."""
    database = Scripted()
    load = changed(database)
    database.raises = lambda said: KeyTwice("2627") if said.startswith("INSERT") else None
    with pytest.raises(Unusable, match="'articles' bring a key that the collation"):
        load.swap()


def test_a_rename_that_only_says_that_it_failed_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """sp_rename answers with a number."""
    database = Scripted()
    load = load_into(database)
    load.full(ARTICLES, 8, [[TEA]], ignore)
    monkeypatch.setattr(database, "ask", lambda _: [(1,)])
    with pytest.raises(StoreError, match="did not rename articles"):
        load.swap()


def test_rows_go_in_parts_that_are_counted_on() -> None:
    """However large the groups are that they come in."""
    database = Scripted()
    seen: list[int] = []
    rows = [[(number, "tea") for number in range(4500)], [(5000, "tea")]]
    load_into(database).full(OFFERS, 8, rows, seen.append)

    assert seen[:4] == [2000, 4000, 4500, 4501]
    assert [text[:10] for text in database.sent] == [
        '[[1,0,"tea',
        "[[2001,200",
        "[[4001,400",
        "[[4501,500",
    ]


@pytest.mark.parametrize("reads", [True, False])
def test_a_server_that_does_not_read_escapes_gets_such_rows_one_by_one(reads: bool) -> None:
    """Whether it reads them is found out where the first one comes."""
    database = Scripted()
    database.reads_escapes = reads
    rows = [[(1, "tea"), (2, 'a "b"'), (3, "a\tb"), (4, "é😀")]]
    load_into(database).full(OFFERS, 8, rows, ignore)

    sent = [row for text in database.sent for row in json.loads(text)]
    assert sorted([*sent, *map(list, database.rows)]) == [
        [at, *row] for at, row in enumerate(rows[0], 1)
    ]
    assert [row[0] for row in database.rows] == ([] if reads else [2, 3])
