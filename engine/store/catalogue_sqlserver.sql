-- The catalogue's own tables in SQL Server's dialect. The tables of the datasets are made by
-- catalogue_tsql.py from their declarations.
--
-- The schema is called tillwire here; another name takes its place when the file is read. Only
-- the catalogue is in it. Times are wall-clock seconds since 1970. No MERGE and no lock hints.

-- name: schema_exists
SELECT CASE WHEN OBJECT_ID(N'tillwire.tillwire_catalogue', N'U') IS NULL THEN 0 ELSE 1 END;

-- name: schema_version
SELECT MAX(version) FROM tillwire.tillwire_catalogue;

-- name: schema_reached
INSERT INTO tillwire.tillwire_catalogue (version) VALUES (?);

-- name: migration_1_catalogue
CREATE TABLE tillwire.tillwire_catalogue (version INT NOT NULL PRIMARY KEY);

-- What each live table holds. shape tells which declaration it was built from.

-- name: migration_1_loaded
CREATE TABLE tillwire.tillwire_loaded (
  dataset NVARCHAR(60) COLLATE Latin1_General_BIN2 NOT NULL PRIMARY KEY,
  shape NVARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL,
  version BIGINT NOT NULL,
  at FLOAT(53) NOT NULL,
  row_count BIGINT NOT NULL
);

-- name: migration_1_loads
CREATE TABLE tillwire.tillwire_loads (
  number BIGINT NOT NULL PRIMARY KEY,
  started FLOAT(53) NOT NULL,
  ended FLOAT(53) NOT NULL,
  kind NVARCHAR(32) NOT NULL,
  outcome NVARCHAR(64) NOT NULL,
  sentence NVARCHAR(MAX) NOT NULL,
  row_count BIGINT NOT NULL,
  byte_count BIGINT NOT NULL
);

-- The last number that a staged or replaced table has had; names of keys are unique in a schema
-- and stay with their table when that is renamed.

-- name: migration_1_numbers
CREATE TABLE tillwire.tillwire_numbers (
  one INT NOT NULL PRIMARY KEY CHECK (one = 1),
  number BIGINT NOT NULL
);

-- name: migration_1_numbers_row
INSERT INTO tillwire.tillwire_numbers (one, number) VALUES (1, 0);

-- name: next_number
UPDATE tillwire.tillwire_numbers SET number = number + 1 OUTPUT inserted.number WHERE one = 1;

-- A table that somebody dropped by hand is not loaded.

-- name: loaded
SELECT dataset, shape, version, at, row_count FROM tillwire.tillwire_loaded
WHERE OBJECT_ID(N'tillwire.' + QUOTENAME(dataset), N'U') IS NOT NULL;

-- name: recorded
SELECT dataset, version, row_count FROM tillwire.tillwire_loaded;

-- name: loaded_again
UPDATE tillwire.tillwire_loaded SET shape = ?, version = ?, at = ?, row_count = ?
WHERE dataset = ? AND version = ?;

-- name: loaded_first
INSERT INTO tillwire.tillwire_loaded (dataset, shape, version, at, row_count)
VALUES (?, ?, ?, ?, ?);

-- name: table_exists
SELECT CASE WHEN OBJECT_ID(N'tillwire.' + QUOTENAME(?), N'U') IS NULL THEN 0 ELSE 1 END;

-- Staged and replaced tables: no dataset can have such a name.

-- name: leftover_tables
SELECT name FROM sys.tables
WHERE schema_id = (
  SELECT schema_id FROM sys.tables WHERE object_id = OBJECT_ID(N'tillwire.tillwire_loaded', N'U'))
AND (name LIKE N'tillwire[_]new[_][0-9]%' OR name LIKE N'tillwire[_]old[_][0-9]%')
ORDER BY name;

-- What the server makes of the signs that stand for others in JSON.

-- name: reads_escapes
SELECT signs FROM OPENJSON(CAST(? AS NVARCHAR(MAX))) WITH (signs NVARCHAR(100) '$[0]');

-- Whether whoever reads sees what was last committed, instead of waiting for what is being
-- changed.

-- name: reads_versions
SELECT CASE WHEN is_read_committed_snapshot_on = 1 THEN 1 ELSE 0 END FROM sys.databases
WHERE database_id = DB_ID();

-- name: record_add
INSERT INTO tillwire.tillwire_loads
  (number, started, ended, kind, outcome, sentence, row_count, byte_count)
VALUES (
  (SELECT COALESCE(MAX(number), 0) + 1 FROM tillwire.tillwire_loads), ?, ?, ?, ?, ?, ?, ?);

-- name: records_forget
DELETE FROM tillwire.tillwire_loads
WHERE number <= (SELECT MAX(number) FROM tillwire.tillwire_loads) - ?;

-- name: records
SELECT TOP (?) started, ended, kind, outcome, sentence, row_count, byte_count
FROM tillwire.tillwire_loads ORDER BY number DESC;
