//! Filters that compare the items of a list: `sort`, `sort_natural`, `uniq`.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use super::super::error::Fault;
use super::super::number::{kind_of, order_of_numbers};
use super::super::print::text_of;
use super::super::value::Value;
use super::array::items;
use super::context::{Arguments, Env, Outcome};
use super::select::{Found, property_of};

pub(super) fn sort<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    sorted(env, &input, &arguments)
}

/// Sorts as text, whatever the case of its letters.
pub(super) fn sort_natural<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [property, _] = &arguments.values;
    let all = items(env, &input)?;
    let Some(keyed) = keyed(env, all, property)? else { return Ok(Value::Nil) };
    let mut folded = Vec::with_capacity(keyed.len());
    for (key, item) in keyed {
        let key = match key {
            Value::Nil => None,
            key => Some(text_of(&key, &mut env.budget)?.to_ascii_lowercase()),
        };
        env.budget.build(key.as_ref().map_or(0, String::len))?;
        folded.push((key, item));
    }
    folded.sort_by(|(left, _), (right, _)| match (left, right) {
        (Some(left), Some(right)) => left.cmp(right),
        (left, right) => left.is_none().cmp(&right.is_none()),
    });
    env.list(folded.into_iter().map(|(_, item)| item).collect())
}

/// Keeps the first of the items that are equal, or whose property is.
pub(super) fn uniq<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [property, _] = arguments.values;
    let mut seen: HashMap<u64, Vec<Value<'a>>> = HashMap::new();
    let mut kept = Vec::new();
    for item in items(env, &input)? {
        let key = match (&property, property_of(&item, &property)) {
            (Value::Nil, _) => item.clone(),
            (_, Found::Value(value)) => value,
            (_, Found::NoProperties) => return Ok(Value::Nil),
            (_, Found::BadProperty(fault)) => return Err(fault),
        };
        let alike = seen.entry(hash_of(env, &key)?).or_default();
        env.budget.step(alike.len() as u64)?;
        if !alike.iter().any(|other| same(other, &key)) {
            alike.push(key);
            kept.push(item);
        }
    }
    env.list(kept)
}

fn sorted<'a>(env: &mut Env<'a>, input: &Value<'a>, arguments: &Arguments<'a>) -> Outcome<'a> {
    let [property, _] = &arguments.values;
    let all = items(env, input)?;
    let Some(mut keyed) = keyed(env, all, property)? else { return Ok(Value::Nil) };
    check_comparable(&keyed)?;
    // Sorting compares each item with about log2(count) others.
    let rounds = u64::from(usize::BITS - keyed.len().leading_zeros());
    env.budget.step(rounds.saturating_mul(keyed.len() as u64))?;
    keyed.sort_by(|(left, _), (right, _)| compare(left, right));
    env.list(keyed.into_iter().map(|(_, item)| item).collect())
}

/// Sees to it that every two keys have an order: all are numbers, or texts, or equal.
fn check_comparable(keyed: &Keyed<'_>) -> Result<(), Fault> {
    let mut keys = keyed.iter().map(|(key, _)| key).filter(|key| !key.is_nil());
    let Some(first) = keys.next() else { return Ok(()) };
    let is_number = |key: &Value<'_>| match key {
        Value::Int(_) => true,
        Value::Float(number) => !number.is_nan(),
        _ => false,
    };
    let fits = |key: &&Value<'_>| {
        (is_number(first) && is_number(key))
            || (first.as_str().is_some() && key.as_str().is_some())
            || first.equals(key)
    };
    match keys.find(|key| !fits(key)) {
        None => Ok(()),
        Some(odd) => {
            let (first, odd) = (kind_of(first), kind_of(odd));
            Err(Fault::operation(format!("cannot sort {first} beside {odd}")))
        }
    }
}

/// Items with what they are sorted by.
type Keyed<'a> = Vec<(Value<'a>, Value<'a>)>;

/// The items with what they are sorted by; `None` where one has no properties.
fn keyed<'a>(
    env: &mut Env<'a>,
    items: Vec<Value<'a>>,
    property: &Value<'a>,
) -> Result<Option<Keyed<'a>>, Fault> {
    env.charge_items(items.len())?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        if property.is_nil() {
            keyed.push((item.clone(), item));
            continue;
        }
        match property_of(&item, property) {
            Found::Value(key) => keyed.push((key, item)),
            Found::NoProperties => return Ok(None),
            Found::BadProperty(fault) => return Err(fault),
        }
    }
    Ok(Some(keyed))
}

/// The order of two keys that were checked to have one, `nil` behind everything.
fn compare(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    match (left, right) {
        (Value::Nil, _) | (_, Value::Nil) => left.is_nil().cmp(&right.is_nil()),
        _ => match (left.as_str(), right.as_str()) {
            (Some(left), Some(right)) => left.cmp(right),
            _ => order_of_numbers(left, right).unwrap_or(Ordering::Equal),
        },
    }
}

/// Whether two values are the same to `uniq`, to which `1` and `1.0` are two.
fn same<'a>(left: &Value<'a>, right: &Value<'a>) -> bool {
    match (left, right) {
        (Value::Int(_), Value::Float(_)) | (Value::Float(_), Value::Int(_)) => false,
        _ => left.equals(right),
    }
}

/// A number that equal values share.
fn hash_of<'a>(env: &mut Env<'a>, value: &Value<'a>) -> Result<u64, Fault> {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::Bool(value) => (1, value).hash(&mut hasher),
        Value::Int(number) => (2, number).hash(&mut hasher),
        Value::Float(number) => (3, (number + 0.0).to_bits()).hash(&mut hasher),
        Value::Array(_) | Value::List(_) | Value::Object(_) => {
            (4, value.length()).hash(&mut hasher);
        }
        _ => match value.as_str() {
            Some(text) => {
                env.budget.read(text.len())?;
                (5, text).hash(&mut hasher);
            }
            None => 6.hash(&mut hasher),
        },
    }
    Ok(hasher.finish())
}
