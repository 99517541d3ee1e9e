"""The shapes of what is in force: the files, their problems, and a reload of them.

Shapes as in :mod:`engine.api.port`, which names them in what it asks of the agent.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime, Field

from engine.api.view import MOMENT, View
from engine.problems import Problem

Explored = Literal["all", "some", "none"]


class ProblemView(View):
    """What is wrong at one place of a file."""

    file: str = Field(description="The file.", examples=["/etc/tillwire/till.yaml"])
    line: int = Field(description="The line, from 1; 0: the file as a whole.", examples=[12])
    column: int = Field(description="The column, from 1; 0 as above.", examples=[5])
    severity: Literal["error", "warning"] = Field(description="Whether it is refused for it.")
    code: str = Field(description="A short stable name.", examples=["unknown-key"])
    message: str = Field(description="What it is.", examples=["There is no key 'on_entry'."])
    hint: str = Field(description="What to do; may be empty.", examples=["Did you mean 'entry'?"])
    trace: str = Field("", description="In YAML, what leads to a fault of a machine that runs.")


class ConfigView(View):
    """Which files are in force, and what is wrong with those on the disk."""

    machine: str = Field(description="The machine's name.", examples=["connection"])
    hash: str = Field(
        description="SHA-256, in hex, of its text and parameters.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    since: AwareDatetime = Field(
        description="When the files that run were last read and found good.", examples=[MOMENT]
    )
    read: AwareDatetime = Field(
        description="When those on the disk were last read.", examples=[MOMENT]
    )
    good: bool = Field(description="Those on the disk were good when they were last read.")
    sentence: str = Field(
        description="What became of those on the disk; empty while they are in force.",
        examples=[""],
    )
    problems: tuple[ProblemView, ...] = Field(
        description="What is wrong with those on the disk; warnings of those that run."
    )
    restart: tuple[str, ...] = Field(
        description="Keys of till.yaml that have changed and take effect at a restart.",
        examples=[["server.url"]],
    )
    explored: Explored = Field(
        description="How much of what the machine can get into was played: `all`, `some` (there "
        "was no time for more) or `none` (it runs since the start)."
    )


class ReloadView(ConfigView):
    """What became of a reload."""

    changed: bool = Field(description="The tills play another machine than before.")


class NoFiles(Exception):  # noqa: N818 - what there is to say
    """This agent was not started from files, or not yet."""


class ReloadRefused(Exception):  # noqa: N818 - what became of the files
    """The files were refused; the tills go on with those of before.

    ``sentence`` says so, ``text`` is the report for people.
    """

    def __init__(self, sentence: str, problems: Sequence[Problem], text: str) -> None:
        self.sentence = sentence
        self.problems = problem_views(problems)
        self.text = text
        super().__init__(sentence)


def problem_views(problems: Sequence[Problem]) -> tuple[ProblemView, ...]:
    """Problems as the API shows them."""
    return tuple(ProblemView.model_validate(problem.as_data()) for problem in problems)
