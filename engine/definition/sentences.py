"""What pydantic found, said in the words of the file."""

from typing import Any

from pydantic import BaseModel, ValidationError

from engine.definition.reader import Document
from engine.problems import Problem


def problems_of(
    document: Document, model: type[BaseModel], error: ValidationError
) -> list[Problem]:
    """One problem for each fault, at the key or value at fault."""
    found: list[Problem] = []
    for fault in error.errors():
        loc: tuple[Any, ...] = fault["loc"]
        found.append(
            document.problem(
                fault["type"], loc, fault["msg"], key=fault["type"] == "extra_forbidden"
            )
        )
    return found
