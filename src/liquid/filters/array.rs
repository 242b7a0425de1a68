//! Filters on lists, and on anything that has parts.

use super::super::error::ErrorCause;
use super::super::number::{require_integer, type_name};
use super::super::print::to_text;
use super::super::value::{CommandMethod, LiquidValue};
use super::context::{FilterArguments, FilterContext, FilterResult};
use super::select::{PropertyLookup, lookup_property};

/// Levels of nested lists that are flattened: data without end must not overflow the stack.
const DEPTH_MAX: u32 = 128;

pub(super) fn first<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(input.apply_command(CommandMethod::First))
}

pub(super) fn last<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(input.apply_command(CommandMethod::Last))
}

/// The number of items or characters; 0 for a value without either.
pub(super) fn size<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    context.budget.charge_read(input.as_str().map_or(0, str::len))?;
    let size = input.size();
    Ok(if size.is_nil() { LiquidValue::Int(0) } else { size })
}

pub(super) fn default<'a>(
    _: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    // With `allow_false` only `nil` and empty values are missing.
    let missing = if arguments.keyword.is_truthy() { input.is_nil() } else { !input.is_truthy() };
    let [instead, _] = arguments.values;
    Ok(if missing || input.is_empty() { instead } else { input })
}

pub(super) fn join<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [glue, _] = &arguments.values;
    let default = LiquidValue::Str(" ");
    // An explicit `nil` joins without a separator, a missing argument with a space.
    let glue = if arguments.count > 0 { glue } else { &default };
    let glue = to_text(glue, &mut context.budget)?;
    let mut text = String::new();
    for (index, item) in to_items(context, &input)?.iter().enumerate() {
        let before = text.len();
        if index > 0 {
            text.push_str(&glue);
        }
        text.push_str(&to_text(item, &mut context.budget)?);
        context.budget.charge_bytes(text.len() - before)?;
    }
    Ok(LiquidValue::from_text(text))
}

pub(super) fn concat<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [other, _] = arguments.values;
    if !matches!(other, LiquidValue::Array(_) | LiquidValue::List(_)) {
        let detail = format!("`concat` takes a list, got {}", type_name(&other));
        return Err(ErrorCause::arguments(detail));
    }
    let mut all = to_items(context, &input)?;
    let count = other.length().unwrap_or_default();
    context.charge_items(count)?;
    all.extend((0..count).map(|index| other.item_at(index)));
    context.new_list(all)
}

pub(super) fn reverse<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    let mut reversed = to_items(context, &input)?;
    reversed.reverse();
    context.new_list(reversed)
}

pub(super) fn compact<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [property, _] = arguments.values;
    let mut kept = Vec::new();
    for item in to_items(context, &input)? {
        let tested = match (&property, lookup_property(&item, &property)) {
            (LiquidValue::Nil, _) => item.clone(),
            (_, PropertyLookup::Value(value)) => value,
            (_, PropertyLookup::NoProperties) => return Ok(LiquidValue::Nil),
            (_, PropertyLookup::BadProperty(cause)) => return Err(cause),
        };
        if !tested.is_nil() {
            kept.push(item);
        }
    }
    context.new_list(kept)
}

/// A part of a list or a text, counted from either end.
pub(super) fn slice<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let offset = require_integer(&arguments.values[0])?;
    let length =
        if arguments.values[1].is_nil() { 1 } else { require_integer(&arguments.values[1])? };
    if let LiquidValue::Array(_) | LiquidValue::List(_) = input {
        let range = slice_range(input.length().unwrap_or_default(), offset, length);
        context.charge_items(range.len())?;
        return Ok(LiquidValue::from_items(range.map(|index| input.item_at(index)).collect()));
    }
    let text = to_text(&input, &mut context.budget)?;
    let range = slice_range(text.chars().count(), offset, length);
    context.new_text(text.chars().skip(range.start).take(range.len()).collect())
}

/// The indexes from `offset` on, `length` of them at most, of something with `size` parts.
fn slice_range(size: usize, offset: i128, length: i128) -> std::ops::Range<usize> {
    let total = size as i128;
    let start = if offset < 0 { offset.saturating_add(total) } else { offset };
    // As in Ruby, a start before the first part selects nothing, and not the first part.
    if start < 0 || start > total || length < 0 {
        return 0..0;
    }
    let end = start.saturating_add(length).min(total);
    start as usize..end as usize
}

/// The input of a filter on lists as items: those of a list, with nested lists flattened; the
/// numbers of a range; any other value is one item, `nil` none.
pub(super) fn to_items<'a>(
    context: &mut FilterContext<'a>,
    input: &LiquidValue<'a>,
) -> Result<Vec<LiquidValue<'a>>, ErrorCause> {
    let mut all = Vec::new();
    match input {
        LiquidValue::Nil => {}
        LiquidValue::Array(_) | LiquidValue::List(_) => {
            flatten(context, input, &mut all, DEPTH_MAX)?
        }
        LiquidValue::Range(..) => {
            let count = input.length().unwrap_or_default();
            context.charge_items(count)?;
            all.extend((0..count).map(|index| input.item_at(index)));
        }
        other => all.push(other.clone()),
    }
    Ok(all)
}

fn flatten<'a>(
    context: &mut FilterContext<'a>,
    list: &LiquidValue<'a>,
    all: &mut Vec<LiquidValue<'a>>,
    depth: u32,
) -> Result<(), ErrorCause> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(ErrorCause::operation("lists are nested too deeply to be flattened"));
    };
    for index in 0..list.length().unwrap_or_default() {
        context.charge_items(1)?;
        match list.item_at(index) {
            inner @ (LiquidValue::Array(_) | LiquidValue::List(_)) => {
                flatten(context, &inner, all, depth)?
            }
            item => all.push(item),
        }
    }
    Ok(())
}
