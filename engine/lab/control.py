"""The lab's own HTTP interface under /lab: turn knobs, count calls, read what was received.

It answers on the control port, which stays open when the lab is down, and under the same paths
on the main port, where it is never struck by a request fault.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from engine.lab.answers import Request, Response, json_response
from engine.lab.configurations import Configurations, read_files
from engine.lab.exports import MANIFEST, Shop
from engine.lab.faults import FAULTS, Fault
from engine.lab.ftp import FtpLab
from engine.lab.ftp_faults import FTP_FAULTS
from engine.lab.knobs import BadKnobError, Knobs, table
from engine.lab.ledger import LabError, Ledger, StoredTicket, payload_fields
from engine.lab.notices import Notices
from engine.lab.rest import Tokens

PREFIX = "/lab"
PAGE = 1000
CHANGES = 20
"""Rows of the example shop that come, change or go before it is published again."""
MOST_CHANGES = 10_000
_Handler = Callable[[Request], Awaitable[object]]


class Controlled(Protocol):
    """What the control needs of a lab."""

    ledger: Ledger
    notices: Notices
    configurations: Configurations
    ftp: FtpLab | None
    knobs: Knobs
    tokens: Tokens

    def state(self) -> dict[str, object]: ...

    async def turn(self, fault: str, /, **settings: object) -> None: ...

    async def clear(self, fault: str | None = None) -> None: ...


class Control:
    """Answers requests under /lab. Bad input gets 400 and ``{"problem": sentence}``."""

    def __init__(self, lab: Controlled) -> None:
        self._lab = lab
        self._example: Shop | None = None
        self._publishing = asyncio.Lock()
        self._routes: dict[tuple[str, str], _Handler] = {
            ("GET", ""): self._state,
            ("GET", "/tickets"): self._tickets,
            ("GET", "/tickets/summary"): self._summary,
            ("GET", "/faults"): self._faults,
            ("PUT", "/faults"): self._turn,
            ("DELETE", "/faults"): self._clear,
            ("PUT", "/down"): self._down,
            ("DELETE", "/down"): self._up,
            ("PUT", "/refusals"): self._refusals,
            ("GET", "/messages"): self._messages,
            ("PUT", "/messages"): self._put_messages,
            ("POST", "/messages"): self._add_messages,
            ("GET", "/offers"): self._offers,
            ("PUT", "/offers"): self._put_offers,
            ("PUT", "/config"): self._put_config,
            ("PUT", "/exports"): self._publish,
            ("GET", "/ftp"): self._ftp_state,
            ("PUT", "/ftp/faults"): self._turn_ftp,
            ("DELETE", "/ftp/faults"): self._clear_ftp,
            ("PUT", "/tokens"): self._token_lifetime,
            ("DELETE", "/tokens"): self._expire_tokens,
        }

    async def answer(self, request: Request) -> Response:
        """The JSON answer to one request."""
        path = request.path.removeprefix(PREFIX).rstrip("/")
        handler = self._routes.get((request.method, path))
        if handler is None:
            methods = sorted(method for method, known in self._routes if known == path)
            if methods:
                allow = ", ".join(methods)
                problem = {"problem": f"{PREFIX}{path} takes {allow}."}
                return json_response(405, problem, {"Allow": allow})
            paths = sorted({PREFIX + known for _, known in self._routes})
            return json_response(404, {"problem": f"There is: {', '.join(paths)}."})
        try:
            return json_response(200, await handler(request))
        except (BadKnobError, LabError) as error:
            return json_response(400, {"problem": str(error)})

    async def _state(self, _request: Request) -> object:
        return self._lab.state()

    async def _tickets(self, request: Request) -> object:
        rows = self._lab.ledger.tickets(request.query.get("till"))
        first = _integer(request.query, "offset", 0, len(rows))
        most = _integer(request.query, "limit", PAGE, 10 * PAGE)
        bodies = _flag(request.query, "payload")
        return {
            "total": len(rows),
            "offset": first,
            "tickets": [_row(row, bodies=bodies) for row in rows[first : first + most]],
        }

    async def _summary(self, request: Request) -> object:
        till = request.query.get("till")
        summary = self._lab.ledger.summary(till)
        answer: dict[str, object] = {
            "count": summary.count,
            "distinct": summary.distinct,
            "twice": summary.twice,
        }
        if _flag(request.query, "sha256"):
            # Numbers are only unique within one till; over all tills the keys tell them apart.
            digests: dict[str, str] = {}
            for row in self._lab.ledger.tickets(till):
                digests.setdefault(row.key if till is None else str(row.number), row.sha256)
            answer["sha256"] = digests
        return answer

    async def _faults(self, _request: Request) -> object:
        return {"on": self._lab.knobs.as_data(), "table": table()}

    async def _turn(self, request: Request) -> object:
        settings = _object(request)
        await self._lab.turn(_fault(settings, FAULTS), **settings)
        return {"on": self._lab.knobs.as_data()}

    async def _clear(self, request: Request) -> object:
        await self._lab.clear(_named(request, FAULTS))
        return {"on": self._lab.knobs.as_data()}

    async def _ftp_state(self, _request: Request) -> object:
        return self._ftp().state() | {"table": table(FTP_FAULTS)}

    async def _turn_ftp(self, request: Request) -> object:
        ftp, settings = self._ftp(), _object(request)
        ftp.turn(_fault(settings, FTP_FAULTS), **settings)
        return {"on": ftp.state()["faults"]}

    async def _clear_ftp(self, request: Request) -> object:
        ftp = self._ftp()
        ftp.clear(_named(request, FTP_FAULTS))
        return {"on": ftp.state()["faults"]}

    def _ftp(self) -> FtpLab:
        if self._lab.ftp is None:
            raise LabError("This lab serves no files by FTP: give it a folder, --ftp-folder DIR.")
        return self._lab.ftp

    async def _down(self, request: Request) -> object:
        await self._lab.turn("down", **_object(request))
        return {"on": self._lab.knobs.as_data()}

    async def _up(self, _request: Request) -> object:
        await self._lab.clear("down")
        return {"on": self._lab.knobs.as_data()}

    async def _refusals(self, request: Request) -> object:
        numbers = _object(request).get("numbers")
        if not isinstance(numbers, list) or not all(type(number) is int for number in numbers):
            raise BadKnobError("'numbers' is a JSON list of ticket numbers, such as [17, 18].")
        self._lab.ledger.refuses = frozenset(numbers)
        return {"numbers": sorted(self._lab.ledger.refuses)}

    async def _messages(self, _request: Request) -> object:
        kept = self._lab.notices.as_data()
        return {name: kept[name] for name in ("messages", "acknowledged")}

    async def _put_messages(self, request: Request) -> object:
        return self._take_messages(request, more=False)

    async def _add_messages(self, request: Request) -> object:
        return self._take_messages(request, more=True)

    def _take_messages(self, request: Request, *, more: bool) -> object:
        body = _known(_object(request), "messages", "till")
        till = _name(body, "till", "for every till")
        messages = _list(body, "messages", '[{"id": "m-1", "title": "Soldes", "text": "…"}]')
        return {"till": till, "messages": self._lab.notices.put_messages(messages, till, more=more)}

    async def _offers(self, _request: Request) -> object:
        kept = self._lab.notices.as_data()
        return {name: kept[name] for name in ("offers", "unknown")}

    async def _put_offers(self, request: Request) -> object:
        body = _known(_object(request), "offers", "customer", "unknown")
        customer = _name(body, "customer", "for everybody")
        if not {"offers", "unknown"} & body.keys():
            raise BadKnobError("Give 'offers', a list, or 'unknown', a list of customers, or both.")
        unknown = _list(body, "unknown", '["C9"]') if "unknown" in body else None
        if unknown is not None and not all(isinstance(one, str) and one for one in unknown):
            raise BadKnobError("'unknown' is a list of customers' codes, each a text.")
        if "offers" in body:
            offers = _list(body, "offers", '[{"id": "o1", "title": "…", "until": "2026-11-30"}]')
            self._lab.notices.put_offers(offers, customer)
        if unknown is not None:
            self._lab.notices.forget_customers(unknown)
        kept = self._lab.notices.as_data()
        return {
            "customer": customer,
            "offers": len(kept["offers"].get(customer, ())),
            "unknown": kept["unknown"],
        }

    async def _put_config(self, request: Request) -> object:
        body = _known(_object(request), "shop", "tills", "files")
        shop, tills, files = read_files(*(body.get(name) for name in ("shop", "tills", "files")))
        self._lab.configurations.put(shop, tills, files)
        if self._lab.ftp is not None:
            self._lab.configurations.publish(self._lab.ftp.folder, shop)
        return {"shop": shop, "tills": tills, "files": [file.name for file in files]}

    async def _publish(self, request: Request) -> object:
        folder = self._ftp().folder
        times = _known(_object(request), "changes").get("changes", CHANGES)
        if type(times) is not int or not 0 <= times <= MOST_CHANGES:
            raise BadKnobError(f"'changes' is a whole number from 0 to {MOST_CHANGES}.")
        async with self._publishing:
            if self._example is None:
                self._example = _example_shop(folder)
            else:
                self._example.evolve(times)
            shop = self._example
            try:
                await asyncio.to_thread(shop.publish)
            except OSError as fault:
                raise LabError(f"The exports cannot be written to {folder}: {fault}.") from fault
            return {
                name: {"version": shop.versions[name], "rows": len(shop.tables[name])}
                for name in shop.tables
            }

    async def _token_lifetime(self, request: Request) -> object:
        seconds = _object(request).get("lifetime", 0)
        usable = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not usable or not 0 < seconds <= 86_400:
            raise BadKnobError("'lifetime' is a number of seconds, more than 0, at most 86400.")
        self._lab.tokens.lifetime = float(seconds)
        return {"lifetime": self._lab.tokens.lifetime}

    async def _expire_tokens(self, _request: Request) -> object:
        self._lab.tokens.expire()
        return {"lifetime": self._lab.tokens.lifetime}


def _example_shop(folder: Path) -> Shop:
    """A shop that publishes into a folder where nobody else does: it removes old exports."""
    if any(path.name == MANIFEST or path.suffix == ".zip" for path in folder.iterdir()):
        raise LabError(
            f"{folder} has exports that are not of this lab's example shop: they are left as they "
            "are. Start the lab with another --ftp-folder."
        )
    return Shop(folder)


def _row(row: StoredTicket, *, bodies: bool) -> dict[str, object]:
    data = row._asdict()
    payload = data.pop("payload")
    data["size"] = len(payload)
    return data | payload_fields(payload) if bodies else data


def _object(request: Request) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise BadKnobError("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise BadKnobError('The body is a JSON object, such as {"fault": "hang"}.')
    return data


def _fault(settings: dict[str, Any], faults: Mapping[str, Fault]) -> str:
    """Takes the name of the fault out of the settings."""
    fault = settings.pop("fault", None)
    if not isinstance(fault, str):
        raise BadKnobError(f"'fault' is missing. Allowed: {', '.join(sorted(faults))}.")
    return fault


def _named(request: Request, faults: Mapping[str, Fault]) -> str | None:
    """The fault that a query names, None for all of them."""
    fault = request.query.get("fault")
    if fault is not None and fault not in faults:
        names = ", ".join(sorted(faults))
        raise BadKnobError(f"There is no fault '{fault}'. Allowed: {names}.")
    return fault


def _known(body: dict[str, Any], *allowed: str) -> dict[str, Any]:
    for name in body:
        if name not in allowed:
            raise BadKnobError(f"There is no '{name}' here. Allowed: {', '.join(allowed)}.")
    return body


def _name(body: Mapping[str, Any], name: str, meaning: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise BadKnobError(f"'{name}' is a text; left out it is {meaning}. Found {value!r}.")
    return value


def _list(body: Mapping[str, Any], name: str, example: str) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list):
        raise BadKnobError(f"'{name}' is a JSON list, such as {example}.")
    return value


def _integer(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise BadKnobError(f"'{name}' is a whole number of 0 or more; found '{text[:20]}'.")
    return min(int(text), most)


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in {"true", "false"}:
        raise BadKnobError(f"'{name}' is true or false; found '{text[:20]}'.")
    return text == "true"
