"""The command ``tillwire``: its verbs, and the only place that wires the parts together.

Each verb imports what it needs when it runs, so that ``tillwire check`` does not pay for the
agent. Exit codes: 0 good, 1 refused or not as it should be, 2 wrong usage, 70 a fault of ours,
74 an output that cannot be written.
"""

import os
import sys
from collections.abc import Sequence

from engine.cli.agent import asked_for, run_agent
from engine.problems import Refused
from engine.streams import OF_OUTPUT, cannot_write, fill_missing_streams, make_tolerant, say

FAULT = 70
"""The exit code of an exception that nobody expected (EX_SOFTWARE in sysexits.h)."""
DEBUG = "TILLWIRE_DEBUG"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command itself. Always ends in :class:`SystemExit`, never in a traceback.

    ``arguments`` are those of the process when none are given. With ``TILLWIRE_DEBUG=1`` in
    the environment an unexpected exception shows its traceback.
    """
    fill_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        make_tolerant(stream)
    try:
        _run(arguments)
    finally:
        try:
            sys.stdout.flush()
        except OSError as error:
            cannot_write(error)


def _run(arguments: Sequence[str] | None) -> None:
    """The command, and a sentence for whatever goes wrong but the writing of its output."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        config = asked_for(words)
        if config is not None:
            sys.exit(run_agent(config))
        from engine.cli.verbs import app

        app(args=None if arguments is None else words, prog_name="tillwire")
    except Refused as refused:
        from engine.definition.report import report

        say(report(refused.problems))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_OUTPUT and error.filename is None:
            cannot_write(error)
        if os.environ.get(DEBUG) == "1":
            raise
        say(
            f"tillwire met a fault that it does not know: {type(error).__name__}: {error}. "
            f"Run the command again with {DEBUG}=1 for the details to report."
        )
        sys.exit(FAULT)
