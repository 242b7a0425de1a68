//! What a filter is called with, and what it answers.

use jiff::tz::TimeZone;

use super::super::error::Fault;
use super::super::limits::Budget;
use super::super::value::Value;

/// What filters may use of the render that they are part of.
pub(in super::super) struct Env<'a> {
    pub(in super::super) budget: Budget,
    /// Whether output is escaped for XML.
    pub(in super::super) xml: bool,
    /// The time of the render in Unix seconds; the engine reads no clock.
    pub(in super::super) now: i64,
    /// The zone of dates that name none.
    pub(in super::super) zone: &'a TimeZone,
}

/// The arguments of one call.
pub(in super::super) struct Arguments<'a> {
    /// Positional ones, `nil` where not given: no filter takes more than two.
    pub(in super::super) values: [Value<'a>; 2],
    /// How many were given.
    pub(in super::super) count: usize,
    /// The one keyword argument that the filter knows, `nil` where not given.
    pub(in super::super) keyword: Value<'a>,
}

pub(in super::super) type Outcome<'a> = Result<Value<'a>, Fault>;

// === impl Env ===

impl Env<'_> {
    /// Takes the room for the text and makes it a value.
    pub(super) fn text<'v>(&mut self, text: String) -> Outcome<'v> {
        self.budget.build(text.len())?;
        Ok(Value::text(text))
    }

    /// Takes the room for the text, which is XML already, and makes it a value.
    pub(super) fn safe<'v>(&mut self, text: String) -> Outcome<'v> {
        self.budget.build(text.len())?;
        Ok(Value::Safe(text.into()))
    }

    /// Takes the room for the items and makes a list of them.
    pub(super) fn list<'v>(&mut self, items: Vec<Value<'v>>) -> Outcome<'v> {
        self.charge_items(items.len())?;
        Ok(Value::list(items))
    }

    /// Takes the room and the steps for so many items.
    pub(super) fn charge_items(&mut self, count: usize) -> Result<(), Fault> {
        self.budget.step(count as u64)?;
        self.budget.build(count.saturating_mul(size_of::<Value<'_>>()))
    }
}
