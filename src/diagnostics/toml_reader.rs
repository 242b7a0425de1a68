//! TOML files of the user's, read key by key against a table of their keys.
//!
//! [`TomlReader`] holds the file and what is wrong with it, [`TomlTable`] one of its tables,
//! [`KeySpec`] what a key may be. Every value comes with its place, so that what a later stage
//! finds wrong with it can be shown there.
//!
//! Invariant: a value that is missing in a result has its reason among the problems; no mistake
//! stops the reading.

mod key_spec;
mod value;

pub(crate) use key_spec::{KeyDefault, KeyKind, KeySpec, KeyTable};
pub(crate) use value::to_json;
pub(crate) use value::{TomlKey, TomlValue, in_file_order, parse_toml, to_i64};

use std::fmt::Display;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems, Source};
use super::shorten::shorten;
use super::suggest::did_you_mean;

/// Characters of a value that a message shows.
const SHOWN_MAX: usize = 61;

/// A value with its place in a file.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the text of the file, quotes included.
    pub span: Range<usize>,
}

/// A file while it is read.
pub(crate) struct TomlReader<'a> {
    /// The file as problems may show it.
    pub source: Source,
    /// The folder of the file, where its relative paths begin.
    pub folder: &'a Path,
    /// Everything that is wrong with it so far.
    pub problems: Problems,
    /// Replaces references in a text, such as `${NAME}`; else what is wrong with it.
    pub expand: &'a dyn Fn(&str) -> Result<String, Problem>,
}

/// One table of a file, present in it or not.
pub(crate) struct TomlTable<'a, 'i> {
    title: TableTitle,
    keys: &'static [KeySpec],
    table: Option<&'a DeTable<'i>>,
    span: Range<usize>,
}

/// How messages name a table and its keys.
#[derive(Clone, Debug)]
pub(crate) enum TableTitle {
    /// The file itself: a key is in no table.
    File,
    /// A section: `server` for `[server]`; its keys are named `server.listen`.
    Section(String),
    /// A table with a name of its own: `[[case]]`; its keys are named alone.
    Table(&'static str),
}

/// Why a value could not be converted.
enum ValueError {
    /// It is of another kind than the key's.
    WrongKind,
    /// What is wrong with it is among the problems already.
    Reported,
}

type Converted<T> = Result<T, ValueError>;

// === impl TomlReader ===

impl TomlReader<'_> {
    /// Adds a mistake.
    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Reports a key that its table does not have. `title` is the table's, as it is written.
    pub(crate) fn report_unknown_key(
        &mut self,
        key: &TomlKey<'_>,
        title: &TableTitle,
        known: &[&str],
    ) {
        let name = key.get_ref();
        let place = match title {
            TableTitle::File => String::new(),
            TableTitle::Section(section) => format!(" in `[{section}]`"),
            TableTitle::Table(table) => format!(" in `{table}`"),
        };
        let help = did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
        let problem = self.source.error(key.span(), format!("unknown key `{name}`{place}"));
        self.report(problem.expected("no such key").help(help));
    }

    fn expand(&mut self, text: &str, span: Range<usize>) -> Option<String> {
        let expanded = (self.expand)(text);
        // A function of the file's format, so that this reader need not know what a reference is.
        expanded.map_err(|problem| self.report(self.source.locate(span, problem))).ok()
    }
}

// === impl TomlTable ===

impl<'a, 'i> TomlTable<'a, 'i> {
    /// A table whose keys have not been looked at. `span` is where a key that is missing in it is
    /// reported.
    pub(crate) fn new(
        title: TableTitle,
        keys: &'static [KeySpec],
        table: Option<&'a DeTable<'i>>,
        span: Range<usize>,
    ) -> TomlTable<'a, 'i> {
        TomlTable { title, keys, table, span }
    }

    /// Reports every key that the table does not have. `below` are the names of tables in it, which
    /// others read.
    pub(crate) fn report_unknown_keys<'n>(
        &self,
        reader: &mut TomlReader<'_>,
        below: impl IntoIterator<Item = &'n str>,
    ) {
        let known: Vec<&str> = self.keys.iter().map(|key| key.name).chain(below).collect();
        for key in self.table.iter().flat_map(|table| table.keys()) {
            if !known.contains(&key.get_ref().as_ref()) {
                reader.report_unknown_key(key, &self.title, &known);
            }
        }
    }

    /// A value as it was parsed.
    pub(crate) fn get(&self, name: &str) -> Option<&'a TomlValue<'i>> {
        self.table?.get(name)
    }

    /// Whether the file has the key, so that its default does not apply.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Where the table begins.
    pub(crate) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What a key of the table may be.
    pub(crate) fn key(&self, name: &str) -> &'static KeySpec {
        let key = self.keys.iter().find(|key| key.name == name);
        // A name that is not in the table is our mistake, and every key is read by a test.
        key.expect("keys are asked for by the names of the table")
    }

    /// A text; the default where the key is missing.
    pub(crate) fn text(&self, reader: &mut TomlReader<'_>, name: &str) -> Option<Spanned<String>> {
        self.read(reader, name, |reader, key, value| {
            let text = value.get_ref().as_str().ok_or(ValueError::WrongKind)?;
            // Expanded before it is compared: a variable may choose one of the words.
            let text = reader.expand(text, value.span()).ok_or(ValueError::Reported)?;
            match key.kind {
                KeyKind::Choice(words) if !words.contains(&text.as_str()) => {
                    Err(ValueError::WrongKind)
                }
                _ => Ok(text),
            }
        })
    }

    /// A text that is not empty: the empty one means "not set".
    pub(crate) fn set_text(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
    ) -> Option<Spanned<String>> {
        self.text(reader, name).filter(|text| !text.value.is_empty())
    }

    /// A whole number within the bounds of the key.
    pub(crate) fn integer(&self, reader: &mut TomlReader<'_>, name: &str) -> Option<Spanned<i64>> {
        self.read(reader, name, |_, key, value| {
            let number = value.get_ref().as_integer().and_then(to_i64);
            let fits = |number: &i64| match key.kind {
                KeyKind::Integer(min, max) => (min..=max).contains(number),
                _ => true,
            };
            number.filter(fits).ok_or(ValueError::WrongKind)
        })
    }

    /// `true` or `false`.
    pub(crate) fn bool(&self, reader: &mut TomlReader<'_>, name: &str) -> Option<bool> {
        self.value(reader, name, |value| value.as_bool()).map(|flag| flag.value)
    }

    /// A list of texts.
    pub(crate) fn list(&self, reader: &mut TomlReader<'_>, name: &str) -> Vec<Spanned<String>> {
        let read = self.read(reader, name, |reader, _, value| {
            let mut texts = Vec::new();
            for item in value.get_ref().as_array().ok_or(ValueError::WrongKind)? {
                let text = item.get_ref().as_str().ok_or(ValueError::WrongKind)?;
                if let Some(value) = reader.expand(text, item.span()) {
                    texts.push(Spanned { value, span: item.span() });
                }
            }
            Ok(texts)
        });
        read.map(|texts| texts.value).unwrap_or_default()
    }

    /// A table of texts, in the order of the file.
    pub(crate) fn map(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
    ) -> Vec<(String, Spanned<String>)> {
        let read = self.read(reader, name, |reader, _, value| {
            let mut texts = Vec::new();
            let table = value.get_ref().as_table().ok_or(ValueError::WrongKind)?;
            for (key, item) in in_file_order(table) {
                let text = item.get_ref().as_str().ok_or(ValueError::WrongKind)?;
                if let Some(value) = reader.expand(text, item.span()) {
                    texts.push((key.get_ref().to_string(), Spanned { value, span: item.span() }));
                }
            }
            Ok(texts)
        });
        read.map(|texts| texts.value).unwrap_or_default()
    }

    /// The same without the places.
    pub(crate) fn texts(&self, reader: &mut TomlReader<'_>, name: &str) -> Vec<(String, String)> {
        self.map(reader, name).into_iter().map(|(key, text)| (key, text.value)).collect()
    }

    /// A value that `convert` understands; any other is of the wrong kind.
    pub(crate) fn value<T>(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
        convert: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Option<Spanned<T>> {
        self.read(reader, name, |_, _, value| convert(value.get_ref()).ok_or(ValueError::WrongKind))
    }

    /// The problem that a value of the right kind will not do, as far as it is the same for every
    /// key.
    pub(crate) fn wrong(
        &self,
        source: &Source,
        name: &str,
        found: &Spanned<impl Display>,
    ) -> Problem {
        let value = found.value.to_string();
        let shown = hide_userinfo(as_written(source, &found.span, &value).to_owned());
        self.wrong_as(source, name, Spanned { value: shown, span: found.span.clone() })
    }

    /// Reports that a value is of the wrong kind.
    pub(crate) fn report_wrong_kind(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
        span: Range<usize>,
    ) {
        let written = reader.source.text.get(span.clone()).unwrap_or_default();
        // A message has one line; the excerpt below it shows more.
        let shown = shorten(written.lines().next().unwrap_or_default(), SHOWN_MAX);
        let found = Spanned { value: hide_userinfo(shown), span };
        let key = self.key(name);
        let problem = self.wrong_as(&reader.source, name, found);
        reader.report(problem.expected(key.kind.expected()).help(key.doc));
    }

    fn wrong_as(&self, source: &Source, name: &str, shown: Spanned<String>) -> Problem {
        let key = match &self.title {
            TableTitle::Section(section) => format!("{section}.{name}"),
            TableTitle::File | TableTitle::Table(_) => name.to_owned(),
        };
        source.error(shown.span, format!("`{key}` is `{}`", shown.value))
    }

    /// Reads one value, or the key's default, by `convert`.
    fn read<T>(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
        convert: impl FnOnce(&mut TomlReader<'_>, &KeySpec, &TomlValue<'_>) -> Converted<T>,
    ) -> Option<Spanned<T>> {
        let key = self.key(name);
        if let Some(given) = self.get(name) {
            let span = given.span();
            return match convert(reader, key, given) {
                Ok(value) => Some(Spanned { value, span }),
                Err(ValueError::Reported) => None,
                Err(ValueError::WrongKind) => {
                    self.report_wrong_kind(reader, name, span);
                    None
                }
            };
        }
        match key.default {
            KeyDefault::Unset => None,
            KeyDefault::Required => {
                self.report_missing(reader, key);
                None
            }
            KeyDefault::Toml(default) => {
                let default = DeValue::parse(default).expect("defaults are TOML, as a test shows");
                // A default that cannot be used is reported where the table is.
                let default = TomlValue::new(self.span(), default.into_inner());
                let value = convert(reader, key, &default).ok()?;
                Some(Spanned { value, span: self.span() })
            }
        }
    }

    fn report_missing(&self, reader: &mut TomlReader<'_>, key: &KeySpec) {
        let table = match &self.title {
            TableTitle::File => "the file",
            TableTitle::Section(section) => section,
            TableTitle::Table(table) => table,
        };
        let problem = reader.source.error(self.span(), format!("`{table}` has no `{}`", key.name));
        let expected = format!("`{} = …`, {}", key.name, key.kind.expected());
        reader.report(problem.expected(expected).help(key.doc));
    }
}

/// A value as it may be shown: as it is written where a part of it came out of the environment,
/// which may be a secret in the wrong place.
pub(crate) fn as_written<'a>(source: &'a Source, span: &Range<usize>, value: &'a str) -> &'a str {
    let written = source.text.get(span.clone()).unwrap_or_default();
    // What the file does not contain literally came from a variable.
    if written.contains(value) { value } else { written.trim_matches(['"', '\'']) }
}

/// Hides `user:password` in front of the host of a URL.
pub(crate) fn hide_userinfo(mut text: String) -> String {
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let start = from + at + 3;
        let ends = |c: char| c.is_whitespace() || "/?#\"'".contains(c);
        let end = text[start..].find(ends).map_or(text.len(), |end| start + end);
        // The last `@`: a password may contain others.
        if let Some(length) = text[start..end].rfind('@') {
            let hidden = "*".repeat(length);
            text.replace_range(start..start + length, &hidden);
        }
        from = end;
    }
    text
}
