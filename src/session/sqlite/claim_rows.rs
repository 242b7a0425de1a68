//! The claims of a file: inserted, found, loaded, expired.
//!
//! Table `claim` has the claims with their replies, table `spent` the expired ones: without a
//! reply, of webhooks that can begin something. Both are in the order of the answers, so that
//! expiry looks at the first rows only.

use std::time::Duration;

use actix_web::web::Bytes;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::checksum::Checksum;
use super::execution_rows::is_constraint;
use super::rows::nanoseconds;
use crate::limits::{
    CLAIM_KEPT, CLAIMS_BYTES_MAX, CLAIMS_KNOWN_MAX, EXPIRED_CLAIMS_MAX, REPLAY_REFUSED,
};
use crate::session::claim_key::TokenDigest;
use crate::session::claims::{CLAIM_ENTRY_BYTES, ClaimGuard, ClaimTable, StoredClaim};
use crate::session::key_digest::KeyDigest;
use crate::twiml::EMPTY;

/// The table of expired claims. It is created where it is missing: a file of a version without it
/// is as good as any, and that version ignores it.
const SPENT_SCHEMA: &str = "CREATE TABLE IF NOT EXISTS spent (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  at INTEGER NOT NULL
)";

/// The times that are not too old, nor from the future: above `from`, up to `until`.
#[derive(Clone, Copy)]
struct TimeWindow {
    from: i64,
    until: i64,
}

/// Adds what a file of a former version does not have.
pub(super) fn complete_schema(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SPENT_SCHEMA)?;
    let column = "SELECT 1 FROM pragma_table_info('claim') WHERE name = 'token'";
    if !connection.prepare(column)?.exists([])? {
        connection.execute_batch("ALTER TABLE claim ADD COLUMN token INTEGER")?;
    }
    Ok(())
}

/// A reply with its checksum, as it is stored.
pub(super) fn encode_reply(digest: KeyDigest, token: Option<TokenDigest>, reply: &[u8]) -> Vec<u8> {
    reply_checksum(digest, token).wrap(reply)
}

/// Inserts a claim with its encoded reply.
pub(super) fn insert(
    connection: &Connection,
    claim: &ClaimGuard,
    now: Duration,
    encoded_reply: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO claim (digest, at, sealed, token) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(sql)?;
    let digest = claim.digest().to_be_bytes();
    let token = claim.token().map(TokenDigest::to_number);
    match insert.execute(params![digest, nanoseconds(now), encoded_reply, token]) {
        // An older one that is not yet removed, or a damaged one. In two statements, of which each
        // changes one row: see `execution_rows`.
        Err(error) if is_constraint(&error) => {
            connection.prepare_cached("DELETE FROM claim WHERE digest = ?1")?.execute([digest])?;
            insert.execute(params![digest, nanoseconds(now), encoded_reply, token]).map(drop)
        }
        inserted => inserted.map(drop),
    }
}

/// The reply to a claim, with the token of its first delivery; an empty document where the claim
/// is expired. A damaged one counts as none.
pub(super) fn find_reply(
    connection: &Connection,
    digest: KeyDigest,
) -> rusqlite::Result<Option<(Bytes, Option<TokenDigest>)>> {
    let sql = "SELECT sealed, token FROM claim WHERE digest = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, token_column(row, 1)?));
    if let Some((encoded, token)) = select.query_row([digest.to_be_bytes()], read).optional()? {
        return Ok(decode_reply(digest, token, &encoded).map(|reply| (reply, token)));
    }
    let mut select = connection.prepare_cached("SELECT 1 FROM spent WHERE digest = ?1")?;
    Ok(select.exists([digest.to_be_bytes()])?.then_some((EMPTY, None)))
}

/// Loads the claims that count into the claim table, with replies for the latest of them.
pub(super) fn load(
    connection: &Connection,
    now: Duration,
    table: &ClaimTable,
) -> rusqlite::Result<()> {
    let expired = select_expired(connection, now)?;
    let has_more = expired.len() > EXPIRED_CLAIMS_MAX;
    // Before the others, because they are older: the table's queues are in the order of age.
    table.load_expired(expired, has_more);
    table.load(select_latest(connection, now)?);
    Ok(())
}

/// The expired claims, oldest first, and those whose reply is too old but not yet removed.
fn select_expired(
    connection: &Connection,
    now: Duration,
) -> rusqlite::Result<Vec<(KeyDigest, Duration)>> {
    // From `X'80'` on: the first bit of a digest says that the webhook can begin something.
    let mut select = connection.prepare(
        "SELECT digest, at FROM spent WHERE at > ?1 AND at <= ?2
         UNION ALL
         SELECT digest, at FROM claim WHERE at > ?1 AND at <= ?2 AND digest >= X'80'
         ORDER BY at DESC LIMIT ?3",
    )?;
    let from = nanoseconds(now.saturating_sub(REPLAY_REFUSED));
    let until = nanoseconds(now.saturating_sub(CLAIM_KEPT));
    // One more than the limit, so that the caller sees that there are more.
    let rows = select.query_map(params![from, until, EXPIRED_CLAIMS_MAX as i64 + 1], |row| {
        let age = now.saturating_sub(Duration::from_nanos(row.get::<_, i64>(1)?.max(0) as u64));
        Ok((KeyDigest::from_be_bytes(row.get(0)?), age))
    })?;
    let mut expired: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    expired.reverse();
    Ok(expired)
}

/// The claims of the last [`CLAIM_KEPT`], oldest first.
fn select_latest(connection: &Connection, now: Duration) -> rusqlite::Result<Vec<StoredClaim>> {
    let mut select = connection.prepare(
        "SELECT digest, at, CASE WHEN id > ?1 THEN sealed END, token FROM claim
         ORDER BY id DESC LIMIT ?2",
    )?;
    // As many of the shortest replies would fit; those of older claims are not even read.
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM claim", [], |row| row.get(0))?;
    let replies = last.unwrap_or_default() - (CLAIMS_BYTES_MAX / CLAIM_ENTRY_BYTES) as i64;
    let mut rows = select.query(params![replies, CLAIMS_KNOWN_MAX as i64 + 1])?;
    let (mut claims, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (digest, at, token) = (row.get(0)?, row.get::<_, i64>(1)?, token_column(row, 3)?);
        let digest = KeyDigest::from_be_bytes(digest);
        let age = now.saturating_sub(Duration::from_nanos(at.max(0) as u64));
        if age >= CLAIM_KEPT {
            break;
        }
        let encoded: Option<Vec<u8>> = if bytes < CLAIMS_BYTES_MAX { row.get(2)? } else { None };
        let reply = match encoded {
            Some(encoded) => {
                // A damaged reply cannot be sent: the webhook is worked on again.
                let Some(reply) = decode_reply(digest, token, &encoded) else { continue };
                bytes += reply.len() + CLAIM_ENTRY_BYTES;
                Some(reply)
            }
            None => {
                // Once one does not fit in, older ones do not either.
                bytes = CLAIMS_BYTES_MAX;
                None
            }
        };
        claims.push(StoredClaim { digest, age, token, reply });
    }
    claims.reverse();
    Ok(claims)
}

/// Removes what is too old of the oldest `limit` claims, and of the oldest `limit` expired claims.
/// A time in the future is too old as well: the clock was set back.
pub(super) fn expire(connection: &Connection, now: Duration, limit: usize) -> rusqlite::Result<()> {
    expire_replies(connection, now, limit)?;
    let window = TimeWindow::around(now, REPLAY_REFUSED);
    if !is_first_outside(connection, "SELECT at FROM spent ORDER BY id LIMIT 1", window)? {
        return Ok(());
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM spent WHERE id IN (SELECT id FROM spent ORDER BY id LIMIT ?1)
         AND (at <= ?2 OR at > ?3)",
    )?;
    delete.execute(params![limit as i64, window.from, window.until]).map(drop)
}

fn expire_replies(connection: &Connection, now: Duration, limit: usize) -> rusqlite::Result<()> {
    let window = TimeWindow::around(now, CLAIM_KEPT);
    if !is_first_outside(connection, "SELECT at FROM claim ORDER BY id LIMIT 1", window)? {
        return Ok(());
    }
    // What can begin something is moved, without its reply, before it is deleted.
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO spent (digest, at) SELECT digest, at FROM claim
         WHERE id IN (SELECT id FROM claim ORDER BY id LIMIT ?1)
         AND at > ?2 AND at <= ?3 AND digest >= X'80' ORDER BY id",
    )?;
    let oldest = nanoseconds(now.saturating_sub(REPLAY_REFUSED));
    insert.execute(params![limit as i64, oldest, window.from])?;
    let mut delete = connection.prepare_cached(
        "DELETE FROM claim WHERE id IN (SELECT id FROM claim ORDER BY id LIMIT ?1)
         AND (at <= ?2 OR at > ?3)",
    )?;
    delete.execute(params![limit as i64, window.from, window.until]).map(drop)
}

/// Whether the first row of a table is outside of a window. Most often it is not, and then no
/// other row has to be read: this runs in every transaction.
fn is_first_outside(
    connection: &Connection,
    first_at: &str,
    window: TimeWindow,
) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached(first_at)?;
    let first = select.query_row([], |row| row.get(0)).optional()?;
    Ok(first.is_some_and(|at: i64| at <= window.from || at > window.until))
}

fn token_column(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<TokenDigest>> {
    Ok(row.get::<_, Option<i64>>(index)?.and_then(TokenDigest::from_number))
}

fn decode_reply(digest: KeyDigest, token: Option<TokenDigest>, encoded: &[u8]) -> Option<Bytes> {
    reply_checksum(digest, token).verify(encoded).map(Bytes::copy_from_slice)
}

fn reply_checksum(digest: KeyDigest, token: Option<TokenDigest>) -> Checksum {
    let checksum = Checksum::new().number((digest >> 64) as i64).number(digest as i64);
    // Rows of a former version have no token, and their checksum has none.
    token.map_or(checksum, |token| checksum.number(token.to_number()))
}

// === impl TimeWindow ===

impl TimeWindow {
    /// The times that are nearer to `now` than `distance`.
    fn around(now: Duration, distance: Duration) -> TimeWindow {
        TimeWindow {
            from: nanoseconds(now.saturating_sub(distance)),
            until: nanoseconds(now.saturating_add(distance)),
        }
    }
}
