-- Form 1. `{schema}` is the configured name: every name is qualified, so that no `search_path`
-- matters. Texts that a caller may choose are `bytea`: PostgreSQL's text has no NUL, and sorts by
-- the rules of a language.

CREATE TABLE {schema}.form (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  form int NOT NULL,
  least int NOT NULL
);
INSERT INTO {schema}.form (form, least) VALUES (1, 1);

-- `digest` is that of the claim key, `token` that of the idempotency token of the first delivery.
CREATE TABLE {schema}.claim (
  digest uuid PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  token bigint,
  reply bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX claim_at ON {schema}.claim USING brin (at) WITH (pages_per_range = 16);

-- Expired claims of webhooks that can begin something.
CREATE TABLE {schema}.spent (digest uuid PRIMARY KEY, at timestamptz NOT NULL);
CREATE INDEX spent_at ON {schema}.spent USING brin (at);

-- Times are nanoseconds since 1970, as the gateway has them. `session` is the digest of
-- `session_key`.
CREATE TABLE {schema}.execution (
  sid text COLLATE "C" PRIMARY KEY,
  session uuid NOT NULL,
  version bigint NOT NULL,
  active boolean NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  due bigint,
  session_key bytea NOT NULL,
  flow bytea NOT NULL,
  revision bytea NOT NULL,
  state bytea NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE UNIQUE INDEX execution_active ON {schema}.execution (session) WHERE active;
CREATE INDEX execution_listed ON {schema}.execution (flow, created, sid);
CREATE INDEX execution_due ON {schema}.execution (due, sid) WHERE due IS NOT NULL;
CREATE INDEX execution_created ON {schema}.execution USING brin (created);
CREATE INDEX execution_revision ON {schema}.execution (revision);

-- One row for all steps of a commit.
CREATE TABLE {schema}.step (
  execution text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  steps bytea NOT NULL,
  PRIMARY KEY (execution, version)
);

CREATE TABLE {schema}.flow (
  revision bytea PRIMARY KEY,
  definition bytea NOT NULL,
  unused_since bigint
);

-- Who works on a session, and who waits for it, in the order of arrival. Empty after a crash, and
-- then every session is free: what a commit may write is decided by the version.
CREATE UNLOGGED TABLE {schema}.lock (
  session uuid PRIMARY KEY,
  node int NOT NULL,
  token bigint NOT NULL,
  until timestamptz NOT NULL,
  queue bigint[] NOT NULL DEFAULT '{}',
  queue_node int[] NOT NULL DEFAULT '{}',
  queue_until timestamptz[] NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

-- Whether a node has ended: as long as it lives, its signal connection has this lock. Never asked
-- by a node about itself, which could take its own lock again.
CREATE FUNCTION {schema}.node_is_gone_1(p_node int) RETURNS boolean LANGUAGE sql VOLATILE AS
  $$ SELECT pg_try_advisory_xact_lock_shared(20557, p_node) $$;

-- The session is taken, or others wait for it: takes it if it is free, or queues.
CREATE FUNCTION {schema}.lock_wait_1(
  p_session uuid, p_node int, p_token bigint, p_within interval
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  l {schema}.lock;
  mine boolean;
BEGIN
  SELECT * INTO l FROM {schema}.lock WHERE session = p_session FOR UPDATE;
  -- Those in front that will not come any more.
  WHILE cardinality(l.queue) > 0 AND l.queue[1] <> p_token
    AND (l.queue_until[1] < clock_timestamp()
      OR (l.queue_node[1] <> p_node AND {schema}.node_is_gone_1(l.queue_node[1])))
  LOOP
    l.queue := l.queue[2:];
    l.queue_node := l.queue_node[2:];
    l.queue_until := l.queue_until[2:];
  END LOOP;
  mine := (l.until < clock_timestamp() OR (l.node <> p_node AND {schema}.node_is_gone_1(l.node)))
    AND (cardinality(l.queue) = 0 OR l.queue[1] = p_token);
  IF mine THEN
    IF l.queue[1] = p_token THEN
      l.queue := l.queue[2:];
      l.queue_node := l.queue_node[2:];
      l.queue_until := l.queue_until[2:];
    END IF;
    l.node := p_node;
    l.token := p_token;
    l.until := clock_timestamp() + p_within;
  ELSIF p_token <> ALL (l.queue) THEN
    l.queue := l.queue || p_token;
    l.queue_node := l.queue_node || p_node;
    l.queue_until := l.queue_until || (clock_timestamp() + p_within);
  END IF;
  UPDATE {schema}.lock SET node = l.node, token = l.token, until = l.until, queue = l.queue,
    queue_node = l.queue_node, queue_until = l.queue_until WHERE session = p_session;
  RETURN mine;
END $$;

-- Gives back a session, or a place in its queue, and wakes the node of the next one.
CREATE FUNCTION {schema}.lock_release_1(p_session uuid, p_token bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  next_node int;
  next_token bigint;
  l {schema}.lock;
  at int;
BEGIN
  UPDATE {schema}.lock SET until = '-infinity' WHERE session = p_session AND token = p_token
    RETURNING queue_node[1], queue[1] INTO next_node, next_token;
  IF FOUND THEN
    IF next_node IS NOT NULL THEN
      PERFORM pg_notify('twimlgate_' || next_node, next_token::text);
    END IF;
    RETURN;
  END IF;
  SELECT * INTO l FROM {schema}.lock WHERE session = p_session AND p_token = ANY (queue) FOR UPDATE;
  IF FOUND THEN
    at := array_position(l.queue, p_token);
    UPDATE {schema}.lock SET
      queue = l.queue[:at - 1] || l.queue[at + 1:],
      queue_node = l.queue_node[:at - 1] || l.queue_node[at + 1:],
      queue_until = l.queue_until[:at - 1] || l.queue_until[at + 1:]
      WHERE session = p_session;
    -- The session may be free already, and the one behind waits for word of it.
    IF at = 1 AND l.until = '-infinity' AND cardinality(l.queue) > 1 THEN
      PERFORM pg_notify('twimlgate_' || l.queue_node[2], l.queue[2]::text);
    END IF;
  END IF;
END $$;

-- The beginning of a turn. Each statement has a new snapshot, so that what the former holder of the
-- session committed is seen: the claim is looked for after the session is taken.
CREATE FUNCTION {schema}.turn_open_1(
  p_digest uuid, p_session uuid, p_node int, p_token bigint, p_within interval, p_reads boolean,
  OUT o_reply bytea, OUT o_reply_token bigint, OUT o_mine boolean, OUT o_sid text,
  OUT o_version bigint, OUT o_created bigint, OUT o_updated bigint, OUT o_due bigint,
  OUT o_session_key bytea, OUT o_flow bytea, OUT o_revision bytea, OUT o_state bytea
) LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
BEGIN
  INSERT INTO {schema}.lock AS l (session, node, token, until)
    VALUES (p_session, p_node, p_token, clock_timestamp() + p_within)
    ON CONFLICT ON CONSTRAINT lock_pkey DO UPDATE
    SET node = p_node, token = p_token, until = clock_timestamp() + p_within
    WHERE l.token = p_token OR (l.until < clock_timestamp() AND l.queue = '{}')
    RETURNING true INTO o_mine;
  IF NOT FOUND THEN
    o_mine := {schema}.lock_wait_1(p_session, p_node, p_token, p_within);
  END IF;
  IF p_digest IS NOT NULL THEN
    SELECT reply, token INTO o_reply, o_reply_token FROM {schema}.claim WHERE digest = p_digest;
    IF NOT FOUND AND EXISTS (SELECT FROM {schema}.spent WHERE digest = p_digest) THEN
      -- Its reply is gone: the gateway sends an empty document.
      o_reply := '';
      o_sid := 'spent';
    END IF;
    IF o_reply IS NOT NULL THEN
      PERFORM {schema}.lock_release_1(p_session, p_token);
      o_mine := false;
      RETURN;
    END IF;
  END IF;
  IF o_mine AND p_reads THEN
    SELECT sid, version, created, updated, due, session_key, flow, revision, state
      INTO o_sid, o_version, o_created, o_updated, o_due, o_session_key, o_flow, o_revision, o_state
      FROM {schema}.execution WHERE session = p_session AND active;
  END IF;
END $$;

-- All changes of a turn. Sent again, it says the same: `o_reply` is that of the claim.
-- `o_outcome`: stored, answered, stale (`o_sid`), conflict (`o_sid`).
CREATE FUNCTION {schema}.turn_commit_1(
  p_digest uuid, p_token bigint, p_reply bytea,
  p_ended text, p_ended_version bigint, p_ended_updated bigint, p_ended_state bytea,
  p_sid text, p_session uuid, p_version bigint, p_active boolean, p_created bigint,
  p_updated bigint, p_due bigint, p_session_key bytea, p_flow bytea, p_revision bytea,
  p_state bytea, p_steps bytea,
  p_lock_1 uuid, p_lock_token_1 bigint, p_lock_2 uuid, p_lock_token_2 bigint,
  OUT o_outcome text, OUT o_reply bytea, OUT o_reply_token bigint, OUT o_sid text
) LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
  found_version bigint;
  found_state bytea;
BEGIN
  o_outcome := 'stored';
  IF p_digest IS NOT NULL THEN
    INSERT INTO {schema}.claim (digest, token, reply) VALUES (p_digest, p_token, p_reply)
      ON CONFLICT ON CONSTRAINT claim_pkey DO NOTHING;
    IF NOT FOUND THEN
      SELECT reply, token INTO o_reply, o_reply_token FROM {schema}.claim WHERE digest = p_digest;
      o_outcome := 'answered';
    END IF;
  END IF;
  -- All checks before the first change of an execution: one commit of a group is refused alone.
  IF o_outcome = 'stored' AND p_ended IS NOT NULL THEN
    SELECT version INTO found_version FROM {schema}.execution WHERE sid = p_ended FOR UPDATE;
    IF coalesce(found_version, 0) + 1 <> p_ended_version THEN
      o_outcome := 'stale';
      o_sid := p_ended;
    END IF;
  END IF;
  IF o_outcome = 'stored' AND p_sid IS NOT NULL THEN
    found_version := NULL;
    SELECT version, state INTO found_version, found_state
      FROM {schema}.execution WHERE sid = p_sid FOR UPDATE;
    IF coalesce(found_version, 0) + 1 <> p_version THEN
      -- Without a claim nothing else says that this very commit was written before.
      IF p_digest IS NULL AND found_version = p_version AND found_state = p_state THEN
        o_outcome := 'repeated';
      ELSE
        o_outcome := 'stale';
        o_sid := p_sid;
      END IF;
    ELSIF p_active THEN
      SELECT sid INTO o_sid FROM {schema}.execution
        WHERE session = p_session AND active AND sid <> p_sid
        AND (p_ended IS NULL OR sid <> p_ended);
      IF FOUND THEN o_outcome := 'conflict'; END IF;
    END IF;
  END IF;
  IF o_outcome = 'stored' THEN
    IF p_ended IS NOT NULL THEN
      UPDATE {schema}.execution SET version = p_ended_version, active = false, due = NULL,
        updated = p_ended_updated, state = p_ended_state WHERE sid = p_ended;
    END IF;
    IF p_sid IS NOT NULL AND p_version = 1 THEN
      INSERT INTO {schema}.execution (sid, session, version, active, created, updated, due,
        session_key, flow, revision, state) VALUES (p_sid, p_session, 1, p_active, p_created,
        p_updated, p_due, p_session_key, p_flow, p_revision, p_state);
    ELSIF p_sid IS NOT NULL THEN
      UPDATE {schema}.execution SET session = p_session, version = p_version, active = p_active,
        created = p_created, updated = p_updated, due = p_due, session_key = p_session_key,
        flow = p_flow, revision = p_revision, state = p_state WHERE sid = p_sid;
    END IF;
    IF p_sid IS NOT NULL AND p_steps IS NOT NULL THEN
      INSERT INTO {schema}.step (execution, version, steps) VALUES (p_sid, p_version, p_steps);
    END IF;
  ELSIF o_outcome IN ('stale', 'conflict') AND p_digest IS NOT NULL THEN
    DELETE FROM {schema}.claim WHERE digest = p_digest;
  END IF;
  IF p_lock_1 IS NOT NULL THEN PERFORM {schema}.lock_release_1(p_lock_1, p_lock_token_1); END IF;
  IF p_lock_2 IS NOT NULL THEN PERFORM {schema}.lock_release_1(p_lock_2, p_lock_token_2); END IF;
END $$;

-- Removes a part of what is too old, unless another node is at it. Claims go by the clock of this
-- server. `p_current` are the revisions that a configuration uses.
CREATE FUNCTION {schema}.expire_1(
  p_claims interval, p_spent interval, p_idle_before bigint, p_now bigint, p_unused_before bigint,
  p_current bytea[], p_limit int
) RETURNS void LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
  gone text[];
BEGIN
  IF NOT pg_try_advisory_xact_lock(20558, hashtext('{schema}')) THEN RETURN; END IF;
  -- The first bit of a digest says that the webhook can begin something.
  WITH old AS (
    DELETE FROM {schema}.claim WHERE digest IN
      (SELECT digest FROM {schema}.claim WHERE at <= now() - p_claims LIMIT p_limit)
    RETURNING digest, at
  )
  INSERT INTO {schema}.spent (digest, at)
    SELECT digest, at FROM old WHERE digest >= '80000000-0000-0000-0000-000000000000'
    ON CONFLICT DO NOTHING;
  DELETE FROM {schema}.spent WHERE digest IN
    (SELECT digest FROM {schema}.spent WHERE at <= now() - p_spent LIMIT p_limit);
  -- One that is being worked on is left alone.
  SELECT array_agg(sid) INTO gone FROM (
    SELECT sid FROM {schema}.execution WHERE created < p_idle_before AND updated < p_idle_before
    LIMIT p_limit FOR UPDATE SKIP LOCKED) old;
  DELETE FROM {schema}.step WHERE execution = ANY (gone);
  DELETE FROM {schema}.execution WHERE sid = ANY (gone);
  UPDATE {schema}.flow f SET unused_since = CASE
    WHEN revision = ANY (p_current)
      OR EXISTS (SELECT FROM {schema}.execution e WHERE e.revision = f.revision) THEN NULL
    ELSE coalesce(unused_since, p_now) END
    WHERE unused_since IS NOT NULL OR (revision <> ALL (p_current)
      AND NOT EXISTS (SELECT FROM {schema}.execution e WHERE e.revision = f.revision));
  DELETE FROM {schema}.flow WHERE unused_since <= p_unused_before;
  DELETE FROM {schema}.lock WHERE session IN
    (SELECT session FROM {schema}.lock WHERE until < now() - interval '1 hour'
     LIMIT p_limit FOR UPDATE SKIP LOCKED);
END $$;
