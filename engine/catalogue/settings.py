"""The ``catalogue:`` mapping of till.yaml: which datasets there are and where they are kept."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from engine.catalogue.tables import Table
from engine.database_settings import Database, SchemaName
from engine.definition.model import Part
from engine.definition.reader import Document
from engine.problems import Problem, Refused


class CatalogueSettings(Part):
    """What is loaded from the central server and where it is kept."""

    datasets: str = Field(
        min_length=1,
        description="The file that declares the datasets, relative to till.yaml.",
        examples=["datasets.yaml"],
    )
    path: str = Field(
        "catalogue.db",
        min_length=1,
        description="The file of the catalogue, which the till program reads, relative to "
        "till.yaml. It is made when there is none. Where the database is on SQL Server, the "
        "catalogue is there too, and this is not used.",
    )
    schema_name: SchemaName = Field(
        "tillwire_catalogue",
        alias="schema",
        description="sqlserver: the schema that holds the catalogue's tables and nothing else, in "
        "the same database. It is made when there is none.",
    )
    downloads: str = Field(
        "downloads",
        min_length=1,
        description="The folder for files on their way from the server, relative to till.yaml.",
    )


def tables_of(settings: CatalogueSettings, folder: Path) -> tuple[Table, ...]:
    """The tables that are declared. Raises :class:`Refused` with every problem of the file."""
    from engine.catalogue.datasets import load_datasets

    return load_datasets(folder / settings.datasets)


def unfit_catalogue(
    settings: CatalogueSettings, folder: Path, database: Database, document: Document, ftp: bool
) -> Iterator[Problem]:
    """What is wrong with it. ``database`` is the till's own; ``ftp`` says whether an FTP server is
    named."""
    if not ftp:
        yield document.problem(
            "no-ftp",
            ("catalogue",),
            "A catalogue is loaded from an FTP server, and none is named.",
            "Name it under server.ftp, or leave 'catalogue' out.",
        )
    yield from _same_place(settings, folder, database, document)
    file = folder / settings.datasets
    if not file.is_file():
        yield document.problem(
            "no-file",
            ("catalogue", "datasets"),
            f"There is no file '{file}'.",
            "It declares the datasets; docs/catalogue.md says how.",
        )
        return
    try:
        tables_of(settings, folder)
    except Refused as refused:
        yield from refused.problems


def _same_place(
    settings: CatalogueSettings, folder: Path, database: Database, document: Document
) -> Iterator[Problem]:
    if database.kind == "sqlserver":
        if settings.schema_name.lower() == database.schema_name.lower():
            yield document.problem(
                "same-schema",
                ("catalogue", "schema"),
                "The catalogue and the tickets cannot be in one schema: tables of both may have "
                "the same name.",
                "Give catalogue.schema a name of its own, such as tillwire_catalogue.",
            )
    elif (folder / settings.path).resolve() == (folder / database.path).resolve():
        yield document.problem(
            "same-file",
            ("catalogue", "path"),
            "The catalogue and the tickets cannot be in one file: a load would hold tickets up.",
            "Give catalogue.path a name of its own, such as catalogue.db.",
        )
