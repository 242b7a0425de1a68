//! The outlines of a template: the texts that it can render, with a gap in place of each value.
//!
//! `builder` walks a tree as the renderer does, but without data. Whether an unknown condition
//! holds and how often a loop runs are choices; [`OutlineWalk`] visits the choices, those that
//! deviate least from the first options first. `facts` remembers what is known on one way: a
//! condition that appears twice is decided once, so that tags which one `if` opens and an equal one
//! closes belong together. The invariant: every text that a template can render fits an outline,
//! unless a loop runs more than twice or the walk is cut. The reverse does not hold: two conditions
//! may exclude each other in a way that is not seen here.

mod builder;
mod facts;
mod values;

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::error::{Span, TemplateSource};
use super::partials::Partials;
use super::tree::SyntaxTree;
use builder::OutlineBuilder;

/// Ways that wait to be visited. A template with more has more branches than a person could try.
const QUEUE_MAX: usize = 4_000;
/// Choices of one way that are varied.
const CHOICES_MAX: usize = 200;

/// One text that a template can render.
#[derive(Debug, Default)]
pub(crate) struct TemplateOutline {
    pub(crate) pieces: Vec<OutlinePiece>,
    /// The choices that lead to it.
    pub(crate) choices: Vec<OutlineChoice>,
    /// The branches that it renders.
    pub(crate) branches: HashSet<OutlineBranch>,
    /// How many choices are not the first option.
    pub(crate) deviations: usize,
    /// Whether the walk ended early, because of a limit or of an error: more text may follow.
    pub(crate) is_cut: bool,
}

/// A part of an outline, and its place in a source.
#[derive(Debug, Clone)]
pub(crate) struct OutlinePiece {
    source: Arc<TemplateSource>,
    span: Span,
    pub(crate) content: OutlineContent,
}

/// What a piece of an outline renders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutlineContent {
    /// The text of the template itself.
    Fixed,
    /// A value, which is escaped. It may be empty.
    Value,
    /// Anything: a value that is not escaped.
    Unescaped,
}

/// A decision that depends on the data.
#[derive(Debug, Clone)]
pub(crate) struct OutlineChoice {
    source: Arc<TemplateSource>,
    span: Span,
    /// The index of the option that was taken.
    option: usize,
    /// The number of options.
    options: usize,
    /// The option in words: "`a` does not hold". Empty for the first option.
    pub(crate) label: String,
}

/// A branch of a tag. Two visits of one branch are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct OutlineBranch {
    /// The address of the source, which outlives the walk.
    source: usize,
    /// The offset of the tag.
    at: u32,
    index: usize,
    /// Whether the branch is in the source; `false` for the `else` that an `if` does not have.
    pub(crate) is_written: bool,
}

/// The ways through a template, those with the fewest deviations first.
pub(crate) struct OutlineWalk<'t> {
    tree: &'t SyntaxTree,
    partials: &'t Partials,
    include_depth: u32,
    escapes: bool,
    /// The leading options of the ways that are still to be visited.
    queue: VecDeque<Vec<usize>>,
    /// Whether ways were left out.
    is_bounded: bool,
}

// === impl TemplateOutline ===

impl TemplateOutline {
    /// A measure of the work that it takes to check it.
    pub(crate) fn size(&self) -> usize {
        self.pieces.len() + self.choices.len()
    }

    /// The choices that are not the first option.
    pub(crate) fn deviating_choices(&self) -> impl Iterator<Item = &OutlineChoice> {
        self.choices.iter().filter(|choice| choice.option > 0)
    }
}

// === impl OutlinePiece ===

impl OutlinePiece {
    /// The name of the template or partial that it is in.
    pub(crate) fn template_name(&self) -> &str {
        &self.source.name
    }

    /// The bytes of the source.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.start as usize..self.span.end as usize
    }

    /// The text of the source.
    pub(crate) fn text(&self) -> &str {
        self.span.slice(&self.source.text)
    }
}

// === impl OutlineChoice ===

impl OutlineChoice {
    /// The name of the template or partial that it is in.
    pub(crate) fn template_name(&self) -> &str {
        &self.source.name
    }

    /// The bytes of the tag.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.start as usize..self.span.end as usize
    }
}

// === impl OutlineWalk ===

impl<'t> OutlineWalk<'t> {
    pub(super) fn new(
        tree: &'t SyntaxTree,
        partials: &'t Partials,
        include_depth: u32,
        escapes: bool,
    ) -> Self {
        let queue = VecDeque::from([Vec::new()]);
        OutlineWalk { tree, partials, include_depth, escapes, queue, is_bounded: false }
    }

    /// Whether every way has been visited.
    pub(crate) fn is_complete(&self) -> bool {
        self.queue.is_empty() && !self.is_bounded
    }
}

impl Iterator for OutlineWalk<'_> {
    type Item = TemplateOutline;

    fn next(&mut self) -> Option<TemplateOutline> {
        let script = self.queue.pop_front()?;
        let mut builder = OutlineBuilder::new(self.tree, self.partials, &script, self.escapes);
        builder.include_depth = self.include_depth;
        let mut outline = builder.build();
        outline.deviations = outline.deviating_choices().count();
        // Each way is visited once: a longer script varies only what its own way added.
        for at in script.len()..outline.choices.len().min(CHOICES_MAX) {
            for option in 1..outline.choices[at].options {
                if self.queue.len() >= QUEUE_MAX {
                    self.is_bounded = true;
                    break;
                }
                let before = outline.choices[..at].iter().map(|choice| choice.option);
                self.queue.push_back(before.chain([option]).collect());
            }
        }
        self.is_bounded |= outline.choices.len() > CHOICES_MAX;
        Some(outline)
    }
}
