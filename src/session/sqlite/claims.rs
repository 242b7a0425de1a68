//! The claims of a file: written, found, loaded, removed.

use std::time::Duration;

use actix_web::web::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::nanoseconds;
use super::save::is_constraint;
use super::seal::Seal;
use crate::limits::{
    CLAIM_KEPT, CLAIMS_BYTES_MAX, CLAIMS_KNOWN_MAX, REPLAY_REFUSED, SPENT_KNOWN_MAX,
};
use crate::session::desk::{Desk, Digest, Loaded};
use crate::twiml::EMPTY;

/// Claims without their replies, of webhooks that must not begin anything again. Made where it is
/// missing: a file of a version that had none is as good as any, and that version does not mind.
pub(super) const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS spent (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  at INTEGER NOT NULL
)";

/// A reply as it is kept.
pub(super) fn seal(digest: Digest, reply: &[u8]) -> Vec<u8> {
    by(digest).close(reply)
}

/// Keeps a sealed reply.
pub(super) fn write(
    connection: &Connection,
    digest: Digest,
    now: Duration,
    sealed: &[u8],
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO claim (digest, at, sealed) VALUES (?1, ?2, ?3)";
    let mut insert = connection.prepare_cached(sql)?;
    let digest = digest.to_be_bytes();
    match insert.execute(params![digest, nanoseconds(now), sealed]) {
        // An older one that nobody asks for any more, or one that is damaged.
        Err(error) if is_constraint(&error) => {
            connection.prepare_cached("DELETE FROM claim WHERE digest = ?1")?.execute([digest])?;
            insert.execute(params![digest, nanoseconds(now), sealed]).map(drop)
        }
        inserted => inserted.map(drop),
    }
}

/// The reply to a claim. One that is damaged is as good as none.
pub(super) fn reply(connection: &Connection, digest: Digest) -> rusqlite::Result<Option<Bytes>> {
    let mut select = connection.prepare_cached("SELECT sealed FROM claim WHERE digest = ?1")?;
    let sealed = select.query_row([digest.to_be_bytes()], |row| row.get::<_, Vec<u8>>(0));
    if let Some(sealed) = sealed.optional()? {
        return Ok(opened(digest, &sealed));
    }
    let mut select = connection.prepare_cached("SELECT 1 FROM spent WHERE digest = ?1")?;
    Ok(select.exists([digest.to_be_bytes()])?.then_some(EMPTY))
}

/// Gives a desk the claims that it should know, with replies for the latest of them.
pub(super) fn load(connection: &Connection, now: Duration, desk: &Desk) -> rusqlite::Result<()> {
    let spent = spent(connection, now)?;
    let more = spent.len() > SPENT_KNOWN_MAX;
    desk.load_spent(spent, more);
    desk.load(latest(connection, now)?);
    Ok(())
}

/// Those without their replies, oldest first; and those whose reply has not been dropped yet.
fn spent(connection: &Connection, now: Duration) -> rusqlite::Result<Vec<(Digest, Duration)>> {
    // The first bit says that it begins something.
    let mut select = connection.prepare(
        "SELECT digest, at FROM spent WHERE at > ?1 AND at <= ?2
         UNION ALL
         SELECT digest, at FROM claim WHERE at > ?1 AND at <= ?2 AND digest >= X'80'
         ORDER BY at DESC LIMIT ?3",
    )?;
    let from = nanoseconds(now.saturating_sub(REPLAY_REFUSED));
    let until = nanoseconds(now.saturating_sub(CLAIM_KEPT));
    let rows = select.query_map(params![from, until, SPENT_KNOWN_MAX as i64 + 1], |row| {
        let age = now.saturating_sub(Duration::from_nanos(row.get::<_, i64>(1)?.max(0) as u64));
        Ok((Digest::from_be_bytes(row.get(0)?), age))
    })?;
    let mut spent: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    spent.reverse();
    Ok(spent)
}

/// The claims of the last minutes, oldest first.
fn latest(connection: &Connection, now: Duration) -> rusqlite::Result<Vec<Loaded>> {
    let mut select = connection.prepare(
        "SELECT digest, at, CASE WHEN id > ?1 THEN sealed END FROM claim ORDER BY id DESC LIMIT ?2",
    )?;
    // So many of the shortest replies would fit; of the others the bytes are not even read.
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM claim", [], |row| row.get(0))?;
    let replies = last.unwrap_or_default() - (CLAIMS_BYTES_MAX / 160) as i64;
    let mut rows = select.query(params![replies, CLAIMS_KNOWN_MAX as i64 + 1])?;
    let (mut loaded, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (digest, at) = (row.get(0)?, row.get::<_, i64>(1)?);
        let digest = Digest::from_be_bytes(digest);
        let age = now.saturating_sub(Duration::from_nanos(at.max(0) as u64));
        if age >= CLAIM_KEPT {
            break;
        }
        let sealed: Option<Vec<u8>> = if bytes < CLAIMS_BYTES_MAX { row.get(2)? } else { None };
        let reply = match sealed {
            Some(sealed) => {
                let Some(reply) = opened(digest, &sealed) else { continue };
                bytes += reply.len() + 160;
                Some(reply)
            }
            None => {
                // Once there was no room, there is none for older ones either.
                bytes = CLAIMS_BYTES_MAX;
                None
            }
        };
        loaded.push(Loaded { digest, age, reply });
    }
    loaded.reverse();
    Ok(loaded)
}

/// Removes what is too old of the oldest `limit` claims, and of those whose replies are gone. One
/// from the future is too old as well: the clock was set back.
pub(super) fn expire(connection: &Connection, now: Duration, limit: usize) -> rusqlite::Result<()> {
    expire_replies(connection, now, limit)?;
    let (from, until) = around(now, REPLAY_REFUSED);
    if !is_old(connection, "SELECT at FROM spent ORDER BY id LIMIT 1", (from, until))? {
        return Ok(());
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM spent WHERE id IN (SELECT id FROM spent ORDER BY id LIMIT ?1)
         AND (at <= ?2 OR at > ?3)",
    )?;
    delete.execute(params![limit as i64, from, until]).map(drop)
}

fn expire_replies(connection: &Connection, now: Duration, limit: usize) -> rusqlite::Result<()> {
    let (from, until) = around(now, CLAIM_KEPT);
    if !is_old(connection, "SELECT at FROM claim ORDER BY id LIMIT 1", (from, until))? {
        return Ok(());
    }
    // What could begin something again stays known, without its reply.
    let mut keep = connection.prepare_cached(
        "INSERT OR REPLACE INTO spent (digest, at) SELECT digest, at FROM claim
         WHERE id IN (SELECT id FROM claim ORDER BY id LIMIT ?1)
         AND at > ?2 AND at <= ?3 AND digest >= X'80' ORDER BY id",
    )?;
    let last = nanoseconds(now.saturating_sub(REPLAY_REFUSED));
    keep.execute(params![limit as i64, last, from])?;
    let mut delete = connection.prepare_cached(
        "DELETE FROM claim WHERE id IN (SELECT id FROM claim ORDER BY id LIMIT ?1)
         AND (at <= ?2 OR at > ?3)",
    )?;
    delete.execute(params![limit as i64, from, until]).map(drop)
}

/// How far from `now` a time may be.
fn around(now: Duration, by: Duration) -> (i64, i64) {
    (nanoseconds(now.saturating_sub(by)), nanoseconds(now.saturating_add(by)))
}

/// Whether the first row of a table is too old: most often not even that is.
fn is_old(
    connection: &Connection,
    oldest: &str,
    (from, until): (i64, i64),
) -> rusqlite::Result<bool> {
    let mut oldest = connection.prepare_cached(oldest)?;
    let oldest = oldest.query_row([], |row| row.get(0)).optional()?;
    Ok(oldest.is_some_and(|at: i64| at <= from || at > until))
}

fn opened(digest: Digest, sealed: &[u8]) -> Option<Bytes> {
    by(digest).open(sealed).map(Bytes::copy_from_slice)
}

fn by(digest: Digest) -> Seal {
    Seal::new().number((digest >> 64) as i64).number(digest as i64)
}
