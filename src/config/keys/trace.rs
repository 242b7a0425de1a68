//! The keys of `[trace]`.

use crate::diagnostics::toml_reader::KeyKind::{Integer, List, Path};

use super::{SectionSpec, key};

/// `[trace]`
pub(super) const TRACE: SectionSpec = SectionSpec {
    name: "trace",
    repeated: false,
    doc: "what happened in each conversation, for `twimlgate trace`; off without `file`",
    keys: &[
        key("file", Path, r#""""#, "SQLite file with what callers said and heard; empty: none"),
        key(
            "per_second",
            Integer(0, 100_000),
            "200",
            "exchanges that are stored whole; under more load, some conversations are, and \
             of the others the failures",
        ),
        key("days", Integer(1, 3_650), "30", "after its last change a conversation is deleted"),
        key(
            "max_mb",
            Integer(1, 1_048_576),
            "2048",
            "megabytes; in a larger file the oldest conversations are deleted",
        ),
        key(
            "never",
            List,
            "[]",
            "parameters, and members of JSON, whose values are not stored: `Digits`, `ssn`; \
             payment data and tokens never are",
        ),
    ],
};
