-- The till's database in SQLite's dialect.
--
-- Each name holds one statement. Another dialect has the same names with the same parameters in
-- the same order. Times are wall-clock seconds since 1970.

-- name: schema_exists
SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'tillwire_schema';

-- name: schema_version
SELECT MAX(version) FROM tillwire_schema;

-- name: schema_reached
INSERT INTO tillwire_schema (version) VALUES (?);

-- name: migration_1_schema
CREATE TABLE tillwire_schema (version INTEGER NOT NULL PRIMARY KEY);

-- The journal of transfers. Each row carries the hash of the row before it.

-- name: migration_1_journal
CREATE TABLE journal (
  seq INTEGER NOT NULL PRIMARY KEY,
  at REAL NOT NULL,
  till TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash TEXT NOT NULL
);

-- name: migration_1_journal_head
CREATE TABLE journal_head (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL
);

-- name: migration_1_journal_head_row
INSERT INTO journal_head (one, seq, hash)
VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- name: migration_1_journal_not_changed
CREATE TRIGGER journal_not_changed BEFORE UPDATE ON journal
BEGIN
  SELECT RAISE(ABORT, 'an entry of the journal is never changed');
END;

-- name: migration_1_journal_not_deleted
CREATE TRIGGER journal_not_deleted BEFORE DELETE ON journal
BEGIN
  SELECT RAISE(ABORT, 'an entry of the journal is never deleted');
END;

-- INSERT OR REPLACE would otherwise delete the old row without asking the trigger above.

-- name: migration_1_journal_not_replaced
CREATE TRIGGER journal_not_replaced BEFORE INSERT ON journal
WHEN NEW.seq <= (SELECT MAX(seq) FROM journal)
BEGIN
  SELECT RAISE(ABORT, 'an entry of the journal is only ever added at its end');
END;

-- name: migration_1_journal_head_not_deleted
CREATE TRIGGER journal_head_not_deleted BEFORE DELETE ON journal_head
BEGIN
  SELECT RAISE(ABORT, 'the head of the journal is never deleted');
END;

-- Tickets. Their bytes lie apart, so that marking a ticket rewrites a short row and not its
-- payload. arrival is the seq of the journal's entry about its acceptance.

-- name: migration_1_tickets
CREATE TABLE tickets (
  arrival INTEGER NOT NULL PRIMARY KEY,
  till TEXT NOT NULL,
  number INTEGER NOT NULL,
  key TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  accepted_at REAL NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'refused')),
  attempts INTEGER NOT NULL,
  attempted_at REAL,
  batch TEXT,
  settled_at REAL,
  code TEXT,
  message TEXT
);

-- name: migration_1_tickets_by_number
CREATE UNIQUE INDEX tickets_by_number ON tickets (till, number);

-- name: migration_1_tickets_pending
CREATE INDEX tickets_pending ON tickets (till, arrival) WHERE state = 'pending';

-- name: migration_1_payloads
CREATE TABLE payloads (
  arrival INTEGER NOT NULL PRIMARY KEY REFERENCES tickets (arrival),
  payload BLOB NOT NULL
);

-- name: migration_1_counters
CREATE TABLE counters (
  till TEXT NOT NULL PRIMARY KEY,
  pending INTEGER NOT NULL,
  sent INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  first_number INTEGER NOT NULL,
  last_number INTEGER NOT NULL
);

-- name: migration_1_tickets_not_changed
CREATE TRIGGER tickets_not_changed
BEFORE UPDATE OF arrival, till, number, key, sha256, accepted_at ON tickets
BEGIN
  SELECT RAISE(ABORT, 'what identifies a ticket is never changed');
END;

-- name: migration_1_tickets_stay_sent
CREATE TRIGGER tickets_stay_sent BEFORE UPDATE OF state ON tickets
WHEN OLD.state = 'sent' AND NEW.state <> 'sent'
BEGIN
  SELECT RAISE(ABORT, 'a ticket that the server has stored stays sent');
END;

-- name: migration_1_tickets_not_deleted
CREATE TRIGGER tickets_not_deleted BEFORE DELETE ON tickets
WHEN OLD.state <> 'sent'
BEGIN
  SELECT RAISE(ABORT, 'a ticket that was not sent is never deleted');
END;

-- name: migration_1_tickets_not_replaced
CREATE TRIGGER tickets_not_replaced BEFORE INSERT ON tickets
WHEN EXISTS (SELECT 1 FROM tickets WHERE arrival = NEW.arrival)
  OR EXISTS (SELECT 1 FROM tickets WHERE till = NEW.till AND number = NEW.number)
BEGIN
  SELECT RAISE(ABORT, 'a ticket is never replaced by another');
END;

-- name: migration_1_payloads_not_changed
CREATE TRIGGER payloads_not_changed BEFORE UPDATE ON payloads
BEGIN
  SELECT RAISE(ABORT, 'the bytes of a ticket are never changed');
END;

-- name: migration_1_payloads_not_deleted
CREATE TRIGGER payloads_not_deleted BEFORE DELETE ON payloads
WHEN EXISTS (SELECT 1 FROM tickets WHERE arrival = OLD.arrival AND state <> 'sent')
BEGIN
  SELECT RAISE(ABORT, 'the bytes of a ticket that was not sent are never deleted');
END;

-- name: migration_1_payloads_not_replaced
CREATE TRIGGER payloads_not_replaced BEFORE INSERT ON payloads
WHEN EXISTS (SELECT 1 FROM payloads WHERE arrival = NEW.arrival)
BEGIN
  SELECT RAISE(ABORT, 'the bytes of a ticket are never replaced');
END;

-- AUTOINCREMENT: a seq that paging has seen is never given again, even when all rows are gone.

-- name: migration_1_history
CREATE TABLE history (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  till TEXT NOT NULL,
  at REAL NOT NULL,
  event TEXT NOT NULL,
  states TEXT NOT NULL,
  taken TEXT NOT NULL,
  dull INTEGER NOT NULL,
  detail TEXT NOT NULL
);

-- name: migration_1_history_by_till
CREATE INDEX history_by_till ON history (till, dull, seq);

-- name: migration_1_snapshots
CREATE TABLE snapshots (
  till TEXT NOT NULL PRIMARY KEY,
  at REAL NOT NULL,
  text TEXT NOT NULL
);

-- Version 2: messages and offers for the till, and the day's proof.
--
-- A message is known by its id for one till. Its texts are never changed; four times say how far
-- it came, told_at when the server told it last.

-- name: migration_2_messages
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  till TEXT NOT NULL,
  id TEXT NOT NULL,
  at TEXT NOT NULL,
  level TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  received_at REAL NOT NULL,
  told_at REAL NOT NULL,
  shown_at REAL,
  read_at REAL,
  acknowledged_at REAL
);

-- name: migration_2_messages_by_id
CREATE UNIQUE INDEX messages_by_id ON messages (till, id);

-- name: migration_2_messages_by_till
CREATE INDEX messages_by_till ON messages (till, seq);

-- name: migration_2_messages_unread
CREATE INDEX messages_unread ON messages (till, seq) WHERE read_at IS NULL;

-- name: migration_2_messages_told
CREATE INDEX messages_told ON messages (till, seq) WHERE acknowledged_at IS NULL;

-- One row per customer that was asked about; customer '' holds the general offers. A row that is
-- replaced gets a new seq: the lowest was asked about the longest ago.

-- name: migration_2_offers
CREATE TABLE offers (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  till TEXT NOT NULL,
  customer TEXT NOT NULL,
  as_of REAL NOT NULL,
  offers TEXT NOT NULL
);

-- name: migration_2_offers_by_customer
CREATE UNIQUE INDEX offers_by_customer ON offers (till, customer);

-- name: migration_2_offers_by_age
CREATE INDEX offers_by_age ON offers (till, seq) WHERE customer <> '';

-- name: migration_2_tickets_by_time
CREATE INDEX tickets_by_time ON tickets (till, accepted_at);

-- name: migration_2_journal_offline
CREATE INDEX journal_offline ON journal (seq) WHERE kind IN ('offline_began', 'offline_ended');

-- name: journal_head
SELECT seq, hash FROM journal_head WHERE one = 1;

-- name: journal_add
INSERT INTO journal (seq, at, till, kind, subject, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: journal_head_moves
UPDATE journal_head SET seq = ?, hash = ? WHERE one = 1;

-- name: journal_entries
SELECT seq, at, till, kind, subject, previous, hash FROM journal ORDER BY seq;

-- name: journal_part
SELECT seq, at, till, kind, subject, previous, hash FROM journal
WHERE seq > ? AND seq <= ? ORDER BY seq;

-- name: ticket_identity
SELECT key, sha256 FROM tickets WHERE till = ? AND number = ?;

-- name: ticket_add
INSERT INTO tickets (arrival, till, number, key, sha256, accepted_at, state, attempts)
VALUES (?, ?, ?, ?, ?, ?, 'pending', 0);

-- name: payload_add
INSERT INTO payloads (arrival, payload) VALUES (?, ?);

-- name: tickets_pending
SELECT tickets.till, number, key, payload, sha256, attempted_at, attempts
FROM tickets JOIN payloads ON payloads.arrival = tickets.arrival
WHERE tickets.till = ? AND state = 'pending'
ORDER BY tickets.arrival LIMIT ?;

-- name: tickets_by_number
SELECT number, key, sha256, attempts, state FROM tickets
WHERE till = ? AND number IN (SELECT value FROM json_each(?))
ORDER BY arrival;

-- name: tickets_attempted
UPDATE tickets SET attempts = attempts + 1, attempted_at = ?, batch = ?
WHERE till = ? AND number IN (SELECT value FROM json_each(?));

-- name: tickets_in
SELECT number FROM tickets
WHERE till = ? AND batch = ? AND state = 'pending'
  AND number IN (SELECT value FROM json_each(?))
ORDER BY arrival;

-- name: ticket_withdrawn
UPDATE tickets SET attempted_at = ? WHERE till = ? AND number = ?;

-- name: tickets_sent
UPDATE tickets SET state = 'sent', settled_at = ?, batch = ?
WHERE till = ? AND number IN (SELECT value FROM json_each(?));

-- name: ticket_refused
UPDATE tickets SET state = 'refused', settled_at = ?, batch = ?, code = ?, message = ?
WHERE till = ? AND number = ?;

-- name: counters_grow
UPDATE counters SET pending = pending + 1,
  first_number = CASE WHEN first_number > ? THEN ? ELSE first_number END,
  last_number = CASE WHEN last_number < ? THEN ? ELSE last_number END
WHERE till = ?;

-- name: counters_begin
INSERT INTO counters (till, pending, sent, refused, first_number, last_number)
VALUES (?, 1, 0, 0, ?, ?);

-- name: counters_settled
UPDATE counters SET pending = pending - ?, refused = refused + ?, sent = sent + ? WHERE till = ?;

-- name: counters_of
SELECT pending, refused, sent, first_number, last_number FROM counters WHERE till = ?;

-- name: oldest_pending
SELECT accepted_at FROM tickets WHERE till = ? AND state = 'pending' ORDER BY arrival LIMIT 1;

-- Rows that come by the hundred come as one JSON array: between two statements the thread that
-- runs them may have to wait for its turn, and does not within one.

-- name: history_add
INSERT INTO history (till, at, event, states, taken, dull, detail)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
  json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
  json_extract(value, '$[6]')
FROM json_each(?) ORDER BY key;

-- name: history_trim
DELETE FROM history WHERE seq IN (
  SELECT old.seq FROM json_each(?) AS grown
  JOIN history AS old ON old.till = grown.value AND old.dull = ?
  WHERE old.seq <= (
    SELECT seq FROM history WHERE till = grown.value AND dull = ?
    ORDER BY seq DESC LIMIT 1 OFFSET ?));

-- name: history_recent
SELECT till, at, event, states, taken, dull, detail, seq FROM history
WHERE till = ? AND dull <= ? AND seq < ? ORDER BY seq DESC LIMIT ?;

-- name: history_newest
SELECT at FROM history ORDER BY seq DESC LIMIT 1;

-- name: snapshots_drop
DELETE FROM snapshots WHERE till IN (SELECT value FROM json_each(?));

-- name: snapshots_add
INSERT INTO snapshots (till, text, at)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
FROM json_each(?);

-- name: snapshots_all
SELECT till, text FROM snapshots ORDER BY till;

-- name: message_add
INSERT INTO messages (till, id, at, level, title, text, received_at, told_at)
SELECT ?, ?, ?, ?, ?, ?, ?, ?
WHERE NOT EXISTS (SELECT 1 FROM messages WHERE till = ? AND id = ?);

-- name: message_told
UPDATE messages SET told_at = ? WHERE till = ? AND id = ?;

-- name: message_acknowledged
UPDATE messages SET acknowledged_at = ? WHERE till = ? AND id = ? AND acknowledged_at IS NULL;

-- name: message_shown
UPDATE messages SET shown_at = ? WHERE till = ? AND id = ? AND shown_at IS NULL;

-- name: message_read
UPDATE messages SET read_at = ? WHERE till = ? AND id = ? AND read_at IS NULL;

-- name: message_there
SELECT 1 FROM messages WHERE till = ? AND id = ?;

-- name: messages_to_acknowledge
SELECT id FROM messages WHERE till = ? AND acknowledged_at IS NULL ORDER BY seq;

-- name: messages_unread_count
SELECT COUNT(*) FROM messages WHERE till = ? AND read_at IS NULL;

-- name: messages_unread
SELECT id, at, level, title, text, received_at, shown_at, read_at, acknowledged_at, seq
FROM messages WHERE till = ? AND read_at IS NULL ORDER BY seq;

-- name: messages_all
SELECT id, at, level, title, text, received_at, shown_at, read_at, acknowledged_at, seq
FROM messages WHERE till = ? AND seq < ? ORDER BY seq DESC LIMIT ?;

-- name: messages_old
DELETE FROM messages
WHERE till = ? AND acknowledged_at IS NOT NULL AND read_at < ? AND told_at < ?;

-- name: messages_trim
DELETE FROM messages
WHERE till = ? AND acknowledged_at IS NOT NULL AND read_at IS NOT NULL AND told_at < ? AND seq <= (
  SELECT seq FROM messages WHERE till = ? ORDER BY seq DESC LIMIT 1 OFFSET ?);

-- name: offers_drop
DELETE FROM offers WHERE till = ? AND customer = ?;

-- name: offers_add
INSERT INTO offers (till, customer, as_of, offers) VALUES (?, ?, ?, ?);

-- name: offers_of
SELECT as_of, offers FROM offers WHERE till = ? AND customer = ?;

-- name: offers_trim
DELETE FROM offers WHERE till = ? AND customer <> '' AND seq <= (
  SELECT seq FROM offers WHERE till = ? AND customer <> '' ORDER BY seq DESC LIMIT 1 OFFSET ?);

-- name: day_tickets
SELECT number, sha256, state, COALESCE(LENGTH(payload), 0)
FROM tickets LEFT JOIN payloads ON payloads.arrival = tickets.arrival
WHERE till = ? AND accepted_at >= ? AND accepted_at < ?
ORDER BY number;

-- name: ticket_numbers
SELECT number, sha256, state FROM tickets WHERE till = ? AND number BETWEEN ? AND ? ORDER BY number;

-- name: number_before
SELECT MAX(number) FROM tickets WHERE till = ? AND number < ?;

-- name: offline_entries
SELECT at, till, kind FROM journal
WHERE kind IN ('offline_began', 'offline_ended') ORDER BY seq;

-- name: number_after
SELECT MIN(number) FROM tickets WHERE till = ? AND number > ?;

-- name: day_payloads
SELECT number, sha256, payload
FROM tickets JOIN payloads ON payloads.arrival = tickets.arrival
WHERE till = ? AND accepted_at >= ? AND accepted_at < ?
ORDER BY number;

-- name: journal_of_tickets
SELECT at, till, kind, subject FROM journal WHERE kind IN ('accepted', 'acknowledged') ORDER BY seq;
