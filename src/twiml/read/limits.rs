//! The limits of a document that is read.

use crate::limits::DOCUMENT_BYTES_MAX;

/// How large a document may be. Each limit stops a hostile function; none is near what a person
/// writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of the document. The carrier refuses more than 64 kB (11750).
    pub bytes: usize,
    /// Levels of nested elements. The grammar needs four, speech markup some more. A tree is
    /// dropped by recursion, so this stays far below what a stack holds.
    pub depth: usize,
    /// Elements. A caller hangs up long before 1,000 verbs have run.
    pub elements: usize,
    /// Attributes of one element. The grammar's largest element has 41.
    pub attributes: usize,
    /// Findings that are reported; further ones are dropped.
    pub findings: usize,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        DocumentLimits {
            bytes: DOCUMENT_BYTES_MAX,
            depth: 32,
            elements: 1_000,
            attributes: 64,
            findings: 32,
        }
    }
}
