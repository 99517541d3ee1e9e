"""The panels of *Till* about what goes to the server and comes from it."""

from collections.abc import Sequence

from grafana_foundation_sdk.models import dashboard as model

from metrics import families as f
from metrics.dashboards.panels import Looks, Panels, Steps, Target

ALL_TILLS = "Where one agent looks after several tills, this is about all of them."


def calls(make: Panels) -> Sequence[model.Panel]:
    """What is asked of the server, pings above all."""
    sheet = make.sheet
    say = sheet.say
    ping = 'effect="ping"'
    buckets = f"sum by (le) ({sheet.rate(f.EFFECT_DURATION, ping, suffix='_bucket')})"
    outcomes = sheet.rate(f.EFFECTS, ping)
    seconds = sheet.rate(f.EFFECT_DURATION, suffix="_sum")
    counted = sheet.rate(f.EFFECT_DURATION, suffix="_count")
    return (
        make.graph(
            Looks("Time that pings take", "How slow the server is.", "s", 8, 8, ALL_TILLS),
            Target(f"histogram_quantile(0.5, {buckets})", say("half of them")),
            Target(f"histogram_quantile(0.95, {buckets})", say("95 of 100")),
        ),
        make.graph(
            Looks("Pings per minute", "By what came of them.", "cpm", 8, 8, ALL_TILLS),
            Target(f"sum by (outcome) ({outcomes}) * 60 > 0", "{{outcome}}"),
            bars=True,
        ),
        make.graph(
            Looks(
                "Mean time of calls",
                "How long a call takes on the average, by what is called.",
                "s",
                8,
                8,
                ALL_TILLS,
            ),
            Target(f"sum by (effect) ({seconds}) / sum by (effect) ({counted})", "{{effect}}"),
        ),
    )


def tickets(make: Panels) -> Sequence[model.Panel]:
    """What waits, and what goes."""
    sheet = make.sheet
    say = sheet.say
    send = 'effect="send_tickets"'
    batches, good = sheet.rate(f.EFFECTS, send), sheet.rate(f.EFFECTS, send, 'outcome="ok"')
    ended = sheet.rate(f.EFFECT_DURATION, send, suffix="_count")
    seconds = sheet.rate(f.EFFECT_DURATION, send, suffix="_sum")
    of_all_tills = f"rate({sheet.other(f.SENT.name)}[$__rate_interval])"
    return (
        make.graph(
            Looks("Tickets waiting", "Tickets that the server has not yet.", "short", 8, 7),
            Target(sheet.of(f.PENDING), say("Tickets waiting")),
        ),
        make.graph(
            Looks(
                "Age of the oldest waiting ticket",
                "How long the ticket that waits longest has been waiting; nothing where none "
                "waits.",
                "s",
                8,
                7,
            ),
            Target(sheet.age(f.OLDEST_PENDING), say("Oldest waiting ticket")),
        ),
        make.graph(
            Looks(
                "Tickets per minute",
                "What the server has acknowledged, and what it has refused.",
                "cpm",
                8,
                7,
            ),
            Target(f"{sheet.rate(f.SENT)} * 60", say("Acknowledged")),
            Target(f"{sheet.rate(f.REFUSED)} * 60", say("Refused")),
        ),
        make.graph(
            Looks("Batches per minute", "By what came of them.", "cpm", 8, 7, ALL_TILLS),
            Target(f"sum by (outcome) ({batches}) * 60 > 0", "{{outcome}}"),
            bars=True,
        ),
        make.graph(
            Looks("Tickets in a batch", "On the average.", "short", 8, 7, ALL_TILLS),
            Target(f"sum({of_all_tills}) / sum({good})", say("Tickets")),
        ),
        make.graph(
            Looks("Time that batches take", "On the average.", "s", 8, 7, ALL_TILLS),
            Target(f"sum({seconds}) / sum({ended})", say("Time")),
        ),
    )


def messages(make: Panels) -> Sequence[model.Panel]:
    """What comes from the server for the cashier."""
    sheet = make.sheet
    say = sheet.say
    polls = sheet.rate(f.EFFECTS, 'effect="poll_messages"')
    answers = sheet.rate(f.OFFERS)
    fresh = sheet.rate(f.OFFERS, 'answer="fresh"')
    cached = sheet.rate(f.OFFERS, 'answer="cached"')
    not_fresh = sheet.rate(f.OFFERS, 'answer=~"cached|none"')
    return (
        make.graph(
            Looks("Messages unread", "Messages on the till that nobody has read.", "short", 6, 7),
            Target(sheet.of(f.UNREAD), say("Unread")),
        ),
        make.graph(
            Looks("Calls for messages per minute", "By what came of them.", "cpm", 6, 7, ALL_TILLS),
            Target(f"sum by (outcome) ({polls}) * 60 > 0", "{{outcome}}"),
            Target(f"{sheet.rate(f.MESSAGES)} * 60", say("New messages")),
        ),
        make.graph(
            Looks(
                "Answers about offers per minute",
                "Fresh from the server, cached from before, or none.",
                "cpm",
                6,
                7,
                ALL_TILLS,
            ),
            Target(f"sum by (answer) ({answers}) * 60", "{{answer}}"),
            bars=True,
        ),
        make.graph(
            Looks(
                "Hit rate of the cache of offers",
                "How many of the answers the server gave; and of those that it did not give, how "
                "many the till had from before.",
                "percentunit",
                6,
                7,
                ALL_TILLS,
            ),
            Target(f"sum({fresh}) / sum({answers})", say("From the server")),
            Target(f"sum({cached}) / sum({not_fresh})", say("Hits, where the server gave none")),
        ),
    )


def loads(make: Panels) -> Sequence[model.Panel]:
    """What is loaded, and what the till reads."""
    sheet = make.sheet
    say = sheet.say
    seconds = f"sum by (kind) ({sheet.within(f.LOAD_DURATION, suffix='_sum')})"
    begun = f"sum by (kind) ({sheet.within(f.LOAD_DURATION, suffix='_count')})"
    ended = f"increase({sheet.of(f.LOADS)}[$__rate_interval])"
    dataset = {"dataset": "Dataset"}
    return (
        make.graph(
            Looks("Loads", "Those under way, and those that ended.", "short", 6, 7, ALL_TILLS),
            Target(sheet.of(f.LOAD_IN_PROGRESS), say("Under way")),
            Target(f"sum by (kind, outcome) ({ended}) > 0", "{{kind}}: {{outcome}}"),
        ),
        make.graph(
            Looks(
                "Time that loads take", "On the average, in the time shown.", "s", 6, 7, ALL_TILLS
            ),
            Target(f"{seconds} / {begun}", "{{kind}}"),
        ),
        make.graph(
            Looks("Rows loaded per minute", "Rows, or changes.", "cpm", 6, 7, ALL_TILLS),
            Target(f"{sheet.rate(f.LOAD_ROWS)} * 60", say("Rows")),
        ),
        make.graph(
            Looks("Bytes loaded per second", "Files that came whole.", "Bps", 6, 7, ALL_TILLS),
            Target(sheet.rate(f.LOAD_BYTES), say("Bytes")),
        ),
        make.table(
            Looks("Age of the catalogue", "When each dataset was loaded last.", "s", 8, 7),
            sheet.age(f.DATASET_LOADED),
            "Age",
            columns=dataset,
            steps=Steps(86400, 3 * 86400),
        ),
        make.table(
            Looks("Versions of the catalogue", "Which version the till reads.", "none", 8, 7),
            sheet.of(f.DATASET_VERSION),
            "Version",
            columns=dataset,
        ),
        make.table(
            Looks("Rows of the catalogue", "How many rows the till reads.", "short", 8, 7),
            sheet.of(f.DATASET_ROWS),
            "Rows",
            columns=dataset,
        ),
    )
