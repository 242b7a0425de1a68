//! Stage 8: the document that goes back, checked where others made it, written where we do.
//!
//! [`read`] checks documents that functions return and templates render, against XML and against
//! [`grammar`], and changes none. [`mod@write`] writes documents, of the elements in [`verb`], and
//! inserts them into foreign ones. The invariants: only `write` makes XML, and its output is always
//! well-formed; a strict XML parser reads every document that `read` accepts. None of these files
//! knows flows, sessions or HTTP: a document is bytes and a channel.

pub mod read;
pub mod write;
pub mod verb;
pub mod grammar;
mod finding;

pub use finding::Finding;
pub use read::{DocumentLimits, DocumentReport, TwimlError, TwimlErrorKind};
pub use write::{TwimlDocument, TwimlWriter};

use actix_web::web::Bytes;

/// The document without verbs: hang up, or no reply.
pub(crate) const EMPTY: Bytes = Bytes::from_static(b"<Response/>");
