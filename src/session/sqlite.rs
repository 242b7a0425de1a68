//! `sqlite:FILE`, the store whose executions outlive the process.
//!
//! One thread writes, in groups: all requests that wait when it has finished a group are the next
//! one, so that one sync of the disk serves up to 64 webhooks. Two threads read, each on its own
//! connection. A worker's thread never waits for the disk: a request goes into a queue, and its
//! task waits for the result. Where `session_index` knows the result, there is no request at all.
//!
//! The threads agree by two rules. Only the writer changes the index, and only after its commit.
//! Only the writer opens the file again, while it keeps the readers out. This folder knows rows and
//! bytes; which webhook may write what is decided above it.

mod checksum;
mod claim_rows;
mod execution_rows;
mod file;
mod reader;
mod request_error;
mod rows;
mod session_index;
mod state_cache;
mod write_request;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::web::Bytes;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::claim_key::TokenDigest;
use super::claims::ClaimTable;
use super::key_digest::KeyDigest;
use super::shutdown::{ShutdownSignal, ShutdownWaiter};
use super::{Commit, ExecutionQuery, StepQuery, StepRecord, StoreError, StoredExecution};
use crate::clock::{self, SteadyClock};
use crate::limits::STORE_QUEUE_MAX;
use crate::sqlite_file::is_corruption;
pub use rows::{decode_context, decode_state, encode_context, encode_state};

use file::StoreFile;
use reader::{ReadRequest, StoreReader};
use session_index::{ActiveExecution, SessionIndex};
use write_request::{EncodedCommit, WriteRequest};
use writer::StoreWriter;

/// Threads that read. A look-up takes some microseconds; there are two, so that a long list does
/// not keep a call waiting.
const READERS: usize = 2;

/// Where the result of a request goes.
type ResultSender<T> = oneshot::Sender<Result<T, StoreError>>;

/// An open store, with its threads. Dropped, it waits for them, and then the file is free.
#[derive(Debug)]
pub(super) struct SqliteStore {
    file: Arc<StoreFile>,
    index: Arc<SessionIndex>,
    clock: Mutex<SteadyClock>,
    // `None` only while it is dropped: a queue without a sender ends its thread.
    reads: Option<SyncSender<ReadRequest>>,
    writes: Option<SyncSender<WriteRequest>>,
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    /// Last, as fields are dropped in their order: the file is closed with the last connection.
    shutdown: ShutdownSignal,
}

// === impl SqliteStore ===

impl SqliteStore {
    /// Opens or creates a file, and loads its claims into the claim table.
    pub(super) fn open(
        path: &Path,
        now: Duration,
        claims: &ClaimTable,
    ) -> Result<SqliteStore, StoreError> {
        let (file, mut connection) = StoreFile::open(path)?;
        let unreadable = |error: String| {
            let advice = "move the file away to begin a fresh one";
            file::open_error(path, &error, advice)
        };
        let index = Arc::new(SessionIndex::default());
        let load = |connection: &Connection| {
            index.load(connection)?;
            claim_rows::load(connection, now, claims)
        };
        let loaded = match load(&connection) {
            // The first page is intact, so the file could be opened; this read found the damage.
            Err(error) if is_corruption(&error) => {
                drop(connection);
                connection = file.reopen().map_err(unreadable)?;
                file.clear_failure();
                load(&connection)
            }
            other => other,
        };
        loaded.map_err(|error| unreadable(error.to_string()))?;
        let file = Arc::new(file);
        let (reads, to_read) = sync_channel(STORE_QUEUE_MAX);
        let (writes, to_write) = sync_channel(STORE_QUEUE_MAX);
        let mut store = SqliteStore {
            file: Arc::clone(&file),
            index: Arc::clone(&index),
            clock: Mutex::new(SteadyClock::new(clock::now(), now)),
            reads: Some(reads),
            writes: Some(writes.clone()),
            readers: Vec::new(),
            writer: None,
            shutdown: ShutdownSignal::default(),
        };
        let writer = StoreWriter {
            file,
            connection: Some(connection),
            queue: to_write,
            claims: claims.clone(),
            index,
            checked_at: None,
        };
        let threads =
            |error: io::Error| file::open_error(path, &error.to_string(), "see its limits");
        store.start_threads(writer, to_read, writes).map_err(threads)?;
        Ok(store)
    }

    fn start_threads(
        &mut self,
        writer: StoreWriter,
        to_read: Receiver<ReadRequest>,
        to_writer: SyncSender<WriteRequest>,
    ) -> io::Result<()> {
        let thread = thread::Builder::new().name("store-write".to_owned());
        self.writer = Some(thread.spawn(|| writer.run())?);
        let to_read = Arc::new(Mutex::new(to_read));
        for number in 0..READERS {
            let (file, to_read) = (Arc::clone(&self.file), Arc::clone(&to_read));
            // With a sender to the writer, which checks the file when a reader finds damage.
            let reader = StoreReader::new(number, file, to_read, to_writer.clone());
            let thread = thread::Builder::new().name("store-read".to_owned());
            self.readers.push(thread.spawn(|| reader.run())?);
        }
        Ok(())
    }

    pub(super) async fn reply(
        &self,
        digest: KeyDigest,
    ) -> Result<Option<(Bytes, Option<TokenDigest>)>, StoreError> {
        self.read(|sender| ReadRequest::Reply(digest, sender)).await
    }

    pub(super) async fn active(
        &self,
        session: &str,
    ) -> Result<Option<StoredExecution>, StoreError> {
        match self.index.active(session) {
            ActiveExecution::None => Ok(None),
            ActiveExecution::Cached(execution) => Ok(Some(StoredExecution::clone(&execution))),
            ActiveExecution::Unknown => {
                self.read(|sender| ReadRequest::Active(session.to_owned(), sender)).await
            }
        }
    }

    pub(super) async fn execution(&self, sid: &str) -> Result<Option<StoredExecution>, StoreError> {
        self.read(|sender| ReadRequest::Execution(sid.to_owned(), sender)).await
    }

    pub(super) async fn executions(
        &self,
        query: ExecutionQuery,
    ) -> Result<Vec<StoredExecution>, StoreError> {
        self.read(|sender| ReadRequest::Executions(query, sender)).await
    }

    pub(super) async fn steps(
        &self,
        execution: &str,
        query: StepQuery,
    ) -> Result<Vec<StepRecord>, StoreError> {
        self.read(|sender| ReadRequest::Steps(execution.to_owned(), query, sender)).await
    }

    pub(super) async fn due(
        &self,
        before: Duration,
        limit: usize,
    ) -> Result<Vec<StoredExecution>, StoreError> {
        self.read(|sender| ReadRequest::Due(before, limit, sender)).await
    }

    pub(super) async fn flow(&self, revision: &str) -> Result<Option<String>, StoreError> {
        self.read(|sender| ReadRequest::Flow(revision.to_owned(), sender)).await
    }

    pub(super) async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        let can_expire = self.believes(commit.now);
        // Encoded here, on the caller's thread: all callers wait for the writer's.
        let commit = Box::new(EncodedCommit::new(commit, can_expire));
        self.write(|sender| WriteRequest::Commit(commit, sender)).await
    }

    pub(super) async fn delete(&self, sid: &str) -> Result<bool, StoreError> {
        self.write(|sender| WriteRequest::Delete(sid.to_owned(), sender)).await
    }

    pub(super) async fn store_flow(
        &self,
        revision: &str,
        definition: &str,
    ) -> Result<(), StoreError> {
        let (revision, definition) = (revision.to_owned(), definition.to_owned());
        self.write(|sender| WriteRequest::KeepFlow(revision, definition, sender)).await
    }

    pub(super) async fn expire(&self, now: Duration, current: &[String]) -> Result<(), StoreError> {
        self.write(|sender| WriteRequest::Expire(now, current.to_vec(), sender)).await
    }

    pub(super) fn shutdown_waiter(&self) -> ShutdownWaiter {
        self.shutdown.waiter()
    }

    /// Whether a wall clock is believed, so that what is too old by it may be removed: a clock that
    /// is wrong for a minute must not remove all claims.
    fn believes(&self, wall: Duration) -> bool {
        self.clock.lock().believes(clock::now(), wall)
    }

    pub(super) fn health(&self) -> Result<(), String> {
        let has_ended = self.readers.iter().chain(&self.writer).any(JoinHandle::is_finished);
        if has_ended {
            Err("a thread of the store ended: restart".to_owned())
        } else {
            self.file.health()
        }
    }

    async fn read<T>(
        &self,
        request: impl FnOnce(ResultSender<T>) -> ReadRequest,
    ) -> Result<T, StoreError> {
        ask(self.reads.as_ref(), request).await
    }

    async fn write<T>(
        &self,
        request: impl FnOnce(ResultSender<T>) -> WriteRequest,
    ) -> Result<T, StoreError> {
        ask(self.writes.as_ref(), request).await
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The readers first: they have senders to the writer, which ends with the last of them.
        self.reads = None;
        for reader in self.readers.drain(..) {
            // An error is a panic, which has been reported.
            let _ = reader.join();
        }
        self.writes = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Puts a request into a queue, and waits for its result. A full queue is an error at once: a wait
/// for room would only pass the deadline of the webhook.
async fn ask<T, R>(
    queue: Option<&SyncSender<R>>,
    request: impl FnOnce(ResultSender<T>) -> R,
) -> Result<T, StoreError> {
    let ended = || StoreError::Failed("its thread ended".to_owned());
    let (sender, result) = oneshot::channel();
    queue.ok_or_else(ended)?.try_send(request(sender)).map_err(|error| match error {
        TrySendError::Full(_) => StoreError::Busy,
        TrySendError::Disconnected(_) => ended(),
    })?;
    // A sender that was dropped: its thread panicked in the request, or ended.
    result.await.unwrap_or_else(|_| Err(ended()))
}
