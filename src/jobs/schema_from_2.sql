-- Brings an embedded job store of version 2 to version 3. What the tables are is in schema.sql.

CREATE TABLE suspects (process INTEGER PRIMARY KEY, claim INTEGER NOT NULL);
CREATE TABLE deaths (job INTEGER PRIMARY KEY, count INTEGER NOT NULL);

DELETE FROM rescues WHERE rescued <=
  (SELECT max(latest.rescued) FROM rescues AS latest WHERE latest.job = rescues.job) - 3600000;
