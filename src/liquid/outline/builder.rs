//! The walk of one way: the renderer without data.

use std::rc::Rc;
use std::sync::Arc;

use super::super::error::Span;
use super::super::partials::{Partials, bound_variable};
use super::super::render::Interrupt;
use super::super::tree::{
    BlockBody, CaptureTag, CaseTag, Expression, ForTag, IfChangedTag, IfTag, IncludeTag,
    SyntaxTree, TemplateNode,
};
use super::facts::KnownFacts;
use super::values::SymbolicValue;
use super::{OutlineBranch, OutlineChoice, OutlineContent, OutlinePiece, TemplateOutline};

/// Nodes of one way. More are a template that is far larger than a document may be.
const STEPS_MAX: usize = 20_000;

/// The end of a way before the end of the template.
pub(super) struct OutlineEnd;

pub(super) type OutlineResult<T = ()> = Result<T, OutlineEnd>;

/// The state of one way.
pub(super) struct OutlineBuilder<'t> {
    pub(super) tree: &'t SyntaxTree,
    partials: &'t Partials,
    pub(super) include_depth: u32,
    /// The options of the first choices; the others take the first option.
    script: &'t [usize],
    /// Whether values are escaped.
    pub(super) escapes: bool,
    pub(super) scope: SymbolicScope<'t>,
    pub(super) outline: TemplateOutline,
    steps: usize,
    includes: u32,
    interrupt: Option<Interrupt>,
}

/// What the template itself has set.
#[derive(Default)]
pub(super) struct SymbolicScope<'t> {
    /// Loop variables and arguments, inner ones last.
    inner: Vec<(&'t str, SymbolicValue)>,
    /// Variables of `assign` and `capture`. What is in neither list is data.
    assigned: Vec<(&'t str, SymbolicValue)>,
    pub(super) facts: KnownFacts,
    /// The index and the length of each open loop.
    pub(super) loops: Vec<(usize, usize)>,
    /// Whether an `ifchanged` was rendered.
    has_changed: bool,
    isolated: bool,
}

/// A partial with the values that its tag gives it.
struct PartialUse<'t> {
    tree: &'t SyntaxTree,
    /// The variable that is bound to the object of the tag.
    variable: &'t str,
    arguments: Vec<(&'t str, SymbolicValue)>,
    bound: Option<SymbolicValue>,
}

// === impl OutlineBuilder ===

impl<'t> OutlineBuilder<'t> {
    pub(super) fn new(
        tree: &'t SyntaxTree,
        partials: &'t Partials,
        script: &'t [usize],
        escapes: bool,
    ) -> Self {
        OutlineBuilder {
            tree,
            partials,
            include_depth: 0,
            script,
            escapes,
            scope: SymbolicScope::default(),
            outline: TemplateOutline::default(),
            steps: 0,
            includes: 0,
            interrupt: None,
        }
    }

    pub(super) fn build(mut self) -> TemplateOutline {
        self.outline.is_cut = self.walk_nodes(&self.tree.body).is_err();
        self.outline
    }

    pub(super) fn text(&self, span: Span) -> &'t str {
        span.slice(&self.tree.source.text)
    }

    /// Takes the next option of the script.
    pub(super) fn choose(
        &mut self,
        options: usize,
        span: Span,
        label: impl FnOnce(usize) -> String,
    ) -> usize {
        let given = self.script.get(self.outline.choices.len()).copied().unwrap_or_default();
        let option = given.min(options.saturating_sub(1));
        // Only deviations are shown, and they are few.
        let label = if option > 0 { label(option) } else { String::new() };
        let source = Arc::clone(&self.tree.source);
        self.outline.choices.push(OutlineChoice { source, span, option, options, label });
        option
    }

    fn enter_branch(&mut self, tag: Span, index: usize, is_written: bool) {
        let source = Arc::as_ptr(&self.tree.source) as usize;
        let branch = OutlineBranch { source, at: tag.start, index, is_written };
        self.outline.branches.insert(branch);
    }

    pub(super) fn add_piece(&mut self, span: Span, content: OutlineContent) {
        let source = Arc::clone(&self.tree.source);
        self.outline.pieces.push(OutlinePiece { source, span, content });
    }

    fn add_value(&mut self, value: SymbolicValue, span: Span) {
        match value {
            SymbolicValue::Captured(pieces) => self.outline.pieces.extend(pieces.iter().cloned()),
            SymbolicValue::Unescaped => self.add_piece(span, OutlineContent::Unescaped),
            _ if !self.escapes => self.add_piece(span, OutlineContent::Unescaped),
            _ => self.add_piece(span, OutlineContent::Value),
        }
    }

    fn walk_nodes(&mut self, body: &'t BlockBody) -> OutlineResult {
        for node in &body.nodes {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err(OutlineEnd);
            }
            self.walk_node(node)?;
            if self.interrupt.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn walk_node(&mut self, node: &'t TemplateNode) -> OutlineResult {
        match node {
            TemplateNode::Text(span) => self.add_piece(*span, OutlineContent::Fixed),
            TemplateNode::Output(output) => {
                let value = self.filtered_value(output);
                self.add_value(value, output.span);
            }
            TemplateNode::Assign(assign) => {
                let value = self.filtered_value(&assign.value);
                self.assign(assign.name, value);
            }
            TemplateNode::Capture(capture) => self.walk_capture(capture)?,
            TemplateNode::If(node) => self.walk_conditional(node)?,
            TemplateNode::Case(case) => self.walk_case(case)?,
            TemplateNode::For(node) if node.columns.is_some() => {
                // The rows are markup, and what the cells assign is not followed.
                self.add_piece(node.span, OutlineContent::Unescaped);
                self.scope
                    .assigned
                    .iter_mut()
                    .for_each(|(_, value)| *value = SymbolicValue::Unescaped);
                self.scope.facts = KnownFacts::default();
            }
            TemplateNode::For(node) => self.walk_loop(node)?,
            TemplateNode::Cycle(cycle) => self.add_piece(cycle.span, OutlineContent::Value),
            TemplateNode::Counter(count) => {
                self.add_piece(count.name, OutlineContent::Value);
                self.assign(count.name, SymbolicValue::Unknown);
            }
            TemplateNode::IfChanged(node) => self.walk_if_changed(node)?,
            TemplateNode::Include(include) => self.walk_include(include)?,
            TemplateNode::Break(_) => self.interrupt = Some(Interrupt::Break),
            TemplateNode::Continue(_) => self.interrupt = Some(Interrupt::Continue),
        }
        Ok(())
    }

    fn assign(&mut self, name: Span, value: SymbolicValue) {
        let name = self.text(name);
        self.scope.set(name, value);
    }

    fn walk_capture(&mut self, capture: &'t CaptureTag) -> OutlineResult {
        let pieces = self.capture_body(&capture.body)?;
        self.assign(capture.name, SymbolicValue::Captured(Rc::new(pieces)));
        Ok(())
    }

    fn capture_body(&mut self, body: &'t BlockBody) -> OutlineResult<Vec<OutlinePiece>> {
        let outer = std::mem::take(&mut self.outline.pieces);
        let done = self.walk_nodes(body);
        let pieces = std::mem::replace(&mut self.outline.pieces, outer);
        done.map(|()| pieces)
    }

    fn walk_conditional(&mut self, node: &'t IfTag) -> OutlineResult {
        for (index, branch) in node.branches.iter().enumerate() {
            let holds = match &branch.condition {
                Some(condition) => self.decide_condition(condition) != branch.negated,
                None => true,
            };
            if holds {
                self.enter_branch(node.span, index, true);
                return self.walk_nodes(&branch.body);
            }
        }
        self.enter_branch(node.span, node.branches.len(), false);
        Ok(())
    }

    fn walk_case(&mut self, case: &'t CaseTag) -> OutlineResult {
        let chosen = self.decide_case(case);
        let mut matched = false;
        for (index, when) in case.whens.iter().enumerate() {
            matched |= chosen == Some(index);
            if chosen == Some(index) || (when.is_else && !matched) {
                self.enter_branch(case.span, index, true);
                self.walk_nodes(&when.body)?;
            }
        }
        if chosen.is_none() && !case.whens.iter().any(|when| when.is_else) {
            self.enter_branch(case.span, case.whens.len(), false);
        }
        Ok(())
    }

    fn walk_loop(&mut self, node: &'t ForTag) -> OutlineResult {
        let count = self.decide_iterations(node);
        if count == 0 {
            self.enter_branch(node.span, 1, node.otherwise.is_some());
            return node.otherwise.as_ref().map_or(Ok(()), |body| self.walk_nodes(body));
        }
        self.enter_branch(node.span, 0, true);
        let item = match self.value(&node.collection) {
            SymbolicValue::Unescaped => SymbolicValue::Unescaped,
            _ => SymbolicValue::Unknown,
        };
        let variable = self.text(node.variable);
        let mark = self.scope.inner.len();
        for index in 0..count {
            self.scope.loops.push((index, count));
            self.scope.facts.forget("forloop");
            self.scope.push(variable, item.clone());
            let done = self.walk_nodes(&node.body);
            self.scope.truncate_to(mark);
            self.scope.loops.pop();
            done?;
            if self.interrupt.take() == Some(Interrupt::Break) {
                break;
            }
        }
        self.scope.facts.forget("forloop");
        Ok(())
    }

    fn walk_if_changed(&mut self, node: &'t IfChangedTag) -> OutlineResult {
        let pieces = self.capture_body(&node.body)?;
        // The first one has nothing to equal.
        let first = !std::mem::replace(&mut self.scope.has_changed, true);
        let says = |option| ["the text has changed", "the text has not changed"][option];
        if first || self.choose(2, node.span, |option| says(option).to_owned()) == 0 {
            self.outline.pieces.extend(pieces);
        }
        Ok(())
    }

    fn walk_include(&mut self, node: &'t IncludeTag) -> OutlineResult {
        let Expression::Text(name) = node.name else {
            // Any partial, or one that does not exist.
            return Err(OutlineEnd);
        };
        let Some((name, tree)) = self.partials.get(self.text(name)) else {
            return Err(OutlineEnd);
        };
        if self.includes >= self.include_depth || (self.scope.isolated && !node.isolated) {
            return Err(OutlineEnd);
        }
        self.includes += 1;
        let variable = match node.alias {
            Some(alias) => self.text(alias),
            None => bound_variable(name),
        };
        let mut arguments = Vec::new();
        for (key, value) in &node.arguments {
            arguments.push((self.text(*key), self.value(value)));
        }
        let bound = node.bound.as_ref().map(|bound| self.value(&bound.value));
        let partial = PartialUse { tree, variable, arguments, bound };
        let done = if node.isolated {
            self.walk_isolated(node, partial)
        } else {
            self.walk_shared(node, partial)
        };
        self.includes -= 1;
        done
    }

    fn walk_shared(&mut self, node: &'t IncludeTag, partial: PartialUse<'t>) -> OutlineResult {
        let PartialUse { tree, variable, arguments, bound } = partial;
        let bound = bound.unwrap_or_else(|| self.scope.variable(variable));
        let count = self.decide_uses(node);
        self.enter_branch(node.span, usize::from(count == 0), count > 0);
        let mark = self.scope.inner.len();
        for (key, value) in arguments {
            self.scope.push(key, value);
        }
        let done = (0..count).try_for_each(|_| {
            self.scope.push(variable, bound.clone());
            self.walk_tree(tree)
        });
        self.scope.truncate_to(mark);
        done
    }

    fn walk_isolated(&mut self, node: &'t IncludeTag, partial: PartialUse<'t>) -> OutlineResult {
        let PartialUse { tree, variable, arguments, bound } = partial;
        let is_loop = node.bound.as_ref().is_some_and(|bound| bound.each);
        let count = self.decide_uses(node);
        self.enter_branch(node.span, usize::from(count == 0), count > 0);
        let interrupt = self.interrupt.take();
        let done = (0..count).try_for_each(|index| {
            let mut assigned = arguments.clone();
            assigned.extend(bound.clone().map(|bound| (variable, bound)));
            let loops = if is_loop { vec![(index, count)] } else { Vec::new() };
            let scope = SymbolicScope { assigned, loops, isolated: true, ..Default::default() };
            let outer = std::mem::replace(&mut self.scope, scope);
            let done = self.walk_tree(tree);
            self.scope = outer;
            self.interrupt = None;
            done
        });
        self.interrupt = interrupt;
        done
    }

    fn walk_tree(&mut self, partial: &'t SyntaxTree) -> OutlineResult {
        let outer = std::mem::replace(&mut self.tree, partial);
        let done = self.walk_nodes(&partial.body);
        self.tree = outer;
        done
    }
}

// === impl SymbolicScope ===

impl<'t> SymbolicScope<'t> {
    /// The value of a variable. What the template has not set is data.
    pub(super) fn variable(&self, name: &str) -> SymbolicValue {
        let named = |(known, _): &&(&'t str, SymbolicValue)| *known == name;
        let local = self.inner.iter().rev().find(named);
        match local.or_else(|| self.assigned.iter().rev().find(named)) {
            Some((_, value)) => value.clone(),
            // The data of an isolated partial are its arguments alone.
            None if self.isolated => SymbolicValue::Nil,
            None => SymbolicValue::Unknown,
        }
    }

    /// Sets a variable for the rest of the template.
    fn set(&mut self, name: &'t str, value: SymbolicValue) {
        self.facts.forget(name);
        match self.assigned.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.assigned.push((name, value)),
        }
    }

    /// Sets a variable until [`SymbolicScope::truncate_to`].
    fn push(&mut self, name: &'t str, value: SymbolicValue) {
        self.facts.forget(name);
        self.inner.push((name, value));
    }

    /// Drops the variables that were pushed since there were `mark` of them.
    fn truncate_to(&mut self, mark: usize) {
        for (name, _) in self.inner.split_off(mark) {
            self.facts.forget(name);
        }
    }
}
