//! Values of TOML as the parser gives them.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::diagnostics::problem::{Problems, Source};

/// A key as the parser gives it.
pub(crate) type TomlKey<'i> = Spanned<Cow<'i, str>>;

/// A value as the parser gives it.
pub(crate) type TomlValue<'i> = Spanned<DeValue<'i>>;

/// Parses a file; `None` where it is not TOML, and then every reason is among the problems.
/// `shown` is the file as problems may show it, with the same places as `text`.
pub(crate) fn parse_toml<'i>(
    text: &'i str,
    shown: &Source,
    problems: &mut Problems,
) -> Option<DeTable<'i>> {
    // Recoverable: a file with three mistakes shows three.
    let (file, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        problems.push(shown.error(span, format!("not TOML: {}", error.message())));
    }
    errors.is_empty().then(|| file.into_inner())
}

/// The members of a table in the order of the file: the parser sorts them by their names.
pub(crate) fn in_file_order<'a, 'i>(
    table: &'a DeTable<'i>,
) -> impl Iterator<Item = (&'a TomlKey<'i>, &'a TomlValue<'i>)> {
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(key, _)| key.span().start);
    members.into_iter()
}

/// A whole number of 64 bits, in any of TOML's notations.
pub(crate) fn to_i64(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The same value in JSON; a date becomes a text. `None` for a number that JSON does not have.
pub(crate) fn to_json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => Value::from(to_i64(number)?),
        DeValue::Float(number) => Value::Number(Number::from_f64(number.as_str().parse().ok()?)?),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| to_json(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let member = |(key, value): (&TomlKey<'_>, &TomlValue<'_>)| -> Option<(String, Value)> {
                Some((key.get_ref().to_string(), to_json(value.get_ref())?))
            };
            Value::Object(in_file_order(table).map(member).collect::<Option<Map<_, _>>>()?)
        }
    })
}
