"""A till.yaml beside a lab, and ``tillwire import-config`` on it in this process."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from engine.lab import LabThread
from engine.lab.configurations import TillFile

THERE = """\
# Settings of shop 0042.
server:
  protocol: {protocol}
  url: {url}
  settle: 3min   # a slow server
  actions:
    fetch_configuration: {{}}
parameters:
  ticket_sync_interval: 2min
"""

HERE = """\
shop: '0042'
till: '01'
server:
  protocol: {protocol}
  url: {url}
  actions: {{fetch_configuration: {{}}}}
{more}database:
  path: own.db
api:
  port: 9000
"""


AUTH = "  auth: {body: {login: till, password: '${env:LAB_PASSWORD}'}}\n"


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Shop:
    """A lab, a till.yaml, and the command on it in this process. ``more`` is put under
    ``server:``."""

    def __init__(
        self,
        lab: LabThread,
        folder: Path,
        protocol: str,
        main: Callable[..., Result],
        more: str = "",
    ) -> None:
        self.lab = lab
        self.folder = folder
        self.main = main
        self.values = {
            "protocol": protocol,
            "more": more or (AUTH if protocol == "rest" else ""),
            "url": lab.url_soap if protocol == "soap" else lab.url_rest,
        }
        self.config = folder / "till.yaml"
        self.config.write_text(HERE.format(**self.values), encoding="utf-8")

    def offer(self, text: str = THERE, tills: tuple[str, ...] = ("01", "02")) -> None:
        raw = text.format(**self.values).encode("utf-8", "surrogateescape")
        self.lab.lab.configurations.put("0042", tills, [TillFile("shop.yaml", raw)])

    def call(self, *more: str, answers: str = "", terminal: bool = False) -> Result:
        arguments = ["import-config", "-c", str(self.config), *more]
        return self.main(arguments, answers, terminal)

    @property
    def files(self) -> dict[str, str]:
        return {path.name: path.read_text("utf-8") for path in self.folder.iterdir()}

    def refuses(self, *more: str) -> Result:
        """The command ends with 1, and nothing in the folder is changed."""
        before = self.files
        result = self.call(*(more or ("--yes",)))
        assert (result.code, self.files) == (1, before)
        return result


class Keyboard(io.StringIO):
    """A terminal that types."""

    def isatty(self) -> bool:
        return True
