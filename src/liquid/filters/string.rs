//! Filters on text.
//!
//! Text that is XML already, as `capture` builds it, stays so where a filter cannot break it:
//! `append` and `prepend` escape the other part, and taking white space away harms nothing. Every
//! other filter answers plain text, which is escaped when it is printed.

use std::borrow::Cow;

use super::super::error::Fault;
use super::super::escape;
use super::super::number::whole_of;
use super::super::print::text_of;
use super::super::tokens::is_space;
use super::super::value::Value;
use super::context::{Arguments, Env, Outcome};

pub(super) fn append<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [tail, _] = arguments.values;
    joined(env, &input, &tail)
}

pub(super) fn prepend<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [head, _] = arguments.values;
    joined(env, &head, &input)
}

pub(super) fn capitalize<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    mapped(env, &input, |text| {
        let mut characters = text.chars();
        let first = characters.next().map(char::to_uppercase).into_iter().flatten();
        first.chain(characters.as_str().to_lowercase().chars()).collect()
    })
}

pub(super) fn downcase<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    mapped(env, &input, str::to_lowercase)
}

pub(super) fn upcase<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    mapped(env, &input, str::to_uppercase)
}

pub(super) fn strip<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    cut(env, input, |text| text.trim_matches(is_white))
}

pub(super) fn lstrip<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    cut(env, input, |text| text.trim_start_matches(is_white))
}

pub(super) fn rstrip<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    cut(env, input, |text| text.trim_end_matches(is_white))
}

/// Takes white space away at both ends, and leaves one space where there was any inside.
pub(super) fn squish<'a>(env: &mut Env<'a>, input: Value<'a>, _: Arguments<'a>) -> Outcome<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    mapped(env, &input, |text| words(text).collect::<Vec<_>>().join(" "))
}

pub(super) fn strip_newlines<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    mapped(env, &input, |text| text.replace("\r\n", "").replace('\n', ""))
}

pub(super) fn newline_to_br<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    _: Arguments<'a>,
) -> Outcome<'a> {
    mapped(env, &input, |text| text.replace("\r\n", "\n").replace('\n', "<br />\n"))
}

pub(super) fn replace<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [from, to] = arguments.values;
    let [text, from, to] = three(env, &input, &from, &to)?;
    // The result is measured before it is built: a short text can become a very long one.
    let count = if from.is_empty() { text.len() + 1 } else { text.matches(&*from).count() };
    env.budget.build(count.saturating_mul(to.len()).saturating_add(text.len()))?;
    Ok(Value::text(text.replace(&*from, &to)))
}

pub(super) fn replace_first<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [from, to] = arguments.values;
    let [text, from, to] = three(env, &input, &from, &to)?;
    let at = text.find(&*from);
    env.text(spliced(&text, at, from.len(), &to))
}

pub(super) fn replace_last<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [from, to] = arguments.values;
    let [text, from, to] = three(env, &input, &from, &to)?;
    let at = text.rfind(&*from);
    env.text(spliced(&text, at, from.len(), &to))
}

pub(super) fn remove<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [from, _] = arguments.values;
    let [text, from, _] = three(env, &input, &from, &Value::Nil)?;
    env.text(text.replace(&*from, ""))
}

pub(super) fn remove_first<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    replace_first(env, input, without_replacement(arguments))
}

pub(super) fn remove_last<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    replace_last(env, input, without_replacement(arguments))
}

pub(super) fn split<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [pattern, _] = arguments.values;
    let pattern = text_of(&pattern, &mut env.budget)?;
    // Text that outlives the render is not copied.
    if let Value::Str(text) = input {
        env.budget.read(text.len())?;
        let mut pieces = Pieces::new(env);
        pieces.cut(text, &pattern, Value::Str)?;
        return Ok(pieces.finish());
    }
    let text = text_of(&input, &mut env.budget)?;
    let mut pieces = Pieces::new(env);
    pieces.cut(&text, &pattern, |piece| Value::Text(piece.into()))?;
    Ok(pieces.finish())
}

pub(super) fn truncate<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let length = if arguments.count > 0 { whole_of(&arguments.values[0])? } else { 50 };
    let text = text_of(&input, &mut env.budget)?;
    if text.chars().count() as i128 <= length {
        return env.text(text.into_owned());
    }
    let end = ellipsis(&arguments, &mut env.budget)?;
    let kept = length.saturating_sub(end.chars().count() as i128);
    let kept = usize::try_from(kept).unwrap_or(0);
    let cut = text.char_indices().nth(kept).map_or(text.len(), |(offset, _)| offset);
    env.text(format!("{}{end}", &text[..cut]))
}

pub(super) fn truncatewords<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let count = if arguments.count > 0 { whole_of(&arguments.values[0])? } else { 15 };
    let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
    let text = text_of(&input, &mut env.budget)?;
    if words(&text).nth(count).is_none() {
        return env.text(text.into_owned());
    }
    let kept: Vec<&str> = words(&text).take(count).collect();
    let end = ellipsis(&arguments, &mut env.budget)?;
    env.text(format!("{}{end}", kept.join(" ")))
}

/// What stands for the part that was cut off: the second argument, or `...`.
fn ellipsis<'v>(
    arguments: &'v Arguments<'_>,
    budget: &mut super::super::limits::Budget,
) -> Result<Cow<'v, str>, Fault> {
    if arguments.count > 1 {
        text_of(&arguments.values[1], budget)
    } else {
        Ok(Cow::Borrowed("..."))
    }
}

/// Two texts as one. If one is XML already, the other becomes so too.
fn joined<'a>(env: &mut Env<'a>, head: &Value<'a>, tail: &Value<'a>) -> Outcome<'a> {
    let safe = matches!(head, Value::Safe(_)) || matches!(tail, Value::Safe(_));
    let mut text = String::new();
    for part in [head, tail] {
        let part_text = text_of(part, &mut env.budget)?;
        if safe && env.xml && !matches!(part, Value::Safe(_)) {
            text.push_str(&escape::xml(&part_text));
        } else {
            text.push_str(&part_text);
        }
    }
    if safe { env.safe(text) } else { env.text(text) }
}

/// The text of the input put through a function whose result is not much longer.
fn mapped<'a>(
    env: &mut Env<'a>,
    input: &Value<'a>,
    map: impl FnOnce(&str) -> String,
) -> Outcome<'a> {
    let text = text_of(input, &mut env.budget)?;
    let mapped = map(&text);
    env.text(mapped)
}

/// A part of the input. Text that outlives the render is not copied.
fn cut<'a>(
    env: &mut Env<'a>,
    input: Value<'a>,
    part: impl for<'t> FnOnce(&'t str) -> &'t str,
) -> Outcome<'a> {
    if let Value::Str(text) = input {
        env.budget.read(text.len())?;
        return Ok(Value::Str(part(text)));
    }
    let text = text_of(&input, &mut env.budget)?;
    let kept = part(&text).to_owned();
    if matches!(input, Value::Safe(_)) { env.safe(kept) } else { env.text(kept) }
}

/// The texts of an input and two arguments.
fn three<'v>(
    env: &mut Env<'_>,
    input: &'v Value<'_>,
    first: &'v Value<'_>,
    second: &'v Value<'_>,
) -> Result<[Cow<'v, str>; 3], Fault> {
    let budget = &mut env.budget;
    Ok([text_of(input, budget)?, text_of(first, budget)?, text_of(second, budget)?])
}

fn without_replacement(arguments: Arguments<'_>) -> Arguments<'_> {
    let [from, _] = arguments.values;
    Arguments { values: [from, Value::Str("")], ..arguments }
}

/// The text with `length` bytes at `at` replaced.
fn spliced(text: &str, at: Option<usize>, length: usize, replacement: &str) -> String {
    match at {
        Some(at) => [&text[..at], replacement, &text[at + length..]].concat(),
        None => text.to_owned(),
    }
}

fn is_white(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_space)
}

/// The words of a text, as Ruby's `split` without a pattern finds them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_white).filter(|word| !word.is_empty())
}

/// The pieces that `split` cuts a text into.
struct Pieces<'e, 'a> {
    env: &'e mut Env<'a>,
    items: Vec<Value<'a>>,
}

// === impl Pieces ===

impl<'e, 'a> Pieces<'e, 'a> {
    fn new(env: &'e mut Env<'a>) -> Self {
        Pieces { env, items: Vec::new() }
    }

    /// Cuts as Ruby does: a space stands for any white space, an empty pattern for every
    /// character, and empty pieces at the end are dropped.
    fn cut<'t>(
        &mut self,
        text: &'t str,
        pattern: &str,
        make: fn(&'t str) -> Value<'a>,
    ) -> Result<(), Fault> {
        match pattern {
            " " => words(text).try_for_each(|word| self.push(word, make))?,
            "" => {
                let ends = text.char_indices().map(|(at, character)| (at, character.len_utf8()));
                ends.map(|(at, length)| &text[at..at + length])
                    .try_for_each(|character| self.push(character, make))?;
            }
            _ => text.split(pattern).try_for_each(|piece| self.push(piece, make))?,
        }
        while self.items.last().is_some_and(|item| item.as_str() == Some("")) {
            self.items.pop();
        }
        Ok(())
    }

    fn push<'t>(&mut self, piece: &'t str, make: fn(&'t str) -> Value<'a>) -> Result<(), Fault> {
        self.env.charge_items(1)?;
        self.env.budget.build(piece.len())?;
        self.items.push(make(piece));
        Ok(())
    }

    fn finish(self) -> Value<'a> {
        Value::list(self.items)
    }
}
