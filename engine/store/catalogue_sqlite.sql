-- The catalogue's own tables in SQLite's dialect. The tables of the datasets are made by
-- catalogue_tables.py from their declarations.
--
-- Times are wall-clock seconds since 1970.

-- name: foreign_tables
SELECT COUNT(*) FROM sqlite_master
WHERE NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'tillwire_catalogue');

-- name: schema_version
SELECT MAX(version) FROM tillwire_catalogue;

-- name: schema_reached
INSERT INTO tillwire_catalogue (version) VALUES (?);

-- name: migration_1_catalogue
CREATE TABLE tillwire_catalogue (version INTEGER NOT NULL PRIMARY KEY);

-- What each live table holds. shape tells which declaration it was built from.

-- name: migration_1_loaded
CREATE TABLE tillwire_loaded (
  dataset TEXT NOT NULL PRIMARY KEY,
  shape TEXT NOT NULL,
  version INTEGER NOT NULL,
  at REAL NOT NULL,
  row_count INTEGER NOT NULL
) WITHOUT ROWID;

-- name: migration_1_loads
CREATE TABLE tillwire_loads (
  number INTEGER NOT NULL PRIMARY KEY,
  started REAL NOT NULL,
  ended REAL NOT NULL,
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  sentence TEXT NOT NULL,
  row_count INTEGER NOT NULL,
  byte_count INTEGER NOT NULL
);

-- A table that somebody dropped by hand is not loaded.

-- name: loaded
SELECT dataset, shape, version, at, row_count FROM tillwire_loaded
WHERE EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = dataset);

-- name: loaded_now
INSERT INTO tillwire_loaded (dataset, shape, version, at, row_count) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (dataset) DO UPDATE SET shape = excluded.shape, version = excluded.version,
  at = excluded.at, row_count = excluded.row_count;

-- name: table_exists
SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?;

-- Names of staged and of replaced tables and of the indexes of both, live ones included.

-- name: numbered_names
SELECT name FROM sqlite_master WHERE name GLOB 'tillwire_*_[0-9]*';

-- name: leftover_tables
SELECT name FROM sqlite_master
WHERE type = 'table' AND (name GLOB 'tillwire_new_[0-9]*' OR name GLOB 'tillwire_old_[0-9]*')
ORDER BY name;

-- name: indexes_of
SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL;

-- name: record_add
INSERT INTO tillwire_loads
  (started, ended, kind, outcome, sentence, row_count, byte_count)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: records_forget
DELETE FROM tillwire_loads
WHERE number <= (SELECT MAX(number) FROM tillwire_loads) - ?;

-- name: records
SELECT started, ended, kind, outcome, sentence, row_count, byte_count FROM tillwire_loads
ORDER BY number DESC LIMIT ?;
