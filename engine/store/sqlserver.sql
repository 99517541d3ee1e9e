-- The till's database in SQL Server's dialect, of the kind that every version from 2016 on has.
--
-- Each name holds one statement, with the parameters of the same name in sqlite.sql in the same
-- order. The schema is called tillwire here; another name takes its place when the file is read.
-- No MERGE and no lock hints: one process writes, and what it decides on it has read itself.
-- Names are compared byte by byte, as on SQLite. A trigger that says no undoes the transaction.

-- name: schema_exists
SELECT CASE WHEN OBJECT_ID(N'tillwire.tillwire_schema', N'U') IS NULL THEN 0 ELSE 1 END;

-- name: schema_version
SELECT MAX(version) FROM tillwire.tillwire_schema;

-- name: schema_reached
INSERT INTO tillwire.tillwire_schema (version) VALUES (?);

-- name: migration_1_schema
CREATE TABLE tillwire.tillwire_schema (version INT NOT NULL PRIMARY KEY);

-- name: migration_1_journal
CREATE TABLE tillwire.journal (
  seq BIGINT NOT NULL PRIMARY KEY,
  at FLOAT(53) NOT NULL,
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  kind NVARCHAR(32) COLLATE Latin1_General_BIN2 NOT NULL,
  subject NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL,
  previous NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  hash NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL
);

-- name: migration_1_journal_head
CREATE TABLE tillwire.journal_head (
  one INT NOT NULL PRIMARY KEY CHECK (one = 1),
  seq BIGINT NOT NULL,
  hash NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL
);

-- name: migration_1_journal_head_row
INSERT INTO tillwire.journal_head (one, seq, hash)
VALUES (1, 0, N'0000000000000000000000000000000000000000000000000000000000000000');

-- name: migration_1_journal_not_changed
CREATE TRIGGER tillwire.journal_not_changed ON tillwire.journal AFTER UPDATE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (SELECT 1 FROM deleted)
    THROW 50001, N'an entry of the journal is never changed', 1;
END;

-- name: migration_1_journal_not_deleted
CREATE TRIGGER tillwire.journal_not_deleted ON tillwire.journal AFTER DELETE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (SELECT 1 FROM deleted)
    THROW 50001, N'an entry of the journal is never deleted', 1;
END;

-- name: migration_1_journal_not_replaced
CREATE TRIGGER tillwire.journal_not_replaced ON tillwire.journal AFTER INSERT AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (
    SELECT 1 FROM inserted WHERE seq <=
      (SELECT MAX(seq) FROM tillwire.journal) - (SELECT COUNT(*) FROM inserted))
    THROW 50001, N'an entry of the journal is only ever added at its end', 1;
END;

-- name: migration_1_journal_head_not_deleted
CREATE TRIGGER tillwire.journal_head_not_deleted ON tillwire.journal_head AFTER DELETE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (SELECT 1 FROM deleted)
    THROW 50001, N'the head of the journal is never deleted', 1;
END;

-- name: migration_1_tickets
CREATE TABLE tillwire.tickets (
  arrival BIGINT NOT NULL PRIMARY KEY,
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  number BIGINT NOT NULL,
  [key] NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL,
  sha256 NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  accepted_at FLOAT(53) NOT NULL,
  state NVARCHAR(8) COLLATE Latin1_General_BIN2 NOT NULL
    CHECK (state IN (N'pending', N'sent', N'refused')),
  attempts INT NOT NULL,
  attempted_at FLOAT(53),
  batch NVARCHAR(64) COLLATE Latin1_General_BIN2,
  settled_at FLOAT(53),
  code NVARCHAR(4000) COLLATE Latin1_General_BIN2,
  message NVARCHAR(4000) COLLATE Latin1_General_BIN2
);

-- name: migration_1_tickets_by_number
CREATE UNIQUE INDEX tickets_by_number ON tillwire.tickets (till, number);

-- name: migration_1_tickets_pending
CREATE INDEX tickets_pending ON tillwire.tickets (till, arrival) WHERE state = N'pending';

-- name: migration_1_payloads
CREATE TABLE tillwire.payloads (
  arrival BIGINT NOT NULL PRIMARY KEY REFERENCES tillwire.tickets (arrival),
  payload VARBINARY(MAX) NOT NULL
);

-- name: migration_1_counters
CREATE TABLE tillwire.counters (
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
  pending INT NOT NULL,
  sent INT NOT NULL,
  refused INT NOT NULL,
  first_number BIGINT NOT NULL,
  last_number BIGINT NOT NULL
);

-- name: migration_1_tickets_not_changed
CREATE TRIGGER tillwire.tickets_not_changed ON tillwire.tickets AFTER UPDATE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (
    SELECT arrival, till, number, [key], sha256, accepted_at FROM deleted
    EXCEPT SELECT arrival, till, number, [key], sha256, accepted_at FROM inserted)
    THROW 50001, N'what identifies a ticket is never changed', 1;
END;

-- name: migration_1_tickets_stay_sent
CREATE TRIGGER tillwire.tickets_stay_sent ON tillwire.tickets AFTER UPDATE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (
    SELECT 1 FROM deleted JOIN inserted ON inserted.arrival = deleted.arrival
    WHERE deleted.state = N'sent' AND inserted.state <> N'sent')
    THROW 50001, N'a ticket that the server has stored stays sent', 1;
END;

-- name: migration_1_tickets_not_deleted
CREATE TRIGGER tillwire.tickets_not_deleted ON tillwire.tickets AFTER DELETE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (SELECT 1 FROM deleted WHERE state <> N'sent')
    THROW 50001, N'a ticket that was not sent is never deleted', 1;
END;

-- name: migration_1_payloads_not_changed
CREATE TRIGGER tillwire.payloads_not_changed ON tillwire.payloads AFTER UPDATE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (SELECT 1 FROM deleted)
    THROW 50001, N'the bytes of a ticket are never changed', 1;
END;

-- name: migration_1_payloads_not_deleted
CREATE TRIGGER tillwire.payloads_not_deleted ON tillwire.payloads AFTER DELETE AS
BEGIN
  SET NOCOUNT ON;
  IF EXISTS (
    SELECT 1 FROM deleted JOIN tillwire.tickets ON tickets.arrival = deleted.arrival
    WHERE tickets.state <> N'sent')
    THROW 50001, N'the bytes of a ticket that was not sent are never deleted', 1;
END;

-- name: migration_1_history
CREATE TABLE tillwire.history (
  seq BIGINT IDENTITY(1, 1) NOT NULL PRIMARY KEY,
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  at FLOAT(53) NOT NULL,
  event NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL,
  states NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL,
  taken NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL,
  dull INT NOT NULL,
  detail NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL
);

-- name: migration_1_history_by_till
CREATE INDEX history_by_till ON tillwire.history (till, dull, seq);

-- name: migration_1_snapshots
CREATE TABLE tillwire.snapshots (
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
  at FLOAT(53) NOT NULL,
  text NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL
);

-- name: migration_2_messages
CREATE TABLE tillwire.messages (
  seq BIGINT IDENTITY(1, 1) NOT NULL PRIMARY KEY,
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  id NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL,
  at NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL,
  level NVARCHAR(200) COLLATE Latin1_General_BIN2 NOT NULL,
  title NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL,
  text NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL,
  received_at FLOAT(53) NOT NULL,
  told_at FLOAT(53) NOT NULL,
  shown_at FLOAT(53),
  read_at FLOAT(53),
  acknowledged_at FLOAT(53)
);

-- name: migration_2_messages_by_id
CREATE UNIQUE INDEX messages_by_id ON tillwire.messages (till, id);

-- name: migration_2_messages_by_till
CREATE INDEX messages_by_till ON tillwire.messages (till, seq);

-- name: migration_2_messages_unread
CREATE INDEX messages_unread ON tillwire.messages (till, seq) WHERE read_at IS NULL;

-- name: migration_2_messages_told
CREATE INDEX messages_told ON tillwire.messages (till, seq) WHERE acknowledged_at IS NULL;

-- name: migration_2_offers
CREATE TABLE tillwire.offers (
  seq BIGINT IDENTITY(1, 1) NOT NULL PRIMARY KEY,
  till NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  customer NVARCHAR(400) COLLATE Latin1_General_BIN2 NOT NULL,
  as_of FLOAT(53) NOT NULL,
  offers NVARCHAR(MAX) COLLATE Latin1_General_BIN2 NOT NULL
);

-- name: migration_2_offers_by_customer
CREATE UNIQUE INDEX offers_by_customer ON tillwire.offers (till, customer);

-- name: migration_2_offers_by_age
CREATE INDEX offers_by_age ON tillwire.offers (till, seq) WHERE customer <> N'';

-- name: migration_2_tickets_by_time
CREATE INDEX tickets_by_time ON tillwire.tickets (till, accepted_at);

-- name: migration_2_journal_offline
CREATE INDEX journal_offline ON tillwire.journal (seq)
WHERE kind IN (N'offline_began', N'offline_ended');

-- name: journal_head
SELECT seq, hash FROM tillwire.journal_head WHERE one = 1;

-- name: journal_add
INSERT INTO tillwire.journal (seq, at, till, kind, subject, previous, hash)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: journal_head_moves
UPDATE tillwire.journal_head SET seq = ?, hash = ? WHERE one = 1;

-- name: journal_entries
SELECT seq, at, till, kind, subject, previous, hash FROM tillwire.journal ORDER BY seq;

-- name: journal_part
SELECT seq, at, till, kind, subject, previous, hash FROM tillwire.journal
WHERE seq > ? AND seq <= ? ORDER BY seq;

-- name: ticket_identity
SELECT [key], sha256 FROM tillwire.tickets WHERE till = ? AND number = ?;

-- name: ticket_add
INSERT INTO tillwire.tickets (arrival, till, number, [key], sha256, accepted_at, state, attempts)
VALUES (?, ?, ?, ?, ?, ?, N'pending', 0);

-- name: payload_add
INSERT INTO tillwire.payloads (arrival, payload) VALUES (?, ?);

-- name: tickets_pending
SELECT tickets.till, number, [key], payload, sha256, attempted_at, attempts
FROM tillwire.tickets JOIN tillwire.payloads ON payloads.arrival = tickets.arrival
WHERE tickets.till = ? AND state = N'pending'
ORDER BY tickets.arrival OFFSET 0 ROWS FETCH NEXT ? ROWS ONLY;

-- name: tickets_by_number
SELECT number, [key], sha256, attempts, state FROM tillwire.tickets
WHERE till = ? AND number IN (SELECT CAST(value AS BIGINT) FROM OPENJSON(CAST(? AS NVARCHAR(MAX))))
ORDER BY arrival;

-- name: tickets_attempted
UPDATE tillwire.tickets SET attempts = attempts + 1, attempted_at = ?, batch = ?
WHERE till = ? AND number IN (SELECT CAST(value AS BIGINT) FROM OPENJSON(CAST(? AS NVARCHAR(MAX))));

-- name: tickets_in
SELECT number FROM tillwire.tickets
WHERE till = ? AND batch = ? AND state = N'pending'
  AND number IN (SELECT CAST(value AS BIGINT) FROM OPENJSON(CAST(? AS NVARCHAR(MAX))))
ORDER BY arrival;

-- name: ticket_withdrawn
UPDATE tillwire.tickets SET attempted_at = ? WHERE till = ? AND number = ?;

-- name: tickets_sent
UPDATE tillwire.tickets SET state = N'sent', settled_at = ?, batch = ?
WHERE till = ? AND number IN (SELECT CAST(value AS BIGINT) FROM OPENJSON(CAST(? AS NVARCHAR(MAX))));

-- name: ticket_refused
UPDATE tillwire.tickets SET state = N'refused', settled_at = ?, batch = ?, code = ?, message = ?
WHERE till = ? AND number = ?;

-- name: counters_grow
UPDATE tillwire.counters SET pending = pending + 1,
  first_number = CASE WHEN first_number > ? THEN ? ELSE first_number END,
  last_number = CASE WHEN last_number < ? THEN ? ELSE last_number END
WHERE till = ?;

-- name: counters_begin
INSERT INTO tillwire.counters (till, pending, sent, refused, first_number, last_number)
VALUES (?, 1, 0, 0, ?, ?);

-- name: counters_settled
UPDATE tillwire.counters SET pending = pending - ?, refused = refused + ?, sent = sent + ?
WHERE till = ?;

-- name: counters_of
SELECT pending, refused, sent, first_number, last_number FROM tillwire.counters WHERE till = ?;

-- name: oldest_pending
SELECT accepted_at FROM tillwire.tickets WHERE till = ? AND state = N'pending'
ORDER BY arrival OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY;

-- name: history_add
INSERT INTO tillwire.history (till, at, event, states, taken, dull, detail)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: history_trim
DELETE FROM tillwire.history WHERE seq IN (
  SELECT old.seq FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) AS grown
  JOIN tillwire.history AS old
    ON old.till = CAST(grown.value AS NVARCHAR(64)) COLLATE Latin1_General_BIN2 AND old.dull = ?
  WHERE old.seq <= (
    SELECT seq FROM tillwire.history
    WHERE till = CAST(grown.value AS NVARCHAR(64)) COLLATE Latin1_General_BIN2 AND dull = ?
    ORDER BY seq DESC OFFSET ? ROWS FETCH NEXT 1 ROWS ONLY));

-- name: history_recent
SELECT till, at, event, states, taken, dull, detail, seq FROM tillwire.history
WHERE till = ? AND dull <= ? AND seq < ? ORDER BY seq DESC OFFSET 0 ROWS FETCH NEXT ? ROWS ONLY;

-- name: history_newest
SELECT TOP (1) at FROM tillwire.history ORDER BY seq DESC;

-- name: snapshots_drop
DELETE FROM tillwire.snapshots WHERE till IN (
  SELECT CAST(value AS NVARCHAR(64)) COLLATE Latin1_General_BIN2
  FROM OPENJSON(CAST(? AS NVARCHAR(MAX))));

-- name: snapshots_add
INSERT INTO tillwire.snapshots (till, text, at) VALUES (?, ?, ?);

-- name: snapshots_all
SELECT till, text FROM tillwire.snapshots ORDER BY till;

-- name: message_add
INSERT INTO tillwire.messages (till, id, at, level, title, text, received_at, told_at)
SELECT ?, ?, ?, ?, ?, ?, ?, ?
WHERE NOT EXISTS (SELECT 1 FROM tillwire.messages WHERE till = ? AND id = ?);

-- name: message_told
UPDATE tillwire.messages SET told_at = ? WHERE till = ? AND id = ?;

-- name: message_acknowledged
UPDATE tillwire.messages SET acknowledged_at = ?
WHERE till = ? AND id = ? AND acknowledged_at IS NULL;

-- name: message_shown
UPDATE tillwire.messages SET shown_at = ? WHERE till = ? AND id = ? AND shown_at IS NULL;

-- name: message_read
UPDATE tillwire.messages SET read_at = ? WHERE till = ? AND id = ? AND read_at IS NULL;

-- name: message_there
SELECT 1 FROM tillwire.messages WHERE till = ? AND id = ?;

-- name: messages_to_acknowledge
SELECT id FROM tillwire.messages WHERE till = ? AND acknowledged_at IS NULL ORDER BY seq;

-- name: messages_unread_count
SELECT COUNT(*) FROM tillwire.messages WHERE till = ? AND read_at IS NULL;

-- name: messages_unread
SELECT id, at, level, title, text, received_at, shown_at, read_at, acknowledged_at, seq
FROM tillwire.messages WHERE till = ? AND read_at IS NULL ORDER BY seq;

-- name: messages_all
SELECT id, at, level, title, text, received_at, shown_at, read_at, acknowledged_at, seq
FROM tillwire.messages WHERE till = ? AND seq < ?
ORDER BY seq DESC OFFSET 0 ROWS FETCH NEXT ? ROWS ONLY;

-- name: messages_old
DELETE FROM tillwire.messages
WHERE till = ? AND acknowledged_at IS NOT NULL AND read_at < ? AND told_at < ?;

-- name: messages_trim
DELETE FROM tillwire.messages
WHERE till = ? AND acknowledged_at IS NOT NULL AND read_at IS NOT NULL AND told_at < ? AND seq <= (
  SELECT seq FROM tillwire.messages WHERE till = ?
  ORDER BY seq DESC OFFSET ? ROWS FETCH NEXT 1 ROWS ONLY);

-- name: offers_drop
DELETE FROM tillwire.offers WHERE till = ? AND customer = ?;

-- name: offers_add
INSERT INTO tillwire.offers (till, customer, as_of, offers) VALUES (?, ?, ?, ?);

-- name: offers_of
SELECT as_of, offers FROM tillwire.offers WHERE till = ? AND customer = ?;

-- name: offers_trim
DELETE FROM tillwire.offers WHERE till = ? AND customer <> N'' AND seq <= (
  SELECT seq FROM tillwire.offers WHERE till = ? AND customer <> N''
  ORDER BY seq DESC OFFSET ? ROWS FETCH NEXT 1 ROWS ONLY);

-- name: day_tickets
SELECT number, sha256, state, COALESCE(DATALENGTH(payload), 0)
FROM tillwire.tickets LEFT JOIN tillwire.payloads ON payloads.arrival = tickets.arrival
WHERE till = ? AND accepted_at >= ? AND accepted_at < ?
ORDER BY number;

-- name: ticket_numbers
SELECT number, sha256, state FROM tillwire.tickets
WHERE till = ? AND number BETWEEN ? AND ? ORDER BY number;

-- name: number_before
SELECT MAX(number) FROM tillwire.tickets WHERE till = ? AND number < ?;

-- name: offline_entries
SELECT at, till, kind FROM tillwire.journal
WHERE kind IN (N'offline_began', N'offline_ended') ORDER BY seq;

-- name: number_after
SELECT MIN(number) FROM tillwire.tickets WHERE till = ? AND number > ?;

-- name: day_payloads
SELECT number, sha256, payload
FROM tillwire.tickets JOIN tillwire.payloads ON payloads.arrival = tickets.arrival
WHERE till = ? AND accepted_at >= ? AND accepted_at < ?
ORDER BY number;

-- name: journal_of_tickets
SELECT at, till, kind, subject FROM tillwire.journal
WHERE kind IN (N'accepted', N'acknowledged') ORDER BY seq;
