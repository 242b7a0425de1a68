//! The syntax tree: nodes and expressions that point into their source.

use std::sync::Arc;

use super::error::{Span, TemplateSource};
use super::filters::Filter;
use super::value::CommandMethod;

/// A parsed source. It has no output format: a partial is escaped as its includer is.
#[derive(Debug)]
pub(super) struct SyntaxTree {
    pub(super) source: Arc<TemplateSource>,
    pub(super) body: BlockBody,
}

/// The nodes between two tags.
#[derive(Debug, Default)]
pub(super) struct BlockBody {
    pub(super) nodes: Vec<TemplateNode>,
    /// Whether it can only render white space, as `{% assign a = 1 %}` does.
    pub(super) blank: bool,
}

#[derive(Debug)]
pub(super) enum TemplateNode {
    Text(Span),
    Output(FilteredExpression),
    Assign(AssignTag),
    Capture(Box<CaptureTag>),
    If(Box<IfTag>),
    Case(Box<CaseTag>),
    For(Box<ForTag>),
    Cycle(Box<CycleTag>),
    Counter(CounterTag),
    IfChanged(Box<IfChangedTag>),
    Include(Box<IncludeTag>),
    Break(Span),
    Continue(Span),
}

/// `{{ value | filters }}`, `echo`, and the right side of `assign`.
#[derive(Debug)]
pub(super) struct FilteredExpression {
    pub(super) value: Expression,
    pub(super) filters: Vec<FilterCall>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct FilterCall {
    pub(super) filter: &'static Filter,
    pub(super) arguments: Vec<Expression>,
    /// The value of the one keyword argument that the filter has.
    pub(super) keyword: Option<Expression>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct AssignTag {
    pub(super) name: Span,
    pub(super) value: FilteredExpression,
}

#[derive(Debug)]
pub(super) struct CaptureTag {
    pub(super) name: Span,
    pub(super) body: BlockBody,
}

/// `if` and `unless`: the first branch whose condition holds.
#[derive(Debug)]
pub(super) struct IfTag {
    pub(super) branches: Vec<IfBranch>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct IfBranch {
    /// `None` for `else`.
    pub(super) condition: Option<TagCondition>,
    /// Whether the branch is rendered when its condition does not hold: the first one of `unless`.
    pub(super) negated: bool,
    pub(super) body: BlockBody,
}

/// Comparisons joined by `and` and `or`, which have one precedence and associate to the right.
#[derive(Debug)]
pub(super) struct TagCondition {
    pub(super) first: Comparison,
    pub(super) rest: Vec<(BooleanOperator, Comparison)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BooleanOperator {
    And,
    Or,
}

#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) left: Expression,
    pub(super) right: Option<(ComparisonOperator, Expression)>,
    pub(super) span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ComparisonOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

#[derive(Debug)]
pub(super) struct CaseTag {
    pub(super) value: Expression,
    pub(super) whens: Vec<WhenBranch>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) struct WhenBranch {
    /// Empty for `else`.
    pub(super) values: Vec<Expression>,
    pub(super) is_else: bool,
    pub(super) body: BlockBody,
}

/// `for` and `tablerow`.
#[derive(Debug)]
pub(super) struct ForTag {
    pub(super) variable: Span,
    /// `variable-collection`: the `forloop.name`, and the key of `offset: continue`.
    pub(super) name: Box<str>,
    pub(super) collection: Expression,
    pub(super) limit: Option<Expression>,
    pub(super) offset: LoopOffset,
    pub(super) reversed: bool,
    /// `Some` for a `tablerow`; the number of its columns within, if it is given.
    pub(super) columns: Option<Option<Expression>>,
    pub(super) body: BlockBody,
    pub(super) otherwise: Option<BlockBody>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum LoopOffset {
    Start,
    Continue,
    At(Expression),
}

#[derive(Debug)]
pub(super) struct CycleTag {
    pub(super) group: Option<Expression>,
    /// The text of the values, which names a cycle that has no group.
    pub(super) text: Box<str>,
    pub(super) values: Vec<Expression>,
    pub(super) span: Span,
}

/// `increment` and `decrement`.
#[derive(Debug)]
pub(super) struct CounterTag {
    pub(super) name: Span,
    pub(super) down: bool,
}

#[derive(Debug)]
pub(super) struct IfChangedTag {
    pub(super) body: BlockBody,
    pub(super) span: Span,
}

/// `include` and `render`.
#[derive(Debug)]
pub(super) struct IncludeTag {
    pub(super) isolated: bool,
    pub(super) name: Expression,
    pub(super) bound: Option<IncludeBinding>,
    pub(super) alias: Option<Span>,
    pub(super) arguments: Vec<(Span, Expression)>,
    pub(super) span: Span,
}

/// `with value` or `for values`.
#[derive(Debug)]
pub(super) struct IncludeBinding {
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
    Path(VariablePath),
}

/// `a.b[c]["d"]`.
#[derive(Debug)]
pub(super) struct VariablePath {
    pub(super) root: PathRoot,
    pub(super) segments: Vec<PathSegment>,
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum PathRoot {
    Name(Span),
    /// `["name"]` or `[expression]`.
    Computed(Box<Expression>),
}

#[derive(Debug)]
pub(super) enum PathSegment {
    Key(Span, Option<CommandMethod>),
    Index(Expression),
}

// === impl TemplateNode ===

impl TemplateNode {
    /// The place of the node, for an error of rendering it.
    pub(super) fn span(&self) -> Span {
        match self {
            TemplateNode::Text(span) | TemplateNode::Break(span) | TemplateNode::Continue(span) => {
                *span
            }
            TemplateNode::Output(output) => output.span,
            TemplateNode::Assign(assign) => assign.name,
            TemplateNode::Capture(capture) => capture.name,
            TemplateNode::If(node) => node.span,
            TemplateNode::Case(case) => case.span,
            TemplateNode::For(node) => node.span,
            TemplateNode::Cycle(cycle) => cycle.span,
            TemplateNode::Counter(count) => count.name,
            TemplateNode::IfChanged(node) => node.span,
            TemplateNode::Include(include) => include.span,
        }
    }
}

impl BlockBody {
    /// Drops the text of a body that can only render white space.
    pub(super) fn drop_text(&mut self) {
        self.nodes.retain(|node| !matches!(node, TemplateNode::Text(_)));
    }
}
