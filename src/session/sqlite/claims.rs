//! The claims of a file: written, found, loaded, removed.

use std::time::Duration;

use actix_web::web::Bytes;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::nanoseconds;
use super::save::is_constraint;
use super::seal::Seal;
use crate::limits::{CLAIM_KEPT, CLAIMS_BYTES_MAX, CLAIMS_KNOWN_MAX};
use crate::session::desk::{Digest, Loaded};

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
    Ok(sealed.optional()?.and_then(|sealed| opened(digest, &sealed)))
}

/// The claims that a desk should know, oldest first, with replies for the latest of them.
pub(super) fn load(connection: &Connection, now: Duration) -> rusqlite::Result<Vec<Loaded>> {
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

/// Removes what is too old of the oldest `limit` claims. One from the future is too old as well:
/// the clock was set back.
pub(super) fn expire(connection: &Connection, now: Duration, limit: usize) -> rusqlite::Result<()> {
    let from = nanoseconds(now.saturating_sub(CLAIM_KEPT));
    let until = nanoseconds(now.saturating_add(CLAIM_KEPT));
    // Most often not even the oldest is.
    let mut oldest = connection.prepare_cached("SELECT at FROM claim ORDER BY id LIMIT 1")?;
    let oldest = oldest.query_row([], |row| row.get(0)).optional()?;
    if oldest.is_none_or(|at: i64| at > from && at <= until) {
        return Ok(());
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM claim WHERE id IN (SELECT id FROM claim ORDER BY id LIMIT ?1)
         AND (at <= ?2 OR at > ?3)",
    )?;
    delete.execute(params![limit as i64, from, until]).map(drop)
}

fn opened(digest: Digest, sealed: &[u8]) -> Option<Bytes> {
    by(digest).open(sealed).map(Bytes::copy_from_slice)
}

fn by(digest: Digest) -> Seal {
    Seal::new().number((digest >> 64) as i64).number(digest as i64)
}
