//! Evaluation of expressions, filters and conditions.

use std::cmp::Ordering;

use super::super::error::{ErrorCause, LiquidError, Span};
use super::super::filters::FilterArguments;
use super::super::number::{compare_numbers, parse_leading_integer, require_integer, type_name};
use super::super::print::to_text;
use super::super::tree::{
    BooleanOperator, Comparison, ComparisonOperator, Expression, FilterCall, FilteredExpression,
    PathRoot, PathSegment, TagCondition, VariablePath,
};
use super::super::value::LiquidValue;
use super::TemplateRenderer;

impl<'a> TemplateRenderer<'a> {
    /// The value of an output, its filters applied.
    pub(super) fn evaluate_filtered(
        &mut self,
        output: &'a FilteredExpression,
    ) -> Result<LiquidValue<'a>, LiquidError> {
        let mut value = self.evaluate(&output.value, output.span)?;
        for call in &output.filters {
            value = self.apply_filter(value, call)?;
        }
        Ok(value)
    }

    fn apply_filter(
        &mut self,
        input: LiquidValue<'a>,
        call: &'a FilterCall,
    ) -> Result<LiquidValue<'a>, LiquidError> {
        // The parser has checked the number of arguments.
        let mut values = [LiquidValue::Nil, LiquidValue::Nil];
        for (value, argument) in values.iter_mut().zip(&call.arguments) {
            *value = self.evaluate(argument, call.span)?;
        }
        let keyword = match &call.keyword {
            Some(keyword) => self.evaluate(keyword, call.span)?,
            None => LiquidValue::Nil,
        };
        let arguments = FilterArguments { values, count: call.arguments.len(), keyword };
        self.context
            .budget
            .charge_steps(1)
            .and_then(|()| (call.filter.run)(&mut self.context, input, arguments))
            .map_err(|cause| self.error_at(cause, call.span))
    }

    /// The value of an expression. `span` is the tag around it, for errors.
    pub(super) fn evaluate(
        &mut self,
        expression: &'a Expression,
        span: Span,
    ) -> Result<LiquidValue<'a>, LiquidError> {
        Ok(match expression {
            Expression::Nil => LiquidValue::Nil,
            Expression::Empty => LiquidValue::Empty,
            Expression::Blank => LiquidValue::Blank,
            Expression::Bool(value) => LiquidValue::Bool(*value),
            Expression::Int(number) => LiquidValue::Int(*number),
            Expression::Float(number) => LiquidValue::Float(*number),
            Expression::Text(text) => LiquidValue::Str(text.slice(&self.tree.source.text)),
            Expression::Range(ends, range) => {
                let first = self.evaluate_range_end(&ends.0, *range)?;
                let last = self.evaluate_range_end(&ends.1, *range)?;
                LiquidValue::Range(first, last)
            }
            Expression::Path(path) => return self.resolve_path(path, span),
        })
    }

    /// One end of a range: a whole number, a text that begins with one, or the whole part of a
    /// literal fraction.
    fn evaluate_range_end(&mut self, end: &'a Expression, span: Span) -> Result<i64, LiquidError> {
        let number = match (end, self.evaluate(end, span)?) {
            (_, LiquidValue::Int(number)) => number,
            (_, LiquidValue::Nil) => 0,
            (Expression::Float(_), LiquidValue::Float(number)) => number as i128,
            (_, value) => match value.as_str() {
                Some(text) => parse_leading_integer(text),
                None => require_integer(&value).map_err(|cause| self.error_at(cause, span))?,
            },
        };
        i64::try_from(number).map_err(|_| {
            self.error_at(ErrorCause::operation("an end of the range is too far from zero"), span)
        })
    }

    fn resolve_path(
        &mut self,
        path: &'a VariablePath,
        span: Span,
    ) -> Result<LiquidValue<'a>, LiquidError> {
        // The scope is a list: looking into it costs by its length.
        let source: &'a str = &self.tree.source.text;
        self.charge_scan(self.scope.name_count(), path.span)?;
        let mut value = match &path.root {
            PathRoot::Name(name) => self.scope.variable(name.slice(source)),
            PathRoot::Computed(name) => match self.evaluate(name, span)?.as_str() {
                Some(name) => self.scope.variable(name),
                None => LiquidValue::Nil,
            },
        };
        for segment in &path.segments {
            match segment {
                PathSegment::Key(key, command) => value = value.member(key.slice(source), *command),
                PathSegment::Index(index) => {
                    let index = self.evaluate(index, span)?;
                    value = value.subscript(&index);
                }
            }
            // Lax: whatever follows a missing value is missing, too.
            if value.is_nil() {
                break;
            }
        }
        Ok(value)
    }

    /// Whether a condition holds. `and` and `or` have one precedence and associate to the right.
    pub(super) fn evaluate_condition(
        &mut self,
        condition: &'a TagCondition,
    ) -> Result<bool, LiquidError> {
        let mut holds = self.evaluate_comparison(&condition.first)?;
        for (junction, comparison) in &condition.rest {
            match (junction, holds) {
                // From the right: `false and …` and `true or …` decide whatever follows.
                (BooleanOperator::And, false) | (BooleanOperator::Or, true) => break,
                _ => holds = self.evaluate_comparison(comparison)?,
            }
        }
        Ok(holds)
    }

    fn evaluate_comparison(&mut self, comparison: &'a Comparison) -> Result<bool, LiquidError> {
        let span = comparison.span;
        let left = self.evaluate(&comparison.left, span)?;
        let Some((operator, right)) = &comparison.right else { return Ok(left.is_truthy()) };
        let right = self.evaluate(right, span)?;
        match operator {
            ComparisonOperator::Equal => self.are_equal(&left, &right, span),
            ComparisonOperator::NotEqual => Ok(!self.are_equal(&left, &right, span)?),
            ComparisonOperator::Contains => {
                self.contains(&left, &right).map_err(|cause| self.error_at(cause, span))
            }
            _ => {
                let order = self
                    .compare_values(&left, &right)
                    .map_err(|cause| self.error_at(cause, span))?;
                Ok(order.is_some_and(|order| is_satisfied(*operator, order)))
            }
        }
    }

    /// Whether two values are equal; charges for reading them.
    pub(super) fn are_equal(
        &mut self,
        left: &LiquidValue<'a>,
        right: &LiquidValue<'a>,
        span: Span,
    ) -> Result<bool, LiquidError> {
        // By the shorter text, or by the items of a list.
        let cost = match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left.len().min(right.len()) as u64 / 64,
            (None, None) => match left {
                LiquidValue::Array(_) | LiquidValue::List(_) | LiquidValue::Object(_) => {
                    left.length().unwrap_or_default() as u64
                }
                _ => 0,
            },
            _ => 0,
        };
        self.context.budget.charge_steps(cost).map_err(|cause| self.error_at(cause, span))?;
        Ok(left.equals(right))
    }

    /// The order of two values, `None` where one has no order, as `nil`, booleans and lists.
    fn compare_values(
        &self,
        left: &LiquidValue<'a>,
        right: &LiquidValue<'a>,
    ) -> Result<Option<Ordering>, ErrorCause> {
        let ordered = |value: &LiquidValue<'_>| {
            matches!(value, LiquidValue::Int(_) | LiquidValue::Float(_) | LiquidValue::Decimal(_))
                || value.as_str().is_some()
        };
        if !ordered(left) || !ordered(right) {
            return Ok(None);
        }
        match (left.as_str(), right.as_str()) {
            // By bytes, which for UTF-8 is the order of code points.
            (Some(left), Some(right)) => Ok(Some(left.cmp(right))),
            (None, None) => Ok(compare_numbers(left, right)),
            _ => {
                let (left, right) = (type_name(left), type_name(right));
                Err(ErrorCause::operation(format!("cannot compare {left} with {right}")))
            }
        }
    }

    /// Whether a text has a part, a list an item, an object a key.
    fn contains(
        &mut self,
        left: &LiquidValue<'a>,
        right: &LiquidValue<'a>,
    ) -> Result<bool, ErrorCause> {
        // As in Ruby: nothing contains `nil` or `false`.
        if !right.is_truthy() {
            return Ok(false);
        }
        if let Some(text) = left.as_str() {
            self.context.budget.charge_read(text.len())?;
            let part = to_text(right, &mut self.context.budget)?;
            return Ok(text.contains(&*part));
        }
        match (left, right) {
            (LiquidValue::Object(data), _) => {
                Ok(right.as_str().is_some_and(|key| data.get(key).is_some()))
            }
            // By its ends: a range is never built.
            (LiquidValue::Range(first, last), LiquidValue::Int(number)) => {
                Ok((i128::from(*first)..=i128::from(*last)).contains(number))
            }
            (LiquidValue::Array(_) | LiquidValue::List(_), _) => {
                let length = left.length().unwrap_or_default();
                self.context.budget.charge_steps(length as u64)?;
                Ok((0..length).any(|index| left.item_at(index).equals(right)))
            }
            _ => Ok(false),
        }
    }
}

fn is_satisfied(operator: ComparisonOperator, order: Ordering) -> bool {
    match operator {
        ComparisonOperator::Less => order.is_lt(),
        ComparisonOperator::LessOrEqual => order.is_le(),
        ComparisonOperator::Greater => order.is_gt(),
        ComparisonOperator::GreaterOrEqual => order.is_ge(),
        ComparisonOperator::Equal | ComparisonOperator::NotEqual | ComparisonOperator::Contains => {
            false
        }
    }
}
