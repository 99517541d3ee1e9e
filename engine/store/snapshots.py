"""Where each till was and which timers ran, for the next start of the process."""

from collections.abc import Sequence
from json import dumps

from engine.store.port import AnyDatabase


class Snapshots:
    """The last snapshot of each till, as the text that the agent made."""

    def __init__(self, database: AnyDatabase) -> None:
        self._database = database

    def save(self, rows: Sequence[tuple[str, str, float]]) -> None:
        """Keeps (till, text, wall-clock seconds) in place of the till's last snapshot."""
        with self._database.atomic():
            self._database.run("snapshots_drop", dumps([till for till, _, _ in rows]))
            self._database.run_rows("snapshots_add", rows)

    def all(self) -> dict[str, str]:
        """The text of each till's last snapshot."""
        return dict(self._database.stream("snapshots_all"))
