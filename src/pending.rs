//! Pending calls: function calls that outlast the webhook that began them (`hold`).
//!
//! A phone call hears the hold document, and the carrier asks again. A message is answered at once,
//! and its flow continues when the outcome is there. `call` is the record of such a call in its
//! execution. `table` has the calls and outcomes of this process. `detached` makes a call in its
//! own task. `hold_document` checks the documents that may be sent meanwhile.
//!
//! Invariant: the record in the execution is enough to make the call again under the same
//! `Idempotency-Key`. The table may therefore drop any entry, and ends with the process. It belongs
//! to the process and not to a configuration, so that a reload loses no call. This folder does not
//! know flows, sessions or webhooks.

mod call;
mod detached;
mod hold_document;
mod table;

pub use call::PendingCall;
pub(crate) use detached::DetachedCall;
pub(crate) use hold_document::hold_document_fault;
pub use table::{CallPermit, CallPoll, PendingCalls, PendingKey, PendingOutcome};
