"""``tillwire service``: install, uninstall, status, start and stop.

Exit codes: 0 done, or it runs; 1 not done, or it does not run; 2 wrong usage, or a machine
without systemd.
"""

import json as encoding
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.definition.report import report
from engine.problems import Refused
from engine.settings import load_settings
from engine.streams import say
from engine.tools.service.access import Reach, changes, reach, unfit_folders
from engine.tools.service.host import Account, Host
from engine.tools.service.unit import Service, unit_text

DONE, NOT_DONE, WRONG = 0, 1, 2
OURS = "# Made by `tillwire service install`"

HIDDEN = tuple(Path(name) for name in ("/home", "/root", "/run/user", "/tmp", "/var/tmp"))  # noqa: S108 - they are refused
"""What ProtectHome and PrivateTmp hide from the service."""

SHOWN = (
    "LoadState,ActiveState,SubState,UnitFileState,StatusText,NRestarts,ActiveEnterTimestamp,Result"
)
ENABLED = "has systemd start it at each boot"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    config: Path
    name: str = "tillwire"
    user: str = "tillwire"
    show: bool = False
    dry: bool = False


def install(wanted: Wanted, host: Host | None = None) -> int:
    """Write the unit for a till.yaml and give its account what it needs."""
    host = host or Host()
    if not wanted.config.is_file():
        return _refuse(f"There is no file {wanted.config}. Make it: tillwire init", WRONG)
    try:
        settings = load_settings(wanted.config)
    except Refused as refused:
        return _refuse(report(refused.problems), NOT_DONE)
    config = wanted.config.absolute()
    reached = reach(settings, config)
    service = Service(wanted.name, wanted.user, Path(sys.executable), config, reached.folders)
    if wanted.show:
        sys.stdout.write(unit_text(service))
        return DONE
    if why := _wrong_place(service, reached) or " ".join(unfit_folders(reached)):
        return _refuse(why, NOT_DONE)
    if wanted.dry:
        for sentence in _plan(service, reached, host):
            sys.stdout.write(f"Would do: {sentence}.\n")
        return DONE
    return _refused_here(host) or _install(service, reached, host)


def _install(service: Service, reached: Reach, host: Host) -> int:
    unit = host.units / f"{service.name}.service"
    if _foreign(unit):
        return _refuse(f"{unit} was not made by tillwire. Move it away, or take --name.", NOT_DONE)
    account = host.account(service.user)
    if account is None:
        line = f'u {service.user} - "tillwire" {service.state}'
        done = host.run(["systemd-sysusers", "--inline", line])
        account = host.account(service.user)
        if account is None:
            return _refuse(f"The account {service.user} cannot be made: {done.text}", NOT_DONE)
        _tell(_account_sentence(service))
    try:
        for change in list(changes(reached, account)):
            change.make(account)
            _tell(change.sentence)
        unit.write_text(unit_text(service), encoding="utf-8")
        unit.chmod(0o644)
    except OSError as fault:
        return _refuse(f"It is not installed: {fault.filename}: {fault.strerror}.", NOT_DONE)
    _tell(f"writes {unit}")
    for command in (["systemctl", "daemon-reload"], ["systemctl", "enable", unit.name]):
        done = host.run(command)
        if done.code:
            return _refuse(f"`{' '.join(command)}` failed: {done.text}", NOT_DONE)
    _tell(ENABLED)
    return _tried(service, account, host)


def _tried(service: Service, account: Account, host: Host) -> int:
    """Whether that account can run the program and read what it needs."""
    check = [str(service.program), "-m", "engine.cli", "check", "--no-explore", str(service.config)]
    looked = host.run(check, account)
    if looked.code:
        return _refuse(f"{service.user} cannot work with it yet:\n{looked.text}", NOT_DONE)
    name = "" if service.name == "tillwire" else f" --name {service.name}"
    sys.stdout.write(f"Start it:  tillwire service start{name}\n")
    sys.stdout.write(f"Undo this: tillwire service uninstall{name}\n")
    return DONE


def _plan(service: Service, reached: Reach, host: Host) -> list[str]:
    account = host.account(service.user)
    made = [] if account else [_account_sentence(service)]
    given = [change.sentence for change in changes(reached, account)]
    return [*made, *given, f"writes {host.units / service.name}.service", ENABLED]


def _account_sentence(service: Service) -> str:
    return f"makes the account {service.user}, which nobody can log in to"


def _wrong_place(service: Service, reached: Reach) -> str:
    """Why a hardened service could not get at its files; empty where it can."""
    installed = Path(__file__).resolve().parents[3]
    programs = (service.program, Path(sys.base_prefix), installed)
    for path in (*programs, *reached.read, *reached.folders):
        if any(place.is_relative_to(away) for place in (path, path.resolve()) for away in HIDDEN):
            what = "tillwire is installed where" if path in programs else "It needs what"
            return (
                f"{what} a service does not see: {path}. Nothing of /home, /root and /tmp is "
                "there for it; /opt/tillwire, /etc/tillwire and /var/lib/tillwire are."
            )
    return ""


def uninstall(name: str, dry: bool, host: Host | None = None) -> int:
    """Stop it and take the unit away. What the agent has written stays."""
    host = host or Host()
    unit = host.units / f"{name}.service"
    if not unit.is_file():
        return _refuse(f"There is no service {name}: {unit} is not there.", NOT_DONE)
    if _foreign(unit):
        return _refuse(f"{unit} was not made by tillwire; it is left alone.", NOT_DONE)
    if dry:
        sys.stdout.write(f"Would do: stops {name}.\nWould do: removes {unit}.\n")
        return DONE
    if refused := _refused_here(host):
        return refused
    done = host.run(["systemctl", "disable", "--now", unit.name])
    if done.code:
        return _refuse(f"It cannot be stopped: {done.text}", NOT_DONE)
    try:
        unit.unlink()
    except OSError as fault:
        return _refuse(f"{unit} cannot be removed: {fault.strerror}.", NOT_DONE)
    host.run(["systemctl", "daemon-reload"])
    _tell(f"stops {name}")
    _tell(f"removes {unit}")
    sys.stdout.write("Its account, database and other files stay: tickets may wait there.\n")
    return DONE


def start(name: str, host: Host | None = None) -> int:
    """Start it and wait until it is ready."""
    return _turn("start", name, host or Host(), "It runs and is ready.")


def stop(name: str, host: Host | None = None) -> int:
    """Stop it and wait for its end."""
    return _turn("stop", name, host or Host(), "It has stopped. At the next boot it starts again.")


def _turn(verb: str, name: str, host: Host, done: str) -> int:
    if refused := _refused_here(host):
        return refused
    if _shown(name, host).get("LoadState") != "loaded":
        return _refuse(_not_installed(name), NOT_DONE)
    ran = host.run(["systemctl", verb, f"{name}.service"])
    if ran.code:
        told = host.run(["journalctl", "-u", f"{name}.service", "-n", "10", "-o", "cat"])
        said = f"`systemctl {verb} {name}` failed: {ran.text}\nIts last lines:\n{told.text}"
        return _refuse(said, NOT_DONE)
    sys.stdout.write(f"{done}\n")
    return DONE


def status(name: str, json: bool, host: Host | None = None) -> int:
    """Print what systemd and the agent say of it."""
    host = host or Host()
    if host.wanting:
        return _refuse(host.wanting, WRONG)
    shown = _shown(name, host)
    if json:
        sys.stdout.write(encoding.dumps(shown, indent=2) + "\n")
    elif shown.get("LoadState") != "loaded":
        say(_not_installed(name))
    else:
        sys.stdout.write("\n".join(_lines(name, shown)) + "\n")
    return DONE if shown.get("ActiveState") == "active" else NOT_DONE


def _lines(name: str, shown: Mapping[str, str]) -> list[str]:
    get = {key: value for key, value in shown.items() if value}.get
    since = f" since {get('ActiveEnterTimestamp')}" if get("ActiveState") == "active" else ""
    boot = "starts at boot" if get("UnitFileState") == "enabled" else "does not start at boot"
    lines = [f"{name}: {get('ActiveState')} ({get('SubState')}){since}, {boot}"]
    if text := get("StatusText"):
        lines.append(f"  {text}")
    if get("NRestarts", "0") != "0":
        lines.append(f"  started again by systemd: {get('NRestarts')} times")
    if get("Result", "success") != "success":
        lines.append(f"  how it ended: {get('Result')} (journalctl -u {name})")
    return lines


def _shown(name: str, host: Host) -> Mapping[str, str]:
    ran = host.run(["systemctl", "show", f"{name}.service", f"--property={SHOWN}"])
    return dict(line.split("=", 1) for line in ran.text.splitlines() if "=" in line)


def _not_installed(name: str) -> str:
    return f"There is no service {name}. Install it: tillwire service install -c till.yaml"


def _foreign(unit: Path) -> bool:
    try:
        return not unit.read_text(encoding="utf-8", errors="replace").startswith(OURS)
    except FileNotFoundError:
        return False


def _refused_here(host: Host) -> int:
    """0 where the system may be changed; else why not is said."""
    if host.wanting:
        return _refuse(host.wanting, WRONG)
    if not host.is_root:
        return _refuse("That changes the system: run it as root, with sudo say.", NOT_DONE)
    return DONE


def _refuse(sentence: str, code: int) -> int:
    say(sentence)
    return code


def _tell(sentence: str) -> None:
    sys.stdout.write(f"Done: {sentence}.\n")
