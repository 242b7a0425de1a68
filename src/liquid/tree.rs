//! What a template is after parsing: nodes and expressions that point into the source.

use std::sync::Arc;

use super::error::{Origin, Span};
use super::filters::Filter;
use super::value::Command;

/// A parsed source. It belongs to no output mode: a partial is escaped as its includer is.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) origin: Arc<Origin>,
    pub(super) body: Body,
}

/// The nodes between two tags.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) nodes: Vec<Node>,
    /// Whether it can only ever render white space, as `{% assign a = 1 %}` does.
    pub(super) blank: bool,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Span),
    Print(Print),
    Assign(Assign),
    Capture(Box<Capture>),
    If(Box<If>),
    Case(Box<Case>),
    For(Box<For>),
    Cycle(Box<Cycle>),
    Count(Count),
    IfChanged(Box<IfChanged>),
    Include(Box<Include>),
    Break(Span),
    Continue(Span),
}

/// `{{ value | filters }}`, `echo`, and the right side of `assign`.
#[derive(Debug)]
pub(super) struct Print {
    pub(super) value: Expression,
    pub(super) filters: Vec<FilterCall>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct FilterCall {
    pub(super) filter: &'static Filter,
    pub(super) arguments: Vec<Expression>,
    /// The value of the one keyword that the filter takes.
    pub(super) keyword: Option<Expression>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Assign {
    pub(super) name: Span,
    pub(super) value: Print,
}

#[derive(Debug)]
pub(super) struct Capture {
    pub(super) name: Span,
    pub(super) body: Body,
}

/// `if` and `unless`: the first branch whose condition holds.
#[derive(Debug)]
pub(super) struct If {
    pub(super) branches: Vec<Branch>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct Branch {
    /// `None` for `else`.
    pub(super) condition: Option<Condition>,
    /// Whether the branch is taken when the condition does not hold: the first one of `unless`.
    pub(super) negated: bool,
    pub(super) body: Body,
}

/// Comparisons joined by `and` and `or`, which bind alike and from the right.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) first: Comparison,
    pub(super) rest: Vec<(Junction, Comparison)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Junction {
    And,
    Or,
}

#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) left: Expression,
    pub(super) right: Option<(Operator, Expression)>,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) value: Expression,
    pub(super) whens: Vec<When>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct When {
    /// Empty for `else`.
    pub(super) values: Vec<Expression>,
    pub(super) is_else: bool,
    pub(super) body: Body,
}

/// `for` and `tablerow`.
#[derive(Debug)]
pub(super) struct For {
    pub(super) variable: Span,
    /// `variable-collection`, as `forloop.name` and `offset: continue` know the loop.
    pub(super) name: Box<str>,
    pub(super) collection: Expression,
    pub(super) limit: Option<Expression>,
    pub(super) offset: Offset,
    pub(super) reversed: bool,
    /// For a `tablerow`, the number of its columns, if given.
    pub(super) table: Option<Option<Expression>>,
    pub(super) body: Body,
    pub(super) otherwise: Option<Body>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum Offset {
    Start,
    Continue,
    At(Expression),
}

#[derive(Debug)]
pub(super) struct Cycle {
    pub(super) group: Option<Expression>,
    /// The text of the values, which names a cycle that has no group.
    pub(super) text: Box<str>,
    pub(super) values: Vec<Expression>,
    pub(super) span: Span,
}

/// `increment` and `decrement`.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) name: Span,
    pub(super) down: bool,
}

#[derive(Debug)]
pub(super) struct IfChanged {
    pub(super) body: Body,
    pub(super) span: Span,
}

/// `include` and `render`.
#[derive(Debug)]
pub(super) struct Include {
    pub(super) isolated: bool,
    pub(super) name: Expression,
    pub(super) bound: Option<Bound>,
    pub(super) alias: Option<Span>,
    pub(super) arguments: Vec<(Span, Expression)>,
    pub(super) span: Span,
}

/// `with value` or `for values`.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) each: bool,
    pub(super) value: Expression,
}

#[derive(Debug)]
pub(super) enum Expression {
    Nil,
    Empty,
    Blank,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Span),
    Range(Box<(Expression, Expression)>, Span),
    Path(Path),
}

/// `a.b[c]["d"]`.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) root: Root,
    pub(super) segments: Vec<Segment>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum Root {
    Name(Span),
    /// `["name"]` or `[expression]`.
    Computed(Box<Expression>),
}

#[derive(Debug)]
pub(super) enum Segment {
    Key(Span, Option<Command>),
    Index(Expression),
}

// === impl Node ===

impl Node {
    /// Where the node stands, for an error that is found while it is rendered.
    pub(super) fn span(&self) -> Span {
        match self {
            Node::Text(span) | Node::Break(span) | Node::Continue(span) => *span,
            Node::Print(print) => print.span,
            Node::Assign(assign) => assign.name,
            Node::Capture(capture) => capture.name,
            Node::If(node) => node.span,
            Node::Case(case) => case.span,
            Node::For(node) => node.span,
            Node::Cycle(cycle) => cycle.span,
            Node::Count(count) => count.name,
            Node::IfChanged(node) => node.span,
            Node::Include(include) => include.span,
        }
    }
}

impl Body {
    /// Drops the text of a body that is all white space, as a block of nothing else does.
    pub(super) fn drop_text(&mut self) {
        self.nodes.retain(|node| !matches!(node, Node::Text(_)));
    }
}
