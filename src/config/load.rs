//! Reads the text of `config.toml` as a [`Config`], and reports every mistake in it.

mod account;
mod flow;
mod forward;
mod function;
mod functions;
mod headers;
mod route;
mod server;

use std::path::Path;
use std::time::Duration;

use toml::de::DeTable;

use super::Config;
use super::keys;
use super::reader::expand_text;
use super::redact::redact;
use crate::diagnostics::problem::{Problems, Source};
use crate::diagnostics::toml_reader::{
    TableTitle, TomlKey, TomlReader, TomlValue, in_file_order, parse_toml,
};

/// Reads a configuration: see [`Config::read`]. Without valid TOML there is only the second half.
pub(super) fn load_config(
    source: &Source,
    folder: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> (Option<Config>, Problems) {
    // The values come from the text with its secrets, and messages quote the one without. Both have
    // the same places.
    let redacted = Source::new(&source.name, &redact(&source.text));
    let mut problems = Problems::default();
    let Some(file) = parse_toml(&source.text, &redacted, &mut problems) else {
        return (None, problems);
    };
    let file = &file;
    let expand = |text: &str| expand_text(text, variable);
    let mut reader = TomlReader { source: redacted, folder, problems, expand: &expand };
    report_unknown_sections(&mut reader, file);
    // Every section is read, even after a mistake, so that all problems are reported at once.
    let signature = account::read_signature_mode(&mut reader, file);
    let accounts = account::read_accounts(&mut reader, file, signature);
    let project = functions::read_project(&mut reader, file);
    let functions = function::read_functions(&mut reader, file);
    let flows = flow::read_flows(&mut reader, file);
    let rewrites = flow::read_rewrites(&mut reader, file);
    let (routes, forwards) = route::read_routes(&mut reader, file, &functions);
    let admin = server::read_admin(&mut reader, file);
    let log = server::read_log_format(&mut reader, file);
    let dev = server::read_dev(&mut reader, file);
    let store = server::read_store_url(&mut reader, file);
    let trace = server::read_trace(&mut reader, file);
    let egress = server::read_egress(&mut reader, file);
    let server = server::read_server(&mut reader, file);
    let config = server.zip(project).map(|(server, project)| Config {
        folder: folder.to_owned(),
        is_partial: false,
        server,
        admin,
        log,
        dev,
        store,
        trace,
        signature,
        accounts,
        egress,
        project,
        functions,
        flows,
        rewrites,
        routes,
        forwards,
    });
    // The sections were read in another order than that of the file.
    reader.problems.sort();
    (config, reader.problems)
}

fn report_unknown_sections(reader: &mut TomlReader<'_>, file: &DeTable<'_>) {
    let top =
        |section: &'static keys::SectionSpec| section.name.split('.').next().unwrap_or_default();
    let mut known: Vec<&str> = keys::SECTIONS.iter().map(top).collect();
    // Sections with a common first word are adjacent in the table.
    known.dedup();
    for key in file.keys() {
        if !known.contains(&key.get_ref().as_ref()) {
            reader.report_unknown_key(key, &TableTitle::File, &known);
        }
    }
}

/// Whether a text is a sid of the kind that the prefix says.
fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The tables of a repeated section, `[[name]]`.
fn repeated_tables<'a, 'i>(
    reader: &mut TomlReader<'_>,
    value: Option<&'a TomlValue<'i>>,
    name: &str,
) -> Vec<&'a TomlValue<'i>> {
    let Some(value) = value else { return Vec::new() };
    match value.get_ref().as_array() {
        Some(tables) => tables.iter().collect(),
        None => {
            let message = format!("`{name}` is not a list of sections");
            let problem = reader.source.error(value.span(), message);
            reader.report(problem.expected(format!("`[[{name}]]`, with two brackets")));
            Vec::new()
        }
    }
}

/// The sections below `[function]`, `[flow]` or `[route]`, in the order of the file.
fn named_tables<'a, 'i>(
    reader: &mut TomlReader<'_>,
    file: &'a DeTable<'i>,
    kind: &str,
) -> Vec<(&'a TomlKey<'i>, &'a TomlValue<'i>)> {
    let Some(value) = file.get(kind) else { return Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        let problem = reader.source.error(value.span(), format!("`{kind}` has no name"));
        reader.report(problem.expected(format!("`[{kind}.…]`")));
        return Vec::new();
    };
    in_file_order(table).collect()
}

fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(count.unsigned_abs())
}
