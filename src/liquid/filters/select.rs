//! Filters that look at one property of each item of a list.

use super::super::error::Fault;
use super::super::number::{Number, Operation, kind_of};
use super::super::value::Value;
use super::array::items;
use super::context::{Arguments, Env, Outcome};

/// What looking for a property of an item came to.
pub(super) enum Found<'a> {
    Value(Value<'a>),
    /// The item is of a kind that has no properties, such as `nil`: Ruby's filters then answer
    /// `nil` instead of a list.
    NoProperties,
    /// The item has properties, but none by such a name.
    BadProperty(Fault),
}

/// How the items of a list were sorted out.
enum Sifted<'a> {
    /// Each item, with its index, and whether it matches.
    Items(Vec<(Value<'a>, bool)>),
    /// There was nothing to sort out.
    Empty,
    /// An item without properties was met.
    NoProperties,
}

pub(super) fn filter_where<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    chosen(env, &input, &arguments, true)
}

pub(super) fn reject<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    chosen(env, &input, &arguments, false)
}

pub(super) fn has<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    Ok(match sift(env, &input, &arguments)? {
        Sifted::Items(items) => Value::Bool(items.iter().any(|(_, matches)| *matches)),
        Sifted::Empty => Value::Bool(false),
        Sifted::NoProperties => Value::Nil,
    })
}

pub(super) fn find<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    Ok(match sift(env, &input, &arguments)? {
        Sifted::Items(items) => {
            let found = items.into_iter().find(|(_, matches)| *matches);
            found.map_or(Value::Nil, |(item, _)| item)
        }
        Sifted::Empty | Sifted::NoProperties => Value::Nil,
    })
}

pub(super) fn find_index<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    Ok(match sift(env, &input, &arguments)? {
        Sifted::Items(items) => {
            let found = items.iter().position(|(_, matches)| *matches);
            found.map_or(Value::Nil, Value::count)
        }
        Sifted::Empty | Sifted::NoProperties => Value::Nil,
    })
}

pub(super) fn map<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [property, _] = arguments.values;
    let mut mapped = Vec::new();
    for item in items(env, &input)? {
        mapped.push(match property_of(&item, &property) {
            Found::Value(value) => value,
            Found::NoProperties => Value::Nil,
            Found::BadProperty(fault) => return Err(fault),
        });
    }
    env.list(mapped)
}

pub(super) fn sum<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [property, _] = arguments.values;
    let mut total = Number::Int(0);
    for item in items(env, &input)? {
        let value = match (&property, property_of(&item, &property)) {
            (Value::Nil, _) => item,
            (_, Found::Value(value)) => value,
            (_, Found::NoProperties) => Value::Nil,
            (_, Found::BadProperty(fault)) => return Err(fault),
        };
        // A property may be a list itself, whose numbers count one by one.
        for number in items(env, &value)? {
            total = total.apply(Operation::Plus, Number::of(&number))?;
        }
    }
    Ok(total.into_value())
}

/// The property of an item as Ruby's `item[property]` finds it. A text has one where the property
/// is a part of it, or counts one of its characters.
pub(super) fn property_of<'a>(item: &Value<'a>, property: &Value<'a>) -> Found<'a> {
    match (item, property) {
        (Value::Object(_) | Value::Loop(_), _) => Found::Value(item.item(property)),
        (Value::Int(number), Value::Int(bit)) => Found::Value(Value::Int(match *bit {
            0..128 => (number >> *bit) & 1,
            _ => 0,
        })),
        (Value::Int(_), _) => Found::BadProperty(bad_property(item, property)),
        _ => match (item.as_str(), property) {
            (Some(_), Value::Nil) => Found::NoProperties,
            (Some(text), Value::Int(index)) => Found::Value(character_at(text, *index)),
            (Some(text), _) => match property.as_str() {
                Some(part) if text.contains(part) => Found::Value(property.clone()),
                Some(_) => Found::Value(Value::Nil),
                None => Found::BadProperty(bad_property(item, property)),
            },
            (None, _) => Found::NoProperties,
        },
    }
}

fn bad_property(item: &Value<'_>, property: &Value<'_>) -> Fault {
    let (item, property) = (kind_of(item), kind_of(property));
    Fault::operation(format!("an item is {item}, which has no property named by {property}"))
}

fn character_at<'a>(text: &str, index: i128) -> Value<'a> {
    let character = match usize::try_from(index) {
        Ok(index) => text.chars().nth(index),
        Err(_) => usize::try_from(-1 - index).ok().and_then(|back| text.chars().nth_back(back)),
    };
    character.map_or(Value::Nil, |character| Value::text(character.to_string()))
}

fn chosen<'a>(
    env: &mut Env<'a>,
    input: &Value<'a>,
    arguments: &Arguments<'a>,
    wanted: bool,
) -> Outcome<'a> {
    match sift(env, input, arguments)? {
        Sifted::Items(items) => {
            let kept = items.into_iter().filter(|(_, matches)| *matches == wanted);
            env.list(kept.map(|(item, _)| item).collect())
        }
        Sifted::Empty => Ok(Value::list(Vec::new())),
        Sifted::NoProperties => Ok(Value::Nil),
    }
}

/// Tests each item: whether its property is the value given, or true where none is.
fn sift<'a>(
    env: &mut Env<'a>,
    input: &Value<'a>,
    arguments: &Arguments<'a>,
) -> Result<Sifted<'a>, Fault> {
    let [property, target] = &arguments.values;
    let all = items(env, input)?;
    if all.is_empty() {
        return Ok(Sifted::Empty);
    }
    let mut sifted = Vec::with_capacity(all.len());
    for item in all {
        let value = match property_of(&item, property) {
            Found::Value(value) => value,
            Found::NoProperties => return Ok(Sifted::NoProperties),
            Found::BadProperty(fault) => return Err(fault),
        };
        let matches = if target.is_nil() { value.is_truthy() } else { value.equals(target) };
        sifted.push((item, matches));
    }
    Ok(Sifted::Items(sifted))
}
