//! The limits of compiling and rendering, and the budget of one render.

use super::error::{ErrorCause, LiquidErrorKind};

/// The limits of a template. Exceeding one is an error with its line and column, except for
/// [`loop_rounds`](RenderLimits::loop_rounds). The defaults are
/// far above what a document of a few kilobytes needs, and low enough that a hostile template ends
/// within a fraction of a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderLimits {
    /// Bytes of one template's source.
    pub source_bytes: usize,
    /// Work of one render: a step is a node rendered, an iteration of a loop, an item that a filter
    /// reads, or 64 bytes of text that it reads.
    pub steps: u64,
    /// Bytes of the rendered text.
    pub output_bytes: usize,
    /// Sum of the bytes of all values that filters, `capture` and `assign` build during one render.
    /// A dropped value still counts, so this limits time as well as memory.
    pub value_bytes: usize,
    /// Nested blocks: in a source when it is compiled, and across includes when it is rendered.
    /// Also the nested brackets of one expression.
    pub nesting: u32,
    /// Nested partials, so that one that includes itself ends.
    pub include_depth: u32,
    /// Iterations of one loop, `None` for as many as `steps` allow. Twilio Studio allows 15. This
    /// limit is not an error: a longer loop ends after them, and the render reports it.
    pub loop_rounds: Option<u32>,
}

/// The steps and bytes that are left to one render. Each charge comes before the work, so that a
/// refused one has cost nothing yet.
#[derive(Debug)]
pub(super) struct RenderBudget {
    steps: u64,
    value_bytes: usize,
}

// === impl RenderLimits ===

impl Default for RenderLimits {
    fn default() -> Self {
        RenderLimits {
            // Templates are a few kilobytes: these sizes are about a hundred times that.
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

    /// Charges `count` steps.
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

    /// Charges the steps for reading `bytes` of text.
    #[inline]
    pub(super) fn charge_read(&mut self, bytes: usize) -> Result<(), ErrorCause> {
        // Rounded down: short texts are free, and their node or filter was charged already.
        self.charge_steps(bytes as u64 / 64)
    }

    /// Charges a value of `bytes`, before it is built.
    pub(super) fn charge_bytes(&mut self, bytes: usize) -> Result<(), ErrorCause> {
        match self.value_bytes.checked_sub(bytes) {
            Some(left) => {
                self.value_bytes = left;
                Ok(())
            }
            None => Err(ErrorCause::limit("the values that the template builds are too large")),
        }
    }

    /// The bytes that are left for values: a `capture`, which writes piece by piece, may use them.
    pub(super) fn remaining_bytes(&self) -> usize {
        self.value_bytes
    }
}

impl ErrorCause {
    fn limit(detail: &str) -> ErrorCause {
        ErrorCause::new(LiquidErrorKind::Limit, detail)
    }
}
