"""The machine that a service is installed on, as far as systemd and accounts go."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PATIENCE = 200
"""Seconds: `systemctl start` waits until the agent is ready, and that may wait for SQL Server."""


class Account(NamedTuple):
    """Who runs the agent, in numbers."""

    user: int
    group: int


class Ran(NamedTuple):
    """How a command ended and all that it printed."""

    code: int
    text: str


@dataclass
class Host:
    """``units`` is where an administrator's units lie; ``booted`` is there where systemd runs."""

    units: Path = Path("/etc/systemd/system")
    booted: Path = Path("/run/systemd/system")

    @property
    def wanting(self) -> str:
        """Why no service can be installed or asked about here; empty where one can."""
        if sys.platform != "linux":
            return (
                "tillwire service knows systemd on Linux only. Here, have the system start "
                "`tillwire run -c till.yaml` at boot; docs/operating.md says how on Windows."
            )
        if not self.booted.is_dir():
            return (
                "This machine does not run systemd. Have whatever starts its services run "
                "`tillwire run -c till.yaml`; `tillwire service install --print` shows a unit."
            )
        return ""

    @property
    def is_root(self) -> bool:
        """Whether this process may change the system."""
        return hasattr(os, "geteuid") and os.geteuid() == 0

    def account(self, name: str) -> Account | None:
        """The account of that name, if there is one."""
        if sys.platform == "win32":
            return None
        import pwd

        try:
            found = pwd.getpwnam(name)
        except KeyError:
            return None
        return Account(found.pw_uid, found.pw_gid)

    def run(self, command: Sequence[str], account: Account | None = None) -> Ran:
        """Run a command to its end, as ``account`` where one is given."""
        try:
            done = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=PATIENCE,
                check=False,
                user=None if account is None else account.user,
                group=None if account is None else account.group,
                extra_groups=None if account is None else [],
                cwd=None if account is None else "/",
            )
        except (OSError, subprocess.TimeoutExpired) as fault:
            return Ran(127, f"{command[0]}: {fault}")
        return Ran(done.returncode, done.stdout.strip())
