"""What a real agent lived against a real lab is played again, step by step."""

import asyncio
from pathlib import Path

from engine.core.build import build
from engine.definition.machine import load_machine
from engine.definition.reader import read
from engine.effects.table import VOCABULARY
from engine.lab import LabThread
from engine.store.examining import Examination
from engine.tools.replay import play
from engine.tools.replaying.recording import Recording, read_recording
from tests.integration.agent.shops import BRISK, Shop
from tests.unit.agent.scripted import CONNECTION


async def _live(shop: Shop, lab: LabThread) -> None:
    """Tickets and customers, an outage, a restart in the middle of it, and back."""
    agent = await shop.open()
    await shop.reaches("online")
    await shop.sell(1, 10)
    for code in ("C-4711", "C-0815", "C-4711"):
        await agent.post_event("01", "ticket.customer", {"customer": code})
    await shop.delivered()
    await asyncio.to_thread(lab.turn, "down")
    await shop.sell(11, 13)
    await shop.reaches("offline-cooldown")
    await shop.watch.until(lambda: shop.watch.names().count("ping.failed.unreachable") > 3)
    await agent.stop()
    agent = await shop.open()
    await asyncio.to_thread(lab.clear)
    await shop.delivered()
    await shop.reaches("online")
    await agent.stop()


def _recorded(folder: Path) -> Recording:
    with Examination.open(folder / "till.db") as evidence:
        return read_recording(evidence.history, "01")


def test_what_an_agent_lived_is_played_again(lab: LabThread, tmp_path: Path) -> None:
    """By its own machine with the very same steps; by one that means the same with the same
    states, to a moment."""
    asyncio.run(_live(Shop(lab, tmp_path), lab))
    recording = _recorded(tmp_path)
    assert sum(step.begins for step in recording.steps) == 2
    assert recording.older == 0
    definition = load_machine(CONNECTION, VOCABULARY, BRISK)
    held = play(build(definition), recording).held
    assert held is not None
    assert held.unlike is None
    assert held.steps > len(recording.steps) - 3

    text = "# The same\n" + CONNECTION.read_text(encoding="utf-8")
    other = play(build(load_machine(read(text, "same.yaml"), VOCABULARY, BRISK)), recording)
    assert other.held is None
    assert other.played is not None
    assert other.was is not None
    assert len(other.was.delays) == 13
    assert len(other.played.tally.delays) > 9
    assert len(other.was.offline_spans(other.end)) == 1
    assert len(other.played.tally.offline_spans(other.end)) == 1
