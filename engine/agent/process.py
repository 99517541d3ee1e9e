"""The agent as a process: from a till.yaml to a clean end."""

import asyncio
import gc
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engine import __version__
from engine.agent.clock import Clock, SystemClock
from engine.agent.files import Files
from engine.agent.frugal import describe_later, leave_out_unused
from engine.agent.in_force import InForce
from engine.agent.last_good import LastGood
from engine.agent.loads import CatalogueParts
from engine.agent.log_file import LogFile
from engine.agent.log_output import configure
from engine.agent.logs import write
from engine.agent.opening import opener
from engine.agent.reloading import Reloader
from engine.agent.service import Agent
from engine.agent.sourcing import Plan, Sourcing
from engine.agent.stopping import StopSignal
from engine.agent.storing import StoreThread
from engine.agent.supervisor import supervisor
from engine.agent.watching import Watch
from engine.catalogue.settings import tables_of
from engine.core.build import Chart, build
from engine.core.feed import StepFailed
from engine.definition.machine import Definition
from engine.effects.table import VOCABULARY
from engine.problems import Refused
from engine.server.connecting import connect
from engine.server.secret import SecretUnavailable
from engine.settings import Settings, load_definition
from engine.store.errors import StoreError
from engine.store.source import TicketSource
from engine.store.store import Store
from engine.ticket_settings import source_place

if TYPE_CHECKING:
    from engine.api.serving import Serving

MOST_NAMED = 20
"""Tills that the first line names."""

LAST_LOOK = 1.0
"""Seconds that a look at the till program's table may still take at a stop."""

Watching = Callable[[Definition, Clock], Watch]


class CannotRun(Exception):  # noqa: N818 - it is what there is to say
    """The agent cannot start or go on; the message is a sentence for a person."""


def run(settings: Settings, watching: Watching, last: LastGood | None = None) -> int:
    """Look after the tills of ``settings`` until somebody asks to stop; 0 after a clean stop.

    ``watching`` makes the metrics for a definition; ``last`` are the files that run in the place
    of those on the disk. Raises Refused for a machine that is at fault and CannotRun when the
    database or the API's address cannot be had.
    """
    _configure_log(settings)
    chart = _chart(settings, last)
    return asyncio.run(_live(settings, chart, _token(settings), watching, last))


def _configure_log(settings: Settings) -> None:
    path, log = settings.log_path, settings.log
    file = None if path is None else LogFile(path, log.megabytes * 1_000_000)
    configure(log.format, log.level, file=file, shop=settings.shop)


def _chart(settings: Settings, last: LastGood | None) -> Chart:
    """In a function of its own: the places of the file go with it, before the agent lives."""
    definition = last.definition if last else load_definition(settings, VOCABULARY)
    return build(definition.without_places())


def _token(settings: Settings) -> str | None:
    if settings.api.token is None:
        return None
    try:
        return settings.api.token.reveal(settings.folder)
    except SecretUnavailable as fault:
        document = settings.document
        if document is None:
            raise CannotRun(str(fault)) from fault
        raise Refused([document.problem("no-secret", ("api", "token"), str(fault))]) from fault


async def _live(
    settings: Settings,
    chart: Chart,
    token: str | None,
    watching: Watching,
    last: LastGood | None,
) -> int:
    loop = asyncio.get_running_loop()
    stop = StopSignal(loop)
    clock = SystemClock()
    watch = watching(chart.definition, clock)
    books = StoreThread(
        opener(settings.database_place, lambda: bool(stop.reason), len(settings.tills)), loop
    )
    agent = _agent(settings, chart, books, clock, watch)
    serving: Serving | None = None
    reloader = _reloader(settings, agent, clock, watch, last)
    sourcing = _sourcing(settings, agent, books, watch)
    service = supervisor(loop, clock)
    service.begin()
    agent.beside.rereading = service.reread
    try:
        try:
            await agent.start()
            if sourcing is not None:
                await sourcing.start()
        except (StoreError, StepFailed) as fault:
            if stop.reason:  # it came while the database was waited for
                return 0
            raise CannotRun(str(fault)) from fault
        _say_started(settings, agent)
        # The tills are at work before the web framework is even loaded.
        await asyncio.sleep(0)
        if reloader is not None:
            await reloader.start()
            stop.hung_up = partial(reloader.ask, "SIGHUP")
        serving = await _serve(settings, agent, token)
        write(logging.INFO, "api.serving", host=serving.host, port=serving.port)
        service.serve(agent.standing)
        # What is loaded now lives as long as the process: with 10,000 tills the collector
        # would otherwise stop all of them for 90 ms each time it looks at everything.
        gc.collect()
        gc.freeze()
        reason = await stop.wait()
        write(logging.INFO, "agent.stopping", reason=reason)
    finally:
        service.stop(stop.reason or "")
        if serving is not None:
            await serving.stop()
        if reloader is not None:
            await reloader.close()
        if sourcing is not None:
            await sourcing.close(LAST_LOOK)
        await agent.stop(stop.reason or "")
        write(logging.INFO, "agent.stopped")
        logging.shutdown()
        service.close()
        stop.close()
    return 0


def _say_started(settings: Settings, agent: Agent) -> None:
    """Of 10,000 tills the first ones are named: a line is for reading."""
    named, count = list(settings.tills[:MOST_NAMED]), len(settings.tills)
    machine, hash_ = agent.rules.chart.name, agent.rules.hash
    write(
        logging.INFO,
        "agent.started",
        tills=named,
        count=count,
        version=__version__,
        machine=machine,
        hash=hash_,
    )


def _agent(
    settings: Settings, chart: Chart, books: StoreThread[Store], clock: Clock, watch: Watch
) -> Agent:
    return Agent(
        chart,
        settings.shop,
        settings.tills,
        server=connect(settings.server, settings.shop, settings.folder),
        books=books,
        workers=settings.workers,
        clock=clock,
        watch=watch,
        catalogue=_catalogue(settings),
    )


def _reloader(
    settings: Settings, agent: Agent, clock: Clock, watch: Watch, last: LastGood | None
) -> Reloader | None:
    """Who looks after the files; nobody where a program made the settings."""
    if settings.document is None:
        return None
    chart = agent.rules.chart
    since = clock.wall() if last is None else last.at
    started = InForce(Files(settings, chart.definition), agent.rules, since, "none")
    bad = () if last is None else last.problems
    config = Path(settings.document.file)
    return Reloader(agent, config, started, clock=clock, watch=watch, bad=bad)


def _catalogue(settings: Settings) -> CatalogueParts | None:
    """What the catalogue is made of. Raises Refused for a datasets file that is at fault."""
    catalogue, ftp, folder = settings.catalogue, settings.server.ftp, settings.folder
    place = settings.catalogue_place
    if catalogue is None or place is None or ftp is None:
        return None
    # Tills without a catalogue need not hold what it takes.
    from engine.server.ftp import FtpSource
    from engine.store.catalogue_opening import open_catalogue

    tables = tables_of(catalogue, folder)
    return CatalogueParts(
        tables,
        lambda: open_catalogue(place, tables),
        FtpSource(ftp, folder),
        folder / catalogue.downloads,
    )


def _sourcing(
    settings: Settings, agent: Agent, books: StoreThread[Store], watch: Watch
) -> Sourcing | None:
    """What looks at the till program's own table, where till.yaml names one."""
    source = settings.tickets.source
    if source is None:
        return None
    place = source_place(source, settings.database, settings.folder)
    table = source.described()
    plan = Plan(settings.tills, source.first, source.interval)

    def told(conflicts: int, why: str, failing: bool) -> None:
        agent.beside.concerns = {"tickets.source": why} if why else {}
        agent.telling.tell(watch.source, conflicts, failing)

    thread = StoreThread(lambda: TicketSource(place, table), asyncio.get_running_loop())
    sourcing = Sourcing(agent, books, thread, plan, told)
    agent.beside.closed_ticket = sourcing.wake
    return sourcing


async def _serve(settings: Settings, agent: Agent, token: str | None) -> "Serving":
    leave_out_unused()
    describe_later()
    from engine.api.access import Access
    from engine.api.application import create_api
    from engine.api.serving import ApiUnavailable, start

    api = settings.api
    access = Access(token, tuple(api.allowed_hosts), tuple(api.allowed_origins))
    try:
        return await start(create_api(agent, access), api.host, api.port)
    except ApiUnavailable as fault:
        raise CannotRun(str(fault)) from fault
