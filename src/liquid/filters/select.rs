//! Filters that read one property of each item of a list.

use super::super::decimal::ArithmeticOperation;
use super::super::error::ErrorCause;
use super::super::number::{LiquidNumber, type_name};
use super::super::value::LiquidValue;
use super::array::to_items;
use super::context::{FilterArguments, FilterContext, FilterResult};

/// The result of looking up a property of an item.
pub(super) enum PropertyLookup<'a> {
    Value(LiquidValue<'a>),
    /// The item has a type without properties, such as `nil`: Ruby's filters return `nil` then,
    /// instead of a list.
    NoProperties,
    /// The item has properties, but the name has an unfit type.
    BadProperty(ErrorCause),
}

/// The items of a list after matching a property.
enum MatchedItems<'a> {
    /// Each item, with its index, and whether it matches.
    Items(Vec<(LiquidValue<'a>, bool)>),
    /// The list has no items.
    Empty,
    /// An item has no properties.
    NoProperties,
}

pub(super) fn filter_where<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    filter_items(context, &input, &arguments, true)
}

pub(super) fn reject<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    filter_items(context, &input, &arguments, false)
}

pub(super) fn has<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(match match_items(context, &input, &arguments)? {
        MatchedItems::Items(items) => LiquidValue::Bool(items.iter().any(|(_, matches)| *matches)),
        MatchedItems::Empty => LiquidValue::Bool(false),
        MatchedItems::NoProperties => LiquidValue::Nil,
    })
}

pub(super) fn find<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(match match_items(context, &input, &arguments)? {
        MatchedItems::Items(items) => {
            let found = items.into_iter().find(|(_, matches)| *matches);
            found.map_or(LiquidValue::Nil, |(item, _)| item)
        }
        MatchedItems::Empty | MatchedItems::NoProperties => LiquidValue::Nil,
    })
}

pub(super) fn find_index<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    Ok(match match_items(context, &input, &arguments)? {
        MatchedItems::Items(items) => {
            let found = items.iter().position(|(_, matches)| *matches);
            found.map_or(LiquidValue::Nil, LiquidValue::from_count)
        }
        MatchedItems::Empty | MatchedItems::NoProperties => LiquidValue::Nil,
    })
}

pub(super) fn map<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [property, _] = arguments.values;
    let mut mapped = Vec::new();
    for item in to_items(context, &input)? {
        mapped.push(match lookup_property(&item, &property) {
            PropertyLookup::Value(value) => value,
            PropertyLookup::NoProperties => LiquidValue::Nil,
            PropertyLookup::BadProperty(cause) => return Err(cause),
        });
    }
    context.new_list(mapped)
}

pub(super) fn sum<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [property, _] = arguments.values;
    // Whole until a fraction is added, so that a sum of whole numbers prints as one.
    let mut total = LiquidNumber::Int(0);
    for item in to_items(context, &input)? {
        let value = match (&property, lookup_property(&item, &property)) {
            (LiquidValue::Nil, _) => item,
            (_, PropertyLookup::Value(value)) => value,
            (_, PropertyLookup::NoProperties) => LiquidValue::Nil,
            (_, PropertyLookup::BadProperty(cause)) => return Err(cause),
        };
        // A property may be a list itself, whose numbers count one by one.
        for number in to_items(context, &value)? {
            total = total.apply(ArithmeticOperation::Plus, LiquidNumber::from_value(&number))?;
        }
    }
    Ok(total.into_value())
}

/// The property of an item as Ruby's `item[property]` finds it. A text has one where the property
/// is a part of it, or counts one of its characters.
pub(super) fn lookup_property<'a>(
    item: &LiquidValue<'a>,
    property: &LiquidValue<'a>,
) -> PropertyLookup<'a> {
    match (item, property) {
        (LiquidValue::Object(_) | LiquidValue::Loop(_), _) => {
            PropertyLookup::Value(item.subscript(property))
        }
        // Ruby's `Integer#[]` returns a bit.
        (LiquidValue::Int(number), LiquidValue::Int(bit)) => {
            PropertyLookup::Value(LiquidValue::Int(match *bit {
                0..128 => (number >> *bit) & 1,
                _ => 0,
            }))
        }
        (LiquidValue::Int(_), _) => PropertyLookup::BadProperty(bad_property_error(item, property)),
        _ => match (item.as_str(), property) {
            (Some(_), LiquidValue::Nil) => PropertyLookup::NoProperties,
            (Some(text), LiquidValue::Int(index)) => {
                PropertyLookup::Value(character_at(text, *index))
            }
            (Some(text), _) => match property.as_str() {
                // Ruby's `String#[]` returns the part itself.
                Some(part) if text.contains(part) => PropertyLookup::Value(property.clone()),
                Some(_) => PropertyLookup::Value(LiquidValue::Nil),
                None => PropertyLookup::BadProperty(bad_property_error(item, property)),
            },
            (None, _) => PropertyLookup::NoProperties,
        },
    }
}

fn bad_property_error(item: &LiquidValue<'_>, property: &LiquidValue<'_>) -> ErrorCause {
    let (item, property) = (type_name(item), type_name(property));
    ErrorCause::operation(format!("an item is {item}, which has no property named by {property}"))
}

fn character_at<'a>(text: &str, index: i128) -> LiquidValue<'a> {
    let character = match usize::try_from(index) {
        Ok(index) => text.chars().nth(index),
        Err(_) => usize::try_from(-1 - index).ok().and_then(|back| text.chars().nth_back(back)),
    };
    character.map_or(LiquidValue::Nil, |character| LiquidValue::from_text(character.to_string()))
}

fn filter_items<'a>(
    context: &mut FilterContext<'a>,
    input: &LiquidValue<'a>,
    arguments: &FilterArguments<'a>,
    wanted: bool,
) -> FilterResult<'a> {
    match match_items(context, input, arguments)? {
        MatchedItems::Items(items) => {
            let kept = items.into_iter().filter(|(_, matches)| *matches == wanted);
            context.new_list(kept.map(|(item, _)| item).collect())
        }
        MatchedItems::Empty => Ok(LiquidValue::from_items(Vec::new())),
        MatchedItems::NoProperties => Ok(LiquidValue::Nil),
    }
}

/// Matches each item: its property equals the given value, or is truthy where no value is given.
fn match_items<'a>(
    context: &mut FilterContext<'a>,
    input: &LiquidValue<'a>,
    arguments: &FilterArguments<'a>,
) -> Result<MatchedItems<'a>, ErrorCause> {
    let [property, target] = &arguments.values;
    let all = to_items(context, input)?;
    if all.is_empty() {
        return Ok(MatchedItems::Empty);
    }
    let mut sifted = Vec::with_capacity(all.len());
    for item in all {
        let value = match lookup_property(&item, property) {
            PropertyLookup::Value(value) => value,
            PropertyLookup::NoProperties => return Ok(MatchedItems::NoProperties),
            PropertyLookup::BadProperty(cause) => return Err(cause),
        };
        // `where: "x", nil` is `where: "x"`, as in Ruby.
        let matches = if target.is_nil() { value.is_truthy() } else { value.equals(target) };
        sifted.push((item, matches));
    }
    Ok(MatchedItems::Items(sifted))
}
