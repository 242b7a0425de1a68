//! Stage 8: the document that goes back, checked where others made it, written where we do.
//!
//! Invariants: only [`mod@write`] and [`verb`] make XML, and what they make is always well-formed;
//! whatever [`read`] lets through, a strict XML parser reads; neither changes a document.

pub mod read;
pub mod write;
pub mod verb;
pub mod grammar;
mod finding;

pub use finding::Finding;
pub use read::{Bounds, ErrorKind, Read, TwimlError};
pub use write::{Document, Writer};

use actix_web::web::Bytes;

/// The document that says nothing: hang up, or no reply.
pub const EMPTY: Bytes = Bytes::from_static(b"<Response/>");
