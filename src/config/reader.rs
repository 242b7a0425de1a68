//! The rules of `config.toml` for the TOML reader: its keys, `${NAME}`, and relative paths.

use std::path::PathBuf;
use std::str::FromStr;

use super::ConfigText;
use super::environment::expand_references;
use super::keys;
use crate::diagnostics::problem::{Problem, Severity};
use crate::diagnostics::toml_reader::{Spanned, TableTitle, TomlReader, TomlTable, TomlValue};

/// The expectation of a problem with a variable that is not set. Flow tests recognize it, and add
/// that a test can set the variable too.
pub(crate) const NEEDS_ENVIRONMENT: &str = "needs the environment";

/// Replaces every `${NAME}` and `${NAME:-default}` in a text.
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
    /// Reads a section, and reports unknown keys. `kind` is its name in the table of keys, `name`
    /// the one in the file.
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
        // Without a value the section is empty: each key has its default, and required ones are
        // reported.
        let title = TableTitle::Section(name.to_owned());
        let span = value.map_or(0..0, TomlValue::span);
        let section = TomlTable::new(title, keys::section(kind).keys, table, span);
        let prefix = format!("{kind}.");
        // Sections below this one are keys of its table, and are read by others.
        let below = keys::SECTIONS.iter().filter_map(|below| below.name.strip_prefix(&prefix));
        section.report_unknown_keys(self, below);
        section
    }

    /// Adds the place to a text that is read later, for problems in it.
    pub(super) fn config_text(&self, text: Spanned<String>) -> ConfigText {
        ConfigText { text: text.value, source: self.source.clone(), span: text.span }
    }
}

impl TomlTable<'_, '_> {
    /// Reads the path of a file that must exist; `None` if the key is not set.
    pub(super) fn file(&self, reader: &mut TomlReader<'_>, name: &str) -> Option<PathBuf> {
        let text = self.set_text(reader, name)?;
        let path = reader.folder.join(&text.value);
        // Whether it can be read is checked later: a key often belongs to another user.
        if !path.is_file() {
            let problem = self.wrong(&reader.source, name, &text);
            let help = "a path is relative to the folder of this file";
            reader.report(problem.expected("no such file").help(help));
        }
        Some(path)
    }

    /// Parses a text of the section, and reports one that is invalid.
    pub(super) fn parse<T: FromStr>(
        &self,
        reader: &mut TomlReader<'_>,
        name: &str,
        text: Spanned<String>,
    ) -> Option<Spanned<T>> {
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
