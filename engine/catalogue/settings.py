"""The ``catalogue:`` mapping of till.yaml: which datasets there are and where they are kept."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from engine.catalogue.tables import Table
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
    settings: CatalogueSettings, folder: Path, tickets: Path | None, document: Document, ftp: bool
) -> Iterator[Problem]:
    """What is wrong with it. ``tickets`` is the file of the till's own database, None where it is
    no file; ``ftp`` says whether an FTP server is named."""
    if not ftp:
        yield document.problem(
            "no-ftp",
            ("catalogue",),
            "A catalogue is loaded from an FTP server, and none is named.",
            "Name it under server.ftp, or leave 'catalogue' out.",
        )
    if tickets is not None and (folder / settings.path).resolve() == tickets.resolve():
        yield document.problem(
            "same-file",
            ("catalogue", "path"),
            "The catalogue and the tickets cannot be in one file: a load would hold tickets up.",
            "Give catalogue.path a name of its own, such as catalogue.db.",
        )
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
