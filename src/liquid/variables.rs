//! What a template reads: the paths of the data, and the partials that it names.

use std::ops::Range;

use super::error::Span;
use super::partials::Partials;
use super::tree::{
    Body, Condition, Expression, For, Include, Node, Offset, Path, Print, Root, Segment, Tree,
};

/// One place where a template reads the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableUse {
    /// The steps of the path, the variable first.
    pub path: Vec<PathStep>,
    /// The bytes of the source that name it.
    pub span: Range<usize>,
    /// The template or partial that it stands in.
    pub template: String,
}

impl VariableUse {
    /// The keys that the path begins with. What is behind a computed step is known only when it is
    /// rendered.
    pub fn keys(&self) -> Vec<&str> {
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
    /// `[expression]`: known only when it is rendered.
    Computed,
}

/// The paths of the data that a template reads.
pub(super) fn of(tree: &Tree, partials: &Partials) -> Vec<VariableUse> {
    let mut walk = Walk { tree, partials, own: Vec::new(), open: Vec::new(), found: Vec::new() };
    walk.tree(tree);
    walk.found
}

/// The partials that a tree names in quotes, each with the span of its tag.
pub(super) fn find_includes(tree: &Tree) -> Vec<(&str, Span)> {
    let mut found = Vec::new();
    collect_includes(tree, &tree.body, &mut found);
    found
}

fn collect_includes<'t>(tree: &'t Tree, body: &'t Body, found: &mut Vec<(&'t str, Span)>) {
    for node in &body.nodes {
        if let Node::Include(include) = node
            && let Expression::Text(name) = include.name
        {
            found.push((name.of(&tree.origin.source), name));
        }
        for body in bodies(node) {
            collect_includes(tree, body, found);
        }
    }
}

/// The bodies inside of a node.
fn bodies(node: &Node) -> Vec<&Body> {
    match node {
        Node::Capture(capture) => vec![&capture.body],
        Node::If(node) => node.branches.iter().map(|branch| &branch.body).collect(),
        Node::Case(case) => case.whens.iter().map(|when| &when.body).collect(),
        Node::For(node) => [&node.body].into_iter().chain(&node.otherwise).collect(),
        Node::IfChanged(node) => vec![&node.body],
        _ => Vec::new(),
    }
}

/// The state of going through a template in the order in which it is rendered.
struct Walk<'t> {
    tree: &'t Tree,
    partials: &'t Partials,
    /// Names that the template set itself up to here.
    own: Vec<&'t str>,
    /// The partials open here, so that one which includes itself is walked once.
    open: Vec<&'t str>,
    found: Vec<VariableUse>,
}

// === impl Walk ===

impl<'t> Walk<'t> {
    fn tree(&mut self, tree: &'t Tree) {
        let outer = std::mem::replace(&mut self.tree, tree);
        self.body(&tree.body);
        self.tree = outer;
    }

    fn body(&mut self, body: &'t Body) {
        for node in &body.nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &'t Node) {
        match node {
            Node::Print(print) => self.print(print),
            Node::Assign(assign) => {
                self.print(&assign.value);
                self.own.push(assign.name.of(&self.tree.origin.source));
            }
            Node::Capture(capture) => {
                self.body(&capture.body);
                self.own.push(capture.name.of(&self.tree.origin.source));
            }
            Node::If(node) => {
                for branch in &node.branches {
                    if let Some(condition) = &branch.condition {
                        self.condition(condition);
                    }
                    self.body(&branch.body);
                }
            }
            Node::Case(case) => {
                self.expression(&case.value);
                for when in &case.whens {
                    when.values.iter().for_each(|value| self.expression(value));
                    self.body(&when.body);
                }
            }
            Node::For(node) => self.for_loop(node),
            Node::Cycle(cycle) => {
                cycle.group.iter().chain(&cycle.values).for_each(|value| self.expression(value));
            }
            Node::Count(count) => self.own.push(count.name.of(&self.tree.origin.source)),
            Node::IfChanged(node) => self.body(&node.body),
            Node::Include(include) => self.include(include),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }

    fn for_loop(&mut self, node: &'t For) {
        self.expression(&node.collection);
        node.limit.iter().for_each(|limit| self.expression(limit));
        if let Offset::At(offset) = &node.offset {
            self.expression(offset);
        }
        node.table.iter().flatten().for_each(|columns| self.expression(columns));
        let mark = self.own.len();
        let state = if node.table.is_some() { "tablerowloop" } else { "forloop" };
        self.own.extend([state, node.variable.of(&self.tree.origin.source)]);
        self.body(&node.body);
        // What the loop assigned stays; what it counted by goes.
        self.own.drain(mark..mark + 2);
        node.otherwise.iter().for_each(|otherwise| self.body(otherwise));
    }

    fn include(&mut self, include: &'t Include) {
        self.expression(&include.name);
        include.bound.iter().for_each(|bound| self.expression(&bound.value));
        include.arguments.iter().for_each(|(_, value)| self.expression(value));
        let source = &self.tree.origin.source;
        let Expression::Text(name) = include.name else { return };
        let Some((name, tree)) = self.partials.get(name.of(source)) else { return };
        // What `render` renders sees nothing but its arguments.
        if include.isolated || self.open.contains(&name) {
            return;
        }
        let mark = self.own.len();
        let variable = match include.alias {
            Some(alias) => alias.of(source),
            None => name.rsplit('/').next().unwrap_or(name),
        };
        self.own.push(variable);
        self.own.extend(include.arguments.iter().map(|(key, _)| key.of(source)));
        let count = self.own.len() - mark;
        self.open.push(name);
        self.tree(tree);
        self.open.pop();
        self.own.drain(mark..mark + count);
    }

    fn print(&mut self, print: &'t Print) {
        self.expression(&print.value);
        for call in &print.filters {
            call.arguments.iter().chain(&call.keyword).for_each(|value| self.expression(value));
        }
    }

    fn condition(&mut self, condition: &'t Condition) {
        let rest = condition.rest.iter().map(|(_, comparison)| comparison);
        for comparison in [&condition.first].into_iter().chain(rest) {
            self.expression(&comparison.left);
            comparison.right.iter().for_each(|(_, right)| self.expression(right));
        }
    }

    fn expression(&mut self, expression: &'t Expression) {
        match expression {
            Expression::Range(ends, _) => {
                self.expression(&ends.0);
                self.expression(&ends.1);
            }
            Expression::Path(path) => self.path(path),
            _ => {}
        }
    }

    fn path(&mut self, path: &'t Path) {
        let source = &self.tree.origin.source;
        let root = match &path.root {
            Root::Name(name) => Some(name.of(source)),
            Root::Computed(name) => {
                self.expression(name);
                match **name {
                    Expression::Text(name) => Some(name.of(source)),
                    _ => None,
                }
            }
        };
        let mut steps =
            vec![root.map_or(PathStep::Computed, |root| PathStep::Key(root.to_owned()))];
        for segment in &path.segments {
            steps.push(match segment {
                Segment::Key(key, _) => PathStep::Key(key.of(source).to_owned()),
                Segment::Index(Expression::Text(key)) => PathStep::Key(key.of(source).to_owned()),
                Segment::Index(Expression::Int(index)) => {
                    i64::try_from(*index).map_or(PathStep::Computed, PathStep::Index)
                }
                Segment::Index(index) => {
                    self.expression(index);
                    PathStep::Computed
                }
            });
        }
        if root.is_some_and(|root| self.own.contains(&root)) {
            return;
        }
        self.found.push(VariableUse {
            path: steps,
            span: path.span.start as usize..path.span.end as usize,
            template: self.tree.origin.name.to_string(),
        });
    }
}
