//! What is known of the data on one way through a template.

use std::collections::HashMap;

use super::super::tokens::is_word;
use super::super::tree::Expression;

/// The conditions and loops that were decided, by the text of their expressions.
#[derive(Debug, Default)]
pub(super) struct KnownFacts {
    /// Whether the condition with this text holds.
    conditions: HashMap<String, bool>,
    /// The text of a value, and the literal that it equals.
    equal: HashMap<String, String>,
    /// The iterations of the loops over a collection.
    iterations: HashMap<String, usize>,
}

/// A comparison with its texts, as the key of a fact.
#[derive(Debug, Clone, Copy)]
pub(super) struct EqualityKey<'k> {
    pub(super) left: &'k str,
    pub(super) right: &'k str,
    /// Whether the right side is a text, a whole number or a boolean, of which two exclude each
    /// other.
    pub(super) literal: bool,
}

// === impl KnownFacts ===

impl KnownFacts {
    /// Whether a condition holds, if it was decided before.
    pub(super) fn condition(&self, text: &str) -> Option<bool> {
        match self.conditions.get(text) {
            Some(holds) => Some(*holds),
            // What equals a text or a number is neither `nil` nor `false`.
            None => match self.equal.get(text)?.as_str() {
                "false" => Some(false),
                _ => Some(true),
            },
        }
    }

    pub(super) fn set_condition(&mut self, text: String, holds: bool) {
        self.conditions.insert(text, holds);
    }

    /// Whether two values are equal, if that is decided.
    pub(super) fn equality(&self, key: EqualityKey<'_>) -> Option<bool> {
        if let Some(holds) = self.conditions.get(&key.text()) {
            return Some(*holds);
        }
        if !key.literal {
            return None;
        }
        if let Some(known) = self.equal.get(key.left) {
            return Some(known == key.right);
        }
        // What is neither `nil` nor `false` may equal anything; the others equal no literal.
        let is_missing = self.conditions.get(key.left) == Some(&false);
        (is_missing && key.right != "false").then_some(false)
    }

    pub(super) fn set_equality(&mut self, key: EqualityKey<'_>, holds: bool) {
        if holds && key.literal {
            self.equal.insert(key.left.to_owned(), key.right.to_owned());
        }
        self.conditions.insert(key.text(), holds);
    }

    /// The iterations of a loop over this collection, if there was one before.
    pub(super) fn iterations(&self, collection: &str) -> Option<usize> {
        self.iterations.get(collection).copied()
    }

    pub(super) fn set_iterations(&mut self, collection: String, count: usize) {
        self.iterations.insert(collection, count);
    }

    /// Forgets what was known of a variable that gets a new value.
    pub(super) fn forget(&mut self, name: &str) {
        let is_other = |text: &String| !mentions(text, name);
        self.conditions.retain(|text, _| is_other(text));
        self.equal.retain(|text, _| is_other(text));
        self.iterations.retain(|text, _| is_other(text));
    }
}

// === impl EqualityKey ===

impl EqualityKey<'_> {
    fn text(&self) -> String {
        format!("{} == {}", self.left, self.right)
    }
}

/// Whether an expression has this name in it.
fn mentions(text: &str, name: &str) -> bool {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| is_word(*byte) || *byte == b'-');
    text.match_indices(name).any(|(at, _)| {
        let bytes = text.as_bytes();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        !is_part(before) && !is_part(bytes.get(at + name.len()))
    })
}

/// Whether two different expressions of this kind are never equal.
pub(super) fn is_exclusive(expression: &Expression) -> bool {
    matches!(expression, Expression::Text(_) | Expression::Int(_) | Expression::Bool(_))
}
