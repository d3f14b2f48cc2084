-- Brings an embedded job store of version 1 to version 2. What the tables are is in schema.sql.

ALTER TABLE dead ADD COLUMN callback_jid TEXT;
CREATE INDEX dead_by_age ON dead (died, job);

CREATE TABLE callbacks_schedule (
  due INTEGER NOT NULL,
  job INTEGER NOT NULL,
  jid TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (due, job)
) WITHOUT ROWID;

CREATE TABLE stored_payloads (
  reference TEXT PRIMARY KEY,
  job INTEGER,
  process INTEGER
) WITHOUT ROWID;
CREATE INDEX stored_payloads_by_job ON stored_payloads (job) WHERE job IS NOT NULL;
CREATE INDEX stored_payloads_unused ON stored_payloads (reference) WHERE job IS NULL;
