//! The parameters and the result of a filter.

use jiff::tz::TimeZone;

use super::super::error::ErrorCause;
use super::super::limits::RenderBudget;
use super::super::value::LiquidValue;

/// The part of a render that filters may use.
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
    /// The positional ones, `nil` where missing: no filter takes more than two, so that no call
    /// allocates.
    pub(in super::super) values: [LiquidValue<'a>; 2],
    /// The number of positional ones in the template.
    pub(in super::super) count: usize,
    /// The one keyword argument that the filter has, `nil` where missing.
    pub(in super::super) keyword: LiquidValue<'a>,
}

pub(in super::super) type FilterResult<'a> = Result<LiquidValue<'a>, ErrorCause>;

// === impl FilterContext ===

impl FilterContext<'_> {
    /// Charges for the text and returns it as a value.
    pub(super) fn new_text<'v>(&mut self, text: String) -> FilterResult<'v> {
        self.budget.charge_bytes(text.len())?;
        Ok(LiquidValue::from_text(text))
    }

    /// Charges for the text, which is XML already, and returns it as a value.
    pub(super) fn new_safe<'v>(&mut self, text: String) -> FilterResult<'v> {
        self.budget.charge_bytes(text.len())?;
        Ok(LiquidValue::Safe(text.into()))
    }

    /// Charges for the items and returns them as a list.
    pub(super) fn new_list<'v>(&mut self, items: Vec<LiquidValue<'v>>) -> FilterResult<'v> {
        self.charge_items(items.len())?;
        Ok(LiquidValue::from_items(items))
    }

    /// Charges the bytes and the steps of so many items.
    pub(super) fn charge_items(&mut self, count: usize) -> Result<(), ErrorCause> {
        self.budget.charge_steps(count as u64)?;
        self.budget.charge_bytes(count.saturating_mul(size_of::<LiquidValue<'_>>()))
    }
}
