//! The file of traces: its schema, what is written, and what is deleted.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::entry::{ConversationOutcome, TraceEntry};
use crate::limits::TRACE_ROWS_PER_DELETE;
use crate::sqlite_file::{FileId, create_private, file_id, is_corruption, move_aside, with_suffix};

/// The schema of this version. `PRAGMA user_version` holds its number.
const SCHEMA: &str = include_str!("schema.sql");
pub(super) const SCHEMA_VERSION: i64 = 1;

/// `twtr`: tells the file from those of other programs that use SQLite, and from the store.
pub(super) const APPLICATION_ID: i64 = 0x7477_7472;

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct TraceFile {
    path: PathBuf,
    connection: Connection,
    /// The file that is open.
    id: Option<FileId>,
}

/// What the thread writes.
#[derive(Debug)]
pub(super) enum TraceWrite {
    /// An exchange.
    Entry(Box<TraceEntry>),
    /// The end of an execution without an exchange of its own.
    End(String, ConversationOutcome),
}

impl TraceFile {
    /// Opens the file, and creates it where it is missing. A damaged file is moved aside.
    pub(super) fn open(path: &Path) -> Result<TraceFile, String> {
        let opened = match TraceFile::try_open(path) {
            Err(error) if is_corruption(&error) => {
                let mut names =
                    (1..).map(|number| with_suffix(path, &format!(".damaged-{number}")));
                let aside = names.find(|name| !name.exists()).unwrap_or_default();
                move_aside(path, &aside).map_err(|error| error.to_string())?;
                TraceFile::try_open(path)
            }
            opened => opened,
        };
        opened.map_err(|error| error.to_string())
    }

    fn try_open(path: &Path) -> rusqlite::Result<TraceFile> {
        create_private(path).map_err(|error| to_sql_error(&error))?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(1))?;
        let number =
            |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let tables = "SELECT count(*) FROM sqlite_schema";
        let is_empty = connection.query_row(tables, [], |row| Ok(row.get::<_, i64>(0)? == 0))?;
        if is_empty {
            // Only possible before the first table.
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        } else if number("application_id")? != APPLICATION_ID
            || number("user_version")? != SCHEMA_VERSION
        {
            let message = "it is another program's file, or that of another version";
            return Err(to_sql_error(&io::Error::other(message)));
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A trace may be lost with the machine; a sync would take the disk from the store.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        if is_empty {
            // One transaction: a file of a process that was killed here is still empty.
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            ))?;
        }
        Ok(TraceFile { path: path.to_owned(), connection, id: file_id(path) })
    }

    /// Whether the file still has its name: one that was removed is not written any more.
    pub(super) fn is_in_place(&self) -> bool {
        self.id.is_some() && file_id(&self.path) == self.id
    }

    /// Writes a group in one transaction.
    pub(super) fn write(&mut self, group: &[TraceWrite]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for write in group {
            match write {
                TraceWrite::Entry(entry) => insert(&transaction, entry)?,
                TraceWrite::End(execution, outcome) => {
                    let end = "UPDATE conversation SET outcome = ?2 WHERE id = \
                               (SELECT MAX(conversation) FROM sid WHERE sid = ?1) \
                               AND outcome = 'active'";
                    transaction.prepare_cached(end)?.execute(params![execution, outcome.name()])?;
                }
            }
        }
        transaction.commit()
    }

    /// Deletes conversations that did not change since `before`, and the oldest ones while the file
    /// is larger than `bytes`; about [`TRACE_ROWS_PER_DELETE`] in one call. Returns whether there
    /// may be more.
    pub(super) fn expire(&mut self, before: i64, bytes: i64) -> rusqlite::Result<bool> {
        let number = |pragma: &str| {
            self.connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
        };
        let used = (number("page_count")? - number("freelist_count")?) * number("page_size")?;
        // By size all times are too old.
        let before = if used > bytes { i64::MAX } else { before };
        let oldest = "SELECT id FROM conversation WHERE updated < ?1 ORDER BY updated LIMIT ?2";
        let transaction = self.connection.transaction()?;
        let ids: Vec<i64> = transaction
            .prepare_cached(oldest)?
            .query_map(params![before, TRACE_ROWS_PER_DELETE], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for id in &ids {
            for delete in [
                "DELETE FROM exchange WHERE conversation = ?1",
                "DELETE FROM sid WHERE conversation = ?1",
                "DELETE FROM conversation WHERE id = ?1",
            ] {
                transaction.prepare_cached(delete)?.execute([id])?;
            }
        }
        transaction.commit()?;
        if !ids.is_empty() {
            self.connection.execute_batch("PRAGMA incremental_vacuum(1000)")?;
            // What was deleted stays in the log until then.
            self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(ids.len() == TRACE_ROWS_PER_DELETE as usize)
    }
}

/// Adds an exchange to its conversation.
fn insert(transaction: &Transaction<'_>, entry: &TraceEntry) -> rusqlite::Result<()> {
    let known = "SELECT MAX(conversation) FROM sid WHERE sid = ?1";
    let mut conversation: Option<i64> = None;
    for sid in [&entry.execution, &entry.carrier_sid] {
        if conversation.is_none() && !sid.is_empty() {
            let mut statement = transaction.prepare_cached(known)?;
            conversation = statement.query_row([sid], |row| row.get(0)).optional()?.flatten();
        }
    }
    let outcome = entry.conversation.map(ConversationOutcome::name);
    let conversation = match conversation {
        Some(id) => {
            // A failure stays what it is while the execution goes on or ends.
            let update = "UPDATE conversation SET updated = MAX(updated, ?2), turns = turns + 1, \
                          slowest = MAX(slowest, ?3), reason = COALESCE(?4, reason), \
                          execution = CASE execution WHEN '' THEN ?6 ELSE execution END, \
                          outcome = CASE WHEN outcome = 'failed' THEN outcome \
                          ELSE COALESCE(?5, outcome) END WHERE id = ?1";
            transaction.prepare_cached(update)?.execute(params![
                id,
                entry.at + entry.took,
                entry.took,
                entry.reason,
                outcome,
                entry.execution
            ])?;
            id
        }
        None => {
            let insert = "INSERT INTO conversation (began, updated, execution, route, flow, \
                          contact, tail, address, outcome, turns, slowest, reason) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10, ?11)";
            transaction.prepare_cached(insert)?.execute(params![
                entry.at,
                entry.at + entry.took,
                entry.execution,
                entry.route,
                entry.flow,
                entry.contact,
                reversed(&entry.contact),
                entry.address,
                outcome.unwrap_or(ConversationOutcome::Completed.name()),
                entry.took,
                entry.reason
            ])?;
            transaction.last_insert_rowid()
        }
    };
    for sid in [&entry.execution, &entry.carrier_sid] {
        if !sid.is_empty() {
            let add = "INSERT OR IGNORE INTO sid (sid, conversation) VALUES (?1, ?2)";
            transaction.prepare_cached(add)?.execute(params![sid, conversation])?;
        }
    }
    let json = serde_json::to_string(entry).unwrap_or_default();
    let add = "INSERT INTO exchange (conversation, entry) VALUES (?1, ?2)";
    transaction.prepare_cached(add)?.execute(params![conversation, json])?;
    Ok(())
}

/// A number from its last digit on.
pub(super) fn reversed(number: &str) -> String {
    number.chars().rev().collect()
}

fn to_sql_error(error: &io::Error) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}
