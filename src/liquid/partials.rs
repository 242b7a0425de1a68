//! The partials of an engine: sources that `include` and `render` name.

use crate::diagnostics::suggest::did_you_mean;
use std::collections::HashMap;
use std::sync::Arc;

use super::error::{ErrorCause, LiquidErrorKind};
use super::tree::SyntaxTree;

/// The partials by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Partials(HashMap<Box<str>, Arc<SyntaxTree>>);

// === impl Partials ===

impl Partials {
    /// Adds a partial, or replaces the one of that name.
    pub(super) fn insert(&mut self, name: &str, tree: Arc<SyntaxTree>) {
        self.0.insert(name.into(), tree);
    }

    /// Gives a partial another name too, unless a partial has it.
    pub(super) fn insert_alias(&mut self, alias: &str, name: &str) {
        if let Some(tree) = self.0.get(name).cloned() {
            self.0.entry(alias.into()).or_insert(tree);
        }
    }

    /// All partials in the order of their names, so that errors have one.
    pub(super) fn trees(&self) -> Vec<&SyntaxTree> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        entries.into_iter().map(|(_, tree)| &**tree).collect()
    }

    /// The partial of that name, with the name as the engine owns it.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &SyntaxTree)> {
        self.0.get_key_value(name).map(|(name, tree)| (&**name, &**tree))
    }

    /// The error of a missing partial. It does not show the name, which may be data.
    pub(super) fn missing_error(&self, name: &str) -> ErrorCause {
        let mut names: Vec<&str> = self.0.keys().map(|name| &**name).collect();
        // Sorted, so that one typo always gets one suggestion.
        names.sort_unstable();
        ErrorCause::new(LiquidErrorKind::MissingPartial, "there is no partial of that name")
            .with_help(did_you_mean(name, names))
    }
}

/// The variable that `with` and `for` bind in a partial, unless the tag names another one: the last
/// part of its name, as in Ruby, without the ending of a file, which no variable can have.
pub(super) fn bound_variable(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => last,
    }
}
