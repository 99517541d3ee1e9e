"""The systemd unit of an agent, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WATCHDOG = 30
"""Seconds: an agent of 10,000 tills is held up for a third of one at most."""

START = 90
"""Seconds without a word from an agent that starts; it asks for more as long as it lives."""

STOP = 20
"""Seconds: a clean stop takes 13 at most, where everything hangs; then nothing is lost either."""

PAUSE = 10
"""Seconds before another start."""


@dataclass(frozen=True, slots=True)
class Service:
    """What a unit is made of. Paths are absolute.

    ``program`` is the interpreter, in whose installation tillwire is. ``writable`` are the folders
    that till.yaml has the agent write to.
    """

    name: str
    user: str
    program: Path
    config: Path
    writable: Sequence[Path]

    @property
    def environment(self) -> Path:
        """The file of the variables that till.yaml refers to, for root alone to read."""
        return self.config.with_suffix(".env")

    @property
    def state(self) -> Path:
        """The folder that systemd makes for the service."""
        return Path("/var/lib") / self.name


def unit_text(service: Service) -> str:
    """The unit, for systemd 247 and later (Debian 11, Ubuntu 22.04)."""
    command = f"{_word(service.program)} -m engine.cli".replace("$", "$$")
    config = _word(service.config).replace("$", "$$")
    writable = "".join(
        f"ReadWritePaths=-{_word(folder)}\n"
        for folder in service.writable
        if not folder.is_relative_to(service.state)
    )
    return f"""\
# Made by `tillwire service install`, which writes it anew. Changes of your own:
# systemctl edit {service.name}
[Unit]
Description=tillwire: {_plain(service.config)}
After=network-online.target time-sync.target mssql-server.service
Wants=network-online.target
# Nobody looks after a till at night: it is tried again for ever, every {PAUSE} seconds.
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command} run -c {config}
ExecReload={command} reload -c {config}
WatchdogSec={WATCHDOG}
Restart=on-failure
RestartSec={PAUSE}
# A command line that tillwire does not understand gets no better.
RestartPreventExitStatus=2
TimeoutStartSec={START}
TimeoutStopSec={STOP}
KillMode=mixed
User={service.user}
StateDirectory={service.name}
StateDirectoryMode=0750
{writable}EnvironmentFile=-{_plain(service.environment)}
Environment=PYTHONSAFEPATH=1
# The till program reads the catalogue: its account belongs to the group.
UMask=0027
LimitNOFILE=65536
LimitCORE=0
TasksMax=1024
{HARDENED}
[Install]
WantedBy=multi-user.target
"""


HARDENED = """\

# It reads its program and its files, writes where it is told, and speaks IP.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
"""


def _word(path: Path) -> str:
    """A path as one word of a setting."""
    text = _plain(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if any(letter in text for letter in " \t'\"\\;") else text


def _plain(path: Path) -> str:
    """A path where systemd takes the whole line; % means something to it."""
    return str(path).replace("%", "%%")
