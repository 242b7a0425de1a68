//! Executions read back from the store: written once, for webhooks and for turns without one.

use std::sync::Arc;

use crate::flow::{Execution, Flow};
use crate::gateway::{Gateway, RevisionError};
use crate::session::{Sessions, StoreError, StoredExecution, decode_execution};

/// An execution that was read back.
#[derive(Debug)]
pub(super) struct LoadedExecution {
    pub(super) stored: StoredExecution,
    pub(super) execution: Execution,
}

/// Why an execution that is stored cannot go on, ever.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnusableExecution {
    /// Its record is damaged, or another version's, or has a place that its flow does not have.
    #[error(transparent)]
    Unreadable(StoreError),
    /// The revision of the flow that it began with cannot be made any more.
    #[error(transparent)]
    Revision(RevisionError),
}

impl LoadedExecution {
    /// Reads an execution. One that cannot be read comes back with the reason.
    ///
    /// # Errors
    /// The record, so that it can be ended, and [`UnusableExecution::Unreadable`].
    pub(super) fn read(
        stored: StoredExecution,
    ) -> Result<LoadedExecution, (StoredExecution, UnusableExecution)> {
        match decode_execution(&stored) {
            Ok(execution) => Ok(LoadedExecution { stored, execution }),
            Err(error) => Err((stored, UnusableExecution::Unreadable(error))),
        }
    }

    /// The revision of the flow that the execution is on. `current` is tried before the store is
    /// asked: nearly all executions are on it.
    ///
    /// # Errors
    /// The outer one where the store fails, the inner one where the execution can never go on.
    pub(super) async fn flow(
        &self,
        gateway: &Gateway,
        sessions: &Sessions,
        current: Option<&Arc<Flow>>,
    ) -> Result<Result<Arc<Flow>, UnusableExecution>, StoreError> {
        let is_on = |flow: &&Arc<Flow>| flow.revision == self.stored.revision;
        let flow = match current.filter(is_on) {
            Some(flow) => Ok(Arc::clone(flow)),
            None => gateway.stored_revision(sessions, &self.stored).await,
        };
        Ok(match flow {
            Ok(flow) if self.execution.fits(&flow) => Ok(flow),
            // Damaged, or of another version, in ways that its own form does not tell.
            Ok(_) => {
                Err(UnusableExecution::Unreadable(StoreError::Corrupt(self.stored.sid.clone())))
            }
            Err(RevisionError::Store(error)) => return Err(error),
            Err(gone) => Err(UnusableExecution::Revision(gone)),
        })
    }
}
