//! Filters that compare the items of a list: `sort`, `sort_natural`, `uniq`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use super::super::error::ErrorCause;
use super::super::number::{compare_numbers, type_name};
use super::super::print::to_text;
use super::super::value::LiquidValue;
use super::array::to_items;
use super::context::{FilterArguments, FilterContext, FilterResult};
use super::select::{PropertyLookup, lookup_property};

pub(super) fn sort<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [property, _] = &arguments.values;
    let all = to_items(context, &input)?;
    let Some(mut keyed) = key_items(context, all, property)? else { return Ok(LiquidValue::Nil) };
    // Checked first: a comparison within the sort cannot fail.
    check_comparable(&keyed)?;
    // A sort compares each item with about log2(count) others.
    let rounds = u64::from(usize::BITS - keyed.len().leading_zeros());
    context.budget.charge_steps(rounds.saturating_mul(keyed.len() as u64))?;
    keyed.sort_by(|(left, _), (right, _)| compare_keys(left, right));
    context.new_list(keyed.into_iter().map(|(_, item)| item).collect())
}

/// Sorts as text without regard to case. Only ASCII is folded, as Ruby's `casecmp` does.
pub(super) fn sort_natural<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [property, _] = &arguments.values;
    let all = to_items(context, &input)?;
    let Some(keyed) = key_items(context, all, property)? else { return Ok(LiquidValue::Nil) };
    let mut folded = Vec::with_capacity(keyed.len());
    for (key, item) in keyed {
        let key = match key {
            LiquidValue::Nil => None,
            key => Some(to_text(&key, &mut context.budget)?.to_ascii_lowercase()),
        };
        context.budget.charge_bytes(key.as_ref().map_or(0, String::len))?;
        folded.push((key, item));
    }
    folded.sort_by(|(left, _), (right, _)| match (left, right) {
        (Some(left), Some(right)) => left.cmp(right),
        // `nil` is last.
        (left, right) => left.is_none().cmp(&right.is_none()),
    });
    context.new_list(folded.into_iter().map(|(_, item)| item).collect())
}

/// Keeps the first of items that are equal, or whose property is.
pub(super) fn uniq<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [property, _] = arguments.values;
    let mut seen: HashMap<u64, Vec<LiquidValue<'a>>> = HashMap::new();
    let mut kept = Vec::new();
    for item in to_items(context, &input)? {
        let key = match (&property, lookup_property(&item, &property)) {
            (LiquidValue::Nil, _) => item.clone(),
            (_, PropertyLookup::Value(value)) => value,
            (_, PropertyLookup::NoProperties) => return Ok(LiquidValue::Nil),
            (_, PropertyLookup::BadProperty(cause)) => return Err(cause),
        };
        let alike = seen.entry(hash_value(context, &key)?).or_default();
        // Hostile lists may put all items under one hash.
        context.budget.charge_steps(alike.len() as u64)?;
        if !alike.iter().any(|other| is_same(other, &key)) {
            alike.push(key);
            kept.push(item);
        }
    }
    context.new_list(kept)
}

/// Refuses keys without an order: all must be numbers, or all texts, or all equal.
fn check_comparable(keyed: &KeyedItems<'_>) -> Result<(), ErrorCause> {
    let mut keys = keyed.iter().map(|(key, _)| key).filter(|key| !key.is_nil());
    let Some(first) = keys.next() else { return Ok(()) };
    let is_number = |key: &LiquidValue<'_>| match key {
        LiquidValue::Int(_) | LiquidValue::Decimal(_) => true,
        LiquidValue::Float(number) => !number.is_nan(),
        _ => false,
    };
    let fits = |key: &&LiquidValue<'_>| {
        (is_number(first) && is_number(key))
            || (first.as_str().is_some() && key.as_str().is_some())
            || first.equals(key)
    };
    match keys.find(|key| !fits(key)) {
        None => Ok(()),
        Some(odd) => {
            let (first, odd) = (type_name(first), type_name(odd));
            Err(ErrorCause::operation(format!("cannot sort {first} with {odd}")))
        }
    }
}

/// Items behind their sort keys.
type KeyedItems<'a> = Vec<(LiquidValue<'a>, LiquidValue<'a>)>;

/// The items with their sort keys; `None` where an item has no properties.
fn key_items<'a>(
    context: &mut FilterContext<'a>,
    items: Vec<LiquidValue<'a>>,
    property: &LiquidValue<'a>,
) -> Result<Option<KeyedItems<'a>>, ErrorCause> {
    context.charge_items(items.len())?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        if property.is_nil() {
            keyed.push((item.clone(), item));
            continue;
        }
        match lookup_property(&item, property) {
            PropertyLookup::Value(key) => keyed.push((key, item)),
            PropertyLookup::NoProperties => return Ok(None),
            PropertyLookup::BadProperty(cause) => return Err(cause),
        }
    }
    Ok(Some(keyed))
}

/// The order of two keys that `check_comparable` accepted, `nil` behind all others.
fn compare_keys(left: &LiquidValue<'_>, right: &LiquidValue<'_>) -> Ordering {
    match (left, right) {
        (LiquidValue::Nil, _) | (_, LiquidValue::Nil) => left.is_nil().cmp(&right.is_nil()),
        _ => match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left.cmp(right),
            _ => compare_numbers(left, right).unwrap_or(Ordering::Equal),
        },
    }
}

/// Whether two values are one for `uniq`, which distinguishes `1` and `1.0`.
fn is_same<'a>(left: &LiquidValue<'a>, right: &LiquidValue<'a>) -> bool {
    match (left, right) {
        (LiquidValue::Int(_), LiquidValue::Float(_))
        | (LiquidValue::Float(_), LiquidValue::Int(_)) => false,
        _ => left.equals(right),
    }
}

/// A hash: equal values have equal ones. Lists and objects are hashed by their length only, since
/// the items that equal hashes leave are compared.
fn hash_value<'a>(
    context: &mut FilterContext<'a>,
    value: &LiquidValue<'a>,
) -> Result<u64, ErrorCause> {
    let mut hasher = DefaultHasher::new();
    match value {
        LiquidValue::Bool(value) => (1, value).hash(&mut hasher),
        LiquidValue::Int(number) => (2, number).hash(&mut hasher),
        // Adding 0.0 makes -0.0 equal to 0.0, as `==` has it.
        LiquidValue::Float(number) => (3, (number + 0.0).to_bits()).hash(&mut hasher),
        LiquidValue::Decimal(text) => {
            (3, text.parse::<f64>().unwrap_or_default().to_bits()).hash(&mut hasher);
        }
        LiquidValue::Array(_) | LiquidValue::List(_) | LiquidValue::Object(_) => {
            (4, value.length()).hash(&mut hasher);
        }
        _ => match value.as_str() {
            Some(text) => {
                context.budget.charge_read(text.len())?;
                (5, text).hash(&mut hasher);
            }
            None => 6.hash(&mut hasher),
        },
    }
    Ok(hasher.finish())
}
