//! The renderer: a tree and data become text.
//!
//! `evaluate` computes expressions, filters and conditions, `loops` and `partials` render their
//! tags, `scope` holds the variables. All charge one budget before they work, and a `break` or
//! `continue` passes up as an [`Interrupt`] until a loop takes it. Everything borrows from the tree
//! and the data: nothing is copied but what filters and `capture` build.

mod evaluate;
mod loops;
mod partials;
mod scope;

use jiff::tz::TimeZone;

use super::data::TemplateData;
use super::error::{ErrorCause, LiquidError, LiquidErrorKind, Span};
use super::filters::FilterContext;
use super::limits::{RenderBudget, RenderLimits};
use super::partials::Partials;
use super::print::print_into;
use super::tree::{
    BlockBody, CaptureTag, CaseTag, CounterTag, CycleTag, FilteredExpression, IfChangedTag, IfTag,
    SyntaxTree, TemplateNode,
};
use super::value::LiquidValue;
use scope::RenderScope;

/// The constant inputs of a render.
#[derive(Clone, Copy)]
pub(super) struct RenderSettings<'a> {
    pub(super) partials: &'a Partials,
    pub(super) limits: &'a RenderLimits,
    pub(super) clock: RenderClock<'a>,
    /// Whether output is escaped for XML.
    pub(super) xml: bool,
}

/// The time of a render; the engine reads no clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct RenderClock<'a> {
    /// Unix seconds.
    pub(super) now: i64,
    pub(super) zone: &'a TimeZone,
}

/// The state of one render.
pub(super) struct TemplateRenderer<'a> {
    settings: RenderSettings<'a>,
    /// The tree that is rendered now: the template, or a partial. Spans are of its source.
    tree: &'a SyntaxTree,
    context: FilterContext<'a>,
    scope: RenderScope<'a>,
    /// Bytes that may still be written to the current text.
    output_left: usize,
    /// Whether the current text is a value, as in a `capture`.
    capturing: bool,
    /// The number of open blocks, those of including templates among them.
    depth: u32,
    /// The number of open partials.
    includes: u32,
    interrupt: Option<Interrupt>,
    /// The first loop that was cut.
    finding: Option<LiquidError>,
}

/// The reason to skip the nodes up to the end of the loop's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    Break,
    Continue,
}

type RenderResult = Result<(), LiquidError>;

// === impl TemplateRenderer ===

impl<'a> TemplateRenderer<'a> {
    pub(super) fn new(
        settings: RenderSettings<'a>,
        tree: &'a SyntaxTree,
        data: &'a dyn TemplateData,
    ) -> Self {
        let context = FilterContext {
            budget: RenderBudget::new(settings.limits),
            xml: settings.xml,
            now: settings.clock.now,
            zone: settings.clock.zone,
        };
        TemplateRenderer {
            settings,
            tree,
            context,
            scope: RenderScope::new(Some(data)),
            output_left: settings.limits.output_bytes,
            capturing: false,
            depth: 0,
            includes: 0,
            interrupt: None,
            finding: None,
        }
    }

    /// Renders the whole tree to the end of `out`.
    pub(super) fn render_template(&mut self, out: &mut String) -> RenderResult {
        self.render_nodes(&self.tree.body, out)
    }

    /// Takes the report about the first loop that was cut; `None` if all loops were complete.
    pub(super) fn take_finding(&mut self) -> Option<LiquidError> {
        self.finding.take()
    }

    /// The value of a template that is one output, with its type; `None` for any other template.
    pub(super) fn evaluate_output(&mut self) -> Result<Option<serde_json::Value>, LiquidError> {
        let [TemplateNode::Output(output)] = self.tree.body.nodes.as_slice() else {
            return Ok(None);
        };
        let value = self.evaluate_filtered(output)?;
        super::print::to_json(&value, &mut self.context.budget)
            .map(Some)
            .map_err(|cause| self.error_at(cause, output.span))
    }

    /// Renders the body of a block.
    fn render_block(&mut self, body: &'a BlockBody, out: &mut String, span: Span) -> RenderResult {
        if body.nodes.is_empty() {
            return Ok(());
        }
        self.enter_block(span)?;
        let done = self.render_nodes(body, out);
        self.depth -= 1;
        done
    }

    fn enter_block(&mut self, span: Span) -> RenderResult {
        if self.depth >= self.settings.limits.nesting {
            let limit = self.settings.limits.nesting;
            let detail = format!("more than {limit} nested blocks");
            return Err(self.error_at(ErrorCause::new(LiquidErrorKind::Limit, detail), span));
        }
        self.depth += 1;
        Ok(())
    }

    fn render_nodes(&mut self, body: &'a BlockBody, out: &mut String) -> RenderResult {
        for node in &body.nodes {
            if let Err(cause) = self.context.budget.charge_steps(1) {
                return Err(self.error_at(cause, node.span()));
            }
            match node {
                // Text and outputs are most nodes, and cannot set an interrupt.
                TemplateNode::Text(span) => {
                    let text = span.slice(&self.tree.source.text);
                    self.charge_output(text.len(), *span)?;
                    out.push_str(text);
                }
                TemplateNode::Output(output) => self.render_output(output, out)?,
                _ => {
                    self.render_tag(node, out)?;
                    if self.interrupt.is_some() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn render_output(&mut self, output: &'a FilteredExpression, out: &mut String) -> RenderResult {
        let value = self.evaluate_filtered(output)?;
        self.write_value(&value, out, output.span)
    }

    /// Appends a value as it prints.
    fn write_value(
        &mut self,
        value: &LiquidValue<'a>,
        out: &mut String,
        span: Span,
    ) -> RenderResult {
        let before = out.len();
        print_into(out, value, self.context.xml, &mut self.context.budget)
            .map_err(|cause| self.error_at(cause, span))?;
        self.charge_output(out.len() - before, span)
    }

    #[inline]
    fn charge_output(&mut self, bytes: usize, span: Span) -> RenderResult {
        match self.output_left.checked_sub(bytes) {
            Some(left) => {
                self.output_left = left;
                Ok(())
            }
            None => Err(self.output_limit_error(span)),
        }
    }

    #[cold]
    fn output_limit_error(&self, span: Span) -> LiquidError {
        let detail = if self.capturing {
            "the values that the template builds are too large".to_owned()
        } else {
            format!("the output is longer than {} bytes", self.settings.limits.output_bytes)
        };
        self.error_at(ErrorCause::new(LiquidErrorKind::Limit, detail), span)
    }

    fn render_tag(&mut self, node: &'a TemplateNode, out: &mut String) -> RenderResult {
        match node {
            TemplateNode::Text(_) | TemplateNode::Output(_) => Ok(()),
            TemplateNode::Assign(assign) => {
                let value = self.evaluate_filtered(&assign.value)?;
                self.assign(assign.name, value)
            }
            TemplateNode::Capture(capture) => self.render_capture(capture),
            TemplateNode::If(node) => self.render_conditional(node, out),
            TemplateNode::Case(case) => self.render_case(case, out),
            TemplateNode::For(node) => self.render_for(node, out),
            TemplateNode::Cycle(cycle) => self.render_cycle(cycle, out),
            TemplateNode::Counter(count) => self.render_counter(count, out),
            TemplateNode::IfChanged(node) => self.render_if_changed(node, out),
            TemplateNode::Include(include) => self.render_include(include, out),
            TemplateNode::Break(_) => self.set_interrupt(Interrupt::Break),
            TemplateNode::Continue(_) => self.set_interrupt(Interrupt::Continue),
        }
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) -> RenderResult {
        self.interrupt = Some(interrupt);
        Ok(())
    }

    fn assign(&mut self, name: Span, value: LiquidValue<'a>) -> RenderResult {
        let text = name.slice(&self.tree.source.text);
        let cost = size_of::<LiquidValue<'_>>() + size_of::<&str>();
        self.context.budget.charge_bytes(cost).map_err(|cause| self.error_at(cause, name))?;
        self.scope.assign(text, value);
        Ok(())
    }

    fn render_capture(&mut self, capture: &'a CaptureTag) -> RenderResult {
        let text = self.capture_body(&capture.body, capture.name)?;
        // Its outputs were escaped when they were rendered.
        let value = if self.context.xml {
            LiquidValue::Safe(text.into())
        } else {
            LiquidValue::Text(text.into())
        };
        self.assign(capture.name, value)
    }

    /// Renders a body to a text of its own, which counts as a value.
    fn capture_body(&mut self, body: &'a BlockBody, span: Span) -> Result<String, LiquidError> {
        // A capture may use what is left for values, and is charged once, at its end. An inner one
        // draws on the same rest, so that nesting does not multiply it.
        let outer = (self.output_left, self.capturing);
        if !self.capturing {
            self.output_left = self.context.budget.remaining_bytes();
            self.capturing = true;
        }
        let start = self.output_left;
        let mut text = String::new();
        let done = self.render_block(body, &mut text, span);
        let used = start - self.output_left;
        if !outer.1 {
            (self.output_left, self.capturing) = outer;
        }
        // Only after the state is restored: an error must not leave the renderer in a capture.
        done?;
        self.context.budget.charge_bytes(used).map_err(|cause| self.error_at(cause, span))?;
        Ok(text)
    }

    fn render_conditional(&mut self, node: &'a IfTag, out: &mut String) -> RenderResult {
        for branch in &node.branches {
            let holds = match &branch.condition {
                Some(condition) => self.evaluate_condition(condition)? != branch.negated,
                None => true,
            };
            if holds {
                return self.render_block(&branch.body, out, node.span);
            }
        }
        Ok(())
    }

    /// Renders a `when` once for each of its values that is equal, and an `else` where no value
    /// before it was, as Ruby does.
    fn render_case(&mut self, case: &'a CaseTag, out: &mut String) -> RenderResult {
        let value = self.evaluate(&case.value, case.span)?;
        let mut matched = false;
        for when in &case.whens {
            // An `else` may precede further `when`s.
            if when.is_else && !matched {
                self.render_block(&when.body, out, case.span)?;
            }
            for candidate in &when.values {
                let candidate = self.evaluate(candidate, case.span)?;
                if self.are_equal(&value, &candidate, case.span)? {
                    matched = true;
                    self.render_block(&when.body, out, case.span)?;
                }
                if self.interrupt.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn render_cycle(&mut self, cycle: &'a CycleTag, out: &mut String) -> RenderResult {
        let key = match &cycle.group {
            Some(group) => self.evaluate(group, cycle.span)?,
            // Unnamed cycles with the same values share a position.
            None => LiquidValue::Str(&cycle.text),
        };
        self.charge_scan(self.scope.cycle_count(), cycle.span)?;
        let turn = self.scope.next_cycle_index(key, cycle.group.is_some(), cycle.values.len());
        match cycle.values.get(turn) {
            Some(expression) => {
                let value = self.evaluate(expression, cycle.span)?;
                self.write_value(&value, out, cycle.span)
            }
            None => Ok(()),
        }
    }

    /// Charges the linear search of a list of names: hostile templates have thousands.
    fn charge_scan(&mut self, length: usize, span: Span) -> RenderResult {
        self.context
            .budget
            .charge_steps(length as u64 / 8)
            .map_err(|cause| self.error_at(cause, span))
    }

    fn render_counter(&mut self, count: &CounterTag, out: &mut String) -> RenderResult {
        let name = count.name.slice(&self.tree.source.text);
        let value = self.scope.step_counter(name, count.down);
        self.charge_names(count.name)?;
        self.write_value(&LiquidValue::Int(value), out, count.name)
    }

    fn charge_names(&mut self, name: Span) -> RenderResult {
        self.charge_scan(self.scope.name_count(), name)
    }

    fn render_if_changed(&mut self, node: &'a IfChangedTag, out: &mut String) -> RenderResult {
        let text = self.capture_body(&node.body, node.span)?;
        if self.scope.record_ifchanged(&text) {
            self.charge_output(text.len(), node.span)?;
            out.push_str(&text);
        }
        Ok(())
    }

    /// The error at `span` of the source that is rendered now.
    #[cold]
    fn error_at(&self, cause: ErrorCause, span: Span) -> LiquidError {
        LiquidError::new(cause, self.tree.source.clone(), span)
    }
}
