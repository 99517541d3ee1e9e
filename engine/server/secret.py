"""A secret by reference: where it lies, never what it is.

A file of settings holds ``${env:NAME}`` or ``${file:path}``; the value is read when it is
used, so that a changed password takes effect without a restart, and it is printed nowhere.
"""

import os
import re
from pathlib import Path
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

REFERENCE = re.compile(r"\$\{(env|file):([^{}]+)\}")
SECRET_PATTERN = f"^{REFERENCE.pattern}$"
"""The same for an editor."""
_LARGEST = 65536
_REFUSAL = (
    "a secret is never written in the file itself: write ${env:NAME} for an environment "
    "variable or ${file:path} for a file"
)


class SecretUnavailable(Exception):  # noqa: N818 - it is what happened to the secret
    """A secret cannot be read now. The text says where it should be, never what it is."""


class Secret:
    """A reference to a secret. ``repr`` and ``str`` give ``***``."""

    __slots__ = ("_kind", "_name")

    def __init__(self, reference: str) -> None:
        """Raises ValueError, without quoting the text, for anything but a reference."""
        found = REFERENCE.fullmatch(reference)
        if not found:
            raise ValueError(_REFUSAL)
        self._kind, self._name = found[1], found[2].strip()

    @property
    def reference(self) -> str:
        """The reference as the file has it: this much may be shown."""
        return f"${{{self._kind}:{self._name}}}"

    def reveal(self, base: Path | None = None) -> str:
        """The secret itself; ``base`` is the folder that a relative path starts from.

        A file's last line end is not part of it. Raises :class:`SecretUnavailable`.
        """
        return self._from_environment() if self._kind == "env" else self._from_file(base)

    def _from_environment(self) -> str:
        value = os.environ.get(self._name)
        if not value:
            raise SecretUnavailable(f"the environment variable {self._name} is not set")
        return value

    def _from_file(self, base: Path | None) -> str:
        path = (base or Path()) / Path(self._name).expanduser()
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST + 1)
            value = raw.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise SecretUnavailable(f"the secret's file {path} cannot be read: {why}") from None
        except UnicodeDecodeError:
            raise SecretUnavailable(f"the secret's file {path} is not UTF-8 text") from None
        if not value:
            raise SecretUnavailable(f"the secret's file {path} is empty")
        if len(raw) > _LARGEST:
            raise SecretUnavailable(f"the secret's file {path} is larger than 64 KiB")
        return value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reference == other.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validated,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda secret: secret.reference if isinstance(secret, Secret) else secret
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": SECRET_PATTERN}


def _validated(raw: Any) -> Secret:
    if isinstance(raw, Secret):
        return raw
    if isinstance(raw, str) and REFERENCE.fullmatch(raw):
        return Secret(raw)
    raise ValueError(_REFUSAL)
