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

    /// Whether it is a section of this name: `#NAME` or `^NAME`.
    pub(super) fn is_section(&self, name: &str) -> bool {
        self.section_name() == Some(name)
    }

    /// The tag that closes it.
    pub(super) fn closing(&self) -> String {
        match self.section_name() {
            Some(section) => format!("{{{{/{section}}}}}"),
            None => format!("end{}", self.name),
        }
    }

    /// The name of a section. Of `#if Name`, which is no section, Handlebars closes `if`.
    fn section_name(&self) -> Option<&str> {
        let name = self.name.strip_prefix(['#', '^'])?;
        Some(name.split_whitespace().next().unwrap_or_default())
    }
}

pub(super) fn unclosed_error(name: &str, opened: Span) -> ParseError {
    let closing = OpenBlock { name, parts: &[], opened }.closing();
    ErrorCause::syntax(format!("`{name}` is never closed"))
        .with_help(Some(format!("expected `{closing}` after it")))
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
                .with_help(Some(format!("expected `{}` first", block.closing())))
        }
        None => ErrorCause::syntax(format!("`{name}` belongs to no open block")),
    }
}
