"""The programs that the lab's central server declares, ``answers.PROGRAMS`` by name.

Names, parameters and replies are tillwire's own choice (the vendor publishes none), the same
ones that its documented default configuration speaks. They are written here a second time on
purpose: the lab shares no code with the client that it tries.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from engine.lab.answers import Outcome
from engine.lab.configurations import Configurations
from engine.lab.ledger import LabError, Ledger, Parcel, Verdict, payload_bytes
from engine.lab.notices import Notices

#: The ``resultcode`` of a call whose parameters the program cannot use.
BAD_PARAMETERS = 1
#: The ``resultcode`` of a call about a customer that the server does not know.
UNKNOWN_CUSTOMER = 1
#: The ``resultcode`` of a call for the configuration of a till that the server has none for.
UNKNOWN_TILL = 1
MOST_TICKETS = 10_000
LARGEST_NUMBER = 2**63 - 1
REASONS = ("opened", "closed", "day_closed", "ticket", "returned")

_Parameters = Mapping[str, str]


class BadParametersError(Exception):
    """A program cannot use the parameters: one sentence."""


class Programs:
    """Runs the declared programs on one ledger, one set of notices and of configurations.

    ``undeclared`` names programs that this server does not have.
    """

    def __init__(
        self,
        ledger: Ledger,
        tells_ticket_status: bool,
        notices: Notices | None = None,
        undeclared: Collection[str] = (),
        configurations: Configurations | None = None,
        exports: Path | None = None,
    ) -> None:
        self._ledger = ledger
        self._notices = notices or Notices()
        self._configurations = configurations or Configurations()
        self._exports = exports
        table: dict[str, Callable[[_Parameters], Outcome]] = {
            "PING": self._ping,
            "TICKETS": self._tickets,
            "TICKETSTATUS": self._ticket_status,
            "MESSAGES": self._messages,
            "MESSAGESACK": self._acknowledge,
            "OFFERS": self._offers,
            "TICKETCOUNT": self._count,
            "CONFIG": self._config,
            "TABLES": self._newest,
        }
        gone = {*undeclared, *(() if tells_ticket_status else ("TICKETSTATUS",))}
        self._table = {name: program for name, program in table.items() if name not in gone}

    def run(self, action: str, param: str) -> Outcome:
        """Run ``action`` (any case) with its parameters in HMP."""
        program = self._table.get(action.upper())
        if program is None:
            return Outcome(error=2, text=f"The action '{action[:40]}' is not declared here.")
        try:
            parameters = read_hmp(param)
            told = parameters.get("ACTION", action)
            if told.upper() != action.upper():
                raise BadParametersError(f"<ACTION> says '{told[:40]}', the call says '{action}'.")
            return program(parameters)
        except BadParametersError as error:
            return refusal(BAD_PARAMETERS, str(error))

    def _ping(self, _parameters: _Parameters) -> Outcome:
        return Outcome(reply={"resultcode": 0, "errormessage": ""})

    def _tickets(self, parameters: _Parameters) -> Outcome:
        shop, till = _text(parameters, "SHOP"), _text(parameters, "TILL")
        batch = _text(parameters, "BATCH")
        entries = _json_list(parameters, "TICKETS")
        if _text(parameters, "COUNT") != str(len(entries)):
            raise BadParametersError(
                f"<COUNT> says {parameters['COUNT'][:20]}, but {len(entries)} tickets came."
            )
        # A ticket that cannot be read is refused alone; the ledger never sees it.
        unread: dict[int, Verdict] = {}
        parcels: list[Parcel] = []
        for place, entry in enumerate(entries):
            read = _parcel(shop, till, entry)
            if isinstance(read, Verdict):
                unread[place] = read
            else:
                parcels.append(read)
        judged = iter(self._ledger.receive(parcels, batch))
        verdicts = [unread.get(place) or next(judged) for place in range(len(entries))]
        return Outcome(
            reply={
                "resultcode": 0,
                "errormessage": "",
                "batch": batch,
                "count": len(entries),
                "tickets": [
                    {"key": key, "status": status, "code": code, "message": message}
                    for key, status, code, message in verdicts
                ],
            }
        )

    def _ticket_status(self, parameters: _Parameters) -> Outcome:
        keys = _json_list(parameters, "KEYS")
        if not all(isinstance(key, str) for key in keys):
            raise BadParametersError("<KEYS> is a JSON list of strings.")
        tickets = []
        for key in keys:
            status, digest = self._ledger.status(key)
            tickets.append({"key": key, "status": status, "sha256": digest})
        return Outcome(reply={"resultcode": 0, "errormessage": "", "tickets": tickets})

    def _messages(self, parameters: _Parameters) -> Outcome:
        till = _text(parameters, "TILL")
        reason = _text(parameters, "REASON")
        if reason not in REASONS:
            raise BadParametersError(f"<REASON> is one of {', '.join(REASONS)}.")
        return _good(messages=self._notices.messages(till))

    def _acknowledge(self, parameters: _Parameters) -> Outcome:
        till = _text(parameters, "TILL")
        ids = _json_list(parameters, "IDS")
        if not all(isinstance(one, str) for one in ids):
            raise BadParametersError("<IDS> is a JSON list of strings.")
        return _good(acknowledged=self._notices.acknowledge(till, ids))

    def _offers(self, parameters: _Parameters) -> Outcome:
        _text(parameters, "TILL")
        customer = parameters.get("CUSTOMER", "").strip()
        offers = self._notices.offers(customer)
        if offers is None:
            return refusal(UNKNOWN_CUSTOMER, "This customer is not known.")
        return _good(customer=customer, offers=offers)

    def _count(self, parameters: _Parameters) -> Outcome:
        till = _text(parameters, "TILL")
        if "DAY" in parameters:
            numbers = self._ledger.numbers(till, *_day(parameters))
            low, high = (min(numbers), max(numbers)) if numbers else (0, -1)
        else:
            low, high = _number(parameters, "FROM"), _number(parameters, "TO")
            if low > high:
                raise BadParametersError("<FROM> is not more than <TO>.")
        held = self._ledger.held(till, low, high)
        return _good(
            count=held.count,
            first=held.first,
            last=held.last,
            digest=held.digest,
            missing=held.missing,
        )

    def _config(self, parameters: _Parameters) -> Outcome:
        shop, till = _text(parameters, "SHOP"), _text(parameters, "TILL")
        told = self._configurations.told(shop, till)
        if told is None:
            return refusal(UNKNOWN_TILL, f"There is no configuration for till {till[:40]}.")
        return _good(**told)

    def _newest(self, parameters: _Parameters) -> Outcome:
        _text(parameters, "TILL")
        try:
            asked = from_json(_text(parameters, "PVTBLSYNC"))
        except ValueError:
            raise BadParametersError("<PVTBLSYNC> is not JSON.") from None
        if not isinstance(asked, dict):
            raise BadParametersError("<PVTBLSYNC> is a JSON object of tables and versions.")
        return _good(exports=newest_files(self._exports, asked))


def newest_files(folder: Path | None, asked: Mapping[str, object]) -> list[Any]:
    """What the manifest in a folder lists of these tables, but for changes that a till has."""
    if folder is None:
        return []
    try:
        listed = from_json((folder / "manifest.json").read_bytes())["exports"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabError(f"There is no manifest to be read in {folder}: {error}.") from error
    return [row for row in listed if row["dataset"] in asked and _is_new(row, asked)]


def _is_new(row: Mapping[str, Any], asked: Mapping[str, object]) -> bool:
    have = asked[row["dataset"]]
    return row["kind"] == "full" or not isinstance(have, int) or row["version_to"] > have


def _good(**fields: object) -> Outcome:
    return Outcome(reply={"resultcode": 0, "errormessage": "", **fields})


def action_of(action: str, param: str) -> str:
    """The action that a call names: as its argument, or else as <ACTION> in its parameters."""
    if action:
        return action
    try:
        return read_hmp(param).get("ACTION", "")
    except BadParametersError:
        return ""


def refusal(code: int, message: str) -> Outcome:
    """A business refusal of the whole call."""
    return Outcome(reply={"resultcode": code, "errormessage": message})


def read_hmp(param: str) -> dict[str, str]:
    """``<NAME1>value1<NAME2>value2`` as a dict, names in upper case, escapes undone.

    Inside a value ``<``, ``>`` and ``&`` are escaped, so each ``<`` begins a name.
    """
    head, *pieces = param.split("<")
    if head.strip():
        raise BadParametersError("The parameters must begin with <NAME>.")
    parameters: dict[str, str] = {}
    for piece in pieces:
        name, closed, value = piece.partition(">")
        name = name.upper()
        if not closed or not name.replace("_", "").isalnum():
            raise BadParametersError(f"'<{piece[:20]}' is not a <NAME> of a parameter.")
        if name in parameters:
            raise BadParametersError(f"<{name}> comes twice.")
        if "&" in value:
            value = value.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        parameters[name] = value
    return parameters


def _text(parameters: _Parameters, name: str) -> str:
    value = parameters.get(name, "").strip()
    if not value:
        raise BadParametersError(f"<{name}> is missing.")
    return value


def _number(parameters: _Parameters, name: str) -> int:
    text = _text(parameters, name)
    if not (text.isascii() and text.isdigit() and len(text) < 20) or int(text) > LARGEST_NUMBER:
        raise BadParametersError(f"<{name}> is a ticket number.")
    return int(text)


def _day(parameters: _Parameters) -> tuple[float, float]:
    """A day of the lab's own time zone, from its first moment to that of the next."""
    try:
        begins = date.fromisoformat(_text(parameters, "DAY"))
        ends = begins + timedelta(days=1)
        midnights = [datetime(each.year, each.month, each.day) for each in (begins, ends)]  # noqa: DTZ001 - local time is meant
        since, until = (midnight.timestamp() for midnight in midnights)
    except (ValueError, OverflowError, OSError):
        raise BadParametersError("<DAY> is a date such as 2026-11-24.") from None
    return since, until


def _json_list(parameters: _Parameters, name: str) -> list[Any]:
    try:
        entries = from_json(_text(parameters, name))
    except ValueError:
        raise BadParametersError(f"<{name}> is not JSON.") from None
    if not isinstance(entries, list):
        raise BadParametersError(f"<{name}> is not a JSON list.")
    if len(entries) > MOST_TICKETS:
        raise BadParametersError(f"<{name}> has more than {MOST_TICKETS} entries.")
    return entries


def _parcel(shop: str, till: str, entry: object) -> Parcel | Verdict:
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or not entry["key"]:
        raise BadParametersError("Each of <TICKETS> is a JSON object with a 'key'.")
    key, number, digest = entry["key"], entry.get("number"), entry.get("sha256")
    if not isinstance(number, int) or isinstance(number, bool):
        return Verdict(key, "refused", "FORM", "'number' is not an integer.")
    try:
        payload = payload_bytes(entry)
    except ValueError as error:
        return Verdict(key, "refused", "FORM", f"The payload cannot be read: {error}.")
    return Parcel(shop, till, number, key, payload, digest if isinstance(digest, str) else "")
