"""A catalogue for an agent: two tables, and files that come from memory."""

from pathlib import Path

from engine.agent.loads import CatalogueParts
from engine.store.catalogue_sqlite import SqliteCatalogue
from tests.unit.effects.catalogue_bench import ARTICLES, ROWS, STAFF, Files

TABLES = (ARTICLES, STAFF)


def published(version: int = 1) -> Files:
    """Both tables, in full."""
    files = Files()
    files.publish("articles", ["code", "price"], ROWS, version_to=version)
    files.publish("staff", ["number"], [["1"], ["2"]], version_to=version)
    return files


def catalogue(folder: Path, files: Files | None = None) -> CatalogueParts:
    """The parts of a catalogue in ``folder``."""
    return CatalogueParts(
        TABLES,
        lambda: SqliteCatalogue.open(folder / "catalogue.db", TABLES),
        files or published(),
        folder / "downloads",
    )
