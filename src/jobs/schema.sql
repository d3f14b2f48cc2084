-- The embedded job store, version 3 (PRAGMA user_version). schema_from_*.sql bring an older file here.
--
-- A job is in exactly one of ready, in_flight, schedule, dead, callbacks_ready, callbacks_running,
-- callbacks_schedule.
-- Those tables are narrow, so that moving a job from state to state touches few pages; its bytes
-- are in payloads, written when it is pushed and once more when it has become a callback.

-- One row: the next number for jobs and for positions. Numbers are never used again, so a job
-- keeps its place: released to its old position it is at the front again, in the original order.
CREATE TABLE sequence (next INTEGER NOT NULL);
INSERT INTO sequence (next) VALUES (1);

-- Who has opened the file. A process is alive as long as it holds the lock on its own file,
-- "<database>.process-<last part of its name>.lock". Numbers are never used again.
CREATE TABLE processes (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  is_exclusive INTEGER NOT NULL
);

-- The jids that are known, until the callback has ended for good.
CREATE TABLE jids (jid TEXT PRIMARY KEY, job INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE payloads (job INTEGER PRIMARY KEY, jid TEXT NOT NULL, bytes BLOB NOT NULL);

CREATE TABLE ready (position INTEGER PRIMARY KEY, job INTEGER NOT NULL);
CREATE TABLE in_flight (
  process INTEGER NOT NULL,
  claim INTEGER NOT NULL,
  job INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (process, claim)
) WITHOUT ROWID;
CREATE TABLE schedule (
  due INTEGER NOT NULL,  -- milliseconds since 1970, as every time here
  job INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (due, job)
) WITHOUT ROWID;
CREATE TABLE dead (
  job INTEGER PRIMARY KEY,
  died INTEGER NOT NULL,
  reason TEXT NOT NULL,
  callback_jid TEXT  -- of a callback that died; null: it was a request
);
CREATE INDEX dead_by_age ON dead (died, job);

-- Callbacks of our own; jid is the callback job's, payloads.jid stays the request's.
CREATE TABLE callbacks_ready (
  position INTEGER PRIMARY KEY,
  job INTEGER NOT NULL,
  jid TEXT NOT NULL
);
CREATE TABLE callbacks_running (
  process INTEGER NOT NULL,
  claim INTEGER NOT NULL,
  job INTEGER NOT NULL,
  position INTEGER NOT NULL,
  jid TEXT NOT NULL,
  PRIMARY KEY (process, claim)
) WITHOUT ROWID;

-- Callbacks that wait for their next try.
CREATE TABLE callbacks_schedule (
  due INTEGER NOT NULL,
  job INTEGER NOT NULL,
  jid TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (due, job)
) WITHOUT ROWID;

-- What payload stores keep for jobs, as "<store>/<key>". A row is there before the payload, and
-- goes after it, so that none is ever forgotten. Nothing needs a payload whose job is null, and
-- whose process is null or gone.
CREATE TABLE stored_payloads (
  reference TEXT PRIMARY KEY,
  job INTEGER,     -- whose bytes refer to it
  process INTEGER  -- that announced it and has not used it yet
) WITHOUT ROWID;
CREATE INDEX stored_payloads_by_job ON stored_payloads (job) WHERE job IS NOT NULL;
CREATE INDEX stored_payloads_unused ON stored_payloads (reference) WHERE job IS NULL;

-- When each job was taken from a dead process, within the hour before the last time; counted anew
-- for its callback.
CREATE TABLE rescues (
  job INTEGER NOT NULL,
  number INTEGER NOT NULL,
  rescued INTEGER NOT NULL,
  PRIMARY KEY (job, number)
) WITHOUT ROWID;

-- What each process runs as its suspect. A row whose claim has ended means nothing.
CREATE TABLE suspects (process INTEGER PRIMARY KEY, claim INTEGER NOT NULL);
-- How many processes died while they ran the job as their suspect, until it has a result.
CREATE TABLE deaths (job INTEGER PRIMARY KEY, count INTEGER NOT NULL);

CREATE TABLE totals (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
