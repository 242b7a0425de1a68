//! Values as text: as Liquid prints them, as Ruby inspects them, and as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::data::{TemplateData, ValueRef};
use super::decimal::Decimal;
use super::error::ErrorCause;
use super::escape;
use super::limits::RenderBudget;
use super::value::LiquidValue;

/// Levels of nested values that are printed: data without end must not overflow the stack.
const DEPTH_MAX: u32 = 128;

/// The text of a value for a filter. Lists and objects are written as Ruby's `inspect` does.
pub(super) fn to_text<'v>(
    value: &'v LiquidValue<'_>,
    budget: &mut RenderBudget,
) -> Result<Cow<'v, str>, ErrorCause> {
    if let Some(text) = value.as_str() {
        budget.charge_read(text.len())?;
        return Ok(Cow::Borrowed(text));
    }
    let mut text = String::new();
    match value {
        LiquidValue::Array(_) | LiquidValue::List(_) | LiquidValue::Object(_) => {
            let mut writer = ValueWriter { out: &mut text, budget };
            writer.write_inspected(value, DEPTH_MAX)?;
        }
        other => write_scalar(&mut text, other),
    }
    Ok(Cow::Owned(text))
}

/// Appends a value as `{{ }}` prints it: the items of a list follow one another. With `xml`,
/// everything but [`LiquidValue::Safe`] is escaped. The caller charges for the output.
pub(super) fn print_into(
    out: &mut String,
    value: &LiquidValue<'_>,
    xml: bool,
    budget: &mut RenderBudget,
) -> Result<(), ErrorCause> {
    match value {
        LiquidValue::Safe(text) => out.push_str(text),
        LiquidValue::Array(_) | LiquidValue::List(_) => {
            print_list(out, value, xml, DEPTH_MAX, budget)?
        }
        LiquidValue::Object(_) => {
            let text = to_text(value, budget)?;
            print_str(out, &text, xml);
        }
        _ => match value.as_str() {
            Some(text) => print_str(out, text, xml),
            None => write_scalar(out, value),
        },
    }
    Ok(())
}

/// The value as JSON, without white space.
pub(super) fn to_json_text(
    value: &LiquidValue<'_>,
    budget: &mut RenderBudget,
) -> Result<String, ErrorCause> {
    let mut text = String::new();
    ValueWriter { out: &mut text, budget }.write_json(value, DEPTH_MAX)?;
    Ok(text)
}

/// The value as a `serde_json` one, with its types.
pub(super) fn to_json(
    value: &LiquidValue<'_>,
    budget: &mut RenderBudget,
) -> Result<serde_json::Value, ErrorCause> {
    // By way of text: its writer is bounded and charged, and this is not a hot path.
    let text = to_json_text(value, budget)?;
    serde_json::from_str(&text)
        .map_err(|error| ErrorCause::operation(format!("the value is not JSON: {error}")))
}

/// A float as Ruby prints it.
pub(super) fn format_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // Ruby's bounds between plain and scientific notation.
    if number == 0.0 || (1e-4..1e16).contains(&number.abs()) {
        return format!("{number:?}");
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}{point}e{sign}{exponent:0>2}")
}

fn print_str(out: &mut String, text: &str, xml: bool) {
    if xml { escape::escape_xml_into(out, text) } else { out.push_str(text) }
}

fn print_list(
    out: &mut String,
    list: &LiquidValue<'_>,
    xml: bool,
    depth: u32,
    budget: &mut RenderBudget,
) -> Result<(), ErrorCause> {
    let Some(depth) = depth.checked_sub(1) else { return Err(too_deep_error()) };
    for index in 0..list.length().unwrap_or_default() {
        let before = out.len();
        match list.item_at(index) {
            item @ (LiquidValue::Array(_) | LiquidValue::List(_)) => {
                print_list(out, &item, xml, depth, budget)?;
            }
            item => print_into(out, &item, xml, budget)?,
        }
        budget.charge_steps(1)?;
        budget.charge_bytes(out.len() - before)?;
    }
    Ok(())
}

/// Appends a value that is not a text, list or object.
fn write_scalar(out: &mut String, value: &LiquidValue<'_>) {
    // Writing to a string cannot fail.
    let _ = match value {
        LiquidValue::Bool(value) => write!(out, "{value}"),
        // Formatting an `i128` is slower, and nearly all numbers fit into `i64`.
        LiquidValue::Int(number) => match i64::try_from(*number) {
            Ok(number) => write!(out, "{number}"),
            Err(_) => write!(out, "{number}"),
        },
        LiquidValue::Float(number) => write!(out, "{}", format_float(*number)),
        LiquidValue::Decimal(text) => write_decimal(out, text),
        LiquidValue::Range(first, last) => write!(out, "{first}..{last}"),
        LiquidValue::Loop(state) if state.columns.is_some() => {
            write!(out, "Liquid::TablerowloopDrop")
        }
        LiquidValue::Loop(_) => write!(out, "Liquid::ForloopDrop"),
        _ => Ok(()),
    };
}

/// Writes all digits of a fraction of the data, and no exponent.
fn write_decimal(out: &mut String, text: &str) -> std::fmt::Result {
    match Decimal::parse(text) {
        Some(decimal) => write!(out, "{decimal}"),
        None => write!(out, "{text}"),
    }
}

fn too_deep_error() -> ErrorCause {
    ErrorCause::operation("a value is nested too deeply to be printed")
}

/// A writer of nested values, which charges for each piece that it writes.
struct ValueWriter<'w> {
    out: &'w mut String,
    budget: &'w mut RenderBudget,
}

// === impl ValueWriter ===

impl ValueWriter<'_> {
    fn write_inspected(&mut self, value: &LiquidValue<'_>, depth: u32) -> Result<(), ErrorCause> {
        let Some(depth) = depth.checked_sub(1) else { return Err(too_deep_error()) };
        match value {
            // Only inside of lists and objects: `nil` itself prints as nothing.
            LiquidValue::Nil => self.push("nil"),
            LiquidValue::Array(_) | LiquidValue::List(_) => {
                self.push("[")?;
                // Items are fetched one by one: data may be long, and the budget ends the loop.
                for index in 0..value.length().unwrap_or_default() {
                    self.push(if index == 0 { "" } else { ", " })?;
                    self.write_inspected(&value.item_at(index), depth)?;
                }
                self.push("]")
            }
            LiquidValue::Object(data) => {
                self.push("{")?;
                self.for_each_entry(*data, |writer, first, key, value| {
                    writer.push(if first { "" } else { ", " })?;
                    writer.write_quoted(key)?;
                    writer.push("=>")?;
                    writer.write_inspected(&value.into(), depth)
                })?;
                self.push("}")
            }
            _ => match value.as_str() {
                Some(text) => self.write_quoted(text),
                None => {
                    let mut text = String::new();
                    write_scalar(&mut text, value);
                    self.push(&text)
                }
            },
        }
    }

    /// Text as Ruby quotes it.
    fn write_quoted(&mut self, text: &str) -> Result<(), ErrorCause> {
        let mut quoted = String::with_capacity(text.len() + 2);
        quoted.push('"');
        for character in text.chars() {
            match character {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\u{1b}' => quoted.push_str("\\e"),
                // Ruby writes other control characters in hexadecimal.
                control if (control as u32) < 0x20 || control == '\u{7f}' => {
                    let _ = write!(quoted, "\\x{:02X}", control as u32);
                }
                other => quoted.push(other),
            }
        }
        quoted.push('"');
        self.push(&quoted)
    }

    fn write_json(&mut self, value: &LiquidValue<'_>, depth: u32) -> Result<(), ErrorCause> {
        let Some(depth) = depth.checked_sub(1) else { return Err(too_deep_error()) };
        match value {
            LiquidValue::Bool(true) => self.push("true"),
            LiquidValue::Bool(false) => self.push("false"),
            LiquidValue::Int(number) => self.push(&number.to_string()),
            LiquidValue::Float(number) if number.is_finite() => {
                self.push(&format_json_float(*number))
            }
            LiquidValue::Decimal(text) => self.push(text),
            LiquidValue::Array(_) | LiquidValue::List(_) | LiquidValue::Range(..) => {
                self.push("[")?;
                for index in 0..value.length().unwrap_or_default() {
                    self.push(if index == 0 { "" } else { "," })?;
                    self.write_json(&value.item_at(index), depth)?;
                }
                self.push("]")
            }
            LiquidValue::Object(data) => {
                self.push("{")?;
                self.for_each_entry(*data, |writer, first, key, value| {
                    writer.push(if first { "" } else { "," })?;
                    writer.write_json(&LiquidValue::Str(key), depth)?;
                    writer.push(":")?;
                    writer.write_json(&value.into(), depth)
                })?;
                self.push("}")
            }
            _ => match value.as_str() {
                // serde_json escapes as JSON requires, and not more.
                Some(text) => self.push(&serde_json::Value::from(text).to_string()),
                // `nil`, loops, and numbers that JSON cannot represent.
                None => self.push("null"),
            },
        }
    }

    /// Calls `each` for the entries of an object, until one fails.
    fn for_each_entry<'d>(
        &mut self,
        data: &'d dyn TemplateData,
        mut each: impl FnMut(&mut Self, bool, &'d str, ValueRef<'d>) -> Result<(), ErrorCause>,
    ) -> Result<(), ErrorCause> {
        // `TemplateData::for_each` cannot stop early: after an error the rest is skipped.
        let (mut first, mut result) = (true, Ok(()));
        data.for_each(&mut |key, value| {
            if result.is_ok() {
                result = each(self, first, key, value);
                first = false;
            }
        });
        result
    }

    fn push(&mut self, text: &str) -> Result<(), ErrorCause> {
        self.budget.charge_steps(1)?;
        self.budget.charge_bytes(text.len())?;
        self.out.push_str(text);
        Ok(())
    }
}

/// A float in JSON. A whole one has `.0`, so that it is read back as a float.
fn format_json_float(number: f64) -> String {
    serde_json::Number::from_f64(number).map_or("null".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_look_as_in_ruby() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (5.0, "5.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1.0e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-05"),
            (-1.25e-7, "-1.25e-07"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(format_float(number), text);
        }
    }
}
