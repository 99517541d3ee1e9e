"""Every metric that tillwire exports: name, kind, labels and meaning, declared once.

docs/metrics.md repeats this table for people; a test holds the two together.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info", "summary"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. ``name`` is what a query says: a counter's ends in ``_total``."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    about: str


STATE = Family(
    "tillwire_state",
    "gauge",
    ("till", "machine", "state"),
    "1 for every state that is active, the states around it included, 0 for all others.",
)
STATE_CODE = Family(
    "tillwire_state_code",
    "gauge",
    ("till", "machine"),
    "Code of the innermost active state that has one.",
)
STATE_ENTERED = Family(
    "tillwire_state_entered_timestamp_seconds",
    "gauge",
    ("till", "machine"),
    "Unix time at which the state that tillwire_state_code shows was entered.",
)
OFFLINE = Family(
    "tillwire_offline",
    "gauge",
    ("till",),
    "1 in a state that the machine calls offline, 2 while a person holds the till there, else 0.",
)
TRANSITIONS = Family(
    "tillwire_transitions_total",
    "counter",
    ("till", "machine", "to", "event"),
    "Changes of state, by the state that was entered and the event that led there.",
)
REJECTIONS = Family(
    "tillwire_guard_rejections_total",
    "counter",
    ("till", "machine", "state"),
    "Transitions that a guard refused, by the state that declares them.",
)
UNHANDLED = Family(
    "tillwire_events_unhandled_total",
    "counter",
    ("till", "machine", "event"),
    "Events that no active state asked for: the machine knows their name, or not (other).",
)
STEPS_FAILED = Family(
    "tillwire_steps_failed_total",
    "counter",
    ("till", "machine"),
    "Events that the machine could not play; the till stayed where it was.",
)
PENDING = Family(
    "tillwire_tickets_pending",
    "gauge",
    ("till",),
    "Tickets that are on the till's disk and not yet acknowledged by the server.",
)
SENT = Family(
    "tillwire_tickets_sent_total",
    "counter",
    ("till",),
    "Tickets that the server has acknowledged.",
)
REFUSED = Family(
    "tillwire_tickets_refused_total",
    "counter",
    ("till",),
    "Tickets that the server understood and refused; they are set aside.",
)
OLDEST_PENDING = Family(
    "tillwire_oldest_pending_ticket_timestamp_seconds",
    "gauge",
    ("till",),
    "Unix time at which the oldest pending ticket was taken; absent when none is pending.",
)
MISSING = Family(
    "tillwire_ticket_numbers_missing",
    "gauge",
    ("till",),
    "Ticket numbers between the lowest and the highest that never came.",
)
MESSAGES = Family(
    "tillwire_messages_received_total",
    "counter",
    ("till",),
    "Messages from the server that the till did not have and now keeps.",
)
UNREAD = Family(
    "tillwire_messages_unread",
    "gauge",
    ("till",),
    "Messages on the till's disk that nobody has marked read.",
)
OFFERS = Family(
    "tillwire_offers_answers_total",
    "counter",
    ("answer",),
    "Times that offers were asked for: fresh from the server, cached from before, or none.",
)
EFFECTS = Family(
    "tillwire_effects_total",
    "counter",
    ("effect", "outcome"),
    "Effects that have ended, by what came of them; loads are counted below.",
)
EFFECT_FAILURES = Family(
    "tillwire_effect_failures_total",
    "counter",
    ("reason",),
    "Effects that failed, loads included, by reason.",
)
EFFECT_DURATION = Family(
    "tillwire_effect_duration_seconds",
    "histogram",
    ("effect",),
    "How long effects ran; only ping has buckets, others their sum and count.",
)
LOADS = Family(
    "tillwire_load_results_total",
    "counter",
    ("kind", "outcome"),
    "Loads of the catalogue that have ended, by what came of them.",
)
LOAD_DURATION = Family(
    "tillwire_load_duration_seconds",
    "summary",
    ("kind",),
    "How long loads of the catalogue took that were begun, whatever came of them.",
)
LOAD_ROWS = Family(
    "tillwire_load_rows_total",
    "counter",
    (),
    "Rows, or changes, that loads have put beside the live tables.",
)
LOAD_BYTES = Family(
    "tillwire_load_bytes_total",
    "counter",
    (),
    "Bytes of the files that loads have had whole.",
)
LOAD_IN_PROGRESS = Family(
    "tillwire_load_in_progress",
    "gauge",
    (),
    "1 while a load of the catalogue is under way, else 0.",
)
LOAD_SUCCESS = Family(
    "tillwire_load_last_success_timestamp_seconds",
    "gauge",
    (),
    "Unix time at which a load last brought the catalogue up to date; 0 before the first.",
)
DATASET_VERSION = Family(
    "tillwire_dataset_version",
    "gauge",
    ("dataset",),
    "Version of a dataset that the till program reads; absent before its first load.",
)
DATASET_ROWS = Family(
    "tillwire_dataset_rows",
    "gauge",
    ("dataset",),
    "Rows of a dataset that the till program reads.",
)
DATASET_LOADED = Family(
    "tillwire_dataset_loaded_timestamp_seconds",
    "gauge",
    ("dataset",),
    "Unix time of the load that brought a dataset's version.",
)
SOURCE_CONFLICTS = Family(
    "tillwire_ticket_source_conflicts",
    "gauge",
    (),
    "Tickets of the till program's table that are left alone.",
)
SOURCE_UP = Family(
    "tillwire_ticket_source_up",
    "gauge",
    (),
    "1 when the last look at the till program's table went well, else 0.",
)
WORKERS_ABANDONED = Family(
    "tillwire_workers_abandoned_total",
    "counter",
    (),
    "Workers that outlived their deadline and were replaced.",
)
LISTENER_FAILURES = Family(
    "tillwire_listener_failures_total",
    "counter",
    (),
    "Times that metrics failed to take something in; the tills went on regardless.",
)
READY = Family(
    "tillwire_ready",
    "gauge",
    (),
    "1 when /readyz answers 200: the machines run, and the database takes what is written.",
)
LOOP_LAG = Family(
    "tillwire_loop_lag_seconds",
    "gauge",
    (),
    "By how much the agent's loop was late at worst in the last minute.",
)
LAST_EXCHANGE = Family(
    "tillwire_last_exchange_timestamp_seconds",
    "gauge",
    (),
    "Unix time at which the server last took or refused a call of any till; absent before.",
)
DISK_FREE = Family(
    "tillwire_disk_free_bytes",
    "gauge",
    (),
    "Room left on the disk of the till's database; absent with a database server.",
)
JOURNAL_BROKEN = Family(
    "tillwire_journal_broken",
    "gauge",
    (),
    "1 when the journal has an entry that does not fit its chain, 0 as far as it was read.",
)
JOURNAL_VERIFIED = Family(
    "tillwire_journal_verified_timestamp_seconds",
    "gauge",
    (),
    "Unix time at which the whole journal was last found to hold; absent before.",
)
BUILD_INFO = Family(
    "tillwire_build_info",
    "info",
    ("version", "python"),
    "The version that runs, and the Python that it runs on.",
)
CONFIG_INFO = Family(
    "tillwire_config_info",
    "info",
    ("machine", "hash"),
    "The machine that runs; the hash covers its text and its parameters.",
)
RELOAD_SUCCESSFUL = Family(
    "tillwire_config_last_reload_successful",
    "gauge",
    (),
    "1 when the files were good when they were last read, 0 when the last good ones run on.",
)
RELOAD_TIME = Family(
    "tillwire_config_last_reload_success_timestamp_seconds",
    "gauge",
    (),
    "Unix time at which the files that run were last read and found good.",
)
TIME = Family(
    "tillwire_time_seconds",
    "gauge",
    (),
    "Unix time on the till's own clock at the scrape, so that a wrong clock shows.",
)

COUNTED = (TRANSITIONS, REJECTIONS, UNHANDLED)
"""Counted for each till from its steps, in the order in which they are exported."""

FAMILIES = (
    STATE,
    STATE_CODE,
    STATE_ENTERED,
    OFFLINE,
    *COUNTED,
    STEPS_FAILED,
    PENDING,
    SENT,
    REFUSED,
    OLDEST_PENDING,
    MISSING,
    MESSAGES,
    UNREAD,
    EFFECTS,
    EFFECT_FAILURES,
    EFFECT_DURATION,
    OFFERS,
    LOADS,
    LOAD_DURATION,
    LOAD_ROWS,
    LOAD_BYTES,
    LOAD_IN_PROGRESS,
    LOAD_SUCCESS,
    DATASET_VERSION,
    DATASET_ROWS,
    DATASET_LOADED,
    SOURCE_CONFLICTS,
    SOURCE_UP,
    WORKERS_ABANDONED,
    LISTENER_FAILURES,
    BUILD_INFO,
    CONFIG_INFO,
    RELOAD_SUCCESSFUL,
    RELOAD_TIME,
    TIME,
    READY,
    LOOP_LAG,
    LAST_EXCHANGE,
    DISK_FREE,
    JOURNAL_BROKEN,
    JOURNAL_VERIFIED,
)
