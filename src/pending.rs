//! Pending calls: calls of functions that outlast the webhook that began them (`hold`).
//!
//! A call hears the hold document and comes back; a message is answered at once, and its flow goes on
//! when the outcome has come. `call` is what the execution stores of such a call, `table` has the
//! calls and outcomes of this process, `detached` makes one in a task of its own, `hold_document`
//! says which documents may be sent meanwhile.
//!
//! Invariant: what the execution stores is enough to make the call once more under the same
//! `Idempotency-Key`. The table may therefore forget anything, and ends with the process. It stands
//! beside the store, not in the configuration, so that a reload loses no call.

mod call;
mod detached;
mod hold_document;
mod table;

pub use call::PendingCall;
pub use detached::DetachedCall;
pub use hold_document::hold_document_fault;
pub use table::{CallPermit, CallPoll, PendingCalls, PendingKey, PendingOutcome};
