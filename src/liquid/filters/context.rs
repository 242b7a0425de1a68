//! What a filter is called with, and what it answers.

use jiff::tz::TimeZone;

use super::super::error::ErrorCause;
use super::super::limits::RenderBudget;
use super::super::value::LiquidValue;

/// What filters may use of the render that they are part of.
pub(in super::super) struct FilterContext<'a> {
    pub(in super::super) budget: RenderBudget,
    /// Whether output is escaped for XML.
    pub(in super::super) xml: bool,
    /// The time of the render in Unix seconds; the engine reads no clock.
    pub(in super::super) now: i64,
    /// The zone of dates that name none.
    pub(in super::super) zone: &'a TimeZone,
}

/// The arguments of one call.
pub(in super::super) struct FilterArguments<'a> {
    /// Positional ones, `nil` where not given: no filter takes more than two.
    pub(in super::super) values: [LiquidValue<'a>; 2],
    /// How many were given.
    pub(in super::super) count: usize,
    /// The one keyword argument that the filter knows, `nil` where not given.
    pub(in super::super) keyword: LiquidValue<'a>,
}

pub(in super::super) type FilterResult<'a> = Result<LiquidValue<'a>, ErrorCause>;

// === impl FilterContext ===

impl FilterContext<'_> {
    /// Takes the room for the text and makes it a value.
    pub(super) fn new_text<'v>(&mut self, text: String) -> FilterResult<'v> {
        self.budget.charge_bytes(text.len())?;
        Ok(LiquidValue::from_text(text))
    }

    /// Takes the room for the text, which is XML already, and makes it a value.
    pub(super) fn new_safe<'v>(&mut self, text: String) -> FilterResult<'v> {
        self.budget.charge_bytes(text.len())?;
        Ok(LiquidValue::Safe(text.into()))
    }

    /// Takes the room for the items and makes a list of them.
    pub(super) fn new_list<'v>(&mut self, items: Vec<LiquidValue<'v>>) -> FilterResult<'v> {
        self.charge_items(items.len())?;
        Ok(LiquidValue::from_items(items))
    }

    /// Takes the room and the steps for so many items.
    pub(super) fn charge_items(&mut self, count: usize) -> Result<(), ErrorCause> {
        self.budget.charge_steps(count as u64)?;
        self.budget.charge_bytes(count.saturating_mul(size_of::<LiquidValue<'_>>()))
    }
}
