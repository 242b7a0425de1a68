//! Filters on text.
//!
//! Text that is XML already, as that of a `capture`, stays XML where a filter cannot break it:
//! `append` and `prepend` escape the other part, and stripping white space breaks nothing. Every
//! other filter returns plain text, which is escaped when it is printed.

use std::borrow::Cow;

use super::super::error::ErrorCause;
use super::super::escape;
use super::super::number::require_integer;
use super::super::print::to_text;
use super::super::tokens::is_space;
use super::super::value::LiquidValue;
use super::context::{FilterArguments, FilterContext, FilterResult};

pub(super) fn append<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [tail, _] = arguments.values;
    concatenate(context, &input, &tail)
}

pub(super) fn prepend<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [head, _] = arguments.values;
    concatenate(context, &head, &input)
}

pub(super) fn capitalize<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    map_text(context, &input, |text| {
        let mut characters = text.chars();
        let first = characters.next().map(char::to_uppercase).into_iter().flatten();
        first.chain(characters.as_str().to_lowercase().chars()).collect()
    })
}

pub(super) fn downcase<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    map_text(context, &input, str::to_lowercase)
}

pub(super) fn upcase<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    map_text(context, &input, str::to_uppercase)
}

pub(super) fn strip<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    keep_part(context, input, |text| text.trim_matches(is_white_space))
}

pub(super) fn lstrip<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    keep_part(context, input, |text| text.trim_start_matches(is_white_space))
}

pub(super) fn rstrip<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    keep_part(context, input, |text| text.trim_end_matches(is_white_space))
}

/// Strips white space at both ends, and replaces it inside by one space.
pub(super) fn squish<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    map_text(context, &input, |text| split_words(text).collect::<Vec<_>>().join(" "))
}

pub(super) fn strip_newlines<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    map_text(context, &input, |text| text.replace("\r\n", "").replace('\n', ""))
}

pub(super) fn newline_to_br<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    _: FilterArguments<'a>,
) -> FilterResult<'a> {
    map_text(context, &input, |text| text.replace("\r\n", "\n").replace('\n', "<br />\n"))
}

pub(super) fn replace<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [from, to] = arguments.values;
    let [text, from, to] = to_three_texts(context, &input, &from, &to)?;
    // Charged before it is built: a short text can become a very long one.
    let count = if from.is_empty() { text.len() + 1 } else { text.matches(&*from).count() };
    context.budget.charge_bytes(count.saturating_mul(to.len()).saturating_add(text.len()))?;
    Ok(LiquidValue::from_text(text.replace(&*from, &to)))
}

pub(super) fn replace_first<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [from, to] = arguments.values;
    let [text, from, to] = to_three_texts(context, &input, &from, &to)?;
    let at = text.find(&*from);
    context.new_text(replace_range(&text, at, from.len(), &to))
}

pub(super) fn replace_last<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [from, to] = arguments.values;
    let [text, from, to] = to_three_texts(context, &input, &from, &to)?;
    let at = text.rfind(&*from);
    context.new_text(replace_range(&text, at, from.len(), &to))
}

pub(super) fn remove<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [from, _] = arguments.values;
    let [text, from, _] = to_three_texts(context, &input, &from, &LiquidValue::Nil)?;
    context.new_text(text.replace(&*from, ""))
}

pub(super) fn remove_first<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    replace_first(context, input, with_empty_replacement(arguments))
}

pub(super) fn remove_last<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    replace_last(context, input, with_empty_replacement(arguments))
}

pub(super) fn split<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    let [pattern, _] = arguments.values;
    let pattern = to_text(&pattern, &mut context.budget)?;
    // Text of the data or the template is not copied.
    if let LiquidValue::Str(text) = input {
        context.budget.charge_read(text.len())?;
        let mut splitter = TextSplitter::new(context);
        splitter.split(text, &pattern, LiquidValue::Str)?;
        return Ok(splitter.finish());
    }
    let text = to_text(&input, &mut context.budget)?;
    let mut splitter = TextSplitter::new(context);
    splitter.split(&text, &pattern, |piece| LiquidValue::Text(piece.into()))?;
    Ok(splitter.finish())
}

pub(super) fn truncate<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let length = if arguments.count > 0 { require_integer(&arguments.values[0])? } else { 50 };
    let text = to_text(&input, &mut context.budget)?;
    // The ellipsis counts only where something is cut off.
    if text.chars().count() as i128 <= length {
        return context.new_text(text.into_owned());
    }
    let end = ellipsis(&arguments, &mut context.budget)?;
    let kept = length.saturating_sub(end.chars().count() as i128);
    // An ellipsis longer than the length leaves nothing of the text.
    let kept = usize::try_from(kept).unwrap_or(0);
    let cut = text.char_indices().nth(kept).map_or(text.len(), |(offset, _)| offset);
    context.new_text(format!("{}{end}", &text[..cut]))
}

pub(super) fn truncatewords<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    arguments: FilterArguments<'a>,
) -> FilterResult<'a> {
    if input.is_nil() {
        return Ok(input);
    }
    let count = if arguments.count > 0 { require_integer(&arguments.values[0])? } else { 15 };
    // Ruby keeps at least one word.
    let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
    let text = to_text(&input, &mut context.budget)?;
    if split_words(&text).nth(count).is_none() {
        return context.new_text(text.into_owned());
    }
    let kept: Vec<&str> = split_words(&text).take(count).collect();
    let end = ellipsis(&arguments, &mut context.budget)?;
    context.new_text(format!("{}{end}", kept.join(" ")))
}

/// The text for the part that was cut off: the second argument, or `...`.
fn ellipsis<'v>(
    arguments: &'v FilterArguments<'_>,
    budget: &mut super::super::limits::RenderBudget,
) -> Result<Cow<'v, str>, ErrorCause> {
    if arguments.count > 1 {
        to_text(&arguments.values[1], budget)
    } else {
        Ok(Cow::Borrowed("..."))
    }
}

/// Two texts as one. If one is XML already, the other is escaped.
fn concatenate<'a>(
    context: &mut FilterContext<'a>,
    head: &LiquidValue<'a>,
    tail: &LiquidValue<'a>,
) -> FilterResult<'a> {
    let safe = matches!(head, LiquidValue::Safe(_)) || matches!(tail, LiquidValue::Safe(_));
    let mut text = String::new();
    for part in [head, tail] {
        let part_text = to_text(part, &mut context.budget)?;
        // The other part has not been escaped yet.
        if safe && context.xml && !matches!(part, LiquidValue::Safe(_)) {
            text.push_str(&escape::escape_xml(&part_text));
        } else {
            text.push_str(&part_text);
        }
    }
    if safe { context.new_safe(text) } else { context.new_text(text) }
}

/// Applies a function to the text of the input; its result must not be much longer, since it is
/// charged only afterwards.
pub(super) fn map_text<'a>(
    context: &mut FilterContext<'a>,
    input: &LiquidValue<'a>,
    map: impl FnOnce(&str) -> String,
) -> FilterResult<'a> {
    let text = to_text(input, &mut context.budget)?;
    let mapped = map(&text);
    context.new_text(mapped)
}

/// A part of the input. Text of the data or the template is not copied.
fn keep_part<'a>(
    context: &mut FilterContext<'a>,
    input: LiquidValue<'a>,
    part: impl for<'t> FnOnce(&'t str) -> &'t str,
) -> FilterResult<'a> {
    if let LiquidValue::Str(text) = input {
        context.budget.charge_read(text.len())?;
        return Ok(LiquidValue::Str(part(text)));
    }
    let text = to_text(&input, &mut context.budget)?;
    let kept = part(&text).to_owned();
    if matches!(input, LiquidValue::Safe(_)) {
        context.new_safe(kept)
    } else {
        context.new_text(kept)
    }
}

/// The texts of an input and two arguments.
fn to_three_texts<'v>(
    context: &mut FilterContext<'_>,
    input: &'v LiquidValue<'_>,
    first: &'v LiquidValue<'_>,
    second: &'v LiquidValue<'_>,
) -> Result<[Cow<'v, str>; 3], ErrorCause> {
    let budget = &mut context.budget;
    Ok([to_text(input, budget)?, to_text(first, budget)?, to_text(second, budget)?])
}

fn with_empty_replacement(arguments: FilterArguments<'_>) -> FilterArguments<'_> {
    let [from, _] = arguments.values;
    FilterArguments { values: [from, LiquidValue::Str("")], ..arguments }
}

/// The text with `length` bytes at `at` replaced.
fn replace_range(text: &str, at: Option<usize>, length: usize, replacement: &str) -> String {
    match at {
        Some(at) => [&text[..at], replacement, &text[at + length..]].concat(),
        None => text.to_owned(),
    }
}

fn is_white_space(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_space)
}

/// The words of a text, as Ruby's `split` without a pattern finds them.
fn split_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_white_space).filter(|word| !word.is_empty())
}

/// The pieces of a text that is split; charges for each.
struct TextSplitter<'e, 'a> {
    context: &'e mut FilterContext<'a>,
    items: Vec<LiquidValue<'a>>,
}

// === impl TextSplitter ===

impl<'e, 'a> TextSplitter<'e, 'a> {
    fn new(context: &'e mut FilterContext<'a>) -> Self {
        TextSplitter { context, items: Vec::new() }
    }

    /// Splits as Ruby does: at any white space for a space, at every character for an empty
    /// pattern; empty pieces at the end are dropped.
    fn split<'t>(
        &mut self,
        text: &'t str,
        pattern: &str,
        make: fn(&'t str) -> LiquidValue<'a>,
    ) -> Result<(), ErrorCause> {
        match pattern {
            " " => split_words(text).try_for_each(|word| self.push(word, make))?,
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

    fn push<'t>(
        &mut self,
        piece: &'t str,
        make: fn(&'t str) -> LiquidValue<'a>,
    ) -> Result<(), ErrorCause> {
        self.context.charge_items(1)?;
        self.context.budget.charge_bytes(piece.len())?;
        self.items.push(make(piece));
        Ok(())
    }

    fn finish(self) -> LiquidValue<'a> {
        LiquidValue::from_items(self.items)
    }
}
