// The tables of registry.db, by version. Internal to the layer.
#pragma once

namespace fed::store {

// PRAGMA user_version of a database that this program writes. A change of the tables adds one to it
// and a step to journal.cc's `upgrade`.
inline constexpr int kSchemaVersion = 2;

inline constexpr const char* kSchema = R"sql(
CREATE TABLE clients (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  name         TEXT    NOT NULL,
  channel_key  BLOB    NOT NULL UNIQUE,
  identity_key BLOB    NOT NULL,
  joined_at    INTEGER NOT NULL,
  last_seen    INTEGER NOT NULL,
  revoked_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX clients_by_name ON clients (name) WHERE revoked_at IS NULL;

CREATE TABLE invites (
  id         BLOB    PRIMARY KEY,
  name       TEXT    NOT NULL,
  psk        BLOB,              -- NULL once used
  expires_at INTEGER NOT NULL,
  used_by    INTEGER REFERENCES clients (id)
) STRICT;

CREATE TABLE jobs (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  name           TEXT    NOT NULL UNIQUE,
  spec           TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  reason         INTEGER NOT NULL DEFAULT 0,
  detail         TEXT    NOT NULL DEFAULT '',
  submitted_at   INTEGER NOT NULL,
  changed_at     INTEGER NOT NULL,
  version        INTEGER NOT NULL DEFAULT 0,
  best_version   INTEGER,
  best_value     REAL,
  without_better INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE rounds (
  job          TEXT    NOT NULL REFERENCES jobs (name),
  round        INTEGER NOT NULL,
  attempt      INTEGER NOT NULL,
  state        TEXT    NOT NULL,
  reason       INTEGER NOT NULL DEFAULT 0,
  goal         INTEGER NOT NULL,
  total_weight REAL    NOT NULL,
  opened_at    INTEGER NOT NULL,
  committed_at INTEGER,
  metrics      TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (job, round, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE cohort (
  job      TEXT    NOT NULL,
  round    INTEGER NOT NULL,
  attempt  INTEGER NOT NULL,
  client   INTEGER NOT NULL,
  examples INTEGER NOT NULL,
  PRIMARY KEY (job, round, attempt, client),
  FOREIGN KEY (job, round, attempt) REFERENCES rounds (job, round, attempt)
) STRICT, WITHOUT ROWID;

-- The open tasks of an asynchronous job.
CREATE TABLE tasks (
  job          TEXT    NOT NULL REFERENCES jobs (name),
  task         INTEGER NOT NULL,
  client       INTEGER NOT NULL,
  base_version INTEGER NOT NULL,
  examples     INTEGER NOT NULL,
  PRIMARY KEY (job, task)
) STRICT, WITHOUT ROWID;

-- `round` is the one at work when the update came, and the one it is part of once it is committed.
CREATE TABLE contributions (
  job          TEXT    NOT NULL REFERENCES jobs (name),
  task         INTEGER NOT NULL,
  client       INTEGER NOT NULL,
  round        INTEGER NOT NULL,
  base_version INTEGER NOT NULL DEFAULT 0,
  committed    INTEGER NOT NULL DEFAULT 0,
  examples     INTEGER NOT NULL DEFAULT 0,
  weight       REAL    NOT NULL DEFAULT 0,
  checksum     BLOB    NOT NULL,
  bytes        INTEGER NOT NULL DEFAULT 0,
  outcome      TEXT    NOT NULL,
  reason       INTEGER NOT NULL DEFAULT 0,
  detail       TEXT    NOT NULL DEFAULT '',
  metrics      TEXT    NOT NULL DEFAULT '',
  at           INTEGER NOT NULL,
  PRIMARY KEY (job, task, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX contributions_by_round ON contributions (job, round);
)sql";

// What version 2 adds: what each committed version of a job with differential privacy costs.
inline constexpr const char* kSchemaOfLedger = R"sql(
CREATE TABLE privacy_ledger (
  job              TEXT    NOT NULL REFERENCES jobs (name),
  round            INTEGER NOT NULL,
  mechanism        TEXT    NOT NULL,
  clipping_norm    REAL    NOT NULL,
  noise_multiplier REAL    NOT NULL,
  cost             BLOB    NOT NULL,  -- doubles, little-endian: privacy/rdp.h
  at               INTEGER NOT NULL,
  PRIMARY KEY (job, round)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace fed::store
