//! Loads executions from the store, for webhooks and for timers alike.

use std::sync::Arc;

use super::ExchangeError;
use crate::flow::{Execution, Flow};
use crate::gateway::{Gateway, RevisionError};
use crate::session::{Sessions, StoreError, StoredExecution, decode_execution};

/// An execution with the record that it was decoded from.
#[derive(Debug)]
pub(super) struct LoadedExecution {
    pub(super) stored: StoredExecution,
    pub(super) execution: Execution,
}

/// Why a stored execution can never continue.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnusableExecution {
    /// The record is damaged, has the form of another version, or names a widget that the flow does
    /// not have.
    #[error(transparent)]
    Unreadable(StoreError),
    /// The flow revision that it began with cannot be compiled any more.
    #[error(transparent)]
    Revision(RevisionError),
}

impl LoadedExecution {
    /// Decodes an execution.
    ///
    /// # Errors
    /// [`UnusableExecution::Unreadable`] with the record, so that the caller can end it.
    #[expect(clippy::result_large_err, reason = "rare, and its caller needs the record")]
    pub(super) fn read(
        stored: StoredExecution,
    ) -> Result<LoadedExecution, (StoredExecution, UnusableExecution)> {
        match decode_execution(&stored) {
            Ok(execution) => Ok(LoadedExecution { stored, execution }),
            Err(error) => Err((stored, UnusableExecution::Unreadable(error))),
        }
    }

    /// The flow revision of the execution. `current` is compared first, because nearly all
    /// executions are on it; only for others the store is read.
    ///
    /// # Errors
    /// The outer one if the store fails, the inner one if the execution can never continue. A
    /// failure of the store ends nothing.
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
            // Decoding checks the form only. A position outside the flow shows here.
            Ok(_) => {
                Err(UnusableExecution::Unreadable(StoreError::Corrupt(self.stored.sid.clone())))
            }
            Err(RevisionError::Store(error)) => return Err(error),
            Err(gone) => Err(UnusableExecution::Revision(gone)),
        })
    }
}

impl From<UnusableExecution> for ExchangeError {
    fn from(unusable: UnusableExecution) -> ExchangeError {
        match unusable {
            UnusableExecution::Unreadable(error)
            | UnusableExecution::Revision(RevisionError::Store(error)) => error.into(),
            UnusableExecution::Revision(RevisionError::Gone(why)) => ExchangeError::Revision(why),
        }
    }
}
