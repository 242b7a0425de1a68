//! A section of the file, read key by key against the table of keys; every mistake is kept, none
//! stops the reading.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::expand;
use super::keys::{self, Key, Kind};
use super::located::shown;
use super::redact::hide_userinfo;
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::diagnostics::suggest::did_you_mean;

/// The file being read, what is wrong with it so far, and the environment it may name.
pub(super) struct Reader<'a> {
    /// The file, without the secrets that stand in it.
    pub source: Source,
    /// Where it lies: its paths are relative to here.
    pub folder: &'a Path,
    pub problems: Problems,
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// One section, present in the file or not.
pub(super) struct Section<'a, 'i> {
    /// As the user wrote it: `function.lookup`.
    name: String,
    keys: &'static [Key],
    table: Option<&'a DeTable<'i>>,
    /// Where the section begins, for keys that are missing.
    span: Range<usize>,
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub value: T,
    pub span: Range<usize>,
}

/// What stands behind the caret where a variable is not set.
pub const NEEDS_ENVIRONMENT: &str = "needs the environment";

/// A value of the kind that was asked for, `Ok(None)` where what is wrong with it has been said,
/// `Err` where it is of another kind.
type Converted<T> = Result<Option<T>, ()>;

// === impl Reader ===

impl Reader<'_> {
    /// Keeps a mistake.
    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The section at a value that should be a table. Unknown keys in it are errors; `subsections`
    /// are read by others.
    pub(super) fn section<'a, 'i>(
        &mut self,
        kind: &'static str,
        name: &str,
        value: Option<&'a Spanned<DeValue<'i>>>,
    ) -> Section<'a, 'i> {
        let keys = keys::section(kind).keys;
        let span = value.map_or(0..0, Spanned::span);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            let message = format!("`{name}` is {}", article(value.get_ref()));
            let problem = self.source.error(value.span(), message);
            self.problem(problem.expected(format!("a section `[{name}]`")));
        }
        let section = Section { name: name.to_owned(), keys, table, span };
        self.unknown_keys(kind, &section);
        section
    }

    fn unknown_keys(&mut self, kind: &str, section: &Section<'_, '_>) {
        let prefix = format!("{kind}.");
        let below = keys::SECTIONS.iter().filter_map(|below| below.name.strip_prefix(&prefix));
        let known: Vec<&str> = section.keys.iter().map(|key| key.name).chain(below).collect();
        for key in section.table.iter().flat_map(|table| table.keys()) {
            if !known.contains(&key.get_ref().as_ref()) {
                self.unknown(key, &section.name, &known);
            }
        }
    }

    /// Says that nothing has the name of this key.
    pub(super) fn unknown(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        section: &str,
        known: &[&str],
    ) {
        let name = key.get_ref();
        let of = if section.is_empty() { String::new() } else { format!(" in `[{section}]`") };
        let help = did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
        let problem = self.source.error(key.span(), format!("unknown key `{name}`{of}"));
        self.problem(problem.expected("no such key").help(help));
    }

    /// Replaces `${NAME}` and `${NAME:-default}` in a text of the file.
    fn expand(&mut self, text: &str, span: &Range<usize>) -> Option<String> {
        match expand(text, self.variable) {
            Ok(expanded) => Some(expanded),
            Err(error) => {
                let problem = self.source.error(span.clone(), error.to_string());
                self.problem(problem.expected(NEEDS_ENVIRONMENT).help(error.help()));
                None
            }
        }
    }
}

// === impl Section ===

impl<'a, 'i> Section<'a, 'i> {
    /// A text; the default where the key is missing. `None` when there is no valid value, and then
    /// the reason is among the problems.
    pub(super) fn text(&self, reader: &mut Reader<'_>, name: &str) -> Option<At<String>> {
        self.value(reader, name, |reader, key, value, span| {
            let text = value.as_str().ok_or(())?;
            let Some(text) = reader.expand(text, &span) else { return Ok(None) };
            if let Kind::Choice(words) = key.kind
                && !words.contains(&text.as_str())
            {
                return Err(());
            }
            Ok(Some(text))
        })
    }

    /// A text that is not empty: the empty one stands for "not set".
    pub(super) fn set_text(&self, reader: &mut Reader<'_>, name: &str) -> Option<At<String>> {
        self.text(reader, name).filter(|text| !text.value.is_empty())
    }

    /// A file that must be there; `None` where it is not set.
    pub(super) fn file(&self, reader: &mut Reader<'_>, name: &str) -> Option<PathBuf> {
        let text = self.set_text(reader, name)?;
        let path = reader.folder.join(&text.value);
        if !path.is_file() {
            let problem = self.wrong(&reader.source, name, &text);
            let help = "a path is relative to the folder of this file";
            reader.problem(problem.expected("no such file").help(help));
        }
        Some(path)
    }

    /// A text of some form, `None` where it is empty or wrong.
    pub(super) fn parsed<T: FromStr>(&self, reader: &mut Reader<'_>, name: &str) -> Option<At<T>> {
        let text = self.set_text(reader, name)?;
        match text.value.parse() {
            Ok(value) => Some(At { value, span: text.span }),
            Err(_) => {
                let expected = self.key(name).kind.expected();
                reader.problem(self.wrong(&reader.source, name, &text).expected(expected));
                None
            }
        }
    }

    /// A whole number within the bounds of the key.
    pub(super) fn integer(&self, reader: &mut Reader<'_>, name: &str) -> Option<i64> {
        self.integer_at(reader, name).map(|at| at.value)
    }

    /// The same with its place.
    pub(super) fn integer_at(&self, reader: &mut Reader<'_>, name: &str) -> Option<At<i64>> {
        self.value(reader, name, |_, key, value, _| {
            let integer = value.as_integer().ok_or(())?;
            let number = i64::from_str_radix(integer.as_str(), integer.radix()).map_err(|_| ())?;
            match key.kind {
                Kind::Integer(min, max) if number < min || number > max => Err(()),
                _ => Ok(Some(number)),
            }
        })
    }

    /// `true` or `false`.
    pub(super) fn bool(&self, reader: &mut Reader<'_>, name: &str) -> Option<bool> {
        let read = self.value(reader, name, |_, _, value, _| value.as_bool().map(Some).ok_or(()));
        read.map(|at| at.value)
    }

    /// A list of texts.
    pub(super) fn list(&self, reader: &mut Reader<'_>, name: &str) -> Vec<At<String>> {
        let read = self.value(reader, name, |reader, _, value, _| {
            let mut texts = Vec::new();
            for item in value.as_array().ok_or(())? {
                let text = item.get_ref().as_str().ok_or(())?;
                if let Some(value) = reader.expand(text, &item.span()) {
                    texts.push(At { value, span: item.span() });
                }
            }
            Ok(Some(texts))
        });
        read.map(|at| at.value).unwrap_or_default()
    }

    /// A table of texts, in the order of the file.
    pub(super) fn map(&self, reader: &mut Reader<'_>, name: &str) -> Vec<(String, At<String>)> {
        let read = self.value(reader, name, |reader, _, value, _| {
            let mut texts = Vec::new();
            for (key, item) in value.as_table().ok_or(())? {
                let text = item.get_ref().as_str().ok_or(())?;
                if let Some(value) = reader.expand(text, &item.span()) {
                    texts.push((key.get_ref().to_string(), At { value, span: item.span() }));
                }
            }
            texts.sort_by_key(|(_, text)| text.span.start);
            Ok(Some(texts))
        });
        read.map(|at| at.value).unwrap_or_default()
    }

    /// Says that the value of a key will not do.
    pub(super) fn wrong<T: std::fmt::Display>(
        &self,
        source: &Source,
        name: &str,
        found: &At<T>,
    ) -> Problem {
        let value = found.value.to_string();
        let shown = hide_userinfo(shown(source, &found.span, &value).to_owned());
        source.error(found.span.clone(), format!("`{}.{name}` is `{shown}`", self.name))
    }

    /// Where the section begins.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn key(&self, name: &str) -> &'static Key {
        let key = self.keys.iter().find(|key| key.name == name);
        key.expect("keys are asked for by the names of the table")
    }

    /// Reads one value, or the key's default, by `convert`.
    fn value<T>(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        convert: impl Fn(&mut Reader<'_>, &Key, &DeValue<'_>, Range<usize>) -> Converted<T>,
    ) -> Option<At<T>> {
        let key = self.key(name);
        let Some(given) = self.table.and_then(|table| table.get(name)) else {
            return self.default(reader, key, convert);
        };
        match convert(reader, key, given.get_ref(), given.span()) {
            Ok(value) => value.map(|value| At { value, span: given.span() }),
            Err(()) => {
                let found = reader.source.text.get(given.span()).unwrap_or_default();
                let found = At { value: shortened(found), span: given.span() };
                let problem = self.wrong(&reader.source, key.name, &found);
                reader.problem(problem.expected(key.kind.expected()).help(key.doc));
                None
            }
        }
    }

    fn default<T>(
        &self,
        reader: &mut Reader<'_>,
        key: &Key,
        convert: impl Fn(&mut Reader<'_>, &Key, &DeValue<'_>, Range<usize>) -> Converted<T>,
    ) -> Option<At<T>> {
        let Some(default) = key.default else {
            let message = format!("`{}` has no `{}`", self.name, key.name);
            let problem = reader.source.error(self.span.clone(), message);
            let expected = format!("`{} = …`, {}", key.name, key.kind.expected());
            reader.problem(problem.expected(expected).help(key.doc));
            return None;
        };
        let default = DeValue::parse(default).expect("defaults are TOML, as a test shows");
        let value = convert(reader, key, default.get_ref(), self.span.clone());
        value.ok().flatten().map(|value| At { value, span: self.span.clone() })
    }
}

/// What a value is, with its article.
fn article(value: &DeValue<'_>) -> String {
    match value.type_str() {
        word @ ("array" | "integer") => format!("an {word}"),
        word => format!("a {word}"),
    }
}

/// A value of the file for a message of one line.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
