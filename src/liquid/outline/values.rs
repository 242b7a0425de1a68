//! The values of expressions, as far as they are known without data, and the choices where they are
//! not.

use std::rc::Rc;

use super::super::error::Span;
use super::super::tree::{
    BooleanOperator, CaseTag, Comparison, ComparisonOperator, Expression, FilteredExpression,
    ForTag, IncludeTag, LoopOffset, PathRoot, PathSegment, TagCondition, VariablePath,
};
use super::OutlinePiece;
use super::builder::OutlineBuilder;
use super::facts::{EqualityKey, is_exclusive};

/// Iterations of a loop over a range of literals that are walked; a longer one is unknown.
const ITERATIONS_MAX: i128 = 20;

/// A value, as far as it is known.
#[derive(Debug, Clone)]
pub(super) enum SymbolicValue {
    Unknown,
    Nil,
    Bool(bool),
    Int(i128),
    Text(String),
    /// What a `capture` rendered.
    Captured(Rc<Vec<OutlinePiece>>),
    /// A text that may hold markup.
    Unescaped,
}

impl<'t> OutlineBuilder<'t> {
    /// The value of an output.
    pub(super) fn filtered_value(&self, output: &'t FilteredExpression) -> SymbolicValue {
        let value = self.value(&output.value);
        if output.filters.is_empty() {
            return value;
        }
        let may_have_markup = |value: &SymbolicValue| {
            matches!(value, SymbolicValue::Captured(_) | SymbolicValue::Unescaped)
        };
        let mut arguments = output.filters.iter().flat_map(|call| &call.arguments);
        let is_raw = output.filters.iter().any(|call| call.filter.name == "raw");
        if is_raw
            || may_have_markup(&value)
            || arguments.any(|argument| may_have_markup(&self.value(argument)))
        {
            SymbolicValue::Unescaped
        } else {
            SymbolicValue::Unknown
        }
    }

    pub(super) fn value(&self, expression: &'t Expression) -> SymbolicValue {
        match expression {
            Expression::Nil => SymbolicValue::Nil,
            Expression::Bool(value) => SymbolicValue::Bool(*value),
            Expression::Int(number) => SymbolicValue::Int(*number),
            Expression::Text(span) => SymbolicValue::Text(self.text(*span).to_owned()),
            Expression::Path(path) => self.path_value(path),
            Expression::Empty
            | Expression::Blank
            | Expression::Float(_)
            | Expression::Range(..) => SymbolicValue::Unknown,
        }
    }

    fn path_value(&self, path: &'t VariablePath) -> SymbolicValue {
        let PathRoot::Name(name) = path.root else { return SymbolicValue::Unknown };
        let name = self.text(name);
        if name == "forloop"
            && let Some((index, length)) = self.scope.loops.last()
            && let [PathSegment::Key(key, _)] = path.segments.as_slice()
        {
            let (index, length) = (*index as i128, *length as i128);
            return match self.text(*key) {
                "first" => SymbolicValue::Bool(index == 0),
                "last" => SymbolicValue::Bool(index + 1 == length),
                "index" => SymbolicValue::Int(index + 1),
                "index0" => SymbolicValue::Int(index),
                "rindex" => SymbolicValue::Int(length - index),
                "rindex0" => SymbolicValue::Int(length - index - 1),
                "length" => SymbolicValue::Int(length),
                _ => SymbolicValue::Unknown,
            };
        }
        match (self.scope.variable(name), path.segments.is_empty()) {
            (value, true) => value,
            (SymbolicValue::Nil, false) => SymbolicValue::Nil,
            (SymbolicValue::Unescaped, false) => SymbolicValue::Unescaped,
            _ => SymbolicValue::Unknown,
        }
    }

    /// Whether a condition holds: `and` and `or` associate to the right.
    pub(super) fn decide_condition(&mut self, condition: &'t TagCondition) -> bool {
        let mut holds = self.decide_comparison(&condition.first);
        for (operator, comparison) in &condition.rest {
            match (operator, holds) {
                (BooleanOperator::And, false) | (BooleanOperator::Or, true) => break,
                _ => holds = self.decide_comparison(comparison),
            }
        }
        holds
    }

    fn decide_comparison(&mut self, comparison: &'t Comparison) -> bool {
        let left = self.value(&comparison.left);
        let Some((operator, right)) = &comparison.right else {
            return self.decide_truth(&left, &comparison.left, comparison.span);
        };
        match operator {
            ComparisonOperator::Equal => {
                self.decide_equality(&comparison.left, right, comparison.span)
            }
            ComparisonOperator::NotEqual => {
                !self.decide_equality(&comparison.left, right, comparison.span)
            }
            _ => {
                if let (SymbolicValue::Int(left), SymbolicValue::Int(right)) =
                    (&left, self.value(right))
                    && let Some(holds) = compare(*operator, *left, right)
                {
                    return holds;
                }
                let words = self.text(comparison.span).split_whitespace();
                let text = words.collect::<Vec<_>>().join(" ");
                self.decide(text, comparison.span)
            }
        }
    }

    fn decide_truth(&mut self, value: &SymbolicValue, of: &'t Expression, span: Span) -> bool {
        match value {
            SymbolicValue::Nil => false,
            SymbolicValue::Bool(value) => *value,
            SymbolicValue::Unknown | SymbolicValue::Unescaped => {
                self.decide(self.describe(of), span)
            }
            // Every other value counts as true, an empty text as well.
            SymbolicValue::Int(_) | SymbolicValue::Text(_) | SymbolicValue::Captured(_) => true,
        }
    }

    /// Whether the condition with this text holds: as decided before, or a choice.
    fn decide(&mut self, text: String, span: Span) -> bool {
        if let Some(holds) = self.scope.facts.condition(&text) {
            return holds;
        }
        let holds = self.choose(2, span, |option| label(&text, option == 0)) == 0;
        self.scope.facts.set_condition(text, holds);
        holds
    }

    fn decide_equality(&mut self, left: &'t Expression, right: &'t Expression, span: Span) -> bool {
        let known = self.value(left).equality(&self.value(right));
        let (left_text, right_text) = (self.describe(left), self.describe(right));
        let literal = is_exclusive(right);
        let key = EqualityKey { left: &left_text, right: &right_text, literal };
        if let Some(holds) = known.or_else(|| self.scope.facts.equality(key)) {
            return holds;
        }
        let says = format!("{left_text} == {right_text}");
        let holds = self.choose(2, span, |option| label(&says, option == 0)) == 0;
        self.scope.facts.set_equality(key, holds);
        holds
    }

    /// The `when` that fits; `None` for the `else`.
    pub(super) fn decide_case(&mut self, case: &'t CaseTag) -> Option<usize> {
        let value = self.describe(&case.value);
        let mut possible = Vec::new();
        for (index, when) in case.whens.iter().enumerate() {
            let decided = when.values.iter().map(|candidate| {
                let known = self.value(&case.value).equality(&self.value(candidate));
                let right = self.describe(candidate);
                let literal = is_exclusive(candidate);
                let key = EqualityKey { left: &value, right: &right, literal };
                known.or_else(|| self.scope.facts.equality(key))
            });
            let decided: Vec<Option<bool>> = decided.collect();
            if decided.contains(&Some(true)) {
                return Some(index);
            }
            if decided.contains(&None) {
                possible.push(index);
            }
        }
        if possible.is_empty() {
            return None;
        }
        let whens = &case.whens;
        let says = |option: usize| match possible.get(option) {
            Some(index) => {
                let values: Vec<String> =
                    whens[*index].values.iter().map(|value| self.describe(value)).collect();
                format!("`{value}` is {}", values.join(" or "))
            }
            None => format!("`{value}` is none of the values of its `case`"),
        };
        let labels: Vec<String> = (0..=possible.len()).map(says).collect();
        let option = self.choose(labels.len(), case.span, |option| labels[option].clone());
        let chosen = possible.get(option).copied();
        self.remember_case(case, &value, chosen);
        chosen
    }

    fn remember_case(&mut self, case: &'t CaseTag, left: &str, chosen: Option<usize>) {
        for (index, when) in case.whens.iter().enumerate() {
            // One of several values fits, and which is not known.
            if chosen == Some(index) && when.values.len() > 1 {
                continue;
            }
            for candidate in &when.values {
                let right = self.describe(candidate);
                let key = EqualityKey { left, right: &right, literal: is_exclusive(candidate) };
                self.scope.facts.set_equality(key, chosen == Some(index));
            }
        }
    }

    /// The number of iterations of a loop: what its literals say, or a choice.
    pub(super) fn decide_iterations(&mut self, node: &'t ForTag) -> usize {
        let most = match node.limit.as_ref().map(|limit| self.value(limit)) {
            Some(SymbolicValue::Int(limit)) => limit.clamp(0, ITERATIONS_MAX),
            _ => ITERATIONS_MAX,
        } as usize;
        let is_whole = matches!(node.offset, LoopOffset::Start);
        if is_whole
            && let Expression::Range(ends, _) = &node.collection
            && let (SymbolicValue::Int(first), SymbolicValue::Int(last)) =
                (self.value(&ends.0), self.value(&ends.1))
            && let Some(count) = last.checked_sub(first).and_then(|count| count.checked_add(1))
            && count <= ITERATIONS_MAX
        {
            return (count.max(0) as usize).min(most);
        }
        self.choose_length(&node.collection, is_whole, node.span).min(most)
    }

    /// The number of times that a tag uses its partial.
    pub(super) fn decide_uses(&mut self, node: &'t IncludeTag) -> usize {
        match &node.bound {
            Some(bound) if bound.each => self.choose_length(&bound.value, true, node.span),
            _ => 1,
        }
    }

    /// The number of items of a collection: as decided before, or a choice.
    fn choose_length(&mut self, collection: &'t Expression, is_whole: bool, span: Span) -> usize {
        /// Two items show what repeats. One comes first, because it is the plainest document.
        const LENGTHS: [(usize, &str); 3] = [(1, "one item"), (0, "no items"), (2, "two items")];
        let text = self.describe(collection);
        if let Some(length) = self.scope.facts.iterations(&text).filter(|_| is_whole) {
            return length;
        }
        let says = |option: usize| format!("`{text}` has {}", LENGTHS[option].1);
        let (length, _) = LENGTHS[self.choose(LENGTHS.len(), span, says)];
        if is_whole {
            self.scope.facts.set_iterations(text, length);
        }
        length
    }

    /// An expression in words, without white space that means nothing.
    fn describe(&self, expression: &'t Expression) -> String {
        match expression {
            Expression::Nil => "nil".to_owned(),
            Expression::Empty => "empty".to_owned(),
            Expression::Blank => "blank".to_owned(),
            Expression::Bool(value) => value.to_string(),
            Expression::Int(number) => number.to_string(),
            Expression::Float(number) => number.to_string(),
            Expression::Text(span) => format!("\"{}\"", self.text(*span)),
            Expression::Range(ends, _) => {
                format!("({}..{})", self.describe(&ends.0), self.describe(&ends.1))
            }
            Expression::Path(path) => self.text(path.span).split_whitespace().collect(),
        }
    }
}

// === impl SymbolicValue ===

impl SymbolicValue {
    /// Whether two values are equal, if both are known.
    fn equality(&self, other: &SymbolicValue) -> Option<bool> {
        use SymbolicValue::{Bool, Captured, Int, Nil, Text, Unescaped, Unknown};
        match (self, other) {
            (Unknown | Unescaped | Captured(_), _) | (_, Unknown | Unescaped | Captured(_)) => None,
            (Nil, Nil) => Some(true),
            (Bool(left), Bool(right)) => Some(left == right),
            (Int(left), Int(right)) => Some(left == right),
            (Text(left), Text(right)) => Some(left == right),
            (Nil | Bool(_) | Int(_) | Text(_), _) => Some(false),
        }
    }
}

fn compare(operator: ComparisonOperator, left: i128, right: i128) -> Option<bool> {
    Some(match operator {
        ComparisonOperator::Less => left < right,
        ComparisonOperator::LessOrEqual => left <= right,
        ComparisonOperator::Greater => left > right,
        ComparisonOperator::GreaterOrEqual => left >= right,
        ComparisonOperator::Equal | ComparisonOperator::NotEqual | ComparisonOperator::Contains => {
            return None;
        }
    })
}

fn label(condition: &str, holds: bool) -> String {
    let verb = if holds { "holds" } else { "does not hold" };
    format!("`{condition}` {verb}")
}
