//! How values look as text: printed, inspected as Ruby does, and as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::data::{Data, ValueRef};
use super::error::Fault;
use super::escape;
use super::limits::Budget;
use super::value::Value;

/// Where printing stops to follow nested values, so that a data source without end has one.
const DEPTH_MAX: u32 = 128;

/// The text of a value as filters see it. Lists and objects look as in Ruby's `inspect`.
pub(super) fn text_of<'v>(
    value: &'v Value<'_>,
    budget: &mut Budget,
) -> Result<Cow<'v, str>, Fault> {
    if let Some(text) = value.as_str() {
        budget.read(text.len())?;
        return Ok(Cow::Borrowed(text));
    }
    let mut text = String::new();
    match value {
        Value::Array(_) | Value::List(_) | Value::Object(_) => {
            let mut writer = Writer { out: &mut text, budget };
            writer.inspect(value, DEPTH_MAX)?;
        }
        other => scalar(&mut text, other),
    }
    Ok(Cow::Owned(text))
}

/// Appends a value as `{{ }}` prints it: a list is its items one after the other. With `xml`,
/// everything but [`Value::Safe`] is escaped. The caller charges for the output.
pub(super) fn print_into(
    out: &mut String,
    value: &Value<'_>,
    xml: bool,
    budget: &mut Budget,
) -> Result<(), Fault> {
    match value {
        Value::Safe(text) => out.push_str(text),
        Value::Array(_) | Value::List(_) => print_list(out, value, (xml, DEPTH_MAX), budget)?,
        Value::Object(_) => {
            let text = text_of(value, budget)?;
            print_str(out, &text, xml);
        }
        _ => match value.as_str() {
            Some(text) => print_str(out, text, xml),
            None => scalar(out, value),
        },
    }
    Ok(())
}

/// The value as JSON, without white space.
pub(super) fn json_of(value: &Value<'_>, budget: &mut Budget) -> Result<String, Fault> {
    let mut text = String::new();
    Writer { out: &mut text, budget }.json(value, DEPTH_MAX)?;
    Ok(text)
}

/// The value as a `serde_json` one, its types kept.
pub(super) fn to_json(value: &Value<'_>, budget: &mut Budget) -> Result<serde_json::Value, Fault> {
    let text = json_of(value, budget)?;
    serde_json::from_str(&text)
        .map_err(|error| Fault::operation(format!("the value is not JSON: {error}")))
}

/// A float as Ruby prints it.
pub(super) fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
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
    if xml { escape::xml_into(out, text) } else { out.push_str(text) }
}

fn print_list(
    out: &mut String,
    list: &Value<'_>,
    (xml, depth): (bool, u32),
    budget: &mut Budget,
) -> Result<(), Fault> {
    let Some(depth) = depth.checked_sub(1) else { return Err(too_deep()) };
    for index in 0..list.length().unwrap_or_default() {
        let before = out.len();
        match list.at(index) {
            item @ (Value::Array(_) | Value::List(_)) => {
                print_list(out, &item, (xml, depth), budget)?;
            }
            item => print_into(out, &item, xml, budget)?,
        }
        budget.step(1)?;
        budget.build(out.len() - before)?;
    }
    Ok(())
}

/// Appends what is neither text nor a list nor an object.
fn scalar(out: &mut String, value: &Value<'_>) {
    // Writing to a string cannot fail.
    let _ = match value {
        Value::Bool(value) => write!(out, "{value}"),
        Value::Int(number) => match i64::try_from(*number) {
            Ok(number) => write!(out, "{number}"),
            Err(_) => write!(out, "{number}"),
        },
        Value::Float(number) => write!(out, "{}", float_text(*number)),
        Value::Range(first, last) => write!(out, "{first}..{last}"),
        Value::Loop(state) if state.columns.is_some() => write!(out, "Liquid::TablerowloopDrop"),
        Value::Loop(_) => write!(out, "Liquid::ForloopDrop"),
        _ => Ok(()),
    };
}

fn too_deep() -> Fault {
    Fault::operation("a value is nested too deeply to be printed")
}

/// Writes nested values, and charges for them as it goes.
struct Writer<'w> {
    out: &'w mut String,
    budget: &'w mut Budget,
}

// === impl Writer ===

impl Writer<'_> {
    fn inspect(&mut self, value: &Value<'_>, depth: u32) -> Result<(), Fault> {
        let Some(depth) = depth.checked_sub(1) else { return Err(too_deep()) };
        match value {
            Value::Nil => self.push("nil"),
            Value::Array(_) | Value::List(_) => {
                self.push("[")?;
                for index in 0..value.length().unwrap_or_default() {
                    self.push(if index == 0 { "" } else { ", " })?;
                    self.inspect(&value.at(index), depth)?;
                }
                self.push("]")
            }
            Value::Object(data) => {
                self.push("{")?;
                self.entries(*data, |writer, first, key, value| {
                    writer.push(if first { "" } else { ", " })?;
                    writer.quoted(key)?;
                    writer.push("=>")?;
                    writer.inspect(&value.into(), depth)
                })?;
                self.push("}")
            }
            _ => match value.as_str() {
                Some(text) => self.quoted(text),
                None => {
                    let mut text = String::new();
                    scalar(&mut text, value);
                    self.push(&text)
                }
            },
        }
    }

    /// Text as Ruby quotes it.
    fn quoted(&mut self, text: &str) -> Result<(), Fault> {
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
                control if (control as u32) < 0x20 || control == '\u{7f}' => {
                    let _ = write!(quoted, "\\x{:02X}", control as u32);
                }
                other => quoted.push(other),
            }
        }
        quoted.push('"');
        self.push(&quoted)
    }

    fn json(&mut self, value: &Value<'_>, depth: u32) -> Result<(), Fault> {
        let Some(depth) = depth.checked_sub(1) else { return Err(too_deep()) };
        match value {
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            Value::Int(number) => self.push(&number.to_string()),
            Value::Float(number) if number.is_finite() => self.push(&json_float(*number)),
            Value::Array(_) | Value::List(_) | Value::Range(..) => {
                self.push("[")?;
                for index in 0..value.length().unwrap_or_default() {
                    self.push(if index == 0 { "" } else { "," })?;
                    self.json(&value.at(index), depth)?;
                }
                self.push("]")
            }
            Value::Object(data) => {
                self.push("{")?;
                self.entries(*data, |writer, first, key, value| {
                    writer.push(if first { "" } else { "," })?;
                    writer.json(&Value::Str(key), depth)?;
                    writer.push(":")?;
                    writer.json(&value.into(), depth)
                })?;
                self.push("}")
            }
            _ => match value.as_str() {
                Some(text) => self.push(&serde_json::Value::from(text).to_string()),
                None => self.push("null"),
            },
        }
    }

    /// Calls `each` for the entries of an object, until one fails.
    fn entries<'d>(
        &mut self,
        data: &'d dyn Data,
        mut each: impl FnMut(&mut Self, bool, &'d str, ValueRef<'d>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (mut first, mut result) = (true, Ok(()));
        data.each(&mut |key, value| {
            if result.is_ok() {
                result = each(self, first, key, value);
                first = false;
            }
        });
        result
    }

    fn push(&mut self, text: &str) -> Result<(), Fault> {
        self.budget.step(1)?;
        self.budget.build(text.len())?;
        self.out.push_str(text);
        Ok(())
    }
}

/// A float as JSON has it: a whole one keeps its `.0`, so that its type survives.
fn json_float(number: f64) -> String {
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
            assert_eq!(float_text(number), text);
        }
    }
}
