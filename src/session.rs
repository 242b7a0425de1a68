//! Stage 4: which execution a webhook belongs to, and who works on it, once only.
//!
//! Carriers retry and callers press twice. The first delivery of a webhook gets the claim; every
//! other one gets the bytes of the first one's reply, also when it comes while the first is still
//! being worked on. The reply, the new state and the steps to it are kept together or not at all.
//!
//! Who works on what is a matter of this process and of the `desk` and the `lanes`; a store,
//! `memory` or `sqlite`, keeps data only.

mod closing;
mod desk;
mod error;
mod key;
mod lanes;
mod memory;
mod record;
mod sqlite;

pub use closing::Closing;
pub use desk::{Ticket, Waiting};
pub use error::StoreError;
pub use key::Key;
pub use lanes::Turn;
pub use record::{Commit, Listing, Page, Saved, StepRecord};

pub use crate::config::StoreUrl;

/// Pure parts that nobody but a fuzz target asks alone.
#[doc(hidden)]
pub mod parts {
    pub use super::sqlite::{seal_saved, seal_step, unseal_saved, unseal_step};
}

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;

use closing::Closes;
use desk::{Desk, Desked};
use lanes::Lanes;
use memory::Memory;
use sqlite::Sqlite;

/// Where claims and executions are kept. One for a process; a clone is the same store.
///
/// The store is closed, and its file free for another process, when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Sessions {
    desk: Desk,
    lanes: Lanes,
    store: Store,
}

#[derive(Clone, Debug)]
enum Store {
    /// `memory:`: they end with the process.
    Memory(Arc<Memory>),
    /// `sqlite:FILE`: they outlive it.
    Sqlite(Arc<Sqlite>),
}

/// What a delivery may do.
#[derive(Debug)]
pub enum Claim {
    /// It is the first: work, then hand in the reply.
    First(Ticket),
    /// It has been answered: these bytes, again.
    Answered(Bytes),
    /// Another delivery is being worked on: its reply comes here.
    Running(Waiting),
    /// Nothing tells this delivery from a new one, so it is taken for new.
    Unclaimed,
}

// === impl Sessions ===

impl Sessions {
    /// Opens the store of a configuration; `now` is the wall clock, since 1970. A file is locked:
    /// a second gateway on it gets [`StoreError::Open`], as does whoever names a file that cannot
    /// be used. A store that was damaged as a whole is moved aside, and a fresh one begun.
    pub fn open(url: &StoreUrl, now: Duration) -> Result<Sessions, StoreError> {
        match url {
            StoreUrl::Memory => Ok(Sessions::memory()),
            StoreUrl::Sqlite(file) => {
                let desk = Desk::new(true);
                let store = Store::Sqlite(Arc::new(Sqlite::open(file, now, &desk)?));
                Ok(Sessions { desk, lanes: Lanes::default(), store })
            }
        }
    }

    /// An empty store that ends with the process.
    pub fn memory() -> Sessions {
        let store = Store::Memory(Arc::new(Memory::default()));
        Sessions { desk: Desk::new(false), lanes: Lanes::default(), store }
    }

    /// Claims a webhook, once for all its deliveries. Without a key every delivery is a new one.
    pub async fn claim(&self, key: Option<Key>) -> Result<Claim, StoreError> {
        let Some(key) = key else { return Ok(Claim::Unclaimed) };
        match self.desk.claim(desk::claimed(&key)) {
            Desked::First(ticket) => Ok(Claim::First(ticket)),
            Desked::Answered(reply) => Ok(Claim::Answered(reply)),
            Desked::Running(waiting) => Ok(Claim::Running(waiting)),
            Desked::LookUp(mut ticket) => match self.reply(&ticket).await? {
                Some(reply) => {
                    ticket.found(&reply);
                    Ok(Claim::Answered(reply))
                }
                None => {
                    ticket.not_found();
                    Ok(Claim::First(ticket))
                }
            },
        }
    }

    async fn reply(&self, ticket: &Ticket) -> Result<Option<Bytes>, StoreError> {
        match &self.store {
            Store::Memory(_) => Ok(None),
            Store::Sqlite(sqlite) => sqlite.reply(ticket.digest()).await,
        }
    }

    /// Waits until nobody else in this process works on this session, in the order of arrival.
    /// There is no limit to the wait: the caller has a deadline, and loses its place by going.
    pub async fn enter(&self, session: &str) -> Turn {
        self.lanes.enter(session).await
    }

    /// The execution that is active for a session key.
    pub async fn active(&self, session: &str) -> Result<Option<Saved>, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.active(session)),
            Store::Sqlite(sqlite) => sqlite.active(session).await,
        }
    }

    /// Keeps the reply to a claim, the new state and its steps, all or nothing, and gives the reply
    /// to whoever waits for it. What it says `Ok` to has reached the disk. On an error the claim is
    /// free again, and whoever waits gets `None`.
    ///
    /// A caller that stops waiting does not stop the write, and its turn at the session, if it has
    /// one, passes on only when that is done.
    pub async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        if commit.is_empty() {
            return Ok(());
        }
        match &self.store {
            Store::Memory(memory) => memory.commit(commit),
            Store::Sqlite(sqlite) => {
                let saved = commit.execution.as_ref();
                let held = saved.and_then(|saved| self.lanes.hold(&saved.session));
                sqlite.commit(commit, held).await
            }
        }
    }

    /// An execution by its sid.
    pub async fn execution(&self, sid: &str) -> Result<Option<Saved>, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.execution(sid)),
            Store::Sqlite(sqlite) => sqlite.execution(sid).await,
        }
    }

    /// Executions of a flow, newest first. Damaged records are left out.
    pub async fn executions(&self, list: Listing) -> Result<Vec<Saved>, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.executions(&list)),
            Store::Sqlite(sqlite) => sqlite.executions(list).await,
        }
    }

    /// The steps of an execution, newest first; of those at one time, the last kept one first.
    /// Damaged records are left out.
    pub async fn steps(&self, execution: &str, page: Page) -> Result<Vec<StepRecord>, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.steps(execution, &page)),
            Store::Sqlite(sqlite) => sqlite.steps(execution, page).await,
        }
    }

    /// Removes an execution with its steps; whether it was there.
    pub async fn delete(&self, sid: &str) -> Result<bool, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.delete(sid)),
            Store::Sqlite(sqlite) => sqlite.delete(sid).await,
        }
    }

    /// At most `limit` executions whose timer fires before `before` (since 1970), the one that is
    /// overdue longest first. Damaged records are left out.
    pub async fn due(&self, before: Duration, limit: usize) -> Result<Vec<Saved>, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.due(before, limit)),
            Store::Sqlite(sqlite) => sqlite.due(before, limit).await,
        }
    }

    /// Keeps the definition of a flow's revision for the executions that run it. The first one
    /// that is kept under a revision stays.
    pub async fn keep_flow(&self, revision: &str, definition: &str) -> Result<(), StoreError> {
        match &self.store {
            Store::Memory(memory) => memory.keep_flow(revision, definition),
            Store::Sqlite(sqlite) => return sqlite.keep_flow(revision, definition).await,
        }
        Ok(())
    }

    /// The definition of a revision.
    pub async fn flow(&self, revision: &str) -> Result<Option<String>, StoreError> {
        match &self.store {
            Store::Memory(memory) => Ok(memory.flow(revision)),
            Store::Sqlite(sqlite) => sqlite.flow(revision).await,
        }
    }

    /// Removes claims and executions that are older than
    /// [`CLAIM_KEPT`](crate::limits::CLAIM_KEPT) and
    /// [`EXECUTION_KEPT`](crate::limits::EXECUTION_KEPT) (of a claim that could begin something
    /// again, its reply; the rest after [`REPLAY_REFUSED`](crate::limits::REPLAY_REFUSED)), about
    /// [`EXPIRED_ROWS_MAX`](crate::limits::EXPIRED_ROWS_MAX) of each in one call. A definition goes
    /// when it is not among the revisions `current` and no execution has used it for as long as a
    /// claim is kept: one that is being worked on while the configuration changes may still come.
    pub async fn expire(&self, now: Duration, current: &[String]) -> Result<(), StoreError> {
        match &self.store {
            Store::Memory(memory) => memory.expire(now, current),
            Store::Sqlite(sqlite) => return sqlite.expire(now, current).await,
        }
        Ok(())
    }

    /// Tells when the store is closed. One that ends with the process has nothing to close.
    pub fn closing(&self) -> Closing {
        match &self.store {
            Store::Memory(_) => Closes::default().closing(),
            Store::Sqlite(sqlite) => sqlite.closing(),
        }
    }

    /// What is wrong, while the last write failed or the file is damaged. A store that fails tries
    /// by itself whether it works again, see
    /// [`STORE_PROBE_EVERY`](crate::limits::STORE_PROBE_EVERY).
    pub fn health(&self) -> Result<(), String> {
        match &self.store {
            Store::Memory(_) => Ok(()),
            Store::Sqlite(sqlite) => sqlite.health(),
        }
    }
}
