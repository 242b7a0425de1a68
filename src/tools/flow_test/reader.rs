//! TOML, read key by key against the table of keys; every mistake is kept, none stops the reading.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys;
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::diagnostics::suggest::did_you_mean;

/// The file being read, and what is wrong with it so far.
pub(super) struct Reader<'a> {
    pub source: &'a Source,
    pub problems: Problems,
}

/// A table of the file, at one of the places that keys have.
#[derive(Clone, Copy)]
pub(super) struct Table<'a, 'i> {
    place: &'static str,
    table: &'a DeTable<'i>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// A value as the parser gives it.
pub(super) type Given<'a, 'i> = &'a Spanned<DeValue<'i>>;

// === impl Reader ===

impl Reader<'_> {
    /// Keeps a mistake.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// A table at a place: keys that the place has not are mistakes.
    pub(super) fn table<'a, 'i>(
        &mut self,
        place: &'static str,
        table: &'a DeTable<'i>,
    ) -> Table<'a, 'i> {
        for key in table.keys() {
            let name: &Cow<'_, str> = key.get_ref();
            if keys::find(place, name).is_some() {
                continue;
            }
            let known = || keys::of(place).collect::<Vec<_>>().join(", ");
            let help = did_you_mean(name, keys::of(place))
                .unwrap_or_else(|| format!("known here: {}", known()));
            let of = if place == keys::FILE { String::new() } else { format!(" in `{place}`") };
            let problem = self.source.error(key.span(), format!("unknown key `{name}`{of}"));
            self.problem(problem.expected("no such key").help(help));
        }
        Table { place, table }
    }

    /// Says that a value will not do.
    pub(super) fn wrong(&mut self, place: &str, name: &str, span: Range<usize>) {
        let Some(key) = keys::find(place, name) else { return };
        let found = shortened(self.source.text.get(span.clone()).unwrap_or_default());
        let problem = self.source.error(span, format!("`{name}` is `{found}`"));
        self.problem(problem.expected(key.expects).help(key.doc));
    }
}

// === impl Table ===

impl<'a, 'i> Table<'a, 'i> {
    /// A value as it was parsed.
    pub(super) fn get(&self, name: &str) -> Option<Given<'a, 'i>> {
        self.table.get(name)
    }

    /// A value that `convert` understands; what it does not is a mistake.
    pub(super) fn value<T>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        convert: impl FnOnce(&DeValue<'i>) -> Option<T>,
    ) -> Option<At<T>> {
        let given = self.get(name)?;
        let value = convert(given.get_ref());
        if value.is_none() {
            reader.wrong(self.place, name, given.span());
        }
        value.map(|value| At { value, span: given.span() })
    }

    /// A text.
    pub(super) fn text(&self, reader: &mut Reader<'_>, name: &str) -> Option<At<String>> {
        self.value(reader, name, |value| value.as_str().map(str::to_owned))
    }

    /// A table of texts, in the order of the file.
    pub(super) fn texts(&self, reader: &mut Reader<'_>, name: &str) -> Vec<(String, String)> {
        let read = self.value(reader, name, |value| {
            let mut texts: Vec<_> = value.as_table()?.iter().collect();
            texts.sort_by_key(|(key, _)| key.span().start);
            let text = |(key, value): (&Spanned<Cow<'_, str>>, Given<'_, '_>)| {
                Some((key.get_ref().to_string(), value.get_ref().as_str()?.to_owned()))
            };
            texts.into_iter().map(text).collect()
        });
        read.map(|read| read.value).unwrap_or_default()
    }

    /// Where the table's first key stands, for what is missing in it.
    pub(super) fn span(&self) -> Range<usize> {
        self.table.keys().map(Spanned::span).min_by_key(|span| span.start).unwrap_or(0..0)
    }
}

/// The JSON that says the same as a value of TOML; a date is a text.
pub(super) fn json(value: &DeValue<'_>) -> Option<Value> {
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            Value::from(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Float(number) => Value::Number(Number::from_f64(number.as_str().parse().ok()?)?),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Array(items) => {
            Value::Array(items.iter().map(|item| json(item.get_ref())).collect::<Option<_>>()?)
        }
        DeValue::Table(table) => {
            let mut entries: Vec<_> = table.iter().collect();
            entries.sort_by_key(|(key, _)| key.span().start);
            let entry = |(key, value): (&Spanned<Cow<'_, str>>, Given<'_, '_>)| {
                Some((key.get_ref().to_string(), json(value.get_ref())?))
            };
            Value::Object(entries.into_iter().map(entry).collect::<Option<Map<_, _>>>()?)
        }
    })
}

/// A value of the file for a message of one line.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
