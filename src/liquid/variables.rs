//! The variables that a template reads, and the partials that it names.

use std::ops::Range;

use super::error::Span;
use super::partials::{Partials, bound_variable};
use super::tree::{
    BlockBody, Expression, FilteredExpression, ForTag, IncludeTag, LoopOffset, PathRoot,
    PathSegment, SyntaxTree, TagCondition, TemplateNode, VariablePath,
};

/// One use of the data in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableUse {
    /// The steps of the path, the variable first.
    pub path: Vec<PathStep>,
    /// The bytes of the source that name it.
    pub span: Range<usize>,
    /// The template or partial with the use.
    pub template: String,
}

impl VariableUse {
    /// The leading keys of the path. A computed step, and what follows it, is only known to a
    /// render.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let keys = self.path.iter().map_while(|step| match step {
            PathStep::Key(key) => Some(key.as_str()),
            PathStep::Index(_) | PathStep::Computed => None,
        });
        keys.collect()
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// `.key` or `["key"]`.
    Key(String),
    /// `[0]`.
    Index(i64),
    /// `[expression]`: only known to a render.
    Computed,
}

/// The paths of the data that a template reads.
pub(super) fn collect_variables(tree: &SyntaxTree, partials: &Partials) -> Vec<VariableUse> {
    let mut collector =
        VariableCollector { tree, partials, own: Vec::new(), open: Vec::new(), found: Vec::new() };
    collector.visit_tree(tree);
    collector.found
}

/// The partials that a tree names in quotes, each with the span of its tag.
pub(super) fn find_includes(tree: &SyntaxTree) -> Vec<(&str, Span)> {
    let mut found = Vec::new();
    collect_includes_into(tree, &tree.body, &mut found);
    found
}

fn collect_includes_into<'t>(
    tree: &'t SyntaxTree,
    body: &'t BlockBody,
    found: &mut Vec<(&'t str, Span)>,
) {
    for node in &body.nodes {
        if let TemplateNode::Include(include) = node
            && let Expression::Text(name) = include.name
        {
            found.push((name.slice(&tree.source.text), name));
        }
        for body in child_bodies(node) {
            collect_includes_into(tree, body, found);
        }
    }
}

/// The bodies inside of a node.
fn child_bodies(node: &TemplateNode) -> Vec<&BlockBody> {
    match node {
        TemplateNode::Capture(capture) => vec![&capture.body],
        TemplateNode::If(node) => node.branches.iter().map(|branch| &branch.body).collect(),
        TemplateNode::Case(case) => case.whens.iter().map(|when| &when.body).collect(),
        TemplateNode::For(node) => [&node.body].into_iter().chain(&node.otherwise).collect(),
        TemplateNode::IfChanged(node) => vec![&node.body],
        _ => Vec::new(),
    }
}

/// The state of a walk through a template, in the order of rendering.
struct VariableCollector<'t> {
    tree: &'t SyntaxTree,
    partials: &'t Partials,
    /// Variables that the template has set so far.
    own: Vec<&'t str>,
    /// The open partials, so that one that includes itself is visited once.
    open: Vec<&'t str>,
    found: Vec<VariableUse>,
}

// === impl VariableCollector ===

impl<'t> VariableCollector<'t> {
    fn visit_tree(&mut self, tree: &'t SyntaxTree) {
        let outer = std::mem::replace(&mut self.tree, tree);
        self.visit_body(&tree.body);
        self.tree = outer;
    }

    fn visit_body(&mut self, body: &'t BlockBody) {
        for node in &body.nodes {
            self.visit_node(node);
        }
    }

    fn visit_node(&mut self, node: &'t TemplateNode) {
        match node {
            TemplateNode::Output(output) => self.visit_filtered(output),
            TemplateNode::Assign(assign) => {
                self.visit_filtered(&assign.value);
                self.own.push(assign.name.slice(&self.tree.source.text));
            }
            TemplateNode::Capture(capture) => {
                self.visit_body(&capture.body);
                self.own.push(capture.name.slice(&self.tree.source.text));
            }
            // A variable set in any branch counts as set: a warning must not be wrong.
            TemplateNode::If(node) => {
                for branch in &node.branches {
                    if let Some(condition) = &branch.condition {
                        self.visit_condition(condition);
                    }
                    self.visit_body(&branch.body);
                }
            }
            TemplateNode::Case(case) => {
                self.visit_expression(&case.value);
                for when in &case.whens {
                    when.values.iter().for_each(|value| self.visit_expression(value));
                    self.visit_body(&when.body);
                }
            }
            TemplateNode::For(node) => self.visit_for(node),
            TemplateNode::Cycle(cycle) => {
                cycle
                    .group
                    .iter()
                    .chain(&cycle.values)
                    .for_each(|value| self.visit_expression(value));
            }
            TemplateNode::Counter(count) => self.own.push(count.name.slice(&self.tree.source.text)),
            TemplateNode::IfChanged(node) => self.visit_body(&node.body),
            TemplateNode::Include(include) => self.visit_include(include),
            TemplateNode::Text(_) | TemplateNode::Break(_) | TemplateNode::Continue(_) => {}
        }
    }

    fn visit_for(&mut self, node: &'t ForTag) {
        self.visit_expression(&node.collection);
        node.limit.iter().for_each(|limit| self.visit_expression(limit));
        if let LoopOffset::At(offset) = &node.offset {
            self.visit_expression(offset);
        }
        node.columns.iter().flatten().for_each(|columns| self.visit_expression(columns));
        let mark = self.own.len();
        let state = if node.columns.is_some() { "tablerowloop" } else { "forloop" };
        self.own.extend([state, node.variable.slice(&self.tree.source.text)]);
        self.visit_body(&node.body);
        // Variables that the body assigned outlive the loop; its own two do not.
        self.own.drain(mark..mark + 2);
        node.otherwise.iter().for_each(|otherwise| self.visit_body(otherwise));
    }

    fn visit_include(&mut self, include: &'t IncludeTag) {
        self.visit_expression(&include.name);
        include.bound.iter().for_each(|bound| self.visit_expression(&bound.value));
        include.arguments.iter().for_each(|(_, value)| self.visit_expression(value));
        let source = &self.tree.source.text;
        let Expression::Text(name) = include.name else { return };
        let Some((name, tree)) = self.partials.get(name.slice(source)) else { return };
        // A partial of `render` reads its arguments only, and those were visited above.
        if include.isolated || self.open.contains(&name) {
            return;
        }
        let mark = self.own.len();
        let variable = match include.alias {
            Some(alias) => alias.slice(source),
            None => bound_variable(name),
        };
        self.own.push(variable);
        self.own.extend(include.arguments.iter().map(|(key, _)| key.slice(source)));
        // The partial adds its own variables behind these, and they stay.
        let count = self.own.len() - mark;
        self.open.push(name);
        self.visit_tree(tree);
        self.open.pop();
        self.own.drain(mark..mark + count);
    }

    fn visit_filtered(&mut self, output: &'t FilteredExpression) {
        self.visit_expression(&output.value);
        for call in &output.filters {
            call.arguments
                .iter()
                .chain(&call.keyword)
                .for_each(|value| self.visit_expression(value));
        }
    }

    fn visit_condition(&mut self, condition: &'t TagCondition) {
        let rest = condition.rest.iter().map(|(_, comparison)| comparison);
        for comparison in [&condition.first].into_iter().chain(rest) {
            self.visit_expression(&comparison.left);
            comparison.right.iter().for_each(|(_, right)| self.visit_expression(right));
        }
    }

    fn visit_expression(&mut self, expression: &'t Expression) {
        match expression {
            Expression::Range(ends, _) => {
                self.visit_expression(&ends.0);
                self.visit_expression(&ends.1);
            }
            Expression::Path(path) => self.visit_path(path),
            _ => {}
        }
    }

    fn visit_path(&mut self, path: &'t VariablePath) {
        let source = &self.tree.source.text;
        let root = match &path.root {
            PathRoot::Name(name) => Some(name.slice(source)),
            PathRoot::Computed(name) => {
                self.visit_expression(name);
                match **name {
                    Expression::Text(name) => Some(name.slice(source)),
                    _ => None,
                }
            }
        };
        let mut steps =
            vec![root.map_or(PathStep::Computed, |root| PathStep::Key(root.to_owned()))];
        for segment in &path.segments {
            steps.push(match segment {
                PathSegment::Key(key, _) => PathStep::Key(key.slice(source).to_owned()),
                PathSegment::Index(Expression::Text(key)) => {
                    PathStep::Key(key.slice(source).to_owned())
                }
                PathSegment::Index(Expression::Int(index)) => {
                    i64::try_from(*index).map_or(PathStep::Computed, PathStep::Index)
                }
                PathSegment::Index(index) => {
                    self.visit_expression(index);
                    PathStep::Computed
                }
            });
        }
        // Last: the computed steps of such a path were visited above.
        if root.is_some_and(|root| self.own.contains(&root)) {
            return;
        }
        self.found.push(VariableUse {
            path: steps,
            span: path.span.start as usize..path.span.end as usize,
            template: self.tree.source.name.to_string(),
        });
    }
}
