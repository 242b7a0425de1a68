//! `sqlite:FILE`, executions that outlive the process.
//!
//! One thread writes, in groups: whatever waits when it has done the last group is the next one, so
//! that one sync of the disk serves up to 64 webhooks. Two threads read, each on a connection of
//! its own. A worker never waits for the disk, only for an answer; not even for that where a
//! session is known to have no active execution, or its last state is at hand.

mod claims;
mod file;
mod known;
mod reader;
mod recent;
mod rows;
mod save;
mod seal;
mod trouble;
mod write;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::web::Bytes;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::closing::{Closes, Closing};
use super::desk::{Desk, Digest};
use super::lanes::Held;
use super::{Commit, Listing, Page, Saved, StepRecord, StoreError};
use crate::clock::{self, Steady};
use crate::limits::STORE_QUEUE_MAX;
pub use rows::{seal_saved, seal_step, unseal_saved, unseal_step};

use file::File;
use known::{Found, Known};
use reader::{Read, Reader};
use trouble::is_damage;
use write::{Sealed, Write};
use writer::Writer;

/// Threads that read. One look-up takes some microseconds; two, so that a long list does not keep
/// a call waiting.
const READERS: usize = 2;

/// Where the answer to a request goes.
type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A store at work, with its threads. Dropped, it waits for them, and gives the file free.
#[derive(Debug)]
pub(super) struct Sqlite {
    file: Arc<File>,
    known: Arc<Known>,
    clock: Mutex<Steady>,
    // `None` only while it is dropped: a queue without a sender ends its thread.
    reads: Option<SyncSender<Read>>,
    writes: Option<SyncSender<Write>>,
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    /// Last, as fields are dropped in their order: the file is closed with the last connection.
    closes: Closes,
}

// === impl Sqlite ===

impl Sqlite {
    /// Opens or begins a file, and loads its claims onto the desk.
    pub(super) fn open(path: &Path, now: Duration, desk: &Desk) -> Result<Sqlite, StoreError> {
        let (file, mut connection) = File::open(path)?;
        let threads = |error: io::Error| file::unusable(path, &error.to_string(), "see its limits");
        let unread = |error: String| {
            let advice = "move the file away to begin a fresh one";
            file::unusable(path, &error, advice)
        };
        let known = Arc::new(Known::default());
        let load = |connection: &Connection| {
            known.load(connection)?;
            claims::load(connection, now, desk)
        };
        let loaded = match load(&connection) {
            // Its first page is well, or it had not come so far.
            Err(error) if is_damage(&error) => {
                drop(connection);
                connection = file.reopen().map_err(unread)?;
                file.is_well();
                load(&connection)
            }
            other => other,
        };
        loaded.map_err(|error| unread(error.to_string()))?;
        let file = Arc::new(file);
        let (reads, to_read) = sync_channel(STORE_QUEUE_MAX);
        let (writes, to_write) = sync_channel(STORE_QUEUE_MAX);
        let mut sqlite = Sqlite {
            file: Arc::clone(&file),
            known: Arc::clone(&known),
            clock: Mutex::new(Steady::new(clock::now(), now)),
            reads: Some(reads),
            writes: Some(writes.clone()),
            readers: Vec::new(),
            writer: None,
            closes: Closes::default(),
        };
        let writer = Writer {
            file: Arc::clone(&file),
            connection: Some(connection),
            queue: to_write,
            desk: desk.clone(),
            known,
            checked: None,
        };
        let thread = thread::Builder::new().name("store-write".to_owned());
        sqlite.writer = Some(thread.spawn(|| writer.run()).map_err(threads)?);
        let to_read = Arc::new(Mutex::new(to_read));
        for number in 0..READERS {
            let to_read = Arc::clone(&to_read);
            let reader = Reader::new(number, Arc::clone(&file), to_read, writes.clone());
            let thread = thread::Builder::new().name("store-read".to_owned());
            sqlite.readers.push(thread.spawn(|| reader.run()).map_err(threads)?);
        }
        Ok(sqlite)
    }

    pub(super) async fn reply(&self, digest: Digest) -> Result<Option<Bytes>, StoreError> {
        self.read(|answer| Read::Reply(digest, answer)).await
    }

    pub(super) async fn active(&self, session: &str) -> Result<Option<Saved>, StoreError> {
        match self.known.active(session) {
            Found::Nothing => Ok(None),
            Found::Saved(saved) => Ok(Some(Saved::clone(&saved))),
            Found::Unknown => self.read(|answer| Read::Active(session.to_owned(), answer)).await,
        }
    }

    pub(super) async fn execution(&self, sid: &str) -> Result<Option<Saved>, StoreError> {
        self.read(|answer| Read::Execution(sid.to_owned(), answer)).await
    }

    pub(super) async fn executions(&self, list: Listing) -> Result<Vec<Saved>, StoreError> {
        self.read(|answer| Read::Executions(list, answer)).await
    }

    pub(super) async fn steps(
        &self,
        execution: &str,
        page: Page,
    ) -> Result<Vec<StepRecord>, StoreError> {
        self.read(|answer| Read::Steps(execution.to_owned(), page, answer)).await
    }

    pub(super) async fn due(
        &self,
        before: Duration,
        limit: usize,
    ) -> Result<Vec<Saved>, StoreError> {
        self.read(|answer| Read::Due(before, limit, answer)).await
    }

    pub(super) async fn flow(&self, revision: &str) -> Result<Option<String>, StoreError> {
        self.read(|answer| Read::Flow(revision.to_owned(), answer)).await
    }

    pub(super) async fn commit(
        &self,
        commit: Commit,
        held: Option<Arc<Held>>,
    ) -> Result<(), StoreError> {
        let expires = self.believes(commit.now);
        // Sealed here, on the caller's thread: the writer's is the one that all wait for.
        let sealed = Box::new(Sealed::new(commit, expires, held));
        self.write(|answer| Write::Commit(sealed, answer)).await
    }

    pub(super) async fn delete(&self, sid: &str) -> Result<bool, StoreError> {
        self.write(|answer| Write::Delete(sid.to_owned(), answer)).await
    }

    pub(super) async fn keep_flow(
        &self,
        revision: &str,
        definition: &str,
    ) -> Result<(), StoreError> {
        let (revision, definition) = (revision.to_owned(), definition.to_owned());
        self.write(|answer| Write::KeepFlow(revision, definition, answer)).await
    }

    pub(super) async fn expire(&self, now: Duration, current: &[String]) -> Result<(), StoreError> {
        self.write(|answer| Write::Expire(now, current.to_vec(), answer)).await
    }

    pub(super) fn closing(&self) -> Closing {
        self.closes.closing()
    }

    /// Whether what is too old by this wall clock may go.
    fn believes(&self, wall: Duration) -> bool {
        let mut steady = self.clock.lock();
        steady.believes(clock::now(), wall)
    }

    pub(super) fn health(&self) -> Result<(), String> {
        let ended = self.readers.iter().chain(&self.writer).any(JoinHandle::is_finished);
        if ended {
            Err("a thread of the store ended: restart".to_owned())
        } else {
            self.file.health()
        }
    }

    async fn read<T>(&self, request: impl FnOnce(Answer<T>) -> Read) -> Result<T, StoreError> {
        ask(self.reads.as_ref(), request).await
    }

    async fn write<T>(&self, request: impl FnOnce(Answer<T>) -> Write) -> Result<T, StoreError> {
        ask(self.writes.as_ref(), request).await
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The readers first: they can ask the writer for something.
        self.reads = None;
        for reader in self.readers.drain(..) {
            // A thread that panicked has said so.
            let _ = reader.join();
        }
        self.writes = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Puts a request into a queue, and waits for its answer.
async fn ask<T, R>(
    queue: Option<&SyncSender<R>>,
    request: impl FnOnce(Answer<T>) -> R,
) -> Result<T, StoreError> {
    let ended = || StoreError::Failed("its thread ended".to_owned());
    let (answer, answered) = oneshot::channel();
    queue.ok_or_else(ended)?.try_send(request(answer)).map_err(|error| match error {
        TrySendError::Full(_) => StoreError::Busy,
        TrySendError::Disconnected(_) => ended(),
    })?;
    answered.await.unwrap_or_else(|_| Err(ended()))
}
