-- Times are nanoseconds since 1970. `sealed` is data with a checksum that covers its row as well,
-- see checksum.rs. Table `spent` is in claim_rows.rs.

-- In the order of their answers, so that the oldest are first. `digest` is that of the claim key,
-- `token` that of the idempotency token of the first delivery.
CREATE TABLE claim (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  at INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  token INTEGER
);

-- `hour` is `updated` in hours: an index on it seldom changes with the row.
CREATE TABLE execution (
  id INTEGER PRIMARY KEY,
  sid TEXT NOT NULL UNIQUE,
  session TEXT NOT NULL,
  flow TEXT NOT NULL,
  revision TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  active INTEGER NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  due INTEGER,
  sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX execution_active ON execution (session) WHERE active = 1;
CREATE INDEX execution_listed ON execution (flow, created, sid);
CREATE INDEX execution_due ON execution (due, sid) WHERE due IS NOT NULL;
CREATE INDEX execution_hour ON execution (hour);
CREATE INDEX execution_revision ON execution (revision);

-- The steps of an execution are adjacent on the disk; `number` orders those of one time.
CREATE TABLE step (
  execution INTEGER NOT NULL,
  at INTEGER NOT NULL,
  number INTEGER NOT NULL,
  sid TEXT NOT NULL,
  name TEXT NOT NULL,
  "from" TEXT NOT NULL,
  "to" TEXT NOT NULL,
  kind TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (execution, at, number)
) WITHOUT ROWID;

CREATE TABLE flow (
  revision TEXT PRIMARY KEY,
  definition TEXT NOT NULL,
  unused_since INTEGER
) WITHOUT ROWID;

-- One row, written to see whether the file can be written.
CREATE TABLE probe (id INTEGER PRIMARY KEY, count INTEGER NOT NULL);
INSERT INTO probe VALUES (1, 0);
