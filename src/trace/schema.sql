-- Times are microseconds since 1970.

-- A call, an execution, or a message of a route without a flow file. `tail` is the number of the
-- contact, reversed, for searches by its last digits.
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  began INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  execution TEXT NOT NULL,
  route TEXT NOT NULL,
  flow TEXT NOT NULL,
  contact TEXT NOT NULL,
  tail TEXT NOT NULL,
  address TEXT NOT NULL,
  outcome TEXT NOT NULL,
  turns INTEGER NOT NULL,
  slowest INTEGER NOT NULL,
  reason TEXT
);
CREATE INDEX conversation_updated ON conversation (updated);
CREATE INDEX conversation_contact ON conversation (contact, id);
CREATE INDEX conversation_tail ON conversation (tail, id);
CREATE INDEX conversation_route ON conversation (route, id);
CREATE INDEX conversation_flow ON conversation (flow, id);
CREATE INDEX conversation_outcome ON conversation (outcome, id);

-- The sids of a conversation: of its execution, its calls and its messages.
CREATE TABLE sid (
  sid TEXT NOT NULL,
  conversation INTEGER NOT NULL,
  PRIMARY KEY (sid, conversation)
) WITHOUT ROWID;
CREATE INDEX sid_of ON sid (conversation);

-- `entry` is JSON, see entry.rs.
CREATE TABLE exchange (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation INTEGER NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX exchange_of ON exchange (conversation, id);
