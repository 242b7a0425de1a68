//! The bounds of compiling and rendering: every number in one place, and the budget of one render.

use super::error::{ErrorCause, LiquidErrorKind};

/// What a template may cost. A template that goes over a bound ends in an error that names its
/// line and column. The defaults are far above any honest document of a few kilobytes, and low
/// enough that a hostile one is stopped within a fraction of a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderLimits {
    /// Bytes of one template's source.
    pub source_bytes: usize,
    /// Work of one render: a step is a node rendered, a loop round, an item that a filter looks
    /// at, or 64 bytes that it reads.
    pub steps: u64,
    /// Bytes of the rendered text.
    pub output_bytes: usize,
    /// Bytes of all values that filters, `capture` and `assign` build during one render, added
    /// up. What is dropped is not given back, so this bounds time as well as memory.
    pub value_bytes: usize,
    /// Blocks open inside one another: in a source when it is compiled, and across includes when
    /// it is rendered. Also the depth of brackets in one expression.
    pub nesting: u32,
    /// Partials open inside one another, so that one that includes itself ends.
    pub include_depth: u32,
    /// Rounds of one loop, `None` for as many as `steps` allow. Twilio Studio stops at 15.
    pub loop_rounds: Option<u32>,
}

/// What is left of the limits during one render.
#[derive(Debug)]
pub(super) struct RenderBudget {
    steps: u64,
    value_bytes: usize,
}

// === impl RenderLimits ===

impl Default for RenderLimits {
    fn default() -> Self {
        RenderLimits {
            source_bytes: 1 << 20,
            steps: 200_000,
            output_bytes: 256 << 10,
            value_bytes: 4 << 20,
            nesting: 64,
            include_depth: 16,
            loop_rounds: None,
        }
    }
}

// === impl RenderBudget ===

impl RenderBudget {
    pub(super) fn new(limits: &RenderLimits) -> Self {
        RenderBudget { steps: limits.steps, value_bytes: limits.value_bytes }
    }

    /// Takes `count` steps.
    #[inline]
    pub(super) fn charge_steps(&mut self, count: u64) -> Result<(), ErrorCause> {
        match self.steps.checked_sub(count) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(ErrorCause::limit("the template takes too many steps")),
        }
    }

    /// Takes the steps for reading `bytes` of text.
    #[inline]
    pub(super) fn charge_read(&mut self, bytes: usize) -> Result<(), ErrorCause> {
        self.charge_steps(bytes as u64 / 64)
    }

    /// Takes the room for a value of `bytes`, before it is built.
    pub(super) fn charge_bytes(&mut self, bytes: usize) -> Result<(), ErrorCause> {
        match self.value_bytes.checked_sub(bytes) {
            Some(left) => {
                self.value_bytes = left;
                Ok(())
            }
            None => Err(ErrorCause::limit("the values that the template builds are too large")),
        }
    }

    /// The room left for values, to be lent to a `capture`, which writes piece by piece.
    pub(super) fn remaining_bytes(&self) -> usize {
        self.value_bytes
    }
}

impl ErrorCause {
    fn limit(detail: &str) -> ErrorCause {
        ErrorCause::new(LiquidErrorKind::Limit, detail)
    }
}
