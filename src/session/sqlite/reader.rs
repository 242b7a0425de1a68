//! The threads that read, each on a connection of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use actix_web::web::Bytes;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::file::StoreFile;
use super::request_error::{ErrorScope, RequestError, describe, error_scope};
use super::rows::{self, nanoseconds, select_executions};
use super::write_request::WriteRequest;
use super::{ResultSender, claim_rows};
use crate::catch_panic::catch;
use crate::session::claim_key::TokenDigest;
use crate::session::key_digest::KeyDigest;
use crate::session::{ExecutionQuery, StepQuery, StepRecord, StoreError, StoredExecution};

/// A request to read, and where its result goes.
#[derive(Debug)]
pub(super) enum ReadRequest {
    Reply(KeyDigest, ResultSender<Option<(Bytes, Option<TokenDigest>)>>),
    Active(String, ResultSender<Option<StoredExecution>>),
    Execution(String, ResultSender<Option<StoredExecution>>),
    Executions(ExecutionQuery, ResultSender<Vec<StoredExecution>>),
    Steps(String, StepQuery, ResultSender<Vec<StepRecord>>),
    Due(Duration, usize, ResultSender<Vec<StoredExecution>>),
    Flow(String, ResultSender<Option<String>>),
}

/// One thread that reads.
pub(super) struct StoreReader {
    number: usize,
    file: Arc<StoreFile>,
    queue: Arc<Mutex<Receiver<ReadRequest>>>,
    writer: SyncSender<WriteRequest>,
}

// === impl StoreReader ===

impl StoreReader {
    /// The reader with this number, below [`READERS`](super::READERS).
    pub(super) fn new(
        number: usize,
        file: Arc<StoreFile>,
        queue: Arc<Mutex<Receiver<ReadRequest>>>,
        writer: SyncSender<WriteRequest>,
    ) -> StoreReader {
        StoreReader { number, file, queue, writer }
    }

    /// Answers requests until the queue has no sender any more.
    pub(super) fn run(self) {
        loop {
            // One reader waits inside of the mutex for a request, the other one for the mutex.
            let request = self.queue.lock().recv();
            let Ok(request) = request else { return };
            if catch(|| self.answer(request)).is_err() {
                // The task gets an error, as its sender is dropped. A statement of the connection
                // may still be running, so the next request opens another connection.
                *self.file.reader(self.number) = None;
            }
        }
    }

    fn answer(&self, request: ReadRequest) {
        match request {
            ReadRequest::Reply(digest, sender) => {
                self.send(sender, |connection| Ok(claim_rows::find_reply(connection, digest)?));
            }
            ReadRequest::Active(session, sender) => self.send(sender, |connection| {
                // The condition as the partial index has it, so that SQLite uses the index.
                let sql = select_executions!("WHERE session = ?1 AND active = 1");
                rows::find_execution(connection, sql, [&session])
            }),
            ReadRequest::Execution(sid, sender) => self.send(sender, |connection| {
                rows::find_execution(connection, select_executions!("WHERE sid = ?1"), [&sid])
            }),
            ReadRequest::Executions(query, sender) => {
                self.send(sender, |connection| list_executions(connection, &query));
            }
            ReadRequest::Steps(execution, query, sender) => {
                self.send(sender, |connection| list_steps(connection, &execution, &query));
            }
            ReadRequest::Due(before, limit, sender) => self.send(sender, |connection| {
                let sql =
                    select_executions!("WHERE due IS NOT NULL AND due < ?1 ORDER BY due, sid");
                let mut select = connection.prepare_cached(sql)?;
                let found = select.query([nanoseconds(before)])?;
                rows::read_many(found, limit, rows::read_execution)
            }),
            ReadRequest::Flow(revision, sender) => self.send(sender, |connection| {
                let sql = "SELECT definition FROM flow WHERE revision = ?1";
                let mut select = connection.prepare_cached(sql)?;
                Ok(select.query_row([&revision], |row| row.get(0)).optional()?)
            }),
        }
    }

    fn send<T>(
        &self,
        sender: ResultSender<T>,
        read: impl FnOnce(&Connection) -> Result<T, RequestError>,
    ) {
        // Its task was cancelled while it was in the queue.
        if sender.is_closed() {
            return;
        }
        let mut connection = self.file.reader(self.number);
        let opened = open_if_closed(&self.file, &mut connection).map_err(RequestError::Sql);
        let result = opened.and_then(read).map_err(|error| match error {
            RequestError::Refused(error) => error,
            RequestError::Sql(error) => {
                if error_scope(&error) == ErrorScope::Connection {
                    *connection = None;
                    // The writer checks the whole file. A full queue does not matter: then the
                    // writer has work, and finds the damage by itself.
                    let _ = self.writer.try_send(WriteRequest::Check);
                }
                StoreError::Failed(describe(&error))
            }
        });
        // Released as early as possible: the writer takes it to open the file again.
        drop(connection);
        // An error means that the task was cancelled.
        let _ = sender.send(result);
    }
}

fn open_if_closed<'a>(
    file: &StoreFile,
    connection: &'a mut Option<Connection>,
) -> rusqlite::Result<&'a Connection> {
    let open = match connection.take() {
        Some(open) => open,
        None => file.open_reader()?,
    };
    Ok(connection.insert(open))
}

fn list_executions(
    connection: &Connection,
    query: &ExecutionQuery,
) -> Result<Vec<StoredExecution>, RequestError> {
    let mut select = connection.prepare_cached(select_executions!(
        "WHERE flow = ?1 AND created >= ?2 AND (created, sid) < (?3, ?4) \
         ORDER BY created DESC, sid DESC"
    ))?;
    let from = nanoseconds(query.from.unwrap_or_default());
    let mut until = (nanoseconds(query.until.unwrap_or(Duration::MAX)), "");
    if let Some((at, sid)) = &query.after {
        until = until.min((nanoseconds(*at), sid));
    }
    let found = select.query(params![query.flow, from, until.0, until.1])?;
    rows::read_many(found, query.limit, rows::read_execution)
}

fn list_steps(
    connection: &Connection,
    execution: &str,
    query: &StepQuery,
) -> Result<Vec<StepRecord>, RequestError> {
    let mut id = connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
    let id: Option<i64> = id.query_row([execution], |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let mut before = (i64::MAX, i64::MAX);
    if let Some((at, sid)) = &query.after {
        let sql = "SELECT number FROM step WHERE execution = ?1 AND at = ?2 AND sid = ?3";
        let mut number = connection.prepare_cached(sql)?;
        let at = nanoseconds(*at);
        let number = number.query_row(params![id, at, sid], |row| row.get(0)).optional()?;
        // A step that is gone: the page goes on before its time.
        before = (at, number.unwrap_or_default());
    }
    let mut select = connection.prepare_cached(
        r#"SELECT sid, name, "from", "to", kind, at, sealed FROM step
           WHERE execution = ?1 AND (at, number) < (?2, ?3) ORDER BY at DESC, number DESC"#,
    )?;
    let found = select.query(params![id, before.0, before.1])?;
    rows::read_many(found, query.limit, |row| rows::read_step(row, execution))
}
