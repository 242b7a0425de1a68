//! A pending call as an execution stores it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::webhook::{Params, as_form};

/// A call of a function that an execution waits for: all that it takes to make it once more, the same
/// to the letter, where the table has lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCall {
    /// Its `Idempotency-Key`, which the webhook that began it has made.
    pub key: String,
    /// How many hold documents went out for it.
    pub times: u32,
    /// The flow's parameters, rendered.
    #[serde(with = "as_form")]
    pub parameters: Arc<Params>,
    /// The carrier's parameters, for a function that wants them.
    #[serde(with = "as_form")]
    pub webhook: Arc<Params>,
}
