"""Where everything is, as far as a till.yaml says it that may be broken."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from engine.definition.reader import Document, read_file
from engine.definition.salvage import salvage
from engine.problems import Refused
from engine.server.secret import Secret, SecretUnavailable
from engine.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Till:
    """``settings`` are what can be read of ``config``: None where nothing can. ``good`` says
    whether all of it can."""

    config: Path
    settings: Settings | None
    good: bool

    @property
    def folder(self) -> Path:
        """What paths of the file are relative to."""
        return self.config.absolute().parent

    @property
    def shop(self) -> str:
        """The shop's id; ``unknown`` when the file does not say."""
        return self.settings.shop if self.settings and self.good else "unknown"

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that till.yaml refers to and that can be read here, the longest first."""
        if self.settings is None:
            return ()
        found = set()
        for secret in _secrets(self.settings):
            with suppress(SecretUnavailable):
                found.add(secret.reveal(self.folder))
        return tuple(sorted(found, key=len, reverse=True))

    def path(self, name: str | None, usual: str = "") -> Path | None:
        """A path of the file, absolute."""
        return self.folder / (name or usual) if name or usual else None


def find(config: Path) -> Till:
    """Read what can be read. Raises nothing."""
    with suppress(Refused):
        return Till(config, load_settings(config), good=True)
    with suppress(Refused):
        rest = salvage(read_file(config, patient=True), Settings)
        if rest.model is not None:
            _belongs_to(rest.model, rest.document)
            return Till(config, rest.model, good=False)
    return Till(config, None, good=False)


def _belongs_to(settings: Settings, document: Document) -> None:
    settings._document = document  # noqa: SLF001 - so that its paths start where the file is


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _secrets(inner)
