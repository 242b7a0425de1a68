//! Evaluation of expressions, filters and conditions.

use std::cmp::Ordering;

use super::super::error::{Error, Fault, Span};
use super::super::filters::Arguments;
use super::super::number::{kind_of, leading_int, order_of_numbers, whole_of};
use super::super::print::text_of;
use super::super::tree::{
    Comparison, Condition, Expression, FilterCall, Junction, Operator, Path, Print, Root, Segment,
};
use super::super::value::Value;
use super::Render;

impl<'a> Render<'a> {
    /// The value of an output, its filters applied.
    pub(super) fn print(&mut self, print: &'a Print) -> Result<Value<'a>, Error> {
        let mut value = self.expression(&print.value, print.span)?;
        for call in &print.filters {
            value = self.filtered(value, call)?;
        }
        Ok(value)
    }

    fn filtered(&mut self, input: Value<'a>, call: &'a FilterCall) -> Result<Value<'a>, Error> {
        let mut values = [Value::Nil, Value::Nil];
        for (value, argument) in values.iter_mut().zip(&call.arguments) {
            *value = self.expression(argument, call.span)?;
        }
        let keyword = match &call.keyword {
            Some(keyword) => self.expression(keyword, call.span)?,
            None => Value::Nil,
        };
        let arguments = Arguments { values, count: call.arguments.len(), keyword };
        self.env
            .budget
            .step(1)
            .and_then(|()| (call.filter.run)(&mut self.env, input, arguments))
            .map_err(|fault| self.fail(fault, call.span))
    }

    /// The value of an expression. `span` is the tag around it, for errors.
    pub(super) fn expression(
        &mut self,
        expression: &'a Expression,
        span: Span,
    ) -> Result<Value<'a>, Error> {
        Ok(match expression {
            Expression::Nil => Value::Nil,
            Expression::Empty => Value::Empty,
            Expression::Blank => Value::Blank,
            Expression::Bool(value) => Value::Bool(*value),
            Expression::Int(number) => Value::Int(*number),
            Expression::Float(number) => Value::Float(*number),
            Expression::Text(text) => Value::Str(text.of(&self.tree.origin.source)),
            Expression::Range(ends, range) => {
                let first = self.range_end(&ends.0, *range)?;
                let last = self.range_end(&ends.1, *range)?;
                Value::Range(first, last)
            }
            Expression::Path(path) => return self.path(path, span),
        })
    }

    /// One end of a range: a whole number, a text that begins with one, or the whole part of a
    /// fraction that is written out.
    fn range_end(&mut self, end: &'a Expression, span: Span) -> Result<i64, Error> {
        let number = match (end, self.expression(end, span)?) {
            (_, Value::Int(number)) => number,
            (_, Value::Nil) => 0,
            (Expression::Float(_), Value::Float(number)) => number as i128,
            (_, value) => match value.as_str() {
                Some(text) => leading_int(text),
                None => whole_of(&value).map_err(|fault| self.fail(fault, span))?,
            },
        };
        i64::try_from(number).map_err(|_| {
            self.fail(Fault::operation("an end of the range is too far from zero"), span)
        })
    }

    fn path(&mut self, path: &'a Path, span: Span) -> Result<Value<'a>, Error> {
        let source: &'a str = &self.tree.origin.source;
        self.charge_scan(self.scope.names(), path.span)?;
        let mut value = match &path.root {
            Root::Name(name) => self.scope.variable(name.of(source)),
            Root::Computed(name) => match self.expression(name, span)?.as_str() {
                Some(name) => self.scope.variable(name),
                None => Value::Nil,
            },
        };
        for segment in &path.segments {
            match segment {
                Segment::Key(key, command) => value = value.member(key.of(source), *command),
                Segment::Index(index) => {
                    let index = self.expression(index, span)?;
                    value = value.item(&index);
                }
            }
            if value.is_nil() {
                break;
            }
        }
        Ok(value)
    }

    /// Whether a condition holds. `and` and `or` bind alike, from the right.
    pub(super) fn holds(&mut self, condition: &'a Condition) -> Result<bool, Error> {
        let mut holds = self.compare(&condition.first)?;
        for (junction, comparison) in &condition.rest {
            match (junction, holds) {
                (Junction::And, false) | (Junction::Or, true) => break,
                _ => holds = self.compare(comparison)?,
            }
        }
        Ok(holds)
    }

    fn compare(&mut self, comparison: &'a Comparison) -> Result<bool, Error> {
        let span = comparison.span;
        let left = self.expression(&comparison.left, span)?;
        let Some((operator, right)) = &comparison.right else { return Ok(left.is_truthy()) };
        let right = self.expression(right, span)?;
        match operator {
            Operator::Equal => self.equal(&left, &right, span),
            Operator::NotEqual => Ok(!self.equal(&left, &right, span)?),
            Operator::Contains => {
                self.contains(&left, &right).map_err(|fault| self.fail(fault, span))
            }
            _ => {
                let order = self.order(&left, &right).map_err(|fault| self.fail(fault, span))?;
                Ok(order.is_some_and(|order| fits(*operator, order)))
            }
        }
    }

    /// Whether two values are equal, at the price of reading them.
    pub(super) fn equal(
        &mut self,
        left: &Value<'a>,
        right: &Value<'a>,
        span: Span,
    ) -> Result<bool, Error> {
        let cost = match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left.len().min(right.len()) as u64 / 64,
            (None, None) => match left {
                Value::Array(_) | Value::List(_) | Value::Object(_) => {
                    left.length().unwrap_or_default() as u64
                }
                _ => 0,
            },
            _ => 0,
        };
        self.env.budget.step(cost).map_err(|fault| self.fail(fault, span))?;
        Ok(left.equals(right))
    }

    /// The order of two values, `None` where one has no order, as `nil`, booleans and lists.
    fn order(&self, left: &Value<'a>, right: &Value<'a>) -> Result<Option<Ordering>, Fault> {
        let ordered = |value: &Value<'_>| {
            matches!(value, Value::Int(_) | Value::Float(_)) || value.as_str().is_some()
        };
        if !ordered(left) || !ordered(right) {
            return Ok(None);
        }
        match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => Ok(Some(left.cmp(right))),
            (None, None) => Ok(order_of_numbers(left, right)),
            _ => {
                let (left, right) = (kind_of(left), kind_of(right));
                Err(Fault::operation(format!("cannot compare {left} with {right}")))
            }
        }
    }

    /// Whether a text has a part, a list an item, an object a key.
    fn contains(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
        if !right.is_truthy() {
            return Ok(false);
        }
        if let Some(text) = left.as_str() {
            self.env.budget.read(text.len())?;
            let part = text_of(right, &mut self.env.budget)?;
            return Ok(text.contains(&*part));
        }
        match (left, right) {
            (Value::Object(data), _) => {
                Ok(right.as_str().is_some_and(|key| data.get(key).is_some()))
            }
            (Value::Range(first, last), Value::Int(number)) => {
                Ok((i128::from(*first)..=i128::from(*last)).contains(number))
            }
            (Value::Array(_) | Value::List(_), _) => {
                let length = left.length().unwrap_or_default();
                self.env.budget.step(length as u64)?;
                Ok((0..length).any(|index| left.at(index).equals(right)))
            }
            _ => Ok(false),
        }
    }
}

fn fits(operator: Operator, order: Ordering) -> bool {
    match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Equal | Operator::NotEqual | Operator::Contains => false,
    }
}
