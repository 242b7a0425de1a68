//! From the text of `config.toml` to a [`Config`], with every mistake on the way.

mod account;
mod flow;
mod function;
mod route;
mod server;

use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys;
use super::reader::{At, Reader};
use super::redact::redact;
use super::{Config, Located};
use crate::diagnostics::problem::{Problems, Source};

/// Reads a configuration. The second half holds everything that is wrong with it; the first is
/// there when the file could be read at all, and is only fit to run when no error was found.
pub(super) fn load(
    source: &Source,
    folder: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> (Option<Config>, Problems) {
    let (file, errors) = DeTable::parse_recoverable(&source.text);
    let source = Source::new(&source.name, &redact(&source.text));
    let problems = Problems::default();
    let mut reader = Reader { source: source.clone(), folder, problems, variable };
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let problem = source.error(span, format!("not TOML: {}", error.message()));
        reader.problem(problem);
    }
    if !errors.is_empty() {
        return (None, reader.problems);
    }
    let file = file.get_ref();
    unknown_sections(&mut reader, file);
    let accounts = account::accounts(&mut reader, file);
    let functions = function::functions(&mut reader, file);
    let flows = flow::flows(&mut reader, file);
    let rewrites = flow::rewrites(&mut reader, file);
    let routes = route::routes(&mut reader, file, &functions);
    let admin = server::admin(&mut reader, file);
    let log = server::log(&mut reader, file);
    let store = server::store(&mut reader, file);
    let signature = account::signature(&mut reader, file, &accounts);
    let egress = server::egress(&mut reader, file);
    let config = server::server(&mut reader, file).map(|server| Config {
        folder: folder.to_owned(),
        server,
        admin,
        log,
        store,
        signature,
        accounts,
        egress,
        functions,
        flows,
        rewrites,
        routes,
    });
    reader.problems.sort();
    (config, reader.problems)
}

fn unknown_sections(reader: &mut Reader<'_>, file: &DeTable<'_>) {
    let top = |section: &'static keys::Section| section.name.split('.').next().unwrap_or_default();
    let mut known: Vec<&str> = keys::SECTIONS.iter().map(top).collect();
    known.dedup();
    for key in file.keys() {
        if !known.contains(&key.get_ref().as_ref()) {
            reader.unknown(key, "", &known);
        }
    }
}

/// The tables of a `[[repeated]]` section.
fn repeated<'a, 'i>(
    reader: &mut Reader<'_>,
    value: Option<&'a Spanned<DeValue<'i>>>,
    name: &str,
) -> Vec<&'a Spanned<DeValue<'i>>> {
    let Some(value) = value else { return Vec::new() };
    match value.get_ref().as_array() {
        Some(tables) => tables.iter().collect(),
        None => {
            let message = format!("`{name}` is not a list of sections");
            let problem = reader.source.error(value.span(), message);
            reader.problem(problem.expected(format!("`[[{name}]]`, with two brackets")));
            Vec::new()
        }
    }
}

/// The sections below `[function]` or `[route]`, by the user's names, in the order of the file.
fn named<'a, 'i>(
    reader: &mut Reader<'_>,
    file: &'a DeTable<'i>,
    kind: &str,
) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
    let Some(value) = file.get(kind) else { return Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        let problem = reader.source.error(value.span(), format!("`{kind}` has no name"));
        reader.problem(problem.expected(format!("`[{kind}.…]`")));
        return Vec::new();
    };
    let mut sections: Vec<_> = table.iter().collect();
    sections.sort_by_key(|(name, _)| name.span().start);
    sections
}

fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(count.unsigned_abs())
}

impl Reader<'_> {
    /// A text that a later stage reads (a template, a file name), with its place for what is wrong
    /// in it.
    fn located(&self, text: At<String>) -> Located {
        Located { text: text.value, source: self.source.clone(), span: text.span }
    }
}
