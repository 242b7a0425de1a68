//! How `config.toml` is read: with its table of keys, `${NAME}`, and paths beside it.

use std::path::PathBuf;
use std::str::FromStr;

use super::ConfigText;
use super::environment::expand_references;
use super::keys;
use crate::diagnostics::problem::{Problem, Severity};
use crate::diagnostics::toml_reader::{Spanned, TableTitle, TomlReader, TomlTable, TomlValue};

/// What is printed behind the caret where a variable is not set.
pub(crate) const NEEDS_ENVIRONMENT: &str = "needs the environment";

/// The text with every `${NAME}` and `${NAME:-default}` replaced.
pub(super) fn expand_text(
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Problem> {
    expand_references(text, variable).map_err(|error| {
        let problem = Problem::new(Severity::Error, error.to_string());
        problem.expected(NEEDS_ENVIRONMENT).help(error.help())
    })
}

impl TomlReader<'_> {
    /// The section at a value that should be a table, `kind` its name in the table of keys. Unknown
    /// keys in it are errors; sections below it are read by others.
    pub(super) fn section<'a, 'i>(
        &mut self,
        kind: &'static str,
        name: &str,
        value: Option<&'a TomlValue<'i>>,
    ) -> TomlTable<'a, 'i> {
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            let article = match value.get_ref().type_str() {
                word @ ("array" | "integer") => format!("an {word}"),
                word => format!("a {word}"),
            };
            let problem = self.source.error(value.span(), format!("`{name}` is {article}"));
            self.report(problem.expected(format!("a section `[{name}]`")));
        }
        let title = TableTitle::Section(name.to_owned());
        let span = value.map_or(0..0, TomlValue::span);
        let section = TomlTable::new(title, keys::section(kind).keys, table, span);
        let prefix = format!("{kind}.");
        let below = keys::SECTIONS.iter().filter_map(|below| below.name.strip_prefix(&prefix));
        section.report_unknown_keys(self, below);
        section
    }

    /// A text that a later stage reads (a template, a file name), with its place for what is wrong
    /// in it.
    pub(super) fn config_text(&self, text: Spanned<String>) -> ConfigText {
        ConfigText { text: text.value, source: self.source.clone(), span: text.span }
    }
}

impl TomlTable<'_, '_> {
    /// A file that must exist; `None` where it is not set.
    pub(super) fn file(&self, reader: &mut TomlReader<'_>, name: &str) -> Option<PathBuf> {
        let text = self.set_text(reader, name)?;
        let path = reader.folder.join(&text.value);
        if !path.is_file() {
            let problem = self.wrong(&reader.source, name, &text);
            let help = "a path is relative to the folder of this file";
            reader.report(problem.expected("no such file").help(help));
        }
        Some(path)
    }

    /// A text of some form, `None` where it is empty or wrong.
    pub(super) fn parse_text<T: FromStr>(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
    ) -> Option<Spanned<T>> {
        let text = self.set_text(reader, name)?;
        match text.value.parse() {
            Ok(value) => Some(Spanned { value, span: text.span }),
            Err(_) => {
                let expected = self.key(name).kind.expected();
                reader.report(self.wrong(&reader.source, name, &text).expected(expected));
                None
            }
        }
    }
}
