//! Filters on lists, and on anything that has parts.

use super::super::error::Fault;
use super::super::number::{kind_of, whole_of};
use super::super::print::text_of;
use super::super::value::{Command, Value};
use super::context::{Arguments, Env, Outcome};
use super::select::{Found, property_of};

/// How deep lists in lists are flattened.
const DEPTH_MAX: u32 = 128;

pub(super) fn first<'a>(_: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    Ok(input.command(Command::First))
}

pub(super) fn last<'a>(_: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    Ok(input.command(Command::Last))
}

/// The number of items or characters; 0 for what has none.
pub(super) fn size<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    env.budget.read(input.as_str().map_or(0, str::len))?;
    let size = input.size();
    Ok(if size.is_nil() { Value::Int(0) } else { size })
}

pub(super) fn default<'a>(
    _: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let missing = if arguments.keyword.is_truthy() { input.is_nil() } else { !input.is_truthy() };
    let [instead, _] = arguments.values;
    Ok(if missing || input.is_empty() { instead } else { input })
}

pub(super) fn join<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [glue, _] = &arguments.values;
    let default = Value::Str(" ");
    let glue = if arguments.count > 0 { glue } else { &default };
    let glue = text_of(glue, &mut env.budget)?;
    let mut text = String::new();
    for (index, item) in items(env, &input)?.iter().enumerate() {
        let before = text.len();
        if index > 0 {
            text.push_str(&glue);
        }
        text.push_str(&text_of(item, &mut env.budget)?);
        env.budget.build(text.len() - before)?;
    }
    Ok(Value::text(text))
}

pub(super) fn concat<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [other, _] = arguments.values;
    if !matches!(other, Value::Array(_) | Value::List(_)) {
        let detail = format!("`concat` takes a list, got {}", kind_of(&other));
        return Err(Fault::arguments(detail));
    }
    let mut all = items(env, &input)?;
    let count = other.length().unwrap_or_default();
    env.charge_items(count)?;
    all.extend((0..count).map(|index| other.at(index)));
    env.list(all)
}

pub(super) fn reverse<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    let mut reversed = items(env, &input)?;
    reversed.reverse();
    env.list(reversed)
}

pub(super) fn compact<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [property, _] = arguments.values;
    let mut kept = Vec::new();
    for item in items(env, &input)? {
        let tested = match (&property, property_of(&item, &property)) {
            (Value::Nil, _) => item.clone(),
            (_, Found::Value(value)) => value,
            (_, Found::NoProperties) => return Ok(Value::Nil),
            (_, Found::BadProperty(fault)) => return Err(fault),
        };
        if !tested.is_nil() {
            kept.push(item);
        }
    }
    env.list(kept)
}

/// A part of a list or a text, counted from either end.
pub(super) fn slice<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let offset = whole_of(&arguments.values[0])?;
    let length = if arguments.values[1].is_nil() { 1 } else { whole_of(&arguments.values[1])? };
    if let Value::Array(_) | Value::List(_) = input {
        let range = part(input.length().unwrap_or_default(), offset, length);
        env.charge_items(range.len())?;
        return Ok(Value::list(range.map(|index| input.at(index)).collect()));
    }
    let text = text_of(&input, &mut env.budget)?;
    let range = part(text.chars().count(), offset, length);
    env.text(text.chars().skip(range.start).take(range.len()).collect())
}

/// The indexes from `offset` on, `length` of them at most, of something with `size` parts.
fn part(size: usize, offset: i128, length: i128) -> std::ops::Range<usize> {
    let total = size as i128;
    let start = if offset < 0 { offset.saturating_add(total) } else { offset };
    if start < 0 || start > total || length < 0 {
        return 0..0;
    }
    let end = start.saturating_add(length).min(total);
    start as usize..end as usize
}

/// The items that a filter on lists sees: those of a list, lists inside of it flattened; the
/// numbers of a range; anything else is one item, and `nil` is none.
pub(super) fn items<'a>(env: &mut Env<'a>, input: &Value<'a>) -> Result<Vec<Value<'a>>, Fault> {
    let mut all = Vec::new();
    match input {
        Value::Nil => {}
        Value::Array(_) | Value::List(_) => flatten(env, input, &mut all, DEPTH_MAX)?,
        Value::Range(..) => {
            let count = input.length().unwrap_or_default();
            env.charge_items(count)?;
            all.extend((0..count).map(|index| input.at(index)));
        }
        other => all.push(other.clone()),
    }
    Ok(all)
}

fn flatten<'a>(
    env: &mut Env<'a>,
    list: &Value<'a>,
    all: &mut Vec<Value<'a>>,
    depth: u32,
) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Fault::operation("lists are nested too deeply to be flattened"));
    };
    for index in 0..list.length().unwrap_or_default() {
        env.charge_items(1)?;
        match list.at(index) {
            inner @ (Value::Array(_) | Value::List(_)) => flatten(env, &inner, all, depth)?,
            item => all.push(item),
        }
    }
    Ok(())
}
