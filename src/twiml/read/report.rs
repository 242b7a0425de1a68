//! The result of checking a document.

use crate::twiml::finding::Finding;

/// What a document holds that matters to the gateway, and what the carrier would warn about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentReport {
    /// What a carrier would warn about, in document order.
    pub findings: Vec<Finding>,
    /// Elements directly in `Response`. None means: hang up, or send no reply.
    pub verbs: usize,
    /// The first of them, if it is one of the grammar.
    pub first_verb: Option<&'static str>,
    /// Replies (`Message`) in the answer to a message.
    pub messages: usize,
}
