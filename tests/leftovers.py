"""Says which processes a test run has left behind: ``leftovers.py MARKER``.

The run sets ``TILLWIRE_TEST_RUN`` to a marker that all its processes inherit, also those that
lost their parent. Exit code 1 when there is one; it is named and ended.
"""

import os
import sys

import psutil

PATIENCE = 5.0
"""Seconds within which a process that is ending may end."""


def leftovers(marker: str) -> list[psutil.Process]:
    """The processes of the run with this marker, without those of whoever asks."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.pid != os.getpid()
                and process.environ().get("TILLWIRE_TEST_RUN") == marker
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or not ours to look into
    return found


def main(marker: str) -> int:
    """Print and end what is left; the exit code."""
    _, alive = psutil.wait_procs(leftovers(marker), timeout=PATIENCE)
    for process in alive:
        print(f"left behind by the tests: {process.pid} {' '.join(process.cmdline())}")
        process.kill()
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
