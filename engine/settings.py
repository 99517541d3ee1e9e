"""till.yaml: who this till is, its server, its database.

Every path in the file is relative to the file itself. The database lies beside it by default:
the agent must find the same tickets whichever account starts it, which a folder of the
account's own could not promise.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self, get_args

from pydantic import BaseModel, BeforeValidator, Field, PrivateAttr, model_validator

from engine.api_settings import Api
from engine.catalogue.settings import CatalogueSettings, unfit_catalogue
from engine.database_settings import Database
from engine.definition.machine import Definition, load_machine
from engine.definition.model import Part, Scalar, as_tuple, one_of
from engine.definition.parameters import Overrides
from engine.definition.reader import Document, in_order, read_file
from engine.definition.salvage import Salvaged, salvage
from engine.definition.values import format_duration
from engine.definition.vocabulary import Vocabulary
from engine.log_settings import Log
from engine.problems import Problem, Refused
from engine.server.durations import Duration
from engine.server.secret import Secret, SecretUnavailable
from engine.server.settings import ServerSettings
from engine.shipped import shipped_machine
from engine.ticket_settings import Tickets

if TYPE_CHECKING:
    from engine.store.place import Place

_IS_DURATION = get_args(Duration)[1]

DEFAULT = "default"
"""What :class:`Effective` names as the origin of a value that no file sets."""

_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_ID_LENGTH = 64


def _check_id(raw: Any) -> Any:
    """An id goes into ticket keys, URLs and labels: text, and no sign that means anything there."""
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raise ValueError(
            "an id is a text, and this is a number, which would lose its leading zeros: "
            "write it in quotes, as in '0042'"
        )
    if not isinstance(raw, str):
        return raw
    if not raw:
        raise ValueError("an id cannot be empty")
    if len(raw) > _ID_LENGTH:
        raise ValueError(f"an id has at most {_ID_LENGTH} characters, this one has {len(raw)}")
    strange = sorted(set(raw) - _ID_CHARACTERS)
    if strange:
        raise ValueError(
            f"an id has letters a to z, digits, '-', '_' and '.' only; found {strange[0]!r}"
        )
    if raw.startswith("."):
        raise ValueError("an id cannot start with '.'")
    return raw


Id = Annotated[str, BeforeValidator(_check_id)]
"""The id of a shop or a till: 1 to 64 letters, digits, dashes, underscores and dots."""


class Settings(Part):
    """A till.yaml file."""

    model_config = one_of("till", "tills")

    shop: Id = Field(
        description="The shop's id at the server. In quotes when it is a number.", examples=["0042"]
    )
    till: Id | None = Field(
        None,
        description="The till's id in its shop, when this process looks after one till.",
        examples=["01"],
    )
    tills: Annotated[tuple[Id, ...], BeforeValidator(as_tuple)] = Field(
        (),
        description="The ids of the tills in their shop, when it looks after several.",
        examples=[["01", "02"]],
    )
    machine: str | None = Field(
        None,
        min_length=1,
        description="The machine file, relative to till.yaml. None: the connection machine that "
        "comes with the program.",
        examples=["connection.yaml"],
    )
    parameters: dict[str, Scalar | None] = Field(
        default_factory=dict,
        description="Values for the machine's parameters, in place of its own. An empty value "
        "means the machine's default.",
        examples=[{"ticket_sync_interval": "2min"}],
    )
    server: ServerSettings = Field(description="The central server and how to speak to it.")
    database: Database = Field(
        default_factory=Database, description="Where tickets are kept until the server has them."
    )
    catalogue: CatalogueSettings | None = Field(
        None,
        description="The catalogue: what is loaded from the central server. None: nothing is.",
    )
    tickets: Tickets = Field(
        default_factory=Tickets, description="Where tickets come from besides the API."
    )
    api: Api = Field(default_factory=Api, description="The local HTTP API.")
    log: Log = Field(default_factory=Log, description="The log lines.")
    workers: int = Field(
        4, ge=1, le=256, description="How many calls to the server may be under way at once."
    )

    _document: Document | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _some_tills(self) -> Self:
        if self.till is not None and self.tills:
            raise ValueError("give either 'till' or 'tills', not both")
        if self.till is not None:
            object.__setattr__(self, "tills", (self.till,))
        if not self.tills:
            raise ValueError("'till' is missing: the till's id, or 'tills' with a list of ids")
        source = self.tickets.source
        if source is not None and source.till is None and len(self.tills) > 1:
            raise ValueError("with several tills, tickets.source needs 'till': whose a ticket is")
        twice = sorted({till for till in self.tills if self.tills.count(till) > 1})
        if twice:
            raise ValueError(f"'tills' names {', '.join(twice)} more than once")
        if source is not None and (source.database or self.database).kind == "sqlserver":
            folded = [till.casefold() for till in self.tills]
            alike = [till for till in self.tills if folded.count(till.casefold()) > 1]
            if alike:
                raise ValueError(
                    f"'tills' has ids that differ from {alike[0]} in capitals alone: SQL Server, "
                    "where tickets.source is, takes them for one till"
                )
        return self

    @property
    def document(self) -> Document | None:
        """The text that these settings were read from; None when they were made by a program."""
        return self._document

    @property
    def folder(self) -> Path:
        """The folder that every path of the file is relative to."""
        return Path(self._document.file).absolute().parent if self._document else Path.cwd()

    @property
    def machine_path(self) -> Path:
        """The machine's file, absolute."""
        return self.folder / self.machine if self.machine else shipped_machine()

    @property
    def database_path(self) -> Path:
        """The database's file, absolute, where it is one."""
        return self.folder / self.database.path

    @property
    def database_place(self) -> "Place":
        """Where the store opens the database: an absolute path, or a place on an SQL Server."""
        return self.database.place(self.folder)

    @property
    def log_path(self) -> Path | None:
        """The log's file, absolute; None where lines go to standard error."""
        return self.folder / self.log.file if self.log.file else None

    @property
    def catalogue_path(self) -> Path | None:
        """The catalogue's file, absolute, where it is one; None where there is no catalogue."""
        return self.folder / self.catalogue.path if self.catalogue else None

    @property
    def catalogue_place(self) -> "Place | None":
        """Where the catalogue is opened: an absolute path, or a place on the SQL Server that holds
        the database; None where there is no catalogue."""
        if self.catalogue is None or self.database.kind == "sqlite":
            return self.catalogue_path
        return self.database.place(self.folder, self.catalogue.schema_name)


class Effective(NamedTuple):
    """One value in force: its dotted key, the value as shown, and where it comes from.

    ``where`` is ``default`` or ``file:line``. Secrets are shown as their reference or ``***``.
    """

    key: str
    value: str
    where: str


def load_settings(source: str | Path | Document) -> Settings:
    """Read till.yaml. Raises :class:`Refused` with every problem; no problem shows a secret."""
    rest, problems = _read(source)
    if rest.model is None or problems:
        raise Refused(in_order(problems))
    return rest.model


def load_till(
    source: str | Path | Document, vocabulary: Vocabulary, machine: Document | None = None
) -> tuple[Settings, Definition]:
    """Read till.yaml and its machine. Raises :class:`Refused` with every problem of both.

    The machine and its parameters are checked whatever else of till.yaml is at fault.
    ``machine`` is its text where it is not to be read from its file.
    """
    rest, problems = _read(source, machine)
    definition = None
    known = rest.model is not None and "machine" not in rest.lost.words
    if rest.model is not None and known and (machine or rest.model.machine_path.is_file()):
        try:
            definition = load_definition(rest.model, vocabulary, machine)
        except Refused as refused:
            problems += refused.problems
    if rest.model is None or definition is None or problems:
        raise Refused(in_order(problems))
    return rest.model, definition


def _read(
    source: str | Path | Document, machine: Document | None = None
) -> tuple[Salvaged[Settings], list[Problem]]:
    """What is sound of a till.yaml, and all that is wrong with it."""
    document = source if isinstance(source, Document) else read_file(Path(source), patient=True)
    rest = salvage(document, Settings)
    problems = [*rest.problems]
    if rest.model is not None:
        rest.model._document = rest.document  # noqa: SLF001 - the one who makes it
        problems += _unfit_files(rest.model, rest.document, machine)
    return rest, problems


def load_definition(
    settings: Settings, vocabulary: Vocabulary, machine: Document | None = None
) -> Definition:
    """The machine of a till.yaml, with its parameters overridden; ``machine`` is its text where
    it is not to be read from its file.

    Raises :class:`Refused`; what is wrong with an override has its place in till.yaml.
    """
    overrides = Overrides(settings.parameters, settings.document, ("parameters",))
    return load_machine(machine or settings.machine_path, vocabulary, overrides)


def _unfit_files(
    settings: Settings, document: Document, machine: Document | None
) -> Iterator[Problem]:
    """What is wrong with the files that a till.yaml names: they are needed from the start."""
    folder = settings.folder
    if settings.machine and machine is None and not (folder / settings.machine).is_file():
        yield document.problem(
            "no-file",
            ("machine",),
            f"There is no file '{folder / settings.machine}'.",
            "Leave 'machine' out to use the machine that comes with tillwire.",
        )
    ftp = settings.server.ftp
    if settings.catalogue is not None:
        database = settings.database
        yield from unfit_catalogue(settings.catalogue, folder, database, document, ftp is not None)
    authorities = {
        ("server", "ca_file"): settings.server.ca_file,
        ("server", "ftp", "ca_file"): ftp.ca_file if ftp else None,
    }
    for loc, name in authorities.items():
        why = _unfit_authority(folder / name) if name else ""
        if why:
            code = "no-file" if why.startswith("There is no") else "certificate"
            yield document.problem(
                code,
                loc,
                why,
                "It holds the certificate of the authority that signed the server's, in PEM form.",
            )


def _unfit_authority(file: Path) -> str:
    """Why no server can be trusted by that file; empty when it holds a certificate."""
    import ssl

    if not file.is_file():
        return f"There is no file '{file}'."
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=str(file))
    except ssl.SSLError:
        return f"The file '{file}' is not a certificate in PEM form."
    except OSError as error:
        return f"The file '{file}' cannot be read: {error.strerror or type(error).__name__}."
    return ""


def unreadable_secrets(settings: Settings) -> list[Problem]:
    """A warning for each secret that cannot be read now, at its place in till.yaml.

    Now is not yet when it is used: another account may run the agent, with a variable set.
    """
    document = settings.document
    if document is None:
        return []
    found = []
    for loc, value in _leaves(settings, ()):
        if isinstance(value, Secret):
            try:
                value.reveal(settings.folder)
            except SecretUnavailable as fault:
                message = f"A secret cannot be read now: {fault}."
                found.append(document.problem("no-secret", loc, message, severity="warning"))
    return found


def effective(settings: Settings) -> list[Effective]:
    """Every value in force, in the order of the model, with where it comes from."""
    unused: set[tuple[str, ...]] = {("tills" if settings.till is not None else "till",)}
    unused |= {("database", name) for name in settings.database.unused}
    unused.add(("catalogue", "schema" if settings.database.kind == "sqlite" else "path"))
    in_force = {
        ("machine",): settings.machine_path,
        ("database", "path"): settings.database_path,
        ("catalogue", "path"): settings.catalogue_path,
        ("log", "file"): settings.log_path,
    }
    return [
        Effective(".".join(loc), shown(in_force.get(loc, value)), origin(settings.document, loc))
        for loc, value in _leaves(settings, ())
        if loc not in unused
    ]


def _leaves(value: Any, loc: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values that hold no others, each with the keys that lead to it."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if isinstance(inner, float) and _IS_DURATION in field.metadata:
                inner = format_duration(inner)
            yield from _leaves(inner, (*loc, field.alias or name))
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*loc, key))
    else:
        yield loc, value


def shown(value: Any) -> str:
    """A value as YAML would have it; a secret as its reference, never as itself."""
    if value is None:
        return "null"
    if isinstance(value, Secret):
        return value.reference
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{}"
    return str(value)


def origin(document: Document | None, loc: tuple[str, ...]) -> str:
    """``file:line`` of the value at ``loc`` when the document sets it, else ``default``."""
    if document is None:
        return DEFAULT
    data: Any = document.data
    for key in loc:
        if not isinstance(data, Mapping) or key not in data:
            return DEFAULT
        data = data[key]
    line, _ = document.place(loc)
    return f"{document.file}:{line}"
