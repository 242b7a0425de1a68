//! A block that is open while its body is parsed, and the errors of tags that do not fit into it.

use super::super::error::{ErrorCause, LiquidErrorKind, ParseError, Span};
use crate::diagnostics::suggest::did_you_mean;

/// All tags but those inside of a block, for "did you mean".
const TAGS: [&str; 20] = [
    "assign",
    "break",
    "capture",
    "case",
    "comment",
    "continue",
    "cycle",
    "decrement",
    "doc",
    "echo",
    "for",
    "if",
    "ifchanged",
    "include",
    "increment",
    "liquid",
    "raw",
    "render",
    "tablerow",
    "unless",
];

/// An open block: its name, the tags of its parts, and its place.
#[derive(Clone, Copy)]
pub(super) struct OpenBlock<'s> {
    pub(super) name: &'s str,
    /// Tags that begin the next part of the block, such as `else`.
    pub(super) parts: &'static [&'static str],
    pub(super) opened: Span,
}

// === impl OpenBlock ===

impl OpenBlock<'_> {
    pub(super) fn is_ended_by(&self, tag: &str) -> bool {
        tag.strip_prefix("end") == Some(self.name) || self.parts.contains(&tag)
    }
}

pub(super) fn unclosed_error(name: &str, opened: Span) -> ParseError {
    ErrorCause::syntax(format!("`{name}` is never closed"))
        .with_help(Some(format!("expected `end{name}` after it")))
        .at_span(opened)
}

/// The error of a tag that does not exist, or that does not belong into the open block.
pub(super) fn misplaced_tag_error(name: &str, block: Option<OpenBlock<'_>>) -> ErrorCause {
    if name.is_empty() {
        return ErrorCause::syntax("a tag without a name");
    }
    let part = matches!(name, "else" | "elsif" | "when");
    let ends = name.strip_prefix("end").is_some_and(|block| TAGS.contains(&block));
    if !part && !ends {
        let names = TAGS.into_iter().chain(["else", "elsif", "when", "endif", "endfor", "endcase"]);
        return ErrorCause::new(LiquidErrorKind::UnknownTag, format!("there is no tag `{name}`"))
            .with_help(did_you_mean(name, names));
    }
    match block {
        Some(block) => {
            ErrorCause::syntax(format!("`{name}` does not belong to the open `{}`", block.name))
                .with_help(Some(format!("expected `end{}` first", block.name)))
        }
        None => ErrorCause::syntax(format!("`{name}` belongs to no open block")),
    }
}
